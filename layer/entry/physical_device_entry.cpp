#include "core/instance.h"
#include "core/outarray.h"
#include "core/struct_chain.h"
#include "entry/entry_points.h"
#include "entry/hooks.h"
#include "entry/supplied_features.h"

#include <algorithm>
#include <cstring>

namespace vwsi {

namespace {

PhysicalDevice& deviceOf(VkPhysicalDevice handle)
{
    return Instance::find(handle)->physicalDevice(handle);
}

VKAPI_ATTR VkResult VKAPI_CALL EnumerateDeviceExtensionProperties(VkPhysicalDevice physicalDevice,
                                                                  const char* pLayerName, uint32_t* pPropertyCount,
                                                                  VkExtensionProperties* pProperties)
{
    if (pLayerName && !strcmp(pLayerName, kLayerName))
        return listSupplied(false, pPropertyCount, pProperties);
    Instance& instance = *Instance::find(physicalDevice);
    return guarded([&] {
        if (pLayerName || !instance.physicalDevice(physicalDevice).served())
            return instance.next().EnumerateDeviceExtensionProperties(physicalDevice, pLayerName, pPropertyCount,
                                                                      pProperties);
        OutArray<VkExtensionProperties> out(pPropertyCount, pProperties);
        for (const VkExtensionProperties& shown : instance.physicalDevice(physicalDevice).shownExtensions())
            out.append([&](VkExtensionProperties& written) { written = shown; });
        return out.result();
    });
}

VKAPI_ATTR void VKAPI_CALL GetPhysicalDeviceFeatures2(VkPhysicalDevice physicalDevice,
                                                      VkPhysicalDeviceFeatures2* pFeatures)
{
    Instance::find(physicalDevice)->next().GetPhysicalDeviceFeatures2(physicalDevice, pFeatures);
    // Without memory for the record of the device the driver's answer stands.
    guarded([&] {
        if (const PhysicalDevice& device = deviceOf(physicalDevice); device.served())
            reportSuppliedFeatures(device, pFeatures->pNext);
        return VK_SUCCESS;
    });
}

constexpr auto GetPhysicalDeviceFeatures2KHR = &GetPhysicalDeviceFeatures2;

} // namespace

std::span<const Hook> physicalDeviceHooks()
{
    static const Hook hooks[] = {
        VWSI_HOOK(EnumerateDeviceExtensionProperties, HookLevel::PhysicalDevice),
        VWSI_HOOK(GetPhysicalDeviceFeatures2, HookLevel::PhysicalDevice, Extension::None, true),
        VWSI_HOOK(GetPhysicalDeviceFeatures2KHR, HookLevel::PhysicalDevice, Extension::None, true),
    };
    return hooks;
}

} // namespace vwsi
