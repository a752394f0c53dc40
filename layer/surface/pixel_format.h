#pragma once

#include <cstdint>
#include <span>
#include <vulkan/vulkan.h>

namespace vwsi {

/// A Vulkan format that window systems take, and what it is called there.
struct PixelFormat {
    VkFormat format;        ///< format of the presentable image
    VkFormat sibling;       ///< same bytes with the other transfer function (UNORM/SRGB), or VK_FORMAT_UNDEFINED
    uint32_t fourccOpaque;  ///< DRM fourcc without alpha (drm_fourcc.h)
    uint32_t fourccAlpha;   ///< DRM fourcc with alpha, or 0
    uint32_t bytesPerPixel; ///< bytes of one pixel
    uint8_t bits[4];        ///< bits of red, green, blue and alpha
    uint32_t masks[3];      ///< red, green and blue masks in a little-endian pixel (X11 visuals); 0: floating point
};

/// All formats that the layer can present, the preferred one first.
std::span<const PixelFormat> pixelFormats();

/// The entry of `format`, or null when the layer cannot present it.
const PixelFormat* findPixelFormat(VkFormat format);

} // namespace vwsi
