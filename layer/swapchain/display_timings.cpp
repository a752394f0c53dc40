#include "swapchain/display_timings.h"

#include <algorithm>

namespace vwsi {

void DisplayTimings::add(const FrameNotes& notes, Nanoseconds refresh)
{
    const FrameTimes& times = notes.times;
    VkPastPresentationTimingGOOGLE record{};
    record.presentID = notes.listedId;
    record.desiredPresentTime = notes.listedWish;
    record.actualPresentTime = times.visible;
    // Held back by whole refreshes only, where those alone make frames visible.
    Nanoseconds held = times.free && times.dequeued > times.free ? times.dequeued - times.free : 0;
    if (refresh)
        held -= held % refresh;
    record.earliestPresentTime = times.visible - std::min(held, times.visible);
    record.presentMargin =
        record.earliestPresentTime > times.queueEnd ? record.earliestPresentTime - times.queueEnd : 0;

    const std::lock_guard lock(m_mutex);
    if (m_count == kRecords) {
        m_first = (m_first + 1) % kRecords;
        --m_count;
    }
    m_records[(m_first + m_count++) % kRecords] = record;
}

VkResult DisplayTimings::take(uint32_t* count, VkPastPresentationTimingGOOGLE* timings)
{
    const std::lock_guard lock(m_mutex);
    if (!timings) {
        *count = static_cast<uint32_t>(m_count);
        return VK_SUCCESS;
    }
    *count = static_cast<uint32_t>(std::min<size_t>(*count, m_count));
    for (uint32_t i = 0; i < *count; ++i) {
        timings[i] = m_records[m_first];
        m_first = (m_first + 1) % kRecords;
        --m_count;
    }
    return m_count > 0 ? VK_INCOMPLETE : VK_SUCCESS;
}

} // namespace vwsi
