#include "mesa_client.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace mesaTest {
namespace {

bool hasLayer(const char* name)
{
    // The layers that VK_INSTANCE_LAYERS switches on are not told to the app; those it can name are.
    const char* on = std::getenv("VK_INSTANCE_LAYERS");
    return on && std::strstr(on, name);
}

} // namespace

void require(bool condition, const char* what)
{
    if (condition)
        return;
    std::fprintf(stderr, "failed: %s\n", what);
    std::exit(1);
}

void require(VkResult result, const char* what)
{
    if (result == VK_SUCCESS)
        return;
    std::fprintf(stderr, "failed: %s: VkResult %d\n", what, static_cast<int>(result));
    std::exit(1);
}

Client::Client(bool swapchain)
{
    m_validated = hasLayer("VK_LAYER_KHRONOS_validation");

    VkDebugUtilsMessengerCreateInfoEXT messenger = {};
    messenger.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT;
    messenger.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
    messenger.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT;
    messenger.pfnUserCallback = report;
    messenger.pUserData = this;

    std::vector<const char*> extensions = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME};
    if (swapchain) {
        extensions.push_back(VK_KHR_SURFACE_EXTENSION_NAME);
        extensions.push_back(VK_EXT_HEADLESS_SURFACE_EXTENSION_NAME);
    }
    VkApplicationInfo app = {};
    app.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
    app.apiVersion = VK_API_VERSION_1_3;
    VkInstanceCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
    info.pNext = &messenger;
    info.pApplicationInfo = &app;
    info.enabledExtensionCount = static_cast<uint32_t>(extensions.size());
    info.ppEnabledExtensionNames = extensions.data();
    require(vkCreateInstance(&info, nullptr, &instance), "vkCreateInstance");
    const auto makeMessenger = reinterpret_cast<PFN_vkCreateDebugUtilsMessengerEXT>(
        vkGetInstanceProcAddr(instance, "vkCreateDebugUtilsMessengerEXT"));
    require(makeMessenger(instance, &messenger, nullptr, &m_messenger), "vkCreateDebugUtilsMessengerEXT");

    uint32_t count = 1;
    require(vkEnumeratePhysicalDevices(instance, &count, &physical), "vkEnumeratePhysicalDevices");
    require(count == 1, "one physical device");
    VkPhysicalDeviceProperties properties;
    vkGetPhysicalDeviceProperties(physical, &properties);
    require(properties.apiVersion >= VK_API_VERSION_1_3, "the device has Vulkan 1.3");
    count = 1;
    VkQueueFamilyProperties family = {};
    vkGetPhysicalDeviceQueueFamilyProperties(physical, &count, &family);
    sparse = family.queueFlags & VK_QUEUE_SPARSE_BINDING_BIT;

    VkPhysicalDeviceVulkan13Features features13 = {};
    features13.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES;
    features13.synchronization2 = VK_TRUE;
    VkPhysicalDeviceVulkan12Features features12 = {};
    features12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
    features12.pNext = &features13;
    features12.timelineSemaphore = VK_TRUE;
    const float priority = 1;
    VkDeviceQueueCreateInfo queueInfo = {};
    queueInfo.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
    queueInfo.queueCount = 1;
    queueInfo.pQueuePriorities = &priority;
    const char* deviceExtension = VK_KHR_SWAPCHAIN_EXTENSION_NAME;
    VkDeviceCreateInfo deviceInfo = {};
    deviceInfo.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
    deviceInfo.pNext = &features12;
    deviceInfo.queueCreateInfoCount = 1;
    deviceInfo.pQueueCreateInfos = &queueInfo;
    deviceInfo.enabledExtensionCount = swapchain ? 1 : 0;
    deviceInfo.ppEnabledExtensionNames = &deviceExtension;
    require(vkCreateDevice(physical, &deviceInfo, nullptr, &device), "vkCreateDevice");
    vkGetDeviceQueue(device, 0, 0, &queue);

    VkCommandPoolCreateInfo poolInfo = {};
    poolInfo.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
    poolInfo.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
    require(vkCreateCommandPool(device, &poolInfo, nullptr, &pool), "vkCreateCommandPool");
}

Client::~Client()
{
    if (pool)
        vkDestroyCommandPool(device, pool, nullptr);
    if (device)
        vkDestroyDevice(device, nullptr);
    if (m_messenger) {
        const auto destroyMessenger = reinterpret_cast<PFN_vkDestroyDebugUtilsMessengerEXT>(
            vkGetInstanceProcAddr(instance, "vkDestroyDebugUtilsMessengerEXT"));
        destroyMessenger(instance, m_messenger, nullptr);
    }
    if (instance)
        vkDestroyInstance(instance, nullptr);
}

uint32_t Client::memoryType(uint32_t bits, VkMemoryPropertyFlags wanted) const
{
    VkPhysicalDeviceMemoryProperties properties;
    vkGetPhysicalDeviceMemoryProperties(physical, &properties);
    for (uint32_t type = 0; type < properties.memoryTypeCount; ++type) {
        if ((bits & (1u << type)) && (properties.memoryTypes[type].propertyFlags & wanted) == wanted)
            return type;
    }
    require(false, "a memory type of the wanted properties");
    return 0;
}

VkDeviceMemory Client::allocate(const VkMemoryRequirements& needed, VkMemoryPropertyFlags wanted) const
{
    VkMemoryAllocateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
    info.allocationSize = needed.size;
    info.memoryTypeIndex = memoryType(needed.memoryTypeBits, wanted);
    VkDeviceMemory memory;
    require(vkAllocateMemory(device, &info, nullptr, &memory), "vkAllocateMemory");
    return memory;
}

VkBuffer Client::makeBuffer(VkDeviceSize size, VkBufferUsageFlags usage) const
{
    VkBufferCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
    info.size = size;
    info.usage = usage;
    VkBuffer buffer;
    require(vkCreateBuffer(device, &info, nullptr, &buffer), "vkCreateBuffer");
    return buffer;
}

VkSemaphore Client::makeSemaphore() const
{
    VkSemaphoreCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO;
    VkSemaphore semaphore;
    require(vkCreateSemaphore(device, &info, nullptr, &semaphore), "vkCreateSemaphore");
    return semaphore;
}

VkSemaphore Client::makeTimeline(uint64_t value) const
{
    VkSemaphoreTypeCreateInfo type = {};
    type.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO;
    type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
    type.initialValue = value;
    VkSemaphoreCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO;
    info.pNext = &type;
    VkSemaphore semaphore;
    require(vkCreateSemaphore(device, &info, nullptr, &semaphore), "vkCreateSemaphore");
    return semaphore;
}

VkFence Client::makeFence() const
{
    VkFenceCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO;
    VkFence fence;
    require(vkCreateFence(device, &info, nullptr, &fence), "vkCreateFence");
    return fence;
}

int Client::finish(const char* summary)
{
    require(vkDeviceWaitIdle(device), "vkDeviceWaitIdle");
    std::printf("%s; validation %s, %u errors\n", summary, m_validated ? "on" : "off", m_errors);
    return m_errors == 0 ? 0 : 1;
}

VkBool32 Client::report(VkDebugUtilsMessageSeverityFlagBitsEXT, VkDebugUtilsMessageTypeFlagsEXT,
                        const VkDebugUtilsMessengerCallbackDataEXT* data, void* self)
{
    ++static_cast<Client*>(self)->m_errors;
    std::fprintf(stderr, "validation: %s\n", data->pMessage);
    return VK_FALSE;
}

} // namespace mesaTest
