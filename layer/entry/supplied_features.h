#pragma once

#include <vulkan/vulkan.h>

namespace vwsi {

class PhysicalDevice;

/// Sets the features that the layer supplies on `device` in the structs of a VkPhysicalDeviceFeatures2 chain.
void reportSuppliedFeatures(const PhysicalDevice& device, void* chain);

/// True for feature structs of window-system extensions, which must not reach the driver's vkCreateDevice.
bool isWindowSystemFeature(VkStructureType type);

} // namespace vwsi
