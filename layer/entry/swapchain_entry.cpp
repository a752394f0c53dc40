#include "core/device.h"
#include "core/instance.h"
#include "core/log.h"
#include "entry/hooks.h"
#include "swapchain/swapchain.h"

namespace vwsi {

namespace {

VKAPI_ATTR VkResult VKAPI_CALL CreateSwapchainKHR(VkDevice device, const VkSwapchainCreateInfoKHR* pCreateInfo,
                                                  const VkAllocationCallbacks* pAllocator, VkSwapchainKHR* pSwapchain)
{
    Device& object = *Device::find(device);
    object.sending();
    Surface* const surface = object.instance().surface(pCreateInfo->surface);
    if (!surface) {
        VWSI_ERROR("vkCreateSwapchainKHR on a surface that was not created through the layer; is another "
                   "window-system layer above this one?");
        return VK_ERROR_SURFACE_LOST_KHR;
    }
    return guarded([&] { return Swapchain::create(object, *surface, *pCreateInfo, pAllocator, pSwapchain); });
}

VKAPI_ATTR void VKAPI_CALL DestroySwapchainKHR(VkDevice, VkSwapchainKHR swapchain, const VkAllocationCallbacks*)
{
    if (swapchain)
        Swapchain::destroy(Swapchain::of(swapchain));
}

VKAPI_ATTR VkResult VKAPI_CALL GetSwapchainImagesKHR(VkDevice, VkSwapchainKHR swapchain, uint32_t* pSwapchainImageCount,
                                                     VkImage* pSwapchainImages)
{
    return Swapchain::of(swapchain)->images(pSwapchainImageCount, pSwapchainImages);
}

VkResult acquire(Device& device, Swapchain& swapchain, uint64_t timeout, VkSemaphore semaphore, VkFence fence,
                 uint32_t* imageIndex)
{
    const VkResult result = swapchain.acquire(timeout, imageIndex);
    if (result != VK_SUCCESS && result != VK_SUBOPTIMAL_KHR)
        return result;
    // The image is idle, so the semaphore is satisfied as it is: the next wait on it is struck. Only a payload that
    // others can see, and a fence, are signalled by the host.
    VkSemaphore real = VK_NULL_HANDLE;
    if (semaphore && (device.isShared(semaphore) || !device.ledger().record(semaphore)))
        real = semaphore;
    if (!real && !fence)
        return result;
    const VkResult signalled = device.signal(real, fence);
    if (signalled == VK_SUCCESS)
        return result;
    if (semaphore && !real)
        device.ledger().forget(semaphore);
    swapchain.cancelAcquire(*imageIndex);
    return signalled;
}

VKAPI_ATTR VkResult VKAPI_CALL AcquireNextImageKHR(VkDevice device, VkSwapchainKHR swapchain, uint64_t timeout,
                                                   VkSemaphore semaphore, VkFence fence, uint32_t* pImageIndex)
{
    return guarded([&] {
        return acquire(*Device::find(device), *Swapchain::of(swapchain), timeout, semaphore, fence, pImageIndex);
    });
}

VKAPI_ATTR VkResult VKAPI_CALL AcquireNextImage2KHR(VkDevice device, const VkAcquireNextImageInfoKHR* pAcquireInfo,
                                                    uint32_t* pImageIndex)
{
    return AcquireNextImageKHR(device, pAcquireInfo->swapchain, pAcquireInfo->timeout, pAcquireInfo->semaphore,
                               pAcquireInfo->fence, pImageIndex);
}

VKAPI_ATTR void VKAPI_CALL SetHdrMetadataEXT(VkDevice, uint32_t swapchainCount, const VkSwapchainKHR* pSwapchains,
                                             const VkHdrMetadataEXT* pMetadata)
{
    for (uint32_t i = 0; i < swapchainCount; ++i)
        Swapchain::of(pSwapchains[i])->setHdrMetadata(pMetadata[i]);
}

VKAPI_ATTR VkResult VKAPI_CALL GetSwapchainStatusKHR(VkDevice device, VkSwapchainKHR swapchain)
{
    return Device::find(device)->lost() ? VK_ERROR_DEVICE_LOST : Swapchain::of(swapchain)->status();
}

VKAPI_ATTR VkResult VKAPI_CALL ReleaseSwapchainImagesEXT(VkDevice, const VkReleaseSwapchainImagesInfoEXT* pReleaseInfo)
{
    return Swapchain::of(pReleaseInfo->swapchain)->release(pReleaseInfo->imageIndexCount, pReleaseInfo->pImageIndices);
}

constexpr auto ReleaseSwapchainImagesKHR = &ReleaseSwapchainImagesEXT;

// A device group of one: what is left of VK_KHR_device_group where all physical devices are served alone.

VKAPI_ATTR VkResult VKAPI_CALL
GetDeviceGroupPresentCapabilitiesKHR(VkDevice, VkDeviceGroupPresentCapabilitiesKHR* pDeviceGroupPresentCapabilities)
{
    for (uint32_t& mask : pDeviceGroupPresentCapabilities->presentMask)
        mask = 0;
    pDeviceGroupPresentCapabilities->presentMask[0] = 1;
    pDeviceGroupPresentCapabilities->modes = VK_DEVICE_GROUP_PRESENT_MODE_LOCAL_BIT_KHR;
    return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL GetDeviceGroupSurfacePresentModesKHR(VkDevice, VkSurfaceKHR,
                                                                    VkDeviceGroupPresentModeFlagsKHR* pModes)
{
    *pModes = VK_DEVICE_GROUP_PRESENT_MODE_LOCAL_BIT_KHR;
    return VK_SUCCESS;
}

} // namespace

std::span<const Hook> swapchainHooks()
{
    constexpr Extension swapchain = Extension::KhrSwapchain;
    static const Hook hooks[] = {
        VWSI_HOOK(CreateSwapchainKHR, HookLevel::Device, swapchain),
        VWSI_HOOK(DestroySwapchainKHR, HookLevel::Device, swapchain),
        VWSI_HOOK(GetSwapchainImagesKHR, HookLevel::Device, swapchain),
        VWSI_HOOK(AcquireNextImageKHR, HookLevel::Device, swapchain),
        VWSI_HOOK(AcquireNextImage2KHR, HookLevel::Device, swapchain),
        VWSI_HOOK(GetDeviceGroupPresentCapabilitiesKHR, HookLevel::Device, swapchain),
        VWSI_HOOK(GetDeviceGroupSurfacePresentModesKHR, HookLevel::Device, swapchain),
        VWSI_HOOK(SetHdrMetadataEXT, HookLevel::Device, Extension::ExtHdrMetadata),
        VWSI_HOOK(GetSwapchainStatusKHR, HookLevel::Device, Extension::KhrSharedPresentableImage),
        VWSI_HOOK(ReleaseSwapchainImagesEXT, HookLevel::Device, Extension::ExtSwapchainMaintenance1),
        VWSI_HOOK(ReleaseSwapchainImagesKHR, HookLevel::Device, Extension::KhrSwapchainMaintenance1),
    };
    return hooks;
}

} // namespace vwsi
