#pragma once

#include "core/clock_conversion.h"

#include <cstdint>
#include <ctime>
#include <span>
#include <vulkan/vulkan.h>

namespace vwsi {

class Device;

/// A time domain of VK_EXT_present_timing. All count nanoseconds: of a clock of this system, the local ones of
/// CLOCK_MONOTONIC, or of the device. Every swapchain of a device has the same ones with the same ids.
struct TimeDomain {
    VkTimeDomainKHR domain;
    uint64_t id;
    clockid_t clock; ///< not the device's

    /// What its clock is ahead of CLOCK_MONOTONIC now, modulo 2^64. The device's takes a call of the driver.
    Nanoseconds ahead(Device& device) const;
    /// The present moment for one that lies before CLOCK_MONOTONIC began.
    Nanoseconds toMonotonic(Device& device, uint64_t when) const;

    static std::span<const TimeDomain> all(Device& device);
    /// The one with this id; an id that was never given out stands for the first.
    static const TimeDomain& of(uint64_t id);
};

} // namespace vwsi
