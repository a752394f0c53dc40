// VK_KHR_calibrated_timestamps, which VK_EXT_present_timing needs: the driver's own, its older form, or this system's
// clocks alone; in each case with the time domains of swapchains.

#include "core/instance.h"
#include "core/outarray.h"
#include "core/scratch_arena.h"
#include "core/struct_chain.h"
#include "entry/hooks.h"
#include "swapchain/time_domains.h"

#include <algorithm>
#include <vector>

namespace vwsi {

namespace {

bool isOfSwapchains(VkTimeDomainKHR domain)
{
    return domain == VK_TIME_DOMAIN_PRESENT_STAGE_LOCAL_EXT || domain == VK_TIME_DOMAIN_SWAPCHAIN_LOCAL_EXT;
}

VKAPI_ATTR VkResult VKAPI_CALL GetPhysicalDeviceCalibrateableTimeDomainsKHR(VkPhysicalDevice physicalDevice,
                                                                            uint32_t* pTimeDomainCount,
                                                                            VkTimeDomainKHR* pTimeDomains)
{
    return guarded([&] {
        Instance& instance = *Instance::find(physicalDevice);
        const PhysicalDevice& device = instance.physicalDevice(physicalDevice);
        if (!device.served()) {
            const auto below = instance.nextFunction<PFN_vkGetPhysicalDeviceCalibrateableTimeDomainsKHR>(
                "vkGetPhysicalDeviceCalibrateableTimeDomainsKHR");
            return below ? below(physicalDevice, pTimeDomainCount, pTimeDomains) : VK_ERROR_EXTENSION_NOT_PRESENT;
        }
        std::vector<VkTimeDomainKHR> domains;
        if (const VkResult result = calibrateableDomains(device, &domains); result != VK_SUCCESS)
            return result;
        domains.push_back(VK_TIME_DOMAIN_PRESENT_STAGE_LOCAL_EXT);
        domains.push_back(VK_TIME_DOMAIN_SWAPCHAIN_LOCAL_EXT);
        OutArray<VkTimeDomainKHR> out(pTimeDomainCount, pTimeDomains);
        for (const VkTimeDomainKHR domain : domains)
            out.append([&](VkTimeDomainKHR& written) { written = domain; });
        return out.result();
    });
}

/// The time now in a domain that the driver knows nothing of; `monotonic` is the same moment of CLOCK_MONOTONIC.
uint64_t ownTime(Device& device, const VkCalibratedTimestampInfoKHR& info, Nanoseconds monotonic)
{
    if (!isOfSwapchains(info.timeDomain)) {
        const auto domains = TimeDomain::all(device);
        const auto found = std::find_if(domains.begin(), domains.end(),
                                        [&](const TimeDomain& known) { return known.domain == info.timeDomain; });
        return found == domains.end() ? 0 : monotonic + found->ahead(device);
    }
    const auto* const which = findInChain<VkSwapchainCalibratedTimestampInfoEXT>(
        info.pNext, VK_STRUCTURE_TYPE_SWAPCHAIN_CALIBRATED_TIMESTAMP_INFO_EXT);
    // An id that is not this domain's is answered like one that is no longer supported.
    if (!which || TimeDomain::of(which->timeDomainId).id != which->timeDomainId ||
        TimeDomain::of(which->timeDomainId).domain != info.timeDomain)
        return 0;
    return monotonic + TimeDomain::of(which->timeDomainId).ahead(device);
}

VKAPI_ATTR VkResult VKAPI_CALL GetCalibratedTimestampsKHR(VkDevice device, uint32_t timestampCount,
                                                          const VkCalibratedTimestampInfoKHR* pTimestampInfos,
                                                          uint64_t* pTimestamps, uint64_t* pMaxDeviation)
{
    return guarded([&] {
        Device& object = *Device::find(device);
        const PFN_vkGetCalibratedTimestampsEXT ask =
            object.physicalDevice().calibrates() ? object.next().GetCalibratedTimestampsEXT : nullptr;
        const auto isDrivers = [&](const VkCalibratedTimestampInfoKHR& info) {
            return ask && !isOfSwapchains(info.timeDomain);
        };
        ScratchArena arena;
        auto* const infos = arena.array<VkCalibratedTimestampInfoKHR>(timestampCount);
        auto* const times = arena.array<uint64_t>(timestampCount);
        if (!infos || !times)
            return VK_ERROR_OUT_OF_HOST_MEMORY;
        uint32_t asked = 0;
        for (uint32_t i = 0; i < timestampCount; ++i) {
            if (isDrivers(pTimestampInfos[i]))
                infos[asked++] = pTimestampInfos[i];
        }

        uint64_t deviation = 0;
        const Nanoseconds before = monotonicNow();
        if (asked > 0) {
            if (const VkResult result = ask(device, asked, infos, times, &deviation); result != VK_SUCCESS)
                return result;
        }
        const Nanoseconds after = monotonicNow();
        // The clock that swapchains use may be among the driver's answers; otherwise it was read around them.
        Nanoseconds monotonic = before + (after - before) / 2;
        const auto* const same = std::find_if(infos, infos + asked, [](const VkCalibratedTimestampInfoKHR& info) {
            return info.timeDomain == VK_TIME_DOMAIN_CLOCK_MONOTONIC_KHR;
        });
        if (same != infos + asked)
            monotonic = times[same - infos];
        else if (asked < timestampCount)
            deviation += after - before;

        for (uint32_t i = 0, answered = 0; i < timestampCount; ++i)
            pTimestamps[i] =
                isDrivers(pTimestampInfos[i]) ? times[answered++] : ownTime(object, pTimestampInfos[i], monotonic);
        *pMaxDeviation = std::max<uint64_t>(deviation, 1);
        return VK_SUCCESS;
    });
}

} // namespace

std::span<const Hook> calibrationHooks()
{
    static const Hook hooks[] = {
        VWSI_HOOK(GetPhysicalDeviceCalibrateableTimeDomainsKHR, HookLevel::PhysicalDevice),
        VWSI_HOOK(GetCalibratedTimestampsKHR, HookLevel::Device, Extension::KhrCalibratedTimestamps),
    };
    return hooks;
}

} // namespace vwsi
