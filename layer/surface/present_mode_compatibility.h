#pragma once

#include <cstdint>
#include <span>
#include <vulkan/vulkan.h>

namespace vwsi {

/// Images that MAILBOX needs so that acquire does not block: one shown, one waiting to be, one on its way to the window
/// system, one being rendered to.
inline constexpr uint32_t kMailboxImages = 4;

/// Modes that the presenter makes of a surface's own, so that every surface has them.
std::span<const VkPresentModeKHR> derivedPresentModes();

/// The surface's own mode in which frames of `mode` are paced and handed to a target that replaces frames by itself
/// (Target::replacesFrames()), or does not.
VkPresentModeKHR pacingOf(VkPresentModeKHR mode, bool targetReplaces);

/// A complete frame of mode `later` takes the place of the frame of mode `earlier` before it, which has not been shown
/// yet (VkSwapchainPresentModeInfoKHR's transitions).
bool supersedes(VkPresentModeKHR later, VkPresentModeKHR earlier);

/// The application and the presentation engine share one image (VK_KHR_shared_presentable_image).
inline bool isSharedPresentMode(VkPresentModeKHR mode)
{
    return mode == VK_PRESENT_MODE_SHARED_DEMAND_REFRESH_KHR || mode == VK_PRESENT_MODE_SHARED_CONTINUOUS_REFRESH_KHR;
}

/// Copies of a shared image that may be under way: one shown, one handed over, one being made.
inline constexpr uint32_t kSharedCopies = 3;

/// Present modes that a swapchain created in `mode` can switch to frame by frame (VK_EXT_surface_maintenance1), `mode`
/// itself among them. The pacing is the presenter's, so all modes but the shared ones go together, as far as the number
/// of images allows.
std::span<const VkPresentModeKHR> compatiblePresentModes(VkPresentModeKHR mode);

} // namespace vwsi
