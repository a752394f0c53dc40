#pragma once

#include "harness/test_device.h"

#include <vector>

namespace vwsi::testing {

/// What a fresh headless surface can do in a present mode (VkSurfacePresentModeEXT); `next` is chained to the answer.
VkSurfaceCapabilitiesKHR capabilitiesOf(const TestInstance& instance, VkPresentModeKHR mode, void* next = nullptr);

/// The modes that a swapchain of this one may switch to.
std::vector<VkPresentModeKHR> compatibleWith(const TestInstance& instance, VkPresentModeKHR mode);

} // namespace vwsi::testing
