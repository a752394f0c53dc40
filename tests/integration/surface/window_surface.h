#pragma once

#include <memory>
#include <vector>
#include <vulkan/vulkan.h>
#include <xcb/xcb.h>

/// A window of the window system that VWSI_TEST_SURFACE names (headless, xcb, xlib, wayland).
class TestWindow {
public:
    static std::unique_ptr<TestWindow> open();
    virtual ~TestWindow() = default;

    virtual const char* extension() const = 0;
    /// Column of README's tables.
    virtual size_t column() const = 0;
    virtual VkSurfaceKHR createSurface(VkInstance instance) const = 0;
    /// The X11 window, for reading what it shows; 0 elsewhere.
    virtual xcb_window_t readable() const { return 0; }
};
