#include "surface/present_mode_compatibility.h"

namespace vwsi {

namespace {

constexpr VkPresentModeKHR kFrameModes[] = {
    VK_PRESENT_MODE_FIFO_KHR,
    VK_PRESENT_MODE_FIFO_RELAXED_KHR,
    VK_PRESENT_MODE_MAILBOX_KHR,
    VK_PRESENT_MODE_IMMEDIATE_KHR,
#ifdef VK_EXT_present_mode_fifo_latest_ready
    VK_PRESENT_MODE_FIFO_LATEST_READY_EXT,
#endif
};

constexpr VkPresentModeKHR kDerivedModes[] = {
#ifdef VK_EXT_present_mode_fifo_latest_ready
    VK_PRESENT_MODE_FIFO_LATEST_READY_EXT,
#endif
    VK_PRESENT_MODE_SHARED_DEMAND_REFRESH_KHR,
    VK_PRESENT_MODE_SHARED_CONTINUOUS_REFRESH_KHR,
};

constexpr VkPresentModeKHR kSharedModes[] = {VK_PRESENT_MODE_SHARED_DEMAND_REFRESH_KHR,
                                             VK_PRESENT_MODE_SHARED_CONTINUOUS_REFRESH_KHR};

} // namespace

std::span<const VkPresentModeKHR> derivedPresentModes()
{
    return kDerivedModes;
}

std::span<const VkPresentModeKHR> compatiblePresentModes(VkPresentModeKHR mode)
{
    if (isSharedPresentMode(mode))
        return kSharedModes;
    return kFrameModes;
}

VkPresentModeKHR pacingOf(VkPresentModeKHR mode, [[maybe_unused]] bool targetReplaces)
{
    switch (mode) {
#ifdef VK_EXT_present_mode_fifo_latest_ready
    // Frames leave this mode's queue at a refresh only. To a target that gets one frame for each refresh it is the same
    // as MAILBOX; supersedes() tells them apart.
    case VK_PRESENT_MODE_FIFO_LATEST_READY_EXT:
        return targetReplaces ? VK_PRESENT_MODE_FIFO_KHR : VK_PRESENT_MODE_MAILBOX_KHR;
#endif
    case VK_PRESENT_MODE_SHARED_DEMAND_REFRESH_KHR:
        return VK_PRESENT_MODE_MAILBOX_KHR;
    case VK_PRESENT_MODE_SHARED_CONTINUOUS_REFRESH_KHR:
        return VK_PRESENT_MODE_FIFO_KHR;
    default:
        return mode;
    }
}

bool supersedes([[maybe_unused]] VkPresentModeKHR later, VkPresentModeKHR earlier)
{
    switch (earlier) {
    case VK_PRESENT_MODE_MAILBOX_KHR:
        return true;
#ifdef VK_EXT_present_mode_fifo_latest_ready
    // Frames of another mode wait until the queue has run empty, or are taken from it one by one.
    case VK_PRESENT_MODE_FIFO_LATEST_READY_EXT:
        return later == VK_PRESENT_MODE_FIFO_LATEST_READY_EXT;
#endif
    default:
        return false;
    }
}

} // namespace vwsi
