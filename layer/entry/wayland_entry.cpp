#include "entry/hooks.h"
#include "entry/surface_creation.h"
#include "surface/wayland/wayland_surface.h"

#include <vulkan/vulkan_wayland.h>

namespace vwsi {

namespace {

VKAPI_ATTR VkResult VKAPI_CALL CreateWaylandSurfaceKHR(VkInstance instance,
                                                       const VkWaylandSurfaceCreateInfoKHR* pCreateInfo,
                                                       const VkAllocationCallbacks* pAllocator, VkSurfaceKHR* pSurface)
{
    Instance& object = *Instance::find(instance);
    return guarded([&] {
        const auto createNext = object.nextFunction<PFN_vkCreateWaylandSurfaceKHR>("vkCreateWaylandSurfaceKHR");
        return createSurface(
            object, pAllocator, pSurface,
            [&](VkSurfaceKHR* handle) { return createNext(instance, pCreateInfo, pAllocator, handle); },
            [&](std::unique_ptr<Surface>* surface) {
                return createWaylandSurface(pCreateInfo->display, pCreateInfo->surface, surface);
            });
    });
}

VKAPI_ATTR VkBool32 VKAPI_CALL GetPhysicalDeviceWaylandPresentationSupportKHR(VkPhysicalDevice physicalDevice,
                                                                              uint32_t queueFamilyIndex,
                                                                              wl_display* display)
{
    return guardedAnswer([&]() -> bool {
        Instance& instance = *Instance::find(physicalDevice);
        const PhysicalDevice& device = instance.physicalDevice(physicalDevice);
        if (device.served())
            return device.familyPresents(queueFamilyIndex) && waylandPresentationSupport(display);
        return instance.nextFunction<PFN_vkGetPhysicalDeviceWaylandPresentationSupportKHR>(
            "vkGetPhysicalDeviceWaylandPresentationSupportKHR")(physicalDevice, queueFamilyIndex, display);
    });
}

} // namespace

std::span<const Hook> waylandHooks()
{
    static const Hook hooks[] = {
        VWSI_HOOK(CreateWaylandSurfaceKHR, HookLevel::Instance, Extension::KhrWaylandSurface),
        VWSI_HOOK(GetPhysicalDeviceWaylandPresentationSupportKHR, HookLevel::PhysicalDevice,
                  Extension::KhrWaylandSurface),
    };
    return hooks;
}

} // namespace vwsi
