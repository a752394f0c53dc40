#pragma once

#include "core/dynamic_library.h"

#include <memory>
#include <xcb/present.h>
#include <xcb/randr.h>
#include <xcb/shm.h>
#include <xcb/xcb.h>
#include <xcb/xcbext.h>
#include <xcb/xfixes.h>

struct _XDisplay;

namespace vwsi {

// Every function that the X11 code calls, by library. The names are libxcb's own, so that its manual applies.
#define VWSI_XCB_CORE(F)                                                                                               \
    F(xcb_change_window_attributes)                                                                                    \
    F(xcb_connect)                                                                                                     \
    F(xcb_connection_has_error)                                                                                        \
    F(xcb_copy_area)                                                                                                   \
    F(xcb_create_gc)                                                                                                   \
    F(xcb_create_pixmap_checked)                                                                                       \
    F(xcb_depth_next)                                                                                                  \
    F(xcb_depth_visuals_iterator)                                                                                      \
    F(xcb_discard_reply)                                                                                               \
    F(xcb_disconnect)                                                                                                  \
    F(xcb_flush)                                                                                                       \
    F(xcb_free_gc)                                                                                                     \
    F(xcb_free_pixmap)                                                                                                 \
    F(xcb_generate_id)                                                                                                 \
    F(xcb_get_extension_data)                                                                                          \
    F(xcb_get_file_descriptor)                                                                                         \
    F(xcb_get_geometry)                                                                                                \
    F(xcb_get_geometry_reply)                                                                                          \
    F(xcb_get_maximum_request_length)                                                                                  \
    F(xcb_get_setup)                                                                                                   \
    F(xcb_get_window_attributes)                                                                                       \
    F(xcb_get_window_attributes_reply)                                                                                 \
    F(xcb_poll_for_event)                                                                                              \
    F(xcb_poll_for_queued_event)                                                                                       \
    F(xcb_poll_for_reply)                                                                                              \
    F(xcb_poll_for_special_event)                                                                                      \
    F(xcb_prefetch_extension_data)                                                                                     \
    F(xcb_put_image)                                                                                                   \
    F(xcb_query_colors)                                                                                                \
    F(xcb_query_colors_colors)                                                                                         \
    F(xcb_query_colors_colors_length)                                                                                  \
    F(xcb_query_colors_reply)                                                                                          \
    F(xcb_register_for_special_xge)                                                                                    \
    F(xcb_request_check)                                                                                               \
    F(xcb_screen_allowed_depths_iterator)                                                                              \
    F(xcb_screen_next)                                                                                                 \
    F(xcb_setup_pixmap_formats)                                                                                        \
    F(xcb_setup_pixmap_formats_length)                                                                                 \
    F(xcb_setup_roots_iterator)                                                                                        \
    F(xcb_translate_coordinates)                                                                                       \
    F(xcb_translate_coordinates_reply)                                                                                 \
    F(xcb_unregister_for_special_event)                                                                                \
    F(xcb_visualtype_next)

#define VWSI_XCB_SHM(F)                                                                                                \
    F(xcb_shm_attach_checked)                                                                                          \
    F(xcb_shm_attach_fd_checked)                                                                                       \
    F(xcb_shm_create_pixmap_checked)                                                                                   \
    F(xcb_shm_detach)                                                                                                  \
    F(xcb_shm_put_image)                                                                                               \
    F(xcb_shm_query_version)                                                                                           \
    F(xcb_shm_query_version_reply)

#define VWSI_XCB_PRESENT(F)                                                                                            \
    F(xcb_present_pixmap)                                                                                              \
    F(xcb_present_query_version)                                                                                       \
    F(xcb_present_query_version_reply)                                                                                 \
    F(xcb_present_select_input)

#define VWSI_XCB_XFIXES(F)                                                                                             \
    F(xcb_xfixes_create_region)                                                                                        \
    F(xcb_xfixes_destroy_region)                                                                                       \
    F(xcb_xfixes_query_version)                                                                                        \
    F(xcb_xfixes_query_version_reply)                                                                                  \
    F(xcb_xfixes_set_region)

#define VWSI_XCB_RANDR(F)                                                                                              \
    F(xcb_randr_get_crtc_info)                                                                                         \
    F(xcb_randr_get_crtc_info_reply)                                                                                   \
    F(xcb_randr_get_screen_resources_current)                                                                          \
    F(xcb_randr_get_screen_resources_current_crtcs)                                                                    \
    F(xcb_randr_get_screen_resources_current_crtcs_length)                                                             \
    F(xcb_randr_get_screen_resources_current_modes)                                                                    \
    F(xcb_randr_get_screen_resources_current_modes_length)                                                             \
    F(xcb_randr_get_screen_resources_current_reply)                                                                    \
    F(xcb_randr_query_version)                                                                                         \
    F(xcb_randr_query_version_reply)

/// libxcb and its extension libraries, bound when the first X11 surface is made and never unloaded.
///
/// An extension whose library is missing has a null id; its functions must not be called then.
struct XcbApi {
#define VWSI_MEMBER(name) decltype(&::name) name = nullptr;
    VWSI_XCB_CORE(VWSI_MEMBER)
    VWSI_XCB_SHM(VWSI_MEMBER)
    VWSI_XCB_PRESENT(VWSI_MEMBER)
    VWSI_XCB_XFIXES(VWSI_MEMBER)
    VWSI_XCB_RANDR(VWSI_MEMBER)
#undef VWSI_MEMBER

    xcb_extension_t* shmId = nullptr;
    xcb_extension_t* presentId = nullptr;
    xcb_extension_t* xfixesId = nullptr;
    xcb_extension_t* randrId = nullptr;

    std::unique_ptr<DynamicLibrary> libraries[5]; ///< what the above lies in
};

/// The bound libraries, or null (after one log line) when there is no usable libxcb.
const XcbApi* xcbApi();

/// The xcb connection under an Xlib display, or null when `display` is null or libX11-xcb is missing.
xcb_connection_t* xcbConnectionOf(_XDisplay* display);

} // namespace vwsi
