#pragma once

#include <vulkan/vulkan.h>

namespace vwsi {

/// How images fill a surface of another size (VkSwapchainPresentScalingCreateInfoEXT).
struct PresentScaling {
    VkPresentScalingFlagsEXT behavior = 0; ///< one bit, or 0: images are shown as they are
    VkPresentGravityFlagsEXT gravityX = 0; ///< one bit; 0 counts as MIN, the corner that windows and planes start at
    VkPresentGravityFlagsEXT gravityY = 0;

    bool wanted() const { return behavior != 0; }
};

/// Which part of an image goes to which part of a surface; both in pixels and never empty.
struct Placement {
    VkRect2D source{};
    VkRect2D destination{};
    VkExtent2D surface{}; ///< size; with another one there is something else beside the image

    /// The part has another size on the surface than in the image.
    bool resizes() const
    {
        return source.extent.width != destination.extent.width || source.extent.height != destination.extent.height;
    }

    /// Every pixel of the surface belongs to the image.
    bool covers() const
    {
        return destination.extent.width == surface.width && destination.extent.height == surface.height;
    }

    /// The smallest rectangle of the surface that shows a change of `changed` in the image; where sizes differ, with
    /// the pixels that a linear filter mixes it into. Empty when the change lies outside `source`.
    VkRect2D map(const VkRect2D& changed) const;
};

bool operator==(const Placement& left, const Placement& right);

Placement place(const PresentScaling& scaling, VkExtent2D image, VkExtent2D surface);

} // namespace vwsi
