#pragma once

#include "surface/target.h"
#include "surface/wayland/wayland_client.h"

#include <vector>

namespace vwsi {

/// The buffers of one swapchain in shared memory: one sealed memfd and wl_shm_pool for the whole set.
///
/// The memfd can't shrink from the start, which spares the compositor its guard against SIGBUS, and nothing
/// can change its size once the last buffer is made. Only buffers that are made take memory. A set beyond the
/// 2 GiB that the protocol can address goes on in another pool.
class ShmBuffers {
public:
    /// `shm` is a wrapper on the target's queue, so that releases are heard there.
    ShmBuffers(WrapperPtr<wl_shm> shm, VkExtent2D extent, uint32_t shmFormat, uint32_t bytesPerPixel, uint32_t count);
    ~ShmBuffers();
    ShmBuffers(const ShmBuffers&) = delete;
    ShmBuffers& operator=(const ShmBuffers&) = delete;

    /// False when `shm` was null.
    bool valid() const { return m_shm != nullptr; }

    /// Makes one buffer; its mapping lives as long as this object. VK_ERROR_OUT_OF_HOST_MEMORY when there is
    /// not enough memory (now, instead of SIGBUS on a later write), or a buffer is too large for the
    /// protocol.
    VkResult allocate(const BufferLayout& layout, TargetBuffer* buffer, ProxyPtr<wl_buffer>* proxy);

private:
    struct Mapping {
        void* address;
        size_t length;
    };

    struct Pool {
        int descriptor = -1;
        ProxyPtr<wl_shm_pool> proxy;
        size_t size = 0; ///< of memfd and wl_shm_pool
        size_t used = 0;
    };

    VkResult reserve(size_t slot);
    VkResult openPool(size_t slot);

    WrapperPtr<wl_shm> m_shm;
    VkExtent2D m_extent;
    uint32_t m_format;
    uint32_t m_bytesPerPixel;
    uint32_t m_toCome;
    Pool m_pool; ///< the one that takes the next buffer; earlier ones live on through their buffers
    std::vector<Mapping> m_mappings;
};

} // namespace vwsi
