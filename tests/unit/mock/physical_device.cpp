#include "mock/call.h"
#include "mock/entries.h"

#include <algorithm>
#include <cstring>

namespace vwsi::mock {

namespace {

bool known(VkFormat format)
{
    switch (format) {
    case VK_FORMAT_B8G8R8A8_UNORM:
    case VK_FORMAT_B8G8R8A8_SRGB:
    case VK_FORMAT_R8G8B8A8_UNORM:
    case VK_FORMAT_R8G8B8A8_SRGB:
    case VK_FORMAT_A2R10G10B10_UNORM_PACK32:
    case VK_FORMAT_A2B10G10R10_UNORM_PACK32:
    case VK_FORMAT_R5G6B5_UNORM_PACK16:
    case VK_FORMAT_R16G16B16A16_SFLOAT:
        return true;
    default:
        return false;
    }
}

VkFormatProperties formatProperties(const DeviceSpec& spec, VkFormat format)
{
    if (!known(format))
        return {};
    constexpr VkFormatFeatureFlags transfer = VK_FORMAT_FEATURE_TRANSFER_SRC_BIT | VK_FORMAT_FEATURE_TRANSFER_DST_BIT |
                                              VK_FORMAT_FEATURE_SAMPLED_IMAGE_BIT | VK_FORMAT_FEATURE_BLIT_SRC_BIT |
                                              VK_FORMAT_FEATURE_BLIT_DST_BIT;
    constexpr VkFormatFeatureFlags attachment =
        VK_FORMAT_FEATURE_COLOR_ATTACHMENT_BIT | VK_FORMAT_FEATURE_COLOR_ATTACHMENT_BLEND_BIT;
    const VkFormatFeatureFlags linear = spec.linearColorAttachments ? transfer | attachment : transfer;
    const VkFormatFeatureFlags unblittable =
        format == spec.formatWithoutBlits ? VK_FORMAT_FEATURE_BLIT_SRC_BIT | VK_FORMAT_FEATURE_BLIT_DST_BIT : 0u;
    return {linear & ~unblittable, (transfer | attachment | VK_FORMAT_FEATURE_STORAGE_IMAGE_BIT) & ~unblittable, 0};
}

VkResult imageFormatProperties(const DeviceSpec& spec, VkFormat format, VkImageTiling tiling, VkImageUsageFlags usage,
                               VkImageFormatProperties* properties, const VkDrmFormatModifierPropertiesEXT* modifier)
{
    *properties = {};
    const VkFormatProperties features = formatProperties(spec, format);
    VkFormatFeatureFlags have =
        tiling == VK_IMAGE_TILING_LINEAR ? features.linearTilingFeatures : features.optimalTilingFeatures;
    if (tiling == VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT)
        have = modifier ? have & modifier->drmFormatModifierTilingFeatures : 0;
    if (!have || ((usage & VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT) && !(have & VK_FORMAT_FEATURE_COLOR_ATTACHMENT_BIT)) ||
        ((usage & VK_IMAGE_USAGE_STORAGE_BIT) && !(have & VK_FORMAT_FEATURE_STORAGE_IMAGE_BIT)))
        return VK_ERROR_FORMAT_NOT_SUPPORTED;
    *properties = {{16384, 16384, 1},
                   tiling == VK_IMAGE_TILING_LINEAR ? 1u : 15u,
                   tiling == VK_IMAGE_TILING_LINEAR ? 1u : 2048u,
                   VK_SAMPLE_COUNT_1_BIT,
                   1ull << 31};
    return VK_SUCCESS;
}

template <typename Struct, VkStructureType type> Struct* in(const void* chain)
{
    for (auto* entry = static_cast<const VkBaseInStructure*>(chain); entry; entry = entry->pNext) {
        if (entry->sType == type)
            return reinterpret_cast<Struct*>(const_cast<VkBaseInStructure*>(entry));
    }
    return nullptr;
}

const VkDrmFormatModifierPropertiesEXT* findModifier(const DeviceSpec& spec, uint64_t code)
{
    const auto found = std::find_if(spec.modifiers.begin(), spec.modifiers.end(),
                                    [code](const auto& modifier) { return modifier.drmFormatModifier == code; });
    return found == spec.modifiers.end() ? nullptr : &*found;
}

void fillFeatures(const DeviceSpec& spec, void* chain)
{
    if (auto* f = in<VkPhysicalDeviceVulkan12Features, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES>(chain))
        f->timelineSemaphore = spec.timelineSemaphores;
    if (auto* f = in<VkPhysicalDeviceTimelineSemaphoreFeatures,
                     VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES>(chain))
        f->timelineSemaphore = spec.timelineSemaphores;
    if (spec.apiVersion >= VK_API_VERSION_1_3) {
        if (auto* f =
                in<VkPhysicalDeviceVulkan13Features, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES>(chain)) {
            f->synchronization2 = spec.synchronization2;
            f->privateData = spec.privateData;
        }
    }
    if (auto* f =
            in<VkPhysicalDeviceSynchronization2Features, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SYNCHRONIZATION_2_FEATURES>(
                chain))
        f->synchronization2 = spec.synchronization2;
    if (auto* f =
            in<VkPhysicalDevicePrivateDataFeatures, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRIVATE_DATA_FEATURES>(chain))
        f->privateData = spec.privateData;
}

void fillProperties(const DeviceSpec& spec, VkPhysicalDeviceProperties* p)
{
    *p = {};
    p->apiVersion = spec.apiVersion;
    p->driverVersion = 1;
    p->vendorID = spec.vendorId;
    p->deviceID = 0x1;
    p->deviceType = spec.type;
    strncpy(p->deviceName, spec.name.c_str(), sizeof(p->deviceName) - 1);
    p->limits.maxImageDimension2D = 16384;
    p->limits.maxMemoryAllocationCount = 4096;
    p->limits.nonCoherentAtomSize = spec.nonCoherentAtomSize;
    p->limits.minMemoryMapAlignment = 64;
    p->limits.optimalBufferCopyOffsetAlignment = 4;
    p->limits.optimalBufferCopyRowPitchAlignment = 4;
    p->limits.bufferImageGranularity = 1;
    p->limits.timestampPeriod = spec.timestampPeriod;
}

template <typename T> VkResult listOut(const std::vector<T>& all, uint32_t* count, T* out)
{
    if (!out) {
        *count = static_cast<uint32_t>(all.size());
        return VK_SUCCESS;
    }
    const bool whole = *count >= all.size();
    *count = std::min(*count, static_cast<uint32_t>(all.size()));
    std::copy_n(all.begin(), *count, out);
    return whole ? VK_SUCCESS : VK_INCOMPLETE;
}

} // namespace

namespace entry {

void GetPhysicalDeviceFeatures(VkPhysicalDevice device, VkPhysicalDeviceFeatures* features)
{
    const Call call("vkGetPhysicalDeviceFeatures", device);
    *features = {};
}

void GetPhysicalDeviceFeatures2(VkPhysicalDevice device, VkPhysicalDeviceFeatures2* features)
{
    const Call call("vkGetPhysicalDeviceFeatures2", device);
    features->features = {};
    fillFeatures(*call.physicalDevice->spec, features->pNext);
}

void GetPhysicalDeviceProperties(VkPhysicalDevice device, VkPhysicalDeviceProperties* properties)
{
    const Call call("vkGetPhysicalDeviceProperties", device);
    fillProperties(*call.physicalDevice->spec, properties);
}

void GetPhysicalDeviceProperties2(VkPhysicalDevice device, VkPhysicalDeviceProperties2* properties)
{
    const Call call("vkGetPhysicalDeviceProperties2", device);
    const DeviceSpec& spec = *call.physicalDevice->spec;
    fillProperties(spec, &properties->properties);
    if (auto* p = in<VkPhysicalDeviceDriverProperties, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES>(
            properties->pNext)) {
        p->driverID = spec.driverId;
        strncpy(p->driverName, spec.name.c_str(), sizeof(p->driverName) - 1);
    }
    if (auto* p = in<VkPhysicalDeviceVulkan12Properties, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES>(
            properties->pNext)) {
        p->driverID = spec.driverId;
        strncpy(p->driverName, spec.name.c_str(), sizeof(p->driverName) - 1);
    }
    if (auto* p = in<VkPhysicalDeviceExternalMemoryHostPropertiesEXT,
                     VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT>(properties->pNext)) {
        if (spec.has("VK_EXT_external_memory_host"))
            p->minImportedHostPointerAlignment = spec.hostPointerAlignment;
    }
    if (auto* p = in<VkPhysicalDeviceDrmPropertiesEXT, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRM_PROPERTIES_EXT>(
            properties->pNext)) {
        p->hasRender = spec.renderMinor != 0;
        p->renderMajor = 226;
        p->renderMinor = spec.renderMinor;
    }
}

void GetPhysicalDeviceFormatProperties(VkPhysicalDevice device, VkFormat format, VkFormatProperties* properties)
{
    const Call call("vkGetPhysicalDeviceFormatProperties", device);
    *properties = formatProperties(*call.physicalDevice->spec, format);
}

void GetPhysicalDeviceFormatProperties2(VkPhysicalDevice device, VkFormat format, VkFormatProperties2* properties)
{
    const Call call("vkGetPhysicalDeviceFormatProperties2", device);
    const DeviceSpec& spec = *call.physicalDevice->spec;
    properties->formatProperties = formatProperties(spec, format);
    auto* const list =
        in<VkDrmFormatModifierPropertiesListEXT, VK_STRUCTURE_TYPE_DRM_FORMAT_MODIFIER_PROPERTIES_LIST_EXT>(
            properties->pNext);
    if (!list || !known(format))
        return;
    if (!spec.has("VK_EXT_image_drm_format_modifier"))
        call.world.error("VkDrmFormatModifierPropertiesListEXT without VK_EXT_image_drm_format_modifier");
    std::vector<VkDrmFormatModifierPropertiesEXT> modifiers = spec.modifiers;
    for (auto& modifier : modifiers)
        modifier.drmFormatModifierTilingFeatures &= properties->formatProperties.optimalTilingFeatures;
    listOut(modifiers, &list->drmFormatModifierCount, list->pDrmFormatModifierProperties);
}

VkResult GetPhysicalDeviceImageFormatProperties(VkPhysicalDevice device, VkFormat format, VkImageType,
                                                VkImageTiling tiling, VkImageUsageFlags usage, VkImageCreateFlags,
                                                VkImageFormatProperties* properties)
{
    const Call call("vkGetPhysicalDeviceImageFormatProperties", device);
    return imageFormatProperties(*call.physicalDevice->spec, format, tiling, usage, properties, nullptr);
}

VkResult GetPhysicalDeviceImageFormatProperties2(VkPhysicalDevice device, const VkPhysicalDeviceImageFormatInfo2* info,
                                                 VkImageFormatProperties2* properties)
{
    const Call call("vkGetPhysicalDeviceImageFormatProperties2", device);
    const DeviceSpec& spec = *call.physicalDevice->spec;
    if (auto* external = in<VkExternalImageFormatProperties, VK_STRUCTURE_TYPE_EXTERNAL_IMAGE_FORMAT_PROPERTIES>(
            properties->pNext)) {
        external->externalMemoryProperties = {};
        if (spec.has("VK_EXT_external_memory_host"))
            external->externalMemoryProperties = {VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT, 0,
                                                  VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT};
        const auto* const asked =
            in<VkPhysicalDeviceExternalImageFormatInfo, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_IMAGE_FORMAT_INFO>(
                info->pNext);
        if (asked && asked->handleType == VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT) {
            external->externalMemoryProperties = {};
            if (spec.has("VK_EXT_external_memory_dma_buf") && info->tiling != VK_IMAGE_TILING_OPTIMAL)
                external->externalMemoryProperties.externalMemoryFeatures =
                    VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT |
                    (spec.exportsDedicatedOnly ? VK_EXTERNAL_MEMORY_FEATURE_DEDICATED_ONLY_BIT : 0);
        }
    }
    if (auto* compression = in<VkImageCompressionPropertiesEXT, VK_STRUCTURE_TYPE_IMAGE_COMPRESSION_PROPERTIES_EXT>(
            properties->pNext)) {
        if (!spec.has("VK_EXT_image_compression_control"))
            call.world.error("VkImageCompressionPropertiesEXT on a device without VK_EXT_image_compression_control");
        // Other formats are not compressed.
        const bool compressed = info->format == VK_FORMAT_B8G8R8A8_UNORM;
        compression->imageCompressionFlags =
            compressed ? VK_IMAGE_COMPRESSION_FIXED_RATE_EXPLICIT_EXT : VK_IMAGE_COMPRESSION_DISABLED_EXT;
        compression->imageCompressionFixedRateFlags =
            compressed ? VK_IMAGE_COMPRESSION_FIXED_RATE_4BPC_BIT_EXT : VK_IMAGE_COMPRESSION_FIXED_RATE_NONE_EXT;
    }
    const auto* const modifier = in<VkPhysicalDeviceImageDrmFormatModifierInfoEXT,
                                    VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_DRM_FORMAT_MODIFIER_INFO_EXT>(info->pNext);
    if ((info->tiling == VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT) != (modifier != nullptr))
        call.world.error("VkPhysicalDeviceImageDrmFormatModifierInfoEXT and the tiling do not go together");
    return imageFormatProperties(spec, info->format, info->tiling, info->usage, &properties->imageFormatProperties,
                                 modifier ? findModifier(spec, modifier->drmFormatModifier) : nullptr);
}

void GetPhysicalDeviceQueueFamilyProperties(VkPhysicalDevice device, uint32_t* count, VkQueueFamilyProperties* families)
{
    const Call call("vkGetPhysicalDeviceQueueFamilyProperties", device);
    listOut(call.physicalDevice->spec->queueFamilies, count, families);
}

void GetPhysicalDeviceQueueFamilyProperties2(VkPhysicalDevice device, uint32_t* count,
                                             VkQueueFamilyProperties2* families)
{
    const Call call("vkGetPhysicalDeviceQueueFamilyProperties2", device);
    const auto& all = call.physicalDevice->spec->queueFamilies;
    if (families) {
        *count = std::min(*count, static_cast<uint32_t>(all.size()));
        for (uint32_t i = 0; i < *count; ++i)
            families[i].queueFamilyProperties = all[i];
    } else {
        *count = static_cast<uint32_t>(all.size());
    }
}

void GetPhysicalDeviceMemoryProperties(VkPhysicalDevice device, VkPhysicalDeviceMemoryProperties* properties)
{
    const Call call("vkGetPhysicalDeviceMemoryProperties", device);
    const auto& types = call.physicalDevice->spec->memoryTypes;
    *properties = {};
    properties->memoryTypeCount = static_cast<uint32_t>(types.size());
    std::copy(types.begin(), types.end(), properties->memoryTypes);
    for (const VkMemoryType& type : types)
        properties->memoryHeapCount = std::max(properties->memoryHeapCount, type.heapIndex + 1);
    for (uint32_t i = 0; i < properties->memoryHeapCount; ++i)
        properties->memoryHeaps[i] = {4ull << 30, i == 0 ? VkMemoryHeapFlags(VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) : 0u};
}

void GetPhysicalDeviceMemoryProperties2(VkPhysicalDevice device, VkPhysicalDeviceMemoryProperties2* properties)
{
    GetPhysicalDeviceMemoryProperties(device, &properties->memoryProperties);
}

void GetPhysicalDeviceExternalBufferProperties(VkPhysicalDevice device, const VkPhysicalDeviceExternalBufferInfo* info,
                                               VkExternalBufferProperties* properties)
{
    const Call call("vkGetPhysicalDeviceExternalBufferProperties", device);
    properties->externalMemoryProperties = {};
    const DeviceSpec& spec = *call.physicalDevice->spec;
    if (info->handleType == VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT &&
        spec.has("VK_EXT_external_memory_host"))
        properties->externalMemoryProperties = {VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT, 0, info->handleType};
    if (info->handleType == VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT &&
        spec.has("VK_EXT_external_memory_dma_buf"))
        properties->externalMemoryProperties = {VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT |
                                                    VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT,
                                                info->handleType, info->handleType};
}

void GetPhysicalDeviceExternalSemaphoreProperties(VkPhysicalDevice device,
                                                  const VkPhysicalDeviceExternalSemaphoreInfo* info,
                                                  VkExternalSemaphoreProperties* properties)
{
    const Call call("vkGetPhysicalDeviceExternalSemaphoreProperties", device);
    const bool has = call.physicalDevice->spec->has("VK_KHR_external_semaphore_fd");
    properties->exportFromImportedHandleTypes = has ? VkExternalSemaphoreHandleTypeFlags(info->handleType) : 0u;
    properties->compatibleHandleTypes = properties->exportFromImportedHandleTypes;
    properties->externalSemaphoreFeatures =
        has ? VK_EXTERNAL_SEMAPHORE_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_SEMAPHORE_FEATURE_IMPORTABLE_BIT : 0;
}

void GetPhysicalDeviceExternalFenceProperties(VkPhysicalDevice device, const VkPhysicalDeviceExternalFenceInfo* info,
                                              VkExternalFenceProperties* properties)
{
    const Call call("vkGetPhysicalDeviceExternalFenceProperties", device);
    const bool has = call.physicalDevice->spec->has("VK_KHR_external_fence_fd");
    properties->exportFromImportedHandleTypes = has ? VkExternalFenceHandleTypeFlags(info->handleType) : 0u;
    properties->compatibleHandleTypes = properties->exportFromImportedHandleTypes;
    properties->externalFenceFeatures =
        has ? VK_EXTERNAL_FENCE_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_FENCE_FEATURE_IMPORTABLE_BIT : 0;
}

VkResult EnumerateDeviceExtensionProperties(VkPhysicalDevice device, const char* layer, uint32_t* count,
                                            VkExtensionProperties* properties)
{
    Call call("vkEnumerateDeviceExtensionProperties", device);
    if (layer && *layer)
        return VK_ERROR_LAYER_NOT_PRESENT;
    if (call.fails())
        return call.result();
    std::vector<VkExtensionProperties> all;
    for (const std::string& name : call.physicalDevice->spec->extensions) {
        VkExtensionProperties& entry = all.emplace_back();
        strncpy(entry.extensionName, name.c_str(), sizeof(entry.extensionName) - 1);
        entry.specVersion = name == "VK_KHR_swapchain" ? 69 : 1;
    }
    return listOut(all, count, properties);
}

VkResult EnumerateDeviceLayerProperties(VkPhysicalDevice device, uint32_t* count, VkLayerProperties*)
{
    const Call call("vkEnumerateDeviceLayerProperties", device);
    *count = 0;
    return VK_SUCCESS;
}

} // namespace entry

} // namespace vwsi::mock
