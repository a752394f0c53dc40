// A shared presentable image stays in VK_IMAGE_LAYOUT_SHARED_PRESENT_KHR while it is used, so that its application
// names that layout in transfers, rendering and descriptors, too. The driver gets GENERAL there as well;
// layout_entry.cpp has the commands that may also name PRESENT_SRC. Only devices with VK_KHR_shared_presentable_image
// come through here.

#include "core/device.h"
#include "core/scratch_arena.h"
#include "entry/hooks.h"

namespace vwsi {

namespace {

VkImageLayout driverLayout(VkImageLayout layout)
{
    return layout == VK_IMAGE_LAYOUT_SHARED_PRESENT_KHR ? VK_IMAGE_LAYOUT_GENERAL : layout;
}

const DeviceDispatch& below(const void* dispatchable)
{
    return Device::find(dispatchable)->next();
}

VKAPI_ATTR void VKAPI_CALL CmdCopyImage(VkCommandBuffer commandBuffer, VkImage srcImage, VkImageLayout srcImageLayout,
                                        VkImage dstImage, VkImageLayout dstImageLayout, uint32_t regionCount,
                                        const VkImageCopy* pRegions)
{
    below(commandBuffer)
        .CmdCopyImage(commandBuffer, srcImage, driverLayout(srcImageLayout), dstImage, driverLayout(dstImageLayout),
                      regionCount, pRegions);
}

VKAPI_ATTR void VKAPI_CALL CmdBlitImage(VkCommandBuffer commandBuffer, VkImage srcImage, VkImageLayout srcImageLayout,
                                        VkImage dstImage, VkImageLayout dstImageLayout, uint32_t regionCount,
                                        const VkImageBlit* pRegions, VkFilter filter)
{
    below(commandBuffer)
        .CmdBlitImage(commandBuffer, srcImage, driverLayout(srcImageLayout), dstImage, driverLayout(dstImageLayout),
                      regionCount, pRegions, filter);
}

VKAPI_ATTR void VKAPI_CALL CmdResolveImage(VkCommandBuffer commandBuffer, VkImage srcImage,
                                           VkImageLayout srcImageLayout, VkImage dstImage, VkImageLayout dstImageLayout,
                                           uint32_t regionCount, const VkImageResolve* pRegions)
{
    below(commandBuffer)
        .CmdResolveImage(commandBuffer, srcImage, driverLayout(srcImageLayout), dstImage, driverLayout(dstImageLayout),
                         regionCount, pRegions);
}

VKAPI_ATTR void VKAPI_CALL CmdCopyBufferToImage(VkCommandBuffer commandBuffer, VkBuffer srcBuffer, VkImage dstImage,
                                                VkImageLayout dstImageLayout, uint32_t regionCount,
                                                const VkBufferImageCopy* pRegions)
{
    below(commandBuffer)
        .CmdCopyBufferToImage(commandBuffer, srcBuffer, dstImage, driverLayout(dstImageLayout), regionCount, pRegions);
}

VKAPI_ATTR void VKAPI_CALL CmdCopyImageToBuffer(VkCommandBuffer commandBuffer, VkImage srcImage,
                                                VkImageLayout srcImageLayout, VkBuffer dstBuffer, uint32_t regionCount,
                                                const VkBufferImageCopy* pRegions)
{
    below(commandBuffer)
        .CmdCopyImageToBuffer(commandBuffer, srcImage, driverLayout(srcImageLayout), dstBuffer, regionCount, pRegions);
}

VKAPI_ATTR void VKAPI_CALL CmdClearColorImage(VkCommandBuffer commandBuffer, VkImage image, VkImageLayout imageLayout,
                                              const VkClearColorValue* pColor, uint32_t rangeCount,
                                              const VkImageSubresourceRange* pRanges)
{
    below(commandBuffer)
        .CmdClearColorImage(commandBuffer, image, driverLayout(imageLayout), pColor, rangeCount, pRanges);
}

VKAPI_ATTR void VKAPI_CALL CmdCopyImage2(VkCommandBuffer commandBuffer, const VkCopyImageInfo2* pCopyImageInfo)
{
    VkCopyImageInfo2 info = *pCopyImageInfo;
    info.srcImageLayout = driverLayout(info.srcImageLayout);
    info.dstImageLayout = driverLayout(info.dstImageLayout);
    below(commandBuffer).CmdCopyImage2(commandBuffer, &info);
}

constexpr auto CmdCopyImage2KHR = &CmdCopyImage2;

VKAPI_ATTR void VKAPI_CALL CmdBlitImage2(VkCommandBuffer commandBuffer, const VkBlitImageInfo2* pBlitImageInfo)
{
    VkBlitImageInfo2 info = *pBlitImageInfo;
    info.srcImageLayout = driverLayout(info.srcImageLayout);
    info.dstImageLayout = driverLayout(info.dstImageLayout);
    below(commandBuffer).CmdBlitImage2(commandBuffer, &info);
}

constexpr auto CmdBlitImage2KHR = &CmdBlitImage2;

VKAPI_ATTR void VKAPI_CALL CmdResolveImage2(VkCommandBuffer commandBuffer, const VkResolveImageInfo2* pResolveImageInfo)
{
    VkResolveImageInfo2 info = *pResolveImageInfo;
    info.srcImageLayout = driverLayout(info.srcImageLayout);
    info.dstImageLayout = driverLayout(info.dstImageLayout);
    below(commandBuffer).CmdResolveImage2(commandBuffer, &info);
}

constexpr auto CmdResolveImage2KHR = &CmdResolveImage2;

VKAPI_ATTR void VKAPI_CALL CmdCopyBufferToImage2(VkCommandBuffer commandBuffer,
                                                 const VkCopyBufferToImageInfo2* pCopyBufferToImageInfo)
{
    VkCopyBufferToImageInfo2 info = *pCopyBufferToImageInfo;
    info.dstImageLayout = driverLayout(info.dstImageLayout);
    below(commandBuffer).CmdCopyBufferToImage2(commandBuffer, &info);
}

constexpr auto CmdCopyBufferToImage2KHR = &CmdCopyBufferToImage2;

VKAPI_ATTR void VKAPI_CALL CmdCopyImageToBuffer2(VkCommandBuffer commandBuffer,
                                                 const VkCopyImageToBufferInfo2* pCopyImageToBufferInfo)
{
    VkCopyImageToBufferInfo2 info = *pCopyImageToBufferInfo;
    info.srcImageLayout = driverLayout(info.srcImageLayout);
    below(commandBuffer).CmdCopyImageToBuffer2(commandBuffer, &info);
}

constexpr auto CmdCopyImageToBuffer2KHR = &CmdCopyImageToBuffer2;

VKAPI_ATTR void VKAPI_CALL CmdBeginRendering(VkCommandBuffer commandBuffer, const VkRenderingInfo* pRenderingInfo)
{
    ScratchArena arena;
    VkRenderingInfo info = *pRenderingInfo;
    // Without memory the layout goes down as it is; drivers take it for GENERAL.
    if (auto* const attachments = arena.copy(info.pColorAttachments, info.colorAttachmentCount)) {
        for (uint32_t i = 0; i < info.colorAttachmentCount; ++i) {
            attachments[i].imageLayout = driverLayout(attachments[i].imageLayout);
            attachments[i].resolveImageLayout = driverLayout(attachments[i].resolveImageLayout);
        }
        info.pColorAttachments = attachments;
    }
    below(commandBuffer).CmdBeginRendering(commandBuffer, &info);
}

constexpr auto CmdBeginRenderingKHR = &CmdBeginRendering;

bool takesImages(VkDescriptorType type)
{
    switch (type) {
    case VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER:
    case VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE:
    case VK_DESCRIPTOR_TYPE_STORAGE_IMAGE:
    case VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT:
        return true;
    default:
        return false;
    }
}

const VkWriteDescriptorSet* replaceInWrites(ScratchArena& arena, uint32_t count, const VkWriteDescriptorSet* writes)
{
    VkWriteDescriptorSet* const copies = arena.copy(writes, count);
    for (uint32_t i = 0; copies && i < count; ++i) {
        if (!takesImages(copies[i].descriptorType) || !copies[i].pImageInfo)
            continue;
        auto* const images = arena.copy(copies[i].pImageInfo, copies[i].descriptorCount);
        for (uint32_t image = 0; images && image < copies[i].descriptorCount; ++image)
            images[image].imageLayout = driverLayout(images[image].imageLayout);
        if (images)
            copies[i].pImageInfo = images;
    }
    return copies ? copies : writes;
}

VKAPI_ATTR void VKAPI_CALL UpdateDescriptorSets(VkDevice device, uint32_t descriptorWriteCount,
                                                const VkWriteDescriptorSet* pDescriptorWrites,
                                                uint32_t descriptorCopyCount,
                                                const VkCopyDescriptorSet* pDescriptorCopies)
{
    ScratchArena arena;
    below(device).UpdateDescriptorSets(device, descriptorWriteCount,
                                       replaceInWrites(arena, descriptorWriteCount, pDescriptorWrites),
                                       descriptorCopyCount, pDescriptorCopies);
}

VKAPI_ATTR void VKAPI_CALL CmdPushDescriptorSetKHR(VkCommandBuffer commandBuffer, VkPipelineBindPoint pipelineBindPoint,
                                                   VkPipelineLayout layout, uint32_t set, uint32_t descriptorWriteCount,
                                                   const VkWriteDescriptorSet* pDescriptorWrites)
{
    ScratchArena arena;
    below(commandBuffer)
        .CmdPushDescriptorSetKHR(commandBuffer, pipelineBindPoint, layout, set, descriptorWriteCount,
                                 replaceInWrites(arena, descriptorWriteCount, pDescriptorWrites));
}

} // namespace

std::span<const Hook> sharedLayoutHooks()
{
    constexpr Extension shared = Extension::KhrSharedPresentableImage;
    static const Hook hooks[] = {
        VWSI_HOOK(CmdCopyImage, HookLevel::Device, shared, true),
        VWSI_HOOK(CmdBlitImage, HookLevel::Device, shared, true),
        VWSI_HOOK(CmdResolveImage, HookLevel::Device, shared, true),
        VWSI_HOOK(CmdCopyBufferToImage, HookLevel::Device, shared, true),
        VWSI_HOOK(CmdCopyImageToBuffer, HookLevel::Device, shared, true),
        VWSI_HOOK(CmdClearColorImage, HookLevel::Device, shared, true),
        VWSI_HOOK(CmdCopyImage2, HookLevel::Device, shared, true),
        VWSI_HOOK(CmdCopyImage2KHR, HookLevel::Device, shared, true),
        VWSI_HOOK(CmdBlitImage2, HookLevel::Device, shared, true),
        VWSI_HOOK(CmdBlitImage2KHR, HookLevel::Device, shared, true),
        VWSI_HOOK(CmdResolveImage2, HookLevel::Device, shared, true),
        VWSI_HOOK(CmdResolveImage2KHR, HookLevel::Device, shared, true),
        VWSI_HOOK(CmdCopyBufferToImage2, HookLevel::Device, shared, true),
        VWSI_HOOK(CmdCopyBufferToImage2KHR, HookLevel::Device, shared, true),
        VWSI_HOOK(CmdCopyImageToBuffer2, HookLevel::Device, shared, true),
        VWSI_HOOK(CmdCopyImageToBuffer2KHR, HookLevel::Device, shared, true),
        VWSI_HOOK(CmdBeginRendering, HookLevel::Device, shared, true),
        VWSI_HOOK(CmdBeginRenderingKHR, HookLevel::Device, shared, true),
        VWSI_HOOK(UpdateDescriptorSets, HookLevel::Device, shared, true),
        VWSI_HOOK(CmdPushDescriptorSetKHR, HookLevel::Device, shared, true),
    };
    return hooks;
}

} // namespace vwsi
