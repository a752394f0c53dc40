#include "harness/mode_queries.h"

#include <gtest/gtest.h>
#include <iterator>

namespace vwsi::testing {

VkSurfaceCapabilitiesKHR capabilitiesOf(const TestInstance& instance, VkPresentModeKHR mode, void* next)
{
    const VkSurfaceKHR surface = instance.createSurface();
    const VkSurfacePresentModeEXT asked{VK_STRUCTURE_TYPE_SURFACE_PRESENT_MODE_EXT, nullptr, mode};
    const VkPhysicalDeviceSurfaceInfo2KHR info{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SURFACE_INFO_2_KHR, &asked, surface};
    VkSurfaceCapabilities2KHR capabilities{VK_STRUCTURE_TYPE_SURFACE_CAPABILITIES_2_KHR, next, {}};
    EXPECT_EQ(instance.vk.GetPhysicalDeviceSurfaceCapabilities2KHR(instance.physicalDevices[0], &info, &capabilities),
              VK_SUCCESS);
    instance.vk.DestroySurfaceKHR(instance.handle, surface, nullptr);
    return capabilities.surfaceCapabilities;
}

std::vector<VkPresentModeKHR> compatibleWith(const TestInstance& instance, VkPresentModeKHR mode)
{
    VkPresentModeKHR list[16]{};
    VkSurfacePresentModeCompatibilityEXT compatibility{};
    compatibility.sType = VK_STRUCTURE_TYPE_SURFACE_PRESENT_MODE_COMPATIBILITY_EXT;
    compatibility.presentModeCount = std::size(list);
    compatibility.pPresentModes = list;
    capabilitiesOf(instance, mode, &compatibility);
    return {list, list + compatibility.presentModeCount};
}

} // namespace vwsi::testing
