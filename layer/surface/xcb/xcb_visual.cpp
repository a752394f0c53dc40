#include "surface/xcb/xcb_visual.h"

#include "surface/xcb/xcb_connection.h"

#include <algorithm>
#include <bit>

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
                const bool known = setup->image_byte_order == XCB_IMAGE_ORDER_LSB_FIRST;
                visual->direct = known && type.data->_class == XCB_VISUAL_CLASS_TRUE_COLOR;
                visual->mapped = known && type.data->_class == XCB_VISUAL_CLASS_DIRECT_COLOR;
                visual->masks[0] = type.data->red_mask;
                visual->masks[1] = type.data->green_mask;
                visual->masks[2] = type.data->blue_mask;
                return true;
            }
        }
    }
    return false;
}

bool mapsLinearly(xcb_connection_t* connection, xcb_colormap_t map, const XcbVisual& visual)
{
    const XcbApi* api = connection ? xcbApi() : nullptr;
    if (!api || !visual.masks[0] || !visual.masks[1] || !visual.masks[2])
        return false;
    uint32_t greatest[3];
    uint32_t entries = 0;
    for (int i = 0; i < 3; ++i) {
        greatest[i] = visual.masks[i] >> std::countr_zero(visual.masks[i]);
        entries = std::max(entries, greatest[i] + 1);
    }
    // Pixel i has the value i in each component, as far as the component goes.
    std::vector<uint32_t> pixels(entries);
    for (uint32_t i = 0; i < entries; ++i) {
        for (int c = 0; c < 3; ++c)
            pixels[i] |= std::min(i, greatest[c]) << std::countr_zero(visual.masks[c]);
    }
    xcb_generic_error_t* error = nullptr;
    const XcbReply<xcb_query_colors_reply_t> reply(api->xcb_query_colors_reply(
        connection, api->xcb_query_colors(connection, map, entries, pixels.data()), &error));
    free(error);
    if (!reply || api->xcb_query_colors_colors_length(reply.get()) != static_cast<int>(entries))
        return false;
    const xcb_rgb_t* const colours = api->xcb_query_colors_colors(reply.get());
    for (uint32_t i = 0; i < entries; ++i) {
        const uint16_t actual[3] = {colours[i].red, colours[i].green, colours[i].blue};
        for (int c = 0; c < 3; ++c) {
            // Half a step off is still nearer to this value than to the next.
            const uint32_t wanted = std::min(i, greatest[c]) * UINT16_MAX / greatest[c];
            const uint32_t off = actual[c] > wanted ? actual[c] - wanted : wanted - actual[c];
            if (off > UINT16_MAX / greatest[c] / 2 + 1)
                return false;
        }
    }
    return true;
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
