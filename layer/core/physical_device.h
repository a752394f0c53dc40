#pragma once

#include "core/extension.h"

#include <memory>
#include <string_view>
#include <vector>
#include <vulkan/vulkan.h>

namespace vwsi {

class Instance;

/// A VkPhysicalDevice and the decision whether the layer serves it.
class PhysicalDevice {
public:
    /// Asks the driver for what the decision needs. Throws std::bad_alloc.
    PhysicalDevice(Instance& instance, VkPhysicalDevice handle);
    ~PhysicalDevice();
    PhysicalDevice(const PhysicalDevice&) = delete;
    PhysicalDevice& operator=(const PhysicalDevice&) = delete;

    VkPhysicalDevice handle() const { return m_handle; }
    Instance& instance() const { return m_instance; }

    /// The layer supplies the window-system integration of this device.
    bool served() const { return m_served; }

    /// The driver is Mesa's Venus.
    bool isVenus() const { return m_isVenus; }

    const VkPhysicalDeviceProperties& properties() const { return m_properties; }
    const VkPhysicalDeviceMemoryProperties& memory() const { return m_memory; }
    const std::vector<VkQueueFamilyProperties>& queueFamilies() const { return m_queueFamilies; }

    /// Version that both the application and the device speak.
    uint32_t apiVersion() const;

    /// The driver's own device extensions.
    const std::vector<VkExtensionProperties>& driverExtensions() const { return m_driverExtensions; }
    bool driverHas(std::string_view extension) const;

    /// The driver can correlate its clocks (VK_KHR_calibrated_timestamps, or the older VK_EXT_calibrated_timestamps).
    bool calibrates() const
    {
        return driverHas("VK_KHR_calibrated_timestamps") || driverHas(VK_EXT_CALIBRATED_TIMESTAMPS_EXTENSION_NAME);
    }

    /// The driver's list without its own window-system extensions, with the layer's.
    const std::vector<VkExtensionProperties>& shownExtensions() const { return m_shownExtensions; }

    /// Copies of frames happen on the CPU anyway (lavapipe and its like).
    bool isSoftware() const { return m_properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU; }

    /// Page size of VK_EXT_external_memory_host, or 0 when the driver cannot import host memory.
    VkDeviceSize hostPointerAlignment() const { return m_hostPointerAlignment; }

    /// True when queues of this family can present: any that can copy.
    bool familyPresents(uint32_t family) const;

    /// Index of the best memory type among `typeBits`: has all of `required`, then the most of `preferred`;
    /// UINT32_MAX when there is none.
    uint32_t memoryType(uint32_t typeBits, VkMemoryPropertyFlags required, VkMemoryPropertyFlags preferred) const;

private:
    void readDriver();
    void decide();
    void listExtensions();

    Instance& m_instance;
    const VkPhysicalDevice m_handle;
    VkPhysicalDeviceProperties m_properties{};
    VkPhysicalDeviceMemoryProperties m_memory{};
    std::vector<VkQueueFamilyProperties> m_queueFamilies;
    std::vector<VkExtensionProperties> m_driverExtensions;
    std::vector<VkExtensionProperties> m_shownExtensions;
    VkDeviceSize m_hostPointerAlignment = 0;
    bool m_isVenus = false;
    bool m_served = false;
};

} // namespace vwsi
