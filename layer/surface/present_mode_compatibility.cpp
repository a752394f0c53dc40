#include "surface/present_mode_compatibility.h"

namespace vwsi {

namespace {

constexpr VkPresentModeKHR kFrameModes[] = {VK_PRESENT_MODE_FIFO_KHR, VK_PRESENT_MODE_FIFO_RELAXED_KHR,
                                            VK_PRESENT_MODE_MAILBOX_KHR, VK_PRESENT_MODE_IMMEDIATE_KHR};

constexpr VkPresentModeKHR kDemandRefresh[] = {VK_PRESENT_MODE_SHARED_DEMAND_REFRESH_KHR};
constexpr VkPresentModeKHR kContinuousRefresh[] = {VK_PRESENT_MODE_SHARED_CONTINUOUS_REFRESH_KHR};

} // namespace

std::span<const VkPresentModeKHR> compatiblePresentModes(VkPresentModeKHR mode)
{
    switch (mode) {
    case VK_PRESENT_MODE_SHARED_DEMAND_REFRESH_KHR:
        return kDemandRefresh;
    case VK_PRESENT_MODE_SHARED_CONTINUOUS_REFRESH_KHR:
        return kContinuousRefresh;
    default:
        return kFrameModes;
    }
}

} // namespace vwsi
