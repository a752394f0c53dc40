#include "xcb_window.h"

#include "vulkan_context.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <vulkan/vulkan_xcb.h>

namespace client {

namespace {

struct Free {
    void operator()(void* memory) const { free(memory); }
};
template <typename T> using Reply = std::unique_ptr<T, Free>;

xcb_connection_t* connect()
{
    xcb_connection_t* const connection = xcb_connect(nullptr, nullptr);
    if (xcb_connection_has_error(connection)) {
        xcb_disconnect(connection);
        throw std::runtime_error("no X server at DISPLAY");
    }
    return connection;
}

} // namespace

XcbWindow::XcbWindow(uint16_t width, uint16_t height) : m_connection(connect())
{
    const xcb_screen_t* const screen = xcb_setup_roots_iterator(xcb_get_setup(m_connection)).data;
    m_window = xcb_generate_id(m_connection);
    const uint32_t values[] = {screen->black_pixel, XCB_EVENT_MASK_STRUCTURE_NOTIFY};
    xcb_create_window(m_connection, screen->root_depth, m_window, screen->root, 0, 0, width, height, 0,
                      XCB_WINDOW_CLASS_INPUT_OUTPUT, screen->root_visual, XCB_CW_BACK_PIXEL | XCB_CW_EVENT_MASK,
                      values);
    xcb_map_window(m_connection, m_window);
    xcb_flush(m_connection);
}

XcbWindow::~XcbWindow()
{
    xcb_disconnect(m_connection);
}

void XcbWindow::resize(uint16_t width, uint16_t height)
{
    const uint32_t values[] = {width, height};
    xcb_configure_window(m_connection, m_window, XCB_CONFIG_WINDOW_WIDTH | XCB_CONFIG_WINDOW_HEIGHT, values);
    xcb_flush(m_connection);
}

void XcbWindow::destroyWindow()
{
    xcb_destroy_window(m_connection, m_window);
    xcb_flush(m_connection);
}

VkSurfaceKHR XcbWindow::createSurface(VkInstance instance) const
{
    const VkXcbSurfaceCreateInfoKHR info{VK_STRUCTURE_TYPE_XCB_SURFACE_CREATE_INFO_KHR, nullptr, 0, m_connection,
                                         m_window};
    VkSurfaceKHR surface = VK_NULL_HANDLE;
    check(vkCreateXcbSurfaceKHR(instance, &info, nullptr, &surface), "vkCreateXcbSurfaceKHR");
    return surface;
}

unsigned XcbWindow::takeEvents()
{
    unsigned count = 0;
    while (const Reply<xcb_generic_event_t> event{xcb_poll_for_event(m_connection)})
        ++count;
    return count;
}

WindowReader::WindowReader(xcb_window_t window) : m_connection(connect()), m_window(window) {}

WindowReader::~WindowReader()
{
    xcb_disconnect(m_connection);
}

std::vector<uint32_t> WindowReader::pixels(uint16_t width, uint16_t height)
{
    const Reply<xcb_get_image_reply_t> image{xcb_get_image_reply(
        m_connection, xcb_get_image(m_connection, XCB_IMAGE_FORMAT_Z_PIXMAP, m_window, 0, 0, width, height, ~0u),
        nullptr)};
    if (!image)
        return {};
    std::vector<uint32_t> pixels(static_cast<size_t>(xcb_get_image_data_length(image.get())) / 4);
    memcpy(pixels.data(), xcb_get_image_data(image.get()), pixels.size() * 4);
    for (uint32_t& pixel : pixels)
        pixel &= 0xffffff;
    return pixels;
}

std::optional<WindowReader::Picture> WindowReader::read(uint16_t width, uint16_t height)
{
    const std::vector<uint32_t> seen = pixels(width, height);
    if (seen.empty())
        return std::nullopt;
    Picture picture;
    picture.colour = seen[0];
    picture.whole = seen.size() >= size_t{width} * height &&
                    std::all_of(seen.begin(), seen.end(), [&](uint32_t pixel) { return pixel == picture.colour; });
    return picture;
}

} // namespace client
