#include "mock/call.h"
#include "mock/entries.h"

#include <algorithm>

namespace vwsi::mock {

namespace {

/// Where the second and later memory planes lie behind the first.
constexpr VkDeviceSize kPlaneBytes = 4096;

template <typename Struct> const Struct* in(const void* chain, VkStructureType type)
{
    for (auto* entry = static_cast<const VkBaseInStructure*>(chain); entry; entry = entry->pNext) {
        if (entry->sType == type)
            return reinterpret_cast<const Struct*>(entry);
    }
    return nullptr;
}

/// The modifier that an image gets: the best of those it may have.
const VkDrmFormatModifierPropertiesEXT* chooseModifier(Call& call, const VkImageCreateInfo& info,
                                                       std::vector<uint64_t>* allowed)
{
    const auto* const list = in<VkImageDrmFormatModifierListCreateInfoEXT>(
        info.pNext, VK_STRUCTURE_TYPE_IMAGE_DRM_FORMAT_MODIFIER_LIST_CREATE_INFO_EXT);
    if ((info.tiling == VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT) != (list != nullptr))
        call.error("a list of modifiers and the tiling do not go together");
    if (!list)
        return nullptr;
    const auto* const formats =
        in<VkImageFormatListCreateInfo>(info.pNext, VK_STRUCTURE_TYPE_IMAGE_FORMAT_LIST_CREATE_INFO);
    if ((info.flags & VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT) && (!formats || formats->viewFormatCount == 0))
        call.error("a mutable format with a modifier needs a list of formats");
    allowed->assign(list->pDrmFormatModifiers, list->pDrmFormatModifiers + list->drmFormatModifierCount);
    const VkDrmFormatModifierPropertiesEXT* best = nullptr;
    for (const auto& modifier : call.physicalDevice->spec->modifiers) {
        if (std::find(allowed->begin(), allowed->end(), modifier.drmFormatModifier) != allowed->end())
            best = &modifier;
    }
    if (!best)
        call.error("none of the modifiers is the driver's");
    return best;
}

uint32_t texelSize(VkFormat format)
{
    switch (format) {
    case VK_FORMAT_R5G6B5_UNORM_PACK16:
        return 2;
    case VK_FORMAT_R16G16B16A16_SFLOAT:
        return 8;
    default:
        return 4;
    }
}

uint32_t allTypes(const DeviceSpec& spec)
{
    return (1u << spec.memoryTypes.size()) - 1;
}

VkMemoryRequirements bufferRequirements(const Call& call, const Buffer* buffer)
{
    if (!buffer)
        return {};
    return {(buffer->size + 255) & ~255ull, 256, allTypes(*call.physicalDevice->spec)};
}

VkMemoryRequirements imageRequirements(const Call& call, const Image* image)
{
    if (!image)
        return {};
    const DeviceSpec& spec = *call.physicalDevice->spec;
    const uint32_t types =
        image->info.tiling == VK_IMAGE_TILING_LINEAR ? allTypes(spec) : allTypes(spec) & spec.optimalMemoryTypes;
    return {(image->size + 255) & ~255ull, 256, types};
}

template <typename Resource>
VkResult bind(Call& call, Resource* resource, VkDeviceMemory memoryHandle, VkDeviceSize offset)
{
    auto* const memory = call.get<Memory>(memoryHandle);
    if (!resource || !memory)
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    if (resource->memory)
        call.error("the %s is bound already", resource->kind);
    if (offset + resource->size > memory->size)
        call.error("the memory is too small for the %s", resource->kind);
    if constexpr (std::is_same_v<Resource, Image>) {
        if (memory->dedicated && raw(memory->dedicated) != resource->handle)
            call.error("the memory is dedicated to another image");
    }
    resource->memory = memory;
    resource->offset = offset;
    return VK_SUCCESS;
}

} // namespace

namespace entry {

VkResult CreateBuffer(VkDevice handle, const VkBufferCreateInfo* info, const VkAllocationCallbacks* allocator,
                      VkBuffer* bufferHandle)
{
    Call call("vkCreateBuffer", handle);
    call.chain(info->pNext);
    if (call.fails())
        return call.result();
    auto* const buffer = call.create<Buffer>("VkBuffer", allocator, bufferHandle);
    if (!buffer)
        return call.result();
    buffer->size = info->size;
    buffer->usage = info->usage;
    return VK_SUCCESS;
}

void DestroyBuffer(VkDevice handle, VkBuffer buffer, const VkAllocationCallbacks* allocator)
{
    if (buffer)
        Call("vkDestroyBuffer", handle).destroy(buffer, allocator);
}

void GetBufferMemoryRequirements(VkDevice handle, VkBuffer buffer, VkMemoryRequirements* requirements)
{
    Call call("vkGetBufferMemoryRequirements", handle);
    *requirements = bufferRequirements(call, call.get<Buffer>(buffer));
}

void GetBufferMemoryRequirements2(VkDevice handle, const VkBufferMemoryRequirementsInfo2* info,
                                  VkMemoryRequirements2* requirements)
{
    Call call("vkGetBufferMemoryRequirements2", handle);
    requirements->memoryRequirements = bufferRequirements(call, call.get<Buffer>(info->buffer));
}

VkResult BindBufferMemory(VkDevice handle, VkBuffer buffer, VkDeviceMemory memory, VkDeviceSize offset)
{
    Call call("vkBindBufferMemory", handle);
    return call.fails() ? call.result() : bind(call, call.get<Buffer>(buffer), memory, offset);
}

VkResult BindBufferMemory2(VkDevice handle, uint32_t count, const VkBindBufferMemoryInfo* infos)
{
    Call call("vkBindBufferMemory2", handle);
    if (call.fails())
        return call.result();
    VkResult result = VK_SUCCESS;
    for (uint32_t i = 0; i < count; ++i) {
        call.chain(infos[i].pNext);
        const VkResult one = bind(call, call.get<Buffer>(infos[i].buffer), infos[i].memory, infos[i].memoryOffset);
        result = one == VK_SUCCESS ? result : one;
    }
    return result;
}

VkResult CreateImage(VkDevice handle, const VkImageCreateInfo* info, const VkAllocationCallbacks* allocator,
                     VkImage* imageHandle)
{
    Call call("vkCreateImage", handle);
    call.chain(info->pNext);
    call.layout(info->initialLayout);
    std::vector<uint64_t> modifiers;
    const VkDrmFormatModifierPropertiesEXT* const modifier = chooseModifier(call, *info, &modifiers);
    call.world.imageRecords.push_back({*info, chainTypes(info->pNext), modifiers});
    if (call.fails())
        return call.result();
    auto* const image = call.create<Image>("VkImage", allocator, imageHandle);
    if (!image)
        return call.result();
    image->info = *info;
    image->info.pNext = nullptr;
    image->info.pQueueFamilyIndices = nullptr;
    image->texelSize = texelSize(info->format);
    const VkDeviceSize alignment =
        info->tiling != VK_IMAGE_TILING_OPTIMAL ? call.physicalDevice->spec->linearRowAlignment : 4;
    image->rowPitch = (info->extent.width * image->texelSize + alignment - 1) / alignment * alignment;
    image->size = image->rowPitch * info->extent.height * info->arrayLayers;
    if (modifier) {
        image->modifier = modifier->drmFormatModifier;
        image->memoryPlanes = modifier->drmFormatModifierPlaneCount;
        image->size += kPlaneBytes * (image->memoryPlanes - 1);
    }
    image->layout = info->initialLayout;
    return VK_SUCCESS;
}

void DestroyImage(VkDevice handle, VkImage image, const VkAllocationCallbacks* allocator)
{
    if (image)
        Call("vkDestroyImage", handle).destroy(image, allocator);
}

void GetImageMemoryRequirements(VkDevice handle, VkImage image, VkMemoryRequirements* requirements)
{
    Call call("vkGetImageMemoryRequirements", handle);
    *requirements = imageRequirements(call, call.get<Image>(image));
}

void GetImageMemoryRequirements2(VkDevice handle, const VkImageMemoryRequirementsInfo2* info,
                                 VkMemoryRequirements2* requirements)
{
    Call call("vkGetImageMemoryRequirements2", handle);
    requirements->memoryRequirements = imageRequirements(call, call.get<Image>(info->image));
}

void GetImageSubresourceLayout(VkDevice handle, VkImage imageHandle, const VkImageSubresource* subresource,
                               VkSubresourceLayout* layout)
{
    Call call("vkGetImageSubresourceLayout", handle);
    *layout = {};
    const auto* image = call.get<Image>(imageHandle);
    if (!image)
        return;
    if (image->info.tiling == VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT) {
        uint32_t plane = 0;
        while (plane < image->memoryPlanes &&
               subresource->aspectMask != VkImageAspectFlags(VK_IMAGE_ASPECT_MEMORY_PLANE_0_BIT_EXT << plane))
            ++plane;
        if (plane == image->memoryPlanes)
            call.error("aspect %#x is no memory plane of the image", subresource->aspectMask);
        const VkDeviceSize pixels = image->rowPitch * image->info.extent.height;
        *layout = {plane == 0 ? 0 : pixels + kPlaneBytes * (plane - 1), plane == 0 ? pixels : kPlaneBytes,
                   plane == 0 ? image->rowPitch : 128, 0, 0};
        return;
    }
    if (image->info.tiling != VK_IMAGE_TILING_LINEAR)
        call.error("the image is not linear");
    const VkDeviceSize layer = image->rowPitch * image->info.extent.height;
    *layout = {layer * subresource->arrayLayer, layer, image->rowPitch, layer, layer};
}

VkResult GetImageDrmFormatModifierPropertiesEXT(VkDevice handle, VkImage imageHandle,
                                                VkImageDrmFormatModifierPropertiesEXT* properties)
{
    Call call("vkGetImageDrmFormatModifierPropertiesEXT", handle);
    const auto* image = call.get<Image>(imageHandle);
    if (!image || image->info.tiling != VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT)
        call.error("the image has no modifier");
    if (call.fails())
        return call.result();
    properties->drmFormatModifier = image ? image->modifier : 0;
    return VK_SUCCESS;
}

VkResult BindImageMemory(VkDevice handle, VkImage image, VkDeviceMemory memory, VkDeviceSize offset)
{
    Call call("vkBindImageMemory", handle);
    return call.fails() ? call.result() : bind(call, call.get<Image>(image), memory, offset);
}

VkResult BindImageMemory2(VkDevice handle, uint32_t count, const VkBindImageMemoryInfo* infos)
{
    Call call("vkBindImageMemory2", handle);
    if (call.fails())
        return call.result();
    VkResult result = VK_SUCCESS;
    for (uint32_t i = 0; i < count; ++i) {
        call.chain(infos[i].pNext);
        const VkResult one = bind(call, call.get<Image>(infos[i].image), infos[i].memory, infos[i].memoryOffset);
        result = one == VK_SUCCESS ? result : one;
    }
    return result;
}

VkResult CreateImageView(VkDevice handle, const VkImageViewCreateInfo* info, const VkAllocationCallbacks* allocator,
                         VkImageView* view)
{
    Call call("vkCreateImageView", handle);
    call.chain(info->pNext);
    const auto* image = call.get<Image>(info->image);
    if (image && info->format != image->info.format && !(image->info.flags & VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT))
        call.error("another format than that of an image without VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT");
    if (call.fails() || !call.create<Plain>("VkImageView", allocator, view))
        return call.result();
    return VK_SUCCESS;
}

void DestroyImageView(VkDevice handle, VkImageView view, const VkAllocationCallbacks* allocator)
{
    if (view)
        Call("vkDestroyImageView", handle).destroy(view, allocator);
}

VkResult CreateRenderPass(VkDevice handle, const VkRenderPassCreateInfo* info, const VkAllocationCallbacks* allocator,
                          VkRenderPass* renderPass)
{
    Call call("vkCreateRenderPass", handle);
    call.chain(info->pNext);
    for (uint32_t i = 0; i < info->attachmentCount; ++i) {
        call.layout(info->pAttachments[i].initialLayout);
        call.layout(info->pAttachments[i].finalLayout);
    }
    for (uint32_t i = 0; i < info->subpassCount; ++i) {
        const VkSubpassDescription& subpass = info->pSubpasses[i];
        for (uint32_t j = 0; j < subpass.colorAttachmentCount; ++j)
            call.layout(subpass.pColorAttachments[j].layout);
    }
    if (call.fails() || !call.create<RenderPass>("VkRenderPass", allocator, renderPass))
        return call.result();
    return VK_SUCCESS;
}

VkResult CreateRenderPass2(VkDevice handle, const VkRenderPassCreateInfo2* info, const VkAllocationCallbacks* allocator,
                           VkRenderPass* renderPass)
{
    Call call("vkCreateRenderPass2", handle);
    call.chain(info->pNext);
    for (uint32_t i = 0; i < info->attachmentCount; ++i) {
        call.chain(info->pAttachments[i].pNext);
        call.layout(info->pAttachments[i].initialLayout);
        call.layout(info->pAttachments[i].finalLayout);
    }
    for (uint32_t i = 0; i < info->subpassCount; ++i) {
        const VkSubpassDescription2& subpass = info->pSubpasses[i];
        for (uint32_t j = 0; j < subpass.colorAttachmentCount; ++j)
            call.layout(subpass.pColorAttachments[j].layout);
    }
    if (call.fails() || !call.create<RenderPass>("VkRenderPass", allocator, renderPass))
        return call.result();
    return VK_SUCCESS;
}

void DestroyRenderPass(VkDevice handle, VkRenderPass renderPass, const VkAllocationCallbacks* allocator)
{
    if (renderPass)
        Call("vkDestroyRenderPass", handle).destroy(renderPass, allocator);
}

} // namespace entry

} // namespace vwsi::mock
