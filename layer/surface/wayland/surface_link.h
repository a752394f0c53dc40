#pragma once

#include "surface/wayland/wayland_connection.h"

#include <atomic>
#include <memory>
#include <mutex>

namespace vwsi {

/// The protocol objects of which one wl_surface may have only one, shared by the targets of one VkSurfaceKHR.
///
/// Each is made when it is first needed, and all go with the last target, so that the application may put
/// another VkSurfaceKHR on the same wl_surface afterwards. Destruction sends nothing that needs the
/// wl_surface to live.
///
/// State of a wl_surface gathers until its commit: whoever sends some holds mutex() until then.
class SurfaceLink {
public:
    /// `surface` is a wrapper that outlives the link, as does `dmaBufsRefused`.
    SurfaceLink(std::shared_ptr<const WaylandConnection> connection, wl_surface* surface,
                std::atomic<bool>& dmaBufsRefused)
        : m_connection(std::move(connection)), m_surface(surface), m_dmaBufsRefused(dmaBufsRefused)
    {
    }

    const WaylandConnection& connection() const { return *m_connection; }
    std::mutex& mutex() { return m_mutex; }

    /// The compositor has refused a dma-buf of this surface; the next swapchain need not try again.
    void refuseDmaBufs() { m_dmaBufsRefused = true; }
    bool dmaBufsRefused() const { return m_dmaBufsRefused; }

    /// Number of a new target, counting up.
    uint32_t enter() { return ++m_lastTarget; }

    /// Whether target `number` may still show frames, which ends when a newer one has shown its first.
    bool claim(uint32_t number);

    /// The next commit replaces the one before it not before that was shown (`queued`), or at once; where the
    /// compositor offers wp_fifo_v1.
    void setQueued(bool queued);

    /// Whether the next commit may tear.
    void setTearing(bool tearing);

#ifdef VWSI_HAVE_WP_COLOR_MANAGEMENT
    /// The surface's colour object, which lives as long as somebody holds it; made, or null, when there is none. With
    /// the mutex held, as it is let go.
    std::shared_ptr<wp_color_management_surface_v1> colorSurface(bool make);
#endif

    /// The next commit is not shown before `when` (CLOCK_MONOTONIC); false when the compositor can't see to
    /// that.
    bool setTime(Nanoseconds when);

private:
    std::shared_ptr<const WaylandConnection> m_connection;
    wl_surface* m_surface;
    std::atomic<bool>& m_dmaBufsRefused;
    std::mutex m_mutex;
    std::atomic<uint32_t> m_lastTarget{0};
    uint32_t m_shownTarget = 0;
    bool m_tearing = false;
    ProxyPtr<wp_tearing_control_v1> m_tearingControl;
#ifdef VWSI_HAVE_WP_COLOR_MANAGEMENT
    std::weak_ptr<wp_color_management_surface_v1> m_colorSurface;
#endif
#ifdef VWSI_HAVE_WP_FIFO
    bool m_barrier = false;
    ProxyPtr<wp_fifo_v1> m_fifo;
#endif
#ifdef VWSI_HAVE_WP_COMMIT_TIMING
    ProxyPtr<wp_commit_timer_v1> m_timer;
#endif
};

} // namespace vwsi
