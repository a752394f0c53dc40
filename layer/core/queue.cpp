#include "core/queue.h"

#include "core/device.h"
#include "core/log.h"
#include "core/scratch_arena.h"
#include "core/struct_chain.h"
#include "swapchain/swapchain.h"

#include <algorithm>

namespace vwsi {

namespace {

uint32_t waitCount(const VkSubmitInfo& batch)
{
    return batch.waitSemaphoreCount;
}

uint32_t waitCount(const VkSubmitInfo2& batch)
{
    return batch.waitSemaphoreInfoCount;
}

uint32_t waitCount(const VkBindSparseInfo& batch)
{
    return batch.waitSemaphoreCount;
}

VkSemaphore waitAt(const VkSubmitInfo& batch, uint32_t i)
{
    return batch.pWaitSemaphores[i];
}

VkSemaphore waitAt(const VkSubmitInfo2& batch, uint32_t i)
{
    return batch.pWaitSemaphoreInfos[i].semaphore;
}

VkSemaphore waitAt(const VkBindSparseInfo& batch, uint32_t i)
{
    return batch.pWaitSemaphores[i];
}

/// Semaphores struck from one call. They are given back unless the driver has taken the call, which may be repeated
/// otherwise.
class StruckWaits {
public:
    explicit StruckWaits(AcquireLedger& ledger) : m_ledger(ledger) {}
    ~StruckWaits()
    {
        for (uint32_t i = 0; i < m_count; ++i)
            m_ledger.record(m_struck[i]);
    }
    StruckWaits(const StruckWaits&) = delete;
    StruckWaits& operator=(const StruckWaits&) = delete;

    bool strike(VkSemaphore semaphore)
    {
        if (m_count == std::size(m_struck) || !m_ledger.strike(semaphore))
            return false;
        m_struck[m_count++] = semaphore;
        return true;
    }

    /// Marks which waits of a batch are struck; null when none is.
    template <typename Batch> const bool* mark(ScratchArena& arena, const Batch& batch)
    {
        const uint32_t count = waitCount(batch);
        bool* dropped = nullptr;
        for (uint32_t i = 0; i < count; ++i) {
            if (!strike(waitAt(batch, i)))
                continue;
            if (!dropped) {
                dropped = arena.array<bool>(count);
                if (!dropped) {
                    m_incomplete = true;
                    return nullptr;
                }
                std::fill_n(dropped, count, false);
            }
            dropped[i] = true;
        }
        return dropped;
    }

    /// Memory ran out, so that the struck waits could not be taken out of their batch.
    bool incomplete() const { return m_incomplete; }
    const VkSemaphore* semaphores() const { return m_struck; }
    uint32_t count() const { return m_count; }

