#include "mock/call.h"
#include "mock/entries.h"

#include <algorithm>

namespace vwsi::mock {

namespace {

/// Blocks until the queue (null: every queue of the device) is idle. A stall that nobody ends is reported, not endured.
VkResult waitIdle(Call& call, const Queue* queue)
{
    const auto idle = [&] {
        if (call.world.lost)
            return true;
        return std::none_of(call.world.pending.begin(), call.world.pending.end(), [&](const Submission& s) {
            return queue ? s.queue == queue : s.queue->device == call.device;
        });
    };
    if (!call.world.changed.wait_for(call.lock, std::chrono::seconds(10), idle)) {
        call.error("waits for a queue that never gets idle");
        return VK_ERROR_DEVICE_LOST;
    }
    return call.world.lost ? VK_ERROR_DEVICE_LOST : VK_SUCCESS;
}

Queue* findQueue(const Device& device, uint32_t family, uint32_t index, VkDeviceQueueCreateFlags flags)
{
    for (Queue* queue : device.queues) {
        if (queue->family == family && queue->index == index && queue->flags == flags)
            return queue;
    }
    return nullptr;
}

} // namespace

namespace entry {

void DestroyDevice(VkDevice handle, const VkAllocationCallbacks*)
{
    if (!handle)
        return;
    Call call("vkDestroyDevice", handle);
    if (!call.device || !call.device->alive)
        return;
    World& world = call.world;
    for (auto entry = world.objects.begin(); entry != world.objects.end();) {
        Object& object = *entry->second;
        if (object.device != call.device) {
            ++entry;
            continue;
        }
        call.error("a %s (%#llx) was not destroyed", object.kind, static_cast<unsigned long long>(object.handle));
        const uint64_t leaked = (entry++)->first;
        world.bury(leaked);
    }
    for (const Queue* queue : call.device->queues) {
        if (world.queueBusy(queue))
            call.error("a queue is not idle");
    }
    std::erase_if(world.pending, [&](const Submission& s) { return s.queue->device == call.device; });
    call.device->alive = false;
    --call.instance->deviceCount;
}

void GetDeviceQueue(VkDevice handle, uint32_t family, uint32_t index, VkQueue* queue)
{
    Call call("vkGetDeviceQueue", handle);
    Queue* const found = findQueue(*call.device, family, index, 0);
    if (!found)
        call.error("the device was not created with queue %u of family %u", index, family);
    *queue = reinterpret_cast<VkQueue>(found);
}

void GetDeviceQueue2(VkDevice handle, const VkDeviceQueueInfo2* info, VkQueue* queue)
{
    Call call("vkGetDeviceQueue2", handle);
    call.chain(info->pNext);
    *queue = reinterpret_cast<VkQueue>(findQueue(*call.device, info->queueFamilyIndex, info->queueIndex, info->flags));
}

VkResult DeviceWaitIdle(VkDevice handle)
{
    // All queues of the device need external synchronisation during this call.
    std::vector<std::unique_ptr<ExternallySynchronized>> guards;
    std::vector<Queue*> queues;
    {
        Call call("vkDeviceWaitIdle", handle);
        queues = call.device->queues;
        if (call.fails())
            return call.result();
    }
    const HeapProbe::Pause pause;
    for (Queue* queue : queues)
        guards.push_back(std::make_unique<ExternallySynchronized>("vkDeviceWaitIdle", "VkQueue", &queue->occupancy));
    Call call("vkDeviceWaitIdle (blocking)", handle);
    return waitIdle(call, nullptr);
}

VkResult QueueWaitIdle(VkQueue handle)
{
    const ExternallySynchronized guard("vkQueueWaitIdle", "VkQueue", &reinterpret_cast<Queue*>(handle)->occupancy);
    Call call("vkQueueWaitIdle", handle);
    return call.fails() ? call.result() : waitIdle(call, call.queue);
}

VkResult GetDeviceGroupPresentCapabilitiesKHR(VkDevice handle, VkDeviceGroupPresentCapabilitiesKHR* capabilities)
{
    const Call call("vkGetDeviceGroupPresentCapabilitiesKHR", handle);
    std::fill_n(capabilities->presentMask, VK_MAX_DEVICE_GROUP_SIZE, 0);
    capabilities->presentMask[0] = 1;
    capabilities->modes = VK_DEVICE_GROUP_PRESENT_MODE_LOCAL_BIT_KHR;
    return VK_SUCCESS;
}

VkResult GetDeviceGroupSurfacePresentModesKHR(VkDevice handle, VkSurfaceKHR, VkDeviceGroupPresentModeFlagsKHR* modes)
{
    const Call call("vkGetDeviceGroupSurfacePresentModesKHR", handle);
    *modes = VK_DEVICE_GROUP_PRESENT_MODE_LOCAL_BIT_KHR;
    return VK_SUCCESS;
}

void GetDeviceGroupPeerMemoryFeatures(VkDevice handle, uint32_t, uint32_t, uint32_t, VkPeerMemoryFeatureFlags* features)
{
    const Call call("vkGetDeviceGroupPeerMemoryFeatures", handle);
    *features = 0;
}

VkResult CreatePrivateDataSlot(VkDevice handle, const VkPrivateDataSlotCreateInfo* info,
                               const VkAllocationCallbacks* allocator, VkPrivateDataSlot* slot)
{
    Call call("vkCreatePrivateDataSlot", handle);
    call.chain(info->pNext);
    if (call.fails() || !call.create<Plain>("VkPrivateDataSlot", allocator, slot))
        return call.result();
    return VK_SUCCESS;
}

void DestroyPrivateDataSlot(VkDevice handle, VkPrivateDataSlot slot, const VkAllocationCallbacks* allocator)
{
    Call("vkDestroyPrivateDataSlot", handle).destroy(slot, allocator);
}

VkResult SetPrivateData(VkDevice handle, VkObjectType, uint64_t object, VkPrivateDataSlot slot, uint64_t)
{
    Call call("vkSetPrivateData", handle);
    call.get<Plain>(slot);
    call.get<Object>(object);
    return call.fails() ? call.result() : VK_SUCCESS;
}

void GetPrivateData(VkDevice handle, VkObjectType, uint64_t object, VkPrivateDataSlot slot, uint64_t* data)
{
    Call call("vkGetPrivateData", handle);
    call.get<Plain>(slot);
    call.get<Object>(object);
    *data = 0;
}

VkResult SetDebugUtilsObjectNameEXT(VkDevice handle, const VkDebugUtilsObjectNameInfoEXT* info)
{
    Call call("vkSetDebugUtilsObjectNameEXT", handle);
    call.get<Object>(info->objectHandle);
    return VK_SUCCESS;
}

VkResult SetDebugUtilsObjectTagEXT(VkDevice handle, const VkDebugUtilsObjectTagInfoEXT* info)
{
    Call call("vkSetDebugUtilsObjectTagEXT", handle);
    call.get<Object>(info->objectHandle);
    return VK_SUCCESS;
}

} // namespace entry

} // namespace vwsi::mock
