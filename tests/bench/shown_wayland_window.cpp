// A frame is visible at the time that wp_presentation gives the commit that brought it.

#include "shown_window.h"

#ifdef BENCH_WAYLAND

#include "presentation-client.h"
#include "shell-client.h"

#include <cstdlib>
#include <cstring>
#include <ctime>
#include <poll.h>
#include <stdexcept>
#include <vulkan/vulkan_wayland.h>
#include <wayland-client.h>

namespace {

/// The request of this name hides the type.
using Feedback = struct wp_presentation_feedback;

class ShownWaylandWindow final : public ShownWindow {
public:
    ShownWaylandWindow() : m_display(wl_display_connect(nullptr))
    {
        if (!m_display)
            throw std::runtime_error("no compositor at WAYLAND_DISPLAY");
        bindGlobals();
        m_surface = wl_compositor_create_surface(m_compositor);
        m_role = xdg_wm_base_get_xdg_surface(m_base, m_surface);
        static constexpr xdg_surface_listener kRole = {.configure = [](void* self, xdg_surface* role, uint32_t serial) {
            xdg_surface_ack_configure(role, serial);
            static_cast<ShownWaylandWindow*>(self)->m_configured = true;
        }};
        xdg_surface_add_listener(m_role, &kRole, this);
        m_toplevel = xdg_surface_get_toplevel(m_role);
        wl_surface_commit(m_surface);
        while (!m_configured && wl_display_dispatch(m_display) >= 0)
            continue;
    }

    ~ShownWaylandWindow() override
    {
        if (m_feedback)
            wp_presentation_feedback_destroy(m_feedback);
        xdg_toplevel_destroy(m_toplevel);
        xdg_surface_destroy(m_role);
        wl_surface_destroy(m_surface);
        wp_presentation_destroy(m_presentation);
        xdg_wm_base_destroy(m_base);
        wl_compositor_destroy(m_compositor);
        wl_display_disconnect(m_display);
    }

    const char* surfaceExtension() const override { return "VK_KHR_wayland_surface"; }

    VkSurfaceKHR createSurface(VkInstance instance) override
    {
        const auto create = reinterpret_cast<PFN_vkCreateWaylandSurfaceKHR>(
            vkGetInstanceProcAddr(instance, "vkCreateWaylandSurfaceKHR"));
        VkWaylandSurfaceCreateInfoKHR info{};
        info.sType = VK_STRUCTURE_TYPE_WAYLAND_SURFACE_CREATE_INFO_KHR;
        info.display = m_display;
        info.surface = m_surface;
        VkSurfaceKHR surface = VK_NULL_HANDLE;
        if (!create || create(instance, &info, nullptr, &surface) != VK_SUCCESS)
            throw std::runtime_error("vkCreateWaylandSurfaceKHR");
        return surface;
    }

    pid_t server() const override
    {
        const char* const pid = getenv("RIG_WESTON_PID");
        return pid ? atoi(pid) : 0;
    }

    /// The request goes ahead of the driver's commit on the same connection, and so belongs to that commit; with
    /// earlier frames still under way, to one of theirs, which is off by as many frames.
    void announce() override
    {
        if (m_feedback)
            wp_presentation_feedback_destroy(m_feedback);
        m_visible.reset();
        m_feedback = wp_presentation_feedback(m_presentation, m_surface);
        static constexpr wp_presentation_feedback_listener kFeedback = {
            .sync_output = [](void*, Feedback*, wl_output*) {},
            .presented =
                [](void* self, Feedback*, uint32_t high, uint32_t low, uint32_t nanoseconds, uint32_t, uint32_t,
                   uint32_t, uint32_t) {
                    const auto whole = std::chrono::seconds(uint64_t{high} << 32 | low);
                    auto* const window = static_cast<ShownWaylandWindow*>(self);
                    window->m_visible =
                        Clock::now() - (window->compositorNow() - whole - std::chrono::nanoseconds(nanoseconds));
                },
            .discarded = [](void* self,
                            Feedback*) { static_cast<ShownWaylandWindow*>(self)->m_visible = Clock::now(); },
        };
        wp_presentation_feedback_add_listener(m_feedback, &kFeedback, this);
        wl_display_flush(m_display);
    }

    std::optional<Clock::time_point> waitVisible(uint32_t) override
    {
        const auto limit = Clock::now() + std::chrono::seconds(2);
        while (!m_visible && Clock::now() < limit) {
            if (wl_display_prepare_read(m_display) != 0) {
                wl_display_dispatch_pending(m_display);
                continue;
            }
            wl_display_flush(m_display);
            pollfd readable{wl_display_get_fd(m_display), POLLIN, 0};
            if (poll(&readable, 1, 100) > 0)
                wl_display_read_events(m_display);
            else
                wl_display_cancel_read(m_display);
            wl_display_dispatch_pending(m_display);
        }
        return m_visible;
    }

private:
    void bindGlobals()
    {
        wl_registry* const registry = wl_display_get_registry(m_display);
        static constexpr wl_registry_listener kRegistry = {
            .global =
                [](void* data, wl_registry* source, uint32_t name, const char* interface, uint32_t) {
                    auto* const self = static_cast<ShownWaylandWindow*>(data);
                    const auto bind = [&](const wl_interface& wanted, auto*& object, uint32_t version) {
                        if (!strcmp(interface, wanted.name))
                            object = static_cast<std::remove_reference_t<decltype(object)>>(
                                wl_registry_bind(source, name, &wanted, version));
                    };
                    bind(wl_compositor_interface, self->m_compositor, 4);
                    bind(xdg_wm_base_interface, self->m_base, 1);
                    bind(wp_presentation_interface, self->m_presentation, 1);
                },
            .global_remove = [](void*, wl_registry*, uint32_t) {},
        };
        wl_registry_add_listener(registry, &kRegistry, this);
        wl_display_roundtrip(m_display);
        wl_registry_destroy(registry);
        if (!m_compositor || !m_base || !m_presentation)
            throw std::runtime_error("the compositor lacks xdg_wm_base or wp_presentation");
        static constexpr xdg_wm_base_listener kBase = {
            .ping = [](void*, xdg_wm_base* base, uint32_t serial) { xdg_wm_base_pong(base, serial); }};
        xdg_wm_base_add_listener(m_base, &kBase, nullptr);
        static constexpr wp_presentation_listener kPresentation = {
            .clock_id = [](void* self, wp_presentation*, uint32_t id) {
                static_cast<ShownWaylandWindow*>(self)->m_clock = static_cast<clockid_t>(id);
            }};
        wp_presentation_add_listener(m_presentation, &kPresentation, this);
    }

    /// Now, on the clock that the compositor stamps with.
    std::chrono::nanoseconds compositorNow() const
    {
        timespec now{};
        clock_gettime(m_clock, &now);
        return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
    }

    wl_display* m_display;
    wl_compositor* m_compositor = nullptr;
    xdg_wm_base* m_base = nullptr;
    wp_presentation* m_presentation = nullptr;
    wl_surface* m_surface = nullptr;
    xdg_surface* m_role = nullptr;
    xdg_toplevel* m_toplevel = nullptr;
    Feedback* m_feedback = nullptr;
    clockid_t m_clock = CLOCK_MONOTONIC;
    bool m_configured = false;
    std::optional<Clock::time_point> m_visible;
};

} // namespace

std::unique_ptr<ShownWindow> makeWaylandWindow(uint16_t, uint16_t)
{
    return std::make_unique<ShownWaylandWindow>();
}

#else

std::unique_ptr<ShownWindow> makeWaylandWindow(uint16_t, uint16_t)
{
    return nullptr;
}

#endif
