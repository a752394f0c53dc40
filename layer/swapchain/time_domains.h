#pragma once

#include "core/clock_conversion.h"

#include <cstdint>
#include <ctime>
#include <span>
#include <vulkan/vulkan.h>

namespace vwsi {

/// A time domain of VK_EXT_present_timing. All count nanoseconds of a clock of this system, the local ones of
/// CLOCK_MONOTONIC, and every swapchain has them all with the same ids.
struct TimeDomain {
    VkTimeDomainKHR domain;
    uint64_t id;
    clockid_t clock;

    Nanoseconds toMonotonic(uint64_t when) const { return vwsi::toMonotonic(when, clock); }
    /// 0, for a moment that is not known, stays 0.
    uint64_t fromMonotonic(Nanoseconds when) const { return when ? vwsi::fromMonotonic(when, clock) : 0; }
    uint64_t now() const { return fromMonotonic(monotonicNow()); }

    static std::span<const TimeDomain> all();
    /// The one with this id; an id that was never given out stands for the first.
    static const TimeDomain& of(uint64_t id);
};

} // namespace vwsi
