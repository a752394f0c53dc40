#pragma once

#include "surface/target.h"
#include "surface/xcb/xcb_buffer.h"

#include <span>
#include <vector>

namespace vwsi {

/// Shows frames by the Present extension, which paces them by the output's own refreshes.
class PresentPacer {
public:
    PresentPacer(XcbConnection& connection, xcb_window_t window);
    ~PresentPacer();
    PresentPacer(const PresentPacer&) = delete;
    PresentPacer& operator=(const PresentPacer&) = delete;

    void reserve(uint32_t buffers) { m_queued.reserve(2u * buffers); }
    /// What is assumed of the output's refreshes until they are measured.
    void setRefresh(Nanoseconds interval) { m_interval = interval; }
    /// True while a frame waits for its refresh: what is shown by other means now would be overtaken by it.
    bool waiting() const { return m_waiting > 0; }
    bool idle() const { return m_queued.empty() && m_reading == 0; }
    Nanoseconds readyAt(VkPresentModeKHR mode) const;
    void show(const XcbBuffer& buffer, const Frame& frame, xcb_xfixes_region_t region);

    /// libxcb's queue of this pacer's events; null on a private connection, where they come with all others.
    xcb_special_event_t* specialQueue() const { return m_special; }

    /// What an event says beside the frames it reports.
    struct Heard {
        bool any = false;
        bool windowLost = false;
        bool resized = false;
        VkExtent2D windowExtent{}; ///< valid if `resized`
    };

    /// Handles a generic event of Present's. Every client that asks for a window's events gets those of all
    /// who present to it, other targets included. `bufferOf` gives the index of a pixmap, or -1 when it is
    /// another's.
    template <typename BufferOf>
    Heard handle(const xcb_present_generic_event_t& event, TargetEvents& events, BufferOf&& bufferOf)
    {
        if (event.event != m_eventId)
            return {};
        if (event.evtype != XCB_PRESENT_EVENT_IDLE_NOTIFY)
            return handleOther(event, events);
        const int buffer = bufferOf(reinterpret_cast<const xcb_present_idle_notify_event_t&>(event).pixmap);
        if (buffer < 0)
            return {};
        --m_reading;
        events.bufferIdle(static_cast<uint32_t>(buffer));
        return {.any = true};
    }

private:
    struct Queued {
        uint64_t serial;
        bool paced;
    };

    Heard handleOther(const xcb_present_generic_event_t& event, TargetEvents& events);
    bool complete(const xcb_present_complete_notify_event_t& event, TargetEvents& events);
    void measure(uint64_t ust, uint64_t msc, TargetEvents& events);
    uint32_t wireSerial(uint64_t serial) const { return m_firstSerial + static_cast<uint32_t>(serial); }

    XcbConnection& m_connection;
    xcb_window_t m_window;
    xcb_present_event_t m_eventId;
    uint32_t m_firstSerial; ///< far from those of other targets, whose events come here too
    xcb_special_event_t* m_special = nullptr;
    std::vector<Queued> m_queued;
    uint32_t m_waiting = 0;     ///< paced frames in m_queued
    uint32_t m_reading = 0;     ///< pixmaps that the server has not given back
    uint64_t m_lastRefresh = 0; ///< MSC of the last frame shown
    uint64_t m_lastMoment = 0;  ///< UST of it
    Nanoseconds m_interval = 0; ///< of refreshes, as told last
    Nanoseconds m_measured = 0;
};

} // namespace vwsi
