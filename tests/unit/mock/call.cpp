#include "mock/call.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

namespace vwsi::mock {

namespace {

uint64_t thisThread()
{
    static std::atomic<uint64_t> next{1};
    thread_local const uint64_t id = next++;
    return id;
}

/// Calls that may answer VK_ERROR_DEVICE_LOST (Vulkan spec, return codes); others go on working on a lost device.
bool tellsLoss(std::string_view call)
{
    for (const std::string_view name :
         {"vkQueueSubmit", "vkQueueSubmit2", "vkQueueBindSparse", "vkQueueWaitIdle", "vkDeviceWaitIdle",
          "vkDeviceWaitIdle (blocking)", "vkGetFenceStatus", "vkWaitForFences", "vkWaitSemaphores",
          "vkGetSemaphoreCounterValue", "vkQueuePresentKHR", "vkAcquireNextImageKHR", "vkCreateSwapchainKHR"}) {
        if (call == name)
            return true;
    }
    return false;
}

bool brought(const Origin& origin, uint32_t apiVersion, const Device* device, const PhysicalDevice* physicalDevice,
             const Instance* instance)
{
    if (origin.coreVersion && origin.coreVersion <= apiVersion)
        return true;
    return anyExtension(origin, [&](std::string_view name) {
        return (device && device->extensions.contains(name)) || (instance && instance->extensions.contains(name)) ||
               (physicalDevice && !device && physicalDevice->spec->has(name));
    });
}

} // namespace

Call::Call(const char* name) : world(*World::current), lock(world.mutex), m_name(name)
{
    count();
}

Call::Call(const char* name, VkInstance handle) : Call(name)
{
    for (const auto& candidate : world.instances) {
        if (raw(handle) == raw(candidate.get()))
            instance = candidate.get();
    }
    if (!instance)
        error("unknown VkInstance");
    else if (!instance->alive)
        error("destroyed VkInstance");
    else
        checkDispatch(instance->dispatch, nullptr);
}

Call::Call(const char* name, VkPhysicalDevice handle) : Call(name)
{
    for (const auto& candidate : world.physicalDevices) {
        if (raw(handle) == raw(candidate.get()))
            physicalDevice = candidate.get();
    }
    if (!physicalDevice) {
        error("unknown VkPhysicalDevice");
        return;
    }
    instance = physicalDevice->instance;
    if (!instance->alive)
        error("VkPhysicalDevice of a destroyed VkInstance");
}

Call::Call(const char* name, VkDevice handle) : Call(name)
{
    for (const auto& candidate : world.devices) {
        if (raw(handle) == raw(candidate.get()))
            device = candidate.get();
    }
    if (!device) {
        error("unknown VkDevice");
        return;
    }
    if (!device->alive)
        error("destroyed VkDevice");
    physicalDevice = device->physicalDevice;
    instance = physicalDevice->instance;
}

Call::Call(const char* name, VkQueue handle) : Call(name)
{
    for (const auto& candidate : world.queues) {
        if (raw(handle) == raw(candidate.get()))
            queue = candidate.get();
    }
    if (!queue) {
        error("unknown VkQueue");
        return;
    }
    device = queue->device;
    physicalDevice = device->physicalDevice;
    instance = physicalDevice->instance;
    if (!device->alive)
        error("VkQueue of a destroyed VkDevice");
    checkDispatch(queue->dispatch, device->dispatch);
}

Call::Call(const char* name, VkCommandBuffer handle) : Call(name)
{
    const auto found = world.commandBuffers.find(handle);
    if (found == world.commandBuffers.end()) {
        error("unknown VkCommandBuffer");
        return;
    }
    commandBuffer = found->second.get();
    device = commandBuffer->device;
    physicalDevice = device->physicalDevice;
    instance = physicalDevice->instance;
    if (!commandBuffer->alive)
        error("freed VkCommandBuffer");
    checkDispatch(commandBuffer->dispatch, device->dispatch);
}

Call::~Call() = default;

void Call::count()
{
    ++world.counts[m_name];
    world.changed.notify_all();
}

void Call::checkDispatch(const void* dispatch, const void* expected)
{
    if (!dispatch || (expected && dispatch != expected))
        error("the handle's dispatch pointer is not the loader's (PFN_vkSetDeviceLoaderData not called)");
}

void Call::error(const char* format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    world.error("%s: %s", m_name, text);
}

bool Call::fails(bool mayRunOutOfMemory)
{
    if (world.lost && device && tellsLoss(m_name)) {
        m_result = VK_ERROR_DEVICE_LOST;
        return true;
    }
    for (Fault& fault : world.faults) {
        if (fault.name.empty() ? !mayRunOutOfMemory : fault.name != m_name)
            continue;
        if (fault.countdown == 0 || --fault.countdown > 0)
            continue;
        fault.hit = true;
        m_result = fault.result;
        return true;
    }
    return false;
}

Object* Call::lookUp(uint64_t handle)
{
    if (!handle)
        return nullptr;
    Object* const object = world.find(handle);
    if (!object) {
        error("handle %#llx is unknown or destroyed", static_cast<unsigned long long>(handle));
        return nullptr;
    }
    if (device && object->device != device)
        error("a %s of another device", object->kind);
    return object;
}

bool Call::adopt(std::unique_ptr<Object> object, const char* kind, const VkAllocationCallbacks* allocator)
{
    object->kind = kind;
    object->device = device;
    object->allocator = allocator;
    object->handle = world.nextHandle++;
    if (const auto freed = world.freedHandles.find(kind); world.reuseHandles && freed != world.freedHandles.end()) {
        object->handle = freed->second;
        world.freedHandles.erase(freed);
    }
    if (allocator) {
        object->hostBlock = allocator->pfnAllocation(allocator->pUserData, 64, 8, VK_SYSTEM_ALLOCATION_SCOPE_OBJECT);
        if (!object->hostBlock) {
            m_result = VK_ERROR_OUT_OF_HOST_MEMORY;
            return false;
        }
    }
    world.objects.emplace(object->handle, std::move(object));
    return true;
}

void Call::remove(uint64_t handle, const VkAllocationCallbacks* allocator)
{
    Object* const object = lookUp(handle);
    if (!object)
        return;
    if (!world.lost && (world.inUse(object) || world.inUse(handle)))
        error("a submission that has not completed uses this %s", object->kind);
    if ((allocator != nullptr) != (object->allocator != nullptr))
        error("a %s created %s an allocator is destroyed %s one", object->kind, object->allocator ? "with" : "without",
              allocator ? "with" : "without");
    if (world.reuseHandles)
        world.freedHandles[object->kind] = handle;
    if (object->hostBlock && allocator)
        allocator->pfnFree(allocator->pUserData, object->hostBlock);
    world.bury(handle);
}

void Call::chain(const void* next)
{
    const uint32_t version = physicalDevice ? physicalDevice->spec->apiVersion : instance ? instance->apiVersion : 0;
    for (auto* entry = static_cast<const VkBaseInStructure*>(next); entry; entry = entry->pNext) {
        const StructFacts* facts = structFacts(entry->sType);
        if (facts && !brought(facts->origin, version, device, physicalDevice, instance))
            error("pNext has a %.*s, which needs %.*s", static_cast<int>(facts->name.size()), facts->name.data(),
                  static_cast<int>(facts->origin.extensions.size()), facts->origin.extensions.data());
    }
}

void Call::layout(VkImageLayout layout)
{
    world.layouts.push_back(layout);
    const bool presenting = layout == VK_IMAGE_LAYOUT_PRESENT_SRC_KHR || layout == VK_IMAGE_LAYOUT_SHARED_PRESENT_KHR;
    if (presenting && device && !device->extensions.contains("VK_KHR_swapchain"))
        error("a layout of VK_KHR_swapchain on a device without it");
}

CommandBuffer* Call::recording(VkCommandBuffer)
{
    if (!commandBuffer)
        return nullptr;
    if (commandBuffer->state != CommandBuffer::State::Recording) {
        error("the command buffer is not being recorded");
        return nullptr;
    }
    return commandBuffer;
}

ExternallySynchronized::ExternallySynchronized(const char* call, const char* what, Occupancy* occupancy)
    : m_occupancy(occupancy)
{
    if (!m_occupancy)
        return;
    World& world = *World::current;
    // The upper half is the thread, the lower half how often it is in.
    const uint64_t self = thisThread() << 32;
    uint64_t seen = m_occupancy->load(std::memory_order_relaxed);
    for (;;) {
        if (seen != 0 && (seen >> 32 << 32) != self) {
            const HeapProbe::Pause pause;
            const std::lock_guard lock(world.mutex);
            world.error("%s: two threads use the same %s at once", call, what);
            m_occupancy = nullptr;
            return;
        }
        const uint64_t next = seen ? seen + 1 : self + 1;
        if (m_occupancy->compare_exchange_weak(seen, next, std::memory_order_relaxed))
            break;
    }
    if (const int64_t dwell = world.dwellMicroseconds.load(std::memory_order_relaxed))
        std::this_thread::sleep_for(std::chrono::microseconds(dwell));
}

ExternallySynchronized::~ExternallySynchronized()
{
    if (!m_occupancy)
        return;
    const uint64_t seen = m_occupancy->load(std::memory_order_relaxed);
    m_occupancy->store((seen & 0xffffffff) == 1 ? 0 : seen - 1, std::memory_order_relaxed);
}

std::vector<VkStructureType> chainTypes(const void* next)
{
    std::vector<VkStructureType> types;
    for (auto* entry = static_cast<const VkBaseInStructure*>(next); entry; entry = entry->pNext)
        types.push_back(entry->sType);
    return types;
}

} // namespace vwsi::mock
