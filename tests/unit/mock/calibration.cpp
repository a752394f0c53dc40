#include "mock/call.h"
#include "mock/entries.h"

#include <algorithm>
#include <ctime>
#include <iterator>

namespace vwsi::mock {

namespace {

constexpr VkTimeDomainEXT kDomains[] = {VK_TIME_DOMAIN_DEVICE_EXT, VK_TIME_DOMAIN_CLOCK_MONOTONIC_EXT,
                                        VK_TIME_DOMAIN_CLOCK_MONOTONIC_RAW_EXT};

uint64_t read(clockid_t clock)
{
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

} // namespace

namespace entry {

VkResult GetPhysicalDeviceCalibrateableTimeDomainsEXT(VkPhysicalDevice device, uint32_t* count, VkTimeDomainEXT* out)
{
    Call call("vkGetPhysicalDeviceCalibrateableTimeDomainsKHR", device);
    if (call.fails())
        return call.result();
    const auto all = static_cast<uint32_t>(std::size(kDomains));
    const uint32_t room = out ? *count : all;
    *count = std::min(room, all);
    if (out)
        std::copy_n(kDomains, *count, out);
    return *count < all ? VK_INCOMPLETE : VK_SUCCESS;
}

VkResult GetCalibratedTimestampsEXT(VkDevice handle, uint32_t count, const VkCalibratedTimestampInfoEXT* infos,
                                    uint64_t* times, uint64_t* deviation)
{
    Call call("vkGetCalibratedTimestampsKHR", handle);
    if (call.fails())
        return call.result();
    const DeviceSpec& spec = *call.device->physicalDevice->spec;
    const bool late = call.world.counts["vkGetCalibratedTimestampsKHR"] % 2 != 0;
    for (uint32_t i = 0; i < count; ++i) {
        call.chain(infos[i].pNext);
        switch (infos[i].timeDomain) {
        case VK_TIME_DOMAIN_DEVICE_EXT:
            times[i] = read(CLOCK_MONOTONIC) + spec.clockAhead + (late ? spec.clockDeviation : 0);
            break;
        case VK_TIME_DOMAIN_CLOCK_MONOTONIC_EXT:
            times[i] = read(CLOCK_MONOTONIC);
            break;
        case VK_TIME_DOMAIN_CLOCK_MONOTONIC_RAW_EXT:
            times[i] = read(CLOCK_MONOTONIC_RAW);
            break;
        default:
            call.error("time domain %d is not this driver's", infos[i].timeDomain);
            times[i] = 0;
        }
    }
    *deviation = spec.clockDeviation + 1'000'000; // a preempted test reads the clocks far apart
    return VK_SUCCESS;
}

} // namespace entry

} // namespace vwsi::mock
