#pragma once

#include "surface/target.h"
#include "surface/wayland/wayland_client.h"

#include <array>

namespace vwsi {

/// What became of the frames that were committed: paces the next ones by frame callbacks, and tells when each
/// was shown.
///
/// A compositor stops sending frame callbacks and presentation feedback for a window that nobody can see.
/// After kHiddenAfter without a word the window counts as hidden: frames then go on at kHiddenPace, and those
/// not heard of count as discarded, so that an application that waits for its frames lives on. The next
/// callback ends that state.
class FrameTracker {
public:
    static constexpr Nanoseconds kHiddenAfter = 500'000'000;
    static constexpr Nanoseconds kHiddenPace = 100'000'000;

    /// `presentation` is a wrapper on the target's queue, or null where the compositor doesn't offer it; its
    /// times are of `clock`.
    FrameTracker(WrapperPtr<wp_presentation> presentation, clockid_t clock);
    FrameTracker(const FrameTracker&) = delete;
    FrameTracker& operator=(const FrameTracker&) = delete;

    void setEvents(TargetEvents* events) { m_events = events; }

    /// Asks for news of frame `serial`, to go with the next commit of `surface`. `paced`: the frame after it
    /// depends on them. `notBefore`: the moment from which it may be shown, if that lies ahead.
    void track(wl_surface* surface, uint64_t serial, bool paced, Nanoseconds notBefore);

    /// When a frame that must not push out the one before it may be committed. `queued`: the compositor keeps
    /// such frames in order itself, and only a hidden window is paced here.
    Nanoseconds readyAt(bool queued) const;

    /// The last frame has been shown for a refresh already, so that a frame of FIFO_RELAXED waits no longer.
    bool late() const;

    /// The next moment at which expire() has something to do.
    Nanoseconds nextExpiry() const;

    /// Gives up frames that were not heard of for too long.
    void expire(Nanoseconds now);

    bool hidden() const { return m_hidden; }

private:
    /// One frame that something is still to be heard of.
    struct Entry {
        FrameTracker* tracker = nullptr;
        uint64_t serial = 0;
        uint64_t order = 0;
        Nanoseconds since = 0;          ///< from when on news are expected
        Nanoseconds shownAt = kForever; ///< estimate, for a frame that nothing will be heard of
        bool reported = false;
        ProxyPtr<wl_callback> callback;
        ProxyPtr<PresentationFeedback> feedback;

        bool busy() const { return callback || !reported; }
    };

    static constexpr Nanoseconds kAssumedRefresh = 16'666'667;
    /// More than swapchains have images; frames beyond that are given up, the oldest first.
    static constexpr size_t kEntries = 32;
    /// Frames that a compositor with a queue of its own is given ahead: one that it is about to show, and one
    /// so that it never misses a refresh. More would only make each of them late.
    static constexpr unsigned kQueued = 2;

    static void onCallback(void* data, wl_callback*, uint32_t);
    static void onPresented(void* data, PresentationFeedback*, uint32_t secondsHigh, uint32_t secondsLow,
                            uint32_t nanoseconds, uint32_t refresh, uint32_t sequenceHigh, uint32_t sequenceLow,
                            uint32_t flags);
    static void onDiscarded(void* data, PresentationFeedback*);

    Entry& freeEntry();
    void report(Entry& entry, Nanoseconds when);
    Nanoseconds patience() const { return m_hidden ? kHiddenPace : kHiddenAfter; }
    unsigned callbacks() const;
    Nanoseconds oldestCallback() const;

    WrapperPtr<wp_presentation> m_presentation;
    clockid_t m_clock;
    TargetEvents* m_events = nullptr;
    std::array<Entry, kEntries> m_entries;
    uint64_t m_order = 0;
    Nanoseconds m_lastCommit = 0;
    Nanoseconds m_lastCallback = 0; ///< when the compositor last took a frame for a refresh; 0: not yet
    Nanoseconds m_refresh = kAssumedRefresh;
    uint32_t m_toldRefresh = 0; ///< what the compositor said last of the refreshes; 0: nothing, or not constant
    bool m_hidden = false;
};

} // namespace vwsi
