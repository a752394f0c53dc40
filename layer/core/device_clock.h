#pragma once

#include "core/clock.h"

#include <mutex>
#include <vector>
#include <vulkan/vulkan.h>

namespace vwsi {

#ifdef VK_EXT_present_timing

class Device;
class PhysicalDevice;

/// The time domains that the driver correlates, or this system's clocks where it correlates none. Errors are the
/// driver's.
VkResult calibrateableDomains(const PhysicalDevice& device, std::vector<VkTimeDomainKHR>* domains);

/// The device's own timestamps (VK_TIME_DOMAIN_DEVICE_KHR) as a clock that presents can be told the time of.
class DeviceClock {
public:
    explicit DeviceClock(const Device& device) : m_device(device) {}

    /// The driver correlates its timestamps, and they are nanoseconds that never wrap. VK_EXT_present_timing gives
    /// target times in nanoseconds, so that ticks of another length could be taken for either.
    bool usable() const;

    /// What the clock is ahead of CLOCK_MONOTONIC now, modulo 2^64. It stays what it was for as long as the driver's
    /// answers allow, so that times which are told one after the other keep their order.
    Nanoseconds ahead();

private:
    enum class Usable { Unknown, No, Yes };

    bool find() const;

    const Device& m_device;
    mutable std::mutex m_mutex;
    mutable Usable m_usable = Usable::Unknown;
    bool m_known = false;
    Nanoseconds m_ahead = 0;
};

#endif

} // namespace vwsi
