// VK_KHR_display and its family: VK_KHR_get_display_properties2, VK_EXT_direct_mode_display,
// VK_EXT_acquire_drm_display, VK_EXT_display_surface_counter, VK_EXT_display_control, VK_KHR_display_swapchain.

#include "entry/display_entry.h"

#include "core/device.h"
#include "core/instance.h"
#include "entry/hooks.h"
#include "entry/surface_creation.h"
#include "surface/display/display_surface.h"
#include "swapchain/swapchain.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

namespace vwsi {

namespace {

/// The displays of the served physical devices of all instances, and the fences that wait for something of
/// theirs.
struct Displays {
    struct Fence {
        const Device* device;
        VkFence fence;
        DisplayRegistry* registry;
        uint64_t id;
    };

    std::mutex mutex;
    std::vector<std::unique_ptr<DisplayRegistry>> registries;
    std::vector<Fence> fences;
    std::atomic<bool> anyFence{false};
};

Displays& displays()
{
    // Lives until the process ends: threads may still be in the layer while static objects are destroyed.
    static auto* const instance = new Displays();
    return *instance;
}

drm::NodeRequest nodeRequest(const PhysicalDevice& device)
{
    drm::NodeRequest request;
    const auto getProperties = device.instance().next().GetPhysicalDeviceProperties2;
    if (!getProperties || !device.driverHas(VK_EXT_PHYSICAL_DEVICE_DRM_EXTENSION_NAME))
        return request;
    VkPhysicalDeviceDrmPropertiesEXT numbers{};
    numbers.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRM_PROPERTIES_EXT;
    VkPhysicalDeviceProperties2 properties{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &numbers, {}};
    getProperties(device.handle(), &properties);
    if (numbers.hasPrimary)
        request.primary = {static_cast<uint32_t>(numbers.primaryMajor), static_cast<uint32_t>(numbers.primaryMinor)};
    if (numbers.hasRender)
        request.render = {static_cast<uint32_t>(numbers.renderMajor), static_cast<uint32_t>(numbers.renderMinor)};
    return request;
}

DisplayRegistry& registryOf(const PhysicalDevice& device)
{
    Displays& all = displays();
    const std::scoped_lock lock(all.mutex);
    for (const auto& registry : all.registries) {
        if (registry->owner() == &device)
            return *registry;
    }
    all.registries.push_back(std::make_unique<DisplayRegistry>(&device, nodeRequest(device)));
    return *all.registries.back();
}

/// The registry of a served device, or null: pass the command down.
struct Query {
    Instance& instance;
    DisplayRegistry* registry;

