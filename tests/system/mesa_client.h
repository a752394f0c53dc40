#pragma once
// What the clients of the Mesa patches' tests share: a device of the patched driver whose every use is validated.

#include <cstdint>
#include <vulkan/vulkan.h>

namespace mesaTest {

constexpr uint64_t second = 1'000'000'000;

// Ends the program with status 1 and a message unless the condition holds.
void require(bool condition, const char* what);
void require(VkResult result, const char* what);

// A device with Vulkan 1.3, timeline semaphores and synchronization2, one graphics queue, and the validation layer
// where it is on (VK_INSTANCE_LAYERS): its errors are printed and counted.
class Client {
public:
    // swapchain: VK_KHR_swapchain and VK_EXT_headless_surface are enabled as well.
    explicit Client(bool swapchain);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    uint32_t memoryType(uint32_t bits, VkMemoryPropertyFlags wanted) const;
    VkDeviceMemory allocate(const VkMemoryRequirements& needed, VkMemoryPropertyFlags wanted) const;
    VkBuffer makeBuffer(VkDeviceSize size, VkBufferUsageFlags usage) const;
    VkSemaphore makeSemaphore() const;
    VkSemaphore makeTimeline(uint64_t value) const;
    VkFence makeFence() const;

    // Tells what the run showed, and the exit status: 0 without validation errors, which must have been looked for.
    int finish(const char* summary);

    VkInstance instance = VK_NULL_HANDLE;
    VkPhysicalDevice physical = VK_NULL_HANDLE;
    VkDevice device = VK_NULL_HANDLE;
    VkQueue queue = VK_NULL_HANDLE;
    VkCommandPool pool = VK_NULL_HANDLE;
    // The queue takes vkQueueBindSparse; that a batch without bindings is allowed needs no feature.
    bool sparse = false;

private:
    static VKAPI_ATTR VkBool32 VKAPI_CALL report(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                                 VkDebugUtilsMessageTypeFlagsEXT type,
                                                 const VkDebugUtilsMessengerCallbackDataEXT* data, void* self);

    VkDebugUtilsMessengerEXT m_messenger = VK_NULL_HANDLE;
    unsigned m_errors = 0;
    bool m_validated = false;
};

} // namespace mesaTest
