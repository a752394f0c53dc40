#include "entry/hooks.h"
#include "entry/surface_creation.h"
#include "surface/xcb/xcb_surface.h"

#include <X11/Xlib.h>
#include <vulkan/vulkan_xlib.h>

namespace vwsi {

namespace {

VKAPI_ATTR VkResult VKAPI_CALL CreateXlibSurfaceKHR(VkInstance instance, const VkXlibSurfaceCreateInfoKHR* pCreateInfo,
                                                    const VkAllocationCallbacks* pAllocator, VkSurfaceKHR* pSurface)
{
    Instance& object = *Instance::find(instance);
    return guarded([&] {
        const auto createNext = object.nextFunction<PFN_vkCreateXlibSurfaceKHR>("vkCreateXlibSurfaceKHR");
        return createSurface(
            object, pAllocator, pSurface,
            [&](VkSurfaceKHR* handle) { return createNext(instance, pCreateInfo, pAllocator, handle); },
            [&](std::unique_ptr<Surface>* surface) {
                return createXlibSurface(pCreateInfo->dpy, pCreateInfo->window, surface);
            });
    });
}

VKAPI_ATTR VkBool32 VKAPI_CALL GetPhysicalDeviceXlibPresentationSupportKHR(VkPhysicalDevice physicalDevice,
                                                                           uint32_t queueFamilyIndex, Display* dpy,
                                                                           VisualID visualID)
{
    return guardedAnswer([&]() -> bool {
        Instance& instance = *Instance::find(physicalDevice);
        const PhysicalDevice& device = instance.physicalDevice(physicalDevice);
        if (device.served())
            return device.familyPresents(queueFamilyIndex) && xlibPresentationSupport(dpy, visualID);
        return instance.nextFunction<PFN_vkGetPhysicalDeviceXlibPresentationSupportKHR>(
            "vkGetPhysicalDeviceXlibPresentationSupportKHR")(physicalDevice, queueFamilyIndex, dpy, visualID);
    });
}

} // namespace

std::span<const Hook> xlibHooks()
{
    static const Hook hooks[] = {
        VWSI_HOOK(CreateXlibSurfaceKHR, HookLevel::Instance, Extension::KhrXlibSurface),
        VWSI_HOOK(GetPhysicalDeviceXlibPresentationSupportKHR, HookLevel::PhysicalDevice, Extension::KhrXlibSurface),
    };
    return hooks;
}

} // namespace vwsi
