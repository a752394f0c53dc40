#pragma once

#include "surface/display/display_registry.h"
#include "surface/surface.h"

#include <memory>

namespace vwsi {

/// A plane of a display in a mode (vkCreateDisplayPlaneSurfaceKHR).
class DisplaySurface final : public Surface {
public:
    DisplaySurface(DisplayRegistry& registry, DisplayMode& mode, uint32_t planeIndex, const drm::Plane& plane,
                   const VkDisplaySurfaceCreateInfoKHR& info);

    const char* windowSystem() const override { return "display"; }
    bool layersOwn() const override { return true; }
    VkResult state(SurfaceState* state) override;
    VkResult formats(std::vector<const PixelFormat*>* formats) override;
    VkResult colorSpaces(const PixelFormat& format, std::vector<VkColorSpaceKHR>* spaces) override;
    VkResult presentModes(std::vector<VkPresentModeKHR>* modes) override;
    bool supports(const PhysicalDevice& device) const override { return m_registry.owner() == &device; }
    bool accepts(const FrameRegion& region, VkExtent2D image) const override;
    VkResult createTarget(const TargetInfo& info, std::unique_ptr<Target>* target) override;

    /// VK_EXT_display_surface_counter: vertical blanks are counted on all displays.
    VkSurfaceCounterFlagsEXT counters() const { return VK_SURFACE_COUNTER_VBLANK_BIT_EXT; }
    /// The vertical blanks so far; by the clock and the mode's rate where the driver does not count them.
    /// VK_ERROR_OUT_OF_DATE_KHR when no swapchain drives the display.
    VkResult vblankCount(uint64_t* count);

    DisplayRegistry& registry() const { return m_registry; }
    Display& display() const { return *m_mode.display; }

private:
    DisplayRegistry& m_registry;
    DisplayMode& m_mode;
    const uint32_t m_planeIndex;
    const uint32_t m_planeId;
    const uint32_t m_stackIndex;
    const VkExtent2D m_extent;
};

/// Makes the state of a surface on one of the registry's displays. The create info must be valid usage; one
/// with a mode or plane of another registry, a rotation or a transparency that no plane supports gives
/// VK_ERROR_INITIALIZATION_FAILED and a log line.
VkResult createDisplaySurface(DisplayRegistry& registry, const VkDisplaySurfaceCreateInfoKHR& info,
                              std::unique_ptr<Surface>* surface);

} // namespace vwsi
