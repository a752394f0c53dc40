#pragma once

#include "surface/pixel_format.h"

#include <vector>
#include <xcb/xcb.h>

namespace vwsi {

/// How the pixels of a window lie in memory.
struct XcbVisual {
    xcb_visualid_t id = 0;
    uint8_t depth = 0;        ///< significant bits of a pixel
    uint8_t bitsPerPixel = 0; ///< bits of a pixel in a Z image of this depth; 0: the server has none
    bool direct = false;      ///< pixels are colours as they are, the least significant byte first
    bool mapped = false;      ///< DirectColor: direct only with a colour map that changes nothing
    uint32_t masks[3]{};      ///< red, green, blue

    /// True when bits are left beside red, green and blue: a compositor takes them for premultiplied alpha.
    bool hasAlpha() const;
};

/// The visual `id` of any screen of the connection; false when it has none of that name, or is dead or null.
bool findVisual(xcb_connection_t* connection, xcb_visualid_t id, XcbVisual* visual);

/// True when `map` gives each pixel of a DirectColor `visual` the colour that its bits spell. Toolkits fill a window's
/// map so, and bend it later to change the gamma. A round trip.
bool mapsLinearly(xcb_connection_t* connection, xcb_colormap_t map, const XcbVisual& visual);

/// Presentable formats whose bytes a window of `visual` takes as they are, the preferred first.
std::vector<const PixelFormat*> formatsOf(const XcbVisual& visual);

} // namespace vwsi
