#include "mock/device_spec.h"

#include <algorithm>

namespace vwsi::mock {

namespace {

constexpr VkMemoryPropertyFlags kVisible = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT;
constexpr VkMemoryPropertyFlags kCoherent = VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
constexpr VkMemoryPropertyFlags kCached = VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
constexpr VkMemoryPropertyFlags kLocal = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;

} // namespace

DeviceSpec DeviceSpec::venus()
{
    DeviceSpec spec;
    spec.name = "Virtio-GPU Venus (Mock)";
    spec.extensions = {"VK_KHR_driver_properties",    "VK_KHR_timeline_semaphore", "VK_KHR_create_renderpass2",
                       "VK_KHR_bind_memory2",         "VK_KHR_device_group",       "VK_KHR_get_memory_requirements2",
                       "VK_KHR_dedicated_allocation", "VK_KHR_image_format_list",  "VK_KHR_external_memory",
                       "VK_KHR_external_semaphore",   "VK_KHR_external_fence",     "VK_KHR_copy_commands2",
                       "VK_EXT_private_data",         "VK_KHR_maintenance1",       "VK_KHR_maintenance2",
                       "VK_KHR_imageless_framebuffer"};
    spec.privateData = true;
    spec.memoryTypes = {{kLocal, 0}, {kVisible | kCoherent, 1}, {kVisible | kCoherent | kCached, 1}};
    spec.withQueueFamily(
        VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT | VK_QUEUE_TRANSFER_BIT | VK_QUEUE_SPARSE_BINDING_BIT, 2);
    return spec;
}

DeviceSpec DeviceSpec::lavapipe()
{
    DeviceSpec spec = venus();
    spec.name = "llvmpipe (Mock)";
    spec.driverId = VK_DRIVER_ID_MESA_LLVMPIPE;
    spec.apiVersion = VK_API_VERSION_1_3;
    spec.memoryTypes = {{kLocal | kVisible | kCoherent | kCached, 0}};
    return spec.withSynchronization2().withExternalMemoryHost().withNativeSwapchain();
}

DeviceSpec DeviceSpec::other(VkDriverId driver, std::string_view name)
{
    DeviceSpec spec = lavapipe();
    spec.driverId = driver;
    spec.name = name;
    spec.vendorId = 0x8086;
    return spec.withDmaBuf();
}

DeviceSpec& DeviceSpec::api(uint32_t version)
{
    apiVersion = version;
    return *this;
}

DeviceSpec& DeviceSpec::withExtension(std::string_view extension)
{
    if (!has(extension))
        extensions.emplace_back(extension);
    return *this;
}

DeviceSpec& DeviceSpec::withoutExtension(std::string_view extension)
{
    std::erase(extensions, extension);
    return *this;
}

DeviceSpec& DeviceSpec::withNativeSwapchain()
{
    return withExtension("VK_KHR_swapchain")
        .withExtension("VK_KHR_swapchain_mutable_format")
        .withExtension("VK_KHR_incremental_present");
}

DeviceSpec& DeviceSpec::withDmaBuf()
{
    return withExtension("VK_KHR_external_memory_fd")
        .withExtension("VK_EXT_external_memory_dma_buf")
        .withExtension("VK_EXT_image_drm_format_modifier")
        .withExtension("VK_EXT_queue_family_foreign")
        .withExtension("VK_KHR_external_semaphore_fd")
        .withExtension("VK_KHR_external_fence_fd");
}

DeviceSpec& DeviceSpec::withModifier(uint64_t code, uint32_t planes, VkFormatFeatureFlags missing)
{
    modifiers.push_back({code, planes, ~missing});
    return *this;
}

DeviceSpec& DeviceSpec::withRenderNode(uint32_t minor)
{
    renderMinor = minor;
    return withExtension("VK_EXT_physical_device_drm");
}

DeviceSpec& DeviceSpec::withSynchronization2()
{
    synchronization2 = true;
    return withExtension("VK_KHR_synchronization2");
}

DeviceSpec& DeviceSpec::withExternalMemoryHost()
{
    return withExtension("VK_EXT_external_memory_host");
}

DeviceSpec& DeviceSpec::withCalibratedTimestamps()
{
    return withExtension("VK_KHR_calibrated_timestamps");
}

DeviceSpec& DeviceSpec::withQueueFamily(VkQueueFlags flags, uint32_t count)
{
    queueFamilies.push_back({flags, count, 64, {1, 1, 1}});
    return *this;
}

DeviceSpec& DeviceSpec::withNonCoherentMemory()
{
    memoryTypes = {{kLocal, 0}, {kVisible | kCached, 1}};
    return *this;
}

bool DeviceSpec::has(std::string_view extension) const
{
    return std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
}

} // namespace vwsi::mock
