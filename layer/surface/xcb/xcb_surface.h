#pragma once

#include "surface/surface.h"

#include <memory>
#include <vulkan/vulkan.h>
#include <xcb/xcb.h>

struct _XDisplay;

namespace vwsi {

/// Surface of an X11 window (vkCreateXcbSurfaceKHR). Nothing is asked of the server yet; a connection or
/// window that turns out to be dead gives VK_ERROR_SURFACE_LOST_KHR from the surface's methods.
/// VK_ERROR_INITIALIZATION_FAILED: libxcb does not load. VK_ERROR_OUT_OF_HOST_MEMORY.
VkResult createXcbSurface(xcb_connection_t* connection, xcb_window_t window, std::unique_ptr<Surface>* surface);

/// The same for an Xlib display (vkCreateXlibSurfaceKHR); `window` is Xlib's Window.
VkResult createXlibSurface(_XDisplay* display, unsigned long window, std::unique_ptr<Surface>* surface);

/// Whether windows of this visual can be presented to (vkGetPhysicalDeviceXcbPresentationSupportKHR). False
/// for a null or dead connection, and for visuals of other connections or without fixed red, green and blue
/// bits.
VkBool32 xcbPresentationSupport(xcb_connection_t* connection, xcb_visualid_t visual);

/// The same for Xlib (vkGetPhysicalDeviceXlibPresentationSupportKHR); `visual` is Xlib's VisualID.
VkBool32 xlibPresentationSupport(_XDisplay* display, unsigned long visual);

} // namespace vwsi
