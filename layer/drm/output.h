#pragma once

#include "core/clock.h"
#include "drm/dumb_buffer.h"
#include "drm/kms.h"

#include <memory>
#include <mutex>
#include <vector>

namespace vwsi::drm {

class Device;

/// What became of a frame that was handed to an output.
enum class Outcome {
    Shown,    ///< visible now
    Pending,  ///< on its way; the flip's ticket tells when it is visible
    Busy,     ///< an earlier change is on its way: try again after its event
    NoMaster, ///< another program shows something: try again after Device::regain()
    Off,      ///< the display is powered down
    Failed,   ///< `error` says why
};

/// The completion of the latest flip of an output.
struct FlipStatus {
    uint64_t ticket = 0;   ///< flips up to this one are complete
    Nanoseconds when = 0;  ///< CLOCK_MONOTONIC
    uint32_t sequence = 0; ///< vertical blanks counted by the driver; stays 0 where it has none
    bool pending = false;  ///< a later one is on its way
};

/// A connector driven by a CRTC, shared by the swapchains that show planes on it. Thread-safe.
class Output {
public:
    /// A frame for one plane.
    struct Update {
        const Plane* plane = nullptr;
        std::shared_ptr<DumbBuffer> buffer;
        Rectangle source, destination;
        std::optional<uint64_t> zpos;
        std::span<const drm_mode_rect> damage;
        bool tearing = false;
    };

    Output(Device& device, const Connector& connector, const Crtc& crtc);
    ~Output();
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    uint32_t connector() const { return m_connector; }
    const Crtc& crtc() const { return m_crtc; }

    /// Shows a frame in a mode; sets the mode when it is not yet the current one. The buffer is kept until
    /// another one has taken its place. `error` belongs to Outcome::Failed.
    Outcome show(const Update& update, const drmModeModeInfo& mode, uint64_t* ticket, int* error);

    /// Whether the driver would take such a frame; 0, or an errno. EOPNOTSUPP: cannot be told.
    int test(const Update& update, const drmModeModeInfo& mode);

    FlipStatus flipStatus();
    /// Gives a flip up whose event did not come.
    void abandonFlip(uint64_t ticket);
    /// A flip event of this output's CRTC has been read.
    void flipDone(Nanoseconds when, uint32_t sequence);

    /// Counts of the driver's vertical blanks: EOPNOTSUPP where they are fake.
    int vblankCount(uint64_t* count, Nanoseconds* when) const;

    /// When the next refresh starts: by the driver's vertical blanks, else by the last flip and the mode's
    /// rate.
    Nanoseconds nextRefresh();

    /// Powers the display up or down (DPMS). 0 or an errno.
    int setPower(bool on);
    bool powered();

    /// Descriptors (eventfd) that become readable at each flip's completion and each change of power.
    void addListener(int eventFd);
    void removeListener(int eventFd);

    /// Puts back what was shown before the first frame.
    void restoreConsole();

    /// Uses of planes by swapchains; an overlay without users is turned off.
    void addPlaneUser(const Plane& plane);
    void removePlaneUser(const Plane& plane);
    bool unused();

private:
    struct Shown {
        const Plane* plane = nullptr;
        std::shared_ptr<DumbBuffer> current, next;
        uint32_t users = 0;
    };

    void saveConsole(const Connector& connector);
    Shown& shownOf(const Plane& plane);
    std::vector<const Plane*> foreignPlanes(const Plane& wanted);
    Commit describe(const Update& update, const drmModeModeInfo* mode, std::span<const Plane* const> disable);
    void notify();
    void settle(uint64_t ticket, Nanoseconds when, uint32_t sequence);

    Device& m_device;
    const uint32_t m_connector;
    const ConnectorProperties m_properties;
    const Crtc& m_crtc;

    // What to put back. Written once.
    drmModeModeInfo m_consoleMode{};
    bool m_consoleOn = false;
    uint32_t m_consoleFramebuffer = 0, m_consoleX = 0, m_consoleY = 0;
    std::vector<uint32_t> m_consoleConnectors;

    std::mutex m_commitMutex; ///< one change at a time; held during the kernel calls that make it
    bool m_modeSet = false;
    bool m_touched = false;
    bool m_powered = true;
    bool m_asyncRefused = false;
    uint32_t m_generation = 0;
    drmModeModeInfo m_mode{};

    std::mutex m_flipMutex; ///< below m_commitMutex; never held during a kernel call
    std::vector<Shown> m_shown;
    uint64_t m_lastTicket = 0;
    FlipStatus m_flip;
    std::vector<int> m_listeners;
};

/// One swapchain's use of an output.
class OutputHandle {
public:
    OutputHandle() = default;
    OutputHandle(std::shared_ptr<Device> device, Output* output, const Plane* plane);
    OutputHandle(OutputHandle&& other) noexcept { swap(other); }
    OutputHandle& operator=(OutputHandle&& other) noexcept
    {
        swap(other);
        return *this;
    }
    /// The last one puts the console's state back and gives the master right back.
    ~OutputHandle();

    Output* operator->() const { return m_output; }
    explicit operator bool() const { return m_output != nullptr; }
    Device& device() const { return *m_device; }

private:
    void swap(OutputHandle& other) noexcept
    {
        std::swap(m_device, other.m_device);
        std::swap(m_output, other.m_output);
        std::swap(m_plane, other.m_plane);
    }

    std::shared_ptr<Device> m_device;
    Output* m_output = nullptr;
    const Plane* m_plane = nullptr;
};

} // namespace vwsi::drm
