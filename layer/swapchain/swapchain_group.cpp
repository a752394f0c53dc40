// vkCreateSharedSwapchainsKHR: swapchains of one set of images.

#include "core/device.h"
#include "core/log.h"
#include "surface/present_mode_compatibility.h"
#include "swapchain/swapchain.h"

#include <algorithm>

namespace vwsi {

namespace {

/// The parameters that make the presentable images are equal, as those of swapchains that share them must be.
bool sameImages(const VkSwapchainCreateInfoKHR& a, const VkSwapchainCreateInfoKHR& b)
{
    const bool concurrent = a.imageSharingMode == VK_SHARING_MODE_CONCURRENT;
    return a.flags == b.flags && a.minImageCount == b.minImageCount && a.imageFormat == b.imageFormat &&
           a.imageColorSpace == b.imageColorSpace && a.imageExtent.width == b.imageExtent.width &&
           a.imageExtent.height == b.imageExtent.height && a.imageArrayLayers == b.imageArrayLayers &&
           a.imageUsage == b.imageUsage && a.imageSharingMode == b.imageSharingMode &&
           (!concurrent || std::equal(a.pQueueFamilyIndices, a.pQueueFamilyIndices + a.queueFamilyIndexCount,
                                      b.pQueueFamilyIndices, b.pQueueFamilyIndices + b.queueFamilyIndexCount));
}

} // namespace

VkResult Swapchain::createShared(Device& device, std::span<Surface* const> surfaces,
                                 std::span<const VkSwapchainCreateInfoKHR> infos,
                                 const VkAllocationCallbacks* callbacks, VkSwapchainKHR* handles)
{
    uint32_t count = 0;
    VkResult result = VK_SUCCESS;
    for (size_t i = 0; i < infos.size() && result == VK_SUCCESS; ++i) {
        SurfaceState state;
        result = surfaces[i]->state(&state);
        count = std::max(count, imageCount(infos[i], state));
        // The one image of VK_KHR_shared_presentable_image is on one surface.
        const bool single = infos.size() > 1 && isSharedPresentMode(infos[i].presentMode);
        if (result == VK_SUCCESS &&
            (single || !surfaces[i]->supports(device.physicalDevice()) || !sameImages(infos[0], infos[i])))
            result = VK_ERROR_INCOMPATIBLE_DISPLAY_KHR;
    }
    if (result == VK_ERROR_INCOMPATIBLE_DISPLAY_KHR)
        VWSI_ERROR("vkCreateSharedSwapchainsKHR: the swapchains' images differ, or a display belongs to another "
                   "device; give all the same format, extent, usage and count, and no shared present mode");
    std::shared_ptr<ImageGroup> group;
    if (result == VK_SUCCESS && infos.size() > 1)
        group = std::make_shared<ImageGroup>(device, callbacks, count);
    for (size_t i = 0; i < infos.size() && result == VK_SUCCESS; ++i)
        result = create(device, *surfaces[i], infos[i], callbacks, group, &handles[i]);
    if (result == VK_SUCCESS)
        return VK_SUCCESS;
    for (size_t i = 0; i < infos.size(); ++i) {
        if (handles[i])
            destroy(of(handles[i]));
        handles[i] = VK_NULL_HANDLE;
        // Retired even if its successor was not made (spec, vkCreateSwapchainKHR).
        if (infos[i].oldSwapchain)
            of(infos[i].oldSwapchain)->retire();
    }
    const bool known = result == VK_ERROR_OUT_OF_HOST_MEMORY || result == VK_ERROR_OUT_OF_DEVICE_MEMORY ||
                       result == VK_ERROR_DEVICE_LOST || result == VK_ERROR_SURFACE_LOST_KHR;
    return known ? result : VK_ERROR_INCOMPATIBLE_DISPLAY_KHR;
}

ImageGroup::Standing Swapchain::standing(uint32_t index)
{
    const std::lock_guard lock(m_mutex);
    switch (m_images[index].state) {
    case ImageState::Free:
        return ImageGroup::Standing::Free;
    case ImageState::Acquired:
        return ImageGroup::Standing::Acquired;
    case ImageState::Queued:
    case ImageState::Shown:
        break;
    }
    return ImageGroup::Standing::Busy;
}

} // namespace vwsi
