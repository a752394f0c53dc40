#include "memory.h"
#include "switches.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <unistd.h>
#include <unordered_map>
#include <vector>
#include <vulkan/vk_layer.h>

namespace standin {
namespace {

struct Instance {
    VkInstance handle = VK_NULL_HANDLE;
    PFN_vkGetInstanceProcAddr next = nullptr;
    PFN_vkDestroyInstance destroy = nullptr;
    PFN_vkEnumerateDeviceExtensionProperties extensions = nullptr;
    PFN_vkGetPhysicalDeviceProperties2 properties = nullptr;
    PFN_vkGetPhysicalDeviceExternalBufferProperties externalBuffer = nullptr;
    PFN_vkGetPhysicalDeviceImageFormatProperties2 imageFormat = nullptr;
};

struct Device {
    PFN_vkGetDeviceProcAddr next = nullptr;
    PFN_vkDestroyDevice destroy = nullptr;
    PFN_vkQueueSubmit submit = nullptr;
    PFN_vkQueueSubmit2 submit2 = nullptr;
    std::unique_ptr<SharedMemory> memory;
    std::atomic<uint64_t> submitted = 0;
};

std::mutex g_mutex;
std::unordered_map<void*, std::unique_ptr<Instance>> g_instances;
std::unordered_map<void*, std::unique_ptr<Device>> g_devices;

/** All objects of one instance or device begin with the same pointer to the loader's table. */
void* keyOf(const void* dispatchable)
{
    return *static_cast<void* const*>(dispatchable);
}

Instance& instanceOf(const void* dispatchable)
{
    const std::lock_guard lock(g_mutex);
    return *g_instances.at(keyOf(dispatchable));
}

Device& deviceOf(const void* dispatchable)
{
    const std::lock_guard lock(g_mutex);
    return *g_devices.at(keyOf(dispatchable));
}

template <typename LinkInfo> LinkInfo* linkOf(const void* chain, VkStructureType type)
{
    for (auto* s = static_cast<const VkBaseInStructure*>(chain); s; s = s->pNext) {
        auto* info = reinterpret_cast<const LinkInfo*>(s);
        if (s->sType == type && info->function == VK_LAYER_LINK_INFO)
            return const_cast<LinkInfo*>(info);
    }
    return nullptr;
}

VKAPI_ATTR VkResult VKAPI_CALL createInstance(const VkInstanceCreateInfo* info, const VkAllocationCallbacks* allocator,
                                              VkInstance* handle)
{
    auto* link = linkOf<VkLayerInstanceCreateInfo>(info->pNext, VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO);
    if (!link)
        return VK_ERROR_INITIALIZATION_FAILED;
    auto next = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    auto create = reinterpret_cast<PFN_vkCreateInstance>(next(nullptr, "vkCreateInstance"));
    if (VkResult result = create(info, allocator, handle); result != VK_SUCCESS)
        return result;

    auto instance = std::make_unique<Instance>();
    instance->handle = *handle;
    instance->next = next;
    auto get = [&](const char* name) { return next(*handle, name); };
    instance->destroy = reinterpret_cast<PFN_vkDestroyInstance>(get("vkDestroyInstance"));
    instance->extensions =
        reinterpret_cast<PFN_vkEnumerateDeviceExtensionProperties>(get("vkEnumerateDeviceExtensionProperties"));
    instance->properties = reinterpret_cast<PFN_vkGetPhysicalDeviceProperties2>(get("vkGetPhysicalDeviceProperties2"));
    instance->externalBuffer = reinterpret_cast<PFN_vkGetPhysicalDeviceExternalBufferProperties>(
        get("vkGetPhysicalDeviceExternalBufferProperties"));
    instance->imageFormat = reinterpret_cast<PFN_vkGetPhysicalDeviceImageFormatProperties2>(
        get("vkGetPhysicalDeviceImageFormatProperties2"));
    const std::lock_guard lock(g_mutex);
    g_instances[keyOf(*handle)] = std::move(instance);
    return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL destroyInstance(VkInstance handle, const VkAllocationCallbacks* allocator)
{
    if (!handle)
        return;
    void* key = keyOf(handle);
    instanceOf(handle).destroy(handle, allocator);
    const std::lock_guard lock(g_mutex);
    g_instances.erase(key);
}

std::vector<VkExtensionProperties> extensionsBelow(VkPhysicalDevice physical)
{
    const Instance& instance = instanceOf(physical);
    uint32_t count = 0;
    instance.extensions(physical, nullptr, &count, nullptr);
    std::vector<VkExtensionProperties> all(count);
    instance.extensions(physical, nullptr, &count, all.data());
    all.resize(count);
    return all;
}

VKAPI_ATTR VkResult VKAPI_CALL enumerateDeviceExtensions(VkPhysicalDevice physical, const char* layer, uint32_t* count,
                                                         VkExtensionProperties* out)
{
    if (layer && *layer) {
        *count = 0;
        return VK_SUCCESS;
    }
    auto shown = extensionsBelow(physical);
    std::erase_if(shown, [](const auto& e) { return switches().hides(e.extensionName); });
    if (!out) {
        *count = static_cast<uint32_t>(shown.size());
        return VK_SUCCESS;
    }
    const auto written = std::min(*count, static_cast<uint32_t>(shown.size()));
    std::copy_n(shown.begin(), written, out);
    *count = written;
    return written < shown.size() ? VK_INCOMPLETE : VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL externalSemaphoreProperties(VkPhysicalDevice, const VkPhysicalDeviceExternalSemaphoreInfo*,
                                                       VkExternalSemaphoreProperties* out)
{
    out->exportFromImportedHandleTypes = 0;
    out->compatibleHandleTypes = 0;
    out->externalSemaphoreFeatures = 0;
}

VKAPI_ATTR void VKAPI_CALL externalFenceProperties(VkPhysicalDevice, const VkPhysicalDeviceExternalFenceInfo*,
                                                   VkExternalFenceProperties* out)
{
    out->exportFromImportedHandleTypes = 0;
    out->compatibleHandleTypes = 0;
    out->externalFenceFeatures = 0;
}

VKAPI_ATTR void VKAPI_CALL externalBufferProperties(VkPhysicalDevice physical,
                                                    const VkPhysicalDeviceExternalBufferInfo* info,
                                                    VkExternalBufferProperties* out)
{
    constexpr auto dmaBuf = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT;
    if (info->handleType != dmaBuf) {
        instanceOf(physical).externalBuffer(physical, info, out);
        return;
    }
    const bool shared = !switches().hideDmaBuf;
    out->externalMemoryProperties = {};
    if (shared) {
        out->externalMemoryProperties = {
            VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT, dmaBuf, dmaBuf};
    }
}

VKAPI_ATTR VkResult VKAPI_CALL imageFormatProperties(VkPhysicalDevice physical,
                                                     const VkPhysicalDeviceImageFormatInfo2* info,
                                                     VkImageFormatProperties2* out)
{
    constexpr auto dmaBuf = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT;
    const Instance& instance = instanceOf(physical);
    auto* asked = findIn<VkPhysicalDeviceExternalImageFormatInfo>(
        info->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_IMAGE_FORMAT_INFO);
    auto* answer = const_cast<VkExternalImageFormatProperties*>(
        findIn<VkExternalImageFormatProperties>(out->pNext, VK_STRUCTURE_TYPE_EXTERNAL_IMAGE_FORMAT_PROPERTIES));
    if (!switches().exportImages || info->tiling != VK_IMAGE_TILING_LINEAR || !asked || asked->handleType != dmaBuf)
        return instance.imageFormat(physical, info, out);
    // The driver has no say in it: the memory becomes a memfd that it imports.
    VkPhysicalDeviceImageFormatInfo2 below = *info;
    below.pNext = nullptr;
    const VkResult result = instance.imageFormat(physical, &below, out);
    if (result == VK_SUCCESS && answer)
        answer->externalMemoryProperties = {
            VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT, dmaBuf, dmaBuf};
    return result;
}

VkDeviceSize hostPointerAlignment(const Instance& instance, VkPhysicalDevice physical)
{
    VkPhysicalDeviceExternalMemoryHostPropertiesEXT host = {
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT, nullptr, 0};
    VkPhysicalDeviceProperties2 properties = {};
    properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
    properties.pNext = &host;
    instance.properties(physical, &properties);
    return std::max<VkDeviceSize>(host.minImportedHostPointerAlignment,
                                  static_cast<VkDeviceSize>(sysconf(_SC_PAGESIZE)));
}

VKAPI_ATTR VkResult VKAPI_CALL createDevice(VkPhysicalDevice physical, const VkDeviceCreateInfo* info,
                                            const VkAllocationCallbacks* allocator, VkDevice* handle)
{
    auto* link = linkOf<VkLayerDeviceCreateInfo>(info->pNext, VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO);
    if (!link)
        return VK_ERROR_INITIALIZATION_FAILED;
    const Instance& instance = instanceOf(physical);
    auto nextInstance = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    auto next = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;

    std::vector<const char*> names(info->ppEnabledExtensionNames,
                                   info->ppEnabledExtensionNames + info->enabledExtensionCount);
    for (const char* name : names) {
        if (switches().hides(name))
            return VK_ERROR_EXTENSION_NOT_PRESENT;
    }
    constexpr const char* hostMemory = VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME;
    auto isHostMemory = [](const char* name) { return std::strcmp(name, hostMemory) == 0; };
    if (std::none_of(names.begin(), names.end(), isHostMemory))
        names.push_back(hostMemory);
    VkDeviceCreateInfo below = *info;
    below.enabledExtensionCount = static_cast<uint32_t>(names.size());
    below.ppEnabledExtensionNames = names.data();
    auto create = reinterpret_cast<PFN_vkCreateDevice>(nextInstance(instance.handle, "vkCreateDevice"));
    if (VkResult result = create(physical, &below, allocator, handle); result != VK_SUCCESS)
        return result;

    auto device = std::make_unique<Device>();
    device->next = next;
    auto get = [&](const char* name) { return next(*handle, name); };
    device->destroy = reinterpret_cast<PFN_vkDestroyDevice>(get("vkDestroyDevice"));
    device->submit = reinterpret_cast<PFN_vkQueueSubmit>(get("vkQueueSubmit"));
    device->submit2 = reinterpret_cast<PFN_vkQueueSubmit2>(get("vkQueueSubmit2"));
    MemoryCalls calls;
    calls.allocate = reinterpret_cast<PFN_vkAllocateMemory>(get("vkAllocateMemory"));
    calls.free = reinterpret_cast<PFN_vkFreeMemory>(get("vkFreeMemory"));
    calls.getFd = reinterpret_cast<PFN_vkGetMemoryFdKHR>(get("vkGetMemoryFdKHR"));
    calls.getFdProperties = reinterpret_cast<PFN_vkGetMemoryFdPropertiesKHR>(get("vkGetMemoryFdPropertiesKHR"));
    calls.getHostPointerProperties =
        reinterpret_cast<PFN_vkGetMemoryHostPointerPropertiesEXT>(get("vkGetMemoryHostPointerPropertiesEXT"));
    device->memory = std::make_unique<SharedMemory>(*handle, calls, hostPointerAlignment(instance, physical));
    const std::lock_guard lock(g_mutex);
    g_devices[keyOf(*handle)] = std::move(device);
    return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL destroyDevice(VkDevice handle, const VkAllocationCallbacks* allocator)
{
    if (!handle)
        return;
    void* key = keyOf(handle);
    deviceOf(handle).destroy(handle, allocator);
    const std::lock_guard lock(g_mutex);
    g_devices.erase(key);
}

VKAPI_ATTR VkResult VKAPI_CALL allocateMemory(VkDevice device, const VkMemoryAllocateInfo* info,
                                              const VkAllocationCallbacks* allocator, VkDeviceMemory* memory)
{
    return deviceOf(device).memory->allocate(info, allocator, memory);
}

VKAPI_ATTR void VKAPI_CALL freeMemory(VkDevice device, VkDeviceMemory memory, const VkAllocationCallbacks* allocator)
{
    deviceOf(device).memory->free(memory, allocator);
}

VKAPI_ATTR VkResult VKAPI_CALL getMemoryFd(VkDevice device, const VkMemoryGetFdInfoKHR* info, int* fd)
{
    return deviceOf(device).memory->getFd(info, fd);
}

VKAPI_ATTR VkResult VKAPI_CALL getMemoryFdProperties(VkDevice device, VkExternalMemoryHandleTypeFlagBits type, int fd,
                                                     VkMemoryFdPropertiesKHR* properties)
{
    return deviceOf(device).memory->getFdProperties(type, fd, properties);
}

bool swallows(Device& device)
{
    const uint64_t before = device.submitted.fetch_add(1);
    if (switches().delayMicroseconds)
        usleep(static_cast<useconds_t>(switches().delayMicroseconds));
    return switches().swallowsSubmission(before);
}

VKAPI_ATTR VkResult VKAPI_CALL queueSubmit(VkQueue queue, uint32_t count, const VkSubmitInfo* submits, VkFence fence)
{
    Device& device = deviceOf(queue);
    return swallows(device) ? VK_SUCCESS : device.submit(queue, count, submits, fence);
}

VKAPI_ATTR VkResult VKAPI_CALL queueSubmit2(VkQueue queue, uint32_t count, const VkSubmitInfo2* submits, VkFence fence)
{
    Device& device = deviceOf(queue);
    return swallows(device) ? VK_SUCCESS : device.submit2(queue, count, submits, fence);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL getInstanceProcAddr(VkInstance instance, const char* name);
VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL getDeviceProcAddr(VkDevice device, const char* name);

struct Hook {
    const char* name;
    PFN_vkVoidFunction function;
};

template <typename F> constexpr PFN_vkVoidFunction erased(F* function)
{
    return reinterpret_cast<PFN_vkVoidFunction>(function);
}

PFN_vkVoidFunction deviceHook(const char* name)
{
    static const Hook hooks[] = {
        {"vkGetDeviceProcAddr", erased(getDeviceProcAddr)},
        {"vkDestroyDevice", erased(destroyDevice)},
        {"vkAllocateMemory", erased(allocateMemory)},
        {"vkFreeMemory", erased(freeMemory)},
        {"vkGetMemoryFdKHR", erased(getMemoryFd)},
        {"vkGetMemoryFdPropertiesKHR", erased(getMemoryFdProperties)},
        {"vkQueueSubmit", erased(queueSubmit)},
        {"vkQueueSubmit2", erased(queueSubmit2)},
        {"vkQueueSubmit2KHR", erased(queueSubmit2)},
    };
    // With dma-bufs hidden, memory stays the driver's own affair.
    const bool memory = std::strstr(name, "Memory") != nullptr;
    for (const Hook& hook : hooks) {
        if (std::strcmp(hook.name, name) == 0 && !(memory && switches().hideDmaBuf))
            return hook.function;
    }
    return nullptr;
}

PFN_vkVoidFunction instanceHook(const char* name)
{
    static const Hook hooks[] = {
        {"vkGetInstanceProcAddr", erased(getInstanceProcAddr)},
        {"vkCreateInstance", erased(createInstance)},
        {"vkDestroyInstance", erased(destroyInstance)},
        {"vkCreateDevice", erased(createDevice)},
        {"vkEnumerateDeviceExtensionProperties", erased(enumerateDeviceExtensions)},
        {"vkGetPhysicalDeviceExternalBufferProperties", erased(externalBufferProperties)},
        {"vkGetPhysicalDeviceExternalBufferPropertiesKHR", erased(externalBufferProperties)},
        {"vkGetPhysicalDeviceImageFormatProperties2", erased(imageFormatProperties)},
        {"vkGetPhysicalDeviceImageFormatProperties2KHR", erased(imageFormatProperties)},
        {"vkGetPhysicalDeviceExternalSemaphoreProperties", erased(externalSemaphoreProperties)},
        {"vkGetPhysicalDeviceExternalSemaphorePropertiesKHR", erased(externalSemaphoreProperties)},
        {"vkGetPhysicalDeviceExternalFenceProperties", erased(externalFenceProperties)},
        {"vkGetPhysicalDeviceExternalFencePropertiesKHR", erased(externalFenceProperties)},
    };
    for (const Hook& hook : hooks) {
        if (std::strcmp(hook.name, name) == 0)
            return hook.function;
    }
    return nullptr;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL getDeviceProcAddr(VkDevice device, const char* name)
{
    auto* function = deviceOf(device).next(device, name);
    auto* hook = deviceHook(name);
    return function && hook ? hook : function;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL getInstanceProcAddr(VkInstance instance, const char* name)
{
    if (auto* hook = instanceHook(name))
        return hook;
    if (!instance)
        return nullptr;
    auto* function = instanceOf(instance).next(instance, name);
    auto* hook = deviceHook(name);
    return function && hook ? hook : function;
}

} // namespace
} // namespace standin

extern "C" __attribute__((visibility("default"))) VKAPI_ATTR VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface* interface)
{
    if (interface->loaderLayerInterfaceVersion < 2)
        return VK_ERROR_INITIALIZATION_FAILED;
    interface->loaderLayerInterfaceVersion = 2;
    interface->pfnGetInstanceProcAddr = standin::getInstanceProcAddr;
    interface->pfnGetDeviceProcAddr = standin::getDeviceProcAddr;
    interface->pfnGetPhysicalDeviceProcAddr = nullptr;
    return VK_SUCCESS;
}
