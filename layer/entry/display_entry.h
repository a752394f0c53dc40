#pragma once

namespace vwsi {

class Device;
class PhysicalDevice;

/// Ends the displays of a physical device whose instance is being destroyed.
void dropDisplays(const PhysicalDevice& device);

/// Takes back the wishes of fences (vkRegisterDeviceEventEXT, vkRegisterDisplayEventEXT) of a device that is
/// being destroyed.
void dropDisplayFences(const Device& device);

} // namespace vwsi
