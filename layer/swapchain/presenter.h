#pragma once

#include "core/clock.h"
#include "core/host_allocator.h"
#include "surface/target.h"
#include "swapchain/completion_waiter.h"
#include "swapchain/damage_region.h"
#include "swapchain/present_history.h"
#include "swapchain/present_schedule.h"

#include <atomic>
#include <cstdint>
#include <optional>
#include <pthread.h>
#include <vulkan/vulkan.h>

namespace vwsi {

class Swapchain;

/// A frame between vkQueuePresentKHR and the target.
struct PendingFrame {
    uint32_t image = 0;
    SubmissionFence* fence = nullptr;
    Nanoseconds submitted = 0;
    VkPresentModeKHR mode = VK_PRESENT_MODE_FIFO_KHR;
    DamageRegion damage;               ///< changed since the last frame
    std::optional<FrameRegion> region; ///< VkDisplayPresentInfoKHR
    DamageRegion stale;                ///< CopyMode::Staged: what the target's buffer of this image lacks
    FrameNotes notes;
    bool unasked = false; ///< a refresh of a shared image without a present
};

/// The thread of a swapchain that waits for copies, paces frames and hands them to the target.
///
/// Frames go out in the order of their presents. In MAILBOX, one that a later complete frame supersedes before its turn
/// is dropped.
class Presenter final : private TargetEvents {
public:
    Presenter(Swapchain& swapchain, Device& device, CopyEngine& engine, PresentRecords& records)
        : m_swapchain(swapchain), m_waiter(device, engine), m_records(records), m_history(records)
    {
    }
    ~Presenter();
    Presenter(const Presenter&) = delete;
    Presenter& operator=(const Presenter&) = delete;

    /// Starts the thread. `imageCount` bounds the number of frames under way.
    VkResult start(HostAllocator& allocator, uint32_t imageCount);
    /// Ends the thread at its next step; frames that have not been handed over are dropped.
    void stop();
    bool running() const { return m_running; }

    /// Takes a frame; called with the swapchain's mutex held.
    void push(const PendingFrame& frame);
    /// Takes a present of the shared image, whose copy is still to be made; called with the swapchain's mutex held.
    void pushShared(const PendingFrame& frame);
    /// Wakes the thread for a pushed frame; called without the mutex.
    void wake();

private:
    enum class Stage { GpuWait, Pacing };

    static void* threadMain(void* self);
    void run();
    void step();
    /// Makes the oldest queued frame the current one; false when there is none.
    bool takeFrame();
    /// Looks at the next queued frame without taking it; false when there is none.
    bool peekFrame(PendingFrame* frame);
    /// VK_KHR_shared_presentable_image: copies the image when a present or the mode wants that and its turn has come.
    void stepShared();
    /// Submits the copy for `m_latest` and makes it the current frame. VK_NOT_READY when no place for it is free,
    /// VK_TIMEOUT when the queue is in use.
    VkResult startSharedCopy();
    void stepGpuWait();
    VkPresentModeKHR pacing(VkPresentModeKHR mode) const;
    void stepPacing();
    void handOver();
    /// Lets the target handle its events until `deadline`, or until woken.
    void waitUntil(Nanoseconds deadline);
    /// Empties the descriptor that wake() makes readable.
    void drainWake();
    /// The GPU was done with the current frame at `when`.
    void gpuDone(Nanoseconds when);
    /// Sees whether the GPU is done with the next queued frame, if somebody will ask when. Returns when to look again.
    Nanoseconds watchNext(Nanoseconds now);
    /// The target sees to the frame's time.
    bool leftToTarget(const PendingFrame& frame, Nanoseconds now) const;
    /// The moment from which a frame may be handed over for its wish; 0: at once.
    Nanoseconds wishedHandOver(const PendingFrame& frame, Nanoseconds now);
    /// A later frame may, when complete, take the place of the current one, whose turn it is if `due`.
    bool mayReplace(const PendingFrame& later, bool due, Nanoseconds now);
    /// Copies the current frame into its buffer of the target, once.
    void copyToTarget();
    void drop(const PendingFrame& frame);
    /// Latches an error and gives up all frames.
    void fail(VkResult result);

    void bufferIdle(uint32_t index) override;
    void framePresented(uint64_t serial, Nanoseconds when) override;
    void refreshKnown(Nanoseconds interval, bool latched) override;

    Swapchain& m_swapchain;
    CompletionWaiter m_waiter;
    PresentRecords& m_records;
    PresentHistory m_history;
    PresentSchedule m_schedule;
    pthread_t m_thread{};
    int m_wake = -1;
    bool m_running = false;
    std::atomic<bool> m_stop{false};

    // Shared with the application's threads under the swapchain's mutex.
    HostArray<PendingFrame> m_ring;
    size_t m_first = 0;
    size_t m_queued = 0;

    // The thread's own.
    PendingFrame m_current;
    bool m_hasCurrent = false;
    Stage m_stage = Stage::GpuWait;
    bool m_copied = false;
    bool m_hurried = false;    ///< the current frame's mode is IMMEDIATE because the swapchain is retired
    PendingFrame m_latest;     ///< the shared image's latest present
    bool m_copyWanted = false; ///< it has not been copied since
    bool m_continuous = false; ///< it is copied at every refresh
    bool m_failed = false;
    Nanoseconds m_nextDone = 0; ///< the GPU was done with the first queued frame; 0: not that we know
    uint64_t m_handedOver = 0;
    Placement m_shownPlacement; ///< of the last frame that was handed over
};

} // namespace vwsi
