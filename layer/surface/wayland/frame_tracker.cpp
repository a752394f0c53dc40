#include "surface/wayland/frame_tracker.h"

#include "core/clock_conversion.h"
#include "core/log.h"

#include <algorithm>

namespace vwsi {

FrameTracker::FrameTracker(WrapperPtr<wp_presentation> presentation, clockid_t clock)
    : m_presentation(std::move(presentation)), m_clock(clock)
{
    for (Entry& entry : m_entries) {
        entry.tracker = this;
        entry.reported = true;
    }
}

void FrameTracker::report(Entry& entry, Nanoseconds when)
{
    entry.feedback.reset();
    if (entry.reported)
        return;
    entry.reported = true;
    if (m_events)
        m_events->framePresented(entry.serial, when);
}

void FrameTracker::onCallback(void* data, wl_callback*, uint32_t)
{
    auto& entry = *static_cast<Entry*>(data);
    FrameTracker& tracker = *entry.tracker;
    entry.callback.reset();
    tracker.m_hidden = false;
    tracker.m_lastCallback = monotonicNow();
    if (entry.feedback)
        return;
    // Without wp_presentation this is the best news there is. A frame that replaced this one meanwhile has no
    // callback of its own; it comes with the next refresh.
    const Nanoseconds now = tracker.m_lastCallback;
    tracker.report(entry, now);
    for (Entry& other : tracker.m_entries) {
        if (!other.reported && !other.callback && !other.feedback)
            other.shownAt = std::max(now, other.since) + kAssumedRefresh;
    }
}

void FrameTracker::onPresented(void* data, PresentationFeedback*, uint32_t secondsHigh, uint32_t secondsLow,
                               uint32_t nanoseconds, uint32_t refresh, uint32_t, uint32_t, uint32_t)
{
    auto& entry = *static_cast<Entry*>(data);
    FrameTracker& tracker = *entry.tracker;
    const uint64_t seconds = static_cast<uint64_t>(secondsHigh) << 32 | secondsLow;
    if (refresh)
        tracker.m_refresh = refresh;
    tracker.m_hidden = false;
    if (refresh != tracker.m_toldRefresh && tracker.m_events)
        tracker.m_events->refreshKnown(refresh, true);
    tracker.m_toldRefresh = refresh;
    tracker.report(entry, toMonotonic(seconds * 1'000'000'000 + nanoseconds, tracker.m_clock));
}

void FrameTracker::onDiscarded(void* data, PresentationFeedback*)
{
    auto& entry = *static_cast<Entry*>(data);
    entry.tracker->report(entry, 0);
}

FrameTracker::Entry& FrameTracker::freeEntry()
{
    const auto free = std::ranges::find_if(m_entries, [](const Entry& entry) { return !entry.busy(); });
    if (free != m_entries.end())
        return *free;
    Entry& oldest = *std::ranges::min_element(m_entries, {}, &Entry::order);
    oldest.callback.reset();
    report(oldest, 0);
    return oldest;
}

Nanoseconds FrameTracker::oldestCallback() const
{
    Nanoseconds oldest = kForever;
    for (const Entry& entry : m_entries) {
        if (entry.callback)
            oldest = std::min(oldest, entry.since);
    }
    return oldest;
}

unsigned FrameTracker::callbacks() const
{
    return static_cast<unsigned>(
        std::ranges::count_if(m_entries, [](const Entry& entry) { return entry.callback != nullptr; }));
}

void FrameTracker::track(wl_surface* surface, uint64_t serial, bool paced, Nanoseconds notBefore)
{
    const Nanoseconds now = monotonicNow();
    const Nanoseconds oldest = oldestCallback();
    if (oldest <= now && now - oldest >= kHiddenAfter && !m_hidden) {
        m_hidden = true;
        VWSI_DEBUG("wayland: no frame callback for %llu ms, taking the window for hidden",
                   static_cast<unsigned long long>(kHiddenAfter / 1'000'000));
    }

    for (Entry& entry : m_entries) {
        // Nothing more is to be heard of these, and they are about to be replaced.
        if (!entry.reported && !entry.callback && !entry.feedback)
            report(entry, 0);
    }

    Entry& entry = freeEntry();
    entry.serial = serial;
    entry.order = ++m_order;
    entry.since = std::max(now, notBefore);
    entry.shownAt = kForever;
    entry.reported = false;
    m_lastCommit = now;

    // A hidden window's callback stays away; one that waits for the window to be seen again is enough.
    const unsigned limit = paced && !m_hidden ? kQueued : 1;
    if ((paced || !m_presentation) && callbacks() < limit) {
        static constexpr wl_callback_listener kListener = {.done = onCallback};
        entry.callback.reset(wl_surface_frame(surface));
        if (entry.callback)
            wl_callback_add_listener(entry.callback.get(), &kListener, &entry);
    }
    if (m_presentation) {
        static constexpr wp_presentation_feedback_listener kListener = {
            .sync_output = [](void*, PresentationFeedback*, wl_output*) {},
            .presented = onPresented,
            .discarded = onDiscarded,
        };
        entry.feedback.reset(wp_presentation_feedback(m_presentation.get(), surface));
        if (entry.feedback)
            wp_presentation_feedback_add_listener(entry.feedback.get(), &kListener, &entry);
    }
}

Nanoseconds FrameTracker::readyAt(bool queued) const
{
    const unsigned waiting = callbacks();
    if (waiting == 0 || (!m_hidden && waiting < (queued ? kQueued : 1)))
        return 0;
    const Nanoseconds ready = m_hidden ? m_lastCommit + kHiddenPace : oldestCallback() + kHiddenAfter;
    return ready <= monotonicNow() ? 0 : ready;
}

bool FrameTracker::late() const
{
    return m_lastCallback && callbacks() == 0 && monotonicNow() > m_lastCallback + m_refresh;
}

Nanoseconds FrameTracker::nextExpiry() const
{
    Nanoseconds next = kForever;
    for (const Entry& entry : m_entries) {
        if (!entry.reported)
            next = std::min({next, entry.since + patience(), entry.shownAt});
    }
    return next;
}

void FrameTracker::expire(Nanoseconds now)
{
    const Nanoseconds limit = patience();
    for (Entry& entry : m_entries) {
        if (!entry.reported && now >= entry.shownAt) {
            report(entry, entry.shownAt);
        } else if (!entry.reported && now >= entry.since + limit) {
            m_hidden = true;
            report(entry, 0);
        }
    }
}

} // namespace vwsi
