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

void addWait(Call& call, Submission& submission, const SemaphoreUse& use)
{
    auto* const semaphore = call.get<Semaphore>(use.semaphore);
    if (!semaphore)
        return;
    if (!semaphore->timeline) {
        // VUID-vkQueueSubmit-pWaitSemaphores-03238: something must have been submitted that signals it.
        const int available = (semaphore->signalled ? 1 : 0) + semaphore->pendingSignals - semaphore->pendingWaits;
        if (available < 1)
            call.error("host stuck: waits for binary semaphore %#llx, which nothing signals",
                       static_cast<unsigned long long>(semaphore->handle));
        ++semaphore->pendingWaits;
    }
    submission.waits.emplace_back(semaphore, use.value);
}

void addSignal(Call& call, Submission& submission, const SemaphoreUse& use)
{
    auto* const semaphore = call.get<Semaphore>(use.semaphore);
    if (!semaphore)
        return;
    if (!semaphore->timeline) {
        const int available = (semaphore->signalled ? 1 : 0) + semaphore->pendingSignals - semaphore->pendingWaits;
        if (available > 0)
            call.error("signals binary semaphore %#llx, which is signalled already",
                       static_cast<unsigned long long>(semaphore->handle));
        ++semaphore->pendingSignals;
    } else if (use.value <= semaphore->value) {
        call.error("signals a timeline semaphore with a value that is not greater than its own");
    }
    submission.signals.emplace_back(semaphore, use.value);
}

void addCommandBuffer(Call& call, Submission& submission, VkCommandBuffer handle)
{
    const auto found = call.world.commandBuffers.find(handle);
    if (found == call.world.commandBuffers.end() || !found->second->alive) {
        call.error("a command buffer that does not exist");
        return;
    }
    CommandBuffer* const buffer = found->second.get();
    if (buffer->device != call.device)
        call.error("a command buffer of another device");
    if (buffer->pool->family != call.queue->family)
        call.error("a command buffer of another queue family");
    if (buffer->state != CommandBuffer::State::Executable)
        call.error("a command buffer that is not executable");
    if (buffer->pending && !(buffer->usage & VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT))
        call.error("a command buffer that is pending already");
    if (buffer->dispatch != call.device->dispatch)
        call.error("a command buffer without the loader's dispatch pointer");
    ++buffer->pending;
    submission.commandBuffers.push_back(buffer);
}

Submission& enqueue(Call& call, const BatchRecord& batch)
{
    Submission submission;
    submission.queue = call.queue;
    for (const SemaphoreUse& use : batch.waits)
        addWait(call, submission, use);
    for (VkCommandBuffer buffer : batch.commandBuffers)
        addCommandBuffer(call, submission, buffer);
    for (const SemaphoreUse& use : batch.signals)
        addSignal(call, submission, use);
    return call.world.pending.emplace_back(std::move(submission));
}

void attachFence(Call& call, VkFence handle, size_t batches)
{
    auto* const fence = call.get<Fence>(handle);
    if (!fence)
        return;
    if (fence->pending || fence->signalled)
        call.error(fence->pending ? "a fence that is in use" : "a fence that is signalled");
    fence->pending = true;
    if (batches == 0) {
        Submission& only = call.world.pending.emplace_back();
        only.queue = call.queue;
    }
    call.world.pending.back().fence = fence;
}

VkResult finish(Call& call, const char* name, std::vector<BatchRecord> batches, VkFence fence)
{
    SubmitRecord record;
    record.call = name;
    record.queue = reinterpret_cast<VkQueue>(call.queue);
    record.batches = batches;
    record.fence = fence;
    call.world.submits.push_back(std::move(record));
    if (call.fails())
        return call.result();
    for (const BatchRecord& batch : batches)
        enqueue(call, batch);
    attachFence(call, fence, batches.size());
    call.world.pump();
    return VK_SUCCESS;
}

