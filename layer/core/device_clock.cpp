#include "core/device_clock.h"

#include "core/device.h"
#include "core/instance.h"

#include <algorithm>
#include <iterator>

namespace vwsi {

namespace {

constexpr VkTimeDomainKHR kHostClocks[] = {VK_TIME_DOMAIN_CLOCK_MONOTONIC_KHR, VK_TIME_DOMAIN_CLOCK_MONOTONIC_RAW_KHR};

bool contains(const std::vector<VkTimeDomainKHR>& domains, VkTimeDomainKHR domain)
{
    return std::find(domains.begin(), domains.end(), domain) != domains.end();
}

} // namespace

VkResult calibrateableDomains(const PhysicalDevice& device, std::vector<VkTimeDomainKHR>* domains)
{
    const char* const name = device.driverHas(VK_KHR_CALIBRATED_TIMESTAMPS_EXTENSION_NAME)
                                 ? "vkGetPhysicalDeviceCalibrateableTimeDomainsKHR"
                                 : "vkGetPhysicalDeviceCalibrateableTimeDomainsEXT";
    const auto query = device.instance().nextFunction<PFN_vkGetPhysicalDeviceCalibrateableTimeDomainsKHR>(name);
    if (!device.calibrates() || !query) {
        domains->assign(std::begin(kHostClocks), std::end(kHostClocks));
        return VK_SUCCESS;
    }
    uint32_t count = 0;
    VkResult result = query(device.handle(), &count, nullptr);
    if (result != VK_SUCCESS)
        return result;
    domains->resize(count);
    result = query(device.handle(), &count, domains->data());
    domains->resize(count);
    return result == VK_INCOMPLETE ? VK_SUCCESS : result;
}

bool DeviceClock::find() const
{
    const PhysicalDevice& physical = m_device.physicalDevice();
    // The driver's device knows the command where the application has enabled the extension.
    if (!has(m_device.enabled(), Extension::KhrCalibratedTimestamps) || !physical.calibrates() ||
        !m_device.next().GetCalibratedTimestampsEXT || physical.properties().limits.timestampPeriod != 1.0F)
        return false;
    const auto& families = physical.queueFamilies();
    if (std::none_of(families.begin(), families.end(),
                     [](const VkQueueFamilyProperties& family) { return family.timestampValidBits == 64; }))
        return false;
    std::vector<VkTimeDomainKHR> domains;
    return calibrateableDomains(physical, &domains) == VK_SUCCESS && contains(domains, VK_TIME_DOMAIN_DEVICE_KHR) &&
           contains(domains, VK_TIME_DOMAIN_CLOCK_MONOTONIC_KHR);
}

bool DeviceClock::usable() const
{
    const std::lock_guard lock(m_mutex);
    if (m_usable == Usable::Unknown)
        m_usable = find() ? Usable::Yes : Usable::No;
    return m_usable == Usable::Yes;
}

Nanoseconds DeviceClock::ahead()
{
    constexpr VkCalibratedTimestampInfoEXT infos[] = {
        {VK_STRUCTURE_TYPE_CALIBRATED_TIMESTAMP_INFO_EXT, nullptr, VK_TIME_DOMAIN_DEVICE_EXT},
        {VK_STRUCTURE_TYPE_CALIBRATED_TIMESTAMP_INFO_EXT, nullptr, VK_TIME_DOMAIN_CLOCK_MONOTONIC_EXT},
    };
    uint64_t times[2] = {};
    uint64_t deviation = 0;
    const VkResult result = m_device.next().GetCalibratedTimestampsEXT(m_device.handle(), 2, infos, times, &deviation);
    const std::lock_guard lock(m_mutex);
    if (result != VK_SUCCESS)
        return m_ahead;
    const Nanoseconds ahead = times[0] - times[1];
    const Nanoseconds moved = std::min(ahead - m_ahead, m_ahead - ahead);
    if (!m_known || moved > deviation)
        m_ahead = ahead;
    m_known = true;
    return m_ahead;
}

} // namespace vwsi
