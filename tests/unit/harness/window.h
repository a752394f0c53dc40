#pragma once

#include "harness/test_device.h"

#include <string>
#include <vector>

namespace vwsi::testing {

struct WindowOptions {
    VkExtent2D extent{32, 24};
    uint32_t minImageCount = 3;
    VkFormat format = VK_FORMAT_B8G8R8A8_UNORM;
    VkColorSpaceKHR colorSpace = VK_COLOR_SPACE_SRGB_NONLINEAR_KHR;
    VkPresentModeKHR presentMode = VK_PRESENT_MODE_IMMEDIATE_KHR;
    VkSwapchainCreateFlagsKHR flags = 0;
    VkImageUsageFlags usage = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;
    VkSwapchainKHR oldSwapchain = VK_NULL_HANDLE;
    VkSurfaceKHR surface = VK_NULL_HANDLE; ///< null: a new one, which the window then owns
    const void* next = nullptr;
    const VkAllocationCallbacks* allocator = nullptr;
};

/// A headless surface with a swapchain on it, and what an application does with them in a frame.
class Window {
public:
    explicit Window(TestDevice& device, const WindowOptions& options = {});
    ~Window();
    Window(const Window&) = delete;
    Window& operator=(const Window&) = delete;

    VkResult result = VK_SUCCESS; ///< of vkCreateSwapchainKHR
    VkSurfaceKHR surface = VK_NULL_HANDLE;
    VkSwapchainKHR swapchain = VK_NULL_HANDLE;
    std::vector<VkImage> images;
    WindowOptions options;

    /// Makes the next swapchain of the same surface, with the current one as oldSwapchain; the old one stays alive.
    VkResult recreate();
    void destroySwapchain();

    VkResult acquire(uint32_t* index, VkSemaphore semaphore, VkFence fence = VK_NULL_HANDLE,
                     uint64_t timeout = UINT64_MAX) const;
    /// Acquires with a fence and waits for it; UINT32_MAX when that failed.
    uint32_t acquireNow() const;
    /// Records a clear of the image, from any layout to PRESENT_SRC, with barriers of Vulkan 1.0.
    VkCommandBuffer recordClear(VkImage image, const VkClearColorValue& color) const;
    /// Clears the image and signals `done`, after `ready` (either may be null).
    VkResult draw(uint32_t index, const VkClearColorValue& color, VkSemaphore ready, VkSemaphore done,
                  uint32_t queue = 0) const;
    /// An image for the memory of one of the swapchain's (VkImageSwapchainCreateInfoKHR); the caller destroys it.
    VkImage makeAlias() const;
    VkResult bindAlias(VkImage alias, uint32_t index) const;
    VkResult present(uint32_t index, const std::vector<VkSemaphore>& waits = {}, const void* next = nullptr,
                     uint32_t queue = 0) const;
    /// One whole frame of a simple application; the result of vkQueuePresentKHR, or of the call that failed.
    VkResult frame(const VkClearColorValue& color = {{0.25f, 0.5f, 0.75f, 1.0f}}, uint32_t queue = 0);

    TestDevice& device;

private:
    void fetchImages();

    bool m_ownsSurface = false;
    std::vector<VkSwapchainKHR> m_retired;
    VkSemaphore m_ready = VK_NULL_HANDLE;
    VkSemaphore m_done = VK_NULL_HANDLE;
    VkFence m_reusable = VK_NULL_HANDLE;
};

} // namespace vwsi::testing
