#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace vwsi {

/// Memory for rewritten structs that live as long as one call: on the stack first, on the heap when that is full.
class ScratchArena {
public:
    ScratchArena() = default;
    ScratchArena(const ScratchArena&) = delete;
    ScratchArena& operator=(const ScratchArena&) = delete;

    ~ScratchArena()
    {
        while (m_overflow) {
            Block* const next = m_overflow->next;
            free(m_overflow);
            m_overflow = next;
        }
    }

    /// `size` bytes aligned for any Vulkan struct, or null.
    void* allocate(size_t size)
    {
        size = (size + kAlignment - 1) & ~(kAlignment - 1);
        if (size <= sizeof(m_inline) - m_used) {
            void* const memory = m_inline + m_used;
            m_used += size;
            return memory;
        }
        auto* const block = static_cast<Block*>(malloc(sizeof(Block) + size));
        if (!block)
            return nullptr;
        block->next = m_overflow;
        m_overflow = block;
        return block + 1;
    }

    /// `count` uninitialised elements, or null.
    template <typename T> T* array(size_t count) { return static_cast<T*>(allocate(sizeof(T) * count)); }

    /// Copy of `count` elements, or null.
    template <typename T> T* copy(const T* source, size_t count)
    {
        T* const target = array<T>(count);
        if (target && count)
            memcpy(static_cast<void*>(target), source, sizeof(T) * count);
        return target;
    }

private:
    static constexpr size_t kAlignment = 16;
    struct alignas(kAlignment) Block {
        Block* next;
    };

    alignas(kAlignment) unsigned char m_inline[2048];
    size_t m_used = 0;
    Block* m_overflow = nullptr;
};

} // namespace vwsi
