// VK_KHR_synchronization2 in all its parts, many times over: each submission fills a buffer with its number, passes it
// on through a barrier or an event, and copies it to where the processor reads it; timeline semaphores order
// submissions among themselves and against the processor, which checks every number.
// Usage: mesa_sync2_client [SUBMISSIONS]     default 10000

#include "mesa_client.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

using mesaTest::require;

constexpr uint32_t depth = 8;

struct Slot {
    VkCommandBuffer commands;
    VkEvent event;
};

VkBufferMemoryBarrier2 barrier(VkBuffer buffer, VkPipelineStageFlags2 from, VkAccessFlags2 written,
                               VkPipelineStageFlags2 to, VkAccessFlags2 read)
{
    VkBufferMemoryBarrier2 b = {};
    b.sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_BARRIER_2;
    b.srcStageMask = from;
    b.srcAccessMask = written;
    b.dstStageMask = to;
    b.dstAccessMask = read;
    b.srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
    b.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
    b.buffer = buffer;
    b.size = VK_WHOLE_SIZE;
    return b;
}

VkDependencyInfo dependency(const VkBufferMemoryBarrier2& b)
{
    VkDependencyInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_DEPENDENCY_INFO;
    info.bufferMemoryBarrierCount = 1;
    info.pBufferMemoryBarriers = &b;
    return info;
}

void record(const Slot& slot, uint32_t number, VkBuffer work, VkBuffer result)
{
    VkCommandBufferBeginInfo begin = {};
    begin.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
    begin.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
    require(vkBeginCommandBuffer(slot.commands, &begin), "vkBeginCommandBuffer");
    vkCmdFillBuffer(slot.commands, work, 0, VK_WHOLE_SIZE, number);

    const auto handOver = barrier(work, VK_PIPELINE_STAGE_2_CLEAR_BIT, VK_ACCESS_2_TRANSFER_WRITE_BIT,
                                  VK_PIPELINE_STAGE_2_COPY_BIT, VK_ACCESS_2_TRANSFER_READ_BIT);
    const auto info = dependency(handOver);
    if (number % 2) {
        vkCmdPipelineBarrier2(slot.commands, &info);
    } else {
        vkCmdSetEvent2(slot.commands, slot.event, &info);
        vkCmdWaitEvents2(slot.commands, 1, &slot.event, &info);
        vkCmdResetEvent2(slot.commands, slot.event, VK_PIPELINE_STAGE_2_COPY_BIT);
    }
    VkBufferCopy copy = {};
    copy.dstOffset = (number % depth) * sizeof(uint32_t);
    copy.size = sizeof(uint32_t);
    vkCmdCopyBuffer(slot.commands, work, result, 1, &copy);
    const auto readBack = barrier(result, VK_PIPELINE_STAGE_2_COPY_BIT, VK_ACCESS_2_TRANSFER_WRITE_BIT,
                                  VK_PIPELINE_STAGE_2_HOST_BIT, VK_ACCESS_2_HOST_READ_BIT);
    const auto last = dependency(readBack);
    vkCmdPipelineBarrier2(slot.commands, &last);
    require(vkEndCommandBuffer(slot.commands), "vkEndCommandBuffer");
}

VkSemaphoreSubmitInfo point(VkSemaphore timeline, uint64_t value)
{
    VkSemaphoreSubmitInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO;
    info.semaphore = timeline;
    info.value = value;
    info.stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT;
    return info;
}

void submit(VkQueue queue, VkCommandBuffer commands, VkSemaphore timeline, uint64_t number)
{
    VkCommandBufferSubmitInfo commandInfo = {};
    commandInfo.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO;
    commandInfo.commandBuffer = commands;
    const auto wait = point(timeline, number - 1);
    const auto signal = point(timeline, number);
    VkSubmitInfo2 info = {};
    info.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2;
    info.waitSemaphoreInfoCount = 1;
    info.pWaitSemaphoreInfos = &wait;
    info.commandBufferInfoCount = 1;
    info.pCommandBufferInfos = &commandInfo;
    info.signalSemaphoreInfoCount = 1;
    info.pSignalSemaphoreInfos = &signal;
    require(vkQueueSubmit2(queue, 1, &info, VK_NULL_HANDLE), "vkQueueSubmit2");
}

