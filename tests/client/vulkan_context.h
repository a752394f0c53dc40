#pragma once

#include <string>
#include <vector>
#include <vulkan/vulkan.h>

namespace client {

/// Throws std::runtime_error naming `what` unless `result` is VK_SUCCESS.
void check(VkResult result, const char* what);

/// What a test program wants of Vulkan.
struct ContextWishes {
    std::vector<const char*> instanceExtensions;
    std::vector<const char*> deviceExtensions;
    const void* deviceChain = nullptr; ///< pNext of VkDeviceCreateInfo
    std::string device;                ///< part of the device's name; empty: the first
    uint32_t queues = 1;               ///< queues of one family, as far as it has so many
};

/// Instance, device and queues of one family that can draw, destroyed in order.
class VulkanContext {
public:
    explicit VulkanContext(const ContextWishes& wishes);
    ~VulkanContext();
    VulkanContext(const VulkanContext&) = delete;
    VulkanContext& operator=(const VulkanContext&) = delete;

    VkInstance instance() const { return m_instance; }
    VkPhysicalDevice physicalDevice() const { return m_physicalDevice; }
    VkDevice device() const { return m_device; }
    uint32_t family() const { return m_family; }
    const std::vector<VkQueue>& queues() const { return m_queues; }
    const VkPhysicalDeviceProperties& properties() const { return m_properties; }

    /// Destroys the device early, for tests of lifetimes.
    void destroyDevice();

private:
    void pickDevice(const ContextWishes& wishes);
    void createDevice(const ContextWishes& wishes);

    VkInstance m_instance = VK_NULL_HANDLE;
    VkPhysicalDevice m_physicalDevice = VK_NULL_HANDLE;
    VkPhysicalDeviceProperties m_properties{};
    VkDevice m_device = VK_NULL_HANDLE;
    uint32_t m_family = 0;
    std::vector<VkQueue> m_queues;
};

} // namespace client
