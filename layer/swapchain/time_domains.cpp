#include "swapchain/time_domains.h"

#include "core/device.h"

#include <algorithm>

namespace vwsi {

namespace {

constexpr TimeDomain kDomains[] = {
    {VK_TIME_DOMAIN_PRESENT_STAGE_LOCAL_EXT, 1, CLOCK_MONOTONIC},
    {VK_TIME_DOMAIN_SWAPCHAIN_LOCAL_EXT, 2, CLOCK_MONOTONIC},
    {VK_TIME_DOMAIN_CLOCK_MONOTONIC_KHR, 3, CLOCK_MONOTONIC},
    {VK_TIME_DOMAIN_CLOCK_MONOTONIC_RAW_KHR, 4, CLOCK_MONOTONIC_RAW},
    // The last, because not every device has it.
    {VK_TIME_DOMAIN_DEVICE_KHR, 5, CLOCK_MONOTONIC},
};

} // namespace

Nanoseconds TimeDomain::ahead(Device& device) const
{
    if (domain == VK_TIME_DOMAIN_DEVICE_KHR)
        return device.clock().ahead();
    if (clock == CLOCK_MONOTONIC)
        return 0;
    const Nanoseconds now = monotonicNow();
    return fromMonotonic(now, clock) - now;
}

Nanoseconds TimeDomain::toMonotonic(Device& device, uint64_t when) const
{
    const Nanoseconds result = when - ahead(device);
    return static_cast<int64_t>(result) < 0 ? monotonicNow() : result;
}

std::span<const TimeDomain> TimeDomain::all(Device& device)
{
    const std::span<const TimeDomain> known = kDomains;
    return device.clock().usable() ? known : known.first(known.size() - 1);
}

const TimeDomain& TimeDomain::of(uint64_t id)
{
    const auto* const found =
        std::find_if(std::begin(kDomains), std::end(kDomains), [&](const TimeDomain& known) { return known.id == id; });
    return found == std::end(kDomains) ? kDomains[0] : *found;
}

} // namespace vwsi
