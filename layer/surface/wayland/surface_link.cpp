#include "surface/wayland/surface_link.h"

#include "core/clock_conversion.h"

namespace vwsi {

bool SurfaceLink::claim(uint32_t number)
{
    if (number < m_shownTarget)
        return false;
    m_shownTarget = number;
    return true;
}

void SurfaceLink::setQueued(bool queued)
{
#ifdef VWSI_HAVE_WP_FIFO
    // Also a frame that doesn't queue itself must not push out a queued one before it.
    if (!m_connection->canFifo() || (!queued && !m_barrier))
        return;
    if (!m_fifo)
        m_fifo.reset(wp_fifo_manager_v1_get_fifo(m_connection->globals().fifo.get(), m_surface));
    if (!m_fifo)
        return;
    if (queued)
        wp_fifo_v1_set_barrier(m_fifo.get());
    wp_fifo_v1_wait_barrier(m_fifo.get());
    m_barrier = queued;
#else
    static_cast<void>(queued);
#endif
}

void SurfaceLink::setTearing(bool tearing)
{
    if (tearing == m_tearing || !m_connection->canTear())
        return;
    if (!m_tearingControl) {
        m_tearingControl.reset(
            wp_tearing_control_manager_v1_get_tearing_control(m_connection->globals().tearing.get(), m_surface));
    }
    if (!m_tearingControl)
        return;
    wp_tearing_control_v1_set_presentation_hint(m_tearingControl.get(),
                                                tearing ? WP_TEARING_CONTROL_V1_PRESENTATION_HINT_ASYNC
                                                        : WP_TEARING_CONTROL_V1_PRESENTATION_HINT_VSYNC);
    m_tearing = tearing;
}

#ifdef VWSI_HAVE_WP_COLOR_MANAGEMENT
std::shared_ptr<wp_color_management_surface_v1> SurfaceLink::colorSurface(bool make)
{
    std::shared_ptr<wp_color_management_surface_v1> surface = m_colorSurface.lock();
    if (surface || !make)
        return surface;
    surface.reset(wp_color_manager_v1_get_surface(m_connection->globals().colors.proxy.get(), m_surface),
                  ProxyDeleter());
    m_colorSurface = surface;
    return surface;
}
#endif

bool SurfaceLink::setTime(Nanoseconds when)
{
#ifdef VWSI_HAVE_WP_COMMIT_TIMING
    if (!m_connection->canSchedule())
        return false;
    if (!m_timer) {
        m_timer.reset(wp_commit_timing_manager_v1_get_timer(m_connection->globals().commitTiming.get(), m_surface));
    }
    if (!m_timer)
        return false;
    const Nanoseconds there = fromMonotonic(when, m_connection->globals().clock);
    const uint64_t seconds = there / 1'000'000'000;
    wp_commit_timer_v1_set_timestamp(m_timer.get(), static_cast<uint32_t>(seconds >> 32),
                                     static_cast<uint32_t>(seconds), static_cast<uint32_t>(there % 1'000'000'000));
    return true;
#else
    static_cast<void>(when);
    return false;
#endif
}

} // namespace vwsi
