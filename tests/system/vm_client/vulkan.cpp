#include "vulkan.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iostream>

std::string resultName(VkResult result)
{
    switch (result) {
    case VK_SUCCESS:
        return "VK_SUCCESS";
    case VK_TIMEOUT:
        return "VK_TIMEOUT";
    case VK_SUBOPTIMAL_KHR:
        return "VK_SUBOPTIMAL_KHR";
    case VK_ERROR_SURFACE_LOST_KHR:
        return "VK_ERROR_SURFACE_LOST_KHR";
    case VK_ERROR_OUT_OF_DATE_KHR:
        return "VK_ERROR_OUT_OF_DATE_KHR";
    case VK_ERROR_NATIVE_WINDOW_IN_USE_KHR:
        return "VK_ERROR_NATIVE_WINDOW_IN_USE_KHR";
    case VK_ERROR_INITIALIZATION_FAILED:
        return "VK_ERROR_INITIALIZATION_FAILED";
    case VK_ERROR_DEVICE_LOST:
        return "VK_ERROR_DEVICE_LOST";
    case VK_ERROR_OUT_OF_HOST_MEMORY:
        return "VK_ERROR_OUT_OF_HOST_MEMORY";
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
        return "VK_ERROR_OUT_OF_DEVICE_MEMORY";
    default:
        return "VkResult " + std::to_string(result);
    }
}

void check(VkResult result, std::string_view call)
{
    if (result < 0) {
        std::cerr << call << ": " << resultName(result) << std::endl;
        std::exit(1);
    }
}

static bool contains(const std::vector<VkExtensionProperties>& extensions, const char* name)
{
    return std::any_of(extensions.begin(), extensions.end(),
                       [&](const auto& extension) { return std::strcmp(extension.extensionName, name) == 0; });
}

// Keeps of the wanted extensions those that are there; the needed ones must be.
static std::vector<const char*> choose(const std::vector<VkExtensionProperties>& there,
                                       const std::vector<const char*>& needed, const std::vector<const char*>& wanted)
{
    std::vector<const char*> chosen;
    for (const char* name : needed) {
        if (!contains(there, name)) {
            std::cerr << name << " is missing" << std::endl;
            std::exit(1);
        }
        chosen.push_back(name);
    }
    for (const char* name : wanted) {
        if (contains(there, name)) {
            chosen.push_back(name);
        }
    }
    return chosen;
}

Vulkan::Vulkan()
{
    const auto instanceExtensions = list<VkExtensionProperties>([](uint32_t* count, VkExtensionProperties* out) {
        return vkEnumerateInstanceExtensionProperties(nullptr, count, out);
    });
    const auto forInstance =
        choose(instanceExtensions, {VK_KHR_SURFACE_EXTENSION_NAME, VK_KHR_DISPLAY_EXTENSION_NAME},
               {VK_EXT_DIRECT_MODE_DISPLAY_EXTENSION_NAME, VK_EXT_DISPLAY_SURFACE_COUNTER_EXTENSION_NAME,
                VK_KHR_GET_DISPLAY_PROPERTIES_2_EXTENSION_NAME});
    VkApplicationInfo application{};
    application.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
    application.apiVersion = VK_API_VERSION_1_1;
    VkInstanceCreateInfo instanceInfo{};
    instanceInfo.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
    instanceInfo.pApplicationInfo = &application;
    instanceInfo.enabledExtensionCount = static_cast<uint32_t>(forInstance.size());
    instanceInfo.ppEnabledExtensionNames = forInstance.data();
    check(vkCreateInstance(&instanceInfo, nullptr, &instance), "vkCreateInstance");

    const char* wantedName = std::getenv("VM_DEVICE");
    for (VkPhysicalDevice candidate : list<VkPhysicalDevice>([&](uint32_t* count, VkPhysicalDevice* out) {
             return vkEnumeratePhysicalDevices(instance, count, out);
         })) {
        VkPhysicalDeviceProperties properties{};
        vkGetPhysicalDeviceProperties(candidate, &properties);
        if (std::strstr(properties.deviceName, wantedName ? wantedName : "Venus")) {
            physicalDevice = candidate;
            deviceName = properties.deviceName;
            break;
        }
    }
    if (!physicalDevice) {
        std::cerr << "no such device" << std::endl;
        std::exit(1);
    }

    const auto deviceExtensions = list<VkExtensionProperties>([&](uint32_t* count, VkExtensionProperties* out) {
        return vkEnumerateDeviceExtensionProperties(physicalDevice, nullptr, count, out);
    });
    const auto forDevice = choose(deviceExtensions, {VK_KHR_SWAPCHAIN_EXTENSION_NAME},
                                  {VK_KHR_DISPLAY_SWAPCHAIN_EXTENSION_NAME, VK_EXT_DISPLAY_CONTROL_EXTENSION_NAME});
    hasDisplayControl = contains(deviceExtensions, VK_EXT_DISPLAY_CONTROL_EXTENSION_NAME);
    const float priority = 1.0F;
    VkDeviceQueueCreateInfo queueInfo{};
    queueInfo.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
    queueInfo.queueFamilyIndex = queueFamily;
    queueInfo.queueCount = 1;
    queueInfo.pQueuePriorities = &priority;
    VkDeviceCreateInfo deviceInfo{};
    deviceInfo.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
    deviceInfo.queueCreateInfoCount = 1;
    deviceInfo.pQueueCreateInfos = &queueInfo;
    deviceInfo.enabledExtensionCount = static_cast<uint32_t>(forDevice.size());
    deviceInfo.ppEnabledExtensionNames = forDevice.data();
    check(vkCreateDevice(physicalDevice, &deviceInfo, nullptr, &device), "vkCreateDevice");
    vkGetDeviceQueue(device, queueFamily, 0, &queue);
}

Vulkan::~Vulkan()
{
    vkDestroyDevice(device, nullptr);
    vkDestroyInstance(instance, nullptr);
}
