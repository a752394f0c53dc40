#pragma once

#include "surface/target.h"

#include <memory>
#include <vector>
#include <vulkan/vulkan.h>

namespace vwsi {

class PhysicalDevice;
class Swapchain;

/// What a window system knows of its surface at this moment; the rest of VkSurfaceCapabilitiesKHR comes from the
/// device.
struct SurfaceState {
    VkExtent2D currentExtent{UINT32_MAX, UINT32_MAX}; ///< UINT32_MAX twice: the swapchain determines the size
    VkExtent2D minExtent{1, 1};
    VkExtent2D maxExtent{16384, 16384};
    uint32_t minImageCount = 2;
    VkCompositeAlphaFlagsKHR compositeAlpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR;
};

/// A VkSurfaceKHR as the layer sees it: one subclass per window system.
///
/// The handle is the loader's; the layer keeps this object beside it. Methods are called on application threads, and
/// those without a swapchain lock may be called concurrently.
///
/// It ends with its handle, or with the last of its swapchains where the application destroys these later than it may.
class Surface : public std::enable_shared_from_this<Surface> {
public:
    virtual ~Surface() = default;

    /// Short name of the window system for log lines: "xcb", "wayland", "display", "headless".
    virtual const char* windowSystem() const = 0;

    /// No driver knows the surface: the loader's is a stand-in of another kind.
    virtual bool layersOwn() const { return false; }

    /// Size and limits now, or VK_ERROR_SURFACE_LOST_KHR.
    virtual VkResult state(SurfaceState* state) = 0;

    /// Formats that the window system can show on this surface, the preferred first, without asking the device.
    virtual VkResult formats(std::vector<const PixelFormat*>* formats) = 0;

    /// Colour spaces of frames in a format, VK_COLOR_SPACE_SRGB_NONLINEAR_KHR first. Those of
    /// VK_EXT_swapchain_colorspace are told to applications that have enabled it. By default pixels reach the output as
    /// they are, which PASS_THROUGH asks for.
    virtual VkResult colorSpaces(const PixelFormat& format, std::vector<VkColorSpaceKHR>* spaces)
    {
        static_cast<void>(format);
        *spaces = {VK_COLOR_SPACE_SRGB_NONLINEAR_KHR, VK_COLOR_SPACE_PASS_THROUGH_EXT};
        return VK_SUCCESS;
    }

    /// Present modes of the surface.
    virtual VkResult presentModes(std::vector<VkPresentModeKHR>* modes) = 0;

    /// False when `device` cannot present here (a display of another device).
    virtual bool supports(const PhysicalDevice& device) const
    {
        static_cast<void>(device);
        return true;
    }

    /// Whether an image of this size can be presented as VkDisplayPresentInfoKHR says. Surfaces that are no displays
    /// have no use for it.
    virtual bool accepts(const FrameRegion& region, VkExtent2D image) const
    {
        static_cast<void>(region);
        static_cast<void>(image);
        return true;
    }

    /// Makes the target of a new swapchain. A retired swapchain's target may still be alive.
    virtual VkResult createTarget(const TargetInfo& info, std::unique_ptr<Target>* target) = 0;

    /// The swapchain that is not retired, or null; kept by Swapchain, synchronised by the application (the spec makes
    /// the surface externally synchronised where swapchains come and go).
    Swapchain* swapchain = nullptr;
};

} // namespace vwsi
