#include "surface/color_spaces.h"

#include <algorithm>

namespace vwsi {

VkResult listColorSpaces(Surface& surface, const PixelFormat& format, const ExtensionSet& enabled,
                         std::vector<VkColorSpaceKHR>* spaces)
{
    spaces->clear();
    if (const VkResult result = surface.colorSpaces(format, spaces); result != VK_SUCCESS)
        return result;
    if (!has(enabled, Extension::ExtSwapchainColorspace))
        spaces->resize(1);
    return VK_SUCCESS;
}

bool offersColorSpace(Surface& surface, const PixelFormat& format, const ExtensionSet& enabled, VkColorSpaceKHR space)
{
    // Nearly all swapchains: not worth a question.
    if (space == VK_COLOR_SPACE_SRGB_NONLINEAR_KHR)
        return true;
    std::vector<VkColorSpaceKHR> spaces;
    return listColorSpaces(surface, format, enabled, &spaces) == VK_SUCCESS &&
           std::ranges::find(spaces, space) != spaces.end();
}

} // namespace vwsi
