// What every verb of the client needs of Vulkan: an instance with displays, the device under test, its queue.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>
#include <vulkan/vulkan.h>

// Ends the program with the call's name and result, unless the result is wanted.
void check(VkResult result, std::string_view call);
std::string resultName(VkResult result);

struct Vulkan {
    VkInstance instance = VK_NULL_HANDLE;
    VkPhysicalDevice physicalDevice = VK_NULL_HANDLE;
    VkDevice device = VK_NULL_HANDLE;
    VkQueue queue = VK_NULL_HANDLE;
    uint32_t queueFamily = 0;
    std::string deviceName;
    bool hasDisplayControl = false;

    // Takes the first device whose name contains $VM_DEVICE ("Venus" unless set).
    Vulkan();
    ~Vulkan();
    Vulkan(const Vulkan&) = delete;

    template <typename Function> Function instanceFunction(const char* name) const
    {
        return reinterpret_cast<Function>(vkGetInstanceProcAddr(instance, name));
    }
    template <typename Function> Function deviceFunction(const char* name) const
    {
        return reinterpret_cast<Function>(vkGetDeviceProcAddr(device, name));
    }
};

// Calls a Vulkan enumeration twice, as the specification has it, until it is complete.
template <typename Element> std::vector<Element> list(const std::function<VkResult(uint32_t*, Element*)>& enumerate)
{
    std::vector<Element> elements;
    uint32_t count = 0;
    VkResult result = VK_INCOMPLETE;
    while (result == VK_INCOMPLETE) {
        check(enumerate(&count, nullptr), "an enumeration's count");
        elements.resize(count);
        result = enumerate(&count, elements.data());
    }
    check(result, "an enumeration");
    elements.resize(count);
    return elements;
}
