#include "screen.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>

std::vector<Display> displaysOf(const Vulkan& vulkan)
{
    std::vector<Display> displays;
    for (const auto& properties : list<VkDisplayPropertiesKHR>([&](uint32_t* count, VkDisplayPropertiesKHR* out) {
             return vkGetPhysicalDeviceDisplayPropertiesKHR(vulkan.physicalDevice, count, out);
         })) {
        Display display;
        display.properties = properties;
        display.modes = list<VkDisplayModePropertiesKHR>([&](uint32_t* count, VkDisplayModePropertiesKHR* out) {
            return vkGetDisplayModePropertiesKHR(vulkan.physicalDevice, properties.display, count, out);
        });
        displays.push_back(std::move(display));
    }
    return displays;
}

// The first plane that reaches the display and is not in use on another one.
static uint32_t planeFor(const Vulkan& vulkan, VkDisplayKHR display)
{
    const auto planes = list<VkDisplayPlanePropertiesKHR>([&](uint32_t* count, VkDisplayPlanePropertiesKHR* out) {
        return vkGetPhysicalDeviceDisplayPlanePropertiesKHR(vulkan.physicalDevice, count, out);
    });
    for (uint32_t plane = 0; plane < planes.size(); plane++) {
        if (planes[plane].currentDisplay != VK_NULL_HANDLE && planes[plane].currentDisplay != display) {
            continue;
        }
        const auto reached = list<VkDisplayKHR>([&](uint32_t* count, VkDisplayKHR* out) {
            return vkGetDisplayPlaneSupportedDisplaysKHR(vulkan.physicalDevice, plane, count, out);
        });
        if (std::find(reached.begin(), reached.end(), display) != reached.end()) {
            return plane;
        }
    }
    std::cerr << "no plane reaches the display" << std::endl;
    std::exit(1);
}

Screen::Screen(const Vulkan& vulkan, const Display& display, const VkDisplayModePropertiesKHR& mode,
               VkPresentModeKHR presentMode)
    : m_vulkan(vulkan), m_extent(mode.parameters.visibleRegion), m_swapchains(1)
{
    VkSwapchainCreateInfoKHR info = describe(display, mode, m_extent);
    info.presentMode = presentMode;
    check(vkCreateSwapchainKHR(vulkan.device, &info, nullptr, m_swapchains.data()), "vkCreateSwapchainKHR");
    prepare();
}

Screen::Screen(const Vulkan& vulkan, const std::vector<Display>& displays)
    : m_vulkan(vulkan), m_extent(displays.at(0).modes.at(0).parameters.visibleRegion), m_swapchains(displays.size())
{
    const auto create = vulkan.deviceFunction<PFN_vkCreateSharedSwapchainsKHR>("vkCreateSharedSwapchainsKHR");
    if (!create) {
        std::cerr << "VK_KHR_display_swapchain is missing" << std::endl;
        std::exit(1);
    }
    std::vector<VkSwapchainCreateInfoKHR> infos;
    for (const Display& display : displays) {
        infos.push_back(describe(display, display.modes.at(0), m_extent));
    }
    check(create(vulkan.device, static_cast<uint32_t>(infos.size()), infos.data(), nullptr, m_swapchains.data()),
          "vkCreateSharedSwapchainsKHR");
    prepare();
    for (const VkSwapchainKHR swapchain : m_swapchains) {
        const auto images = list<VkImage>([&](uint32_t* count, VkImage* out) {
            return vkGetSwapchainImagesKHR(vulkan.device, swapchain, count, out);
        });
        if (images != m_images) {
            std::cerr << "the swapchains have images of their own" << std::endl;
            std::exit(1);
        }
    }
}

