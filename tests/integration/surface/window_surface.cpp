#include "window_surface.h"

#include "harness/readme_table.h"
#include "vulkan_context.h"
#include "xcb_window.h"

#include <X11/Xlib.h>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <vulkan/vulkan_wayland.h>
#include <vulkan/vulkan_xlib.h>
#include <wayland-client.h>

namespace {

constexpr uint16_t kWidth = 96;
constexpr uint16_t kHeight = 64;

template <typename Create, typename Info>
VkSurfaceKHR create(VkInstance instance, const char* command, const Info& info)
{
    VkSurfaceKHR surface = VK_NULL_HANDLE;
    const auto function = reinterpret_cast<Create>(vkGetInstanceProcAddr(instance, command));
    client::check(function ? function(instance, &info, nullptr, &surface) : VK_ERROR_EXTENSION_NOT_PRESENT, command);
    return surface;
}

class HeadlessWindow final : public TestWindow {
public:
    const char* extension() const override { return "VK_EXT_headless_surface"; }
    size_t column() const override { return vwsi::testing::Headless; }
    VkSurfaceKHR createSurface(VkInstance instance) const override
    {
        const VkHeadlessSurfaceCreateInfoEXT info{VK_STRUCTURE_TYPE_HEADLESS_SURFACE_CREATE_INFO_EXT, nullptr, 0};
        return create<PFN_vkCreateHeadlessSurfaceEXT>(instance, "vkCreateHeadlessSurfaceEXT", info);
    }
};

class X11Window final : public TestWindow {
public:
    const char* extension() const override { return "VK_KHR_xcb_surface"; }
    size_t column() const override { return vwsi::testing::X11; }
    VkSurfaceKHR createSurface(VkInstance instance) const override { return m_window.createSurface(instance); }
    xcb_window_t readable() const override { return m_window.window(); }

private:
    client::XcbWindow m_window{kWidth, kHeight};
};

class XlibWindow final : public TestWindow {
public:
    XlibWindow() : m_display(XOpenDisplay(nullptr))
    {
        if (!m_display)
            throw std::runtime_error("no X display");
        m_window = XCreateSimpleWindow(m_display, DefaultRootWindow(m_display), 0, 0, kWidth, kHeight, 0, 0, 0);
        XMapWindow(m_display, m_window);
        XSync(m_display, False);
    }
    ~XlibWindow() override { XCloseDisplay(m_display); }

    const char* extension() const override { return "VK_KHR_xlib_surface"; }
    size_t column() const override { return vwsi::testing::X11; }
    VkSurfaceKHR createSurface(VkInstance instance) const override
    {
        const VkXlibSurfaceCreateInfoKHR info{VK_STRUCTURE_TYPE_XLIB_SURFACE_CREATE_INFO_KHR, nullptr, 0, m_display,
                                              m_window};
        return create<PFN_vkCreateXlibSurfaceKHR>(instance, "vkCreateXlibSurfaceKHR", info);
    }
    xcb_window_t readable() const override { return static_cast<xcb_window_t>(m_window); }

private:
    Display* m_display;
    Window m_window = 0;
};

class WaylandWindow final : public TestWindow {
public:
    WaylandWindow() : m_display(wl_display_connect(nullptr))
    {
        if (!m_display)
            throw std::runtime_error("no Wayland compositor");
        static constexpr wl_registry_listener kListener = {
            .global =
                [](void* self, wl_registry* registry, uint32_t name, const char* interface, uint32_t) {
                    if (!strcmp(interface, wl_compositor_interface.name))
                        static_cast<WaylandWindow*>(self)->m_compositor =
                            static_cast<wl_compositor*>(wl_registry_bind(registry, name, &wl_compositor_interface, 4));
                },
            .global_remove = [](void*, wl_registry*, uint32_t) {},
        };
        wl_registry* const registry = wl_display_get_registry(m_display);
        wl_registry_add_listener(registry, &kListener, this);
        wl_display_roundtrip(m_display);
        wl_registry_destroy(registry);
        m_surface = wl_compositor_create_surface(m_compositor);
    }
    ~WaylandWindow() override
    {
        wl_surface_destroy(m_surface);
        wl_compositor_destroy(m_compositor);
        wl_display_disconnect(m_display);
    }

    const char* extension() const override { return "VK_KHR_wayland_surface"; }
    size_t column() const override { return vwsi::testing::Wayland; }
    VkSurfaceKHR createSurface(VkInstance instance) const override
    {
        const VkWaylandSurfaceCreateInfoKHR info{VK_STRUCTURE_TYPE_WAYLAND_SURFACE_CREATE_INFO_KHR, nullptr, 0,
                                                 m_display, m_surface};
        return create<PFN_vkCreateWaylandSurfaceKHR>(instance, "vkCreateWaylandSurfaceKHR", info);
    }

private:
    wl_display* m_display;
    wl_compositor* m_compositor = nullptr;
    wl_surface* m_surface = nullptr;
};

} // namespace

std::unique_ptr<TestWindow> TestWindow::open()
{
    const char* const wanted = std::getenv("VWSI_TEST_SURFACE");
    const std::string_view kind = wanted ? wanted : "headless";
    if (kind == "xcb")
        return std::make_unique<X11Window>();
    if (kind == "xlib")
        return std::make_unique<XlibWindow>();
    if (kind == "wayland")
        return std::make_unique<WaylandWindow>();
    return std::make_unique<HeadlessWindow>();
}
