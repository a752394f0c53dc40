#include "swapchain/timing_results.h"

#include <algorithm>

namespace vwsi {

VkResult TimingResults::resize(HostAllocator& allocator, uint32_t size)
{
    HostArray<Slot> slots;
    if (!slots.allocate(allocator, size))
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    const std::lock_guard lock(m_mutex);
    if (m_used > size)
        return VK_NOT_READY;
    std::copy_n(m_slots.begin(), m_used, slots.begin());
    m_slots.swap(slots);
    return VK_SUCCESS;
}

bool TimingResults::full()
{
    const std::lock_guard lock(m_mutex);
    return m_used == m_slots.size();
}

uint64_t TimingResults::reserve(const Request& request)
{
    const std::lock_guard lock(m_mutex);
    if (m_used == m_slots.size())
        return 0;
    Slot& slot = m_slots[m_used++];
    slot = {};
    slot.key = ++m_lastKey;
    slot.result.request = request;
    return slot.key;
}

TimingResults::Slot* TimingResults::find(uint64_t key)
{
    Slot* const end = m_slots.begin() + m_used;
    Slot* const found = std::lower_bound(m_slots.begin(), end, key,
                                         [](const Slot& slot, uint64_t wanted) { return slot.key < wanted; });
    return found != end && found->key == key ? found : nullptr;
}

void TimingResults::reach(uint64_t key, Stage stage, Nanoseconds when)
{
    const std::lock_guard lock(m_mutex);
    if (Slot* const slot = find(key)) {
        slot->result.times[stage] = when;
        slot->result.known |= 1u << stage;
    }
}

void TimingResults::finish(uint64_t key, const FrameTimes& times)
{
    const std::lock_guard lock(m_mutex);
    if (Slot* const slot = find(key)) {
        // Nothing in a window system tells the delay between a pixel's leaving and its light.
        slot->result.times = {times.queueEnd, times.dequeued, times.visible, times.visible};
        slot->result.known = kAllStages;
    }
}

uint32_t TimingResults::available(Reading reading)
{
    const std::lock_guard lock(m_mutex);
    uint32_t count = 0;
    forEach(reading, [&](const Slot&, bool ready) { count += ready; });
    return count;
}

} // namespace vwsi
