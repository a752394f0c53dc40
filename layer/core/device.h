#pragma once

#include "core/acquire_ledger.h"
#include "core/device_clock.h"
#include "core/dispatch.h"
#include "core/driver_support.h"
#include "core/extension.h"
#include "core/fence_pool.h"
#include "core/physical_device.h"
#include "core/ring_waker.h"

#include <memory>
#include <mutex>
#include <vector>
#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>

namespace vwsi {

class Queue;
class Swapchain;

/// A VkDevice. One that is not served is only known by its down-chain vkGetDeviceProcAddr, and none of its commands but
/// vkDestroyDevice comes through the layer.
class Device {
public:
    Device(PhysicalDevice& physicalDevice, VkDevice handle, PFN_vkGetDeviceProcAddr next,
           PFN_vkSetDeviceLoaderData setLoaderData);
    ~Device();
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    /// Of a VkDevice, VkQueue or VkCommandBuffer; null for handles that did not come through the layer.
    static Device* find(const void* dispatchable);

    /// Prepares a served device: its queues and what is enabled. `info` is the application's create info.
    VkResult serve(const VkDeviceCreateInfo& info, const DriverSupport& support);

    VkDevice handle() const { return m_handle; }
    PhysicalDevice& physicalDevice() const { return m_physicalDevice; }
    Instance& instance() const { return m_physicalDevice.instance(); }
    const DeviceDispatch& next() const { return m_next; }
    const ExtensionSet& enabled() const { return m_enabled; }
    AcquireLedger& ledger() { return m_ledger; }
    FencePool& fences() { return m_fences; }
#ifdef VK_EXT_present_timing
    DeviceClock& clock() { return m_clock; }
#endif

    /// What the layer may use of the driver's extensions.
    const DriverSupport& support() const { return m_support; }
    bool canImportHostMemory() const { return m_support.hostMemory; }

    /// Images can be bound to presentable images' memory (vkBindImageMemory2 is there).
    bool bindsAliases() const { return m_bindsAliases; }

    /// The layer's object of a queue, or null for a handle that is not this device's.
    Queue* queue(VkQueue handle) const;
    const std::vector<std::unique_ptr<Queue>>& queues() const { return m_queues; }
    /// Queue families with at least one queue that can present.
    const std::vector<uint32_t>& presentFamilies() const { return m_presentFamilies; }

    /// Gives a dispatchable handle that the layer made itself the loader's dispatch pointer.
    VkResult adopt(void* dispatchable) const { return m_setLoaderData(m_handle, dispatchable); }

    /// Semaphores whose payload others may see (exportable or imported): acquire signals them for real.
    void markShared(VkSemaphore semaphore);
    bool isShared(VkSemaphore semaphore);
    void forgetSemaphore(VkSemaphore semaphore);

    /// Signals a semaphore and/or a fence for real, by an empty submission under the lock of a queue.
    VkResult signal(VkSemaphore semaphore, VkFence fence);

    /// As the driver's vkDeviceWaitIdle, without a lock on queues that other threads may need for what is waited for.
    VkResult waitIdle();
    /// Waits for what Queue::submitMark() has submitted, however long it takes.
    VkResult awaitMark(SubmissionFence* fence);

    /// Ends all that the layer's own threads do with the device, which the application is about to destroy, or with
    /// those of an instance that it has forgotten.
    void silence();
    static void silenceAllOf(const Instance& instance);

    /// Sends the driver's host a command that changes nothing. May be called on any thread.
    void nudge() const;
    /// Something goes to the driver's host.
    void sending() { m_ringWaker.heard(); }

    /// A frame that never completed, or the driver, said that the device is gone; later calls report it.
    void setLost();
    /// Takes note of what the driver said.
    VkResult noted(VkResult result)
    {
        if (result == VK_ERROR_DEVICE_LOST)
            setLost();
        return result;
    }
    bool lost() const { return m_lost.load(std::memory_order_relaxed); }

    // Swapchains of the device, for vkDestroyDevice and for private data slots that are destroyed.
    void addSwapchain(Swapchain* swapchain);
    void removeSwapchain(Swapchain* swapchain);
    void forgetPrivateData(VkPrivateDataSlot slot);

private:
    VkResult collectQueues(const VkDeviceCreateInfo& info);

    PhysicalDevice& m_physicalDevice;
    const Instance* const m_instance; ///< to be compared only: a leaked device outlives it
    const VkDevice m_handle;
    DeviceDispatch m_next;
    const PFN_vkSetDeviceLoaderData m_setLoaderData;
    ExtensionSet m_enabled;
    DriverSupport m_support;
    bool m_bindsAliases = false;
    std::atomic<bool> m_lost{false};
    std::vector<std::unique_ptr<Queue>> m_queues;
    std::vector<uint32_t> m_presentFamilies;
    AcquireLedger m_ledger;
#ifdef VK_EXT_present_timing
    DeviceClock m_clock{*this};
#endif

    std::mutex m_mutex;
    std::vector<VkSemaphore> m_sharedSemaphores;
    std::atomic<bool> m_anyShared{false};
    std::vector<Swapchain*> m_swapchains;

    RingWaker m_ringWaker{*this};
    FencePool m_fences; ///< last, because its end may find that the device is lost
};

} // namespace vwsi
