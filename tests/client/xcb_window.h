#pragma once

#include <cstdint>
#include <optional>
#include <vector>
#include <vulkan/vulkan.h>
#include <xcb/xcb.h>

namespace client {

/// A mapped X11 window on a connection of its own.
class XcbWindow {
public:
    XcbWindow(uint16_t width, uint16_t height);
    ~XcbWindow();
    XcbWindow(const XcbWindow&) = delete;
    XcbWindow& operator=(const XcbWindow&) = delete;

    xcb_connection_t* connection() const { return m_connection; }
    xcb_window_t window() const { return m_window; }

    void resize(uint16_t width, uint16_t height);
    void destroyWindow();

    VkSurfaceKHR createSurface(VkInstance instance) const;

    /// True when events of the application's own wait in its queue (and takes them out).
    unsigned takeEvents();

private:
    xcb_connection_t* m_connection;
    xcb_window_t m_window = 0;
};

/// Reads what a window shows, over a connection of its own.
class WindowReader {
public:
    explicit WindowReader(xcb_window_t window);
    ~WindowReader();
    WindowReader(const WindowReader&) = delete;
    WindowReader& operator=(const WindowReader&) = delete;

    struct Picture {
        uint32_t colour = 0; ///< 0xRRGGBB of the first pixel
        bool whole = false;  ///< all pixels have that colour
    };

    /// The part of the window at (0, 0) of this size; empty when the window or the server is gone.
    std::optional<Picture> read(uint16_t width, uint16_t height);
    /// The pixels of that part as 0xRRGGBB, row by row; empty when the window does not have it or is gone.
    std::vector<uint32_t> pixels(uint16_t width, uint16_t height);

private:
    xcb_connection_t* m_connection;
    xcb_window_t m_window;
};

} // namespace client
