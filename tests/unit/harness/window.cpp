#include "harness/window.h"

#include "harness/images.h"

#include <gtest/gtest.h>

namespace vwsi::testing {

namespace {

VkResult createSwapchain(const TestDevice& device, const WindowOptions& options, VkSurfaceKHR surface,
                         VkSwapchainKHR* swapchain)
{
    VkSwapchainCreateInfoKHR info{};
    info.sType = VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR;
    info.pNext = options.next;
    info.flags = options.flags;
    info.surface = surface;
    info.minImageCount = options.minImageCount;
    info.imageFormat = options.format;
    info.imageColorSpace = options.colorSpace;
    info.imageExtent = options.extent;
    info.imageArrayLayers = 1;
    info.imageUsage = options.usage;
    info.preTransform = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR;
    info.compositeAlpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR;
    info.presentMode = options.presentMode;
    info.clipped = VK_TRUE;
    info.oldSwapchain = options.oldSwapchain;
    return device.vk.CreateSwapchainKHR(device.handle, &info, options.allocator, swapchain);
}

} // namespace

Window::Window(TestDevice& owner, const WindowOptions& given) : options(given), device(owner)
{
    m_ownsSurface = !given.surface;
    surface = m_ownsSurface ? owner.instance.createSurface() : given.surface;
    result = createSwapchain(device, options, surface, &swapchain);
    if (result != VK_SUCCESS)
        swapchain = VK_NULL_HANDLE;
    else
        fetchImages();
}

Window::~Window()
{
    destroySwapchain();
    for (VkSwapchainKHR old : m_retired)
        device.vk.DestroySwapchainKHR(device.handle, old, options.allocator);
    if (m_ownsSurface)
        device.instance.vk.DestroySurfaceKHR(device.instance.handle, surface, nullptr);
}

void Window::fetchImages()
{
    uint32_t count = 0;
    ASSERT_EQ(device.vk.GetSwapchainImagesKHR(device.handle, swapchain, &count, nullptr), VK_SUCCESS);
    images.resize(count);
    ASSERT_EQ(device.vk.GetSwapchainImagesKHR(device.handle, swapchain, &count, images.data()), VK_SUCCESS);
}

VkResult Window::recreate()
{
    m_retired.push_back(swapchain);
    options.oldSwapchain = swapchain;
    result = createSwapchain(device, options, surface, &swapchain);
    if (result == VK_SUCCESS)
        fetchImages();
    else
        swapchain = VK_NULL_HANDLE;
    return result;
}

void Window::destroySwapchain()
{
    if (swapchain)
        device.vk.DestroySwapchainKHR(device.handle, swapchain, options.allocator);
    swapchain = VK_NULL_HANDLE;
}

VkResult Window::acquire(uint32_t* index, VkSemaphore semaphore, VkFence fence, uint64_t timeout) const
{
    return device.vk.AcquireNextImageKHR(device.handle, swapchain, timeout, semaphore, fence, index);
}

uint32_t Window::acquireNow() const
{
    const VkFence fence = device.fence();
    uint32_t index = UINT32_MAX;
    const VkResult acquired = acquire(&index, VK_NULL_HANDLE, fence, 5'000'000'000);
    if (acquired != VK_SUCCESS && acquired != VK_SUBOPTIMAL_KHR)
        return UINT32_MAX;
    const bool signalled = device.wait(fence);
    device.destroyFence(fence);
    return signalled ? index : UINT32_MAX;
}

VkCommandBuffer Window::recordClear(VkImage image, const VkClearColorValue& color) const
{
    const VkCommandBuffer buffer = device.begin();
    VkImageMemoryBarrier barrier = layoutChange(image, VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
    barrier.dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
    device.vk.CmdPipelineBarrier(buffer, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, nullptr,
                                 0, nullptr, 1, &barrier);
    device.vk.CmdClearColorImage(buffer, image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, &color, 1, &kWholeImage);
    barrier = layoutChange(image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_IMAGE_LAYOUT_PRESENT_SRC_KHR);
    barrier.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
    device.vk.CmdPipelineBarrier(buffer, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0, 0,
                                 nullptr, 0, nullptr, 1, &barrier);
    EXPECT_EQ(device.vk.EndCommandBuffer(buffer), VK_SUCCESS);
    return buffer;
}

VkImage Window::makeAlias() const
{
    const VkImageSwapchainCreateInfoKHR of{VK_STRUCTURE_TYPE_IMAGE_SWAPCHAIN_CREATE_INFO_KHR, nullptr, swapchain};
    VkImageCreateInfo info = imageInfo(options.extent, options.usage, options.format);
    info.pNext = &of;
    VkImage alias = VK_NULL_HANDLE;
    EXPECT_EQ(device.vk.CreateImage(device.handle, &info, nullptr, &alias), VK_SUCCESS);
    return alias;
}

VkResult Window::bindAlias(VkImage alias, uint32_t index) const
{
    const VkBindImageMemorySwapchainInfoKHR to{VK_STRUCTURE_TYPE_BIND_IMAGE_MEMORY_SWAPCHAIN_INFO_KHR, nullptr,
                                               swapchain, index};
    const VkBindImageMemoryInfo bind{VK_STRUCTURE_TYPE_BIND_IMAGE_MEMORY_INFO, &to, alias, VK_NULL_HANDLE, 0};
    return device.vk.BindImageMemory2(device.handle, 1, &bind);
}

VkResult Window::draw(uint32_t index, const VkClearColorValue& color, VkSemaphore ready, VkSemaphore done,
                      uint32_t queue) const
{
    const std::vector<VkSemaphore> waits(ready ? 1 : 0, ready);
    const std::vector<VkSemaphore> signals(done ? 1 : 0, done);
    const std::vector<VkCommandBuffer> commands(1, recordClear(images[index], color));
    return device.submit(waits, commands, signals, VK_NULL_HANDLE, queue);
}

VkResult Window::present(uint32_t index, const std::vector<VkSemaphore>& waits, const void* next, uint32_t queue) const
{
    VkPresentInfoKHR info{};
    info.sType = VK_STRUCTURE_TYPE_PRESENT_INFO_KHR;
    info.pNext = next;
    info.waitSemaphoreCount = static_cast<uint32_t>(waits.size());
    info.pWaitSemaphores = waits.data();
    info.swapchainCount = 1;
    info.pSwapchains = &swapchain;
    info.pImageIndices = &index;
    return device.vk.QueuePresentKHR(device.queues[queue], &info);
}

VkResult Window::frame(const VkClearColorValue& color, uint32_t queue)
{
    if (!m_ready) {
        m_ready = device.semaphore();
        m_done = device.semaphore();
        m_reusable = device.fence(true);
    }
    // The semaphores of the last frame may be used again once its submission is through.
    if (!device.wait(m_reusable))
        return VK_TIMEOUT;
    device.vk.ResetFences(device.handle, 1, &m_reusable);
    uint32_t index = 0;
    const VkResult acquired = acquire(&index, m_ready);
    if (acquired != VK_SUCCESS && acquired != VK_SUBOPTIMAL_KHR)
        return acquired;
    const VkResult drawn = device.submit({m_ready}, {recordClear(images[index], color)}, {m_done}, m_reusable, queue);
    return drawn == VK_SUCCESS ? present(index, {m_done}, nullptr, queue) : drawn;
}

} // namespace vwsi::testing
