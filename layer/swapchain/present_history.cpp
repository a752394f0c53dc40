#include "swapchain/present_history.h"

#include <algorithm>

namespace vwsi {

void PresentHistory::handedOver(uint64_t serial, const FrameNotes& notes)
{
    if (m_count == kFrames) {
        finish(at(0), 0, 0);
        dropFinished();
    }
    Frame& frame = at(m_count++);
    frame = {serial, notes, false};
    // A wait for a replaced frame ends no later than one for the frame that replaced it (vkWaitForPresentKHR).
    frame.notes.presentId = std::max(notes.presentId, m_supersededId);
    m_supersededId = 0;
}

void PresentHistory::refused(uint64_t serial)
{
    if (m_count == 0 || at(m_count - 1).serial != serial)
        return;
    finish(at(m_count - 1), 0, 0);
    --m_count;
}

void PresentHistory::superseded(const FrameNotes& notes)
{
    m_supersededId = std::max(m_supersededId, notes.presentId);
    dropped(notes);
}

void PresentHistory::dropped(const FrameNotes& notes)
{
    if (notes.result)
        m_records.results.finish(notes.result, notes.times);
}

void PresentHistory::finish(Frame& frame, Nanoseconds visible, Nanoseconds latch)
{
    if (frame.over)
        return;
    frame.over = true;
    FrameTimes& times = frame.notes.times;
    // The moment of a refresh may lie before the frame that it is reported for.
    times.visible = visible ? std::max(visible, times.dequeued) : 0;
    if (frame.notes.result)
        m_records.results.finish(frame.notes.result, times);
    // Of frames that nobody saw VK_GOOGLE_display_timing says nothing.
    if (frame.notes.listed && visible)
        m_records.displayTimings.add(frame.notes, latch);
}

void PresentHistory::reported(uint64_t serial, Nanoseconds when, Nanoseconds latch)
{
    for (size_t i = 0; i < m_count; ++i) {
        Frame& frame = at(i);
        if (frame.serial != serial)
            continue;
        finish(frame, when, latch);
        // Once a frame is visible, those before it are or never will be. One that was discarded says nothing of them.
        if (when != 0)
            m_records.ids.reached(frame.notes.presentId);
        break;
    }
    dropFinished();
}

void PresentHistory::dropFinished()
{
    while (m_count > 0 && at(0).over) {
        m_records.ids.reached(at(0).notes.presentId);
        m_first = (m_first + 1) % kFrames;
        --m_count;
    }
}

void PresentHistory::close(bool shown)
{
    for (size_t i = 0; i < m_count; ++i)
        finish(at(i), 0, 0);
    if (shown)
        dropFinished();
    m_count = 0;
}

} // namespace vwsi
