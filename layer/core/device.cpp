#include "core/device.h"
#include "core/dynamic_library.h"

#include "core/instance.h"
#include "core/key_table.h"
#include "core/log.h"
#include "core/queue.h"
#include "swapchain/swapchain.h"

#include <algorithm>
#include <cstring>

namespace vwsi {

namespace {

KeyTable<Device> devices;

} // namespace

Device::Device(PhysicalDevice& physicalDevice, VkDevice handle, PFN_vkGetDeviceProcAddr next,
               PFN_vkSetDeviceLoaderData setLoaderData)
    : m_physicalDevice(physicalDevice), m_instance(&physicalDevice.instance()), m_handle(handle),
      m_setLoaderData(setLoaderData), m_fences(*this)
{
    if (physicalDevice.served()) {
        m_next.load(handle, next, physicalDevice.apiVersion());
    } else {
        m_next.GetDeviceProcAddr = next;
        m_next.DestroyDevice = reinterpret_cast<PFN_vkDestroyDevice>(next(handle, "vkDestroyDevice"));
    }
    devices.insert(handle, this);
}

Device::~Device()
{
    silence();
    devices.remove(m_handle);
}

void Device::silence()
{
    m_ringWaker.stop();
    std::vector<Swapchain*> left;
    {
        // Not while their threads end, which may find the device lost.
        const std::lock_guard lock(m_mutex);
        left.swap(m_swapchains);
    }
    if (!left.empty())
        VWSI_WARN("a device or its instance is destroyed before %zu of its swapchains", left.size());
    for (Swapchain* const swapchain : left)
        swapchain->halt();
}

void Device::silenceAllOf(const Instance& instance)
{
    devices.forEach([&](Device& device) {
        if (device.m_instance == &instance)
            device.silence();
    });
}

VkResult Device::waitIdle()
{
    sending();
    if (m_queues.empty())
        return noted(m_next.DeviceWaitIdle(m_handle));
    std::vector<SubmissionFence*> marks;
    marks.reserve(m_queues.size());
    VkResult result = VK_SUCCESS;
    for (const auto& queue : m_queues) {
        SubmissionFence* fence = nullptr;
        if (result = queue->submitMark(&fence); result != VK_SUCCESS)
            break;
        marks.push_back(fence);
    }
    for (SubmissionFence* const fence : marks) {
        if (const VkResult waited = awaitMark(fence); result == VK_SUCCESS)
            result = waited;
    }
    return result;
}

VkResult Device::awaitMark(SubmissionFence* fence)
{
    const VkResult result = noted(m_next.WaitForFences(m_handle, 1, &fence->fence, VK_TRUE, UINT64_MAX));
    m_fences.drop(fence);
    m_fences.recycle();
    return result;
}

Device* Device::find(const void* dispatchable)
{
    return devices.find(dispatchable);
}

VkResult Device::serve(const VkDeviceCreateInfo& info, const DriverSupport& support)
{
    m_support = support;
    m_support.hostMemory &= m_next.GetMemoryHostPointerPropertiesEXT != nullptr;
    m_support.dmaBuf &= m_next.GetMemoryFdKHR != nullptr;
    m_support.modifiers &= m_next.GetImageDrmFormatModifierPropertiesEXT != nullptr;
    m_enabled = m_physicalDevice.instance().enabled();
    for (uint32_t i = 0; i < info.enabledExtensionCount; ++i)
        m_enabled.set(static_cast<size_t>(findExtension(info.ppEnabledExtensionNames[i])));
    const auto enables = [&](const char* name) {
        return std::any_of(info.ppEnabledExtensionNames, info.ppEnabledExtensionNames + info.enabledExtensionCount,
                           [&](const char* enabled) { return !strcmp(enabled, name); });
    };
    m_bindsAliases =
        m_physicalDevice.apiVersion() >= VK_API_VERSION_1_1 || enables(VK_KHR_BIND_MEMORY_2_EXTENSION_NAME);
    // Venus (Mesa 25.0) leaves a thread-exit function behind when the loader closes it with the last instance: threads
    // that end later would call into nowhere.
    if (m_physicalDevice.isVenus())
        keepLoaded("libvulkan_virtio");
    if (const VkResult result = collectQueues(info); result != VK_SUCCESS)
        return result;
    if (m_physicalDevice.isVenus())
        m_ringWaker.start();
    return VK_SUCCESS;
}

VkResult Device::collectQueues(const VkDeviceCreateInfo& info)
{
    for (uint32_t i = 0; i < info.queueCreateInfoCount; ++i) {
        const VkDeviceQueueCreateInfo& asked = info.pQueueCreateInfos[i];
        for (uint32_t index = 0; index < asked.queueCount; ++index) {
            VkQueue handle = VK_NULL_HANDLE;
            if (asked.flags && m_next.GetDeviceQueue2) {
                const VkDeviceQueueInfo2 which{VK_STRUCTURE_TYPE_DEVICE_QUEUE_INFO_2, nullptr, asked.flags,
                                               asked.queueFamilyIndex, index};
                m_next.GetDeviceQueue2(m_handle, &which, &handle);
            } else {
                m_next.GetDeviceQueue(m_handle, asked.queueFamilyIndex, index, &handle);
            }
            if (!handle)
                continue;
            if (const VkResult result = adopt(handle); result != VK_SUCCESS)
                return result;
            m_queues.push_back(std::make_unique<Queue>(*this, handle, asked.queueFamilyIndex));
            if (m_physicalDevice.familyPresents(asked.queueFamilyIndex) &&
                std::find(m_presentFamilies.begin(), m_presentFamilies.end(), asked.queueFamilyIndex) ==
                    m_presentFamilies.end())
                m_presentFamilies.push_back(asked.queueFamilyIndex);
        }
    }
    return VK_SUCCESS;
}

Queue* Device::queue(VkQueue handle) const
{
    for (const auto& queue : m_queues) {
        if (queue->handle() == handle)
            return queue.get();
    }
    return nullptr;
}

void Device::markShared(VkSemaphore semaphore)
{
    const std::lock_guard lock(m_mutex);
    m_sharedSemaphores.push_back(semaphore);
    m_anyShared.store(true, std::memory_order_release);
}

bool Device::isShared(VkSemaphore semaphore)
{
    if (!m_anyShared.load(std::memory_order_acquire))
        return false;
    const std::lock_guard lock(m_mutex);
    return std::find(m_sharedSemaphores.begin(), m_sharedSemaphores.end(), semaphore) != m_sharedSemaphores.end();
}

void Device::forgetSemaphore(VkSemaphore semaphore)
{
    m_ledger.forget(semaphore);
    if (!m_anyShared.load(std::memory_order_acquire))
        return;
    const std::lock_guard lock(m_mutex);
    std::erase(m_sharedSemaphores, semaphore);
}

void Device::nudge() const
{
    if (lost())
        return;
    // Venus answers for these itself and lets the host know later; a fence could cost it memory for feedback.
    const VkSemaphoreCreateInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, nullptr, 0};
    VkSemaphore semaphore = VK_NULL_HANDLE;
    if (m_next.CreateSemaphore(m_handle, &info, nullptr, &semaphore) == VK_SUCCESS)
        m_next.DestroySemaphore(m_handle, semaphore, nullptr);
}

