#pragma once

#include "surface/refresh_timer.h"
#include "surface/target.h"
#include "surface/xcb/xcb_buffer.h"

#include <span>
#include <vector>

namespace vwsi {

/// Shows frames by CopyArea at once, and paces them by a timer.
///
/// A request for the window's geometry follows each frame. The server answers in order, so the reply says
/// that the frame is visible and its buffer read; that costs no round trip, because nobody waits for it.
class CopyPacer {
public:
    CopyPacer(XcbConnection& connection, xcb_window_t window, Nanoseconds interval)
        : m_connection(connection), m_window(window), m_timer(interval)
    {
    }
    ~CopyPacer();
    CopyPacer(const CopyPacer&) = delete;
    CopyPacer& operator=(const CopyPacer&) = delete;

    void reserve(uint32_t buffers) { m_pending.reserve(buffers); }
    bool idle() const { return m_pending.empty(); }
    Nanoseconds readyAt(VkPresentModeKHR mode) const;
    void show(const XcbBuffer& buffer, const Frame& frame, xcb_gcontext_t gc,
              std::span<const xcb_rectangle_t> rectangles);

    /// What the replies that have arrived say.
    struct Heard {
        bool any = false;
        bool windowLost = false;
        VkExtent2D windowExtent{}; ///< valid if `any`
    };

    /// Reports the frames whose replies are there; with `block` waits for the oldest first.
    Heard collect(TargetEvents& events, bool block);

private:
    struct Pending {
        xcb_get_geometry_cookie_t marker;
        uint32_t buffer;
        uint64_t serial;
    };

    XcbConnection& m_connection;
    xcb_window_t m_window;
    RefreshTimer m_timer;
    std::vector<Pending> m_pending; ///< in the order of presentation
};

} // namespace vwsi
