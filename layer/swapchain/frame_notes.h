#pragma once

#include "core/clock.h"

#include <cstdint>

namespace vwsi {

/// When the application would like a frame to become visible.
struct PresentWish {
    Nanoseconds time = 0;  ///< a moment of CLOCK_MONOTONIC, or if `relative` a duration; 0: no wish
    bool relative = false; ///< counted from the moment at which the frame before became visible
    bool nearest = false;  ///< up to half a refresh earlier is welcome
};

/// Moments of a frame's way on CLOCK_MONOTONIC; 0: not reached, or nobody can tell.
struct FrameTimes {
    Nanoseconds queueEnd = 0; ///< the GPU has done all that the present asked of it
    Nanoseconds free = 0;     ///< the target would have taken it, but the application wished it later
    Nanoseconds dequeued = 0; ///< the target took it over
    Nanoseconds visible = 0;  ///< the window system shows it
};

/// What the application wants of one frame and wants to learn of it.
struct FrameNotes {
    uint64_t presentId = 0; ///< VK_KHR_present_id, VK_KHR_present_id2; 0: none
    PresentWish wish;
    uint64_t result = 0;        ///< VK_EXT_present_timing: slot in TimingResults; 0: none
    bool listed = false;        ///< VK_GOOGLE_display_timing: goes into the list of past presents
    uint32_t listedId = 0;      ///< its presentID there
    Nanoseconds listedWish = 0; ///< its desiredPresentTime there
    FrameTimes times;

    /// Somebody will ask when what happened.
    bool timed() const { return result != 0 || listed; }
};

} // namespace vwsi
