#pragma once

#include "surface/wayland/color_manager.h"
#include "surface/wayland/dmabuf_feedback.h"

#include <memory>
#include <vector>

namespace vwsi {

/// The compositor's globals that presenting needs. An optional one that it doesn't offer is null.
struct WaylandGlobals {
    ProxyPtr<wl_shm> shm;
    ProxyPtr<wp_presentation> presentation;
    ProxyPtr<wp_tearing_control_manager_v1> tearing;
#ifdef VWSI_HAVE_WP_FIFO
    ProxyPtr<wp_fifo_manager_v1> fifo;
#endif
#ifdef VWSI_HAVE_WP_COMMIT_TIMING
    ProxyPtr<wp_commit_timing_manager_v1> commitTiming;
#endif
#ifdef VWSI_HAVE_WP_COLOR_MANAGEMENT
    ColorManager colors;
#endif
    ProxyPtr<zwp_linux_dmabuf_v1> dmaBuf;    ///< of version 3, or of 4 with feedback for each surface
    uint32_t dmaBufVersion = 0;              ///< that is spoken; 0: none
    std::vector<DmaBufFormat> dmaBufFormats; ///< version 3 only
    std::vector<uint32_t> shmFormats;        ///< formats of wl_shm (enum wl_shm.format)
    clockid_t clock = CLOCK_MONOTONIC;       ///< clock of presentation times (wp_presentation.clock_id)
};

/// What one surface knows of its compositor, asked for once. Immutable after open(), so any thread may read
/// it.
///
/// wp_viewporter is left alone on purpose: toolkits keep a viewport of their own on the window's wl_surface,
/// a second one is a fatal protocol error, and scaled presents are scaled by the GPU copy already.
class WaylandConnection {
public:
    /// Longest wait for an answer to a query; a compositor that needs more is taken for stopped.
    static constexpr Nanoseconds kAnswerTimeout = 5'000'000'000;

    /// Asks the compositor (two round trips). VK_ERROR_SURFACE_LOST_KHR when it is gone, doesn't answer, or
    /// lacks wl_shm; VK_ERROR_OUT_OF_HOST_MEMORY.
    static VkResult open(wl_display* display, std::shared_ptr<const WaylandConnection>* connection);

    explicit WaylandConnection(wl_display* display) : m_queue(display) {}

    wl_display* display() const { return m_queue.display(); }
    const WaylandGlobals& globals() const { return m_globals; }

    /// Whether wl_shm takes buffers of a DRM fourcc.
    bool takes(uint32_t fourcc) const;
    bool canTear() const { return m_globals.tearing != nullptr; }
    bool managesColors() const;
    bool canFifo() const;
    bool canSchedule() const;

private:
    VkResult ask();
    void bind(wl_registry* registry, uint32_t name, const char* interface, uint32_t version);
    void bindDmaBuf(wl_registry* registry, uint32_t name, uint32_t version);

    EventQueue m_queue; ///< first, so that it goes after the objects that report to it
    WaylandGlobals m_globals;
};

/// The wl_shm format code of a DRM fourcc (the two oldest formats have codes of their own there).
uint32_t shmFormatOf(uint32_t fourcc);

} // namespace vwsi
