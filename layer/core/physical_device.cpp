#include "core/physical_device.h"

#include "core/instance.h"
#include "core/log.h"
#include "core/settings.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

namespace vwsi {

PhysicalDevice::PhysicalDevice(Instance& instance, VkPhysicalDevice handle) : m_instance(instance), m_handle(handle)
{
    readDriver();
    decide();
    if (m_served)
        listExtensions();
}

PhysicalDevice::~PhysicalDevice() = default;

uint32_t PhysicalDevice::apiVersion() const
{
    return std::min(m_properties.apiVersion, m_instance.apiVersion());
}

bool PhysicalDevice::driverHas(std::string_view extension) const
{
    return std::any_of(m_driverExtensions.begin(), m_driverExtensions.end(),
                       [&](const VkExtensionProperties& own) { return extension == own.extensionName; });
}

bool PhysicalDevice::familyPresents(uint32_t family) const
{
    return family < m_queueFamilies.size() &&
           (m_queueFamilies[family].queueFlags &
            (VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT | VK_QUEUE_TRANSFER_BIT)) != 0;
}

uint32_t PhysicalDevice::memoryType(uint32_t typeBits, VkMemoryPropertyFlags required,
                                    VkMemoryPropertyFlags preferred) const
{
    uint32_t best = UINT32_MAX;
    int bestScore = -1;
    for (uint32_t i = 0; i < m_memory.memoryTypeCount; ++i) {
        const VkMemoryPropertyFlags flags = m_memory.memoryTypes[i].propertyFlags;
        if (!(typeBits & 1u << i) || (flags & required) != required ||
            (flags & (VK_MEMORY_PROPERTY_PROTECTED_BIT | VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT)))
            continue;
        const int score = std::popcount(flags & preferred);
        if (score > bestScore) {
            best = i;
            bestScore = score;
        }
    }
    return best;
}

void PhysicalDevice::readDriver()
{
    const InstanceDispatch& next = m_instance.next();
    next.GetPhysicalDeviceProperties(m_handle, &m_properties);
    next.GetPhysicalDeviceMemoryProperties(m_handle, &m_memory);

    uint32_t count = 0;
    next.GetPhysicalDeviceQueueFamilyProperties(m_handle, &count, nullptr);
    m_queueFamilies.resize(count);
    next.GetPhysicalDeviceQueueFamilyProperties(m_handle, &count, m_queueFamilies.data());

    VkResult result = VK_INCOMPLETE;
    while (result == VK_INCOMPLETE) {
        count = 0;
        result = next.EnumerateDeviceExtensionProperties(m_handle, nullptr, &count, nullptr);
        if (result == VK_SUCCESS) {
            m_driverExtensions.resize(count);
            result = next.EnumerateDeviceExtensionProperties(m_handle, nullptr, &count, m_driverExtensions.data());
            m_driverExtensions.resize(result < 0 ? 0 : count);
        }
    }
    // Nothing may be decided on half an answer; the record is made again at the next use.
    if (result != VK_SUCCESS)
        throw std::bad_alloc();

    VkPhysicalDeviceExternalMemoryHostPropertiesEXT hostMemory{
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT, nullptr, 0};
    VkPhysicalDeviceDriverProperties driver{};
    driver.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES;
    driver.pNext = &hostMemory;
    const bool hasDriverProperties =
        m_properties.apiVersion >= VK_API_VERSION_1_2 || driverHas(VK_KHR_DRIVER_PROPERTIES_EXTENSION_NAME);
    if (next.GetPhysicalDeviceProperties2 && hasDriverProperties) {
        VkPhysicalDeviceProperties2 properties{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &driver, {}};
        next.GetPhysicalDeviceProperties2(m_handle, &properties);
    }
    // Without the query, on an instance of Vulkan 1.0, the name is all there is.
    m_isVenus = driver.driverID == VK_DRIVER_ID_MESA_VENUS || strstr(m_properties.deviceName, "Virtio-GPU Venus");
    if (m_instance.queriesExternalMemory() && driverHas(VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME))
        m_hostPointerAlignment = hostMemory.minImportedHostPointerAlignment;
}

void PhysicalDevice::decide()
{
    const char* reason = "";
    switch (settings().policy) {
    case Policy::Always:
        m_served = true;
        reason = "policy always";
        break;
    case Policy::Never:
        reason = "policy never";
        break;
    case Policy::Auto:
        if (!m_isVenus) {
            reason = "not Venus";
        } else if (!driverHas(VK_KHR_SWAPCHAIN_EXTENSION_NAME)) {
            m_served = true;
            reason = "Venus without VK_KHR_swapchain";
        } else if (!driverHas(VK_EXT_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_NAME)) {
            m_served = true;
            reason = "Venus on a host without dma-buf";
        } else {
            reason = "Venus with a window-system integration of its own";
        }
        break;
    }
    VWSI_INFO("%s: %s (%s)", m_properties.deviceName, m_served ? "served" : "left alone", reason);
}

void PhysicalDevice::listExtensions()
{
    for (const VkExtensionProperties& own : m_driverExtensions) {
        if (!isWindowSystemDeviceExtension(own.extensionName))
            m_shownExtensions.push_back(own);
    }
    for (const ExtensionInfo& info : suppliedExtensions()) {
        if (info.instanceLevel || (info.base && !driverHas(info.base)) || (info.onlyIfMissing && driverHas(info.name)))
            continue;
        VkExtensionProperties shown{};
        strncpy(shown.extensionName, info.name, VK_MAX_EXTENSION_NAME_SIZE - 1);
        shown.specVersion = info.revision;
        m_shownExtensions.push_back(shown);
    }
}

} // namespace vwsi
