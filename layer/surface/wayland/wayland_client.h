#pragma once

#include <memory>
#include <wayland-client-core.h>

// Every function of libwayland-client that the layer and the generated protocol headers call, less its prefix
// "wl_".
#define VWSI_WAYLAND_FUNCTIONS(X)                                                                                      \
    X(display_cancel_read)                                                                                             \
    X(display_create_queue)                                                                                            \
    X(display_dispatch_queue_pending)                                                                                  \
    X(display_flush)                                                                                                   \
    X(display_get_error)                                                                                               \
    X(display_get_fd)                                                                                                  \
    X(display_get_protocol_error)                                                                                      \
    X(display_prepare_read_queue)                                                                                      \
    X(display_read_events)                                                                                             \
    X(event_queue_destroy)                                                                                             \
    X(proxy_add_listener)                                                                                              \
    X(proxy_create_wrapper)                                                                                            \
    X(proxy_destroy)                                                                                                   \
    X(proxy_get_user_data)                                                                                             \
    X(proxy_get_version)                                                                                               \
    X(proxy_marshal_flags)                                                                                             \
    X(proxy_set_queue)                                                                                                 \
    X(proxy_set_user_data)                                                                                             \
    X(proxy_wrapper_destroy)

namespace vwsi {

class DynamicLibrary;

/// libwayland-client's functions, bound when the first Wayland surface is made.
struct WaylandClient {
#define VWSI_WAYLAND_MEMBER(name) decltype(&::wl_##name) name;
    VWSI_WAYLAND_FUNCTIONS(VWSI_WAYLAND_MEMBER)
#undef VWSI_WAYLAND_MEMBER
    const DynamicLibrary* library;
};

extern WaylandClient g_waylandClient;

/// Binds libwayland-client (1.20 or later), once per process; false, after one log line, when that is
/// impossible.
bool loadWaylandClient();

} // namespace vwsi

// The generated headers call these by name from inline functions. Redirected, they need no symbol of the
// library, which the layer must not be linked to.
#define wl_display_cancel_read ::vwsi::g_waylandClient.display_cancel_read
#define wl_display_create_queue ::vwsi::g_waylandClient.display_create_queue
#define wl_display_dispatch_queue_pending ::vwsi::g_waylandClient.display_dispatch_queue_pending
#define wl_display_flush ::vwsi::g_waylandClient.display_flush
#define wl_display_get_error ::vwsi::g_waylandClient.display_get_error
#define wl_display_get_fd ::vwsi::g_waylandClient.display_get_fd
#define wl_display_get_protocol_error ::vwsi::g_waylandClient.display_get_protocol_error
#define wl_display_prepare_read_queue ::vwsi::g_waylandClient.display_prepare_read_queue
#define wl_display_read_events ::vwsi::g_waylandClient.display_read_events
#define wl_event_queue_destroy ::vwsi::g_waylandClient.event_queue_destroy
#define wl_proxy_add_listener ::vwsi::g_waylandClient.proxy_add_listener
#define wl_proxy_create_wrapper ::vwsi::g_waylandClient.proxy_create_wrapper
#define wl_proxy_destroy ::vwsi::g_waylandClient.proxy_destroy
#define wl_proxy_get_user_data ::vwsi::g_waylandClient.proxy_get_user_data
#define wl_proxy_get_version ::vwsi::g_waylandClient.proxy_get_version
#define wl_proxy_marshal_flags ::vwsi::g_waylandClient.proxy_marshal_flags
#define wl_proxy_set_queue ::vwsi::g_waylandClient.proxy_set_queue
#define wl_proxy_set_user_data ::vwsi::g_waylandClient.proxy_set_user_data
#define wl_proxy_wrapper_destroy ::vwsi::g_waylandClient.proxy_wrapper_destroy

#include "venus-wsi-wayland-client.h"

#include "venus-wsi-linux-dmabuf-v1-client.h"
#include "venus-wsi-presentation-time-client.h"
#include "venus-wsi-tearing-control-v1-client.h"
#ifdef VWSI_HAVE_WP_FIFO
#include "venus-wsi-fifo-v1-client.h"
#endif
#ifdef VWSI_HAVE_WP_COMMIT_TIMING
#include "venus-wsi-commit-timing-v1-client.h"
#endif
#ifdef VWSI_HAVE_WP_COLOR_MANAGEMENT
#include "venus-wsi-color-management-v1-client.h"
#endif

namespace vwsi {

/// The protocol has a request of the same name.
using PresentationFeedback = struct wp_presentation_feedback;

/// Sends the right destructor request for each kind of object that the layer makes.
struct ProxyDeleter {
    void operator()(wl_registry* proxy) const { wl_registry_destroy(proxy); }
    void operator()(wl_callback* proxy) const { wl_callback_destroy(proxy); }
    void operator()(wl_shm* proxy) const { wl_shm_destroy(proxy); }
    void operator()(wl_shm_pool* proxy) const { wl_shm_pool_destroy(proxy); }
    void operator()(wl_buffer* proxy) const { wl_buffer_destroy(proxy); }
    void operator()(zwp_linux_dmabuf_v1* proxy) const { zwp_linux_dmabuf_v1_destroy(proxy); }
    void operator()(zwp_linux_buffer_params_v1* proxy) const { zwp_linux_buffer_params_v1_destroy(proxy); }
    void operator()(zwp_linux_dmabuf_feedback_v1* proxy) const { zwp_linux_dmabuf_feedback_v1_destroy(proxy); }
    void operator()(wp_presentation* proxy) const { wp_presentation_destroy(proxy); }
    void operator()(PresentationFeedback* proxy) const { wp_presentation_feedback_destroy(proxy); }
    void operator()(wp_tearing_control_manager_v1* proxy) const { wp_tearing_control_manager_v1_destroy(proxy); }
    void operator()(wp_tearing_control_v1* proxy) const { wp_tearing_control_v1_destroy(proxy); }
#ifdef VWSI_HAVE_WP_FIFO
    void operator()(wp_fifo_manager_v1* proxy) const { wp_fifo_manager_v1_destroy(proxy); }
    void operator()(wp_fifo_v1* proxy) const { wp_fifo_v1_destroy(proxy); }
#endif
#ifdef VWSI_HAVE_WP_COMMIT_TIMING
    void operator()(wp_commit_timing_manager_v1* proxy) const { wp_commit_timing_manager_v1_destroy(proxy); }
    void operator()(wp_commit_timer_v1* proxy) const { wp_commit_timer_v1_destroy(proxy); }
#endif
#ifdef VWSI_HAVE_WP_COLOR_MANAGEMENT
    void operator()(wp_color_manager_v1* proxy) const { wp_color_manager_v1_destroy(proxy); }
    void operator()(wp_image_description_v1* proxy) const { wp_image_description_v1_destroy(proxy); }
    void operator()(wp_color_management_surface_v1* proxy) const
    {
        // Null where there was no memory for it, which a shared pointer does not spare its deleter.
        if (proxy)
            wp_color_management_surface_v1_destroy(proxy);
    }
#endif
};

struct WrapperDeleter {
    void operator()(void* wrapper) const { wl_proxy_wrapper_destroy(wrapper); }
};

struct QueueDeleter {
    void operator()(wl_event_queue* queue) const { wl_event_queue_destroy(queue); }
};

/// An object that the layer made and destroys.
template <typename T> using ProxyPtr = std::unique_ptr<T, ProxyDeleter>;

/// Another name for someone else's object, which makes new objects on a queue of ours.
template <typename T> using WrapperPtr = std::unique_ptr<T, WrapperDeleter>;

} // namespace vwsi