    explicit Query(VkPhysicalDevice physicalDevice) : instance(*Instance::find(physicalDevice))
    {
        const PhysicalDevice& device = instance.physicalDevice(physicalDevice);
        registry = device.served() ? &registryOf(device) : nullptr;
    }
};

/// Runs `own(registry)` for served devices, else the driver's command of this name.
template <typename Function, typename Own, typename... Arguments>
VkResult serve(const char* name, Own&& own, VkPhysicalDevice physicalDevice, Arguments... arguments)
{
    return guarded([&] {
        const Query query(physicalDevice);
        if (query.registry)
            return own(*query.registry);
        const auto below = query.instance.nextFunction<Function>(name);
        return below ? below(physicalDevice, arguments...) : VK_ERROR_INITIALIZATION_FAILED;
    });
}

VKAPI_ATTR VkResult VKAPI_CALL GetPhysicalDeviceDisplayPropertiesKHR(VkPhysicalDevice physicalDevice, uint32_t* count,
                                                                     VkDisplayPropertiesKHR* properties)
{
    return serve<PFN_vkGetPhysicalDeviceDisplayPropertiesKHR>(
        "vkGetPhysicalDeviceDisplayPropertiesKHR",
        [&](DisplayRegistry& registry) { return registry.displayProperties(count, properties); }, physicalDevice, count,
        properties);
}

VKAPI_ATTR VkResult VKAPI_CALL GetPhysicalDeviceDisplayProperties2KHR(VkPhysicalDevice physicalDevice, uint32_t* count,
                                                                      VkDisplayProperties2KHR* properties)
{
    return serve<PFN_vkGetPhysicalDeviceDisplayProperties2KHR>(
        "vkGetPhysicalDeviceDisplayProperties2KHR",
        [&](DisplayRegistry& registry) { return registry.displayProperties2(count, properties); }, physicalDevice,
        count, properties);
}

VKAPI_ATTR VkResult VKAPI_CALL GetPhysicalDeviceDisplayPlanePropertiesKHR(VkPhysicalDevice physicalDevice,
                                                                          uint32_t* count,
                                                                          VkDisplayPlanePropertiesKHR* properties)
{
    return serve<PFN_vkGetPhysicalDeviceDisplayPlanePropertiesKHR>(
        "vkGetPhysicalDeviceDisplayPlanePropertiesKHR",
        [&](DisplayRegistry& registry) { return registry.planeProperties(count, properties); }, physicalDevice, count,
        properties);
}

VKAPI_ATTR VkResult VKAPI_CALL GetPhysicalDeviceDisplayPlaneProperties2KHR(VkPhysicalDevice physicalDevice,
                                                                           uint32_t* count,
                                                                           VkDisplayPlaneProperties2KHR* properties)
{
    return serve<PFN_vkGetPhysicalDeviceDisplayPlaneProperties2KHR>(
        "vkGetPhysicalDeviceDisplayPlaneProperties2KHR",
        [&](DisplayRegistry& registry) { return registry.planeProperties2(count, properties); }, physicalDevice, count,
        properties);
}

VKAPI_ATTR VkResult VKAPI_CALL GetDisplayPlaneSupportedDisplaysKHR(VkPhysicalDevice physicalDevice, uint32_t planeIndex,
                                                                   uint32_t* count, VkDisplayKHR* list)
{
    return serve<PFN_vkGetDisplayPlaneSupportedDisplaysKHR>(
        "vkGetDisplayPlaneSupportedDisplaysKHR",
        [&](DisplayRegistry& registry) { return registry.planeSupportedDisplays(planeIndex, count, list); },
        physicalDevice, planeIndex, count, list);
}

VKAPI_ATTR VkResult VKAPI_CALL GetDisplayModePropertiesKHR(VkPhysicalDevice physicalDevice, VkDisplayKHR display,
                                                           uint32_t* count, VkDisplayModePropertiesKHR* properties)
{
    return serve<PFN_vkGetDisplayModePropertiesKHR>(
        "vkGetDisplayModePropertiesKHR",
        [&](DisplayRegistry& registry) { return registry.modeProperties(display, count, properties); }, physicalDevice,
        display, count, properties);
}

VKAPI_ATTR VkResult VKAPI_CALL GetDisplayModeProperties2KHR(VkPhysicalDevice physicalDevice, VkDisplayKHR display,
                                                            uint32_t* count, VkDisplayModeProperties2KHR* properties)
{
    return serve<PFN_vkGetDisplayModeProperties2KHR>(
        "vkGetDisplayModeProperties2KHR",
        [&](DisplayRegistry& registry) { return registry.modeProperties2(display, count, properties); }, physicalDevice,
        display, count, properties);
}

// Modes cannot be destroyed, so they live as long as the physical device, in the layer's own memory.
VKAPI_ATTR VkResult VKAPI_CALL CreateDisplayModeKHR(VkPhysicalDevice physicalDevice, VkDisplayKHR display,
                                                    const VkDisplayModeCreateInfoKHR* pCreateInfo,
                                                    const VkAllocationCallbacks* pAllocator, VkDisplayModeKHR* pMode)
{
    return serve<PFN_vkCreateDisplayModeKHR>(
        "vkCreateDisplayModeKHR",
        [&](DisplayRegistry& registry) { return registry.createMode(display, *pCreateInfo, pMode); }, physicalDevice,
        display, pCreateInfo, pAllocator, pMode);
}

VKAPI_ATTR VkResult VKAPI_CALL GetDisplayPlaneCapabilitiesKHR(VkPhysicalDevice physicalDevice, VkDisplayModeKHR mode,
                                                              uint32_t planeIndex,
                                                              VkDisplayPlaneCapabilitiesKHR* pCapabilities)
{
    return serve<PFN_vkGetDisplayPlaneCapabilitiesKHR>(
        "vkGetDisplayPlaneCapabilitiesKHR",
        [&](DisplayRegistry& registry) { return registry.planeCapabilities(mode, planeIndex, pCapabilities); },
        physicalDevice, mode, planeIndex, pCapabilities);
}

VKAPI_ATTR VkResult VKAPI_CALL GetDisplayPlaneCapabilities2KHR(VkPhysicalDevice physicalDevice,
                                                               const VkDisplayPlaneInfo2KHR* pInfo,
                                                               VkDisplayPlaneCapabilities2KHR* pCapabilities)
{
    return serve<PFN_vkGetDisplayPlaneCapabilities2KHR>(
        "vkGetDisplayPlaneCapabilities2KHR",
        [&](DisplayRegistry& registry) {
            return registry.planeCapabilities(pInfo->mode, pInfo->planeIndex, &pCapabilities->capabilities);
        },
        physicalDevice, pInfo, pCapabilities);
}

VKAPI_ATTR VkResult VKAPI_CALL ReleaseDisplayEXT(VkPhysicalDevice physicalDevice, VkDisplayKHR display)
{
    return serve<PFN_vkReleaseDisplayEXT>(
        "vkReleaseDisplayEXT", [&](DisplayRegistry& registry) { return registry.releaseDisplay(display); },
        physicalDevice, display);
}

VKAPI_ATTR VkResult VKAPI_CALL AcquireDrmDisplayEXT(VkPhysicalDevice physicalDevice, int32_t drmFd,
                                                    VkDisplayKHR display)
{
    return serve<PFN_vkAcquireDrmDisplayEXT>(
        "vkAcquireDrmDisplayEXT", [&](DisplayRegistry& registry) { return registry.acquireDrmDisplay(drmFd, display); },
        physicalDevice, drmFd, display);
}

VKAPI_ATTR VkResult VKAPI_CALL GetDrmDisplayEXT(VkPhysicalDevice physicalDevice, int32_t drmFd, uint32_t connectorId,
                                                VkDisplayKHR* display)
{
    return serve<PFN_vkGetDrmDisplayEXT>(
        "vkGetDrmDisplayEXT",
        [&](DisplayRegistry& registry) { return registry.getDrmDisplay(drmFd, connectorId, display); }, physicalDevice,
        drmFd, connectorId, display);
}

/// The registry of one of the instance's devices that made this mode, or null.
DisplayRegistry* registryOfMode(const Instance& instance, VkDisplayModeKHR mode)
{
    Displays& all = displays();
    const std::scoped_lock lock(all.mutex);
    for (const auto& registry : all.registries) {
        if (&registry->owner()->instance() == &instance && registry->findMode(mode))
            return registry.get();
    }
    return nullptr;
}

VKAPI_ATTR VkResult VKAPI_CALL CreateDisplayPlaneSurfaceKHR(VkInstance instance,
                                                            const VkDisplaySurfaceCreateInfoKHR* pCreateInfo,
                                                            const VkAllocationCallbacks* pAllocator,
                                                            VkSurfaceKHR* pSurface)
{
    Instance& object = *Instance::find(instance);
    return guarded([&] {
        DisplayRegistry* const registry = registryOfMode(object, pCreateInfo->displayMode);
        if (!registry)
            return object.nextFunction<PFN_vkCreateDisplayPlaneSurfaceKHR>("vkCreateDisplayPlaneSurfaceKHR")(
                instance, pCreateInfo, pAllocator, pSurface);
        return createSurface(
            object, pAllocator, pSurface,
            [&](VkSurfaceKHR* handle) {
                // The links below would look into the mode's handle, which is not theirs.
                const VkHeadlessSurfaceCreateInfoEXT info{VK_STRUCTURE_TYPE_HEADLESS_SURFACE_CREATE_INFO_EXT, nullptr,
                                                          0};
                return object.next().CreateHeadlessSurfaceEXT
                           ? object.next().CreateHeadlessSurfaceEXT(instance, &info, pAllocator, handle)
                           : VK_ERROR_INITIALIZATION_FAILED;
            },
            [&](std::unique_ptr<Surface>* surface) { return createDisplaySurface(*registry, *pCreateInfo, surface); });
    });
}

DisplaySurface* displaySurface(Surface* surface)
{
    return dynamic_cast<DisplaySurface*>(surface);
}

// VK_EXT_display_surface_counter
VKAPI_ATTR VkResult VKAPI_CALL GetPhysicalDeviceSurfaceCapabilities2EXT(VkPhysicalDevice physicalDevice,
                                                                        VkSurfaceKHR surface,
                                                                        VkSurfaceCapabilities2EXT* pCapabilities)
{
    return guarded([&] {
        Instance& instance = *Instance::find(physicalDevice);
        const bool served = instance.physicalDevice(physicalDevice).served();
        Surface* const own = served ? instance.surface(surface) : nullptr;
        if (!own)
            return instance.nextFunction<PFN_vkGetPhysicalDeviceSurfaceCapabilities2EXT>(
                "vkGetPhysicalDeviceSurfaceCapabilities2EXT")(physicalDevice, surface, pCapabilities);
        const auto getCapabilities = reinterpret_cast<PFN_vkGetPhysicalDeviceSurfaceCapabilitiesKHR>(
            findHook("vkGetPhysicalDeviceSurfaceCapabilitiesKHR")->function);
        VkSurfaceCapabilitiesKHR plain{};
        if (const VkResult result = getCapabilities(physicalDevice, surface, &plain); result != VK_SUCCESS)
            return result;
        pCapabilities->minImageCount = plain.minImageCount;
        pCapabilities->maxImageCount = plain.maxImageCount;
        pCapabilities->currentExtent = plain.currentExtent;
        pCapabilities->minImageExtent = plain.minImageExtent;
        pCapabilities->maxImageExtent = plain.maxImageExtent;
        pCapabilities->maxImageArrayLayers = plain.maxImageArrayLayers;
        pCapabilities->supportedTransforms = plain.supportedTransforms;
        pCapabilities->currentTransform = plain.currentTransform;
        pCapabilities->supportedCompositeAlpha = plain.supportedCompositeAlpha;
        pCapabilities->supportedUsageFlags = plain.supportedUsageFlags;
        const DisplaySurface* const display = displaySurface(own);
        pCapabilities->supportedSurfaceCounters = display ? display->counters() : 0;
        return VK_SUCCESS;
    });
}

VKAPI_ATTR VkResult VKAPI_CALL DisplayPowerControlEXT(VkDevice device, VkDisplayKHR display,
                                                      const VkDisplayPowerInfoEXT* pDisplayPowerInfo)
{
    return guarded([&] {
        return registryOf(Device::find(device)->physicalDevice()).powerControl(display, pDisplayPowerInfo->powerState);
    });
}

/// A new fence that `wish(registry, callback, &id)` has signalled when the time comes.
template <typename Wish>
VkResult registerFence(Device& device, const VkAllocationCallbacks* callbacks, VkFence* fence, Wish&& wish)
{
    DisplayRegistry& registry = registryOf(device.physicalDevice());
    // What may take its time comes before the lock.
    static_cast<void>(registry.device());
    const VkFenceCreateInfo info{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO, nullptr, 0};
    VkFence made = VK_NULL_HANDLE;
    if (const VkResult result = device.next().CreateFence(device.handle(), &info, callbacks, &made);
        result != VK_SUCCESS)
        return result;
    Displays& all = displays();
    VkResult result = VK_ERROR_OUT_OF_HOST_MEMORY;
    try {
        // Held during the registration: the fence may be waited for and destroyed as soon as it has been
        // signalled.
        const std::scoped_lock lock(all.mutex);
        all.fences.reserve(all.fences.size() + 1);
        uint64_t id = 0;
        result = wish(registry, [&device, made] { static_cast<void>(device.signal(VK_NULL_HANDLE, made)); }, &id);
        if (result == VK_SUCCESS)
            all.fences.push_back({&device, made, &registry, id});
        all.anyFence.store(!all.fences.empty(), std::memory_order_release);
    } catch (...) {
        device.next().DestroyFence(device.handle(), made, callbacks);
        throw;
    }
    if (result != VK_SUCCESS)
        device.next().DestroyFence(device.handle(), made, callbacks);
    else
        *fence = made;
    return result;
}

VKAPI_ATTR VkResult VKAPI_CALL RegisterDeviceEventEXT(VkDevice device, const VkDeviceEventInfoEXT* pDeviceEventInfo,
                                                      const VkAllocationCallbacks* pAllocator, VkFence* pFence)
{
    return guarded([&] {
        return registerFence(*Device::find(device), pAllocator, pFence,
                             [&](DisplayRegistry& registry, std::function<void()> callback, uint64_t* id) {
                                 return registry.registerDeviceEvent(pDeviceEventInfo->deviceEvent, std::move(callback),
                                                                     id);
                             });
    });
}

VKAPI_ATTR VkResult VKAPI_CALL RegisterDisplayEventEXT(VkDevice device, VkDisplayKHR display,
                                                       const VkDisplayEventInfoEXT* pDisplayEventInfo,
                                                       const VkAllocationCallbacks* pAllocator, VkFence* pFence)
{
    return guarded([&] {
        Device& object = *Device::find(device);
        Nanoseconds moment = 0;
        if (const VkResult result = registryOf(object.physicalDevice())
                                        .displayEventMoment(display, pDisplayEventInfo->displayEvent, &moment);
            result != VK_SUCCESS)
            return result;
        return registerFence(object, pAllocator, pFence,
                             [&](DisplayRegistry& registry, std::function<void()> callback, uint64_t* id) {
                                 return registry.registerMoment(moment, std::move(callback), id);
                             });
    });
}

/// How long a fence is waited for that is still to signal. One that the application has reset never will.
constexpr Nanoseconds kFenceGrace = 100'000'000;

/// Takes out of the list and cancels what `matches`, for fences that are about to be destroyed: those that were
/// signalled may still be on their way, in a submission of which the application knows nothing.
template <typename Predicate> void cancelFences(Predicate&& matches)
{
    Displays& all = displays();
    std::vector<Displays::Fence> taken;
    {
        const std::scoped_lock lock(all.mutex);
        const auto first = std::stable_partition(all.fences.begin(), all.fences.end(),
                                                 [&](const Displays::Fence& entry) { return !matches(entry); });
        taken.assign(first, all.fences.end());
        all.fences.erase(first, all.fences.end());
        all.anyFence.store(!all.fences.empty(), std::memory_order_release);
    }
    for (const Displays::Fence& entry : taken) {
        if (entry.registry->cancelEvent(entry.id) || entry.device->lost())
            continue;
        static_cast<void>(
            entry.device->next().WaitForFences(entry.device->handle(), 1, &entry.fence, VK_TRUE, kFenceGrace));
    }
}

VKAPI_ATTR void VKAPI_CALL DestroyFence(VkDevice device, VkFence fence, const VkAllocationCallbacks* pAllocator)
{
    const Device& object = *Device::find(device);
    if (fence && displays().anyFence.load(std::memory_order_acquire))
        cancelFences([&](const Displays::Fence& entry) { return entry.device == &object && entry.fence == fence; });
    object.next().DestroyFence(device, fence, pAllocator);
}

VKAPI_ATTR VkResult VKAPI_CALL CreateSharedSwapchainsKHR(VkDevice device, uint32_t swapchainCount,
                                                         const VkSwapchainCreateInfoKHR* pCreateInfos,
                                                         const VkAllocationCallbacks* pAllocator,
                                                         VkSwapchainKHR* pSwapchains)
{
    std::fill_n(pSwapchains, swapchainCount, VK_NULL_HANDLE);
    Device& object = *Device::find(device);
    object.sending();
    return guarded([&] {
        std::vector<Surface*> surfaces(swapchainCount);
        for (uint32_t i = 0; i < swapchainCount; ++i) {
            surfaces[i] = object.instance().surface(pCreateInfos[i].surface);
            if (!surfaces[i])
                return VK_ERROR_SURFACE_LOST_KHR;
        }
        return Swapchain::createShared(object, surfaces, {pCreateInfos, swapchainCount}, pAllocator, pSwapchains);
    });
}

VKAPI_ATTR VkResult VKAPI_CALL GetSwapchainCounterEXT(VkDevice, VkSwapchainKHR swapchain,
                                                      VkSurfaceCounterFlagBitsEXT counter, uint64_t* pCounterValue)
{
    return guarded([&] {
        DisplaySurface* const surface = displaySurface(&Swapchain::of(swapchain)->surface());
        if (!surface || counter != VK_SURFACE_COUNTER_VBLANK_BIT_EXT)
            return VK_ERROR_OUT_OF_DATE_KHR;
        return surface->vblankCount(pCounterValue);
    });
}

} // namespace

void dropDisplays(const PhysicalDevice& device)
{
    cancelFences([&](const Displays::Fence& entry) { return entry.registry->owner() == &device; });
    std::unique_ptr<DisplayRegistry> dropped;
    Displays& all = displays();
    const std::scoped_lock lock(all.mutex);
    const auto found = std::find_if(all.registries.begin(), all.registries.end(),
                                    [&](const auto& registry) { return registry->owner() == &device; });
    if (found == all.registries.end())
        return;
    dropped = std::move(*found);
    all.registries.erase(found);
}

void dropDisplayFences(const Device& device)
{
    cancelFences([&](const Displays::Fence& entry) { return entry.device == &device; });
}

std::span<const Hook> displayHooks()
{
    constexpr Extension display = Extension::KhrDisplay;
    constexpr Extension properties2 = Extension::KhrGetDisplayProperties2;
    constexpr Extension control = Extension::ExtDisplayControl;
    static const Hook hooks[] = {
        VWSI_HOOK(GetPhysicalDeviceDisplayPropertiesKHR, HookLevel::PhysicalDevice, display),
        VWSI_HOOK(GetPhysicalDeviceDisplayPlanePropertiesKHR, HookLevel::PhysicalDevice, display),
        VWSI_HOOK(GetDisplayPlaneSupportedDisplaysKHR, HookLevel::PhysicalDevice, display),
        VWSI_HOOK(GetDisplayModePropertiesKHR, HookLevel::PhysicalDevice, display),
        VWSI_HOOK(CreateDisplayModeKHR, HookLevel::PhysicalDevice, display),
        VWSI_HOOK(GetDisplayPlaneCapabilitiesKHR, HookLevel::PhysicalDevice, display),
        VWSI_HOOK(CreateDisplayPlaneSurfaceKHR, HookLevel::Instance, display),
        VWSI_HOOK(GetPhysicalDeviceDisplayProperties2KHR, HookLevel::PhysicalDevice, properties2),
        VWSI_HOOK(GetPhysicalDeviceDisplayPlaneProperties2KHR, HookLevel::PhysicalDevice, properties2),
        VWSI_HOOK(GetDisplayModeProperties2KHR, HookLevel::PhysicalDevice, properties2),
        VWSI_HOOK(GetDisplayPlaneCapabilities2KHR, HookLevel::PhysicalDevice, properties2),
        VWSI_HOOK(ReleaseDisplayEXT, HookLevel::PhysicalDevice, Extension::ExtDirectModeDisplay),
        VWSI_HOOK(AcquireDrmDisplayEXT, HookLevel::PhysicalDevice, Extension::ExtAcquireDrmDisplay),
        VWSI_HOOK(GetDrmDisplayEXT, HookLevel::PhysicalDevice, Extension::ExtAcquireDrmDisplay),
        VWSI_HOOK(GetPhysicalDeviceSurfaceCapabilities2EXT, HookLevel::PhysicalDevice,
                  Extension::ExtDisplaySurfaceCounter),
        VWSI_HOOK(DisplayPowerControlEXT, HookLevel::Device, control),
        VWSI_HOOK(RegisterDeviceEventEXT, HookLevel::Device, control),
        VWSI_HOOK(RegisterDisplayEventEXT, HookLevel::Device, control),
        VWSI_HOOK(GetSwapchainCounterEXT, HookLevel::Device, control),
        VWSI_HOOK(CreateSharedSwapchainsKHR, HookLevel::Device, Extension::KhrDisplaySwapchain),
        VWSI_HOOK(DestroyFence, HookLevel::Device),
    };
    return hooks;
}

} // namespace vwsi
