#pragma once

#include "vulkan_context.h"

#include <array>
#include <cstdint>
#include <vulkan/vulkan.h>

/// The frame loop's scene without a window: what the driver could do if presenting were free.
class OffscreenLoop {
public:
    OffscreenLoop(client::VulkanContext& context, VkExtent2D extent);
    ~OffscreenLoop();
    OffscreenLoop(const OffscreenLoop&) = delete;
    OffscreenLoop& operator=(const OffscreenLoop&) = delete;

    void frame();
    void finish() { vkQueueWaitIdle(m_context.queues()[0]); }

private:
    struct Slot {
        VkImage image = VK_NULL_HANDLE;
        VkDeviceMemory memory = VK_NULL_HANDLE;
        VkCommandBuffer command = VK_NULL_HANDLE;
        VkFence done = VK_NULL_HANDLE;
    };

    void createImage(Slot& slot, VkExtent2D extent);

    client::VulkanContext& m_context;
    VkCommandPool m_pool = VK_NULL_HANDLE;
    std::array<Slot, 3> m_slots;
    uint32_t m_number = 0;
};
