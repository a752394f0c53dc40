#pragma once

#include "core/clock.h"

namespace vwsi {

/// Paces frames where the driver has no vertical blank of its own: a grid of moments one refresh period apart
/// that follows the frames when they come late.
class FlipClock {
public:
    explicit FlipClock(Nanoseconds period) : m_period(period) {}

    Nanoseconds period() const { return m_period; }

    /// The moment from which the next frame may be shown; 0 before the first frame.
    Nanoseconds nextTick() const { return m_last == 0 ? 0 : m_last + m_period; }

    /// A frame was handed over at `now`. On time or a little late, the grid stays; more than a period late,
    /// it starts anew here.
    void tick(Nanoseconds now)
    {
        const Nanoseconds planned = nextTick();
        m_last = planned != 0 && now >= planned && now - planned < m_period ? planned : now;
    }

    /// The moments shown by the driver itself (real vertical blanks) shift the grid and measure the period.
    void observe(Nanoseconds when, uint32_t sequence)
    {
        if (m_seen && sequence > m_sequence && when > m_when) {
            const Nanoseconds measured = (when - m_when) / (sequence - m_sequence);
            // A wrong counter must not stop the application.
            if (measured > m_period / 2 && measured < m_period * 2)
                m_measured = m_measured ? (m_measured * 15 + measured) / 16 : measured;
        }
        m_seen = true;
        m_when = when;
        m_sequence = sequence;
        m_last = when;
    }

    /// The period as measured, or the mode's.
    Nanoseconds measuredPeriod() const { return m_measured ? m_measured : m_period; }

private:
    Nanoseconds m_period;
    Nanoseconds m_last = 0;
    bool m_seen = false;
    Nanoseconds m_when = 0;
    uint32_t m_sequence = 0;
    Nanoseconds m_measured = 0;
};

} // namespace vwsi
