// VK_IMAGE_LAYOUT_PRESENT_SRC_KHR belongs to VK_KHR_swapchain, which the driver's device has not enabled. Wherever the
// application names it, the driver gets GENERAL, in which the copy of the frame then finds the image.

#include "core/device.h"
#include "core/scratch_arena.h"
#include "entry/hooks.h"

#include <algorithm>

namespace vwsi {

namespace {

bool isPresentLayout(VkImageLayout layout)
{
    return layout == VK_IMAGE_LAYOUT_PRESENT_SRC_KHR || layout == VK_IMAGE_LAYOUT_SHARED_PRESENT_KHR;
}

void replaceLayout(VkImageLayout& layout)
{
    if (isPresentLayout(layout))
        layout = VK_IMAGE_LAYOUT_GENERAL;
}

/// VkImageMemoryBarrier and VkImageMemoryBarrier2: the array itself, or a copy in `arena` where it names the layout.
/// Without memory for the copy the array goes down as it is; drivers take the layout for GENERAL.
template <typename Barrier>
const Barrier* replaceInBarriers(ScratchArena& arena, uint32_t count, const Barrier* barriers)
{
    const bool concerned = std::any_of(barriers, barriers + count, [](const Barrier& barrier) {
        return isPresentLayout(barrier.oldLayout) || isPresentLayout(barrier.newLayout);
    });
    Barrier* const copies = concerned ? arena.copy(barriers, count) : nullptr;
    if (!copies)
        return barriers;
    for (uint32_t i = 0; i < count; ++i) {
        replaceLayout(copies[i].oldLayout);
        replaceLayout(copies[i].newLayout);
    }
    return copies;
}

VkDependencyInfo replaceInDependency(ScratchArena& arena, const VkDependencyInfo& info)
{
    VkDependencyInfo replaced = info;
    replaced.pImageMemoryBarriers = replaceInBarriers(arena, info.imageMemoryBarrierCount, info.pImageMemoryBarriers);
    return replaced;
}

VKAPI_ATTR void VKAPI_CALL CmdPipelineBarrier(VkCommandBuffer commandBuffer, VkPipelineStageFlags srcStageMask,
                                              VkPipelineStageFlags dstStageMask, VkDependencyFlags dependencyFlags,
                                              uint32_t memoryBarrierCount, const VkMemoryBarrier* pMemoryBarriers,
                                              uint32_t bufferMemoryBarrierCount,
                                              const VkBufferMemoryBarrier* pBufferMemoryBarriers,
                                              uint32_t imageMemoryBarrierCount,
                                              const VkImageMemoryBarrier* pImageMemoryBarriers)
{
    ScratchArena arena;
    Device::find(commandBuffer)
        ->next()
        .CmdPipelineBarrier(commandBuffer, srcStageMask, dstStageMask, dependencyFlags, memoryBarrierCount,
                            pMemoryBarriers, bufferMemoryBarrierCount, pBufferMemoryBarriers, imageMemoryBarrierCount,
                            replaceInBarriers(arena, imageMemoryBarrierCount, pImageMemoryBarriers));
}

VKAPI_ATTR void VKAPI_CALL CmdWaitEvents(VkCommandBuffer commandBuffer, uint32_t eventCount, const VkEvent* pEvents,
                                         VkPipelineStageFlags srcStageMask, VkPipelineStageFlags dstStageMask,
                                         uint32_t memoryBarrierCount, const VkMemoryBarrier* pMemoryBarriers,
                                         uint32_t bufferMemoryBarrierCount,
                                         const VkBufferMemoryBarrier* pBufferMemoryBarriers,
                                         uint32_t imageMemoryBarrierCount,
                                         const VkImageMemoryBarrier* pImageMemoryBarriers)
{
    ScratchArena arena;
    Device::find(commandBuffer)
        ->next()
        .CmdWaitEvents(commandBuffer, eventCount, pEvents, srcStageMask, dstStageMask, memoryBarrierCount,
                       pMemoryBarriers, bufferMemoryBarrierCount, pBufferMemoryBarriers, imageMemoryBarrierCount,
                       replaceInBarriers(arena, imageMemoryBarrierCount, pImageMemoryBarriers));
}

VKAPI_ATTR void VKAPI_CALL CmdPipelineBarrier2(VkCommandBuffer commandBuffer, const VkDependencyInfo* pDependencyInfo)
{
    ScratchArena arena;
    const VkDependencyInfo info = replaceInDependency(arena, *pDependencyInfo);
    Device::find(commandBuffer)->next().CmdPipelineBarrier2(commandBuffer, &info);
}

constexpr auto CmdPipelineBarrier2KHR = &CmdPipelineBarrier2;

VKAPI_ATTR void VKAPI_CALL CmdSetEvent2(VkCommandBuffer commandBuffer, VkEvent event,
                                        const VkDependencyInfo* pDependencyInfo)
{
    ScratchArena arena;
    const VkDependencyInfo info = replaceInDependency(arena, *pDependencyInfo);
    Device::find(commandBuffer)->next().CmdSetEvent2(commandBuffer, event, &info);
}

constexpr auto CmdSetEvent2KHR = &CmdSetEvent2;

VKAPI_ATTR void VKAPI_CALL CmdWaitEvents2(VkCommandBuffer commandBuffer, uint32_t eventCount, const VkEvent* pEvents,
                                          const VkDependencyInfo* pDependencyInfos)
{
    ScratchArena arena;
    auto* const infos = arena.copy(pDependencyInfos, eventCount);
    for (uint32_t i = 0; infos && i < eventCount; ++i)
        infos[i] = replaceInDependency(arena, pDependencyInfos[i]);
    Device::find(commandBuffer)
        ->next()
        .CmdWaitEvents2(commandBuffer, eventCount, pEvents, infos ? infos : pDependencyInfos);
}

constexpr auto CmdWaitEvents2KHR = &CmdWaitEvents2;

/// The references of a subpass, or a copy in `arena` where they name SHARED_PRESENT. False when memory runs out.
template <typename Reference>
bool replaceInReferences(ScratchArena& arena, uint32_t count, const Reference*& references)
{
    const bool concerned = references && std::any_of(references, references + count, [](const Reference& reference) {
                               return isPresentLayout(reference.layout);
                           });
    if (!concerned)
        return true;
    Reference* const copies = arena.copy(references, count);
    for (uint32_t i = 0; copies && i < count; ++i)
        replaceLayout(copies[i].layout);
    references = copies;
    return copies != nullptr;
}

template <typename Subpass> bool replaceInSubpass(ScratchArena& arena, Subpass& subpass)
{
    return replaceInReferences(arena, subpass.inputAttachmentCount, subpass.pInputAttachments) &&
           replaceInReferences(arena, subpass.colorAttachmentCount, subpass.pColorAttachments) &&
           replaceInReferences(arena, subpass.colorAttachmentCount, subpass.pResolveAttachments);
}

/// VkRenderPassCreateInfo and VkRenderPassCreateInfo2: attachments may name both layouts, subpasses the shared one,
/// which an image that has it comes with and goes with.
template <typename CreateInfo, typename Create> VkResult createRenderPass(const CreateInfo& info, Create&& create)
{
    ScratchArena arena;
    CreateInfo replaced = info;
    const bool concerned =
        std::any_of(info.pAttachments, info.pAttachments + info.attachmentCount, [](const auto& attachment) {
            return isPresentLayout(attachment.initialLayout) || isPresentLayout(attachment.finalLayout);
        });
    if (concerned) {
        auto* const attachments = arena.copy(info.pAttachments, info.attachmentCount);
        if (!attachments)
            return VK_ERROR_OUT_OF_HOST_MEMORY;
        for (uint32_t i = 0; i < info.attachmentCount; ++i) {
            replaceLayout(attachments[i].initialLayout);
            replaceLayout(attachments[i].finalLayout);
        }
        replaced.pAttachments = attachments;
        auto* const subpasses = arena.copy(info.pSubpasses, info.subpassCount);
        if (!subpasses)
            return VK_ERROR_OUT_OF_HOST_MEMORY;
        for (uint32_t i = 0; i < info.subpassCount; ++i) {
            if (!replaceInSubpass(arena, subpasses[i]))
                return VK_ERROR_OUT_OF_HOST_MEMORY;
        }
        replaced.pSubpasses = subpasses;
    }
    return create(replaced);
}

VKAPI_ATTR VkResult VKAPI_CALL CreateRenderPass(VkDevice device, const VkRenderPassCreateInfo* pCreateInfo,
                                                const VkAllocationCallbacks* pAllocator, VkRenderPass* pRenderPass)
{
    return createRenderPass(*pCreateInfo, [&](const VkRenderPassCreateInfo& info) {
        return Device::find(device)->next().CreateRenderPass(device, &info, pAllocator, pRenderPass);
    });
}

VKAPI_ATTR VkResult VKAPI_CALL CreateRenderPass2(VkDevice device, const VkRenderPassCreateInfo2* pCreateInfo,
                                                 const VkAllocationCallbacks* pAllocator, VkRenderPass* pRenderPass)
{
    return createRenderPass(*pCreateInfo, [&](const VkRenderPassCreateInfo2& info) {
        return Device::find(device)->next().CreateRenderPass2(device, &info, pAllocator, pRenderPass);
    });
}

constexpr auto CreateRenderPass2KHR = &CreateRenderPass2;

} // namespace

std::span<const Hook> layoutHooks()
{
    constexpr Extension none = Extension::None;
    static const Hook hooks[] = {
        VWSI_HOOK(CmdPipelineBarrier, HookLevel::Device),
        VWSI_HOOK(CmdPipelineBarrier2, HookLevel::Device, none, true),
        VWSI_HOOK(CmdPipelineBarrier2KHR, HookLevel::Device, none, true),
        VWSI_HOOK(CmdWaitEvents, HookLevel::Device),
        VWSI_HOOK(CmdWaitEvents2, HookLevel::Device, none, true),
        VWSI_HOOK(CmdWaitEvents2KHR, HookLevel::Device, none, true),
        VWSI_HOOK(CmdSetEvent2, HookLevel::Device, none, true),
        VWSI_HOOK(CmdSetEvent2KHR, HookLevel::Device, none, true),
        VWSI_HOOK(CreateRenderPass, HookLevel::Device),
        VWSI_HOOK(CreateRenderPass2, HookLevel::Device, none, true),
        VWSI_HOOK(CreateRenderPass2KHR, HookLevel::Device, none, true),
    };
    return hooks;
}

} // namespace vwsi
