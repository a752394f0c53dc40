#pragma once

#include "mock/driver.h"

#include <memory>
#include <string>
#include <vector>
#include <vulkan/vulkan.h>

namespace vwsi::testing {

struct InstanceFunctions {
#define INSTANCE(name) PFN_vk##name name = nullptr;
#define DEVICE(name)
#include "harness/functions.inc"
#undef INSTANCE
#undef DEVICE
};

struct DeviceFunctions {
#define INSTANCE(name)
#define DEVICE(name) PFN_vk##name name = nullptr;
#include "harness/functions.inc"
#undef INSTANCE
#undef DEVICE
};

/// Whether calls go through the layer or straight into the mock driver.
enum class Via { Layer, Driver };

struct InstanceOptions {
    uint32_t apiVersion = VK_API_VERSION_1_2;
    std::vector<const char*> extensions = {"VK_KHR_surface", "VK_EXT_headless_surface",
                                           "VK_KHR_get_surface_capabilities2", "VK_EXT_surface_maintenance1",
                                           "VK_EXT_debug_utils"};
    const void* next = nullptr;
    const VkAllocationCallbacks* allocator = nullptr;
    Via via = Via::Layer;
    bool applicationInfo = true; ///< false: pApplicationInfo is null, which means Vulkan 1.0
    unsigned failHeapAt = 0;     ///< the n-th heap allocation of vkCreateInstance fails; 0: none
};

/// An instance made in the way the loader makes it: link info, loader data callback, dispatch pointers.
class TestInstance {
public:
    explicit TestInstance(const InstanceOptions& options = {});
    ~TestInstance();
    TestInstance(const TestInstance&) = delete;
    TestInstance& operator=(const TestInstance&) = delete;

    VkResult result = VK_SUCCESS; ///< of vkCreateInstance
    bool heapFailureHit = false;
    VkInstance handle = VK_NULL_HANDLE;
    InstanceFunctions vk;
    std::vector<VkPhysicalDevice> physicalDevices;

    PFN_vkVoidFunction proc(const char* name) const;
    Via via() const { return m_via; }

    VkSurfaceKHR createSurface(const VkAllocationCallbacks* allocator = nullptr) const;
    std::vector<VkExtensionProperties> deviceExtensions(uint32_t device = 0) const;
    bool hasDeviceExtension(const char* name, uint32_t device = 0) const;

private:
    Via m_via;
    const VkAllocationCallbacks* m_allocator;
};

struct DeviceOptions {
    uint32_t physicalDevice = 0;
    std::vector<const char*> extensions = {"VK_KHR_swapchain"};
    const void* next = nullptr;
    const VkAllocationCallbacks* allocator = nullptr;
    uint32_t queues = 2; ///< of family 0, unless queueInfos are given
    const VkDeviceQueueCreateInfo* queueInfos = nullptr;
    uint32_t queueInfoCount = 0;
    unsigned failHeapAt = 0; ///< the n-th heap allocation of vkCreateDevice fails; 0: none
};

/// A device made through the layer, and the small objects that tests need; those it makes end with it.
class TestDevice {
public:
    TestDevice(TestInstance& instance, const DeviceOptions& options = {});
    ~TestDevice();
    TestDevice(const TestDevice&) = delete;
    TestDevice& operator=(const TestDevice&) = delete;

    VkResult result = VK_SUCCESS; ///< of vkCreateDevice
    bool heapFailureHit = false;
    TestInstance& instance;
    VkPhysicalDevice physicalDevice = VK_NULL_HANDLE;
    VkDevice handle = VK_NULL_HANDLE;
    DeviceFunctions vk;
    std::vector<VkQueue> queues;

    VkQueue queue() const { return queues[0]; }
    PFN_vkVoidFunction proc(const char* name) const;

    VkSemaphore semaphore();
    VkSemaphore exportableSemaphore();
    VkSemaphore timeline(uint64_t value = 0);
    VkFence fence(bool signalled = false);
    void destroy(VkSemaphore semaphore);
    void destroyFence(VkFence fence); // on 32-bit machines both handles are of one type
    /// A fresh command buffer that is being recorded; its pool is the device's own, one per thread is enough for tests.
    VkCommandBuffer begin(VkCommandBufferUsageFlags usage = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT);
    /// Submits with the given waits (all at the transfer stage) and signals.
    VkResult submit(const std::vector<VkSemaphore>& waits, const std::vector<VkCommandBuffer>& buffers = {},
                    const std::vector<VkSemaphore>& signals = {}, VkFence fence = VK_NULL_HANDLE, uint32_t queue = 0);
    bool wait(VkFence fence, uint64_t timeout = 5'000'000'000);

private:
    VkSemaphore makeSemaphore(const void* next);

    const VkAllocationCallbacks* m_allocator;
    VkCommandPool m_pool = VK_NULL_HANDLE;
    std::vector<VkSemaphore> m_semaphores;
    std::vector<VkFence> m_fences;
};

} // namespace vwsi::testing