void wait(VkDevice device, VkSemaphore timeline, uint64_t value)
{
    VkSemaphoreWaitInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO;
    info.semaphoreCount = 1;
    info.pSemaphores = &timeline;
    info.pValues = &value;
    require(vkWaitSemaphores(device, &info, 20 * mesaTest::second), "vkWaitSemaphores");
}

int run(uint32_t submissions)
{
    mesaTest::Client client(false);
    const VkBuffer work = client.makeBuffer(4096, VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT);
    const VkBuffer result = client.makeBuffer(depth * sizeof(uint32_t), VK_BUFFER_USAGE_TRANSFER_DST_BIT);
    VkMemoryRequirements needed;
    vkGetBufferMemoryRequirements(client.device, work, &needed);
    const VkDeviceMemory workMemory = client.allocate(needed, 0);
    require(vkBindBufferMemory(client.device, work, workMemory, 0), "vkBindBufferMemory");
    vkGetBufferMemoryRequirements(client.device, result, &needed);
    const VkDeviceMemory resultMemory =
        client.allocate(needed, VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT);
    require(vkBindBufferMemory(client.device, result, resultMemory, 0), "vkBindBufferMemory");
    void* mapped = nullptr;
    require(vkMapMemory(client.device, resultMemory, 0, VK_WHOLE_SIZE, 0, &mapped), "vkMapMemory");
    const volatile uint32_t* numbers = static_cast<const uint32_t*>(mapped);

    std::array<Slot, depth> slots = {};
    for (Slot& slot : slots) {
        VkCommandBufferAllocateInfo info = {};
        info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
        info.commandPool = client.pool;
        info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
        info.commandBufferCount = 1;
        require(vkAllocateCommandBuffers(client.device, &info, &slot.commands), "vkAllocateCommandBuffers");
        VkEventCreateInfo event = {};
        event.sType = VK_STRUCTURE_TYPE_EVENT_CREATE_INFO;
        event.flags = VK_EVENT_CREATE_DEVICE_ONLY_BIT;
        require(vkCreateEvent(client.device, &event, nullptr, &slot.event), "vkCreateEvent");
    }

    const VkSemaphore timeline = client.makeTimeline(0);
    uint32_t checked = 0;
    for (uint32_t number = 1; number <= submissions; ++number) {
        Slot& slot = slots[number % depth];
        if (number > depth) {
            wait(client.device, timeline, number - depth);
            require(numbers[number % depth] == number - depth, "a submission's number arrived in time");
            ++checked;
        }
        record(slot, number, work, result);
        submit(client.queue, slot.commands, timeline, number);
    }
    wait(client.device, timeline, submissions);
    for (uint32_t number = submissions > depth ? submissions - depth + 1 : 1; number <= submissions; ++number) {
        require(numbers[number % depth] == number, "a submission's number arrived in time");
        ++checked;
    }

    const std::string summary =
        std::to_string(submissions) + " submissions, " + std::to_string(checked) + " results right";
    require(vkDeviceWaitIdle(client.device), "vkDeviceWaitIdle");
    vkDestroySemaphore(client.device, timeline, nullptr);
    for (const Slot& slot : slots)
        vkDestroyEvent(client.device, slot.event, nullptr);
    vkDestroyBuffer(client.device, work, nullptr);
    vkDestroyBuffer(client.device, result, nullptr);
    vkFreeMemory(client.device, workMemory, nullptr);
    vkFreeMemory(client.device, resultMemory, nullptr);
    return client.finish(summary.c_str());
}

} // namespace

int main(int count, char** arguments)
{
    const long submissions = count > 1 ? std::strtol(arguments[1], nullptr, 10) : 10000;
    if (submissions < 1 || submissions > 100'000'000) {
        std::fprintf(stderr, "usage: mesa_sync2_client [SUBMISSIONS]\n");
        return 2;
    }
    return run(static_cast<uint32_t>(submissions));
}
