#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <vulkan/vulkan.h>

namespace vwsi {

/// The presentId of a swapchain and the threads that wait for it (VK_KHR_present_wait, VK_KHR_present_wait2).
///
/// It has a lock of its own, so that a waiting thread is in nobody's way: neither in the presenter's nor in that of
/// the thread that acquires and presents.
class PresentIds {
public:
    /// A present that carries `id` (0: none) is on its way.
    void queued(uint64_t id);
    /// The frame with this id, and with it all before it, was shown or will never be.
    void reached(uint64_t id);
    /// No frame goes out any more; every id not reached by now never will be.
    void fail(VkResult error);
    /// The swapchain is retired: what is under way is still shown, ids beyond are not to be expected.
    void retire();

    /// vkWaitForPresentKHR: VK_SUCCESS once `id` is reached, VK_TIMEOUT after `timeout` nanoseconds (0: at once), or
    /// the error for which it never will be; VK_ERROR_OUT_OF_DATE_KHR on a retired swapchain that has not been given
    /// it.
    VkResult wait(uint64_t id, uint64_t timeout);

private:
    std::mutex m_mutex;
    std::condition_variable m_changed;
    unsigned m_waiting = 0;
    uint64_t m_queued = 0;
    uint64_t m_reached = 0;
    VkResult m_error = VK_SUCCESS;
    bool m_retired = false;
};

} // namespace vwsi
