#pragma once

#include "drm/api.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace vwsi::drm::fake {

struct Encoder {
    uint32_t id;
    uint32_t possibleCrtcs;
};

struct Connector {
    uint32_t id;
    uint32_t type = DRM_MODE_CONNECTOR_VIRTUAL;
    uint32_t typeIndex = 1;
    bool connected = true;
    bool probed = true; ///< false: modes stay unknown until a master asks
    uint32_t widthMm = 0, heightMm = 0;
    std::vector<drmModeModeInfo> modes;
    std::vector<Encoder> encoders;
    std::vector<uint8_t> edid;
    uint32_t crtc = 0;
    uint64_t dpms = DRM_MODE_DPMS_ON;
    std::set<std::string> colorProperties; ///< of "HDR_OUTPUT_METADATA", "Colorspace", "max bpc"
    bool bt2020 = true;                    ///< "Colorspace" knows BT2020_RGB
    std::vector<uint8_t> hdrMetadata;      ///< what the display is told now
    uint64_t colorspace = 0;
    uint64_t maxBpc = 8;
};

inline constexpr uint64_t kBt2020Rgb = 9; ///< the kernel's own number for it

struct Crtc {
    uint32_t id;
    bool active = false;
    std::optional<drmModeModeInfo> mode;
    uint32_t x = 0, y = 0;
    uint32_t framebuffer = 0; ///< what drmModeGetCrtc tells: the primary plane's
};

struct Plane {
    uint32_t id;
    uint64_t type = DRM_PLANE_TYPE_PRIMARY;
    uint32_t possibleCrtcs = 1;
    std::vector<uint32_t> formats;
    std::optional<uint64_t> zpos;
    bool zposImmutable = false;
    bool damageClips = true;
    uint32_t crtc = 0, framebuffer = 0;
    uint64_t source[4] = {}; ///< 16.16 fixed point: x, y, width, height
    int64_t destination[4] = {};
    std::vector<drm_mode_rect> damage; ///< of the last commit
};

struct Framebuffer {
    int file; ///< 0: the kernel's console
    uint32_t width, height, format;
};

/// A device node of the fake system.
struct Node {
    std::string path;
    NodeNumber number;
    std::string renderPath;
    NodeNumber renderNumber;
    std::string driver = "virtio_gpu";
    bool hasKms = true;
    int openError = 0;
};

/// Which threads of a process without CAP_SYS_ADMIN may take and drop the master right of a file that had it before:
/// drm_master_check_perm() since Linux 6.7, before, and before 6.4.
enum class MasterRule { Process, MainThread, Opener };

/// A scripted kernel behind libdrm's functions: mode setting objects with the kernel's rules on who may
/// change them and what is valid, faults on demand, and an account of everything that was given out.
/// Thread-safe.
///
/// One exists at a time; while it does, vwsi::drm calls it instead of libdrm.
class Kernel {
public:
    /// A virtio-gpu with `outputs` connected connectors, each with a CRTC, a primary and a cursor plane, and
    /// a console on the first.
    explicit Kernel(int outputs = 1);
    ~Kernel();
    Kernel(const Kernel&) = delete;
    Kernel& operator=(const Kernel&) = delete;

    // What the driver can do. To be set before the device is opened.
    bool universalPlanes = true;
    bool atomic = true;
    bool dumbBuffers = true;
    bool asyncFlip = false;
    bool scalingPlanes = false;
    bool realVblank = false;
    int64_t vblankAhead = 0; ///< how far in the future, in nanoseconds, the time of the last vertical blank is
    bool privileged = false; ///< the process has CAP_SYS_ADMIN
    MasterRule masterRule = MasterRule::Process;
    bool foreignMaster = false;    ///< another program is DRM master
    bool autoFlip = true;          ///< flips complete at once, as on virtio-gpu
    bool colorsNeedModeset = true; ///< the display is told something else with a modeset only
    std::function<bool(const drmModeModeInfo&)> acceptsMode;
    std::function<bool(const Connector&)> acceptsColors;

    std::vector<Node> nodes;
    std::vector<Connector> connectors;
    std::vector<Crtc> crtcs;
    std::vector<Plane> planes;

    Connector& connector(uint32_t id);
    Crtc& crtc(uint32_t id);
    Plane& plane(uint32_t id);

    /// Lets calls of one function fail: after `skip` good ones, `times` of them.
    void fail(const std::string& function, int error, int skip = 0, int times = 1);
    /// Lets the n-th call of any function from now on fail (1: the next); with the name of the one that did
    /// afterwards.
    void failNth(int n, int error);
    std::string failed() const;

    /// Sends the event of a CRTC's flip.
    void completeFlip(uint32_t crtc);
    bool flipPending(uint32_t crtc) const;
    /// The right is taken from whoever has it, as another program or the seat manager can.
    void revokeMaster();
    bool hasMaster() const;

    /// Calls so far of one function, or of all.
    int calls(const std::string& function) const;
    /// Flags of the latest atomic commit or page flip.
    uint32_t lastFlags() const { return m_lastFlags; }

    /// What has not been given back: "" or a list such as "2 framebuffers, 1 mapping".
    std::string leaks() const;

    /// The fake's own state, for the functions in fake_libdrm.cpp.
    struct State;
    State& state() { return *m_state; }

private:
    friend struct State;
    std::unique_ptr<State> m_state;
    uint32_t m_lastFlags = 0;
};

/// A mode with ordinary blanking.
drmModeModeInfo mode(uint32_t width, uint32_t height, uint32_t clockKHz, uint32_t type = DRM_MODE_TYPE_DRIVER);
/// An EDID of 128 bytes with a right checksum.
std::vector<uint8_t> edid(const char* maker, const char* name, uint32_t widthMm, uint32_t heightMm);
/// The same with a CTA-861 block: bit fields of the HDR static metadata and colorimetry data blocks.
std::vector<uint8_t> hdrEdid(uint8_t transferFunctions, uint8_t colorimetry);
void fixChecksum(std::vector<uint8_t>& edid);

} // namespace vwsi::drm::fake
