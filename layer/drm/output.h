#pragma once

#include "core/clock.h"
#include "drm/dumb_buffer.h"
#include "drm/kms.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace vwsi::drm {

class Device;

/// What became of a frame that was handed to an output.
enum class Outcome {
    Shown,      ///< visible now
    Pending,    ///< on its way; the flip's ticket tells when it is visible
    Busy,       ///< an earlier change is on its way: try again after its event
    NoMaster,   ///< another program shows something: try again after Device::regain()
    Off,        ///< the display is powered down
    Superseded, ///< a later swapchain of the surface shows its frames on the plane
    Failed,     ///< `error` says why
};

/// A flip takes a refresh or two, and up to 50 ms where the host holds the plane's fence.
inline constexpr Nanoseconds kFlipTimeout = 1'000'000'000;

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
        uint64_t use = 0;                    ///< OutputHandle::use()
        const ColorSignal* signal = nullptr; ///< what the display shall be told of the pixels; null: as it is
    };

    Output(Device& device, const Connector& connector, const Crtc& crtc);
    ~Output();
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    uint32_t connector() const { return m_connector; }
    const Crtc& crtc() const { return m_crtc; }
    const ConnectorProperties& properties() const { return m_properties; }

    /// Shows a frame in a mode; sets the mode when it is not yet the current one. The buffer is kept until
    /// another one has taken its place. `error` belongs to Outcome::Failed.
    Outcome show(const Update& update, const drmModeModeInfo& mode, uint64_t* ticket, int* error);

    /// Whether the driver would take such a frame; 0, or an errno. EOPNOTSUPP: cannot be told.
    int test(const Update& update, const drmModeModeInfo& mode);

    FlipStatus flipStatus();
    /// Gives a flip up whose event did not come, with one log line for all of them.
    void abandonFlip(uint64_t ticket);
    /// A flip event of this output's CRTC has been read. Those of flips that were given up, or of a change that the
    /// application made on its own descriptor, change nothing.
    void flipDone(uintptr_t ticket, Nanoseconds when, uint32_t sequence);

    /// Counts of the driver's vertical blanks: EOPNOTSUPP where they are fake, EINVAL while the display is off.
    int vblankCount(uint64_t* count, Nanoseconds* when);
    /// The latest one told.
    uint64_t lastVblankCount() const { return m_vblanks.load(std::memory_order_relaxed); }

    /// When the next refresh starts: by the driver's vertical blanks, else by the last flip and the mode's
    /// rate. Where nothing has been shown yet, and where the display is off, as if it refreshed all the same.
    Nanoseconds nextRefresh();

    /// Powers the display up or down (DPMS). 0 or an errno.
    int setPower(bool on);
    bool powered();

    /// Descriptors (eventfd) that become readable at each flip's completion and each change of power.
    void addListener(int eventFd);
    void removeListener(int eventFd);

    /// Puts back what was shown before the first frame.
    void restoreConsole();

    /// Uses of planes by swapchains; an overlay without users is turned off. The swapchains of one surface, `owner`,
    /// replace each other: with its first frame the later one has the plane for itself.
    uint64_t addPlaneUser(const Plane& plane, const void* owner);
    void removePlaneUser(const Plane& plane, uint64_t use);
    bool usedByAnother(const Plane& plane, const void* owner);
    bool unused();
    /// The display of a use is gone: its surface has no claim to the plane any more, and whatever is shown next needs
    /// the mode to be set, as the display may come back without one.
    void lose(const Plane& plane, uint64_t use);

private:
    struct Use {
        uint64_t number;
        const void* owner;
    };
    struct Shown {
        const Plane* plane = nullptr;
        std::shared_ptr<DumbBuffer> current, next;
        std::vector<Use> uses;
        uint64_t latest = 0; ///< use that has shown something; earlier ones may not any more
    };

    void saveConsole(const Connector& connector);
    void expect(const drmModeModeInfo& mode);
    void restoreSignal();
    Shown& shownOf(const Plane& plane);
    std::vector<const Plane*> foreignPlanes(const Plane& wanted);
    Commit describe(const Update& update, const drmModeModeInfo* mode, std::span<const Plane* const> disable);
    int apply(const Update& update, const drmModeModeInfo& mode, bool modeset, uint64_t ticket, bool* pending);
    int applyWithoutSignal(Commit& commit, bool* pending);
    void notify();
    void abandonOverdueFlip();
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
    ColorSignal m_consoleSignal;

    std::mutex m_commitMutex; ///< one change at a time; held during the kernel calls that make it
    bool m_modeSet = false;   ///< m_mode is ours and current; otherwise it is the one to expect
    bool m_touched = false;
    bool m_powered = true;
    bool m_asyncRefused = false;
    bool m_signalRefused = false;
    std::optional<ColorSignal> m_signal; ///< the last one of ours
    uint32_t m_generation = 0;
    drmModeModeInfo m_mode{};
    std::atomic<Nanoseconds> m_period{0}; ///< of m_mode; for those who must not wait for a change under way

    std::mutex m_flipMutex; ///< below m_commitMutex; never held during a kernel call
    std::vector<Shown> m_shown;
    uint64_t m_lastTicket = 0;
    uint64_t m_lastUse = 0;
    FlipStatus m_flip;
    Nanoseconds m_flipDeadline = 0;
    bool m_flipTimeoutLogged = false;
    std::vector<int> m_listeners;
    std::atomic<uint64_t> m_vblanks{0};
};

/// One swapchain's use of an output.
class OutputHandle {
public:
    OutputHandle() = default;
    OutputHandle(std::shared_ptr<Device> device, Output* output, const Plane* plane, uint64_t use);
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
    uint64_t use() const { return m_use; }

private:
    void swap(OutputHandle& other) noexcept
    {
        std::swap(m_device, other.m_device);
        std::swap(m_output, other.m_output);
        std::swap(m_plane, other.m_plane);
        std::swap(m_use, other.m_use);
    }

    std::shared_ptr<Device> m_device;
    Output* m_output = nullptr;
    const Plane* m_plane = nullptr;
    uint64_t m_use = 0;
};

} // namespace vwsi::drm
