#include "surface/xcb/xcb_visual.h"

#include "surface/xcb/xcb_api.h"

namespace vwsi {

namespace {

uint8_t bitsPerPixelOf(const XcbApi& api, const xcb_setup_t* setup, uint8_t depth)
{
    const xcb_format_t* formats = api.xcb_setup_pixmap_formats(setup);
    for (int i = 0; i < api.xcb_setup_pixmap_formats_length(setup); ++i) {
        // Rows are padded to 32 bits everywhere; a server that pads otherwise is not worth a second layout.
        if (formats[i].depth == depth)
            return formats[i].scanline_pad == 32 ? formats[i].bits_per_pixel : 0;
    }
    return 0;
}

} // namespace

bool XcbVisual::hasAlpha() const
{
    const uint32_t all = depth >= 32 ? UINT32_MAX : (1u << depth) - 1;
    return (all & ~(masks[0] | masks[1] | masks[2])) != 0;
}

bool findVisual(xcb_connection_t* connection, xcb_visualid_t id, XcbVisual* visual)
{
    const XcbApi* api = connection ? xcbApi() : nullptr;
    const xcb_setup_t* setup = api ? api->xcb_get_setup(connection) : nullptr;
    if (!setup)
        return false;
    for (auto screen = api->xcb_setup_roots_iterator(setup); screen.rem; api->xcb_screen_next(&screen)) {
        auto depth = api->xcb_screen_allowed_depths_iterator(screen.data);
        for (; depth.rem; api->xcb_depth_next(&depth)) {
            auto type = api->xcb_depth_visuals_iterator(depth.data);
            for (; type.rem; api->xcb_visualtype_next(&type)) {
                if (type.data->visual_id != id)
                    continue;
                visual->id = id;
                visual->depth = depth.data->depth;
                visual->bitsPerPixel = bitsPerPixelOf(*api, setup, visual->depth);
                // DirectColor needs a colour map that the application would have to fill.
                visual->direct = type.data->_class == XCB_VISUAL_CLASS_TRUE_COLOR &&
                                 setup->image_byte_order == XCB_IMAGE_ORDER_LSB_FIRST;
                visual->masks[0] = type.data->red_mask;
                visual->masks[1] = type.data->green_mask;
                visual->masks[2] = type.data->blue_mask;
                return true;
            }
        }
    }
    return false;
}

std::vector<const PixelFormat*> formatsOf(const XcbVisual& visual)
{
    std::vector<const PixelFormat*> formats;
    if (!visual.direct)
        return formats;
    for (const PixelFormat& format : pixelFormats()) {
        if (format.bytesPerPixel * 8 == visual.bitsPerPixel && format.masks[0] == visual.masks[0] &&
            format.masks[1] == visual.masks[1] && format.masks[2] == visual.masks[2])
            formats.push_back(&format);
    }
    return formats;
}

} // namespace vwsi
