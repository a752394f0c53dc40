#pragma once

#include <cstdint>
#include <vulkan/vulkan.h>

namespace vwsi {

inline constexpr char kLayerName[] = "VK_LAYER_VENUS_wsi";
inline constexpr char kLayerDescription[] = "Window-system integration for Venus on hosts without sync_fd and dma-buf";

/// The extensions that the layer supplies at one level, by the two-call idiom.
VkResult listSupplied(bool instanceLevel, uint32_t* count, VkExtensionProperties* properties);

// The look-ups, whose addresses go to the loader and to other layers.
VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL GetInstanceProcAddr(VkInstance instance, const char* pName);
VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL GetDeviceProcAddr(VkDevice device, const char* pName);
VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL GetPhysicalDeviceProcAddr(VkInstance instance, const char* pName);

} // namespace vwsi
