#pragma once

#include "core/extension.h"
#include "surface/surface.h"

namespace vwsi {

/// The colour spaces of a surface that an application with these instance extensions may use with a format.
VkResult listColorSpaces(Surface& surface, const PixelFormat& format, const ExtensionSet& enabled,
                         std::vector<VkColorSpaceKHR>* spaces);

/// Whether listColorSpaces() names one; VK_COLOR_SPACE_SRGB_NONLINEAR_KHR is always there.
bool offersColorSpace(Surface& surface, const PixelFormat& format, const ExtensionSet& enabled, VkColorSpaceKHR space);

} // namespace vwsi
