#include "entry/driver_create_info.h"

#include "core/instance.h"
#include "core/log.h"
#include "core/physical_device.h"
#include "core/settings.h"
#include "core/struct_chain.h"
#include "entry/supplied_features.h"

#include <algorithm>
#include <cstring>

namespace vwsi {

namespace {

constexpr uint32_t kNever = UINT32_MAX;

bool names(const VkDeviceCreateInfo& info, const char* extension)
{
    return std::any_of(info.ppEnabledExtensionNames, info.ppEnabledExtensionNames + info.enabledExtensionCount,
                       [&](const char* name) { return !strcmp(name, extension); });
}

/// Frames of this device may go to a Wayland compositor as dma-bufs.
bool mayExport(const PhysicalDevice& device, const VkDeviceCreateInfo& info)
{
    const Instance& instance = device.instance();
    return settings().wayland != "shm" && has(instance.enabled(), Extension::KhrWaylandSurface) &&
           names(info, VK_KHR_SWAPCHAIN_EXTENSION_NAME) && instance.queriesExternalMemory() &&
           instance.next().GetPhysicalDeviceImageFormatProperties2 &&
           instance.next().GetPhysicalDeviceFormatProperties2;
}

} // namespace

// Each last: what the others are for (spec, "Extension and Version Dependencies" of each).
const DriverCreateInfo::Needed DriverCreateInfo::kHostMemory[] = {
    {VK_KHR_EXTERNAL_MEMORY_EXTENSION_NAME, VK_API_VERSION_1_1},
    {VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME, kNever},
};
const DriverCreateInfo::Needed DriverCreateInfo::kDmaBuf[] = {
    {VK_KHR_EXTERNAL_MEMORY_EXTENSION_NAME, VK_API_VERSION_1_1},
    {VK_KHR_GET_MEMORY_REQUIREMENTS_2_EXTENSION_NAME, VK_API_VERSION_1_1},
    {VK_KHR_DEDICATED_ALLOCATION_EXTENSION_NAME, VK_API_VERSION_1_1},
    {VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME, kNever},
    {VK_EXT_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_NAME, kNever},
};
const DriverCreateInfo::Needed DriverCreateInfo::kModifiers[] = {
    {VK_KHR_BIND_MEMORY_2_EXTENSION_NAME, VK_API_VERSION_1_1},
    {VK_KHR_MAINTENANCE_1_EXTENSION_NAME, VK_API_VERSION_1_1},
    {VK_KHR_SAMPLER_YCBCR_CONVERSION_EXTENSION_NAME, VK_API_VERSION_1_1},
    {VK_KHR_IMAGE_FORMAT_LIST_EXTENSION_NAME, VK_API_VERSION_1_2},
    {VK_EXT_IMAGE_DRM_FORMAT_MODIFIER_EXTENSION_NAME, kNever},
};
const DriverCreateInfo::Needed DriverCreateInfo::kForeignQueue[] = {
    {VK_EXT_QUEUE_FAMILY_FOREIGN_EXTENSION_NAME, kNever},
};

DriverCreateInfo::DriverCreateInfo(const PhysicalDevice& device, const VkDeviceCreateInfo& info) : m_info(info)
{
    for (uint32_t i = 0; i < info.enabledExtensionCount; ++i) {
        if (const char* const name = driverName(device, info.ppEnabledExtensionNames[i]))
            m_names.push_back(name);
    }
    // An application that enables it has seen to the rest itself.
    m_support.hostMemory = device.hostPointerAlignment() &&
                           (named(VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME) || enable(device, kHostMemory));
    if (mayExport(device, info) && enable(device, kDmaBuf)) {
        m_support.dmaBuf = true;
        m_support.modifiers = enable(device, kModifiers);
        m_support.foreignQueue = enable(device, kForeignQueue);
    }
    m_info.enabledExtensionCount = static_cast<uint32_t>(m_names.size());
    m_info.ppEnabledExtensionNames = m_names.data();

    const RewrittenChain chain = chainWithout(m_arena, info.pNext, &isWindowSystemFeature);
    m_info.pNext = chain.chain;
    if (!chain.complete)
        VWSI_WARN("vkCreateDevice: a feature struct of the swapchain stays in the driver's chain, because a struct "
                  "before it is newer than this build of the layer");
}

const char* DriverCreateInfo::driverName(const PhysicalDevice& device, const char* name) const
{
    if (isWindowSystemDeviceExtension(name))
        return nullptr;
    if (strcmp(name, "VK_KHR_calibrated_timestamps") != 0 || device.driverHas(name))
        return name;
    const char* const older = VK_EXT_CALIBRATED_TIMESTAMPS_EXTENSION_NAME;
    return device.driverHas(older) && !names(m_info, older) ? older : nullptr;
}

bool DriverCreateInfo::named(const char* name) const
{
    return std::any_of(m_names.begin(), m_names.end(), [&](const char* other) { return !strcmp(name, other); });
}

bool DriverCreateInfo::enable(const PhysicalDevice& device, std::span<const Needed> needed)
{
    const auto there = [&](const Needed& one) {
        return device.apiVersion() >= one.coreSince || device.driverHas(one.name);
    };
    if (!std::all_of(needed.begin(), needed.end(), there))
        return false;
    for (const Needed& one : needed) {
        if (device.apiVersion() < one.coreSince && !named(one.name))
            m_names.push_back(one.name);
    }
    return true;
}

} // namespace vwsi
