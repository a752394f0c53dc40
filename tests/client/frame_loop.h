#pragma once

#include "vulkan_context.h"

#include <cstdint>
#include <functional>
#include <vector>
#include <vulkan/vulkan.h>

namespace client {

/// Records the drawing of frame `number` into an image that then can be presented, or stays in `finalLayout`.
void recordFrame(VkCommandBuffer command, VkImage image, uint32_t number,
                 VkImageLayout finalLayout = VK_IMAGE_LAYOUT_PRESENT_SRC_KHR);

/// The colour of frame `number` as a pixel 0xRRGGBB.
constexpr uint32_t colourOf(uint32_t number)
{
    return number & 0xffffff;
}

/// How a frame loop uses its surface.
struct FrameLoopWishes {
    VkExtent2D extent{0, 0}; ///< where the surface does not tell, or not asked
    bool askSurface = true;  ///< take the surface's size where it tells one
    VkPresentModeKHR mode = VK_PRESENT_MODE_FIFO_KHR;
    uint32_t imageCount = 3;
    VkFormat format = VK_FORMAT_B8G8R8A8_UNORM;
    const void* chain = nullptr; ///< pNext of VkSwapchainCreateInfoKHR
    /// Records the drawing of a frame that then can be presented; recordFrame() unless given.
    std::function<void(VkCommandBuffer command, VkImage image, uint32_t number)> record;
};

/// A swapchain whose frames are one colour each, the frame's number: 24 bits in red, green and blue.
///
/// Frames are drawn with vkCmdClearColorImage on the queue given, with an acquire semaphore, a present semaphore and a
/// fence a frame, as ordinary applications do. The number makes order and wholeness visible in the window.
class FrameLoop {
public:
    FrameLoop(VulkanContext& context, VkQueue queue, VkSurfaceKHR surface, const FrameLoopWishes& wishes);
    ~FrameLoop();
    FrameLoop(const FrameLoop&) = delete;
    FrameLoop& operator=(const FrameLoop&) = delete;

    /// Draws and presents the next frame; the worse result of acquire and present.
    VkResult frame();
    /// Acquires and draws, without the present; index of the image in `*index`.
    VkResult begin(uint32_t* index);
    /// Presents what begin() drew, with the pNext chain of VkPresentInfoKHR.
    VkResult present(uint32_t index, const void* chain = nullptr);

    /// Recreates the swapchain for the surface's size now, with the old one as oldSwapchain.
    void recreate();

    uint32_t frames() const { return m_number; }
    VkExtent2D extent() const { return m_extent; }
    VkSwapchainKHR swapchain() const { return m_swapchain; }
    uint32_t imageCount() const { return static_cast<uint32_t>(m_images.size()); }
    /// The semaphore that presents of image `index` wait for.
    VkSemaphore rendered(uint32_t index) const { return m_rendered[index]; }

private:
    struct Slot {
        VkCommandBuffer command = VK_NULL_HANDLE;
        VkSemaphore acquired = VK_NULL_HANDLE;
        VkFence done = VK_NULL_HANDLE;
    };

    void createSwapchain();
    void destroyImages();

    VulkanContext& m_context;
    const VkQueue m_queue;
    const VkSurfaceKHR m_surface;
    FrameLoopWishes m_wishes;
    VkExtent2D m_extent{};
    VkSwapchainKHR m_swapchain = VK_NULL_HANDLE;
    std::vector<VkImage> m_images;
    std::vector<VkSemaphore> m_rendered;
    VkCommandPool m_pool = VK_NULL_HANDLE;
    std::vector<Slot> m_slots;
    uint32_t m_number = 0;
};

} // namespace client
