#include "swapchain/presenter.h"

#include "core/device.h"
#include "core/log.h"
#include "core/thread.h"
#include "surface/present_mode_compatibility.h"
#include "swapchain/swapchain.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <utility>

namespace vwsi {

namespace {

/// Presents of a shared image that may be under way before the thread has seen them.
constexpr uint32_t kSharedPresents = 16;

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
        if (m_failed) {
            pollDescriptors(m_wake, -1, kForever);
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
    // Nothing paces the last frames of a retired swapchain: its successor's are already on the way.
    if (m_swapchain.m_retired)
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
        m_stage = Stage::Pacing;
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

void Presenter::stepPacing()
{
    // A frame that may be dropped yet is copied late; all others are at once, ahead of their turn.
    const bool droppable = supersedes(m_current.mode, m_current.mode);
    if (!droppable)
        copyToTarget();
    const Nanoseconds now = monotonicNow();
    Nanoseconds turn = m_swapchain.m_target->readyAt(pacingOf(m_current.mode));
    // Of the frames that are complete the latest is shown, also when they became so together.
    if (PendingFrame later; droppable && peekFrame(&later) && supersedes(later.mode, m_current.mode)) {
        const CompletionWaiter::Frame frame{later.image, later.fence, later.submitted};
        switch (m_waiter.poll(frame, turn > now)) {
        case CompletionWaiter::Status::Done:
            // The new frame's damage is relative to the one that nobody will see.
            later.damage = m_current.damage;
            m_history.superseded(m_current.notes);
            drop(m_current);
            if (takeFrame()) {
                m_current.damage.add(later.damage);
                m_stage = Stage::Pacing;
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
        waitUntil(turn);
        return;
    }
    copyToTarget();
    handOver();
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
    VkHdrMetadataEXT metadata;
    bool metadataChanged = false;
    {
        const std::lock_guard lock(m_swapchain.m_mutex);
        image.state = ImageState::Shown;
        metadata = m_swapchain.m_hdrMetadata;
        metadataChanged = std::exchange(m_swapchain.m_hdrMetadataChanged, false);
    }
    if (metadataChanged)
        m_swapchain.m_target->setHdrMetadata(metadata);
    Frame frame;
    frame.buffer = m_current.image;
    frame.serial = ++m_handedOver;
    frame.mode = pacingOf(m_current.mode);
    const DamageRegion damage = m_swapchain.m_engine.shown(m_current.image, m_current.damage);
    // Against a frame of another size or place everything has changed.
    if (image.scaled.placement == m_shownPlacement)
        frame.damage = damage.rectangles();
    m_shownPlacement = image.scaled.placement;
    m_history.handedOver(frame.serial, m_current.notes);
    FrameRegion region;
    if (m_current.region) {
        region = m_swapchain.m_engine.shown(m_current.image, *m_current.region);
        frame.region = &region;
    }
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
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t drained = read(m_wake, &count, sizeof(count));
    if (result < 0)
        fail(result);
    else if (result != VK_SUCCESS)
        m_swapchain.latch(result);
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
    if (result == VK_ERROR_OUT_OF_DATE_KHR)
        m_history.close();
    m_swapchain.latch(result);
    if (m_hasCurrent)
        drop(m_current);
    while (takeFrame())
        drop(m_current);
    const std::lock_guard lock(m_swapchain.m_mutex);
    for (SwapchainImage& image : m_swapchain.m_images) {
        if (image.state == ImageState::Shown)
            m_swapchain.makeFree(image);
    }
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
    m_history.reported(serial, when);
}

} // namespace vwsi
