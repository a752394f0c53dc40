#pragma once

#include "swapchain/frame_notes.h"
#include "swapchain/present_records.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vulkan/vulkan.h>

namespace vwsi {

/// What became of a swapchain's frames, from the presenter's point of view: the notes of those that the target has
/// taken over, until it reports them. Presenter thread only.
class PresentHistory {
public:
    explicit PresentHistory(PresentRecords& records) : m_records(records) {}

    /// The frame goes to the target as number `serial`; reports of it may arrive from now on.
    void handedOver(uint64_t serial, const FrameNotes& notes);
    /// The target has refused the frame that was handed over last.
    void refused(uint64_t serial);
    /// Another frame takes the place of this one, which the target has never seen.
    void superseded(const FrameNotes& notes);
    /// A frame that the target has never seen goes nowhere.
    void dropped(const FrameNotes& notes);
    /// Frame `serial` was shown at `when`, or 0: discarded unseen. `latch`: the interval of the refreshes that alone
    /// make frames visible, else 0.
    void reported(uint64_t serial, Nanoseconds when, Nanoseconds latch);
    /// The target says nothing more. `shown`: what it has taken over may have been seen.
    void close(bool shown);

private:
    struct Frame {
        uint64_t serial = 0;
        FrameNotes notes;
        bool over = false; ///< reported
    };

    /// More than any target leaves unreported; beyond, the oldest counts as discarded.
    static constexpr size_t kFrames = 64;

    Frame& at(size_t i) { return m_frames[(m_first + i) % kFrames]; }
    void finish(Frame& frame, Nanoseconds visible, Nanoseconds latch);
    void dropFinished();

    PresentRecords& m_records;
    std::array<Frame, kFrames> m_frames; ///< ring, in the order of serials
    size_t m_first = 0;
    size_t m_count = 0;
    uint64_t m_supersededId = 0; ///< reached together with the next frame
};

} // namespace vwsi
