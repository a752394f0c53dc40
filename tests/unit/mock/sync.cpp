#include "mock/call.h"
#include "mock/entries.h"

#include <algorithm>

namespace vwsi::mock {

namespace {

template <typename Struct> const Struct* in(const void* chain, VkStructureType type)
{
    for (auto* entry = static_cast<const VkBaseInStructure*>(chain); entry; entry = entry->pNext) {
        if (entry->sType == type)
            return reinterpret_cast<const Struct*>(entry);
    }
    return nullptr;
}

/// Waits until `done` or for `timeout` nanoseconds; the test process gives up on what would wait for ever.
template <typename Done> VkResult waitUntil(Call& call, uint64_t timeout, Done&& done)
{
    constexpr uint64_t patience = 20'000'000'000;
    const auto limit = std::chrono::nanoseconds(std::min(timeout, patience));
    const bool met = call.world.changed.wait_for(call.lock, limit, [&] { return call.world.lost || done(); });
    if (call.world.lost)
        return VK_ERROR_DEVICE_LOST;
    if (!met && timeout > patience)
        call.error("waits for ever");
    return met ? VK_SUCCESS : VK_TIMEOUT;
}

VkResult noDescriptor(Call& call)
{
    // What a host without sync_fd cannot do; a layer that asks for it hangs the guest.
    call.error("a sync_fd is asked of a host that has none");
    return VK_ERROR_INVALID_EXTERNAL_HANDLE;
}

} // namespace

namespace entry {

VkResult CreateFence(VkDevice handle, const VkFenceCreateInfo* info, const VkAllocationCallbacks* allocator,
                     VkFence* fenceHandle)
{
    Call call("vkCreateFence", handle);
    call.chain(info->pNext);
    if (call.fails())
        return call.result();
    auto* const fence = call.create<Fence>("VkFence", allocator, fenceHandle);
    if (!fence)
        return call.result();
    fence->signalled = info->flags & VK_FENCE_CREATE_SIGNALED_BIT;
    return VK_SUCCESS;
}

void DestroyFence(VkDevice handle, VkFence fence, const VkAllocationCallbacks* allocator)
{
    if (fence)
        Call("vkDestroyFence", handle).destroy(fence, allocator);
}

VkResult ResetFences(VkDevice handle, uint32_t count, const VkFence* fences)
{
    Call call("vkResetFences", handle);
    if (call.fails())
        return call.result();
    for (uint32_t i = 0; i < count; ++i) {
        auto* const fence = call.get<Fence>(fences[i]);
        if (!fence)
            continue;
        if (fence->pending)
            call.error("a fence that a submission is to signal");
        fence->signalled = false;
    }
    return VK_SUCCESS;
}

VkResult GetFenceStatus(VkDevice handle, VkFence fenceHandle)
{
    Call call("vkGetFenceStatus", handle);
    if (call.fails())
        return call.result();
    const auto* fence = call.get<Fence>(fenceHandle);
    return fence && fence->signalled ? VK_SUCCESS : VK_NOT_READY;
}

VkResult WaitForFences(VkDevice handle, uint32_t count, const VkFence* fences, VkBool32 all, uint64_t timeout)
{
    Call call("vkWaitForFences", handle);
    if (call.fails())
        return call.result();
    std::vector<Fence*> list;
    for (uint32_t i = 0; i < count; ++i) {
        if (auto* fence = call.get<Fence>(fences[i]))
            list.push_back(fence);
    }
    const auto signalled = [](const Fence* fence) { return fence->signalled; };
    return waitUntil(call, timeout, [&] {
        return all ? std::all_of(list.begin(), list.end(), signalled)
                   : std::any_of(list.begin(), list.end(), signalled);
    });
}

VkResult CreateSemaphore(VkDevice handle, const VkSemaphoreCreateInfo* info, const VkAllocationCallbacks* allocator,
                         VkSemaphore* semaphoreHandle)
{
    Call call("vkCreateSemaphore", handle);
    call.chain(info->pNext);
    if (call.fails())
        return call.result();
    auto* const semaphore = call.create<Semaphore>("VkSemaphore", allocator, semaphoreHandle);
    if (!semaphore)
        return call.result();
    if (const auto* type = in<VkSemaphoreTypeCreateInfo>(info->pNext, VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO)) {
        semaphore->timeline = type->semaphoreType == VK_SEMAPHORE_TYPE_TIMELINE;
        semaphore->value = type->initialValue;
    }
    const auto* external = in<VkExportSemaphoreCreateInfo>(info->pNext, VK_STRUCTURE_TYPE_EXPORT_SEMAPHORE_CREATE_INFO);
    semaphore->exportable = external && external->handleTypes;
    return VK_SUCCESS;
}

void DestroySemaphore(VkDevice handle, VkSemaphore semaphore, const VkAllocationCallbacks* allocator)
{
    if (semaphore)
        Call("vkDestroySemaphore", handle).destroy(semaphore, allocator);
}

VkResult GetSemaphoreCounterValue(VkDevice handle, VkSemaphore semaphoreHandle, uint64_t* value)
{
    Call call("vkGetSemaphoreCounterValue", handle);
    const auto* semaphore = call.get<Semaphore>(semaphoreHandle);
    if (semaphore && !semaphore->timeline)
        call.error("not a timeline semaphore");
    *value = semaphore ? semaphore->value : 0;
    return call.fails() ? call.result() : VK_SUCCESS;
}

VkResult WaitSemaphores(VkDevice handle, const VkSemaphoreWaitInfo* info, uint64_t timeout)
{
    Call call("vkWaitSemaphores", handle);
    if (call.fails())
        return call.result();
    return waitUntil(call, timeout, [&] {
        uint32_t met = 0;
        for (uint32_t i = 0; i < info->semaphoreCount; ++i) {
            const auto* semaphore = call.get<Semaphore>(info->pSemaphores[i]);
            met += semaphore && semaphore->value >= info->pValues[i] ? 1 : 0;
        }
        return info->flags & VK_SEMAPHORE_WAIT_ANY_BIT ? met > 0 : met == info->semaphoreCount;
    });
}

VkResult SignalSemaphore(VkDevice handle, const VkSemaphoreSignalInfo* info)
{
    Call call("vkSignalSemaphore", handle);
    if (call.fails())
        return call.result();
    if (auto* semaphore = call.get<Semaphore>(info->semaphore))
        semaphore->value = info->value;
    call.world.pump();
    return VK_SUCCESS;
}

VkResult ImportSemaphoreFdKHR(VkDevice handle, const VkImportSemaphoreFdInfoKHR* info)
{
    Call call("vkImportSemaphoreFdKHR", handle);
    auto* const semaphore = info->fd == -1 && info->semaphore ? call.get<Semaphore>(info->semaphore) : nullptr;
    if (!semaphore || info->handleType != VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT)
        return noDescriptor(call);
    // No descriptor stands for a payload that is signalled already.
    semaphore->signalled = true;
    return call.fails() ? call.result() : VK_SUCCESS;
}

VkResult GetSemaphoreFdKHR(VkDevice handle, const VkSemaphoreGetFdInfoKHR*, int* fd)
{
    Call call("vkGetSemaphoreFdKHR", handle);
    *fd = -1;
    return noDescriptor(call);
}

VkResult ImportFenceFdKHR(VkDevice handle, const VkImportFenceFdInfoKHR*)
{
    Call call("vkImportFenceFdKHR", handle);
    return noDescriptor(call);
}

VkResult GetFenceFdKHR(VkDevice handle, const VkFenceGetFdInfoKHR*, int* fd)
{
    Call call("vkGetFenceFdKHR", handle);
    *fd = -1;
    return noDescriptor(call);
}

VkResult CreateEvent(VkDevice handle, const VkEventCreateInfo* info, const VkAllocationCallbacks* allocator,
                     VkEvent* event)
{
    Call call("vkCreateEvent", handle);
    call.chain(info->pNext);
    if (call.fails() || !call.create<Event>("VkEvent", allocator, event))
        return call.result();
    return VK_SUCCESS;
}

void DestroyEvent(VkDevice handle, VkEvent event, const VkAllocationCallbacks* allocator)
{
    if (event)
        Call("vkDestroyEvent", handle).destroy(event, allocator);
}

} // namespace entry

} // namespace vwsi::mock
