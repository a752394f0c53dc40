#include "core/instance.h"
#include "core/log.h"
#include "core/outarray.h"
#include "core/struct_chain.h"
#include "entry/hooks.h"
#include "entry/surface_creation.h"
#include "surface/color_spaces.h"
#include "surface/headless/headless_surface.h"
#include "surface/present_mode_compatibility.h"
#include "surface/present_scaling.h"
#include "swapchain/timing_results.h"

#include <algorithm>

namespace vwsi {

namespace {

/// A served device and a surface that the layer knows; null `surface` means: pass the query down.
struct Query {
    Instance& instance;
    PhysicalDevice& device;
    Surface* surface;

    Query(VkPhysicalDevice physicalDevice, VkSurfaceKHR handle)
        : instance(*Instance::find(physicalDevice)), device(instance.physicalDevice(physicalDevice)),
          surface(device.served() ? instance.surface(handle) : nullptr)
    {
    }
};

VKAPI_ATTR VkResult VKAPI_CALL CreateHeadlessSurfaceEXT(VkInstance instance,
                                                        const VkHeadlessSurfaceCreateInfoEXT* pCreateInfo,
                                                        const VkAllocationCallbacks* pAllocator, VkSurfaceKHR* pSurface)
{
    Instance& object = *Instance::find(instance);
    return guarded([&] {
        return createSurface(
            object, pAllocator, pSurface,
            [&](VkSurfaceKHR* handle) {
                return object.next().CreateHeadlessSurfaceEXT(instance, pCreateInfo, pAllocator, handle);
            },
            &createHeadlessSurface);
    });
}

VKAPI_ATTR void VKAPI_CALL DestroySurfaceKHR(VkInstance instance, VkSurfaceKHR surface,
                                             const VkAllocationCallbacks* pAllocator)
{
    Instance& object = *Instance::find(instance);
    if (surface)
        object.removeSurface(surface);
    object.next().DestroySurfaceKHR(instance, surface, pAllocator);
}

VKAPI_ATTR VkResult VKAPI_CALL GetPhysicalDeviceSurfaceSupportKHR(VkPhysicalDevice physicalDevice,
                                                                  uint32_t queueFamilyIndex, VkSurfaceKHR surface,
                                                                  VkBool32* pSupported)
{
    return guarded([&] {
        const Query query(physicalDevice, surface);
        // Frames of other drivers would go to the stand-in, and nowhere.
        if (const Surface* const known = query.instance.surface(surface);
            !query.surface && known && known->layersOwn()) {
            *pSupported = VK_FALSE;
            return VK_SUCCESS;
        }
        if (!query.surface)
            return query.instance.next().GetPhysicalDeviceSurfaceSupportKHR(physicalDevice, queueFamilyIndex, surface,
                                                                            pSupported);
        *pSupported = query.device.familyPresents(queueFamilyIndex) && query.surface->supports(query.device);
        return VK_SUCCESS;
    });
}

VkImageUsageFlags presentableUsage()
{
    return VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT | VK_IMAGE_USAGE_SAMPLED_BIT |
           VK_IMAGE_USAGE_STORAGE_BIT | VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_INPUT_ATTACHMENT_BIT;
}

VkResult capabilities(const Query& query, SurfaceState& state, VkSurfaceCapabilitiesKHR& capabilities)
{
    if (const VkResult result = query.surface->state(&state); result != VK_SUCCESS)
        return result;
    const uint32_t most = query.device.properties().limits.maxImageDimension2D;
    capabilities.minImageCount = state.minImageCount;
    capabilities.maxImageCount = 0;
    capabilities.currentExtent = state.currentExtent;
    capabilities.minImageExtent = state.minExtent;
    capabilities.maxImageExtent = {std::min(state.maxExtent.width, most), std::min(state.maxExtent.height, most)};
    capabilities.maxImageArrayLayers = 1;
    // Images are shown as they are; what a compositor or a rotated screen makes of that is outside Vulkan (INHERIT).
    capabilities.supportedTransforms = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR | VK_SURFACE_TRANSFORM_INHERIT_BIT_KHR;
    capabilities.currentTransform = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR;
    capabilities.supportedCompositeAlpha = state.compositeAlpha;
    capabilities.supportedUsageFlags = presentableUsage();
    return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL GetPhysicalDeviceSurfaceCapabilitiesKHR(VkPhysicalDevice physicalDevice,
                                                                       VkSurfaceKHR surface,
                                                                       VkSurfaceCapabilitiesKHR* pSurfaceCapabilities)
{
    return guarded([&] {
        const Query query(physicalDevice, surface);
        if (!query.surface)
            return query.instance.next().GetPhysicalDeviceSurfaceCapabilitiesKHR(physicalDevice, surface,
                                                                                 pSurfaceCapabilities);
        SurfaceState state;
        return capabilities(query, state, *pSurfaceCapabilities);
    });
}

/// The window system's own modes, and those that the layer derives from them.
VkResult presentModes(Surface& surface, std::vector<VkPresentModeKHR>* modes)
{
    const VkResult result = surface.presentModes(modes);
    const auto derived = derivedPresentModes();
    modes->insert(modes->end(), derived.begin(), derived.end());
    return result;
}

/// The structs of VK_EXT_surface_maintenance1 and others in the chain of VkSurfaceCapabilities2KHR.
VkResult fillCapabilitiesChain(const Query& query, const SurfaceState& state,
                               const VkPhysicalDeviceSurfaceInfo2KHR& info, VkSurfaceCapabilities2KHR& capabilities)
{
    Surface& surface = *query.surface;
    const auto* const mode =
        findInChain<VkSurfacePresentModeEXT>(info.pNext, VK_STRUCTURE_TYPE_SURFACE_PRESENT_MODE_EXT);
    for (auto* entry = static_cast<VkBaseOutStructure*>(capabilities.pNext); entry; entry = entry->pNext) {
        switch (entry->sType) {
        case VK_STRUCTURE_TYPE_SURFACE_PROTECTED_CAPABILITIES_KHR:
            reinterpret_cast<VkSurfaceProtectedCapabilitiesKHR*>(entry)->supportsProtected = VK_FALSE;
            break;
        case VK_STRUCTURE_TYPE_SHARED_PRESENT_SURFACE_CAPABILITIES_KHR:
            reinterpret_cast<VkSharedPresentSurfaceCapabilitiesKHR*>(entry)->sharedPresentSupportedUsageFlags =
                capabilities.surfaceCapabilities.supportedUsageFlags;
            break;
        case VK_STRUCTURE_TYPE_SURFACE_PRESENT_SCALING_CAPABILITIES_EXT: {
            SurfaceScaling possible;
            if (const VkResult result = presentScaling(query.device, surface, state, &possible); result != VK_SUCCESS)
                return result;
            auto* const scaling = reinterpret_cast<VkSurfacePresentScalingCapabilitiesEXT*>(entry);
            scaling->supportedPresentScaling = possible.scaling;
            scaling->supportedPresentGravityX = possible.gravity;
            scaling->supportedPresentGravityY = possible.gravity;
            scaling->minScaledImageExtent = possible.minExtent;
            scaling->maxScaledImageExtent = possible.maxExtent;
            break;
        }
        case VK_STRUCTURE_TYPE_SURFACE_PRESENT_MODE_COMPATIBILITY_EXT: {
            auto* const compatible = reinterpret_cast<VkSurfacePresentModeCompatibilityEXT*>(entry);
            OutArray<VkPresentModeKHR> out(&compatible->presentModeCount, compatible->pPresentModes);
            const VkPresentModeKHR asked = mode ? mode->presentMode : VK_PRESENT_MODE_FIFO_KHR;
            // The mode asked about comes first, because an array that is too short must hold it, too.
            out.append([&](VkPresentModeKHR& written) { written = asked; });
            std::vector<VkPresentModeKHR> modes;
            presentModes(surface, &modes);
            for (const VkPresentModeKHR other : compatiblePresentModes(asked)) {
                if (other != asked && std::find(modes.begin(), modes.end(), other) != modes.end())
                    out.append([&](VkPresentModeKHR& written) { written = other; });
            }
            out.result();
            break;
        }
#ifdef VK_KHR_present_id2
        case VK_STRUCTURE_TYPE_SURFACE_CAPABILITIES_PRESENT_ID_2_KHR:
            reinterpret_cast<VkSurfaceCapabilitiesPresentId2KHR*>(entry)->presentId2Supported = VK_TRUE;
            break;
#endif
#ifdef VK_EXT_present_timing
        case VK_STRUCTURE_TYPE_PRESENT_TIMING_SURFACE_CAPABILITIES_EXT: {
            auto* const timing = reinterpret_cast<VkPresentTimingSurfaceCapabilitiesEXT*>(entry);
            timing->presentTimingSupported = VK_TRUE;
            timing->presentAtAbsoluteTimeSupported = VK_TRUE;
            timing->presentAtRelativeTimeSupported = VK_TRUE;
            timing->presentStageQueries = TimingResults::kAllStages;
            break;
        }
#endif
#ifdef VK_KHR_present_wait2
        case VK_STRUCTURE_TYPE_SURFACE_CAPABILITIES_PRESENT_WAIT_2_KHR:
            reinterpret_cast<VkSurfaceCapabilitiesPresentWait2KHR*>(entry)->presentWait2Supported = VK_TRUE;
            break;
#endif
        default:
            break;
        }
    }
    return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL GetPhysicalDeviceSurfaceCapabilities2KHR(
    VkPhysicalDevice physicalDevice, const VkPhysicalDeviceSurfaceInfo2KHR* pSurfaceInfo,
    VkSurfaceCapabilities2KHR* pSurfaceCapabilities)
{
    return guarded([&] {
        const Query query(physicalDevice, pSurfaceInfo->surface);
        if (!query.surface)
            return query.instance.next().GetPhysicalDeviceSurfaceCapabilities2KHR(physicalDevice, pSurfaceInfo,
                                                                                  pSurfaceCapabilities);
        SurfaceState state;
        const VkResult result = capabilities(query, state, pSurfaceCapabilities->surfaceCapabilities);
        if (result != VK_SUCCESS)
            return result;
        // A mode of its own tells the number of images that it needs, a shared one exactly.
        const auto* const mode =
            findInChain<VkSurfacePresentModeEXT>(pSurfaceInfo->pNext, VK_STRUCTURE_TYPE_SURFACE_PRESENT_MODE_EXT);
        if (mode && mode->presentMode == VK_PRESENT_MODE_MAILBOX_KHR)
            pSurfaceCapabilities->surfaceCapabilities.minImageCount =
                std::max(pSurfaceCapabilities->surfaceCapabilities.minImageCount, kMailboxImages);
        if (mode && isSharedPresentMode(mode->presentMode)) {
            pSurfaceCapabilities->surfaceCapabilities.minImageCount = 1;
            pSurfaceCapabilities->surfaceCapabilities.maxImageCount = 1;
        }
        return fillCapabilitiesChain(query, state, *pSurfaceInfo, *pSurfaceCapabilities);
    });
}

/// Calls `take(format, colorSpace)` for what both the window system can show and the device can render to and copy.
template <typename Take> VkResult listFormats(const Query& query, Take&& take)
{
    std::vector<const PixelFormat*> formats;
    if (const VkResult result = query.surface->formats(&formats); result != VK_SUCCESS)
        return result;
    std::vector<VkColorSpaceKHR> spaces;
    for (const PixelFormat* format : formats) {
        VkFormatProperties properties;
        query.instance.next().GetPhysicalDeviceFormatProperties(query.device.handle(), format->format, &properties);
        if (!(properties.optimalTilingFeatures & VK_FORMAT_FEATURE_COLOR_ATTACHMENT_BIT))
            continue;
        if (const VkResult result = listColorSpaces(*query.surface, *format, query.instance.enabled(), &spaces);
            result != VK_SUCCESS)
            return result;
        for (const VkColorSpaceKHR space : spaces)
            take(VkSurfaceFormatKHR{format->format, space});
    }
    return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL GetPhysicalDeviceSurfaceFormatsKHR(VkPhysicalDevice physicalDevice, VkSurfaceKHR surface,
                                                                  uint32_t* pSurfaceFormatCount,
                                                                  VkSurfaceFormatKHR* pSurfaceFormats)
{
    return guarded([&] {
        const Query query(physicalDevice, surface);
        if (!query.surface)
            return query.instance.next().GetPhysicalDeviceSurfaceFormatsKHR(physicalDevice, surface,
                                                                            pSurfaceFormatCount, pSurfaceFormats);
        OutArray<VkSurfaceFormatKHR> out(pSurfaceFormatCount, pSurfaceFormats);
        const VkResult result = listFormats(query, [&](const VkSurfaceFormatKHR& format) {
            out.append([&](VkSurfaceFormatKHR& written) { written = format; });
        });
        return result == VK_SUCCESS ? out.result() : result;
    });
}

/// VkImageCompressionPropertiesEXT of VK_EXT_image_compression_control_swapchain: presentable images are the driver's,
/// and so is what it can do with images of the format.
void fillCompression(const Query& query, VkSurfaceFormat2KHR& format)
{
    auto* const properties =
        findInChain<VkImageCompressionPropertiesEXT>(format.pNext, VK_STRUCTURE_TYPE_IMAGE_COMPRESSION_PROPERTIES_EXT);
    if (!properties)
        return;
    properties->imageCompressionFlags = VK_IMAGE_COMPRESSION_DISABLED_EXT;
    properties->imageCompressionFixedRateFlags = VK_IMAGE_COMPRESSION_FIXED_RATE_NONE_EXT;
    const InstanceDispatch& next = query.instance.next();
    if (!next.GetPhysicalDeviceImageFormatProperties2 ||
        !query.device.driverHas(VK_EXT_IMAGE_COMPRESSION_CONTROL_EXTENSION_NAME))
        return;
    const VkImageCompressionControlEXT control{VK_STRUCTURE_TYPE_IMAGE_COMPRESSION_CONTROL_EXT, nullptr,
                                               VK_IMAGE_COMPRESSION_FIXED_RATE_DEFAULT_EXT, 0, nullptr};
    const VkPhysicalDeviceImageFormatInfo2 info{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_FORMAT_INFO_2,
                                                &control,
                                                format.surfaceFormat.format,
                                                VK_IMAGE_TYPE_2D,
                                                VK_IMAGE_TILING_OPTIMAL,
                                                VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT,
                                                0};
    VkImageCompressionPropertiesEXT answer{VK_STRUCTURE_TYPE_IMAGE_COMPRESSION_PROPERTIES_EXT, nullptr, 0, 0};
    VkImageFormatProperties2 image{VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2, &answer, {}};
    if (next.GetPhysicalDeviceImageFormatProperties2(query.device.handle(), &info, &image) != VK_SUCCESS)
        return;
    properties->imageCompressionFlags = answer.imageCompressionFlags;
    properties->imageCompressionFixedRateFlags = answer.imageCompressionFixedRateFlags;
}

VKAPI_ATTR VkResult VKAPI_CALL GetPhysicalDeviceSurfaceFormats2KHR(VkPhysicalDevice physicalDevice,
                                                                   const VkPhysicalDeviceSurfaceInfo2KHR* pSurfaceInfo,
                                                                   uint32_t* pSurfaceFormatCount,
                                                                   VkSurfaceFormat2KHR* pSurfaceFormats)
{
    return guarded([&] {
        const Query query(physicalDevice, pSurfaceInfo->surface);
        if (!query.surface)
            return query.instance.next().GetPhysicalDeviceSurfaceFormats2KHR(physicalDevice, pSurfaceInfo,
                                                                             pSurfaceFormatCount, pSurfaceFormats);
        OutArray<VkSurfaceFormat2KHR> out(pSurfaceFormatCount, pSurfaceFormats);
        const VkResult result = listFormats(query, [&](const VkSurfaceFormatKHR& format) {
            out.append([&](VkSurfaceFormat2KHR& written) {
                written.surfaceFormat = format;
                fillCompression(query, written);
            });
        });
        return result == VK_SUCCESS ? out.result() : result;
    });
}

VKAPI_ATTR VkResult VKAPI_CALL GetPhysicalDeviceSurfacePresentModesKHR(VkPhysicalDevice physicalDevice,
                                                                       VkSurfaceKHR surface,
                                                                       uint32_t* pPresentModeCount,
                                                                       VkPresentModeKHR* pPresentModes)
{
    return guarded([&] {
        const Query query(physicalDevice, surface);
        if (!query.surface)
            return query.instance.next().GetPhysicalDeviceSurfacePresentModesKHR(physicalDevice, surface,
                                                                                 pPresentModeCount, pPresentModes);
        std::vector<VkPresentModeKHR> modes;
        if (const VkResult result = presentModes(*query.surface, &modes); result != VK_SUCCESS)
            return result;
        OutArray<VkPresentModeKHR> out(pPresentModeCount, pPresentModes);
        for (const VkPresentModeKHR mode : modes)
            out.append([&](VkPresentModeKHR& written) { written = mode; });
        return out.result();
    });
}

VKAPI_ATTR VkResult VKAPI_CALL GetPhysicalDevicePresentRectanglesKHR(VkPhysicalDevice physicalDevice,
                                                                     VkSurfaceKHR surface, uint32_t* pRectCount,
                                                                     VkRect2D* pRects)
{
    return guarded([&] {
        const Query query(physicalDevice, surface);
        if (!query.surface)
            return query.instance.next().GetPhysicalDevicePresentRectanglesKHR(physicalDevice, surface, pRectCount,
                                                                               pRects);
        SurfaceState state;
        if (const VkResult result = query.surface->state(&state); result != VK_SUCCESS)
            return result;
        OutArray<VkRect2D> out(pRectCount, pRects);
        out.append([&](VkRect2D& written) { written = {{0, 0}, state.currentExtent}; });
        return out.result();
    });
}

} // namespace

std::span<const Hook> surfaceHooks()
{
    constexpr Extension surface = Extension::KhrSurface;
    constexpr Extension capabilities2 = Extension::KhrGetSurfaceCapabilities2;
    static const Hook hooks[] = {
        VWSI_HOOK(CreateHeadlessSurfaceEXT, HookLevel::Instance, Extension::ExtHeadlessSurface),
        VWSI_HOOK(DestroySurfaceKHR, HookLevel::Instance, surface),
        VWSI_HOOK(GetPhysicalDeviceSurfaceSupportKHR, HookLevel::PhysicalDevice, surface),
        VWSI_HOOK(GetPhysicalDeviceSurfaceCapabilitiesKHR, HookLevel::PhysicalDevice, surface),
        VWSI_HOOK(GetPhysicalDeviceSurfaceFormatsKHR, HookLevel::PhysicalDevice, surface),
        VWSI_HOOK(GetPhysicalDeviceSurfacePresentModesKHR, HookLevel::PhysicalDevice, surface),
        VWSI_HOOK(GetPhysicalDevicePresentRectanglesKHR, HookLevel::PhysicalDevice, surface),
        VWSI_HOOK(GetPhysicalDeviceSurfaceCapabilities2KHR, HookLevel::PhysicalDevice, capabilities2),
        VWSI_HOOK(GetPhysicalDeviceSurfaceFormats2KHR, HookLevel::PhysicalDevice, capabilities2),
    };
    return hooks;
}

} // namespace vwsi
