#pragma once

#include "core/clock.h"

namespace vwsi {

/// Slots at an output's refresh rate for servers that tell nothing of their refreshes.
class RefreshTimer {
public:
    explicit RefreshTimer(Nanoseconds interval) : m_interval(interval) {}

    /// First moment at which the next frame may become visible; 0 before the first one.
    Nanoseconds nextSlot() const { return m_last ? m_last + m_interval : 0; }

    /// A frame becomes visible at `now`. Less than one interval late keeps the rhythm; later starts a new
    /// one.
    void take(Nanoseconds now)
    {
        const Nanoseconds slot = nextSlot();
        m_last = slot && now >= slot && now < slot + m_interval ? slot : now;
    }

private:
    Nanoseconds m_interval;
    Nanoseconds m_last = 0;
};

} // namespace vwsi
