#include "vulkan_context.h"

#include <algorithm>
#include <stdexcept>

namespace client {

void check(VkResult result, const char* what)
{
    if (result != VK_SUCCESS)
        throw std::runtime_error(std::string(what) + ": VkResult " + std::to_string(result));
}

VulkanContext::VulkanContext(const ContextWishes& wishes)
{
    VkApplicationInfo application{};
    application.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
    application.pApplicationName = "venus-wsi test client";
    application.apiVersion = VK_API_VERSION_1_2;
    VkInstanceCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
    info.pApplicationInfo = &application;
    info.enabledExtensionCount = static_cast<uint32_t>(wishes.instanceExtensions.size());
    info.ppEnabledExtensionNames = wishes.instanceExtensions.data();
    check(vkCreateInstance(&info, nullptr, &m_instance), "vkCreateInstance");
    try {
        pickDevice(wishes);
        createDevice(wishes);
    } catch (...) {
        vkDestroyInstance(m_instance, nullptr);
        throw;
    }
}

VulkanContext::~VulkanContext()
{
    destroyDevice();
    vkDestroyInstance(m_instance, nullptr);
}

void VulkanContext::destroyDevice()
{
    if (!m_device)
        return;
    vkDeviceWaitIdle(m_device);
    vkDestroyDevice(m_device, nullptr);
    m_device = VK_NULL_HANDLE;
}

void VulkanContext::pickDevice(const ContextWishes& wishes)
{
    uint32_t count = 0;
    check(vkEnumeratePhysicalDevices(m_instance, &count, nullptr), "vkEnumeratePhysicalDevices");
    std::vector<VkPhysicalDevice> devices(count);
    check(vkEnumeratePhysicalDevices(m_instance, &count, devices.data()), "vkEnumeratePhysicalDevices");
    for (VkPhysicalDevice device : devices) {
        vkGetPhysicalDeviceProperties(device, &m_properties);
        if (std::string(m_properties.deviceName).find(wishes.device) != std::string::npos) {
            m_physicalDevice = device;
            return;
        }
    }
    throw std::runtime_error("no Vulkan device named " + wishes.device);
}

void VulkanContext::createDevice(const ContextWishes& wishes)
{
    uint32_t count = 0;
    vkGetPhysicalDeviceQueueFamilyProperties(m_physicalDevice, &count, nullptr);
    std::vector<VkQueueFamilyProperties> families(count);
    vkGetPhysicalDeviceQueueFamilyProperties(m_physicalDevice, &count, families.data());
    const auto drawing = std::find_if(families.begin(), families.end(), [](const VkQueueFamilyProperties& family) {
        return family.queueFlags & VK_QUEUE_GRAPHICS_BIT;
    });
    if (drawing == families.end())
        throw std::runtime_error("the device cannot draw");
    m_family = static_cast<uint32_t>(drawing - families.begin());

    const uint32_t queues = std::min(wishes.queues, drawing->queueCount);
    const std::vector<float> priorities(queues, 1.0F);
    VkDeviceQueueCreateInfo queue{};
    queue.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
    queue.queueFamilyIndex = m_family;
    queue.queueCount = queues;
    queue.pQueuePriorities = priorities.data();
    VkDeviceCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
    info.pNext = wishes.deviceChain;
    info.queueCreateInfoCount = 1;
    info.pQueueCreateInfos = &queue;
    info.enabledExtensionCount = static_cast<uint32_t>(wishes.deviceExtensions.size());
    info.ppEnabledExtensionNames = wishes.deviceExtensions.data();
    check(vkCreateDevice(m_physicalDevice, &info, nullptr, &m_device), "vkCreateDevice");
    for (uint32_t i = 0; i < queues; ++i) {
        VkQueue handle = VK_NULL_HANDLE;
        vkGetDeviceQueue(m_device, m_family, i, &handle);
        m_queues.push_back(handle);
    }
}

} // namespace client
