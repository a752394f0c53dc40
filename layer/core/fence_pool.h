#pragma once

#include <atomic>
#include <mutex>
#include <vector>
#include <vulkan/vulkan.h>

namespace vwsi {

class Device;

/// The fence of one present submission, shared by the swapchains whose frames it carried.
struct SubmissionFence {
    VkFence fence = VK_NULL_HANDLE;
    std::atomic<uint32_t> users{0}; ///< images whose last submission it is
    bool submitted = false;         ///< a submission will signal it; written by the presenting thread before sharing
};

/// Fences of present submissions, recycled when they have signalled.
///
/// take() and drop() are called by presenting threads and make no call on the driver as long as the pool has a reset
/// fence; recycle() is called by presenter threads, which ask the driver for the states and reset.
class FencePool {
public:
    explicit FencePool(Device& device) : m_device(device) {}
    /// Waits (bounded) for fences that are still to signal, and destroys all.
    ~FencePool();
    FencePool(const FencePool&) = delete;
    FencePool& operator=(const FencePool&) = delete;

    /// Makes sure that `count` further fences can be taken without asking the driver. On failure nothing is reserved.
    VkResult reserve(uint32_t count);

    /// Ends a reservation: fences above the remaining ones are destroyed as far as they have signalled.
    void unreserve(uint32_t count);

    /// An unsignalled fence for `users` frames.
    VkResult take(uint32_t users, SubmissionFence** fence);

    /// Waits (bounded) until the submission is complete; at once where the device is lost.
    void wait(const SubmissionFence& fence);

    /// An image has been submitted again, or is gone; the last one hands the fence back.
    void drop(SubmissionFence* fence);

    /// Makes signalled fences ready to be taken again.
    void recycle();

private:
    VkResult create(SubmissionFence** fence);
    void trim();

    Device& m_device;
    std::mutex m_mutex;
    size_t m_reserved = 0;
    std::vector<SubmissionFence*> m_all;
    std::vector<SubmissionFence*> m_ready;
    std::vector<SubmissionFence*> m_retiring; ///< no users left, oldest first
    std::atomic_flag m_recycling = ATOMIC_FLAG_INIT;
};

} // namespace vwsi
