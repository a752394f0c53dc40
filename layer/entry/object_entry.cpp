// Commands on objects whose use the layer has to know of: semaphores that an acquire may signal, images that share a
// swapchain's memory, and names and private data of handles that the driver doesn't know.

#include "core/device.h"
#include "core/log.h"
#include "core/scratch_arena.h"
#include "core/struct_chain.h"
#include "entry/hooks.h"
#include "swapchain/swapchain.h"

#include <algorithm>

namespace vwsi {

namespace {

VKAPI_ATTR VkResult VKAPI_CALL CreateSemaphore(VkDevice device, const VkSemaphoreCreateInfo* pCreateInfo,
                                               const VkAllocationCallbacks* pAllocator, VkSemaphore* pSemaphore)
{
    Device& object = *Device::find(device);
    const VkResult result = object.next().CreateSemaphore(device, pCreateInfo, pAllocator, pSemaphore);
    const auto* const exported =
        findInChain<VkExportSemaphoreCreateInfo>(pCreateInfo->pNext, VK_STRUCTURE_TYPE_EXPORT_SEMAPHORE_CREATE_INFO);
    if (result != VK_SUCCESS || !exported || !exported->handleTypes)
        return result;
    const VkResult marked = guarded([&] {
        object.markShared(*pSemaphore);
        return VK_SUCCESS;
    });
    if (marked != VK_SUCCESS)
        object.next().DestroySemaphore(device, *pSemaphore, pAllocator);
    return marked;
}

VKAPI_ATTR VkResult VKAPI_CALL ImportSemaphoreFdKHR(VkDevice device, const VkImportSemaphoreFdInfoKHR* pImportInfo)
{
    Device& object = *Device::find(device);
    return guarded([&] {
        // Marked first: after the import there must be no way to fail.
        if (!object.isShared(pImportInfo->semaphore))
            object.markShared(pImportInfo->semaphore);
        const VkResult result = object.next().ImportSemaphoreFdKHR(device, pImportInfo);
        // What an acquire has said of the payload before does not hold for the new one.
        if (result == VK_SUCCESS)
            object.ledger().forget(pImportInfo->semaphore);
        return result;
    });
}

VKAPI_ATTR void VKAPI_CALL DestroySemaphore(VkDevice device, VkSemaphore semaphore,
                                            const VkAllocationCallbacks* pAllocator)
{
    Device& object = *Device::find(device);
    if (semaphore)
        object.forgetSemaphore(semaphore);
    object.next().DestroySemaphore(device, semaphore, pAllocator);
}

VKAPI_ATTR VkResult VKAPI_CALL CreateImage(VkDevice device, const VkImageCreateInfo* pCreateInfo,
                                           const VkAllocationCallbacks* pAllocator, VkImage* pImage)
{
    Device& object = *Device::find(device);
    object.sending();
    ScratchArena arena;
    const RewrittenChain chain = chainWithout(arena, pCreateInfo->pNext, [](VkStructureType type) {
        return type == VK_STRUCTURE_TYPE_IMAGE_SWAPCHAIN_CREATE_INFO_KHR;
    });
    if (!chain.complete) {
        VWSI_ERROR("vkCreateImage: VkImageSwapchainCreateInfoKHR stands behind a struct that is newer than this build "
                   "of the layer; put it first in the pNext chain");
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    }
    if (chain.chain == pCreateInfo->pNext)
        return object.next().CreateImage(device, pCreateInfo, pAllocator, pImage);
    VkImageCreateInfo info = *pCreateInfo;
    info.pNext = chain.chain;
    // The image is going to share the memory of a presentable image. A null swapchain asks for nothing.
    const auto* const swapchain = findInChain<VkImageSwapchainCreateInfoKHR>(
        pCreateInfo->pNext, VK_STRUCTURE_TYPE_IMAGE_SWAPCHAIN_CREATE_INFO_KHR);
    if (swapchain->swapchain)
        return Swapchain::of(swapchain->swapchain)->createAlias(info, pAllocator, pImage);
    return object.next().CreateImage(device, &info, pAllocator, pImage);
}

/// One bind info as the driver gets it: the memory of the presentable image instead of the swapchain.
VkResult resolveBinding(ScratchArena& arena, VkBindImageMemoryInfo& bind)
{
    const auto* const swapchain = findInChain<VkBindImageMemorySwapchainInfoKHR>(
        bind.pNext, VK_STRUCTURE_TYPE_BIND_IMAGE_MEMORY_SWAPCHAIN_INFO_KHR);
    if (!swapchain)
        return VK_SUCCESS;
    const RewrittenChain chain = chainWithout(arena, bind.pNext, [](VkStructureType type) {
        return type == VK_STRUCTURE_TYPE_BIND_IMAGE_MEMORY_SWAPCHAIN_INFO_KHR;
    });
    if (!chain.complete)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    bind.pNext = chain.chain;
    if (!swapchain->swapchain)
        return VK_SUCCESS;
    bind.memoryOffset = 0;
    return Swapchain::of(swapchain->swapchain)->bindingOf(swapchain->imageIndex, &bind.memory);
}

VKAPI_ATTR VkResult VKAPI_CALL BindImageMemory2(VkDevice device, uint32_t bindInfoCount,
                                                const VkBindImageMemoryInfo* pBindInfos)
{
    Device& object = *Device::find(device);
    const bool concerned = std::any_of(pBindInfos, pBindInfos + bindInfoCount, [](const VkBindImageMemoryInfo& bind) {
        return findInChain<VkBindImageMemorySwapchainInfoKHR>(
                   bind.pNext, VK_STRUCTURE_TYPE_BIND_IMAGE_MEMORY_SWAPCHAIN_INFO_KHR) != nullptr;
    });
    if (!concerned)
        return object.next().BindImageMemory2(device, bindInfoCount, pBindInfos);

    ScratchArena arena;
    auto* const binds = arena.copy(pBindInfos, bindInfoCount);
    if (!binds)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    for (uint32_t i = 0; i < bindInfoCount; ++i) {
        if (const VkResult result = resolveBinding(arena, binds[i]); result != VK_SUCCESS)
            return result;
    }
    return object.next().BindImageMemory2(device, bindInfoCount, binds);
}

constexpr auto BindImageMemory2KHR = &BindImageMemory2;

/// Handles of the layer: the driver would take them for pointers to objects of its own.
bool isOwnHandle(VkObjectType type)
{
    return type == VK_OBJECT_TYPE_SWAPCHAIN_KHR || type == VK_OBJECT_TYPE_DISPLAY_KHR ||
           type == VK_OBJECT_TYPE_DISPLAY_MODE_KHR || type == VK_OBJECT_TYPE_SURFACE_KHR;
}

VKAPI_ATTR VkResult VKAPI_CALL SetPrivateData(VkDevice device, VkObjectType objectType, uint64_t objectHandle,
                                              VkPrivateDataSlot privateDataSlot, uint64_t data)
{
    if (objectType != VK_OBJECT_TYPE_SWAPCHAIN_KHR)
        return Device::find(device)->next().SetPrivateData(device, objectType, objectHandle, privateDataSlot, data);
    return guarded([&] {
        Swapchain::of(reinterpret_cast<VkSwapchainKHR>(objectHandle))->privateData().set(privateDataSlot, data);
        return VK_SUCCESS;
    });
}

constexpr auto SetPrivateDataEXT = &SetPrivateData;

VKAPI_ATTR void VKAPI_CALL GetPrivateData(VkDevice device, VkObjectType objectType, uint64_t objectHandle,
                                          VkPrivateDataSlot privateDataSlot, uint64_t* pData)
{
    if (objectType == VK_OBJECT_TYPE_SWAPCHAIN_KHR)
        *pData = Swapchain::of(reinterpret_cast<VkSwapchainKHR>(objectHandle))->privateData().get(privateDataSlot);
    else
        Device::find(device)->next().GetPrivateData(device, objectType, objectHandle, privateDataSlot, pData);
}

constexpr auto GetPrivateDataEXT = &GetPrivateData;

VKAPI_ATTR void VKAPI_CALL DestroyPrivateDataSlot(VkDevice device, VkPrivateDataSlot privateDataSlot,
                                                  const VkAllocationCallbacks* pAllocator)
{
    Device& object = *Device::find(device);
    if (privateDataSlot)
        object.forgetPrivateData(privateDataSlot);
    object.next().DestroyPrivateDataSlot(device, privateDataSlot, pAllocator);
}

constexpr auto DestroyPrivateDataSlotEXT = &DestroyPrivateDataSlot;

VKAPI_ATTR VkResult VKAPI_CALL SetDebugUtilsObjectNameEXT(VkDevice device,
                                                          const VkDebugUtilsObjectNameInfoEXT* pNameInfo)
{
    if (isOwnHandle(pNameInfo->objectType))
        return VK_SUCCESS;
    return Device::find(device)->next().SetDebugUtilsObjectNameEXT(device, pNameInfo);
}

VKAPI_ATTR VkResult VKAPI_CALL SetDebugUtilsObjectTagEXT(VkDevice device, const VkDebugUtilsObjectTagInfoEXT* pTagInfo)
{
    if (isOwnHandle(pTagInfo->objectType))
        return VK_SUCCESS;
    return Device::find(device)->next().SetDebugUtilsObjectTagEXT(device, pTagInfo);
}

bool isOwnReportHandle(VkDebugReportObjectTypeEXT type)
{
    return type == VK_DEBUG_REPORT_OBJECT_TYPE_SWAPCHAIN_KHR_EXT ||
           type == VK_DEBUG_REPORT_OBJECT_TYPE_SURFACE_KHR_EXT || type == VK_DEBUG_REPORT_OBJECT_TYPE_DISPLAY_KHR_EXT ||
           type == VK_DEBUG_REPORT_OBJECT_TYPE_DISPLAY_MODE_KHR_EXT;
}

VKAPI_ATTR VkResult VKAPI_CALL DebugMarkerSetObjectNameEXT(VkDevice device,
                                                           const VkDebugMarkerObjectNameInfoEXT* pNameInfo)
{
    if (isOwnReportHandle(pNameInfo->objectType))
        return VK_SUCCESS;
    return Device::find(device)->next().DebugMarkerSetObjectNameEXT(device, pNameInfo);
}

VKAPI_ATTR VkResult VKAPI_CALL DebugMarkerSetObjectTagEXT(VkDevice device,
                                                          const VkDebugMarkerObjectTagInfoEXT* pTagInfo)
{
    if (isOwnReportHandle(pTagInfo->objectType))
        return VK_SUCCESS;
    return Device::find(device)->next().DebugMarkerSetObjectTagEXT(device, pTagInfo);
}

} // namespace

std::span<const Hook> objectHooks()
{
    constexpr Extension none = Extension::None;
    static const Hook hooks[] = {
        VWSI_HOOK(CreateSemaphore, HookLevel::Device),
        VWSI_HOOK(DestroySemaphore, HookLevel::Device),
        VWSI_HOOK(ImportSemaphoreFdKHR, HookLevel::Device, none, true),
        VWSI_HOOK(CreateImage, HookLevel::Device),
        VWSI_HOOK(BindImageMemory2, HookLevel::Device, none, true),
        VWSI_HOOK(BindImageMemory2KHR, HookLevel::Device, none, true),
        VWSI_HOOK(SetPrivateData, HookLevel::Device, none, true),
        VWSI_HOOK(SetPrivateDataEXT, HookLevel::Device, none, true),
        VWSI_HOOK(GetPrivateData, HookLevel::Device, none, true),
        VWSI_HOOK(GetPrivateDataEXT, HookLevel::Device, none, true),
        VWSI_HOOK(DestroyPrivateDataSlot, HookLevel::Device, none, true),
        VWSI_HOOK(DestroyPrivateDataSlotEXT, HookLevel::Device, none, true),
        VWSI_HOOK(SetDebugUtilsObjectNameEXT, HookLevel::Device, none, true),
        VWSI_HOOK(SetDebugUtilsObjectTagEXT, HookLevel::Device, none, true),
        VWSI_HOOK(DebugMarkerSetObjectNameEXT, HookLevel::Device, none, true),
        VWSI_HOOK(DebugMarkerSetObjectTagEXT, HookLevel::Device, none, true),
    };
    return hooks;
}

} // namespace vwsi
