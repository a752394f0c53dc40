#include "surface/xcb/present_pacer.h"

#include <algorithm>

namespace vwsi {

namespace {

/// Flag of ConfigureNotify's pixmap_flags (presentproto 1.2), which libxcb has no name for.
constexpr uint32_t kWindowDestroyed = 1u << 0;

/// Spreads the server's consecutive event identifiers over all serials (Knuth's multiplicative hash).
constexpr uint32_t kGoldenRatio = 2654435761;

constexpr Nanoseconds kPlausibleSkew = 1'000'000'000;

/// A server's UST is its own CLOCK_MONOTONIC in microseconds; a server elsewhere has another clock.
Nanoseconds momentOf(uint64_t ust)
{
    const Nanoseconds now = monotonicNow();
    const Nanoseconds when = ust * 1000;
    const Nanoseconds distance = when > now ? when - now : now - when;
    return distance <= kPlausibleSkew ? when : now;
}

} // namespace

PresentPacer::PresentPacer(XcbConnection& connection, xcb_window_t window)
    : m_connection(connection), m_window(window), m_eventId(connection.api().xcb_generate_id(connection.get())),
      m_firstSerial(m_eventId * kGoldenRatio)
{
    const XcbApi& api = connection.api();
    uint32_t mask = XCB_PRESENT_EVENT_MASK_COMPLETE_NOTIFY | XCB_PRESENT_EVENT_MASK_IDLE_NOTIFY;
    if (!connection.isPrivate()) {
        mask |= XCB_PRESENT_EVENT_MASK_CONFIGURE_NOTIFY;
        m_special = api.xcb_register_for_special_xge(connection.get(), api.presentId, m_eventId, nullptr);
    }
    connection.settle(api.xcb_present_select_input(connection.get(), m_eventId, window, mask));
}

PresentPacer::~PresentPacer()
{
    const XcbApi& api = m_connection.api();
    m_connection.settle(
        api.xcb_present_select_input(m_connection.get(), m_eventId, m_window, XCB_PRESENT_EVENT_MASK_NO_EVENT));
    if (m_special)
        api.xcb_unregister_for_special_event(m_connection.get(), m_special);
}

Nanoseconds PresentPacer::readyAt(VkPresentModeKHR) const
{
    // One frame waits for its refresh at a time; a later one of any mode would overtake or replace it.
    return m_waiting ? kForever : 0;
}

void PresentPacer::show(const XcbBuffer& buffer, const Frame& frame, xcb_xfixes_region_t region)
{
    const bool paced = frame.mode != VK_PRESENT_MODE_IMMEDIATE_KHR;
    // ASYNC shows a frame whose refresh has passed at once.
    const bool late = !paced || frame.mode == VK_PRESENT_MODE_FIFO_RELAXED_KHR;
    const uint64_t refresh = paced && m_lastRefresh ? m_lastRefresh + 1 : 0;
    // A pixmap that frames are uploaded to has what changed in its own frames only, and a server that flips would show
    // the rest of it as well.
    const xcb_xfixes_region_t valid = buffer.transport() == XcbBuffer::Transport::SharedPixmap ? XCB_NONE : region;
    m_queued.push_back({frame.serial, paced});
    m_waiting += paced;
    ++m_reading;
    m_connection.settle(m_connection.api().xcb_present_pixmap(
        m_connection.get(), m_window, buffer.pixmap(), wireSerial(frame.serial), valid, region, 0, 0, XCB_NONE,
        XCB_NONE, XCB_NONE, late ? XCB_PRESENT_OPTION_ASYNC : XCB_PRESENT_OPTION_NONE, refresh, 0, 0, 0, nullptr));
}

PresentPacer::Heard PresentPacer::handleOther(const xcb_present_generic_event_t& event, TargetEvents& events)
{
    Heard heard;
    if (event.evtype == XCB_PRESENT_EVENT_COMPLETE_NOTIFY) {
        heard.any = complete(reinterpret_cast<const xcb_present_complete_notify_event_t&>(event), events);
    } else if (event.evtype == XCB_PRESENT_EVENT_CONFIGURE_NOTIFY) {
        const auto& configure = reinterpret_cast<const xcb_present_configure_notify_event_t&>(event);
        heard.any = true;
        heard.windowLost = configure.pixmap_flags & kWindowDestroyed;
        heard.resized = true;
        heard.windowExtent = {configure.width, configure.height};
    }
    return heard;
}

void PresentPacer::measure(uint64_t ust, uint64_t msc, TargetEvents& events)
{
    constexpr uint64_t kLongest = 64; ///< refreshes in which the rate may have changed unseen
    if (m_lastRefresh && msc > m_lastRefresh && msc - m_lastRefresh <= kLongest && ust > m_lastMoment) {
        const Nanoseconds interval = (ust - m_lastMoment) * 1000 / (msc - m_lastRefresh);
        m_measured = m_measured ? (m_measured * 7 + interval) / 8 : interval;
        const Nanoseconds off = m_measured > m_interval ? m_measured - m_interval : m_interval - m_measured;
        if (off > m_interval / 50) {
            m_interval = m_measured;
            events.refreshKnown(m_interval, true);
        }
    }
    m_lastRefresh = msc;
    m_lastMoment = ust;
}

bool PresentPacer::complete(const xcb_present_complete_notify_event_t& event, TargetEvents& events)
{
    if (event.kind != XCB_PRESENT_COMPLETE_KIND_PIXMAP)
        return false;
    const auto found = std::find_if(m_queued.begin(), m_queued.end(),
                                    [&](const Queued& queued) { return wireSerial(queued.serial) == event.serial; });
    if (found == m_queued.end())
        return false;
    const uint64_t serial = found->serial;
    m_waiting -= found->paced;
    m_queued.erase(found);
    measure(event.ust, event.msc, events);
    events.framePresented(serial, event.mode == XCB_PRESENT_COMPLETE_MODE_SKIP ? 0 : momentOf(event.ust));
    return true;
}

} // namespace vwsi
