#include "surface/present_scaling.h"

#include "core/instance.h"
#include "core/physical_device.h"

#include <algorithm>

namespace vwsi {

namespace {

/// vkCmdBlitImage is for queues with graphics only.
bool allPresentingFamiliesBlit(const PhysicalDevice& device)
{
    const auto& families = device.queueFamilies();
    for (uint32_t i = 0; i < families.size(); ++i) {
        if (device.familyPresents(i) && !(families[i].queueFlags & VK_QUEUE_GRAPHICS_BIT))
            return false;
    }
    return true;
}

bool blits(const PhysicalDevice& device, VkFormat format)
{
    constexpr VkFormatFeatureFlags kBoth = VK_FORMAT_FEATURE_BLIT_SRC_BIT | VK_FORMAT_FEATURE_BLIT_DST_BIT;
    VkFormatProperties properties;
    device.instance().next().GetPhysicalDeviceFormatProperties(device.handle(), format, &properties);
    // A format that cannot be rendered to is not the surface's on this device.
    return !(properties.optimalTilingFeatures & VK_FORMAT_FEATURE_COLOR_ATTACHMENT_BIT) ||
           (properties.optimalTilingFeatures & kBoth) == kBoth;
}

} // namespace

VkResult presentScaling(const PhysicalDevice& device, Surface& surface, const SurfaceState& state,
                        SurfaceScaling* scaling)
{
    const uint32_t most = device.properties().limits.maxImageDimension2D;
    scaling->scaling = VK_PRESENT_SCALING_ONE_TO_ONE_BIT_EXT;
    scaling->gravity =
        VK_PRESENT_GRAVITY_MIN_BIT_EXT | VK_PRESENT_GRAVITY_MAX_BIT_EXT | VK_PRESENT_GRAVITY_CENTERED_BIT_EXT;
    scaling->minExtent = {1, 1};
    scaling->maxExtent = {most, most};

    std::vector<const PixelFormat*> formats;
    if (const VkResult result = surface.formats(&formats); result != VK_SUCCESS)
        return result;
    const bool stretches =
        determinedBySwapchain(state) ||
        (allPresentingFamiliesBlit(device) &&
         std::ranges::all_of(formats, [&](const PixelFormat* format) { return blits(device, format->format); }));
    if (stretches)
        scaling->scaling |= VK_PRESENT_SCALING_ASPECT_RATIO_STRETCH_BIT_EXT | VK_PRESENT_SCALING_STRETCH_BIT_EXT;
    return VK_SUCCESS;
}

} // namespace vwsi
