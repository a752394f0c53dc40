#include "swapchain/time_domains.h"

#include <algorithm>

namespace vwsi {

namespace {

constexpr TimeDomain kDomains[] = {
    {VK_TIME_DOMAIN_PRESENT_STAGE_LOCAL_EXT, 1, CLOCK_MONOTONIC},
    {VK_TIME_DOMAIN_SWAPCHAIN_LOCAL_EXT, 2, CLOCK_MONOTONIC},
    {VK_TIME_DOMAIN_CLOCK_MONOTONIC_KHR, 3, CLOCK_MONOTONIC},
    {VK_TIME_DOMAIN_CLOCK_MONOTONIC_RAW_KHR, 4, CLOCK_MONOTONIC_RAW},
};

} // namespace

std::span<const TimeDomain> TimeDomain::all()
{
    return kDomains;
}

const TimeDomain& TimeDomain::of(uint64_t id)
{
    const auto* const found =
        std::find_if(std::begin(kDomains), std::end(kDomains), [&](const TimeDomain& known) { return known.id == id; });
    return found == std::end(kDomains) ? kDomains[0] : *found;
}

} // namespace vwsi
