#include "entry/hooks.h"
#include "swapchain/swapchain.h"

namespace vwsi {

namespace {

VKAPI_ATTR VkResult VKAPI_CALL WaitForPresentKHR(VkDevice, VkSwapchainKHR swapchain, uint64_t presentId,
                                                 uint64_t timeout)
{
    return guarded([&] { return Swapchain::of(swapchain)->waitForPresent(presentId, timeout); });
}

#ifdef VK_KHR_present_wait2
VKAPI_ATTR VkResult VKAPI_CALL WaitForPresent2KHR(VkDevice, VkSwapchainKHR swapchain,
                                                  const VkPresentWait2InfoKHR* pPresentWait2Info)
{
    return guarded([&] {
        return Swapchain::of(swapchain)->waitForPresent(pPresentWait2Info->presentId, pPresentWait2Info->timeout);
    });
}
#endif

} // namespace

std::span<const Hook> presentWaitHooks()
{
    static const Hook hooks[] = {
        VWSI_HOOK(WaitForPresentKHR, HookLevel::Device, Extension::KhrPresentWait),
#ifdef VK_KHR_present_wait2
        VWSI_HOOK(WaitForPresent2KHR, HookLevel::Device, Extension::KhrPresentWait2),
#endif
    };
    return hooks;
}

} // namespace vwsi