VkSwapchainCreateInfoKHR Screen::describe(const Display& display, const VkDisplayModePropertiesKHR& mode,
                                          VkExtent2D extent)
{
    const Vulkan& vulkan = m_vulkan;
    VkSurfaceKHR surface = VK_NULL_HANDLE;
    VkDisplaySurfaceCreateInfoKHR surfaceInfo{};
    surfaceInfo.sType = VK_STRUCTURE_TYPE_DISPLAY_SURFACE_CREATE_INFO_KHR;
    surfaceInfo.displayMode = mode.displayMode;
    surfaceInfo.planeIndex = planeFor(vulkan, display.properties.display);
    surfaceInfo.transform = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR;
    surfaceInfo.alphaMode = VK_DISPLAY_PLANE_ALPHA_OPAQUE_BIT_KHR;
    surfaceInfo.globalAlpha = 1.0F;
    surfaceInfo.imageExtent = extent;
    check(vkCreateDisplayPlaneSurfaceKHR(vulkan.instance, &surfaceInfo, nullptr, &surface),
          "vkCreateDisplayPlaneSurfaceKHR");
    m_surfaces.push_back(surface);

    VkBool32 supported = VK_FALSE;
    check(vkGetPhysicalDeviceSurfaceSupportKHR(vulkan.physicalDevice, vulkan.queueFamily, surface, &supported),
          "vkGetPhysicalDeviceSurfaceSupportKHR");
    VkSurfaceCapabilitiesKHR capabilities{};
    check(vkGetPhysicalDeviceSurfaceCapabilitiesKHR(vulkan.physicalDevice, surface, &capabilities),
          "vkGetPhysicalDeviceSurfaceCapabilitiesKHR");
    const auto formats = list<VkSurfaceFormatKHR>([&](uint32_t* count, VkSurfaceFormatKHR* out) {
        return vkGetPhysicalDeviceSurfaceFormatsKHR(vulkan.physicalDevice, surface, count, out);
    });
    if (!supported || formats.empty()) {
        std::cerr << "the surface is not supported" << std::endl;
        std::exit(1);
    }
    // Captures are compared with exact colours: no sRGB encoding in between.
    auto format = std::find_if(formats.begin(), formats.end(),
                               [](const auto& candidate) { return candidate.format == VK_FORMAT_B8G8R8A8_UNORM; });
    if (format == formats.end()) {
        format = formats.begin();
    }

    VkSwapchainCreateInfoKHR info{};
    info.sType = VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR;
    info.surface = surface;
    info.minImageCount = std::max(capabilities.minImageCount, 2U);
    info.imageFormat = format->format;
    info.imageColorSpace = format->colorSpace;
    info.imageExtent = extent;
    info.imageArrayLayers = 1;
    info.imageUsage = VK_IMAGE_USAGE_TRANSFER_DST_BIT;
    info.preTransform = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR;
    info.compositeAlpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR;
    info.presentMode = VK_PRESENT_MODE_FIFO_KHR;
    info.clipped = VK_TRUE;
    m_counters.sType = VK_STRUCTURE_TYPE_SWAPCHAIN_COUNTER_CREATE_INFO_EXT;
    m_counters.surfaceCounters = VK_SURFACE_COUNTER_VBLANK_BIT_EXT;
    if (vulkan.hasDisplayControl) {
        info.pNext = &m_counters;
    }
    return info;
}

uint64_t Screen::vblanks() const
{
    const auto count = m_vulkan.deviceFunction<PFN_vkGetSwapchainCounterEXT>("vkGetSwapchainCounterEXT");
    uint64_t value = 0;
    check(count(m_vulkan.device, m_swapchains.at(0), VK_SURFACE_COUNTER_VBLANK_BIT_EXT, &value),
          "vkGetSwapchainCounterEXT");
    return value;
}

void Screen::prepare()
{
    const Vulkan& vulkan = m_vulkan;
    m_images = list<VkImage>([&](uint32_t* count, VkImage* out) {
        return vkGetSwapchainImagesKHR(vulkan.device, m_swapchains[0], count, out);
    });

    VkCommandPoolCreateInfo poolInfo{};
    poolInfo.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
    poolInfo.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
    poolInfo.queueFamilyIndex = vulkan.queueFamily;
    check(vkCreateCommandPool(vulkan.device, &poolInfo, nullptr, &m_pool), "vkCreateCommandPool");
    VkCommandBufferAllocateInfo allocateInfo{};
    allocateInfo.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
    allocateInfo.commandPool = m_pool;
    allocateInfo.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
    allocateInfo.commandBufferCount = 1;
    check(vkAllocateCommandBuffers(vulkan.device, &allocateInfo, &m_commands), "vkAllocateCommandBuffers");
    VkFenceCreateInfo fenceInfo{};
    fenceInfo.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO;
    check(vkCreateFence(vulkan.device, &fenceInfo, nullptr, &m_submitted), "vkCreateFence");
    VkSemaphoreCreateInfo semaphoreInfo{};
    semaphoreInfo.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO;
    m_acquired.resize(m_swapchains.size());
    for (VkSemaphore& semaphore : m_acquired) {
        check(vkCreateSemaphore(vulkan.device, &semaphoreInfo, nullptr, &semaphore), "vkCreateSemaphore");
    }
    m_drawn.resize(m_images.size());
    for (VkSemaphore& semaphore : m_drawn) {
        check(vkCreateSemaphore(vulkan.device, &semaphoreInfo, nullptr, &semaphore), "vkCreateSemaphore");
    }
}

