#include "core/device.h"
#include "core/guest_pages.h"
#include "core/instance.h"
#include "core/log.h"
#include "core/outarray.h"
#include "core/settings.h"
#include "core/struct_chain.h"
#include "entry/entry_points.h"
#ifdef VWSI_HAVE_DISPLAY
#include "entry/display_entry.h"
#endif
#include "entry/hooks.h"

#include <algorithm>
#include <cstring>
#include <vector>
#include <vulkan/vk_layer.h>

namespace vwsi {

namespace {

/// The loader's link to the next layer; the loader put it into the chain, and every layer moves it on.
VkLayerInstanceCreateInfo* findLink(const VkInstanceCreateInfo& info)
{
    for (auto* entry = static_cast<const VkLayerInstanceCreateInfo*>(info.pNext); entry;
         entry = static_cast<const VkLayerInstanceCreateInfo*>(entry->pNext)) {
        if (entry->sType == VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO && entry->function == VK_LAYER_LINK_INFO)
            return const_cast<VkLayerInstanceCreateInfo*>(entry);
    }
    return nullptr;
}

/// The application's extensions and those that the layer needs from the links below.
std::vector<const char*> extensionsBelow(const VkInstanceCreateInfo& info)
{
    std::vector<const char*> names(info.ppEnabledExtensionNames,
                                   info.ppEnabledExtensionNames + info.enabledExtensionCount);
    const auto enabled = [&](const char* name) {
        return std::any_of(names.begin(), names.end(), [&](const char* own) { return !strcmp(own, name); });
    };
    const uint32_t version = info.pApplicationInfo && info.pApplicationInfo->apiVersion
                                 ? info.pApplicationInfo->apiVersion
                                 : VK_API_VERSION_1_0;
    if (version < VK_API_VERSION_1_1) {
        for (const char* const name : {VK_KHR_GET_PHYSICAL_DEVICE_PROPERTIES_2_EXTENSION_NAME,
                                       VK_KHR_EXTERNAL_MEMORY_CAPABILITIES_EXTENSION_NAME}) {
            if (!enabled(name))
                names.push_back(name);
        }
    }
    // A display surface is a headless one to the links below, which know nothing of the layer's displays.
    if (enabled(VK_KHR_DISPLAY_EXTENSION_NAME) && !enabled(VK_EXT_HEADLESS_SURFACE_EXTENSION_NAME))
        names.push_back(VK_EXT_HEADLESS_SURFACE_EXTENSION_NAME);
    return names;
}

VKAPI_ATTR VkResult VKAPI_CALL CreateInstance(const VkInstanceCreateInfo* pCreateInfo,
                                              const VkAllocationCallbacks* pAllocator, VkInstance* pInstance)
{
    VkLayerInstanceCreateInfo* const link = findLink(*pCreateInfo);
    if (!link || !link->u.pLayerInfo)
        return VK_ERROR_INITIALIZATION_FAILED;
    const VkLayerInstanceLink here = *link->u.pLayerInfo;
    const auto createNext =
        reinterpret_cast<PFN_vkCreateInstance>(here.pfnNextGetInstanceProcAddr(VK_NULL_HANDLE, "vkCreateInstance"));
    if (!createNext)
        return VK_ERROR_INITIALIZATION_FAILED;

    return guarded([&] {
        const std::vector<const char*> names = extensionsBelow(*pCreateInfo);
        VkInstanceCreateInfo below = *pCreateInfo;
        if (settings().policy != Policy::Never) {
            below.enabledExtensionCount = static_cast<uint32_t>(names.size());
            below.ppEnabledExtensionNames = names.data();
        }
        const long smallPages = pagesTooSmallForAppleHosts();
        if (smallPages)
            VWSI_INFO("this kernel has %ld-byte pages; on a Mac, Venus hangs or fails unless it aligns blobs to %ld "
                      "bytes (mesa-patches, blob-alignment): a kernel with %ld-byte pages needs no such Mesa",
                      smallPages, kAppleHostPage, kAppleHostPage);
        link->u.pLayerInfo = here.pNext;
        VkResult result = createNext(&below, pAllocator, pInstance);
        bool extended = settings().policy != Policy::Never;
        if (result == VK_ERROR_EXTENSION_NOT_PRESENT && extended && names.size() > pCreateInfo->enabledExtensionCount) {
            extended = false;
            link->u.pLayerInfo = here.pNext;
            result = createNext(pCreateInfo, pAllocator, pInstance);
        }
        if (result == VK_ERROR_OUT_OF_HOST_MEMORY && smallPages)
            VWSI_ERROR(
                "vkCreateInstance: a driver is out of memory, on a Mac because this kernel has %ld-byte pages and "
                "the host maps %ld bytes at a time: boot a kernel with %ld-byte pages or patch Mesa "
                "(mesa-patches, blob-alignment)",
                smallPages, kAppleHostPage, kAppleHostPage);
        if (result != VK_SUCCESS)
            return result;
        // Such an instance asks about no device, so that no line would tell that the layer is there.
        if (settings().policy == Policy::Never)
            VWSI_INFO("no device is served (policy never)");
        try {
            auto* const instance = new Instance(*pInstance, here.pfnNextGetInstanceProcAddr, *pCreateInfo, extended);
            instance->nextPhysicalDeviceProcAddr = here.pfnNextGetPhysicalDeviceProcAddr;
        } catch (...) {
            const auto destroyNext = reinterpret_cast<PFN_vkDestroyInstance>(
                here.pfnNextGetInstanceProcAddr(*pInstance, "vkDestroyInstance"));
            destroyNext(*pInstance, pAllocator);
            throw;
        }
        return VK_SUCCESS;
    });
}

VKAPI_ATTR void VKAPI_CALL DestroyInstance(VkInstance instance, const VkAllocationCallbacks* pAllocator)
{
    if (!instance)
        return;
    Instance* const object = Instance::find(instance);
    const PFN_vkDestroyInstance destroyNext = object->next().DestroyInstance;
    Device::silenceAllOf(*object);
#ifdef VWSI_HAVE_DISPLAY
    object->forEachPhysicalDevice(&dropDisplays);
#endif
    delete object;
    destroyNext(instance, pAllocator);
}

VkResult listLayer(uint32_t* count, VkLayerProperties* properties)
{
    if (!properties) {
        *count = 1;
        return VK_SUCCESS;
    }
    if (*count == 0)
        return VK_INCOMPLETE;
    *count = 1;
    *properties = {};
    strncpy(properties->layerName, kLayerName, VK_MAX_EXTENSION_NAME_SIZE - 1);
    strncpy(properties->description, kLayerDescription, VK_MAX_DESCRIPTION_SIZE - 1);
    properties->specVersion = VK_HEADER_VERSION_COMPLETE;
    properties->implementationVersion = 1;
    return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL EnumerateInstanceLayerProperties(uint32_t* pPropertyCount,
                                                                VkLayerProperties* pProperties)
{
    return listLayer(pPropertyCount, pProperties);
}

VKAPI_ATTR VkResult VKAPI_CALL EnumerateDeviceLayerProperties(VkPhysicalDevice, uint32_t* pPropertyCount,
                                                              VkLayerProperties* pProperties)
{
    return listLayer(pPropertyCount, pProperties);
}

VKAPI_ATTR VkResult VKAPI_CALL EnumerateInstanceExtensionProperties(const char* pLayerName, uint32_t* pPropertyCount,
                                                                    VkExtensionProperties* pProperties)
{
    if (!pLayerName || strcmp(pLayerName, kLayerName) != 0)
        return VK_ERROR_LAYER_NOT_PRESENT;
    return listSupplied(true, pPropertyCount, pProperties);
}

} // namespace

std::span<const Hook> instanceHooks()
{
    static const Hook hooks[] = {
        VWSI_HOOK(CreateInstance, HookLevel::Global),
        VWSI_HOOK(EnumerateInstanceExtensionProperties, HookLevel::Global),
        VWSI_HOOK(EnumerateInstanceLayerProperties, HookLevel::Global),
        VWSI_HOOK(DestroyInstance, HookLevel::Instance),
        VWSI_HOOK(EnumerateDeviceLayerProperties, HookLevel::PhysicalDevice),
    };
    return hooks;
}

VkResult listSupplied(bool instanceLevel, uint32_t* count, VkExtensionProperties* properties)
{
    OutArray<VkExtensionProperties> out(count, properties);
    for (const ExtensionInfo& info : suppliedExtensions()) {
        if (info.instanceLevel != instanceLevel)
            continue;
        out.append([&](VkExtensionProperties& shown) {
            shown = {};
            strncpy(shown.extensionName, info.name, VK_MAX_EXTENSION_NAME_SIZE - 1);
            shown.specVersion = info.revision;
        });
    }
    return out.result();
}

} // namespace vwsi
