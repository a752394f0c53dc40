#pragma once

#include "core/clock.h"
#include "swapchain/present_ids.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vulkan/vulkan.h>

namespace vwsi {

/// What the application wants to learn of one frame.
struct FrameNotes {
    uint64_t presentId = 0; ///< VK_KHR_present_id, VK_KHR_present_id2; 0: none
};

/// What became of a swapchain's frames, from the presenter's point of view: the notes of those that the target has
/// taken over, until it reports them. Presenter thread only.
class PresentHistory {
public:
    explicit PresentHistory(PresentIds& ids) : m_ids(ids) {}

    /// The frame goes to the target as number `serial`; reports of it may arrive from now on.
    void handedOver(uint64_t serial, const FrameNotes& notes);
    /// The target has refused the frame that was handed over last.
    void refused(uint64_t serial);
    /// Another frame takes the place of this one, which the target has never seen.
    void superseded(const FrameNotes& notes);
    /// Frame `serial` was shown at `when`, or 0: discarded unseen.
    void reported(uint64_t serial, Nanoseconds when);
    /// The target says nothing more. Frames that it has taken over may have been shown.
    void close();

private:
    struct Frame {
        uint64_t serial = 0;
        FrameNotes notes;
        bool over = false; ///< reported
    };

    /// More than any target leaves unreported; beyond, the oldest counts as discarded.
    static constexpr size_t kFrames = 64;

    Frame& at(size_t i) { return m_frames[(m_first + i) % kFrames]; }
    void dropFinished();

    PresentIds& m_ids;
    std::array<Frame, kFrames> m_frames; ///< ring, in the order of serials
    size_t m_first = 0;
    size_t m_count = 0;
    uint64_t m_supersededId = 0; ///< reached together with the next frame
};

} // namespace vwsi
