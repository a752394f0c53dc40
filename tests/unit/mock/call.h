#pragma once

#include "mock/heap_probe.h"
#include "mock/registry.h"
#include "mock/world.h"

namespace vwsi::mock {

/// One call of a driver entry point: takes the world's lock, counts the call, checks its handles.
class Call {
public:
    explicit Call(const char* name);
    Call(const char* name, VkInstance instance);
    Call(const char* name, VkPhysicalDevice physicalDevice);
    Call(const char* name, VkDevice device);
    Call(const char* name, VkQueue queue);
    Call(const char* name, VkCommandBuffer commandBuffer);
    ~Call();

    /// True when a fault is due for this call; `result()` then is the answer.
    bool fails(bool mayRunOutOfMemory = true);
    VkResult result() const { return m_result; }

    void error(const char* format, ...) __attribute__((format(printf, 2, 3)));

    /// The live object behind a handle, or null, which is an error unless the handle is VK_NULL_HANDLE.
    template <typename T, typename Handle> T* get(Handle handle)
    {
        Object* const object = lookUp(raw(handle));
        if (!object)
            return nullptr;
        auto* const typed = dynamic_cast<T*>(object);
        if (!typed)
            error("handle %#llx is a %s", static_cast<unsigned long long>(raw(handle)), object->kind);
        return typed;
    }

    /// A new live object with a handle; null when the caller's allocator had no memory.
    template <typename T, typename Handle>
    T* create(const char* kind, const VkAllocationCallbacks* allocator, Handle* handle)
    {
        auto fresh = std::make_unique<T>();
        T* const object = fresh.get();
        if (!adopt(std::move(fresh), kind, allocator))
            return nullptr;
        *handle = cooked<Handle>(object->handle);
        return object;
    }

    /// Ends an object's life; complains when submissions still use it.
    template <typename Handle> void destroy(Handle handle, const VkAllocationCallbacks* allocator)
    {
        remove(raw(handle), allocator);
    }

    /// Complains about structs that the driver was not told to expect.
    void chain(const void* next);
    /// Complains about a layout of VK_KHR_swapchain on a device without it; keeps it for Driver::layouts().
    void layout(VkImageLayout layout);

    CommandBuffer* recording(VkCommandBuffer handle);

    World& world;
    Instance* instance = nullptr;
    PhysicalDevice* physicalDevice = nullptr;
    Device* device = nullptr;
    Queue* queue = nullptr;
    CommandBuffer* commandBuffer = nullptr;
    std::unique_lock<std::mutex> lock;

private:
    void count();
    Object* lookUp(uint64_t handle);
    bool adopt(std::unique_ptr<Object> object, const char* kind, const VkAllocationCallbacks* allocator);
    void remove(uint64_t handle, const VkAllocationCallbacks* allocator);
    void checkDispatch(const void* dispatch, const void* expected);

    HeapProbe::Pause m_pause;
    const char* m_name;
    VkResult m_result = VK_SUCCESS;
};

/// Marks an object as used by this thread as long as it lives; two threads at once are an error.
class ExternallySynchronized {
public:
    ExternallySynchronized(const char* call, const char* what, Occupancy* occupancy);
    ~ExternallySynchronized();
    ExternallySynchronized(const ExternallySynchronized&) = delete;
    ExternallySynchronized& operator=(const ExternallySynchronized&) = delete;

private:
    Occupancy* m_occupancy;
};

std::vector<VkStructureType> chainTypes(const void* next);

} // namespace vwsi::mock
