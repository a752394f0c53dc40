#include "surface/display/display_surface.h"

#include "core/log.h"
#include "drm/mode.h"
#include "surface/display/display_target.h"

#include <cerrno>

namespace vwsi {

DisplaySurface::DisplaySurface(DisplayRegistry& registry, DisplayMode& mode, uint32_t planeIndex,
                               const drm::Plane& plane, const VkDisplaySurfaceCreateInfoKHR& info)
    : m_registry(registry), m_mode(mode), m_planeIndex(planeIndex), m_planeId(plane.id),
      m_stackIndex(info.planeStackIndex), m_extent(info.imageExtent)
{
}

VkResult DisplaySurface::state(SurfaceState* state)
{
    if (!m_registry.connected(display()))
        return VK_ERROR_SURFACE_LOST_KHR;
    state->currentExtent = m_extent;
    state->minExtent = m_extent;
    state->maxExtent = m_extent;
    state->minImageCount = 2;
    state->compositeAlpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR;
    return VK_SUCCESS;
}

VkResult DisplaySurface::formats(std::vector<const PixelFormat*>* formats)
{
    const drm::Plane* plane = m_registry.plane(m_planeIndex);
    if (!plane)
        return VK_ERROR_SURFACE_LOST_KHR;
    for (const PixelFormat& format : pixelFormats()) {
        if (plane->supports(format.fourccOpaque))
            formats->push_back(&format);
    }
    return VK_SUCCESS;
}

VkResult DisplaySurface::colorSpaces(const PixelFormat& format, std::vector<VkColorSpaceKHR>* spaces)
{
    *spaces = {VK_COLOR_SPACE_SRGB_NONLINEAR_KHR, VK_COLOR_SPACE_PASS_THROUGH_EXT};
    const drm::Plane* plane = m_registry.plane(m_planeIndex);
    // Fewer bits make bands of these transfer functions, and what an overlay shows is mixed in the primary's colours.
    if (plane && plane->type == drm::PlaneType::Primary && format.bits[0] == 10) {
        const std::vector<VkColorSpaceKHR> hdr = m_registry.hdrSpaces(display());
        spaces->insert(spaces->end(), hdr.begin(), hdr.end());
    }
    return VK_SUCCESS;
}

VkResult DisplaySurface::presentModes(std::vector<VkPresentModeKHR>* modes)
{
    modes->insert(modes->end(), {VK_PRESENT_MODE_FIFO_KHR, VK_PRESENT_MODE_FIFO_RELAXED_KHR,
                                 VK_PRESENT_MODE_MAILBOX_KHR, VK_PRESENT_MODE_IMMEDIATE_KHR});
    return VK_SUCCESS;
}

namespace {

bool holds(VkExtent2D outer, const VkRect2D& inner)
{
    const auto within = [](int32_t offset, uint32_t length, uint32_t limit) {
        return offset >= 0 && length > 0 && length <= limit && static_cast<uint32_t>(offset) <= limit - length;
    };
    return within(inner.offset.x, inner.extent.width, outer.width) &&
           within(inner.offset.y, inner.extent.height, outer.height);
}

} // namespace

bool DisplaySurface::accepts(const FrameRegion& region, VkExtent2D image) const
{
    return holds(image, region.source) && holds(m_mode.parameters.visibleRegion, region.destination);
}

VkResult DisplaySurface::createTarget(const TargetInfo& info, std::unique_ptr<Target>* target)
{
    const std::shared_ptr<drm::Device> device = m_registry.deviceOf(display());
    if (!device)
        return VK_ERROR_SURFACE_LOST_KHR;
    // The application's own descriptor may see fewer planes than the node does.
    const drm::Plane* plane = m_planeId ? device->resources().plane(m_planeId) : m_registry.plane(m_planeIndex);
    if (!plane) {
        VWSI_ERROR("the descriptor given to vkAcquireDrmDisplayEXT cannot use plane %u; lease that plane as well",
                   m_planeId);
        return VK_ERROR_INITIALIZATION_FAILED;
    }
    auto made = std::make_unique<DisplayTarget>(device, *plane, m_mode, m_stackIndex, this, info);
    if (const VkResult result = made->start(); result != VK_SUCCESS)
        return result;
    *target = std::move(made);
    return VK_SUCCESS;
}

VkResult DisplaySurface::vblankCount(uint64_t* count)
{
    const std::shared_ptr<drm::Device> device = m_registry.deviceOf(display());
    const int error = device ? device->vblankCount(display().connector, count) : ENODEV;
    if (error == 0)
        return VK_SUCCESS;
    if (error != EOPNOTSUPP)
        return VK_ERROR_OUT_OF_DATE_KHR;
    *count = monotonicNow() / drm::refreshPeriod(m_mode.info);
    return VK_SUCCESS;
}

VkResult createDisplaySurface(DisplayRegistry& registry, const VkDisplaySurfaceCreateInfoKHR& info,
                              std::unique_ptr<Surface>* surface)
{
    DisplayMode* mode = registry.findMode(info.displayMode);
    const drm::Plane* plane = registry.plane(info.planeIndex);
    const char* wrong = nullptr;
    if (!mode)
        wrong = "displayMode is not one of this physical device";
    else if (!plane)
        wrong = "planeIndex names no plane";
    else if (!(plane->possibleCrtcs & mode->display->possibleCrtcs))
        wrong = "the plane cannot be shown on this display";
    else if (info.transform != VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR)
        wrong = "transform is not supported";
    else if (info.alphaMode != VK_DISPLAY_PLANE_ALPHA_OPAQUE_BIT_KHR)
        wrong = "alphaMode is not supported";
    if (wrong) {
        VWSI_ERROR("vkCreateDisplayPlaneSurfaceKHR: %s", wrong);
        return VK_ERROR_INITIALIZATION_FAILED;
    }
    *surface = std::make_unique<DisplaySurface>(registry, *mode, info.planeIndex, *plane, info);
    return VK_SUCCESS;
}

} // namespace vwsi
