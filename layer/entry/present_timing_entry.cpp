#include "core/outarray.h"
#include "entry/hooks.h"
#include "swapchain/swapchain.h"
#include "swapchain/time_domains.h"

#include <algorithm>

namespace vwsi {

namespace {

/// No clock comes or goes while a swapchain lives.
constexpr uint64_t kTimeDomainsCounter = 1;

VKAPI_ATTR VkResult VKAPI_CALL SetSwapchainPresentTimingQueueSizeEXT(VkDevice, VkSwapchainKHR swapchain, uint32_t size)
{
    return guarded([&] { return Swapchain::of(swapchain)->resizeTimingResults(size); });
}

VKAPI_ATTR VkResult VKAPI_CALL GetSwapchainTimingPropertiesEXT(
    VkDevice, VkSwapchainKHR swapchain, VkSwapchainTimingPropertiesEXT* pSwapchainTimingProperties,
    uint64_t* pSwapchainTimingPropertiesCounter)
{
    return guarded([&] {
        const RefreshState::Known known = Swapchain::of(swapchain)->records().refresh.get();
        pSwapchainTimingProperties->refreshDuration = known.interval;
        pSwapchainTimingProperties->refreshInterval = known.interval;
        if (pSwapchainTimingPropertiesCounter)
            *pSwapchainTimingPropertiesCounter = known.changes;
        return known.interval ? VK_SUCCESS : VK_NOT_READY;
    });
}

VKAPI_ATTR VkResult VKAPI_CALL GetSwapchainTimeDomainPropertiesEXT(
    VkDevice device, VkSwapchainKHR, VkSwapchainTimeDomainPropertiesEXT* pSwapchainTimeDomainProperties,
    uint64_t* pTimeDomainsCounter)
{
    return guarded([&] {
        VkSwapchainTimeDomainPropertiesEXT& properties = *pSwapchainTimeDomainProperties;
        if (pTimeDomainsCounter)
            *pTimeDomainsCounter = kTimeDomainsCounter;
        uint64_t* id = properties.pTimeDomainIds;
        OutArray<VkTimeDomainKHR> out(&properties.timeDomainCount, properties.pTimeDomains);
        for (const TimeDomain& domain : TimeDomain::all(*Device::find(device))) {
            out.append([&](VkTimeDomainKHR& written) {
                written = domain.domain;
                *id++ = domain.id;
            });
        }
        return out.result();
    });
}

/// With the times of CLOCK_MONOTONIC. Stages that nothing is known of are left out, which only happens in results that
/// may be partial.
void write(const TimingResults::Result& result, VkPastPresentationTimingEXT& timing)
{
    const TimeDomain& domain = TimeDomain::of(result.request.timeDomainId);
    timing.presentId = result.request.presentId;
    timing.targetTime = result.request.targetTime;
    timing.timeDomain = domain.domain;
    timing.timeDomainId = domain.id;
    timing.reportComplete = result.complete();
    timing.presentStageCount = 0;
    for (uint32_t stage = 0; stage < TimingResults::StageCount; ++stage) {
        if (result.request.stages & result.known & 1u << stage)
            timing.pPresentStages[timing.presentStageCount++] = {1u << stage, result.times[stage]};
    }
}

/// Puts the times of CLOCK_MONOTONIC into the domain that each result names. 0, for a moment that is not known, stays.
void convert(Device& device, std::span<VkPastPresentationTimingEXT> timings)
{
    uint64_t id = 0;
    Nanoseconds ahead = 0;
    for (VkPastPresentationTimingEXT& timing : timings) {
        if (timing.timeDomainId != id)
            ahead = TimeDomain::of(timing.timeDomainId).ahead(device);
        id = timing.timeDomainId;
        for (VkPresentStageTimeEXT& stage : std::span(timing.pPresentStages, timing.presentStageCount))
            stage.time += stage.time ? ahead : 0;
    }
}

VKAPI_ATTR VkResult VKAPI_CALL
GetPastPresentationTimingEXT(VkDevice device, const VkPastPresentationTimingInfoEXT* pPastPresentationTimingInfo,
                             VkPastPresentationTimingPropertiesEXT* pPastPresentationTimingProperties)
{
    return guarded([&] {
        const VkPastPresentationTimingFlagsEXT flags = pPastPresentationTimingInfo->flags;
        PresentRecords& records = Swapchain::of(pPastPresentationTimingInfo->swapchain)->records();
        VkPastPresentationTimingPropertiesEXT& properties = *pPastPresentationTimingProperties;
        properties.timingPropertiesCounter = records.refresh.get().changes;
        properties.timeDomainsCounter = kTimeDomainsCounter;
        const TimingResults::Reading reading{
            .partial = (flags & VK_PAST_PRESENTATION_TIMING_ALLOW_PARTIAL_RESULTS_BIT_EXT) != 0,
            .outOfOrder = (flags & VK_PAST_PRESENTATION_TIMING_ALLOW_OUT_OF_ORDER_RESULTS_BIT_EXT) != 0,
        };
        if (!properties.pPresentationTimings) {
            properties.presentationTimingCount = records.results.available(reading);
            return VK_SUCCESS;
        }
        VkPastPresentationTimingEXT* timing = properties.pPresentationTimings;
        const VkResult result =
            records.results.take(reading, &properties.presentationTimingCount,
                                 [&](const TimingResults::Result& taken) { write(taken, *timing++); });
        convert(*Device::find(device), {properties.pPresentationTimings, timing});
        return result;
    });
}

} // namespace

std::span<const Hook> presentTimingHooks()
{
    constexpr Extension timing = Extension::ExtPresentTiming;
    static const Hook hooks[] = {
        VWSI_HOOK(SetSwapchainPresentTimingQueueSizeEXT, HookLevel::Device, timing),
        VWSI_HOOK(GetSwapchainTimingPropertiesEXT, HookLevel::Device, timing),
        VWSI_HOOK(GetSwapchainTimeDomainPropertiesEXT, HookLevel::Device, timing),
        VWSI_HOOK(GetPastPresentationTimingEXT, HookLevel::Device, timing),
    };
    return hooks;
}

} // namespace vwsi
