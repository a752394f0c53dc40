#include "entry/hooks.h"
#include "entry/surface_creation.h"
#include "surface/xcb/xcb_surface.h"

#include <vulkan/vulkan_xcb.h>

namespace vwsi {

namespace {

VKAPI_ATTR VkResult VKAPI_CALL CreateXcbSurfaceKHR(VkInstance instance, const VkXcbSurfaceCreateInfoKHR* pCreateInfo,
                                                   const VkAllocationCallbacks* pAllocator, VkSurfaceKHR* pSurface)
{
    Instance& object = *Instance::find(instance);
    return guarded([&] {
        const auto createNext = object.nextFunction<PFN_vkCreateXcbSurfaceKHR>("vkCreateXcbSurfaceKHR");
        return createSurface(
            object, pAllocator, pSurface,
            [&](VkSurfaceKHR* handle) { return createNext(instance, pCreateInfo, pAllocator, handle); },
            [&](std::unique_ptr<Surface>* surface) {
                return createXcbSurface(pCreateInfo->connection, pCreateInfo->window, surface);
            });
    });
}

VKAPI_ATTR VkBool32 VKAPI_CALL GetPhysicalDeviceXcbPresentationSupportKHR(VkPhysicalDevice physicalDevice,
                                                                          uint32_t queueFamilyIndex,
                                                                          xcb_connection_t* connection,
                                                                          xcb_visualid_t visual_id)
{
    return guardedAnswer([&]() -> bool {
        Instance& instance = *Instance::find(physicalDevice);
        const PhysicalDevice& device = instance.physicalDevice(physicalDevice);
        if (device.served())
            return device.familyPresents(queueFamilyIndex) && xcbPresentationSupport(connection, visual_id);
        return instance.nextFunction<PFN_vkGetPhysicalDeviceXcbPresentationSupportKHR>(
            "vkGetPhysicalDeviceXcbPresentationSupportKHR")(physicalDevice, queueFamilyIndex, connection, visual_id);
    });
}

} // namespace

std::span<const Hook> xcbHooks()
{
    static const Hook hooks[] = {
        VWSI_HOOK(CreateXcbSurfaceKHR, HookLevel::Instance, Extension::KhrXcbSurface),
        VWSI_HOOK(GetPhysicalDeviceXcbPresentationSupportKHR, HookLevel::PhysicalDevice, Extension::KhrXcbSurface),
    };
    return hooks;
}

} // namespace vwsi
