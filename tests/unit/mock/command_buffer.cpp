#include "mock/call.h"
#include "mock/entries.h"

#include <algorithm>

namespace vwsi::mock {

namespace {

Occupancy* occupancyOf(VkCommandPool handle)
{
    const HeapProbe::Pause pause;
    const std::lock_guard lock(World::current->mutex);
    auto* const pool = dynamic_cast<CommandPool*>(World::current->find(raw(handle)));
    return pool ? &pool->occupancy : nullptr;
}

void checkNotPending(Call& call, const CommandBuffer* buffer)
{
    if (buffer->pending && !call.world.lost)
        call.error("a command buffer that is pending");
}

} // namespace

namespace entry {

VkResult CreateCommandPool(VkDevice handle, const VkCommandPoolCreateInfo* info, const VkAllocationCallbacks* allocator,
                           VkCommandPool* poolHandle)
{
    Call call("vkCreateCommandPool", handle);
    call.chain(info->pNext);
    if (call.fails())
        return call.result();
    auto* const pool = call.create<CommandPool>("VkCommandPool", allocator, poolHandle);
    if (!pool)
        return call.result();
    pool->flags = info->flags;
    pool->family = info->queueFamilyIndex;
    return VK_SUCCESS;
}

void DestroyCommandPool(VkDevice handle, VkCommandPool poolHandle, const VkAllocationCallbacks* allocator)
{
    if (!poolHandle)
        return;
    Call call("vkDestroyCommandPool", handle);
    auto* const pool = call.get<CommandPool>(poolHandle);
    if (!pool)
        return;
    for (CommandBuffer* buffer : pool->buffers) {
        checkNotPending(call, buffer);
        buffer->alive = false;
    }
    call.destroy(poolHandle, allocator);
}

VkResult ResetCommandPool(VkDevice handle, VkCommandPool poolHandle, VkCommandPoolResetFlags)
{
    const ExternallySynchronized guard("vkResetCommandPool", "VkCommandPool", occupancyOf(poolHandle));
    Call call("vkResetCommandPool", handle);
    auto* const pool = call.get<CommandPool>(poolHandle);
    if (!pool || call.fails())
        return call.result();
    for (CommandBuffer* buffer : pool->buffers) {
        checkNotPending(call, buffer);
        buffer->commands.clear();
        buffer->state = CommandBuffer::State::Initial;
    }
    return VK_SUCCESS;
}

VkResult AllocateCommandBuffers(VkDevice handle, const VkCommandBufferAllocateInfo* info, VkCommandBuffer* buffers)
{
    const ExternallySynchronized guard("vkAllocateCommandBuffers", "VkCommandPool", occupancyOf(info->commandPool));
    Call call("vkAllocateCommandBuffers", handle);
    auto* const pool = call.get<CommandPool>(info->commandPool);
    if (!pool || call.fails()) {
        std::fill_n(buffers, info->commandBufferCount, VkCommandBuffer{});
        return pool ? call.result() : VK_ERROR_OUT_OF_HOST_MEMORY;
    }
    for (uint32_t i = 0; i < info->commandBufferCount; ++i) {
        auto buffer = std::make_unique<CommandBuffer>();
        buffer->device = call.device;
        buffer->pool = pool;
        buffer->level = info->level;
        pool->buffers.push_back(buffer.get());
        buffers[i] = reinterpret_cast<VkCommandBuffer>(buffer.get());
        call.world.commandBuffers.emplace(buffer.get(), std::move(buffer));
    }
    return VK_SUCCESS;
}

void FreeCommandBuffers(VkDevice handle, VkCommandPool poolHandle, uint32_t count, const VkCommandBuffer* buffers)
{
    const ExternallySynchronized guard("vkFreeCommandBuffers", "VkCommandPool", occupancyOf(poolHandle));
    Call call("vkFreeCommandBuffers", handle);
    auto* const pool = call.get<CommandPool>(poolHandle);
    for (uint32_t i = 0; i < count; ++i) {
        if (!buffers[i])
            continue;
        const auto found = call.world.commandBuffers.find(buffers[i]);
        if (found == call.world.commandBuffers.end() || !found->second->alive) {
            call.error("a command buffer that does not exist");
            continue;
        }
        checkNotPending(call, found->second.get());
        found->second->alive = false;
        if (pool)
            std::erase(pool->buffers, found->second.get());
    }
}

VkResult BeginCommandBuffer(VkCommandBuffer handle, const VkCommandBufferBeginInfo* info)
{
    Call call("vkBeginCommandBuffer", handle);
    CommandBuffer* const buffer = call.commandBuffer;
    if (!buffer)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    call.chain(info->pNext);
    checkNotPending(call, buffer);
    if (buffer->state == CommandBuffer::State::Recording)
        call.error("it is being recorded already");
    if (buffer->state != CommandBuffer::State::Initial &&
        !(buffer->pool->flags & VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT))
        call.error("an implicit reset, but the pool lacks VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT");
    if (call.fails())
        return call.result();
    buffer->commands.clear();
    buffer->usage = info->flags;
    buffer->state = CommandBuffer::State::Recording;
    return VK_SUCCESS;
}

VkResult EndCommandBuffer(VkCommandBuffer handle)
{
    Call call("vkEndCommandBuffer", handle);
    CommandBuffer* const buffer = call.recording(handle);
    if (!buffer)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    if (call.fails()) {
        buffer->state = CommandBuffer::State::Invalid;
        return call.result();
    }
    buffer->state = CommandBuffer::State::Executable;
    return VK_SUCCESS;
}

VkResult ResetCommandBuffer(VkCommandBuffer handle, VkCommandBufferResetFlags)
{
    Call call("vkResetCommandBuffer", handle);
    CommandBuffer* const buffer = call.commandBuffer;
    if (!buffer)
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    checkNotPending(call, buffer);
    if (!(buffer->pool->flags & VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT))
        call.error("the pool lacks VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT");
    buffer->commands.clear();
    buffer->state = CommandBuffer::State::Initial;
    return call.fails() ? call.result() : VK_SUCCESS;
}

} // namespace entry

} // namespace vwsi::mock
