#include "swapchain/present_history.h"

#include <algorithm>

namespace vwsi {

void PresentHistory::handedOver(uint64_t serial, const FrameNotes& notes)
{
    if (m_count == kFrames) {
        at(0).over = true;
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
    if (m_count > 0 && at(m_count - 1).serial == serial)
        --m_count;
}

void PresentHistory::superseded(const FrameNotes& notes)
{
    m_supersededId = std::max(m_supersededId, notes.presentId);
}

void PresentHistory::reported(uint64_t serial, Nanoseconds when)
{
    for (size_t i = 0; i < m_count; ++i) {
        Frame& frame = at(i);
        if (frame.serial != serial)
            continue;
        frame.over = true;
        // Once a frame is visible, those before it are or never will be. One that was discarded says nothing of them.
        if (when != 0)
            m_ids.reached(frame.notes.presentId);
        break;
    }
    dropFinished();
}

void PresentHistory::dropFinished()
{
    while (m_count > 0 && at(0).over) {
        m_ids.reached(at(0).notes.presentId);
        m_first = (m_first + 1) % kFrames;
        --m_count;
    }
}

void PresentHistory::close()
{
    for (size_t i = 0; i < m_count; ++i)
        at(i).over = true;
    dropFinished();
}

} // namespace vwsi
