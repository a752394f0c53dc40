#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>
#include <vulkan/vulkan.h>

namespace vwsi {

/// The memory of one object's life: the application's VkAllocationCallbacks, else the C heap.
class HostAllocator {
public:
    HostAllocator() = default;
    /// Copies the callbacks, because the spec lets the application drop the struct after the call.
    explicit HostAllocator(const VkAllocationCallbacks* callbacks) : m_given(callbacks != nullptr)
    {
        if (callbacks)
            m_callbacks = *callbacks;
    }

    /// What to hand to the driver for objects with the same life; null when the application gave none.
    const VkAllocationCallbacks* callbacks() const { return m_given ? &m_callbacks : nullptr; }

    void* allocate(size_t size, size_t alignment, VkSystemAllocationScope scope = VK_SYSTEM_ALLOCATION_SCOPE_OBJECT)
    {
        if (m_given)
            return m_callbacks.pfnAllocation(m_callbacks.pUserData, size, alignment, scope);
        return aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    }

    void release(void* memory)
    {
        if (m_given)
            m_callbacks.pfnFree(m_callbacks.pUserData, memory);
        else
            free(memory);
    }

    /// A new object, or null when the memory is not to be had.
    template <typename T, typename... Arguments> T* create(Arguments&&... arguments)
    {
        void* memory = allocate(sizeof(T), alignof(T) < sizeof(void*) ? sizeof(void*) : alignof(T));
        return memory ? new (memory) T(std::forward<Arguments>(arguments)...) : nullptr;
    }

    template <typename T> void destroy(T* object)
    {
        if (!object)
            return;
        object->~T();
        release(object);
    }

private:
    VkAllocationCallbacks m_callbacks{};
    bool m_given = false;
};

/// Callbacks of the C heap, for objects whose commands cannot report that the application's allocator is exhausted:
/// recording returns nothing, and drivers have been seen to crash in it.
const VkAllocationCallbacks* heapCallbacks();

/// An array of default-constructed elements whose size is set once, in a HostAllocator's memory.
template <typename T> class HostArray {
public:
    HostArray() = default;
    HostArray(const HostArray&) = delete;
    HostArray& operator=(const HostArray&) = delete;
    ~HostArray() { reset(); }

    /// Makes `count` elements; false when the memory is not to be had.
    bool allocate(HostAllocator& allocator, size_t count)
    {
        reset();
        if (count == 0)
            return true;
        if (count > SIZE_MAX / sizeof(T))
            return false;
        void* memory = allocator.allocate(sizeof(T) * count, alignof(T) < sizeof(void*) ? sizeof(void*) : alignof(T));
        if (!memory)
            return false;
        m_allocator = &allocator;
        m_data = static_cast<T*>(memory);
        for (m_size = 0; m_size < count; ++m_size)
            new (m_data + m_size) T();
        return true;
    }

    void reset()
    {
        for (size_t i = m_size; i > 0; --i)
            m_data[i - 1].~T();
        if (m_data)
            m_allocator->release(m_data);
        m_data = nullptr;
        m_size = 0;
    }

    void swap(HostArray& other) noexcept
    {
        std::swap(m_allocator, other.m_allocator);
        std::swap(m_data, other.m_data);
        std::swap(m_size, other.m_size);
    }

    size_t size() const { return m_size; }
    T& operator[](size_t index) { return m_data[index]; }
    const T& operator[](size_t index) const { return m_data[index]; }
    T* begin() { return m_data; }
    T* end() { return m_data + m_size; }
    const T* begin() const { return m_data; }
    const T* end() const { return m_data + m_size; }

private:
    HostAllocator* m_allocator = nullptr;
    T* m_data = nullptr;
    size_t m_size = 0;
};

} // namespace vwsi
