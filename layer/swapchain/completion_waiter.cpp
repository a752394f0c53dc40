#include "swapchain/completion_waiter.h"

#include "core/device.h"
#include "core/log.h"
#include "swapchain/copy_engine.h"

#include <algorithm>

namespace vwsi {

namespace {

constexpr Nanoseconds kShortestPause = 5'000;
constexpr Nanoseconds kLongestPause = 500'000;
/// How long one wait on a fence may keep the presenter from other events.
constexpr Nanoseconds kFenceSlice = 1'000'000;
/// From this age on the fence is asked, too: the word may never come.
constexpr Nanoseconds kFenceLookAfter = 20'000'000;
constexpr Nanoseconds kFenceLookEvery = 10'000'000;
/// A frame counts as stuck after no fewer looks than these.
constexpr uint32_t kLooksBeforeLoss = 8;
/// Words that stay away although their fence has signalled, before the fast path is given up.
constexpr uint32_t kMissedWordsAllowed = 3;

} // namespace

CompletionWaiter::CompletionWaiter(Device& device, CopyEngine& engine)
    : m_device(device), m_engine(engine), m_mode(settings().completion)
{
}

CompletionWaiter::Status CompletionWaiter::done(const Frame& frame)
{
    const Nanoseconds took = monotonicNow() - frame.submitted;
    m_typical = m_typical ? (m_typical * 7 + took) / 8 : took;
    m_nextFenceLook = 0;
    return Status::Done;
}

CompletionWaiter::Status CompletionWaiter::poll(const Frame& frame, bool mayWait)
{
    if (m_mode == CompletionMode::Word && !m_engine.wordUsable()) {
        VWSI_INFO("host memory is not coherent; waiting for fences");
        m_mode = CompletionMode::Fence;
    }
    if (m_mode == CompletionMode::Fence)
        return pollFence(frame, mayWait ? kFenceSlice : 0);

    if (m_engine.wordWritten(frame.image))
        return done(frame);
    const Nanoseconds now = monotonicNow();
    if (now < frame.submitted + kFenceLookAfter || now < m_nextFenceLook)
        return Status::Pending;
    m_nextFenceLook = now + kFenceLookEvery;
    const Status status = pollFence(frame, 0);
    if (status == Status::Done && !m_engine.wordWritten(frame.image) && ++m_missedWords == kMissedWordsAllowed) {
        VWSI_WARN("completion words do not arrive in host memory; waiting for fences instead");
        m_mode = CompletionMode::Fence;
    }
    return status;
}

CompletionWaiter::Status CompletionWaiter::pollFence(const Frame& frame, Nanoseconds patience)
{
    const DeviceDispatch& next = m_device.next();
    const VkFence fence = frame.fence->fence;
    const VkResult result = patience ? next.WaitForFences(m_device.handle(), 1, &fence, VK_TRUE, patience)
                                     : next.GetFenceStatus(m_device.handle(), fence);
    if (result == VK_SUCCESS)
        return done(frame);
    if (result == VK_ERROR_DEVICE_LOST) {
        VWSI_ERROR("the device was lost while a frame was copied; see the host's log (renderer, MoltenVK)");
        return Status::Lost;
    }
    if (frame.patient || !patienceEnds(frame))
        return Status::Pending;
    VWSI_ERROR("the GPU did not finish the copy of swapchain image %u within %llu ms; the host is stuck or a semaphore "
               "that the present waits for is never signalled (VENUS_WSI_TIMEOUT_MS sets the limit)",
               frame.image, static_cast<unsigned long long>(m_waited / 1'000'000));
    return Status::Lost;
}

bool CompletionWaiter::patienceEnds(const Frame& frame)
{
    const Nanoseconds limit = settings().stuckTimeoutNs;
    const Nanoseconds now = monotonicNow();
    if (m_waitedFor != frame.submitted) {
        m_waitedFor = frame.submitted;
        m_waited = 0;
        m_lastLook = frame.submitted;
    }
    // Where the clock has leapt, the process or the machine was stopped, and the GPU perhaps as well.
    m_waited += std::min(now - m_lastLook, limit / kLooksBeforeLoss);
    m_lastLook = now;
    return m_waited >= limit;
}

Nanoseconds CompletionWaiter::pause(const Frame& frame) const
{
    if (m_mode == CompletionMode::Fence)
        return 0;
    const Nanoseconds age = monotonicNow() - frame.submitted;
    // Well before the usual time there is nothing to see; from then on look often, and back off when it takes longer.
    if (age < m_typical / 4 * 3)
        return std::clamp(m_typical / 4 * 3 - age, kShortestPause, kLongestPause);
    return std::clamp((age - m_typical / 4 * 3) / 4, kShortestPause, kLongestPause);
}

} // namespace vwsi