VkResult Device::signal(VkSemaphore semaphore, VkFence fence)
{
    sending();
    if (m_queues.empty()) {
        VWSI_ERROR("acquire cannot signal a fence: the device was created without a queue");
        return VK_ERROR_INITIALIZATION_FAILED;
    }
    // Any queue will do; best one whose lock nobody holds, as vkQueueWaitIdle does for as long as it takes.
    for (const auto& queue : m_queues) {
        if (const VkResult result = queue->signal(semaphore, fence, Queue::Locking::Try); result != VK_NOT_READY)
            return result;
    }
    return m_queues.front()->signal(semaphore, fence, Queue::Locking::Wait);
}

void Device::setLost()
{
    if (m_lost.exchange(true))
        return;
    const std::lock_guard lock(m_mutex);
    for (Swapchain* swapchain : m_swapchains)
        swapchain->deviceLost();
}

void Device::addSwapchain(Swapchain* swapchain)
{
    const std::lock_guard lock(m_mutex);
    m_swapchains.push_back(swapchain);
}

void Device::removeSwapchain(Swapchain* swapchain)
{
    const std::lock_guard lock(m_mutex);
    std::erase(m_swapchains, swapchain);
}

void Device::forgetPrivateData(VkPrivateDataSlot slot)
{
    const std::lock_guard lock(m_mutex);
    for (Swapchain* swapchain : m_swapchains)
        swapchain->privateData().forget(slot);
}

} // namespace vwsi
