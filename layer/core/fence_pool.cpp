#include "core/fence_pool.h"

#include "core/device.h"
#include "core/log.h"
#include "core/settings.h"

#include <algorithm>
#include <memory>

namespace vwsi {

namespace {

constexpr Nanoseconds kSlice = 100'000'000;

} // namespace

FencePool::~FencePool()
{
    for (SubmissionFence* fence : m_all) {
        if (std::find(m_ready.begin(), m_ready.end(), fence) == m_ready.end())
            wait(*fence);
        m_device.next().DestroyFence(m_device.handle(), fence->fence, nullptr);
        delete fence;
    }
}

void FencePool::wait(const SubmissionFence& fence)
{
    if (!fence.submitted || m_device.lost())
        return;
    // Time that nobody had, while the process or the machine was stopped, is not the host's: in slices, that of one is
    // all that a stop costs.
    VkResult result = VK_TIMEOUT;
    for (Nanoseconds left = settings().stuckTimeoutNs; result == VK_TIMEOUT && left > 0;) {
        const Nanoseconds slice = std::min(left, kSlice);
        result = m_device.next().WaitForFences(m_device.handle(), 1, &fence.fence, VK_TRUE, slice);
        left -= slice;
    }
    if (result == VK_SUCCESS)
        return;
    VWSI_ERROR("a frame's copy does not complete (%d), but its memory is to be freed; the host is stuck or gone",
               result);
    m_device.setLost();
}

VkResult FencePool::create(SubmissionFence** fence)
{
    auto entry = std::make_unique<SubmissionFence>();
    const VkFenceCreateInfo info{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO, nullptr, 0};
    // All lists are given room now, so that moving fences among them later cannot fail.
    m_all.reserve(m_all.size() + 1);
    m_ready.reserve(m_all.size() + 1);
    m_retiring.reserve(m_all.size() + 1);
    const VkResult result = m_device.next().CreateFence(m_device.handle(), &info, nullptr, &entry->fence);
    if (result != VK_SUCCESS)
        return result;
    m_all.push_back(entry.get());
    *fence = entry.release();
    return VK_SUCCESS;
}

VkResult FencePool::reserve(uint32_t count)
{
    const std::lock_guard lock(m_mutex);
    try {
        while (m_all.size() < m_reserved + count) {
            SubmissionFence* fence = nullptr;
            if (const VkResult result = create(&fence); result != VK_SUCCESS) {
                trim();
                return result;
            }
            m_ready.push_back(fence);
        }
    } catch (...) {
        trim();
        throw;
    }
    m_reserved += count;
    return VK_SUCCESS;
}

void FencePool::unreserve(uint32_t count)
{
    recycle();
    const std::lock_guard lock(m_mutex);
    m_reserved -= count;
    trim();
}

void FencePool::trim()
{
    while (m_all.size() > m_reserved && !m_ready.empty()) {
        SubmissionFence* const fence = m_ready.back();
        m_ready.pop_back();
        std::erase(m_all, fence);
        m_device.next().DestroyFence(m_device.handle(), fence->fence, nullptr);
        delete fence;
    }
}

VkResult FencePool::take(uint32_t users, SubmissionFence** fence)
{
    const std::lock_guard lock(m_mutex);
    if (!m_ready.empty()) {
        *fence = m_ready.back();
        m_ready.pop_back();
    } else if (const VkResult result = create(fence); result != VK_SUCCESS) {
        return result;
    }
    (*fence)->users.store(users, std::memory_order_relaxed);
    (*fence)->submitted = false;
    return VK_SUCCESS;
}

void FencePool::drop(SubmissionFence* fence)
{
    if (fence->users.fetch_sub(1, std::memory_order_acq_rel) != 1)
        return;
    const std::lock_guard lock(m_mutex);
    (fence->submitted ? m_retiring : m_ready).push_back(fence);
}

void FencePool::recycle()
{
    // One presenter at a time; another one's turn comes with its next frame.
    if (m_recycling.test_and_set(std::memory_order_acquire))
        return;
    for (;;) {
        SubmissionFence* oldest = nullptr;
        {
            const std::lock_guard lock(m_mutex);
            if (!m_retiring.empty())
                oldest = m_retiring.front();
        }
        // Without the lock: a presenting thread must not wait for the driver's answer.
        if (!oldest || m_device.next().GetFenceStatus(m_device.handle(), oldest->fence) != VK_SUCCESS ||
            m_device.next().ResetFences(m_device.handle(), 1, &oldest->fence) != VK_SUCCESS)
            break;
        const std::lock_guard lock(m_mutex);
        m_retiring.erase(m_retiring.begin());
        m_ready.push_back(oldest);
    }
    m_recycling.clear(std::memory_order_release);
}

} // namespace vwsi