Screen::~Screen()
{
    vkDeviceWaitIdle(m_vulkan.device);
    for (VkSemaphore semaphore : m_drawn) {
        vkDestroySemaphore(m_vulkan.device, semaphore, nullptr);
    }
    for (VkSemaphore semaphore : m_acquired) {
        vkDestroySemaphore(m_vulkan.device, semaphore, nullptr);
    }
    vkDestroyFence(m_vulkan.device, m_submitted, nullptr);
    vkDestroyCommandPool(m_vulkan.device, m_pool, nullptr);
    for (VkSwapchainKHR swapchain : m_swapchains) {
        vkDestroySwapchainKHR(m_vulkan.device, swapchain, nullptr);
    }
    for (VkSurfaceKHR surface : m_surfaces) {
        vkDestroySurfaceKHR(m_vulkan.instance, surface, nullptr);
    }
}

VkResult Screen::show(const std::array<float, 3>& colour)
{
    constexpr uint64_t patience = 20'000'000'000; // ns
    uint32_t index = 0;
    VkResult result = VK_SUCCESS;
    for (size_t i = 0; i < m_swapchains.size(); i++) {
        uint32_t own = 0;
        result = vkAcquireNextImageKHR(m_vulkan.device, m_swapchains[i], patience, m_acquired[i], VK_NULL_HANDLE, &own);
        if (result != VK_SUCCESS && result != VK_SUBOPTIMAL_KHR) {
            return result;
        }
        if (i > 0 && own != index) {
            std::cerr << "the swapchains give different images" << std::endl;
            return VK_ERROR_UNKNOWN;
        }
        index = own;
    }

    VkCommandBufferBeginInfo beginInfo{};
    beginInfo.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
    beginInfo.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
    check(vkBeginCommandBuffer(m_commands, &beginInfo), "vkBeginCommandBuffer");
    VkImageMemoryBarrier barrier{};
    barrier.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER;
    barrier.dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
    barrier.oldLayout = VK_IMAGE_LAYOUT_UNDEFINED;
    barrier.newLayout = VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL;
    barrier.srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
    barrier.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
    barrier.image = m_images[index];
    barrier.subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
    vkCmdPipelineBarrier(m_commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, nullptr, 0,
                         nullptr, 1, &barrier);
    const VkClearColorValue value{{colour[0], colour[1], colour[2], 1.0F}};
    vkCmdClearColorImage(m_commands, m_images[index], VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, &value, 1,
                         &barrier.subresourceRange);
    barrier.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
    barrier.dstAccessMask = 0;
    barrier.oldLayout = VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL;
    barrier.newLayout = VK_IMAGE_LAYOUT_PRESENT_SRC_KHR;
    vkCmdPipelineBarrier(m_commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0, 0,
                         nullptr, 0, nullptr, 1, &barrier);
    check(vkEndCommandBuffer(m_commands), "vkEndCommandBuffer");

    const std::vector<VkPipelineStageFlags> stages(m_acquired.size(), VK_PIPELINE_STAGE_TRANSFER_BIT);
    VkSubmitInfo submit{};
    submit.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
    submit.waitSemaphoreCount = static_cast<uint32_t>(m_acquired.size());
    submit.pWaitSemaphores = m_acquired.data();
    submit.pWaitDstStageMask = stages.data();
    submit.commandBufferCount = 1;
    submit.pCommandBuffers = &m_commands;
    submit.signalSemaphoreCount = 1;
    submit.pSignalSemaphores = &m_drawn[index];
    check(vkQueueSubmit(m_vulkan.queue, 1, &submit, m_submitted), "vkQueueSubmit");
    VkPresentInfoKHR present{};
    present.sType = VK_STRUCTURE_TYPE_PRESENT_INFO_KHR;
    present.waitSemaphoreCount = 1;
    present.pWaitSemaphores = &m_drawn[index];
    const std::vector<uint32_t> indices(m_swapchains.size(), index);
    present.swapchainCount = static_cast<uint32_t>(m_swapchains.size());
    present.pSwapchains = m_swapchains.data();
    present.pImageIndices = indices.data();
    VkDisplayPresentInfoKHR part{};
    part.sType = VK_STRUCTURE_TYPE_DISPLAY_PRESENT_INFO_KHR;
    part.srcRect.extent = m_extent;
    if (m_destination) {
        part.dstRect = *m_destination;
        present.pNext = &part;
    }
    result = vkQueuePresentKHR(m_vulkan.queue, &present);
    check(vkWaitForFences(m_vulkan.device, 1, &m_submitted, VK_TRUE, patience), "vkWaitForFences");
    check(vkResetFences(m_vulkan.device, 1, &m_submitted), "vkResetFences");
    return result;
}
