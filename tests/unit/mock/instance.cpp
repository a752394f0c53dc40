#include "mock/call.h"
#include "mock/entries.h"

#include <algorithm>
#include <vulkan/vk_layer.h>

namespace vwsi::mock {

namespace {

/// The loader's link for the next layer must have been taken by the layer above the driver.
void checkLinks(Call& call, const void* next)
{
    for (auto* entry = static_cast<const VkBaseInStructure*>(next); entry; entry = entry->pNext) {
        if (entry->sType == VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO) {
            const auto* info = reinterpret_cast<const VkLayerInstanceCreateInfo*>(entry);
            if (info->function == VK_LAYER_LINK_INFO && info->u.pLayerInfo)
                call.error("the layer did not advance its link");
        } else if (entry->sType == VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO) {
            const auto* info = reinterpret_cast<const VkLayerDeviceCreateInfo*>(entry);
            if (info->function == VK_LAYER_LINK_INFO && info->u.pLayerInfo)
                call.error("the layer did not advance its link");
        }
    }
}

bool enabledFeature(const void* next, VkStructureType type, size_t offset)
{
    for (auto* entry = static_cast<const VkBaseInStructure*>(next); entry; entry = entry->pNext) {
        if (entry->sType == type)
            return *reinterpret_cast<const VkBool32*>(reinterpret_cast<const char*>(entry) + offset);
    }
    return false;
}

} // namespace

namespace entry {

VkResult CreateInstance(const VkInstanceCreateInfo* info, const VkAllocationCallbacks*, VkInstance* handle)
{
    Call call("vkCreateInstance");
    checkLinks(call, info->pNext);
    World& world = call.world;
    if (call.fails())
        return call.result();
    auto instance = std::make_unique<Instance>();
    instance->dispatch = world.newDispatch();
    if (info->pApplicationInfo && info->pApplicationInfo->apiVersion)
        instance->apiVersion = info->pApplicationInfo->apiVersion;
    world.instanceExtensions.clear();
    world.instanceApiVersion = info->pApplicationInfo ? info->pApplicationInfo->apiVersion : 0;
    for (uint32_t i = 0; i < info->enabledExtensionCount; ++i) {
        if (!instance->extensions.emplace(info->ppEnabledExtensionNames[i]).second)
            call.error("%s is enabled twice", info->ppEnabledExtensionNames[i]);
        world.instanceExtensions.emplace_back(info->ppEnabledExtensionNames[i]);
    }
    for (const DeviceSpec& spec : world.specs) {
        auto device = std::make_unique<PhysicalDevice>();
        device->dispatch = instance->dispatch;
        device->instance = instance.get();
        device->spec = &spec;
        instance->physicalDevices.push_back(device.get());
        world.physicalDevices.push_back(std::move(device));
    }
    *handle = reinterpret_cast<VkInstance>(instance.get());
    world.instances.push_back(std::move(instance));
    return VK_SUCCESS;
}

void DestroyInstance(VkInstance handle, const VkAllocationCallbacks*)
{
    if (!handle)
        return;
    Call call("vkDestroyInstance", handle);
    if (!call.instance)
        return;
    if (call.instance->deviceCount)
        call.error("%u devices are left", call.instance->deviceCount);
    if (call.instance->surfaceCount)
        call.error("%u surfaces are left", call.instance->surfaceCount);
    call.instance->alive = false;
}

VkResult EnumeratePhysicalDevices(VkInstance handle, uint32_t* count, VkPhysicalDevice* devices)
{
    Call call("vkEnumeratePhysicalDevices", handle);
    if (call.fails())
        return call.result();
    const auto& all = call.instance->physicalDevices;
    if (!devices) {
        *count = static_cast<uint32_t>(all.size());
        return VK_SUCCESS;
    }
    *count = std::min(*count, static_cast<uint32_t>(all.size()));
    for (uint32_t i = 0; i < *count; ++i)
        devices[i] = reinterpret_cast<VkPhysicalDevice>(all[i]);
    return *count < all.size() ? VK_INCOMPLETE : VK_SUCCESS;
}

VkResult EnumeratePhysicalDeviceGroups(VkInstance handle, uint32_t* count, VkPhysicalDeviceGroupProperties* groups)
{
    Call call("vkEnumeratePhysicalDeviceGroups", handle);
    const auto& all = call.instance->physicalDevices;
    if (!groups) {
        *count = static_cast<uint32_t>(all.size());
        return VK_SUCCESS;
    }
    *count = std::min(*count, static_cast<uint32_t>(all.size()));
    for (uint32_t i = 0; i < *count; ++i) {
        groups[i].physicalDeviceCount = 1;
        groups[i].physicalDevices[0] = reinterpret_cast<VkPhysicalDevice>(all[i]);
        groups[i].subsetAllocation = VK_FALSE;
    }
    return *count < all.size() ? VK_INCOMPLETE : VK_SUCCESS;
}

VkResult CreateDevice(VkPhysicalDevice handle, const VkDeviceCreateInfo* info, const VkAllocationCallbacks*,
                      VkDevice* deviceHandle)
{
    Call call("vkCreateDevice", handle);
    if (!call.physicalDevice)
        return VK_ERROR_INITIALIZATION_FAILED;
    const DeviceSpec& spec = *call.physicalDevice->spec;
    World& world = call.world;
    checkLinks(call, info->pNext);
    call.chain(info->pNext);
    DeviceRecord record;
    record.next = info->pNext;
    record.chain = chainTypes(info->pNext);
    auto device = std::make_unique<Device>();
    device->physicalDevice = call.physicalDevice;
    bool missing = false;
    for (uint32_t i = 0; i < info->enabledExtensionCount; ++i) {
        const char* name = info->ppEnabledExtensionNames[i];
        record.extensions.emplace_back(name);
        if (!spec.has(name)) {
            call.error("the driver has no %s", name);
            missing = true;
        }
        if (!device->extensions.emplace(name).second)
            call.error("%s is enabled twice", name);
    }
    world.deviceRecords.push_back(record);
    if (call.fails())
        return call.result();
    if (missing)
        return VK_ERROR_EXTENSION_NOT_PRESENT;
    device->synchronization2 = enabledFeature(info->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SYNCHRONIZATION_2_FEATURES,
                                              offsetof(VkPhysicalDeviceSynchronization2Features, synchronization2)) ||
                               enabledFeature(info->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES,
                                              offsetof(VkPhysicalDeviceVulkan13Features, synchronization2));
    device->dispatch = world.newDispatch();
    for (uint32_t i = 0; i < info->queueCreateInfoCount; ++i) {
        const VkDeviceQueueCreateInfo& queues = info->pQueueCreateInfos[i];
        if (queues.queueFamilyIndex >= spec.queueFamilies.size() ||
            queues.queueCount > spec.queueFamilies[queues.queueFamilyIndex].queueCount) {
            call.error("queue family %u has no %u queues", queues.queueFamilyIndex, queues.queueCount);
            return VK_ERROR_INITIALIZATION_FAILED;
        }
        for (uint32_t j = 0; j < queues.queueCount; ++j) {
            auto queue = std::make_unique<Queue>();
            queue->device = device.get();
            queue->family = queues.queueFamilyIndex;
            queue->index = j;
            queue->flags = queues.flags;
            device->queues.push_back(queue.get());
            world.queues.push_back(std::move(queue));
        }
    }
    ++call.instance->deviceCount;
    *deviceHandle = reinterpret_cast<VkDevice>(device.get());
    world.devices.push_back(std::move(device));
    return VK_SUCCESS;
}

} // namespace entry

} // namespace vwsi::mock
