#include "mock/host_allocations.h"

#include "mock/heap_probe.h"

#include <cstdlib>
#include <cstring>

namespace vwsi::mock {

HostAllocations::HostAllocations()
{
    m_callbacks.pUserData = this;
    m_callbacks.pfnAllocation = allocate;
    m_callbacks.pfnReallocation = reallocate;
    m_callbacks.pfnFree = release;
}

void HostAllocations::failNth(unsigned n)
{
    const std::lock_guard lock(m_mutex);
    m_countdown = n;
    m_hit = false;
}

bool HostAllocations::faultWasHit() const
{
    const std::lock_guard lock(m_mutex);
    return m_hit;
}

unsigned HostAllocations::count() const
{
    const std::lock_guard lock(m_mutex);
    return m_count;
}

unsigned HostAllocations::count(VkSystemAllocationScope scope) const
{
    const std::lock_guard lock(m_mutex);
    const auto found = m_byScope.find(scope);
    return found == m_byScope.end() ? 0 : found->second;
}

size_t HostAllocations::live() const
{
    const std::lock_guard lock(m_mutex);
    return m_live.size();
}

std::vector<std::string> HostAllocations::errors() const
{
    const std::lock_guard lock(m_mutex);
    return m_errors;
}

void* HostAllocations::add(size_t size, size_t alignment, VkSystemAllocationScope scope)
{
    const HeapProbe::Pause pause;
    const std::lock_guard lock(m_mutex);
    if (alignment == 0 || (alignment & (alignment - 1)))
        m_errors.push_back("alignment " + std::to_string(alignment) + " is not a power of two");
    if (size == 0)
        m_errors.emplace_back("an allocation of no bytes");
    ++m_count;
    ++m_byScope[scope];
    if (m_countdown && --m_countdown == 0) {
        m_hit = true;
        return nullptr;
    }
    void* memory = nullptr;
    if (posix_memalign(&memory, alignment < sizeof(void*) ? sizeof(void*) : alignment, size))
        return nullptr;
    memset(memory, 0xa5, size);
    m_live[memory] = size;
    return memory;
}

HostAllocations::~HostAllocations()
{
    for (const auto& [memory, size] : m_live)
        free(memory);
}

void HostAllocations::remove(void* memory)
{
    if (!memory)
        return;
    const HeapProbe::Pause pause;
    const std::lock_guard lock(m_mutex);
    if (m_live.erase(memory) == 0) {
        m_errors.emplace_back("a block is freed that this allocator did not give out");
        return;
    }
    free(memory);
}

void* HostAllocations::allocate(void* self, size_t size, size_t alignment, VkSystemAllocationScope scope)
{
    return static_cast<HostAllocations*>(self)->add(size, alignment, scope);
}

void* HostAllocations::reallocate(void* self, void* old, size_t size, size_t alignment, VkSystemAllocationScope scope)
{
    auto* const me = static_cast<HostAllocations*>(self);
    size_t oldSize = 0;
    {
        const std::lock_guard lock(me->m_mutex);
        const auto found = me->m_live.find(old);
        oldSize = found == me->m_live.end() ? 0 : found->second;
    }
    void* const fresh = size ? me->add(size, alignment, scope) : nullptr;
    if (fresh && old)
        memcpy(fresh, old, oldSize < size ? oldSize : size);
    if (fresh || !size)
        me->remove(old);
    return fresh;
}

void HostAllocations::release(void* self, void* memory)
{
    static_cast<HostAllocations*>(self)->remove(memory);
}

} // namespace vwsi::mock
