// A layer for the bottom of the chain: counts what reaches the driver of the process's one device, and writes the
// counts to the file BENCH_COUNT_FILE when the device is destroyed.

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>

namespace {

PFN_vkGetInstanceProcAddr nextInstanceProc;
PFN_vkGetDeviceProcAddr nextDeviceProc;
PFN_vkQueueSubmit nextSubmit;
PFN_vkQueueSubmit2 nextSubmit2;
PFN_vkDestroyDevice nextDestroyDevice;
std::atomic<unsigned long> submissions{0};

template <typename CreateInfo, typename LayerInfo> LayerInfo* findLink(const CreateInfo* info, VkStructureType type)
{
    auto* entry = static_cast<const LayerInfo*>(info->pNext);
    while (entry && !(entry->sType == type && entry->function == VK_LAYER_LINK_INFO))
        entry = static_cast<const LayerInfo*>(entry->pNext);
    return const_cast<LayerInfo*>(entry);
}

VKAPI_ATTR VkResult VKAPI_CALL createInstance(const VkInstanceCreateInfo* info, const VkAllocationCallbacks* allocator,
                                              VkInstance* instance)
{
    auto* const link =
        findLink<VkInstanceCreateInfo, VkLayerInstanceCreateInfo>(info, VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO);
    nextInstanceProc = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    return reinterpret_cast<PFN_vkCreateInstance>(nextInstanceProc(nullptr, "vkCreateInstance"))(info, allocator,
                                                                                                 instance);
}

VKAPI_ATTR VkResult VKAPI_CALL createDevice(VkPhysicalDevice physicalDevice, const VkDeviceCreateInfo* info,
                                            const VkAllocationCallbacks* allocator, VkDevice* device)
{
    auto* const link =
        findLink<VkDeviceCreateInfo, VkLayerDeviceCreateInfo>(info, VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO);
    const PFN_vkGetInstanceProcAddr instanceProc = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    nextDeviceProc = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    const VkResult result = reinterpret_cast<PFN_vkCreateDevice>(instanceProc(nullptr, "vkCreateDevice"))(
        physicalDevice, info, allocator, device);
    if (result != VK_SUCCESS)
        return result;
    nextSubmit = reinterpret_cast<PFN_vkQueueSubmit>(nextDeviceProc(*device, "vkQueueSubmit"));
    nextSubmit2 = reinterpret_cast<PFN_vkQueueSubmit2>(nextDeviceProc(*device, "vkQueueSubmit2"));
    nextDestroyDevice = reinterpret_cast<PFN_vkDestroyDevice>(nextDeviceProc(*device, "vkDestroyDevice"));
    return result;
}

VKAPI_ATTR void VKAPI_CALL destroyDevice(VkDevice device, const VkAllocationCallbacks* allocator)
{
    const char* const path = getenv("BENCH_COUNT_FILE");
    if (FILE* const file = path ? fopen(path, "we") : nullptr) {
        fprintf(file, "%lu\n", submissions.load());
        fclose(file);
    }
    nextDestroyDevice(device, allocator);
}

VKAPI_ATTR VkResult VKAPI_CALL queueSubmit(VkQueue queue, uint32_t count, const VkSubmitInfo* submits, VkFence fence)
{
    ++submissions;
    return nextSubmit(queue, count, submits, fence);
}

VKAPI_ATTR VkResult VKAPI_CALL queueSubmit2(VkQueue queue, uint32_t count, const VkSubmitInfo2* submits, VkFence fence)
{
    ++submissions;
    return nextSubmit2(queue, count, submits, fence);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL deviceProc(VkDevice device, const char* name)
{
    if (!strcmp(name, "vkQueueSubmit"))
        return reinterpret_cast<PFN_vkVoidFunction>(&queueSubmit);
    if (!strcmp(name, "vkQueueSubmit2") && nextSubmit2)
        return reinterpret_cast<PFN_vkVoidFunction>(&queueSubmit2);
    if (!strcmp(name, "vkDestroyDevice"))
        return reinterpret_cast<PFN_vkVoidFunction>(&destroyDevice);
    return nextDeviceProc(device, name);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL instanceProc(VkInstance instance, const char* name)
{
    if (!strcmp(name, "vkCreateInstance"))
        return reinterpret_cast<PFN_vkVoidFunction>(&createInstance);
    if (!strcmp(name, "vkCreateDevice"))
        return reinterpret_cast<PFN_vkVoidFunction>(&createDevice);
    if (!strcmp(name, "vkGetDeviceProcAddr"))
        return reinterpret_cast<PFN_vkVoidFunction>(&deviceProc);
    return nextInstanceProc ? nextInstanceProc(instance, name) : nullptr;
}

} // namespace

extern "C" __attribute__((visibility("default"))) VKAPI_ATTR VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface* version)
{
    version->loaderLayerInterfaceVersion = 2;
    version->pfnGetInstanceProcAddr = &instanceProc;
    version->pfnGetDeviceProcAddr = &deviceProc;
    version->pfnGetPhysicalDeviceProcAddr = nullptr;
    return VK_SUCCESS;
}
