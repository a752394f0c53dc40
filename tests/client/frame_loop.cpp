#include "frame_loop.h"

#include <algorithm>
#include <iterator>

namespace client {

namespace {

constexpr size_t kFramesInFlight = 2;

} // namespace

FrameLoop::FrameLoop(VulkanContext& context, VkQueue queue, VkSurfaceKHR surface, const FrameLoopWishes& wishes)
    : m_context(context), m_queue(queue), m_surface(surface), m_wishes(wishes)
{
    const VkCommandPoolCreateInfo pool{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO, nullptr,
                                       VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT, context.family()};
    check(vkCreateCommandPool(context.device(), &pool, nullptr, &m_pool), "vkCreateCommandPool");
    m_slots.resize(kFramesInFlight);
    for (Slot& slot : m_slots) {
        const VkCommandBufferAllocateInfo command{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, nullptr, m_pool,
                                                  VK_COMMAND_BUFFER_LEVEL_PRIMARY, 1};
        check(vkAllocateCommandBuffers(context.device(), &command, &slot.command), "vkAllocateCommandBuffers");
        const VkSemaphoreCreateInfo semaphore{VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, nullptr, 0};
        check(vkCreateSemaphore(context.device(), &semaphore, nullptr, &slot.acquired), "vkCreateSemaphore");
        const VkFenceCreateInfo fence{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO, nullptr, VK_FENCE_CREATE_SIGNALED_BIT};
        check(vkCreateFence(context.device(), &fence, nullptr, &slot.done), "vkCreateFence");
    }
    createSwapchain();
}

FrameLoop::~FrameLoop()
{
    const VkDevice device = m_context.device();
    vkQueueWaitIdle(m_queue);
    destroyImages();
    vkDestroySwapchainKHR(device, m_swapchain, nullptr);
    for (const Slot& slot : m_slots) {
        vkDestroySemaphore(device, slot.acquired, nullptr);
        vkDestroyFence(device, slot.done, nullptr);
    }
    vkDestroyCommandPool(device, m_pool, nullptr);
}

void FrameLoop::destroyImages()
{
    for (const VkSemaphore semaphore : m_rendered)
        vkDestroySemaphore(m_context.device(), semaphore, nullptr);
    m_rendered.clear();
    m_images.clear();
}

void FrameLoop::createSwapchain()
{
    VkSurfaceCapabilitiesKHR capabilities;
    check(vkGetPhysicalDeviceSurfaceCapabilitiesKHR(m_context.physicalDevice(), m_surface, &capabilities),
          "vkGetPhysicalDeviceSurfaceCapabilitiesKHR");
    VkBool32 supported = VK_FALSE;
    check(vkGetPhysicalDeviceSurfaceSupportKHR(m_context.physicalDevice(), m_context.family(), m_surface, &supported),
          "vkGetPhysicalDeviceSurfaceSupportKHR");
    check(supported ? VK_SUCCESS : VK_ERROR_FEATURE_NOT_PRESENT, "presenting to the surface");
    const bool tells = capabilities.currentExtent.width != UINT32_MAX;
    m_extent = tells && m_wishes.askSurface ? capabilities.currentExtent : m_wishes.extent;

    VkSwapchainCreateInfoKHR info{};
    info.sType = VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR;
    info.pNext = m_wishes.chain;
    info.surface = m_surface;
    info.minImageCount = std::max(m_wishes.imageCount, capabilities.minImageCount);
    info.imageFormat = m_wishes.format;
    info.imageColorSpace = VK_COLOR_SPACE_SRGB_NONLINEAR_KHR;
    info.imageExtent = m_extent;
    info.imageArrayLayers = 1;
    info.imageUsage = VK_IMAGE_USAGE_TRANSFER_DST_BIT | VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT;
    info.preTransform = capabilities.currentTransform;
    info.compositeAlpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR;
    if (!(capabilities.supportedCompositeAlpha & info.compositeAlpha))
        info.compositeAlpha = VK_COMPOSITE_ALPHA_INHERIT_BIT_KHR;
    info.presentMode = m_wishes.mode;
    info.clipped = VK_TRUE;
    info.oldSwapchain = m_swapchain;
    VkSwapchainKHR created = VK_NULL_HANDLE;
    const VkResult result = vkCreateSwapchainKHR(m_context.device(), &info, nullptr, &created);
    if (m_swapchain) {
        vkQueueWaitIdle(m_queue);
        destroyImages();
        vkDestroySwapchainKHR(m_context.device(), m_swapchain, nullptr);
    }
    m_swapchain = created;
    check(result, "vkCreateSwapchainKHR");

    uint32_t count = 0;
    check(vkGetSwapchainImagesKHR(m_context.device(), m_swapchain, &count, nullptr), "vkGetSwapchainImagesKHR");
    m_images.resize(count);
    check(vkGetSwapchainImagesKHR(m_context.device(), m_swapchain, &count, m_images.data()), "vkGetSwapchainImagesKHR");
    m_rendered.resize(count);
    for (VkSemaphore& semaphore : m_rendered) {
        const VkSemaphoreCreateInfo semaphoreInfo{VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, nullptr, 0};
        check(vkCreateSemaphore(m_context.device(), &semaphoreInfo, nullptr, &semaphore), "vkCreateSemaphore");
    }
}

void FrameLoop::recreate()
{
    createSwapchain();
}

void recordFrame(VkCommandBuffer command, VkImage image, uint32_t number, VkImageLayout finalLayout)
{
    const VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO, nullptr,
                                         VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT, nullptr};
    check(vkBeginCommandBuffer(command, &begin), "vkBeginCommandBuffer");
    const VkImageSubresourceRange whole{VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
    VkImageMemoryBarrier barrier{};
    barrier.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER;
    barrier.dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
    barrier.oldLayout = VK_IMAGE_LAYOUT_UNDEFINED;
    barrier.newLayout = VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL;
    barrier.srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
    barrier.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
    barrier.image = image;
    barrier.subresourceRange = whole;
    vkCmdPipelineBarrier(command, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, nullptr, 0,
                         nullptr, 1, &barrier);
    const uint32_t colour = colourOf(number);
    const VkClearColorValue value{{static_cast<float>(colour >> 16 & 0xff) / 255.0F,
                                   static_cast<float>(colour >> 8 & 0xff) / 255.0F,
                                   static_cast<float>(colour & 0xff) / 255.0F, 1.0F}};
    vkCmdClearColorImage(command, image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, &value, 1, &whole);
    barrier.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
    barrier.dstAccessMask = 0;
    barrier.oldLayout = VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL;
    barrier.newLayout = finalLayout;
    vkCmdPipelineBarrier(command, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0, 0, nullptr,
                         0, nullptr, 1, &barrier);
    check(vkEndCommandBuffer(command), "vkEndCommandBuffer");
}

VkResult FrameLoop::begin(uint32_t* index)
{
    const VkDevice device = m_context.device();
    Slot& slot = m_slots[m_number % m_slots.size()];
    check(vkWaitForFences(device, 1, &slot.done, VK_TRUE, UINT64_MAX), "vkWaitForFences");
    const VkResult acquired =
        vkAcquireNextImageKHR(device, m_swapchain, UINT64_MAX, slot.acquired, VK_NULL_HANDLE, index);
    if (acquired != VK_SUCCESS && acquired != VK_SUBOPTIMAL_KHR)
        return acquired;
    ++m_number;
    check(vkResetFences(device, 1, &slot.done), "vkResetFences");
    if (m_wishes.record)
        m_wishes.record(slot.command, m_images[*index], m_number);
    else
        recordFrame(slot.command, m_images[*index], m_number);
    const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_TRANSFER_BIT;
    const VkSubmitInfo submit{
        VK_STRUCTURE_TYPE_SUBMIT_INFO, nullptr, 1, &slot.acquired, &stage, 1, &slot.command, 1, &m_rendered[*index]};
    check(vkQueueSubmit(m_queue, 1, &submit, slot.done), "vkQueueSubmit");
    return acquired;
}

VkResult FrameLoop::present(uint32_t index, const void* chain)
{
    const VkPresentInfoKHR info{
        VK_STRUCTURE_TYPE_PRESENT_INFO_KHR, chain, 1, &m_rendered[index], 1, &m_swapchain, &index, nullptr};
    return vkQueuePresentKHR(m_queue, &info);
}

VkResult FrameLoop::frame()
{
    uint32_t index = 0;
    const VkResult begun = begin(&index);
    if (begun != VK_SUCCESS && begun != VK_SUBOPTIMAL_KHR)
        return begun;
    const VkResult presented = present(index);
    return presented == VK_SUCCESS ? begun : presented;
}

} // namespace client
