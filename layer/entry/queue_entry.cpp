#include "core/device.h"
#include "core/queue.h"
#include "entry/hooks.h"

namespace vwsi {

namespace {

Queue& queueOf(VkQueue handle)
{
    return *Device::find(handle)->queue(handle);
}

VKAPI_ATTR VkResult VKAPI_CALL QueueSubmit(VkQueue queue, uint32_t submitCount, const VkSubmitInfo* pSubmits,
                                           VkFence fence)
{
    return queueOf(queue).submit(submitCount, pSubmits, fence);
}

VKAPI_ATTR VkResult VKAPI_CALL QueueSubmit2(VkQueue queue, uint32_t submitCount, const VkSubmitInfo2* pSubmits,
                                            VkFence fence)
{
    return queueOf(queue).submit2(submitCount, pSubmits, fence);
}

constexpr auto QueueSubmit2KHR = &QueueSubmit2;

VKAPI_ATTR VkResult VKAPI_CALL QueueBindSparse(VkQueue queue, uint32_t bindInfoCount, const VkBindSparseInfo* pBindInfo,
                                               VkFence fence)
{
    return queueOf(queue).bindSparse(bindInfoCount, pBindInfo, fence);
}

VKAPI_ATTR VkResult VKAPI_CALL QueueWaitIdle(VkQueue queue)
{
    return guarded([&] { return queueOf(queue).waitIdle(); });
}

// The layer submits on other threads than the application's, too.
VKAPI_ATTR void VKAPI_CALL QueueBeginDebugUtilsLabelEXT(VkQueue queue, const VkDebugUtilsLabelEXT* pLabelInfo)
{
    const std::lock_guard lock(queueOf(queue).mutex());
    Device::find(queue)->next().QueueBeginDebugUtilsLabelEXT(queue, pLabelInfo);
}

VKAPI_ATTR void VKAPI_CALL QueueEndDebugUtilsLabelEXT(VkQueue queue)
{
    const std::lock_guard lock(queueOf(queue).mutex());
    Device::find(queue)->next().QueueEndDebugUtilsLabelEXT(queue);
}

VKAPI_ATTR void VKAPI_CALL QueueInsertDebugUtilsLabelEXT(VkQueue queue, const VkDebugUtilsLabelEXT* pLabelInfo)
{
    const std::lock_guard lock(queueOf(queue).mutex());
    Device::find(queue)->next().QueueInsertDebugUtilsLabelEXT(queue, pLabelInfo);
}

VKAPI_ATTR VkResult VKAPI_CALL QueuePresentKHR(VkQueue queue, const VkPresentInfoKHR* pPresentInfo)
{
    return guarded([&] { return queueOf(queue).present(*pPresentInfo); });
}

} // namespace

std::span<const Hook> queueHooks()
{
    static const Hook hooks[] = {
        VWSI_HOOK(QueueSubmit, HookLevel::Device),
        VWSI_HOOK(QueueSubmit2, HookLevel::Device, Extension::None, true),
        VWSI_HOOK(QueueSubmit2KHR, HookLevel::Device, Extension::None, true),
        VWSI_HOOK(QueueBindSparse, HookLevel::Device, Extension::None, true),
        VWSI_HOOK(QueueWaitIdle, HookLevel::Device),
        VWSI_HOOK(QueueBeginDebugUtilsLabelEXT, HookLevel::Device, Extension::None, true),
        VWSI_HOOK(QueueEndDebugUtilsLabelEXT, HookLevel::Device, Extension::None, true),
        VWSI_HOOK(QueueInsertDebugUtilsLabelEXT, HookLevel::Device, Extension::None, true),
        VWSI_HOOK(QueuePresentKHR, HookLevel::Device, Extension::KhrSwapchain),
    };
    return hooks;
}

} // namespace vwsi
