#pragma once

#include "surface/pixel_format.h"
#include "surface/wayland/wayland_client.h"

#include <vector>
#include <vulkan/vulkan.h>

#ifdef VWSI_HAVE_WP_COLOR_MANAGEMENT

namespace vwsi {

/// How wp_color_manager_v1 calls a colour space of VK_EXT_swapchain_colorspace.
struct ColorEncoding {
    VkColorSpaceKHR space;
    uint32_t primaries; ///< wp_color_manager_v1.primaries
    uint32_t transfer;  ///< wp_color_manager_v1.transfer_function
    uint8_t bits;       ///< least bits of a component without visible bands; 16: floating point
};

/// The compositor's wp_color_manager_v1 and what it said of itself; nothing where it has none.
struct ColorManager {
    ProxyPtr<wp_color_manager_v1> proxy;
    uint32_t features = 0; ///< bit n: value n of wp_color_manager_v1.feature; the same for the others
    uint32_t primaries = 0;
    uint32_t transfers = 0;

    /// Makes the object's events fill the fields.
    void listen();
    bool has(wp_color_manager_v1_feature feature) const { return (features >> feature & 1) != 0; }
    /// The colour spaces of frames in a format that the compositor takes image descriptions of.
    void addColorSpaces(const PixelFormat& format, std::vector<VkColorSpaceKHR>* spaces) const;
};

/// The encoding of a colour space, or null where frames have no image description: sRGB is what compositors take frames
/// without one for, and pass-through leaves the description to the application (spec, vkCreateWaylandSurfaceKHR).
const ColorEncoding* findColorEncoding(VkColorSpaceKHR space);

} // namespace vwsi

#endif
