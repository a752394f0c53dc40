#pragma once

#include "drm/device.h"
#include "drm/uevent.h"
#include "drm/vt.h"
#include "surface/display/display_objects.h"
#include "surface/display/flip_clock.h"
#include "surface/display/frame_composer.h"
#include "surface/target.h"

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace vwsi {

/// Frames on a plane of a display, in dumb buffers.
///
/// While another VT is shown, another program is DRM master, or the display is powered down, frames are taken
/// at the mode's rate and discarded unseen; afterwards the mode is set anew and the latest frame shown.
class DisplayTarget final : public Target {
public:
    /// `owner` is the surface, to which no other one's swapchain may come.
    DisplayTarget(std::shared_ptr<drm::Device> device, const drm::Plane& plane, const DisplayMode& mode,
                  uint32_t stackIndex, const void* owner, const TargetInfo& info);
    ~DisplayTarget() override;

    /// Becomes DRM master with the first target of the device. VK_ERROR_NATIVE_WINDOW_IN_USE_KHR,
    /// VK_ERROR_INITIALIZATION_FAILED (no permission), VK_ERROR_SURFACE_LOST_KHR (unplugged).
    VkResult start();

    VkResult allocate(uint32_t index, const BufferLayout& layout, TargetBuffer* buffer) override;
    void setEvents(TargetEvents* events) override
    {
        m_events = events;
        events->refreshKnown(m_clock.period(), m_realVblank);
    }
    Nanoseconds readyAt(VkPresentModeKHR mode) override;
    void setHdrMetadata(const VkHdrMetadataEXT& metadata) override;
    VkResult present(const Frame& frame) override;
    void abandon() override;
    VkResult wait(int wake, Nanoseconds deadline) override;

private:
    /// What of a frame is shown where.
    struct PlaneRegion {
        drm::Rectangle source, destination;
        bool operator==(const PlaneRegion&) const = default;
    };
    struct Buffer {
        std::shared_ptr<drm::DumbBuffer> memory;
        // What changed since the kernel last saw this buffer. Some drivers upload the damaged part only, and of
        // that the part that is shown.
        std::vector<drm_mode_rect> damage;
        bool everything = true;
        drm::Rectangle seen;
    };
    struct Waiting {
        uint32_t buffer;
        uint64_t serial;
        VkPresentModeKHR mode;
        Nanoseconds desired;
        PlaneRegion placement;
        bool redraw; ///< repeats a frame that has been told of already
    };
    static constexpr uint32_t kNone = UINT32_MAX;

    bool openDescriptors();
    bool watch(int fd, uint32_t events);
    VkResult testFirst();
    drm::Rectangle visibleRegion() const;
    PlaneRegion placementOf(const Frame& frame) const;
    drm::Output::Update describe(uint32_t buffer, const PlaneRegion& placement, VkPresentModeKHR mode);
    bool planeTakes(uint32_t buffer, const PlaneRegion& placement);
    int compose(const Waiting& frame, drm::Output::Update* update);
    void addDamage(const Frame& frame);
    bool blocked() const { return m_away || m_lost || m_off; }
    /// Hands the waiting frame to the output if that can take it.
    VkResult advance();
    VkResult showWaiting();
    VkResult failed(int error);
    void unplug();
    void skipWaiting();
    void becameFront(const Waiting& frame);
    void finishFlip();
    void handleDescriptors();
    void followVt();
    void retryMaster();
    void redraw();
    Nanoseconds nextOwnDeadline() const;

    const std::shared_ptr<drm::Device> m_device;
    const drm::Plane& m_plane;
    const uint32_t m_connector;
    const drmModeModeInfo m_mode;
    const uint32_t m_stackIndex;
    const void* const m_owner;
    const VkExtent2D m_extent;
    const PixelFormat& m_format;

    const std::optional<drm::Eotf> m_eotf; ///< of an HDR colour space
    drm::ColorSignal m_signal;
    std::mutex m_outputMutex; ///< deferred allocation, on the application's thread, against abandon()
    drm::OutputHandle m_output;
    std::vector<Buffer> m_buffers;
    TargetEvents* m_events = nullptr;
    FlipClock m_clock;

    const PlaneRegion m_wholeImage;     ///< of frames that come without VkDisplayPresentInfoKHR
    std::optional<PlaneRegion> m_tried; ///< what m_planeTakesIt is about
    bool m_planeTakesIt = false;
    std::optional<PlaneRegion> m_shown; ///< of the last frame that the kernel has taken
    FrameComposer m_composer;
    std::shared_ptr<drm::DumbBuffer> m_composed; ///< the waiting frame as the plane shall show it

    int m_epoll = -1;
    int m_flipEvent = -1;
    std::unique_ptr<drm::VtWatch> m_vt;
    std::unique_ptr<drm::UeventMonitor> m_uevents;

    std::optional<Waiting> m_waiting;
    std::optional<Waiting> m_flipping;
    uint64_t m_ticket = 0;
    Nanoseconds m_flipDeadline = 0;
    uint32_t m_front = kNone;
    PlaneRegion m_frontPlacement;
    Nanoseconds m_busyUntil = 0; ///< another client's change keeps the CRTC busy
    Nanoseconds m_busySince = 0; ///< without a frame shown in between; 0: it is not
    bool m_away = false;         ///< another VT is shown
    bool m_lost = false;         ///< another program is master
    bool m_off = false;          ///< powered down
    bool m_unplugged = false;
    Nanoseconds m_retryMaster = 0;
    Nanoseconds m_consoleAt = kForever; ///< when the console gets its picture back after a switch to another VT

    bool m_realVblank = false; ///< the driver flips at vertical blanks; no clock is needed
};

} // namespace vwsi
