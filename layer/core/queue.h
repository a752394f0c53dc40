#pragma once

#include <cstdint>
#include <mutex>
#include <vulkan/vulkan.h>

namespace vwsi {

class Device;
struct SubmissionFence;

/// A VkQueue of a served device.
///
/// It belongs to the application: the layer submits to it only within vkQueuePresentKHR, or, for acquire fences and
/// shared images, under the lock that every command of the queue takes. Waits on semaphores that an acquire has
/// satisfied are struck from what goes down.
class Queue {
public:
    Queue(Device& device, VkQueue handle, uint32_t family);
    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;

    VkQueue handle() const { return m_handle; }
    uint32_t family() const { return m_family; }

    VkResult submit(uint32_t count, const VkSubmitInfo* submits, VkFence fence);
    VkResult submit2(uint32_t count, const VkSubmitInfo2* submits, VkFence fence);
    VkResult bindSparse(uint32_t count, const VkBindSparseInfo* binds, VkFence fence);
    /// Waits without the queue's lock, which an acquire may need for what is waited for.
    VkResult waitIdle();
    /// Submits a fence that tells when all that was submitted before is complete; for Device::awaitMark().
    VkResult submitMark(SubmissionFence** fence);

    /// vkQueuePresentKHR: one submission for all swapchains of the call.
    VkResult present(const VkPresentInfoKHR& info);

    enum class Locking { Wait, Try };
    /// Signals for real, by an empty submission. VK_NOT_READY when another thread is using the queue, with
    /// Locking::Try.
    VkResult signal(VkSemaphore semaphore, VkFence fence, Locking locking);

    /// Submits commands of the layer's own beside the application's, for a swapchain whose image is shared.
    /// VK_NOT_READY when another thread is using the queue, VK_ERROR_DEVICE_LOST or want of memory.
    VkResult trySubmit(VkCommandBuffer command, VkFence fence);

    /// For commands on the queue that the layer takes no part in.
    std::mutex& mutex() { return m_mutex; }

private:
    Device& m_device;
    const VkQueue m_handle;
    const uint32_t m_family;
    std::mutex m_mutex;
};

} // namespace vwsi