BatchRecord parse(Call& call, const VkSubmitInfo& info)
{
    BatchRecord batch;
    call.chain(info.pNext);
    batch.chain = chainTypes(info.pNext);
    const auto* timeline =
        in<VkTimelineSemaphoreSubmitInfo>(info.pNext, VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO);
    const auto* group = in<VkDeviceGroupSubmitInfo>(info.pNext, VK_STRUCTURE_TYPE_DEVICE_GROUP_SUBMIT_INFO);
    const auto isTimeline = [&](VkSemaphore handle) {
        const auto* semaphore = call.get<Semaphore>(handle);
        return semaphore && semaphore->timeline;
    };
    if (group) {
        if (group->waitSemaphoreCount != info.waitSemaphoreCount ||
            group->signalSemaphoreCount != info.signalSemaphoreCount ||
            group->commandBufferCount != info.commandBufferCount)
            call.error("VkDeviceGroupSubmitInfo's counts are not the batch's");
    }
    for (uint32_t i = 0; i < info.waitSemaphoreCount; ++i) {
        SemaphoreUse use{info.pWaitSemaphores[i], 0, info.pWaitDstStageMask[i], 0};
        if (use.stages == 0)
            call.error("an empty pWaitDstStageMask");
        if (group && i < group->waitSemaphoreCount)
            use.deviceIndex = group->pWaitSemaphoreDeviceIndices[i];
        if (isTimeline(use.semaphore)) {
            if (!timeline || timeline->waitSemaphoreValueCount != info.waitSemaphoreCount)
                call.error("a timeline wait, but waitSemaphoreValueCount is not waitSemaphoreCount");
            else
                use.value = timeline->pWaitSemaphoreValues[i];
        }
        batch.waits.push_back(use);
    }
    for (uint32_t i = 0; i < info.signalSemaphoreCount; ++i) {
        SemaphoreUse use{info.pSignalSemaphores[i], 0, 0, 0};
        if (group && i < group->signalSemaphoreCount)
            use.deviceIndex = group->pSignalSemaphoreDeviceIndices[i];
        if (isTimeline(use.semaphore)) {
            if (!timeline || timeline->signalSemaphoreValueCount != info.signalSemaphoreCount)
                call.error("a timeline signal, but signalSemaphoreValueCount is not signalSemaphoreCount");
            else
                use.value = timeline->pSignalSemaphoreValues[i];
        }
        batch.signals.push_back(use);
    }
    batch.commandBuffers.assign(info.pCommandBuffers, info.pCommandBuffers + info.commandBufferCount);
    return batch;
}

BatchRecord parse(Call& call, const VkSubmitInfo2& info)
{
    BatchRecord batch;
    call.chain(info.pNext);
    batch.chain = chainTypes(info.pNext);
    const auto convert = [&](const VkSemaphoreSubmitInfo& s) {
        call.chain(s.pNext);
        return SemaphoreUse{s.semaphore, s.value, s.stageMask, s.deviceIndex};
    };
    for (uint32_t i = 0; i < info.waitSemaphoreInfoCount; ++i)
        batch.waits.push_back(convert(info.pWaitSemaphoreInfos[i]));
    for (uint32_t i = 0; i < info.signalSemaphoreInfoCount; ++i)
        batch.signals.push_back(convert(info.pSignalSemaphoreInfos[i]));
    for (uint32_t i = 0; i < info.commandBufferInfoCount; ++i)
        batch.commandBuffers.push_back(info.pCommandBufferInfos[i].commandBuffer);
    return batch;
}

BatchRecord parse(Call& call, const VkBindSparseInfo& info)
{
    BatchRecord batch;
    call.chain(info.pNext);
    batch.chain = chainTypes(info.pNext);
    const auto* timeline =
        in<VkTimelineSemaphoreSubmitInfo>(info.pNext, VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO);
    for (uint32_t i = 0; i < info.waitSemaphoreCount; ++i) {
        SemaphoreUse use{info.pWaitSemaphores[i], 0, 0, 0};
        const auto* semaphore = call.get<Semaphore>(use.semaphore);
        if (semaphore && semaphore->timeline) {
            if (!timeline || timeline->waitSemaphoreValueCount != info.waitSemaphoreCount)
                call.error("a timeline wait, but waitSemaphoreValueCount is not waitSemaphoreCount");
            else
                use.value = timeline->pWaitSemaphoreValues[i];
        }
        batch.waits.push_back(use);
    }
    for (uint32_t i = 0; i < info.signalSemaphoreCount; ++i) {
        SemaphoreUse use{info.pSignalSemaphores[i], 0, 0, 0};
        if (timeline && i < timeline->signalSemaphoreValueCount)
            use.value = timeline->pSignalSemaphoreValues[i];
        batch.signals.push_back(use);
    }
    batch.binds = info.bufferBindCount + info.imageOpaqueBindCount + info.imageBindCount;
    return batch;
}

template <typename Info>
VkResult submit(const char* name, VkQueue handle, uint32_t count, const Info* infos, VkFence fence)
{
    const ExternallySynchronized guard(name, "VkQueue", &reinterpret_cast<Queue*>(handle)->occupancy);
    Call call(name, handle);
    if (!call.queue)
        return VK_ERROR_DEVICE_LOST;
    std::vector<BatchRecord> batches;
    for (uint32_t i = 0; i < count; ++i)
        batches.push_back(parse(call, infos[i]));
    return finish(call, name, std::move(batches), fence);
}

} // namespace

namespace entry {

VkResult QueueSubmit(VkQueue queue, uint32_t count, const VkSubmitInfo* infos, VkFence fence)
{
    return submit("vkQueueSubmit", queue, count, infos, fence);
}

VkResult QueueSubmit2(VkQueue queue, uint32_t count, const VkSubmitInfo2* infos, VkFence fence)
{
    const Device* device = reinterpret_cast<Queue*>(queue)->device;
    if (!device->synchronization2) {
        Call call("vkQueueSubmit2", queue);
        call.error("the feature synchronization2 is not enabled");
    }
    return submit("vkQueueSubmit2", queue, count, infos, fence);
}

VkResult QueueBindSparse(VkQueue queue, uint32_t count, const VkBindSparseInfo* infos, VkFence fence)
{
    return submit("vkQueueBindSparse", queue, count, infos, fence);
}

} // namespace entry

} // namespace vwsi::mock
