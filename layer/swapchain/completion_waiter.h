#pragma once

#include "core/clock.h"
#include "core/settings.h"

#include <cstdint>
#include <vulkan/vulkan.h>

namespace vwsi {

class CopyEngine;
class Device;
struct SubmissionFence;

/// Finds out that the GPU has finished a frame's copy, in steps that never block for long.
///
/// Fast path: the word in host memory that the copy's command buffer writes last; a wait on the fence of the same
/// submission can take a hundred times as long where fences are polled by the host. Fallback: the fence, where host
/// memory is not coherent, where the user asked for it, or where the word turned out not to arrive.
class CompletionWaiter {
public:
    CompletionWaiter(Device& device, CopyEngine& engine);

    enum class Status { Done, Pending, Lost };

    /// A frame on its way.
    struct Frame {
        uint32_t image;
        SubmissionFence* fence;
        Nanoseconds submitted;
        bool patient = false; ///< nobody asked for this frame; it may stand behind work that is not to run yet
    };

    /// Looks once; in fence mode waits up to a millisecond if `mayWait`. Lost: the device is gone, or the copy did not
    /// complete within the configured time; the reason has been logged.
    Status poll(const Frame& frame, bool mayWait = true);

    /// How long to sleep before looking again: short around the time that frames took lately.
    Nanoseconds pause(const Frame& frame) const;

    CompletionMode mode() const { return m_mode; }

private:
    Status pollFence(const Frame& frame, Nanoseconds patience);
    Status done(const Frame& frame);
    /// The time that a frame may take is up.
    bool patienceEnds(const Frame& frame);

    Device& m_device;
    CopyEngine& m_engine;
    CompletionMode m_mode;
    Nanoseconds m_typical = 0; ///< running mean of the time from submission to completion
    uint64_t m_nextFenceLook = 0;
    uint32_t m_missedWords = 0;
    Nanoseconds m_waitedFor = 0; ///< Frame::submitted of the frame that the next two are about
    Nanoseconds m_waited = 0;
    Nanoseconds m_lastLook = 0;
};

} // namespace vwsi
