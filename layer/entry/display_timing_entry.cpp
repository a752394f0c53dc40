#include "core/settings.h"
#include "entry/hooks.h"
#include "swapchain/swapchain.h"

namespace vwsi {

namespace {

VKAPI_ATTR VkResult VKAPI_CALL GetRefreshCycleDurationGOOGLE(VkDevice, VkSwapchainKHR swapchain,
                                                             VkRefreshCycleDurationGOOGLE* pDisplayTimingProperties)
{
    return guarded([&] {
        const RefreshState::Known known = Swapchain::of(swapchain)->records().refresh.get();
        // There is no result for "not known yet", and applications divide by this.
        pDisplayTimingProperties->refreshDuration = known.interval ? known.interval : settings().refreshInterval();
        return VK_SUCCESS;
    });
}

VKAPI_ATTR VkResult VKAPI_CALL GetPastPresentationTimingGOOGLE(VkDevice, VkSwapchainKHR swapchain,
                                                               uint32_t* pPresentationTimingCount,
                                                               VkPastPresentationTimingGOOGLE* pPresentationTimings)
{
    return guarded([&] {
        return Swapchain::of(swapchain)->records().displayTimings.take(pPresentationTimingCount, pPresentationTimings);
    });
}

} // namespace

std::span<const Hook> displayTimingHooks()
{
    constexpr Extension displayTiming = Extension::GoogleDisplayTiming;
    static const Hook hooks[] = {
        VWSI_HOOK(GetRefreshCycleDurationGOOGLE, HookLevel::Device, displayTiming),
        VWSI_HOOK(GetPastPresentationTimingGOOGLE, HookLevel::Device, displayTiming),
    };
    return hooks;
}

} // namespace vwsi
