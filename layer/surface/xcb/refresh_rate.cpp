#include "surface/xcb/refresh_rate.h"

#include "surface/xcb/xcb_connection.h"

#include <algorithm>
#include <vector>

namespace vwsi {

uint64_t milliHzOf(const xcb_randr_mode_info_t& mode)
{
    uint64_t lines = mode.vtotal;
    if (mode.mode_flags & XCB_RANDR_MODE_FLAG_DOUBLE_SCAN)
        lines *= 2;
    uint64_t clock = mode.dot_clock;
    if (mode.mode_flags & XCB_RANDR_MODE_FLAG_INTERLACE)
        clock *= 2;
    const uint64_t pixels = mode.htotal * lines;
    const uint64_t milliHz = pixels ? clock * 1000 / pixels : 0;
    // Virtual outputs carry made-up clocks.
    return milliHz >= 10'000 && milliHz <= 1'000'000 ? milliHz : 0;
}

uint64_t outputMilliHz(const XcbConnection& connection, xcb_window_t window)
{
    const XcbApi& api = connection.api();
    xcb_connection_t* c = connection.get();

    const auto resourcesCookie = api.xcb_randr_get_screen_resources_current(c, window);
    const auto geometryCookie = api.xcb_get_geometry(c, window);
    const XcbReply<xcb_randr_get_screen_resources_current_reply_t> resources(
        api.xcb_randr_get_screen_resources_current_reply(c, resourcesCookie, nullptr));
    const XcbReply<xcb_get_geometry_reply_t> geometry(api.xcb_get_geometry_reply(c, geometryCookie, nullptr));
    if (!resources || !geometry)
        return 0;

    const auto centreCookie =
        api.xcb_translate_coordinates(c, window, geometry->root, static_cast<int16_t>(geometry->width / 2),
                                      static_cast<int16_t>(geometry->height / 2));
    const xcb_randr_crtc_t* crtcs = api.xcb_randr_get_screen_resources_current_crtcs(resources.get());
    std::vector<xcb_randr_get_crtc_info_cookie_t> cookies;
    const int crtcCount = api.xcb_randr_get_screen_resources_current_crtcs_length(resources.get());
    cookies.reserve(static_cast<size_t>(crtcCount));
    for (int i = 0; i < crtcCount; ++i)
        cookies.push_back(api.xcb_randr_get_crtc_info(c, crtcs[i], resources->config_timestamp));
    const XcbReply<xcb_translate_coordinates_reply_t> centre(
        api.xcb_translate_coordinates_reply(c, centreCookie, nullptr));

    const xcb_randr_mode_info_t* modes = api.xcb_randr_get_screen_resources_current_modes(resources.get());
    const int modeCount = api.xcb_randr_get_screen_resources_current_modes_length(resources.get());
    uint64_t any = 0;
    uint64_t here = 0;
    for (const auto cookie : cookies) {
        const XcbReply<xcb_randr_get_crtc_info_reply_t> crtc(api.xcb_randr_get_crtc_info_reply(c, cookie, nullptr));
        if (!crtc || crtc->mode == XCB_NONE)
            continue;
        const auto* mode =
            std::find_if(modes, modes + modeCount, [&](const auto& candidate) { return candidate.id == crtc->mode; });
        if (mode == modes + modeCount)
            continue;
        const uint64_t milliHz = milliHzOf(*mode);
        any = any ? any : milliHz;
        if (centre && centre->dst_x >= crtc->x && centre->dst_x < crtc->x + crtc->width && centre->dst_y >= crtc->y &&
            centre->dst_y < crtc->y + crtc->height)
            here = milliHz;
    }
    return here ? here : any;
}

} // namespace vwsi
