#include "swapchain/presenter.h"

#include "core/device.h"
#include "core/log.h"
#include "core/thread.h"
#include "surface/present_mode_compatibility.h"
#include "swapchain/swapchain.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <utility>

namespace vwsi {

namespace {

/// Presents of a shared image that may be under way before the thread has seen them.
constexpr uint32_t kSharedPresents = 16;
/// How often to look whether the GPU is done with a frame that has to wait anyway; nothing depends on it but its
/// report.
constexpr Nanoseconds kWatchPause = 200'000;

} // namespace

Presenter::~Presenter()
{
    stop();
    if (m_wake >= 0)
        close(m_wake);
}

VkResult Presenter::start(HostAllocator& allocator, uint32_t imageCount)
{
    if (!m_ring.allocate(allocator, std::max(imageCount, m_swapchain.m_shared ? kSharedPresents : 0)))
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    m_wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (m_wake < 0) {
        VWSI_ERROR("no descriptor is left for a presenter thread (eventfd: %s); raise the limit of open files",
                   strerror(errno));
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    }
    m_swapchain.m_target->setEvents(this);

    if (!startThread(&m_thread, "venus-wsi", &threadMain, this))
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    m_running = true;
    return VK_SUCCESS;
}

void Presenter::stop()
{
    if (!m_running)
        return;
    m_stop.store(true, std::memory_order_release);
    wake();
    pthread_join(m_thread, nullptr);
    m_running = false;
}

void Presenter::push(const PendingFrame& frame)
{
    m_ring[(m_first + m_queued) % m_ring.size()] = frame;
    ++m_queued;
}

void Presenter::wake()
{
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(m_wake, &one, sizeof(one));
}

void* Presenter::threadMain(void* self)
{
    // The kernel may round sleeps up by 50 us, as long as a whole frame's copy.
    prctl(PR_SET_TIMERSLACK, 1);
    static_cast<Presenter*>(self)->run();
    return nullptr;
}

void Presenter::run()
{
    while (!m_stop.load(std::memory_order_acquire)) {
        try {
            step();
        } catch (...) {
            // Nothing but memory can run out here.
            fail(VK_ERROR_OUT_OF_HOST_MEMORY);
        }
    }
}

void Presenter::step()
{
    if (m_failed) {
        pollDescriptors(m_wake, -1, kForever);
        drainWake();
    } else if (!m_hasCurrent && m_swapchain.m_shared) {
        stepShared();
    } else if (!m_hasCurrent && !takeFrame()) {
        waitUntil(kForever);
    } else if (m_stage == Stage::GpuWait) {
        stepGpuWait();
    } else {
        stepPacing();
    }
}

bool Presenter::takeFrame()
{
    const std::lock_guard lock(m_swapchain.m_mutex);
    if (m_queued == 0)
        return false;
    m_current = m_ring[m_first];
    m_first = (m_first + 1) % m_ring.size();
    --m_queued;
    m_hasCurrent = true;
    m_stage = Stage::GpuWait;
    m_copied = false;
    if (m_nextDone)
        gpuDone(m_nextDone);
    m_nextDone = 0;
    // Nothing paces the last frames of a retired swapchain: its successor's are already on the way.
    m_hurried = m_swapchain.m_retired && m_current.mode != VK_PRESENT_MODE_IMMEDIATE_KHR;
    if (m_hurried)
        m_current.mode = VK_PRESENT_MODE_IMMEDIATE_KHR;
    return true;
}

bool Presenter::peekFrame(PendingFrame* frame)
{
    const std::lock_guard lock(m_swapchain.m_mutex);
    if (m_queued == 0)
        return false;
    *frame = m_ring[m_first];
    return true;
}

void Presenter::stepGpuWait()
{
    const CompletionWaiter::Frame frame{m_current.image, m_current.fence, m_current.submitted, m_current.unasked};
    switch (m_waiter.poll(frame)) {
    case CompletionWaiter::Status::Done:
        gpuDone(monotonicNow());
        break;
    case CompletionWaiter::Status::Pending: {
        const Nanoseconds pause = m_waiter.pause(frame);
        waitUntil(pause ? monotonicNow() + pause : 0);
        break;
    }
    case CompletionWaiter::Status::Lost:
        m_swapchain.m_device.setLost();
        fail(VK_ERROR_DEVICE_LOST);
        break;
    }
}

VkPresentModeKHR Presenter::pacing(VkPresentModeKHR mode) const
{
    return pacingOf(mode, m_swapchain.m_target->replacesFrames());
}

void Presenter::stepPacing()
{
    // A frame that may be dropped yet is copied late; all others are at once, ahead of their turn.
    const bool droppable = supersedes(m_current.mode, m_current.mode);
    if (!droppable)
        copyToTarget();
    const Nanoseconds now = monotonicNow();
    Nanoseconds turn = m_swapchain.m_target->readyAt(pacing(m_current.mode));
    const Nanoseconds wished = wishedHandOver(m_current, now);
    if (turn <= now && wished > now && m_current.notes.times.free == 0)
        m_current.notes.times.free = now;
    turn = std::max(turn, wished);
    // Of the frames that are complete the latest is shown, also when they became so together.
    if (PendingFrame later; droppable && peekFrame(&later) && mayReplace(later, turn <= now, now)) {
        const CompletionWaiter::Frame frame{later.image, later.fence, later.submitted};
        switch (m_waiter.poll(frame, turn > now)) {
        case CompletionWaiter::Status::Done:
            // The new frame's damage is relative to the one that nobody will see.
            later.damage = m_current.damage;
            m_history.superseded(m_current.notes);
            drop(m_current);
            if (takeFrame()) {
                m_current.damage.add(later.damage);
                gpuDone(now);
            }
            m_swapchain.m_device.fences().recycle();
            return;
        case CompletionWaiter::Status::Pending:
            turn = std::min(turn, now + std::max<Nanoseconds>(m_waiter.pause(frame), 1));
            break;
        case CompletionWaiter::Status::Lost:
            m_swapchain.m_device.setLost();
            fail(VK_ERROR_DEVICE_LOST);
            return;
        }
    }
    if (turn > now) {
        waitUntil(droppable ? turn : std::min(turn, watchNext(now)));
        return;
    }
    copyToTarget();
    handOver();
}

void Presenter::gpuDone(Nanoseconds when)
{
    m_stage = Stage::Pacing;
    FrameNotes& notes = m_current.notes;
    notes.times.queueEnd = when;
    if (notes.result)
        m_records.results.reach(notes.result, TimingResults::QueueOperationsEnd, when);
}

Nanoseconds Presenter::watchNext(Nanoseconds now)
{
    PendingFrame next;
    if (m_swapchain.m_shared || m_nextDone || !peekFrame(&next) || !next.notes.timed())
        return kForever;
    const CompletionWaiter::Frame frame{next.image, next.fence, next.submitted};
    const CompletionWaiter::Status status = m_waiter.poll(frame, false);
    if (status == CompletionWaiter::Status::Done)
        m_nextDone = monotonicNow();
    // A loss is noticed when it is that frame's turn.
    return status == CompletionWaiter::Status::Pending ? now + std::max(m_waiter.pause(frame), kWatchPause) : kForever;
}

bool Presenter::leftToTarget(const PendingFrame& frame, Nanoseconds now) const
{
    // A frame that waits in the target could not be replaced any more.
    return !supersedes(frame.mode, frame.mode) && frame.mode != VK_PRESENT_MODE_IMMEDIATE_KHR &&
           m_swapchain.m_target->keepsTime() && !m_schedule.waitsForReport(frame.notes.wish, now);
}

Nanoseconds Presenter::wishedHandOver(const PendingFrame& frame, Nanoseconds now)
{
    // These go out as fast as they come.
    if (frame.mode == VK_PRESENT_MODE_IMMEDIATE_KHR || frame.notes.wish.time == 0 || leftToTarget(frame, now))
        return 0;
    // A relaxed frame whose refresh has gone by is visible at once.
    const Nanoseconds moment = frame.mode == VK_PRESENT_MODE_FIFO_RELAXED_KHR
                                   ? m_schedule.visibleAt(frame.notes.wish, now)
                                   : m_schedule.handOverAt(frame.notes.wish, now);
    if (moment <= now)
        return 0;
    // Nothing holds up the last frames of a retired swapchain.
    const std::lock_guard lock(m_swapchain.m_mutex);
    return m_swapchain.m_retired ? 0 : moment;
}

bool Presenter::mayReplace(const PendingFrame& later, bool due, Nanoseconds now)
{
    if (!supersedes(later.mode, m_current.mode))
        return false;
    // With VK_PRESENT_MODE_FIFO_LATEST_READY_KHR frames leave the queue at a refresh, as far as their time has come.
    return later.mode == VK_PRESENT_MODE_MAILBOX_KHR ||
           (due && !later.notes.wish.relative && wishedHandOver(later, now) == 0);
}

void Presenter::copyToTarget()
{
    if (m_copied)
        return;
    m_swapchain.m_engine.copyToTarget(m_current.image, m_current.stale);
    m_copied = true;
}

void Presenter::handOver()
{
    SwapchainImage& image = m_swapchain.m_images[m_current.image];
    std::optional<VkHdrMetadataEXT> metadata;
    {
        const std::lock_guard lock(m_swapchain.m_mutex);
        image.state = ImageState::Shown;
        if (std::exchange(m_swapchain.m_hdrMetadataChanged, false))
            metadata = m_swapchain.m_hdrMetadata;
    }
    if (metadata)
        m_swapchain.m_target->setHdrMetadata(*metadata);
    Frame frame;
    frame.buffer = m_current.image;
    frame.serial = ++m_handedOver;
    // A hurried frame was not presented to tear.
    const bool replaces = m_hurried && m_swapchain.m_target->replacesFrames();
    frame.mode = replaces ? VK_PRESENT_MODE_MAILBOX_KHR : pacing(m_current.mode);
    const DamageRegion damage = m_swapchain.m_engine.shown(m_current.image, m_current.damage);
    // Against a frame of another size or place, or on a surface of another size, everything has changed.
    if (image.scaled.placement == m_shownPlacement)
        frame.damage = damage.rectangles();
    m_shownPlacement = image.scaled.placement;
    FrameRegion region;
    if (m_current.region) {
        region = m_swapchain.m_engine.shown(m_current.image, *m_current.region);
        frame.region = &region;
    }
    const Nanoseconds now = monotonicNow();
    FrameNotes& notes = m_current.notes;
    notes.times.dequeued = now;
    if (leftToTarget(m_current, now))
        frame.desiredTime = m_schedule.visibleAt(notes.wish, now);
    if (notes.result)
        m_records.results.reach(notes.result, TimingResults::RequestDequeued, now);
    m_history.handedOver(frame.serial, notes);
    m_schedule.handedOver(frame.serial, now);
    const VkResult result = m_swapchain.m_target->present(frame);
    m_hasCurrent = false;
    if (result < 0) {
        m_history.refused(frame.serial);
        fail(result);
        return;
    }
    if (result != VK_SUCCESS)
        m_swapchain.latch(result);
    m_swapchain.m_device.fences().recycle();
}

void Presenter::waitUntil(Nanoseconds deadline)
{
    const VkResult result = m_swapchain.m_target->wait(m_wake, deadline);
    drainWake();
    if (result < 0)
        fail(result);
    else if (result != VK_SUCCESS)
        m_swapchain.latch(result);
}

void Presenter::drainWake()
{
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t drained = read(m_wake, &count, sizeof(count));
}

void Presenter::drop(const PendingFrame& frame)
{
    const std::lock_guard lock(m_swapchain.m_mutex);
    SwapchainImage& image = m_swapchain.m_images[frame.image];
    image.stale.add(frame.stale);
    m_swapchain.makeFree(image);
    m_hasCurrent = false;
}

void Presenter::fail(VkResult result)
{
    m_failed = true;
    // What the window system has taken over before may have been seen; of a lost window or device nobody can tell.
    m_history.close(result == VK_ERROR_OUT_OF_DATE_KHR);
    m_swapchain.latch(result);
    while (m_hasCurrent || takeFrame()) {
        m_history.dropped(m_current.notes);
        drop(m_current);
    }
    if (m_copyWanted)
        m_history.dropped(m_latest.notes);
    {
        const std::lock_guard lock(m_swapchain.m_mutex);
        for (SwapchainImage& image : m_swapchain.m_images) {
            if (image.state == ImageState::Shown)
                m_swapchain.makeFree(image);
        }
    }
    m_swapchain.m_target->abandon();
}

void Presenter::bufferIdle(uint32_t index)
{
    const std::lock_guard lock(m_swapchain.m_mutex);
    SwapchainImage& image = m_swapchain.m_images[index];
    if (image.state == ImageState::Shown)
        m_swapchain.makeFree(image);
}

void Presenter::framePresented(uint64_t serial, Nanoseconds when)
{
    m_history.reported(serial, when, m_schedule.latchInterval());
    m_schedule.reported(serial, when);
}

void Presenter::refreshKnown(Nanoseconds interval, bool latched)
{
    m_schedule.setRefresh(interval, latched);
    m_records.refresh.set(interval);
}

} // namespace vwsi
