#pragma once

#include "drm/color_signal.h"
#include "drm/resources.h"

#include <memory>
#include <optional>
#include <span>
#include <xf86drmMode.h>

namespace vwsi::drm {

class Device;

/// A rectangle in pixels.
struct Rectangle {
    int32_t x = 0, y = 0;
    uint32_t width = 0, height = 0;
    bool operator==(const Rectangle&) const = default;
};

/// One plane of one CRTC as it shall be.
struct PlaneState {
    const Plane* plane = nullptr;
    uint32_t framebuffer = 0;
    Rectangle source;      ///< part of the framebuffer
    Rectangle destination; ///< where on the CRTC
    std::optional<uint64_t> zpos;
    std::span<const drm_mode_rect> damage; ///< changed parts of the framebuffer; empty: all of it
};

/// One change of a display pipe.
struct Commit {
    uint32_t connector = 0;
    const ConnectorProperties* connectorProperties = nullptr;
    const Crtc* crtc = nullptr;
    const drmModeModeInfo* mode = nullptr; ///< set: full modeset, else only the plane changes
    PlaneState plane;
    std::span<const Plane* const> disable; ///< planes to turn off along with a modeset
    bool tearing = false;                  ///< flip at once instead of at the next vertical blank
    bool shownAlready = false;             ///< the plane already scans out this framebuffer
    uintptr_t ticket = 0;                  ///< the event of this change carries it
    const ColorSignal* signal = nullptr;   ///< set: the connector tells its display this
};

/// How changes reach the kernel: atomic requests, or the calls that came before them.
///
/// Results are 0 or an errno: EBUSY (an earlier change is still on its way), EACCES/EPERM (not the DRM
/// master), EINVAL (the driver refuses), ENOMEM/ENOSPC, ENOENT/ENODEV (object or device gone).
class Kms {
public:
    virtual ~Kms() = default;

    /// Asks whether a change would be accepted. EOPNOTSUPP: cannot be told without doing it.
    virtual int test(const Commit& commit) = 0;

    /// Makes a change without waiting for the vertical blank (modesets may take their time). `pending`: its
    /// completion will be told by a DRM_EVENT_FLIP_COMPLETE; otherwise it is complete.
    virtual int apply(const Commit& commit, bool* pending) = 0;

    /// Turns an overlay plane off.
    virtual int disable(const Plane& plane, const Crtc& crtc) = 0;

    /// Lets a connector tell its display something else while its picture stays. EOPNOTSUPP: it cannot.
    virtual int signal(uint32_t connector, const ConnectorProperties& properties, const ColorSignal& signal) = 0;
};

std::unique_ptr<Kms> makeAtomicKms(const Device& device);
std::unique_ptr<Kms> makeLegacyKms(const Device& device);

} // namespace vwsi::drm
