#include "swapchain/present_schedule.h"

#include <algorithm>

namespace vwsi {

namespace {

/// A target that does not tell what became of a frame holds up the next one no longer than this.
constexpr Nanoseconds kPatience = 1'000'000'000;
/// Refreshes this much before the wished moment are meant by it: clocks and reports are not exact.
constexpr Nanoseconds kMostSlack = 1'000'000;

} // namespace

void PresentSchedule::handedOver(uint64_t serial, Nanoseconds now)
{
    m_serial = serial;
    m_handedOver = now;
    m_reported = false;
}

void PresentSchedule::reported(uint64_t serial, Nanoseconds when)
{
    m_lastVisible = std::max(m_lastVisible, when);
    if (serial != m_serial || m_reported)
        return;
    m_reported = true;
    m_visible = when ? when : m_handedOver;
}

bool PresentSchedule::waitsForReport(const PresentWish& wish, Nanoseconds now) const
{
    return wish.time != 0 && wish.relative && m_serial != 0 && !m_reported && now < m_handedOver + kPatience;
}

Nanoseconds PresentSchedule::visibleAt(const PresentWish& wish, Nanoseconds now) const
{
    if (wish.time == 0)
        return 0;
    Nanoseconds moment = wish.time;
    if (wish.relative) {
        // The first frame of a swapchain has nothing to be relative to.
        if (m_serial == 0)
            return 0;
        if (waitsForReport(wish, now))
            return m_handedOver + kPatience;
        const Nanoseconds before = m_reported ? m_visible : m_handedOver;
        moment = wish.time > kForever - before ? kForever : before + wish.time;
    }
    if (wish.nearest)
        moment -= std::min(moment - 1, m_interval / 2);
    return moment;
}

Nanoseconds PresentSchedule::handOverAt(const PresentWish& wish, Nanoseconds now) const
{
    const Nanoseconds moment = visibleAt(wish, now);
    if (moment <= now || !m_latched || m_interval == 0 || m_lastVisible == 0 || moment < m_lastVisible)
        return moment;
    // The first refresh at or after the moment shows what is handed over in the interval before it; half of that is
    // left for late reports of refreshes, and half for the frame's own way.
    const Nanoseconds slack = std::min(m_interval / 16, kMostSlack);
    const Nanoseconds ahead = moment - m_lastVisible;
    const Nanoseconds refreshes = (ahead - std::min(ahead, slack) + m_interval - 1) / m_interval;
    const Nanoseconds refresh = m_lastVisible + refreshes * m_interval;
    const Nanoseconds before = m_interval / 2;
    return refresh > before ? refresh - before : 1;
}

} // namespace vwsi
