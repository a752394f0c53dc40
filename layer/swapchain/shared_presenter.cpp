// The presenter's part of VK_KHR_shared_presentable_image. A present says that the image has new contents; they are
// copied at the refresh that shows them, behind what the application has submitted by then.

#include "core/device.h"
#include "core/queue.h"
#include "surface/present_mode_compatibility.h"
#include "swapchain/presenter.h"
#include "swapchain/swapchain.h"

#include <algorithm>

namespace vwsi {

namespace {

/// How soon a queue that another thread is using is tried again.
constexpr Nanoseconds kQueueRetry = 200'000;

} // namespace

void Presenter::pushShared(const PendingFrame& frame)
{
    if (m_queued < m_ring.size()) {
        push(frame);
        return;
    }
    // One copy will show the contents of both.
    PendingFrame& last = m_ring[(m_first + m_queued - 1) % m_ring.size()];
    PendingFrame merged = frame;
    merged.damage.add(last.damage);
    merged.notes.presentId = std::max(last.notes.presentId, frame.notes.presentId);
    if (last.notes.result)
        m_records.results.finish(last.notes.result, {});
    last = merged;
}

void Presenter::stepShared()
{
    while (takeFrame()) {
        m_hasCurrent = false;
        if (m_copyWanted) {
            m_history.superseded(m_latest.notes);
            m_current.damage.add(m_latest.damage);
        }
        m_latest = m_current;
        m_copyWanted = true;
        // A retired swapchain's mode is IMMEDIATE here: its window belongs to its successor.
        m_continuous = m_latest.mode == VK_PRESENT_MODE_SHARED_CONTINUOUS_REFRESH_KHR;
    }
    if (m_continuous) {
        const std::lock_guard lock(m_swapchain.m_mutex);
        m_continuous = !m_swapchain.m_retired;
    }
    if (!m_copyWanted && !m_continuous) {
        waitUntil(kForever);
        return;
    }
    const Nanoseconds turn = m_swapchain.m_target->readyAt(pacing(m_latest.mode));
    if (turn > monotonicNow()) {
        waitUntil(turn);
        return;
    }
    switch (const VkResult result = startSharedCopy()) {
    case VK_SUCCESS:
        break;
    case VK_NOT_READY:
        waitUntil(kForever);
        break;
    case VK_TIMEOUT:
        waitUntil(monotonicNow() + kQueueRetry);
        break;
    default:
        fail(result);
        break;
    }
}

VkResult Presenter::startSharedCopy()
{
    CopyEngine& engine = m_swapchain.m_engine;
    FencePool& fences = m_swapchain.m_device.fences();
    HostArray<SwapchainImage>& images = m_swapchain.m_images;
    Queue* queue = nullptr;
    SwapchainImage* place = nullptr;
    {
        const std::lock_guard lock(m_swapchain.m_mutex);
        queue = m_swapchain.m_sharedQueue;
        place = std::find_if(images.begin(), images.end(),
                             [](const SwapchainImage& image) { return image.state == ImageState::Free; });
        if (place == images.end())
            return VK_NOT_READY;
    }
    // Without a present nobody says what has changed.
    if (!m_copyWanted) {
        m_latest.damage = DamageRegion::everything();
        m_latest.notes = {};
    }
    const auto index = static_cast<uint32_t>(place - images.begin());
    if (engine.outgrown(index)) {
        if (const VkResult result = engine.fit(index); result != VK_SUCCESS)
            return result;
    }
    SubmissionFence* fence = nullptr;
    if (const VkResult result = fences.take(1, &fence); result != VK_SUCCESS)
        return result;
    engine.resetWord(index);
    const VkResult result = queue->trySubmit(engine.command(index, queue->family()), fence->fence);
    if (result != VK_SUCCESS) {
        fences.drop(fence);
        return result == VK_NOT_READY ? VK_TIMEOUT : result;
    }
    fence->submitted = true;

    m_current = m_latest;
    m_current.image = index;
    m_current.fence = fence;
    m_current.submitted = monotonicNow();
    m_current.unasked = !m_copyWanted;
    m_hasCurrent = true;
    m_stage = Stage::GpuWait;
    m_copied = false;
    m_copyWanted = false;

    const std::lock_guard lock(m_swapchain.m_mutex);
    if (place->fence)
        fences.drop(place->fence);
    place->fence = fence;
    place->state = ImageState::Queued;
    for (SwapchainImage& image : images)
        image.stale.add(m_current.damage);
    m_current.stale = place->stale;
    place->stale = DamageRegion();
    return VK_SUCCESS;
}

} // namespace vwsi
