#pragma once

#include "surface/surface.h"

struct wl_display;
struct wl_surface;

namespace vwsi {

/// The surface of vkCreateWaylandSurfaceKHR. Nothing is asked of the compositor until the first query, and
/// nothing more after it. VK_ERROR_INITIALIZATION_FAILED when libwayland-client cannot be used,
/// VK_ERROR_OUT_OF_HOST_MEMORY.
VkResult createWaylandSurface(wl_display* display, wl_surface* surface, std::unique_ptr<Surface>* result);

/// Whether surfaces on `display` can be presented to: libwayland-client is there and the connection lives.
/// Every compositor must offer wl_shm with 8-bit XRGB and ARGB, so it isn't asked.
VkBool32 waylandPresentationSupport(wl_display* display);

} // namespace vwsi
