// Which windows X11 surfaces take, and what they say of them.

#include "player.h"

#include <algorithm>
#include <gtest/gtest.h>

// Xlib's macros would break the headers above.
#include <X11/Xlib.h>
#include <X11/Xutil.h>

namespace vwsi::xcbtest {

namespace {

std::vector<VkFormat> formatsOfWindow(Client& client, xcb_window_t window, SurfaceState* state)
{
    std::unique_ptr<Surface> surface;
    EXPECT_EQ(createXcbSurface(client.connection(), window, &surface), VK_SUCCESS);
    EXPECT_EQ(surface->state(state), VK_SUCCESS);
    std::vector<const PixelFormat*> formats;
    EXPECT_EQ(surface->formats(&formats), VK_SUCCESS);
    std::vector<VkFormat> result;
    result.reserve(formats.size());
    for (const PixelFormat* format : formats)
        result.push_back(format->format);
    return result;
}

TEST(XcbVisual, Depth24)
{
    const Server server("800x600x24", {"-ac"});
    Client client(server.display());
    SurfaceState state;
    const auto formats = formatsOfWindow(client, client.createWindow(123, 45), &state);
    ASSERT_FALSE(formats.empty());
    EXPECT_EQ(formats[0], VK_FORMAT_B8G8R8A8_UNORM);
    EXPECT_NE(std::find(formats.begin(), formats.end(), VK_FORMAT_B8G8R8A8_SRGB), formats.end());
    EXPECT_EQ(std::find(formats.begin(), formats.end(), VK_FORMAT_R8G8B8A8_UNORM), formats.end());
    EXPECT_EQ(state.currentExtent.width, 123u);
    EXPECT_EQ(state.currentExtent.height, 45u);
    EXPECT_EQ(state.minExtent.width, 123u);
    EXPECT_EQ(state.maxExtent.height, 45u);
    EXPECT_TRUE(state.compositeAlpha & VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR);
    EXPECT_FALSE(state.compositeAlpha & VK_COMPOSITE_ALPHA_PRE_MULTIPLIED_BIT_KHR);
}

TEST(XcbVisual, Depth32KeepsAlpha)
{
    const Server server("800x600x24", {"-ac"});
    Client client(server.display());
    const xcb_visualid_t visual = client.visualOf(32);
    ASSERT_NE(visual, 0u);
    const xcb_window_t window = client.createWindow(64, 64, 32, visual);
    SurfaceState state;
    const auto formats = formatsOfWindow(client, window, &state);
    ASSERT_FALSE(formats.empty());
    EXPECT_EQ(formats[0], VK_FORMAT_B8G8R8A8_UNORM);
    EXPECT_TRUE(state.compositeAlpha & VK_COMPOSITE_ALPHA_PRE_MULTIPLIED_BIT_KHR);
    EXPECT_FALSE(state.compositeAlpha & VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR);
    for (const VkPresentModeKHR mode : {VK_PRESENT_MODE_FIFO_KHR, VK_PRESENT_MODE_IMMEDIATE_KHR}) {
        Player player(client, window, {64, 64}, mode);
        ASSERT_EQ(player.result(), VK_SUCCESS);
        ASSERT_EQ(player.show(0x40203010), VK_SUCCESS);
        ASSERT_EQ(player.finish(), VK_SUCCESS);
        EXPECT_EQ(uniform(client.pixels(window, 0, 0, 64, 64), 0xffffffff), 0x40203010);
    }
}

TEST(XcbVisual, Depth30)
{
    const Server server("800x600x30", {"-ac"});
    Client client(server.display());
    ASSERT_EQ(client.screen()->root_depth, 30);
    const xcb_window_t window = client.createWindow(64, 64);
    SurfaceState state;
    const auto formats = formatsOfWindow(client, window, &state);
    ASSERT_FALSE(formats.empty());
    EXPECT_TRUE(formats[0] == VK_FORMAT_A2R10G10B10_UNORM_PACK32 || formats[0] == VK_FORMAT_A2B10G10R10_UNORM_PACK32);
    EXPECT_TRUE(state.compositeAlpha & VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR);
    EXPECT_TRUE(xcbPresentationSupport(client.connection(), client.screen()->root_visual));
    for (const VkPresentModeKHR mode : {VK_PRESENT_MODE_FIFO_KHR, VK_PRESENT_MODE_IMMEDIATE_KHR}) {
        Player player(client, window, {64, 64}, mode);
        ASSERT_EQ(player.result(), VK_SUCCESS);
        ASSERT_EQ(player.show(0x12345678), VK_SUCCESS);
        ASSERT_EQ(player.finish(), VK_SUCCESS);
        EXPECT_EQ(uniform(client.pixels(window, 0, 0, 64, 64), 0x3fffffff), 0x12345678);
    }
}

TEST(XcbVisual, Depth16)
{
    const Server server("800x600x16", {"-ac"});
    Client client(server.display());
    ASSERT_EQ(client.screen()->root_depth, 16);
    // An odd width needs a padded row.
    const xcb_window_t window = client.createWindow(61, 64);
    SurfaceState state;
    const auto formats = formatsOfWindow(client, window, &state);
    ASSERT_EQ(formats, std::vector<VkFormat>{VK_FORMAT_R5G6B5_UNORM_PACK16});
    Player player(client, window, {61, 64}, VK_PRESENT_MODE_FIFO_KHR);
    ASSERT_EQ(player.result(), VK_SUCCESS);
    EXPECT_EQ(player.buffer(0).stride, 124u);
    ASSERT_EQ(player.show(0xabcdabcd), VK_SUCCESS);
    ASSERT_EQ(player.finish(), VK_SUCCESS);
    const auto* reply = xcb_get_image_reply(
        client.connection(), xcb_get_image(client.connection(), XCB_IMAGE_FORMAT_Z_PIXMAP, window, 0, 0, 61, 64, ~0u),
        nullptr);
    ASSERT_NE(reply, nullptr);
    const auto* pixels = reinterpret_cast<const uint16_t*>(xcb_get_image_data(reply));
    EXPECT_EQ(pixels[0], 0xabcd);
    EXPECT_EQ(pixels[60], 0xabcd);
    EXPECT_EQ(pixels[62 * 63 + 60], 0xabcd);
    free(const_cast<xcb_get_image_reply_t*>(reply));
}

TEST(XcbVisual, PalettesAreRefused)
{
    const Server server("800x600x8", {"-ac", "-cc", "3"});
    Client client(server.display());
    EXPECT_EQ(client.screen()->root_depth, 8);
    EXPECT_FALSE(xcbPresentationSupport(client.connection(), client.screen()->root_visual));
    std::unique_ptr<Surface> surface;
    ASSERT_EQ(createXcbSurface(client.connection(), client.createWindow(10, 10), &surface), VK_SUCCESS);
    std::vector<const PixelFormat*> formats;
    EXPECT_EQ(surface->formats(&formats), VK_SUCCESS);
    EXPECT_TRUE(formats.empty());
}

/// SDL prefers DirectColor windows, with a map of its own that it fills for a gamma of 1.
TEST(XcbVisual, DirectColorTakesALinearMap)
{
    const Server server("800x600x24", {"-ac"});
    Client client(server.display());
    xcb_connection_t* const connection = client.connection();
    const xcb_visualid_t visual = client.visualOf(24, XCB_VISUAL_CLASS_DIRECT_COLOR);
    ASSERT_NE(visual, 0u);
    const xcb_colormap_t map = xcb_generate_id(connection);
    xcb_create_colormap(connection, XCB_COLORMAP_ALLOC_ALL, map, client.screen()->root, visual);
    const auto fill = [&](uint32_t scale) {
        std::vector<xcb_coloritem_t> items;
        for (uint32_t i = 0; i < 256; ++i) {
            const auto value = static_cast<uint16_t>(i * 257 * scale / 100);
            items.push_back({i << 16 | i << 8 | i, value, value, value,
                             XCB_COLOR_FLAG_RED | XCB_COLOR_FLAG_GREEN | XCB_COLOR_FLAG_BLUE, 0});
        }
        xcb_store_colors(connection, map, static_cast<uint32_t>(items.size()), items.data());
    };
    const xcb_window_t window = client.createWindow(64, 64, 24, visual);
    xcb_change_window_attributes(connection, window, XCB_CW_COLORMAP, &map);
    SurfaceState state;
    fill(50);
    EXPECT_TRUE(formatsOfWindow(client, window, &state).empty()) << "a darkened map was taken for a linear one";
    fill(100);
    EXPECT_EQ(formatsOfWindow(client, window, &state).at(0), VK_FORMAT_B8G8R8A8_UNORM);
    Player player(client, window, {64, 64}, VK_PRESENT_MODE_FIFO_KHR);
    ASSERT_EQ(player.result(), VK_SUCCESS);
    ASSERT_EQ(player.show(0x40203010), VK_SUCCESS);
    ASSERT_EQ(player.finish(), VK_SUCCESS);
    EXPECT_EQ(uniform(client.pixels(window, 0, 0, 64, 64), 0xffffff), 0x203010);
}

TEST(XcbVisual, SupportIsHonest)
{
    const Server server("800x600x24", {"-ac"});
    Client client(server.display());
    EXPECT_TRUE(xcbPresentationSupport(client.connection(), client.screen()->root_visual));
    EXPECT_TRUE(xcbPresentationSupport(client.connection(), client.visualOf(32)));
    EXPECT_FALSE(xcbPresentationSupport(client.connection(), 0));
    EXPECT_FALSE(xcbPresentationSupport(client.connection(), 0xdeadbeef));
    EXPECT_FALSE(xcbPresentationSupport(nullptr, client.screen()->root_visual));
    const xcb_visualid_t direct = client.visualOf(24, XCB_VISUAL_CLASS_DIRECT_COLOR);
    ASSERT_NE(direct, 0u);
    EXPECT_FALSE(xcbPresentationSupport(client.connection(), direct));
    xcb_connection_t* broken = xcb_connect(":98765", nullptr);
    EXPECT_FALSE(xcbPresentationSupport(broken, client.screen()->root_visual));
    xcb_disconnect(broken);
    EXPECT_FALSE(xlibPresentationSupport(nullptr, client.screen()->root_visual));
}

TEST(XlibTarget, FramesAppearAndXlibsQueueStaysItsOwn)
{
    const Server server("800x600x24", {"-ac"});
    Display* display = XOpenDisplay(server.display().c_str());
    ASSERT_NE(display, nullptr);
    EXPECT_TRUE(xlibPresentationSupport(display, XVisualIDFromVisual(DefaultVisual(display, 0))));
    EXPECT_FALSE(xlibPresentationSupport(display, 0xdeadbeef));
    const Window window = XCreateSimpleWindow(display, DefaultRootWindow(display), 0, 0, 200, 100, 0, 0, 0);
    XSelectInput(display, window, StructureNotifyMask);
    XMapWindow(display, window);

    std::unique_ptr<Surface> surface;
    ASSERT_EQ(createXlibSurface(display, window, &surface), VK_SUCCESS);
    EXPECT_STREQ(surface->windowSystem(), "xlib");
    for (const VkPresentModeKHR mode : {VK_PRESENT_MODE_FIFO_KHR, VK_PRESENT_MODE_IMMEDIATE_KHR}) {
        Player player(*surface, {200, 100}, mode);
        ASSERT_EQ(player.result(), VK_SUCCESS);
        for (uint32_t i = 1; i <= 20; ++i)
            ASSERT_EQ(player.show(frameColour(i)), VK_SUCCESS);
        ASSERT_EQ(player.finish(), VK_SUCCESS);
        XImage* image = XGetImage(display, window, 0, 0, 200, 100, AllPlanes, ZPixmap);
        ASSERT_NE(image, nullptr);
        EXPECT_EQ(XGetPixel(image, 199, 99) & 0xffffff, frameColour(20) & 0xffffff);
        XDestroyImage(image);
    }
    XSync(display, False);
    unsigned foreign = 0;
    while (XPending(display)) {
        XEvent event;
        XNextEvent(display, &event);
        foreign += event.type != MapNotify && event.type != ConfigureNotify && event.type != ReparentNotify;
    }
    EXPECT_EQ(foreign, 0u);
    surface.reset();
    XCloseDisplay(display);
}

} // namespace

} // namespace vwsi::xcbtest
