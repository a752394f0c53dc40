#pragma once

#include "swapchain/frame_notes.h"

#include <cstdint>

namespace vwsi {

/// Turns the wishes of frames into moments at which to hand them to the target. Presenter thread only.
class PresentSchedule {
public:
    /// `interval`: between refreshes, 0 when there are none or nobody knows. `latched`: the target shows a frame at the
    /// first refresh after it got it; otherwise at once.
    void setRefresh(Nanoseconds interval, bool latched)
    {
        m_interval = interval;
        m_latched = latched;
    }
    /// Interval of the refreshes that alone make frames visible, else 0.
    Nanoseconds latchInterval() const { return m_latched ? m_interval : 0; }

    void handedOver(uint64_t serial, Nanoseconds now);
    /// Frame `serial` became visible at `when`; 0: never.
    void reported(uint64_t serial, Nanoseconds when);

    /// A frame with this wish depends on what becomes of the frame before, which is not known yet.
    bool waitsForReport(const PresentWish& wish, Nanoseconds now) const;
    /// The moment at which a frame with this wish should become visible; 0: no matter when. While waitsForReport(), a
    /// moment at which to ask again at the latest.
    Nanoseconds visibleAt(const PresentWish& wish, Nanoseconds now) const;
    /// The moment from which a frame with this wish may be handed over; 0: at once.
    Nanoseconds handOverAt(const PresentWish& wish, Nanoseconds now) const;

private:
    Nanoseconds m_interval = 0;
    bool m_latched = false;
    uint64_t m_serial = 0;         ///< of the last frame handed over; 0: none
    Nanoseconds m_handedOver = 0;  ///< moment
    bool m_reported = false;       ///< that frame was
    Nanoseconds m_visible = 0;     ///< when it became visible, or was given up
    Nanoseconds m_lastVisible = 0; ///< any frame: a refresh was there
};

} // namespace vwsi
