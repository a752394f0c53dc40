#pragma once

#include "surface/dma_buf.h"
#include "surface/target.h"
#include "surface/wayland/dmabuf_buffers.h"
#include "surface/wayland/frame_tracker.h"
#include "surface/wayland/shm_buffers.h"
#include "surface/wayland/surface_link.h"
#include "surface/wayland/target_color.h"

#include <array>
#include <vector>

namespace vwsi {

/// A swapchain's way into a wl_surface.
///
/// FIFO is left to the compositor where it offers wp_fifo_v1 and paced by frame callbacks where not; MAILBOX
/// and IMMEDIATE frames are committed at once. FIFO_RELAXED frames that come late may tear. A window that nobody sees
/// goes on slowly (FrameTracker).
class WaylandTarget final : public Target, private DmaBufTaker {
public:
    /// The target without buffers. `surface` is a wrapper of the application's wl_surface.
    static VkResult create(const TargetInfo& info, std::shared_ptr<SurfaceLink> link, wl_surface* surface,
                           std::unique_ptr<Target>* target);

    WaylandTarget(const TargetInfo& info, std::shared_ptr<SurfaceLink> link, wl_surface* surface);

    VkResult allocate(uint32_t index, const BufferLayout& layout, TargetBuffer* buffer) override;
    DmaBufTaker* dmaBufTaker() override { return this; }
    void setEvents(TargetEvents* events) override;
    bool keepsTime() const override { return m_link->connection().canSchedule(); }
    bool replacesFrames() const override { return true; }
    Nanoseconds readyAt(VkPresentModeKHR mode) override;
#ifdef VWSI_HAVE_WP_COLOR_MANAGEMENT
    void setHdrMetadata(const VkHdrMetadataEXT& metadata) override { m_color.setHdrMetadata(metadata); }
#endif
    VkResult present(const Frame& frame) override;
    VkResult wait(int wake, Nanoseconds deadline) override;

private:
    /// More rectangles than this are not worth their bytes in the socket: everything counts as damaged.
    static constexpr size_t kDamageLimit = 16;

    struct Buffer {
        WaylandTarget* target = nullptr;
        ProxyPtr<wl_buffer> proxy;
        bool draining = false; ///< released by the compositor, but not yet by its GPU
    };

    /// A frame that waits here for its time, because the compositor has no wp_commit_timing_v1.
    struct HeldFrame {
        Frame frame;
        std::array<VkRect2D, kDamageLimit> damage;
        bool pending = false;
    };

    /// How soon to look again whether a GPU has left a buffer: no event tells.
    static constexpr Nanoseconds kDrainPause = 500'000;

    static void onRelease(void* data, wl_buffer*);

    // DmaBufTaker
    const char* obstacle() const override { return m_dmaBufs.obstacle(); }
    bool insists() const override;
    VkResult offer(DmaBufOffer* offer) override { return m_dmaBufs.offer(offer); }
    VkResult take(std::span<const DmaBuf> images) override;

    bool complete() const;
    void adopt(uint32_t index, ProxyPtr<wl_buffer> proxy);
    /// Frees the buffers that a GPU has left by now.
    void drain();
    void hold(const Frame& frame);
    VkResult commit(const Frame& frame);
    void sendDamage(std::span<const VkRect2D> damage);

    // Queue first and objects after it: they report to it and go before it.
    EventQueue m_queue;
    std::shared_ptr<SurfaceLink> m_link;
    WrapperPtr<wl_surface> m_surface;
    VkExtent2D m_extent;
    uint32_t m_number;
#ifdef VWSI_HAVE_WP_COLOR_MANAGEMENT
    TargetColor m_color;
#endif
    FrameTracker m_tracker;
    ShmBuffers m_memory;
    DmaBufBuffers m_dmaBufs;
    bool m_takesDmaBufs = false;
    unsigned m_draining = 0;
    std::vector<Buffer> m_buffers;
    TargetEvents* m_events = nullptr;
    HeldFrame m_held;
    bool m_shown = false; ///< one frame was committed, so damage is relative to it
};

} // namespace vwsi
