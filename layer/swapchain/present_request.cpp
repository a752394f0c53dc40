#include "swapchain/present_request.h"

#include "core/struct_chain.h"
#ifdef VK_EXT_present_timing
#include "swapchain/time_domains.h"
#endif

namespace vwsi {

namespace {

/// The i-th element of a pNext struct's array that runs parallel to the swapchains, or null where it has none.
template <typename Struct, typename Element>
const Element* parallel(const void* chain, VkStructureType type, const Element* Struct::* array, uint32_t i)
{
    const auto* const info = findInChain<Struct>(chain, type);
    return info && info->swapchainCount > i && info->*array ? &(info->*array)[i] : nullptr;
}

/// Both extensions number the presents of a swapchain in the same sequence.
uint64_t presentId(const void* chain, uint32_t i)
{
    const uint64_t* id = parallel(chain, VK_STRUCTURE_TYPE_PRESENT_ID_KHR, &VkPresentIdKHR::pPresentIds, i);
#ifdef VK_KHR_present_id2
    if (!id)
        id = parallel(chain, VK_STRUCTURE_TYPE_PRESENT_ID_2_KHR, &VkPresentId2KHR::pPresentIds, i);
#endif
    return id ? *id : 0;
}

#ifdef VK_EXT_present_timing
void readTiming(Device& device, const VkPresentTimingInfoEXT& info, PresentRequest& request)
{
    request.timing = {request.notes.presentId, info.targetTime, info.timeDomainId, info.presentStageQueries};
    if (info.targetTime == 0)
        return;
    PresentWish& wish = request.notes.wish;
    wish.relative = info.flags & VK_PRESENT_TIMING_INFO_PRESENT_AT_RELATIVE_TIME_BIT_EXT;
    wish.nearest = info.flags & VK_PRESENT_TIMING_INFO_PRESENT_AT_NEAREST_REFRESH_CYCLE_BIT_EXT;
    // The clocks of all domains run alike, so that a duration is the same in each.
    wish.time =
        wish.relative ? info.targetTime : TimeDomain::of(info.timeDomainId).toMonotonic(device, info.targetTime);
}
#endif

} // namespace

PresentRequest PresentRequest::of([[maybe_unused]] Device& device, const VkPresentInfoKHR& info, uint32_t i)
{
    const void* const chain = info.pNext;
    PresentRequest request;
    request.imageIndex = info.pImageIndices[i];
    request.damage = parallel(chain, VK_STRUCTURE_TYPE_PRESENT_REGIONS_KHR, &VkPresentRegionsKHR::pRegions, i);
    request.mode = parallel(chain, VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_MODE_INFO_EXT,
                            &VkSwapchainPresentModeInfoEXT::pPresentModes, i);
    request.fence = parallel(chain, VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_FENCE_INFO_EXT,
                             &VkSwapchainPresentFenceInfoEXT::pFences, i);
    // One for all swapchains of the call (VK_KHR_display_swapchain).
    if (const auto* const display =
            findInChain<VkDisplayPresentInfoKHR>(chain, VK_STRUCTURE_TYPE_DISPLAY_PRESENT_INFO_KHR))
        request.region = FrameRegion{display->srcRect, display->dstRect};
    FrameNotes& notes = request.notes;
    notes.presentId = presentId(chain, i);
    if (const auto* const listed =
            parallel(chain, VK_STRUCTURE_TYPE_PRESENT_TIMES_INFO_GOOGLE, &VkPresentTimesInfoGOOGLE::pTimes, i)) {
        notes.listed = true;
        notes.listedId = listed->presentID;
        notes.listedWish = listed->desiredPresentTime;
        notes.wish.time = listed->desiredPresentTime;
    }
#ifdef VK_EXT_present_timing
    if (const auto* const timing =
            parallel(chain, VK_STRUCTURE_TYPE_PRESENT_TIMINGS_INFO_EXT, &VkPresentTimingsInfoEXT::pTimingInfos, i))
        readTiming(device, *timing, request);
#endif
    return request;
}

} // namespace vwsi
