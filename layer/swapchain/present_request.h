#pragma once

#include "surface/target.h"
#include "swapchain/frame_notes.h"
#include "swapchain/timing_results.h"

#include <cstdint>
#include <optional>
#include <vulkan/vulkan.h>

namespace vwsi {

class Device;

/// One swapchain's part of a vkQueuePresentKHR.
struct PresentRequest {
    uint32_t imageIndex = 0;
    const VkPresentRegionKHR* damage = nullptr; ///< VK_KHR_incremental_present
    std::optional<FrameRegion> region;          ///< VkDisplayPresentInfoKHR
    const VkPresentModeKHR* mode = nullptr;     ///< VK_EXT_swapchain_maintenance1: mode from this frame on
    const VkFence* fence = nullptr;             ///< VK_EXT_swapchain_maintenance1
    FrameNotes notes;
    TimingResults::Request timing; ///< no stages: no result is wanted

    /// Of the `i`-th swapchain of `info`, whose arrays it points into.
    static PresentRequest of(Device& device, const VkPresentInfoKHR& info, uint32_t i);
};

} // namespace vwsi
