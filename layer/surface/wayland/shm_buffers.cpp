#include "surface/wayland/shm_buffers.h"

#include "core/alignment.h"
#include "core/log.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace vwsi {

namespace {

/// wl_shm_pool sizes and offsets are signed 32-bit integers.
constexpr size_t kPoolLimit = INT32_MAX;

size_t pageSize()
{
    return static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

/// Maps `length` bytes of a file at `offset`, at an address that is a multiple of `alignment`; null on
/// failure.
void* mapAligned(int descriptor, size_t offset, size_t length, size_t alignment)
{
    constexpr int kProtection = PROT_READ | PROT_WRITE;
    // Populated, so that the first frame takes no page faults.
    constexpr int kFlags = MAP_SHARED | MAP_POPULATE;
    if (alignment <= pageSize()) {
        void* address = mmap(nullptr, length, kProtection, kFlags, descriptor, static_cast<off_t>(offset));
        return address == MAP_FAILED ? nullptr : address;
    }
    const size_t spare = length + alignment;
    void* reserved = mmap(nullptr, spare, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED)
        return nullptr;
    char* const begin = static_cast<char*>(reserved);
    const size_t before = alignUp(reinterpret_cast<uintptr_t>(begin), alignment) - reinterpret_cast<uintptr_t>(begin);
    char* const wanted = begin + before;
    if (mmap(wanted, length, kProtection, kFlags | MAP_FIXED, descriptor, static_cast<off_t>(offset)) == MAP_FAILED) {
        munmap(begin, spare);
        return nullptr;
    }
    if (before > 0)
        munmap(begin, before);
    munmap(wanted + length, spare - before - length);
    return wanted;
}

VkResult failure(const char* what)
{
    VWSI_ERROR("shared memory for a Wayland window: %s failed (%s): free memory or use a smaller window", what,
               strerror(errno));
    return VK_ERROR_OUT_OF_HOST_MEMORY;
}

} // namespace

ShmBuffers::ShmBuffers(WrapperPtr<wl_shm> shm, VkExtent2D extent, uint32_t shmFormat, uint32_t bytesPerPixel,
                       uint32_t count)
    : m_shm(std::move(shm)), m_extent(extent), m_format(shmFormat), m_bytesPerPixel(bytesPerPixel), m_toCome(count)
{
    m_mappings.reserve(count);
}

ShmBuffers::~ShmBuffers()
{
    for (const Mapping& mapping : m_mappings)
        munmap(mapping.address, mapping.length);
    if (m_pool.descriptor >= 0)
        close(m_pool.descriptor);
}

VkResult ShmBuffers::openPool(size_t slot)
{
    Pool pool;
    pool.size = std::min(std::max<size_t>(m_toCome, 1), kPoolLimit / slot) * slot;
    pool.descriptor = memfd_create("venus-wsi-wayland", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (pool.descriptor < 0)
        return failure("memfd_create");
    if (ftruncate(pool.descriptor, static_cast<off_t>(pool.size)) != 0) {
        const VkResult result = failure("ftruncate");
        close(pool.descriptor);
        return result;
    }
    fcntl(pool.descriptor, F_ADD_SEALS, F_SEAL_SHRINK);
    pool.proxy.reset(wl_shm_create_pool(m_shm.get(), pool.descriptor, static_cast<int32_t>(pool.size)));
    if (!pool.proxy) {
        close(pool.descriptor);
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    }
    if (m_pool.descriptor >= 0)
        close(m_pool.descriptor);
    m_pool = std::move(pool);
    return VK_SUCCESS;
}

VkResult ShmBuffers::reserve(size_t slot)
{
    const size_t needed = m_pool.used + slot;
    if (!m_pool.proxy || needed > kPoolLimit) {
        if (const VkResult result = openPool(slot); result != VK_SUCCESS)
            return result;
    } else if (needed > m_pool.size) {
        if (ftruncate(m_pool.descriptor, static_cast<off_t>(needed)) != 0)
            return failure("ftruncate");
        m_pool.size = needed;
        wl_shm_pool_resize(m_pool.proxy.get(), static_cast<int32_t>(needed));
    }
    int error = 0;
    do {
        error =
            fallocate(m_pool.descriptor, 0, static_cast<off_t>(m_pool.used), static_cast<off_t>(slot)) == 0 ? 0 : errno;
    } while (error == EINTR);
    if (error != 0 && error != EOPNOTSUPP && error != ENOSYS) {
        errno = error;
        return failure("fallocate");
    }
    return VK_SUCCESS;
}

VkResult ShmBuffers::allocate(const BufferLayout& layout, TargetBuffer* buffer, ProxyPtr<wl_buffer>* proxy)
{
    const size_t row = static_cast<size_t>(m_extent.width) * m_bytesPerPixel;
    // Compositors hand rows to pixman, which wants them to begin on 32-bit words.
    const size_t stride = layout.stride ? layout.stride : alignUp(row, 4);
    const size_t unit = std::max(pageSize(), layout.alignment);
    const size_t slot = alignUp(std::max(layout.size, stride * m_extent.height), unit);
    if (stride < row || stride > kPoolLimit || slot == 0 || slot > kPoolLimit) {
        VWSI_ERROR("a Wayland buffer of %ux%u with %zu bytes a row cannot be shared: use a smaller window",
                   m_extent.width, m_extent.height, stride);
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    }
    if (const VkResult result = reserve(slot); result != VK_SUCCESS)
        return result;

    void* address = mapAligned(m_pool.descriptor, m_pool.used, slot, unit);
    if (!address)
        return failure("mmap");
    m_mappings.push_back({address, slot});
    proxy->reset(wl_shm_pool_create_buffer(m_pool.proxy.get(), static_cast<int32_t>(m_pool.used),
                                           static_cast<int32_t>(m_extent.width), static_cast<int32_t>(m_extent.height),
                                           static_cast<int32_t>(stride), m_format));
    if (!*proxy)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    m_pool.used += slot;
    if (m_toCome > 0) {
        --m_toCome;
        if (m_toCome == 0)
            fcntl(m_pool.descriptor, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SEAL);
    }
    *buffer = {address, slot, static_cast<uint32_t>(stride), true};
    return VK_SUCCESS;
}

} // namespace vwsi
