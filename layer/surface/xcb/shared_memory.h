#pragma once

#include <cstddef>

namespace vwsi {

/// Page-aligned memory that another process can map: a sealed memory file, a System V segment, or neither.
/// The pages are in place from the start, so that the first frame pays for none.
class SharedMemory {
public:
    SharedMemory() = default;
    ~SharedMemory() { reset(); }
    SharedMemory(const SharedMemory&) = delete;
    SharedMemory& operator=(const SharedMemory&) = delete;

    /// Makes a memory file of `size` bytes at an address that is a multiple of `alignment` (a power of two of
    /// at least a page). `descriptor` is the caller's. False when the kernel refuses.
    bool createFile(size_t size, size_t alignment, int* descriptor);

    /// Makes a System V segment that only this user may attach, `id` of which stays until removeSegment().
    bool createSegment(size_t size, int* id);
    static void removeSegment(int id);

    /// Makes private memory.
    bool createPrivate(size_t size, size_t alignment);

    void reset();
    void* data() const { return m_data; }

private:
    bool reserve(size_t size, size_t alignment);

    void* m_data = nullptr;
    size_t m_size = 0;
    bool m_segment = false;
};

/// Bytes of a page of this kernel.
size_t pageSize();

} // namespace vwsi
