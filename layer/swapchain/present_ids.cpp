#include "swapchain/present_ids.h"

#include "core/timed_wait.h"

#include <algorithm>

namespace vwsi {

void PresentIds::queued(uint64_t id)
{
    if (id == 0)
        return;
    const std::lock_guard lock(m_mutex);
    m_queued = std::max(m_queued, id);
}

void PresentIds::reached(uint64_t id)
{
    if (id == 0)
        return;
    const std::lock_guard lock(m_mutex);
    m_reached = std::max(m_reached, id);
    if (m_waiting > 0)
        m_changed.notify_all();
}

void PresentIds::fail(VkResult error)
{
    const std::lock_guard lock(m_mutex);
    if (m_error >= 0)
        m_error = error;
    m_changed.notify_all();
}

void PresentIds::retire()
{
    const std::lock_guard lock(m_mutex);
    m_retired = true;
    m_changed.notify_all();
}

VkResult PresentIds::wait(uint64_t id, uint64_t timeout)
{
    const Nanoseconds deadline = timeout ? deadlineAfter(timeout) : 0;
    std::unique_lock lock(m_mutex);
    for (;;) {
        if (m_reached >= id)
            return VK_SUCCESS;
        if (m_error < 0)
            return m_error;
        if (m_retired && id > m_queued)
            return VK_ERROR_OUT_OF_DATE_KHR;
        if (deadline != kForever && (deadline == 0 || monotonicNow() >= deadline))
            return VK_TIMEOUT;
        ++m_waiting;
        sleepUntil(m_changed, lock, deadline);
        --m_waiting;
    }
}

} // namespace vwsi
