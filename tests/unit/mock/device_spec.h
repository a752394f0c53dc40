#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>
#include <vulkan/vulkan.h>

namespace vwsi::mock {

/// What one physical device of the mock driver is and can do.
///
/// The named constructors give complete devices; the other methods change them and can be chained:
/// `DeviceSpec::venus().withNativeSwapchain().withoutExtension("VK_EXT_private_data")`.
struct DeviceSpec {
    std::string name;
    VkDriverId driverId = VK_DRIVER_ID_MESA_VENUS;
    uint32_t apiVersion = VK_API_VERSION_1_2;
    uint32_t vendorId = 0x10005;
    std::vector<std::string> extensions;
    std::vector<VkMemoryType> memoryTypes;
    std::vector<VkQueueFamilyProperties> queueFamilies;
    bool timelineSemaphores = true;
    bool synchronization2 = false;
    bool privateData = false;
    bool linearColorAttachments = false;
    VkFormat formatWithoutBlits = VK_FORMAT_UNDEFINED;
    uint32_t linearRowAlignment = 64;         ///< bytes
    VkDeviceSize hostPointerAlignment = 4096; ///< minImportedHostPointerAlignment
    VkDeviceSize nonCoherentAtomSize = 64;
    uint32_t optimalMemoryTypes = ~0u; ///< mask of types that optimal images may use
    VkPhysicalDeviceType type = VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU;
    std::vector<VkDrmFormatModifierPropertiesEXT> modifiers; ///< VK_EXT_image_drm_format_modifier; the worst first
    bool exportsDedicatedOnly = false;                       ///< dma-bufs of dedicated memory alone
    uint32_t renderMinor = 0;                                ///< VK_EXT_physical_device_drm; 0: none
    float timestampPeriod = 1;
    uint64_t clockAhead = 3'600'000'000'000; ///< of the device before CLOCK_MONOTONIC, nanoseconds
    uint64_t clockDeviation = 20'000;        ///< what the driver's answers are off at most, by turns

    /// Mesa's Venus of 25.0 on a host without sync_fd: Vulkan 1.2, no VK_KHR_swapchain, no VK_KHR_synchronization2.
    static DeviceSpec venus();
    /// Mesa's llvmpipe: Vulkan 1.3 with its own VK_KHR_swapchain.
    static DeviceSpec lavapipe();
    /// Somebody else's complete driver.
    static DeviceSpec other(VkDriverId driver, std::string_view name);

    DeviceSpec& api(uint32_t version);
    DeviceSpec& withExtension(std::string_view extension);
    DeviceSpec& withoutExtension(std::string_view extension);
    /// VK_KHR_swapchain and its family in the driver itself.
    DeviceSpec& withNativeSwapchain();
    /// What a host with dma-buf and sync_fd gives.
    DeviceSpec& withDmaBuf();
    /// A layout of images that others can read; `missing` of what optimal images can do is not possible with it.
    DeviceSpec& withModifier(uint64_t code, uint32_t planes = 1, VkFormatFeatureFlags missing = 0);
    DeviceSpec& withRenderNode(uint32_t minor);
    DeviceSpec& withSynchronization2();
    DeviceSpec& withExternalMemoryHost();
    /// VK_KHR_calibrated_timestamps, for the device's clock and both monotonic ones.
    DeviceSpec& withCalibratedTimestamps();
    DeviceSpec& withQueueFamily(VkQueueFlags flags, uint32_t count);
    /// Only HOST_CACHED memory without HOST_COHERENT can be mapped.
    DeviceSpec& withNonCoherentMemory();

    bool has(std::string_view extension) const;
};

} // namespace vwsi::mock
