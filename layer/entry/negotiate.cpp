#include "core/device.h"
#include "core/instance.h"
#include "core/settings.h"
#include "entry/entry_points.h"
#include "entry/hooks.h"

#include <cstring>
#include <vulkan/vk_layer.h>

namespace vwsi {

namespace {

/// The hook of an instance's command, or null where the application has not enabled what it needs or the next link
/// lacks it.
PFN_vkVoidFunction instanceHook(const Instance& instance, const Hook& hook, const char* name)
{
    if (!has(instance.enabled(), hook.extension))
        return nullptr;
    if (hook.driverCommand && !instance.next().GetInstanceProcAddr(instance.handle(), name))
        return nullptr;
    return hook.function;
}

/// With policy "never" nothing is watched but the life of instances and devices.
bool isWatched(const Hook& hook)
{
    return settings().policy != Policy::Never || !strcmp(hook.name, "vkDestroyInstance") ||
           !strcmp(hook.name, "vkCreateDevice");
}

} // namespace

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL GetInstanceProcAddr(VkInstance instance, const char* pName)
{
    if (!pName)
        return nullptr;
    if (!strcmp(pName, "vkGetInstanceProcAddr"))
        return reinterpret_cast<PFN_vkVoidFunction>(&GetInstanceProcAddr);
    const Hook* const hook = findHook(pName);
    // The loader asks the topmost layer with its own handle of an instance that this layer has yet to create.
    if (hook && hook->level == HookLevel::Global)
        return hook->function;
    // Layers above, MangoHud among them, ask for this one without an instance.
    if (!instance)
        return hook && !strcmp(pName, "vkCreateDevice") ? hook->function : nullptr;
    if (!strcmp(pName, "vkGetDeviceProcAddr"))
        return reinterpret_cast<PFN_vkVoidFunction>(&GetDeviceProcAddr);
    const Instance* const object = Instance::find(instance);
    if (!object)
        return nullptr;
    if (hook && isWatched(*hook)) {
        if (hook->level != HookLevel::Device)
            return instanceHook(*object, *hook, pName);
        if (!hook->driverCommand || object->next().GetInstanceProcAddr(instance, pName))
            return hook->instanceFunction;
        return nullptr;
    }
    return object->next().GetInstanceProcAddr(instance, pName);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL GetPhysicalDeviceProcAddr(VkInstance instance, const char* pName)
{
    const Instance* const object = Instance::find(instance);
    if (!object || !pName)
        return nullptr;
    const Hook* const hook = findHook(pName);
    if (hook && hook->level == HookLevel::PhysicalDevice && isWatched(*hook))
        return instanceHook(*object, *hook, pName);
    return object->nextPhysicalDeviceProcAddr ? object->nextPhysicalDeviceProcAddr(instance, pName) : nullptr;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL GetDeviceProcAddr(VkDevice device, const char* pName)
{
    const Device* const object = device ? Device::find(device) : nullptr;
    if (!object || !pName)
        return nullptr;
    const PFN_vkGetDeviceProcAddr next = object->next().GetDeviceProcAddr;
    if (!object->physicalDevice().served()) {
        // The one command that has to come through the layer: it ends the layer's record of the device.
        if (!strcmp(pName, "vkDestroyDevice"))
            return findHook(pName)->function;
        return next(device, pName);
    }
    if (!strcmp(pName, "vkGetDeviceProcAddr"))
        return reinterpret_cast<PFN_vkVoidFunction>(&GetDeviceProcAddr);
    const Hook* const hook = findHook(pName);
    if (!hook || hook->level != HookLevel::Device)
        return next(device, pName);
    if (!has(object->enabled(), hook->extension))
        return hook->driverCommand ? next(device, pName) : nullptr;
    return hook->driverCommand && !next(device, pName) ? nullptr : hook->function;
}

} // namespace vwsi

/// Loader interface version 2 (Vulkan-Loader, LoaderLayerInterface.md): the layer's only exported symbol.
extern "C" __attribute__((visibility("default"))) VKAPI_ATTR VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface* pVersionStruct)
{
    if (!pVersionStruct || pVersionStruct->sType != LAYER_NEGOTIATE_INTERFACE_STRUCT ||
        pVersionStruct->loaderLayerInterfaceVersion < 2)
        return VK_ERROR_INITIALIZATION_FAILED;
    pVersionStruct->loaderLayerInterfaceVersion = 2;
    pVersionStruct->pfnGetInstanceProcAddr = &vwsi::GetInstanceProcAddr;
    pVersionStruct->pfnGetDeviceProcAddr = &vwsi::GetDeviceProcAddr;
    pVersionStruct->pfnGetPhysicalDeviceProcAddr = &vwsi::GetPhysicalDeviceProcAddr;
    return VK_SUCCESS;
}
