#pragma once

#include <cstdint>
#include <span>
#include <vulkan/vulkan.h>

namespace vwsi {

/// Images that MAILBOX needs so that acquire does not block: one shown, one waiting, one being rendered to.
inline constexpr uint32_t kMailboxImages = 3;

/// Present modes that a swapchain created in `mode` can switch to frame by frame (VK_EXT_surface_maintenance1), `mode`
/// itself among them. The pacing is the presenter's, so all modes but the shared ones go together, as far as the number
/// of images allows.
std::span<const VkPresentModeKHR> compatiblePresentModes(VkPresentModeKHR mode);

} // namespace vwsi
