#include "swapchain/image_export.h"

#include "core/device.h"
#include "core/instance.h"
#include "core/settings.h"

#include <algorithm>
#include <sys/sysmacros.h>

namespace vwsi {

namespace {

constexpr VkExternalMemoryHandleTypeFlagBits kDmaBuf = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT;

/// What an application may do with an image of this usage because the format can do it with optimal tiling, the only
/// tiling that it can ask about.
VkFormatFeatureFlags promised(VkImageUsageFlags usage)
{
    VkFormatFeatureFlags features = 0;
    if (usage & VK_IMAGE_USAGE_TRANSFER_SRC_BIT)
        features |= VK_FORMAT_FEATURE_TRANSFER_SRC_BIT | VK_FORMAT_FEATURE_BLIT_SRC_BIT;
    if (usage & VK_IMAGE_USAGE_TRANSFER_DST_BIT)
        features |= VK_FORMAT_FEATURE_TRANSFER_DST_BIT | VK_FORMAT_FEATURE_BLIT_DST_BIT;
    if (usage & VK_IMAGE_USAGE_SAMPLED_BIT)
        features |= VK_FORMAT_FEATURE_SAMPLED_IMAGE_BIT | VK_FORMAT_FEATURE_SAMPLED_IMAGE_FILTER_LINEAR_BIT;
    if (usage & VK_IMAGE_USAGE_STORAGE_BIT)
        features |= VK_FORMAT_FEATURE_STORAGE_IMAGE_BIT;
    if (usage & VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT)
        features |= VK_FORMAT_FEATURE_COLOR_ATTACHMENT_BIT | VK_FORMAT_FEATURE_COLOR_ATTACHMENT_BLEND_BIT;
    return features;
}

} // namespace

const char* ImageExport::obstacle(bool insists) const
{
    const PhysicalDevice& physical = m_device.physicalDevice();
    if (!m_device.support().dmaBuf)
        return "the driver exports no dma-bufs";
    if (insists)
        return nullptr;
    if (settings().copy != CopyMode::Auto)
        return "VENUS_WSI_COPY names another way";
    if (physical.isSoftware() && m_device.canImportHostMemory())
        return "the driver renders on the CPU, straight into shared memory as well";
    // Linear images, which GPUs render to slowly, would cost more than the copies that they spare.
    return m_device.support().modifiers ? nullptr : "the driver knows no format modifiers";
}

const char* ImageExport::choose(const VkImageCreateInfo& info, const DmaBufOffer& offer, bool insists)
{
    m_info = &info;
    m_modifiers.clear();
    m_codes.clear();
    m_learned = false;
    if (offer.tranches.empty())
        return "the compositor takes no dma-bufs of this format";
    // Another device may read them through the bus or not at all, and finds out late.
    if (!insists && offer.device && !readBy(offer.device))
        return "the compositor reads dma-bufs with another device";
    return m_device.support().modifiers ? chooseModifiers(offer) : chooseLinear(offer);
}

bool ImageExport::readBy(dev_t node) const
{
    const PhysicalDevice& physical = m_device.physicalDevice();
    if (!physical.driverHas(VK_EXT_PHYSICAL_DEVICE_DRM_EXTENSION_NAME))
        return false;
    VkPhysicalDeviceDrmPropertiesEXT numbers{};
    numbers.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRM_PROPERTIES_EXT;
    VkPhysicalDeviceProperties2 properties{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &numbers, {}};
    m_device.instance().next().GetPhysicalDeviceProperties2(physical.handle(), &properties);
    const auto number = [](int64_t major, int64_t minor) {
        return makedev(static_cast<unsigned>(major), static_cast<unsigned>(minor));
    };
    return (numbers.hasPrimary && node == number(numbers.primaryMajor, numbers.primaryMinor)) ||
           (numbers.hasRender && node == number(numbers.renderMajor, numbers.renderMinor));
}

std::vector<VkDrmFormatModifierPropertiesEXT> ImageExport::driverModifiers() const
{
    const auto query = m_device.instance().next().GetPhysicalDeviceFormatProperties2;
    VkDrmFormatModifierPropertiesListEXT list{VK_STRUCTURE_TYPE_DRM_FORMAT_MODIFIER_PROPERTIES_LIST_EXT, nullptr, 0,
                                              nullptr};
    VkFormatProperties2 properties{VK_STRUCTURE_TYPE_FORMAT_PROPERTIES_2, &list, {}};
    query(m_device.physicalDevice().handle(), m_info->format, &properties);
    std::vector<VkDrmFormatModifierPropertiesEXT> all(list.drmFormatModifierCount);
    list.pDrmFormatModifierProperties = all.data();
    query(m_device.physicalDevice().handle(), m_info->format, &properties);
    all.resize(std::min<size_t>(all.size(), list.drmFormatModifierCount));
    return all;
}

bool ImageExport::supports(const VkDrmFormatModifierPropertiesEXT* modifier, bool* dedicated) const
{
    const InstanceDispatch& next = m_device.instance().next();
    const VkPhysicalDevice physical = m_device.physicalDevice().handle();
    VkFormatProperties features;
    next.GetPhysicalDeviceFormatProperties(physical, m_info->format, &features);
    const VkFormatFeatureFlags have =
        modifier ? modifier->drmFormatModifierTilingFeatures : features.linearTilingFeatures;
    if (promised(m_info->usage) & features.optimalTilingFeatures & ~have)
        return false;

    const VkPhysicalDeviceImageDrmFormatModifierInfoEXT layout{
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_DRM_FORMAT_MODIFIER_INFO_EXT,
        m_info->pNext,
        modifier ? modifier->drmFormatModifier : kLinearModifier,
        m_info->sharingMode,
        m_info->queueFamilyIndexCount,
        m_info->pQueueFamilyIndices};
    const VkPhysicalDeviceExternalImageFormatInfo external{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_IMAGE_FORMAT_INFO,
                                                           modifier ? static_cast<const void*>(&layout) : m_info->pNext,
                                                           kDmaBuf};
    const VkPhysicalDeviceImageFormatInfo2 query{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_FORMAT_INFO_2,
                                                 &external,
                                                 m_info->format,
                                                 m_info->imageType,
                                                 modifier ? VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT
                                                          : VK_IMAGE_TILING_LINEAR,
                                                 m_info->usage,
                                                 m_info->flags};
    VkExternalImageFormatProperties exports{VK_STRUCTURE_TYPE_EXTERNAL_IMAGE_FORMAT_PROPERTIES, nullptr, {}};
    VkImageFormatProperties2 answer{VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2, &exports, {}};
    if (next.GetPhysicalDeviceImageFormatProperties2(physical, &query, &answer) != VK_SUCCESS)
        return false;
    const VkExternalMemoryFeatureFlags how = exports.externalMemoryProperties.externalMemoryFeatures;
    *dedicated = how & VK_EXTERNAL_MEMORY_FEATURE_DEDICATED_ONLY_BIT;
    const VkExtent3D& most = answer.imageFormatProperties.maxExtent;
    return (how & VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT) && most.width >= m_info->extent.width &&
           most.height >= m_info->extent.height;
}

const char* ImageExport::chooseModifiers(const DmaBufOffer& offer)
{
    // VUID-VkImageCreateInfo-tiling-02353
    if ((m_info->flags & VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT) && !m_info->pNext)
        return "the driver has no VK_KHR_image_format_list for images of several formats";
    const std::vector<VkDrmFormatModifierPropertiesEXT> drivers = driverModifiers();
    for (const std::vector<uint64_t>& tranche : offer.tranches) {
        for (const uint64_t code : tranche) {
            const auto found = std::find_if(drivers.begin(), drivers.end(), [code](const auto& one) {
                return one.drmFormatModifier == code && one.drmFormatModifierPlaneCount <= DmaBuf::kMostPlanes;
            });
            bool dedicated = false;
            if (found == drivers.end() || std::find(m_codes.begin(), m_codes.end(), code) != m_codes.end() ||
                !supports(&*found, &dedicated))
                continue;
            m_modifiers.push_back({code, found->drmFormatModifierPlaneCount, dedicated});
            m_codes.push_back(code);
        }
        if (!m_codes.empty())
            return nullptr;
    }
    return "driver and compositor have no format modifier in common for such images";
}

const char* ImageExport::chooseLinear(const DmaBufOffer& offer)
{
    bool dedicated = false;
    if (!supports(nullptr, &dedicated))
        return "the driver does not export such images";
    for (const uint64_t code : {kLinearModifier, kUnknownModifier}) {
        for (const std::vector<uint64_t>& tranche : offer.tranches) {
            if (std::find(tranche.begin(), tranche.end(), code) == tranche.end())
                continue;
            m_modifiers.push_back({code, 1, dedicated});
            return nullptr;
        }
    }
    return "the compositor takes no linear images";
}

void ImageExport::describe(VkImageCreateInfo& info, ExportChain& chain) const
{
    chain.external = {VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO, info.pNext, kDmaBuf};
    info.pNext = &chain.external;
    info.tiling = VK_IMAGE_TILING_LINEAR;
    if (m_codes.empty())
        return;
    info.tiling = VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT;
    chain.modifiers = {VK_STRUCTURE_TYPE_IMAGE_DRM_FORMAT_MODIFIER_LIST_CREATE_INFO_EXT, info.pNext,
                       static_cast<uint32_t>(m_codes.size()), m_codes.data()};
    info.pNext = &chain.modifiers;
}

VkResult ImageExport::learnModifier(VkImage image)
{
    if (m_codes.empty() || m_learned)
        return VK_SUCCESS;
    VkImageDrmFormatModifierPropertiesEXT properties{VK_STRUCTURE_TYPE_IMAGE_DRM_FORMAT_MODIFIER_PROPERTIES_EXT,
                                                     nullptr, kUnknownModifier};
    const VkResult result =
        m_device.next().GetImageDrmFormatModifierPropertiesEXT(m_device.handle(), image, &properties);
    if (result != VK_SUCCESS)
        return result;
    const auto chosen = std::find_if(m_modifiers.begin(), m_modifiers.end(),
                                     [&](const Modifier& one) { return one.code == properties.drmFormatModifier; });
    if (chosen == m_modifiers.end())
        return VK_ERROR_FORMAT_NOT_SUPPORTED;
    // All further images, and those that share memory with one, are to be laid out like the first.
    m_modifiers = {Modifier(*chosen)};
    m_codes = {m_modifiers[0].code};
    m_learned = true;
    return VK_SUCCESS;
}

VkResult ImageExport::learnPlanes(VkImage image, DmaBuf* exported) const
{
    constexpr VkImageAspectFlagBits kPlanes[DmaBuf::kMostPlanes] = {
        VK_IMAGE_ASPECT_MEMORY_PLANE_0_BIT_EXT, VK_IMAGE_ASPECT_MEMORY_PLANE_1_BIT_EXT,
        VK_IMAGE_ASPECT_MEMORY_PLANE_2_BIT_EXT, VK_IMAGE_ASPECT_MEMORY_PLANE_3_BIT_EXT};
    exported->modifier = m_modifiers[0].code;
    exported->planeCount = m_modifiers[0].planeCount;
    for (uint32_t i = 0; i < exported->planeCount; ++i) {
        const VkImageAspectFlagBits aspect = m_codes.empty() ? VK_IMAGE_ASPECT_COLOR_BIT : kPlanes[i];
        const VkImageSubresource subresource{static_cast<VkImageAspectFlags>(aspect), 0, 0};
        VkSubresourceLayout layout{};
        m_device.next().GetImageSubresourceLayout(m_device.handle(), image, &subresource, &layout);
        if (layout.offset > UINT32_MAX || layout.rowPitch > UINT32_MAX)
            return VK_ERROR_FORMAT_NOT_SUPPORTED;
        exported->planes[i] = {static_cast<uint32_t>(layout.offset), static_cast<uint32_t>(layout.rowPitch)};
    }
    return VK_SUCCESS;
}

VkResult ImageExport::realize(VkImage image, HostAllocator& allocator, VkDeviceMemory* memory, DmaBuf* exported,
                              const char** step)
{
    const DeviceDispatch& next = m_device.next();
    *step = "learning the layout of a dma-buf";
    if (VkResult result = learnModifier(image); result != VK_SUCCESS)
        return result;
    if (VkResult result = learnPlanes(image, exported); result != VK_SUCCESS)
        return result;

    *step = "allocating memory to export";
    VkMemoryRequirements requirements;
    next.GetImageMemoryRequirements(m_device.handle(), image, &requirements);
    const uint32_t type =
        m_device.physicalDevice().memoryType(requirements.memoryTypeBits, 0, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
    if (type == UINT32_MAX)
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    // Only where it must be: no other image may be bound to dedicated memory, which VK_KHR_swapchain lets applications
    // do with a presentable image's.
    const VkMemoryDedicatedAllocateInfo dedicated{VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO, nullptr, image,
                                                  VK_NULL_HANDLE};
    const VkExportMemoryAllocateInfo exports{VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO,
                                             m_modifiers[0].dedicated ? &dedicated : nullptr, kDmaBuf};
    const VkMemoryAllocateInfo allocate{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, &exports, requirements.size, type};
    VkResult result = next.AllocateMemory(m_device.handle(), &allocate, allocator.callbacks(), memory);
    if (result != VK_SUCCESS)
        return result;
    *step = "binding memory to export";
    result = next.BindImageMemory(m_device.handle(), image, *memory, 0);
    if (result != VK_SUCCESS)
        return result;
    *step = "exporting memory as a dma-buf";
    const VkMemoryGetFdInfoKHR which{VK_STRUCTURE_TYPE_MEMORY_GET_FD_INFO_KHR, nullptr, *memory, kDmaBuf};
    return next.GetMemoryFdKHR(m_device.handle(), &which, &exported->descriptor);
}

} // namespace vwsi