    void commit() { m_count = 0; }

private:
    AcquireLedger& m_ledger;
    VkSemaphore m_struck[64];
    uint32_t m_count = 0;
    bool m_incomplete = false;
};

/// Copy of an array that runs parallel to the waits, without the dropped elements. Null stays null.
template <typename T> bool compact(ScratchArena& arena, const T*& elements, uint32_t count, const bool* dropped)
{
    if (!elements)
        return true;
    T* const kept = arena.array<T>(count);
    if (!kept)
        return false;
    uint32_t used = 0;
    for (uint32_t i = 0; i < count; ++i) {
        if (!dropped[i])
            kept[used++] = elements[i];
    }
    elements = kept;
    return true;
}

uint32_t keptCount(uint32_t count, const bool* dropped)
{
    return count - static_cast<uint32_t>(std::count(dropped, dropped + count, true));
}

/// Compacts the arrays of the pNext chain that run parallel to the waits of a batch.
bool compactChain(ScratchArena& arena, const void*& chain, uint32_t count, const bool* dropped)
{
    bool enough = true;
    const RewrittenChain rewritten = rewriteChain(
        arena, chain,
        [](VkStructureType type) {
            return type == VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO ||
                   type == VK_STRUCTURE_TYPE_DEVICE_GROUP_SUBMIT_INFO;
        },
        [&](VkBaseOutStructure* copy) {
            // A count of zero stands for "no wait has one"; then there is nothing to compact.
            if (copy->sType == VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO) {
                auto* const values = reinterpret_cast<VkTimelineSemaphoreSubmitInfo*>(copy);
                if (values->waitSemaphoreValueCount == count) {
                    enough &= compact(arena, values->pWaitSemaphoreValues, count, dropped);
                    values->waitSemaphoreValueCount = keptCount(count, dropped);
                }
            } else {
                auto* const group = reinterpret_cast<VkDeviceGroupSubmitInfo*>(copy);
                if (group->waitSemaphoreCount == count) {
                    enough &= compact(arena, group->pWaitSemaphoreDeviceIndices, count, dropped);
                    group->waitSemaphoreCount = keptCount(count, dropped);
                }
            }
            return true;
        });
    chain = rewritten.chain;
    return enough && rewritten.complete;
}

bool dropWaits(ScratchArena& arena, VkSubmitInfo& submit, StruckWaits& struck)
{
    const uint32_t count = submit.waitSemaphoreCount;
    const bool* const dropped = struck.mark(arena, submit);
    if (!dropped)
        return !struck.incomplete();
    const bool enough = compact(arena, submit.pWaitSemaphores, count, dropped) &&
                        compact(arena, submit.pWaitDstStageMask, count, dropped) &&
                        compactChain(arena, submit.pNext, count, dropped);
    submit.waitSemaphoreCount = keptCount(count, dropped);
    return enough;
}

bool dropWaits(ScratchArena& arena, VkSubmitInfo2& submit, StruckWaits& struck)
{
    const uint32_t count = submit.waitSemaphoreInfoCount;
    const bool* const dropped = struck.mark(arena, submit);
    if (!dropped)
        return !struck.incomplete();
    submit.waitSemaphoreInfoCount = keptCount(count, dropped);
    return compact(arena, submit.pWaitSemaphoreInfos, count, dropped);
}

bool dropWaits(ScratchArena& arena, VkBindSparseInfo& bind, StruckWaits& struck)
{
    const uint32_t count = bind.waitSemaphoreCount;
    const bool* const dropped = struck.mark(arena, bind);
    if (!dropped)
        return !struck.incomplete();
    bind.waitSemaphoreCount = keptCount(count, dropped);
    return compact(arena, bind.pWaitSemaphores, count, dropped) && compactChain(arena, bind.pNext, count, dropped);
}

/// Signals the struck semaphores for real, for the case that the batches cannot be rewritten.
VkResult makeReal(Device& device, VkQueue queue, const StruckWaits& struck)
{
    const VkSubmitInfo submit{
        VK_STRUCTURE_TYPE_SUBMIT_INFO, nullptr, 0, nullptr, nullptr, 0, nullptr, struck.count(), struck.semaphores()};
    return device.next().QueueSubmit(queue, 1, &submit, VK_NULL_HANDLE);
}

/// Passes batches down without the waits that an acquire has satisfied.
template <typename Batch, typename Pass>
VkResult submitStruck(Device& device, VkQueue queue, uint32_t count, const Batch* batches, Pass&& pass)
{
    if (count == 0 || device.ledger().empty())
        return pass(batches);

    ScratchArena arena;
    StruckWaits struck(device.ledger());
    Batch* const rewritten = arena.copy(batches, count);
    bool complete = rewritten != nullptr;
    for (uint32_t i = 0; complete && i < count; ++i)
        complete = dropWaits(arena, rewritten[i], struck);

    VkResult result = VK_SUCCESS;
    if (complete) {
        result = pass(struck.count() > 0 ? static_cast<const Batch*>(rewritten) : batches);
    } else {
        for (uint32_t i = 0; i < count; ++i) {
            for (uint32_t wait = 0; wait < waitCount(batches[i]); ++wait)
                struck.strike(waitAt(batches[i], wait));
        }
        result = makeReal(device, queue, struck);
        if (result == VK_SUCCESS) {
            struck.commit();
            return pass(batches);
        }
    }
    if (result == VK_SUCCESS)
        struck.commit();
    return result;
}

/// How bad a result is, for the one result of a present of several swapchains.
int severity(VkResult result)
{
    switch (result) {
    case VK_SUCCESS:
        return 0;
    case VK_SUBOPTIMAL_KHR:
        return 1;
#ifdef VK_EXT_present_timing
    case VK_ERROR_PRESENT_TIMING_QUEUE_FULL_EXT:
        return 2;
#endif
    case VK_ERROR_OUT_OF_DATE_KHR:
        return 3;
    case VK_ERROR_SURFACE_LOST_KHR:
        return 4;
    case VK_ERROR_DEVICE_LOST:
        return 6;
    default:
        return 5;
    }
}

} // namespace

Queue::Queue(Device& device, VkQueue handle, uint32_t family) : m_device(device), m_handle(handle), m_family(family) {}

VkResult Queue::submit(uint32_t count, const VkSubmitInfo* submits, VkFence fence)
{
    m_device.sending();
    const std::lock_guard lock(m_mutex);
    return m_device.noted(submitStruck(m_device, m_handle, count, submits, [&](const VkSubmitInfo* batches) {
        return m_device.next().QueueSubmit(m_handle, count, batches, fence);
    }));
}

VkResult Queue::submit2(uint32_t count, const VkSubmitInfo2* submits, VkFence fence)
{
    m_device.sending();
    const std::lock_guard lock(m_mutex);
    return m_device.noted(submitStruck(m_device, m_handle, count, submits, [&](const VkSubmitInfo2* batches) {
        return m_device.next().QueueSubmit2(m_handle, count, batches, fence);
    }));
}

VkResult Queue::bindSparse(uint32_t count, const VkBindSparseInfo* binds, VkFence fence)
{
    m_device.sending();
    const std::lock_guard lock(m_mutex);
    return m_device.noted(submitStruck(m_device, m_handle, count, binds, [&](const VkBindSparseInfo* batches) {
        return m_device.next().QueueBindSparse(m_handle, count, batches, fence);
    }));
}

VkResult Queue::waitIdle()
{
    m_device.sending();
    SubmissionFence* fence = nullptr;
    const VkResult result = submitMark(&fence);
    return result == VK_SUCCESS ? m_device.awaitMark(fence) : result;
}

VkResult Queue::submitMark(SubmissionFence** fence)
{
    if (const VkResult result = m_device.fences().take(1, fence); result != VK_SUCCESS)
        return result;
    const std::lock_guard lock(m_mutex);
    const VkResult result = m_device.noted(m_device.next().QueueSubmit(m_handle, 0, nullptr, (*fence)->fence));
    (*fence)->submitted = result == VK_SUCCESS;
    if (result != VK_SUCCESS)
        m_device.fences().drop(*fence);
    return result;
}

VkResult Queue::signal(VkSemaphore semaphore, VkFence fence, Locking locking)
{
    std::unique_lock lock(m_mutex, std::try_to_lock);
    if (!lock && locking == Locking::Try)
        return VK_NOT_READY;
    if (!lock)
        lock.lock();
    const VkSubmitInfo submit{VK_STRUCTURE_TYPE_SUBMIT_INFO, nullptr,   0, nullptr, nullptr, 0, nullptr,
                              semaphore ? 1u : 0u,           &semaphore};
    return m_device.noted(
        m_device.next().QueueSubmit(m_handle, semaphore ? 1 : 0, semaphore ? &submit : nullptr, fence));
}

VkResult Queue::trySubmit(VkCommandBuffer command, VkFence fence)
{
    const std::unique_lock lock(m_mutex, std::try_to_lock);
    if (!lock)
        return VK_NOT_READY;
    const VkSubmitInfo submit{VK_STRUCTURE_TYPE_SUBMIT_INFO, nullptr, 0, nullptr, nullptr, 1, &command, 0, nullptr};
    return m_device.noted(m_device.next().QueueSubmit(m_handle, 1, &submit, fence));
}

VkResult Queue::present(const VkPresentInfoKHR& info)
{
    const uint32_t count = info.swapchainCount;
    ScratchArena arena;
    auto* const requests = arena.array<PresentRequest>(count);
    auto* const commands = arena.array<VkCommandBuffer>(count);
    auto* const results = arena.array<VkResult>(count);
    auto* const stages = arena.array<VkPipelineStageFlags>(info.waitSemaphoreCount);
    if (!requests || !commands || !results || !stages)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    std::fill_n(stages, info.waitSemaphoreCount, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT);

    m_device.sending();
    const std::lock_guard lock(m_mutex);

    VkSubmitInfo submit{VK_STRUCTURE_TYPE_SUBMIT_INFO,
                        nullptr,
                        info.waitSemaphoreCount,
                        info.pWaitSemaphores,
                        stages,
                        0,
                        commands,
                        0,
                        nullptr};
    StruckWaits struck(m_device.ledger());
    if (!dropWaits(arena, submit, struck))
        return VK_ERROR_OUT_OF_HOST_MEMORY;

    for (uint32_t i = 0; i < count; ++i) {
        VkCommandBuffer command = VK_NULL_HANDLE;
        new (&requests[i]) PresentRequest(PresentRequest::of(m_device, info, i));
        results[i] = Swapchain::of(info.pSwapchains[i])->preparePresent(requests[i], *this, &command);
        if (results[i] >= 0 && command)
            commands[submit.commandBufferCount++] = command;
        // Such a call has changed nothing and may be repeated (spec, vkQueuePresentKHR).
        if (results[i] == VK_ERROR_OUT_OF_HOST_MEMORY || results[i] == VK_ERROR_OUT_OF_DEVICE_MEMORY) {
            std::fill_n(info.pResults, info.pResults ? count : 0, results[i]);
            return results[i];
        }
    }

    // Also where no frame goes out, the waits have to be consumed.
    VkResult result = VK_SUCCESS;
    SubmissionFence* fence = nullptr;
    const uint32_t users = submit.commandBufferCount;
    if (users > 0)
        result = m_device.fences().take(users, &fence);
    if (result == VK_SUCCESS && (users > 0 || submit.waitSemaphoreCount > 0))
        result = m_device.next().QueueSubmit(m_handle, 1, &submit, fence ? fence->fence : VK_NULL_HANDLE);
    if (result != VK_SUCCESS) {
        for (uint32_t i = 0; i < users && fence; ++i)
            m_device.fences().drop(fence);
        m_device.noted(result);
        for (uint32_t i = 0; i < count && info.pResults; ++i)
            info.pResults[i] = result;
        return result;
    }
    struck.commit();
    if (fence)
        fence->submitted = true;

    for (uint32_t i = 0; i < count; ++i) {
        Swapchain& swapchain = *Swapchain::of(info.pSwapchains[i]);
        if (results[i] >= 0)
            results[i] = swapchain.enqueue(requests[i], fence);
        else
            swapchain.rejectPresent(info.pImageIndices[i], results[i]);
        // A present fence tells that the wait semaphores may be used again; it follows the submission on this queue.
        const VkFence* const presentFence = requests[i].fence;
        if (presentFence && *presentFence) {
            // The frame is out, so that the call cannot be repeated.
            if (m_device.next().QueueSubmit(m_handle, 0, nullptr, *presentFence) != VK_SUCCESS) {
                m_device.setLost();
                results[i] = VK_ERROR_DEVICE_LOST;
            }
        }
        if (info.pResults)
            info.pResults[i] = results[i];
        if (severity(results[i]) > severity(result))
            result = results[i];
    }
    return result;
}

} // namespace vwsi
