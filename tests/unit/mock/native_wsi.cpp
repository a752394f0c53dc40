#include "mock/call.h"
#include "mock/entries.h"

#include <algorithm>

// The driver's own window-system integration, for devices that the layer leaves alone, and the loader's surfaces.
namespace vwsi::mock {

namespace {

constexpr uint32_t kNativeImages = 7; ///< a count that the layer would not choose, so that tests tell them apart

VkSurfaceCapabilitiesKHR nativeCapabilities()
{
    VkSurfaceCapabilitiesKHR c{};
    c.minImageCount = kNativeImages;
    c.maxImageCount = kNativeImages;
    c.currentExtent = {77, 77};
    c.minImageExtent = {77, 77};
    c.maxImageExtent = {77, 77};
    c.maxImageArrayLayers = 1;
    c.supportedTransforms = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR;
    c.currentTransform = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR;
    c.supportedCompositeAlpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR;
    c.supportedUsageFlags = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;
    return c;
}

VkResult createSurface(Call& call, VkIcdWsiPlatform platform, VkSurfaceKHR* handle)
{
    if (call.fails())
        return call.result();
    auto surface = std::make_unique<Surface>();
    surface->base.platform = platform;
    surface->instance = call.instance;
    ++call.instance->surfaceCount;
    const auto key = reinterpret_cast<uint64_t>(surface.get());
    *handle = cooked<VkSurfaceKHR>(key);
    call.world.surfaces.emplace(key, std::move(surface));
    return VK_SUCCESS;
}

/// A driver without VK_KHR_swapchain must never be asked about surfaces.
bool asksForSwapchain(Call& call)
{
    if (call.physicalDevice && !call.physicalDevice->spec->has("VK_KHR_swapchain")) {
        call.error("a surface query reaches a driver without VK_KHR_swapchain");
        return false;
    }
    return true;
}

} // namespace

namespace entry {

VkResult CreateHeadlessSurfaceEXT(VkInstance handle, const VkHeadlessSurfaceCreateInfoEXT*,
                                  const VkAllocationCallbacks*, VkSurfaceKHR* surface)
{
    Call call("vkCreateHeadlessSurfaceEXT", handle);
    return createSurface(call, VK_ICD_WSI_PLATFORM_HEADLESS, surface);
}

VkResult CreateWaylandSurfaceKHR(VkInstance handle, const VkWaylandSurfaceCreateInfoKHR*, const VkAllocationCallbacks*,
                                 VkSurfaceKHR* surface)
{
    Call call("vkCreateWaylandSurfaceKHR", handle);
    return createSurface(call, VK_ICD_WSI_PLATFORM_WAYLAND, surface);
}

void DestroySurfaceKHR(VkInstance handle, VkSurfaceKHR surface, const VkAllocationCallbacks*)
{
    if (!surface)
        return;
    Call call("vkDestroySurfaceKHR", handle);
    if (call.world.surfaces.erase(raw(surface)) == 0)
        call.error("the loader does not know this surface");
    else
        --call.instance->surfaceCount;
}

VkResult GetPhysicalDeviceSurfaceSupportKHR(VkPhysicalDevice device, uint32_t, VkSurfaceKHR, VkBool32* supported)
{
    Call call("vkGetPhysicalDeviceSurfaceSupportKHR", device);
    *supported = asksForSwapchain(call);
    return VK_SUCCESS;
}

VkResult GetPhysicalDeviceSurfaceCapabilitiesKHR(VkPhysicalDevice device, VkSurfaceKHR,
                                                 VkSurfaceCapabilitiesKHR* capabilities)
{
    Call call("vkGetPhysicalDeviceSurfaceCapabilitiesKHR", device);
    asksForSwapchain(call);
    *capabilities = nativeCapabilities();
    return VK_SUCCESS;
}

VkResult GetPhysicalDeviceSurfaceCapabilities2KHR(VkPhysicalDevice device, const VkPhysicalDeviceSurfaceInfo2KHR*,
                                                  VkSurfaceCapabilities2KHR* capabilities)
{
    Call call("vkGetPhysicalDeviceSurfaceCapabilities2KHR", device);
    asksForSwapchain(call);
    capabilities->surfaceCapabilities = nativeCapabilities();
    return VK_SUCCESS;
}

VkResult GetPhysicalDeviceSurfaceFormatsKHR(VkPhysicalDevice device, VkSurfaceKHR, uint32_t* count,
                                            VkSurfaceFormatKHR* formats)
{
    Call call("vkGetPhysicalDeviceSurfaceFormatsKHR", device);
    asksForSwapchain(call);
    if (formats && *count)
        formats[0] = {VK_FORMAT_R16G16B16A16_SFLOAT, VK_COLOR_SPACE_SRGB_NONLINEAR_KHR};
    *count = formats ? std::min(*count, 1u) : 1;
    return VK_SUCCESS;
}

VkResult GetPhysicalDeviceSurfaceFormats2KHR(VkPhysicalDevice device, const VkPhysicalDeviceSurfaceInfo2KHR*,
                                             uint32_t* count, VkSurfaceFormat2KHR* formats)
{
    Call call("vkGetPhysicalDeviceSurfaceFormats2KHR", device);
    asksForSwapchain(call);
    if (formats && *count)
        formats[0].surfaceFormat = {VK_FORMAT_R16G16B16A16_SFLOAT, VK_COLOR_SPACE_SRGB_NONLINEAR_KHR};
    *count = formats ? std::min(*count, 1u) : 1;
    return VK_SUCCESS;
}

VkResult GetPhysicalDeviceSurfacePresentModesKHR(VkPhysicalDevice device, VkSurfaceKHR, uint32_t* count,
                                                 VkPresentModeKHR* modes)
{
    Call call("vkGetPhysicalDeviceSurfacePresentModesKHR", device);
    asksForSwapchain(call);
    if (modes && *count)
        modes[0] = VK_PRESENT_MODE_FIFO_KHR;
    *count = modes ? std::min(*count, 1u) : 1;
    return VK_SUCCESS;
}

VkResult GetPhysicalDevicePresentRectanglesKHR(VkPhysicalDevice device, VkSurfaceKHR, uint32_t* count, VkRect2D* rects)
{
    Call call("vkGetPhysicalDevicePresentRectanglesKHR", device);
    asksForSwapchain(call);
    if (rects && *count)
        rects[0] = {{0, 0}, {77, 77}};
    *count = rects ? std::min(*count, 1u) : 1;
    return VK_SUCCESS;
}

VkResult CreateSwapchainKHR(VkDevice handle, const VkSwapchainCreateInfoKHR* info,
                            const VkAllocationCallbacks* allocator, VkSwapchainKHR* swapchainHandle)
{
    Call call("vkCreateSwapchainKHR", handle);
    call.chain(info->pNext);
    if (!call.world.surfaces.count(raw(info->surface)))
        call.error("the loader does not know this surface");
    if (call.fails())
        return call.result();
    auto* const swapchain = call.create<Swapchain>("VkSwapchainKHR", allocator, swapchainHandle);
    if (!swapchain)
        return call.result();
    for (uint32_t i = 0; i < kNativeImages; ++i) {
        VkImage imageHandle = VK_NULL_HANDLE;
        auto* const image = call.create<Image>("VkImage", nullptr, &imageHandle);
        image->info.format = info->imageFormat;
        image->info.extent = {info->imageExtent.width, info->imageExtent.height, 1};
        image->info.usage = info->imageUsage;
        image->rowPitch = VkDeviceSize(info->imageExtent.width) * 4;
        image->size = image->rowPitch * info->imageExtent.height;
        image->ownBytes.resize(image->size);
        swapchain->images.push_back(imageHandle);
    }
    return VK_SUCCESS;
}

void DestroySwapchainKHR(VkDevice handle, VkSwapchainKHR swapchainHandle, const VkAllocationCallbacks* allocator)
{
    if (!swapchainHandle)
        return;
    Call call("vkDestroySwapchainKHR", handle);
    auto* const swapchain = call.get<Swapchain>(swapchainHandle);
    if (!swapchain)
        return;
    for (VkImage image : swapchain->images)
        call.destroy(image, nullptr);
    call.destroy(swapchainHandle, allocator);
}

VkResult GetSwapchainImagesKHR(VkDevice handle, VkSwapchainKHR swapchainHandle, uint32_t* count, VkImage* images)
{
    Call call("vkGetSwapchainImagesKHR", handle);
    auto* const swapchain = call.get<Swapchain>(swapchainHandle);
    if (!swapchain)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    if (images)
        std::copy_n(swapchain->images.begin(), std::min<size_t>(*count, kNativeImages), images);
    *count = images ? std::min(*count, kNativeImages) : kNativeImages;
    return VK_SUCCESS;
}

VkResult AcquireNextImageKHR(VkDevice handle, VkSwapchainKHR swapchainHandle, uint64_t, VkSemaphore semaphoreHandle,
                             VkFence fenceHandle, uint32_t* index)
{
    Call call("vkAcquireNextImageKHR", handle);
    auto* const swapchain = call.get<Swapchain>(swapchainHandle);
    if (!swapchain)
        return VK_ERROR_OUT_OF_DATE_KHR;
    if (auto* semaphore = call.get<Semaphore>(semaphoreHandle))
        semaphore->signalled = true;
    if (auto* fence = call.get<Fence>(fenceHandle))
        fence->signalled = true;
    *index = swapchain->next++ % kNativeImages;
    return call.fails() ? call.result() : VK_SUCCESS;
}

VkResult AcquireNextImage2KHR(VkDevice handle, const VkAcquireNextImageInfoKHR* info, uint32_t* index)
{
    return AcquireNextImageKHR(handle, info->swapchain, info->timeout, info->semaphore, info->fence, index);
}

VkResult QueuePresentKHR(VkQueue handle, const VkPresentInfoKHR* info)
{
    const ExternallySynchronized guard("vkQueuePresentKHR", "VkQueue", &reinterpret_cast<Queue*>(handle)->occupancy);
    Call call("vkQueuePresentKHR", handle);
    call.chain(info->pNext);
    for (uint32_t i = 0; i < info->waitSemaphoreCount; ++i) {
        auto* const semaphore = call.get<Semaphore>(info->pWaitSemaphores[i]);
        if (semaphore && !semaphore->signalled && !semaphore->pendingSignals)
            call.error("host stuck: present waits for a semaphore that nothing signals");
        if (semaphore)
            semaphore->signalled = false;
    }
    for (uint32_t i = 0; i < info->swapchainCount; ++i) {
        call.get<Swapchain>(info->pSwapchains[i]);
        if (info->pResults)
            info->pResults[i] = VK_SUCCESS;
    }
    return call.fails() ? call.result() : VK_SUCCESS;
}

} // namespace entry

} // namespace vwsi::mock
