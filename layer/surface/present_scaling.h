#pragma once

#include "surface/surface.h"

#include <vulkan/vulkan.h>

namespace vwsi {

/// What a swapchain on a surface can ask for in VkSwapchainPresentScalingCreateInfoEXT, in every present mode alike.
struct SurfaceScaling {
    VkPresentScalingFlagsEXT scaling = 0;
    VkPresentGravityFlagsEXT gravity = 0; ///< of both axes
    VkExtent2D minExtent{};               ///< smallest images that can be scaled
    VkExtent2D maxExtent{};
};

/// True for a surface that takes the size of its swapchain's images (Wayland, headless), where all ways of scaling
/// come to the same: there is nothing to scale.
inline bool determinedBySwapchain(const SurfaceState& state)
{
    return state.currentExtent.width == UINT32_MAX && state.currentExtent.height == UINT32_MAX;
}

/// Scaling is part of the copy that every frame needs anyway. Images can be shown pixel for pixel wherever that copy
/// works, and stretched where the driver can blit all formats of the surface on all queues that present.
/// Errors are those of Surface::formats().
VkResult presentScaling(const PhysicalDevice& device, Surface& surface, const SurfaceState& state,
                        SurfaceScaling* scaling);

} // namespace vwsi
