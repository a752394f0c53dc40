#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>
#include <vulkan/vulkan.h>

namespace vwsi::mock {

/// VkAllocationCallbacks of a watchful application: counts, fails on demand, and knows what was never freed.
class HostAllocations {
public:
    HostAllocations();
    /// Frees what a test has left on purpose; live() is how it tells a leak.
    ~HostAllocations();
    HostAllocations(const HostAllocations&) = delete;
    HostAllocations& operator=(const HostAllocations&) = delete;

    const VkAllocationCallbacks* callbacks() const { return &m_callbacks; }

    /// The n-th allocation (1 is the next) gets no memory.
    void failNth(unsigned n);
    bool faultWasHit() const;
    /// Allocations so far.
    unsigned count() const;
    /// Allocations so far with the given scope.
    unsigned count(VkSystemAllocationScope scope) const;
    /// Blocks that have not been freed.
    size_t live() const;
    /// Frees of unknown blocks, bad alignments.
    std::vector<std::string> errors() const;

private:
    static void* VKAPI_CALL allocate(void* self, size_t size, size_t alignment, VkSystemAllocationScope scope);
    static void* VKAPI_CALL reallocate(void* self, void* old, size_t size, size_t alignment,
                                       VkSystemAllocationScope scope);
    static void VKAPI_CALL release(void* self, void* memory);

    void* add(size_t size, size_t alignment, VkSystemAllocationScope scope);
    void remove(void* memory);

    mutable std::mutex m_mutex;
    VkAllocationCallbacks m_callbacks{};
    std::map<void*, size_t> m_live;
    std::map<VkSystemAllocationScope, unsigned> m_byScope;
    unsigned m_count = 0;
    unsigned m_countdown = 0;
    bool m_hit = false;
    std::vector<std::string> m_errors;
};

} // namespace vwsi::mock
