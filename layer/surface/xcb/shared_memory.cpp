#include "surface/xcb/shared_memory.h"

#include <cstdint>
#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

namespace vwsi {

size_t pageSize()
{
    return static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

/// Address space of `size` bytes at the wanted alignment, to be mapped over.
bool SharedMemory::reserve(size_t size, size_t alignment)
{
    const size_t slack = alignment > pageSize() ? alignment : 0;
    void* space = mmap(nullptr, size + slack, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (space == MAP_FAILED)
        return false;
    const auto start = reinterpret_cast<uintptr_t>(space);
    const uintptr_t aligned = slack ? (start + alignment - 1) & ~(alignment - 1) : start;
    if (aligned > start)
        munmap(space, aligned - start);
    if (start + slack > aligned)
        munmap(reinterpret_cast<void*>(aligned + size), start + slack - aligned);
    m_data = reinterpret_cast<void*>(aligned);
    m_size = size;
    return true;
}

bool SharedMemory::createFile(size_t size, size_t alignment, int* descriptor)
{
    const int fd = memfd_create("venus-wsi", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return false;
    // A file that cannot shrink cannot make the server or this process trip over missing pages.
    if (ftruncate(fd, static_cast<off_t>(size)) != 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0 || !reserve(size, alignment) ||
        mmap(m_data, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd, 0) == MAP_FAILED) {
        reset();
        close(fd);
        return false;
    }
    *descriptor = fd;
    return true;
}

bool SharedMemory::createSegment(size_t size, int* id)
{
    const int segment = shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);
    if (segment < 0)
        return false;
    void* data = shmat(segment, nullptr, 0);
    if (data == reinterpret_cast<void*>(-1)) {
        removeSegment(segment);
        return false;
    }
    m_data = data;
    m_size = size;
    m_segment = true;
    *id = segment;
    return true;
}

void SharedMemory::removeSegment(int id)
{
    shmctl(id, IPC_RMID, nullptr);
}

bool SharedMemory::createPrivate(size_t size, size_t alignment)
{
    if (!reserve(size, alignment))
        return false;
    if (mmap(m_data, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE, -1, 0) ==
        MAP_FAILED) {
        reset();
        return false;
    }
    return true;
}

void SharedMemory::reset()
{
    if (m_data && m_segment)
        shmdt(m_data);
    else if (m_data)
        munmap(m_data, m_size);
    m_data = nullptr;
    m_segment = false;
}

} // namespace vwsi
