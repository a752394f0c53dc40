#include "core/device.h"
#include "core/instance.h"
#include "core/queue.h"
#ifdef VWSI_HAVE_DISPLAY
#include "entry/display_entry.h"
#endif
#include "entry/driver_create_info.h"
#include "entry/hooks.h"

#include <mutex>
#include <vulkan/vk_layer.h>

namespace vwsi {

namespace {

/// What the loader put into the create info's chain for this layer.
VkLayerDeviceCreateInfo* findLoaderInfo(const VkDeviceCreateInfo& info, VkLayerFunction function)
{
    for (auto* entry = static_cast<const VkLayerDeviceCreateInfo*>(info.pNext); entry;
         entry = static_cast<const VkLayerDeviceCreateInfo*>(entry->pNext)) {
        if (entry->sType == VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO && entry->function == function)
            return const_cast<VkLayerDeviceCreateInfo*>(entry);
    }
    return nullptr;
}

VKAPI_ATTR VkResult VKAPI_CALL CreateDevice(VkPhysicalDevice physicalDevice, const VkDeviceCreateInfo* pCreateInfo,
                                            const VkAllocationCallbacks* pAllocator, VkDevice* pDevice)
{
    VkLayerDeviceCreateInfo* const link = findLoaderInfo(*pCreateInfo, VK_LAYER_LINK_INFO);
    const VkLayerDeviceCreateInfo* const callback = findLoaderInfo(*pCreateInfo, VK_LOADER_DATA_CALLBACK);
    if (!link || !link->u.pLayerInfo || !callback)
        return VK_ERROR_INITIALIZATION_FAILED;
    const PFN_vkSetDeviceLoaderData setLoaderData = callback->u.pfnSetDeviceLoaderData;
    const VkLayerDeviceLink here = *link->u.pLayerInfo;
    link->u.pLayerInfo = here.pNext;

    return guarded([&] {
        Instance& instance = *Instance::find(physicalDevice);
        PhysicalDevice& physical = instance.physicalDevice(physicalDevice);
        const auto createNext =
            reinterpret_cast<PFN_vkCreateDevice>(here.pfnNextGetInstanceProcAddr(instance.handle(), "vkCreateDevice"));
        if (!createNext)
            return VK_ERROR_INITIALIZATION_FAILED;

        DriverSupport support;
        VkResult result = VK_SUCCESS;
        if (physical.served()) {
            const DriverCreateInfo info(physical, *pCreateInfo);
            support = info.support();
            result = createNext(physicalDevice, &info.get(), pAllocator, pDevice);
        } else {
            result = createNext(physicalDevice, pCreateInfo, pAllocator, pDevice);
        }
        if (result != VK_SUCCESS)
            return result;

        const auto destroyNext =
            reinterpret_cast<PFN_vkDestroyDevice>(here.pfnNextGetDeviceProcAddr(*pDevice, "vkDestroyDevice"));
        try {
            auto device = std::make_unique<Device>(physical, *pDevice, here.pfnNextGetDeviceProcAddr, setLoaderData);
            if (physical.served())
                result = device->serve(*pCreateInfo, support);
            if (result == VK_SUCCESS)
                device.release(); // NOLINT(bugprone-unused-return-value): found by its handle from now on
        } catch (...) {
            destroyNext(*pDevice, pAllocator);
            throw;
        }
        if (result != VK_SUCCESS)
            destroyNext(*pDevice, pAllocator);
        return result;
    });
}

VKAPI_ATTR void VKAPI_CALL DestroyDevice(VkDevice device, const VkAllocationCallbacks* pAllocator)
{
    if (!device)
        return;
    Device* const object = Device::find(device);
    const PFN_vkDestroyDevice destroyNext = object->next().DestroyDevice;
#ifdef VWSI_HAVE_DISPLAY
    dropDisplayFences(*object);
#endif
    delete object;
    destroyNext(device, pAllocator);
}

VKAPI_ATTR VkResult VKAPI_CALL DeviceWaitIdle(VkDevice device)
{
    return guarded([&] { return Device::find(device)->waitIdle(); });
}

/// Devices that are not served are the layer's to forget as well.
Hook destroyDeviceHook()
{
    Hook hook = VWSI_HOOK(DestroyDevice, HookLevel::Device);
    hook.instanceFunction = hook.function;
    return hook;
}

} // namespace

std::span<const Hook> deviceHooks()
{
    static const Hook hooks[] = {
        VWSI_HOOK(CreateDevice, HookLevel::PhysicalDevice),
        destroyDeviceHook(),
        VWSI_HOOK(DeviceWaitIdle, HookLevel::Device),
    };
    return hooks;
}

} // namespace vwsi
