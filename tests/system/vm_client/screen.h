// Displays shown on: modes, surfaces on planes, swapchains, frames of one colour.
#pragma once

#include "vulkan.h"

#include <array>
#include <optional>

struct Display {
    VkDisplayPropertiesKHR properties{};
    std::vector<VkDisplayModePropertiesKHR> modes;
};

std::vector<Display> displaysOf(const Vulkan& vulkan);

class Screen {
public:
    // Colour components from 0 to 1.
    Screen(const Vulkan& vulkan, const Display& display, const VkDisplayModePropertiesKHR& mode,
           VkPresentModeKHR presentMode = VK_PRESENT_MODE_FIFO_KHR);
    // Several displays in their first modes show the same images, of the first one's size.
    Screen(const Vulkan& vulkan, const std::vector<Display>& displays);
    ~Screen();
    Screen(const Screen&) = delete;

    // From now on frames go to this part of the display.
    void place(const VkRect2D& destination) { m_destination = destination; }

    // Vertical blanks so far (VK_EXT_display_control).
    uint64_t vblanks() const;

    // One frame; the first result that is no success, of acquire or present.
    VkResult show(const std::array<float, 3>& colour);

private:
    VkSwapchainCreateInfoKHR describe(const Display& display, const VkDisplayModePropertiesKHR& mode,
                                      VkExtent2D extent);
    void prepare();

    const Vulkan& m_vulkan;
    VkExtent2D m_extent{};
    std::optional<VkRect2D> m_destination;
    VkSwapchainCounterCreateInfoEXT m_counters{};
    std::vector<VkSurfaceKHR> m_surfaces;
    std::vector<VkSwapchainKHR> m_swapchains;
    std::vector<VkSemaphore> m_acquired; // one a swapchain
    VkCommandPool m_pool = VK_NULL_HANDLE;
    VkFence m_submitted = VK_NULL_HANDLE;
    std::vector<VkImage> m_images;
    std::vector<VkSemaphore> m_drawn;
    VkCommandBuffer m_commands = VK_NULL_HANDLE;
};
