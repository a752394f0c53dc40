#pragma once

#include "drm/properties.h"

#include <cstdint>
#include <string>
#include <vector>
#include <xf86drmMode.h>

namespace vwsi::drm {

/// One connector as the kernel described it at one moment.
struct Connector {
    uint32_t id = 0;
    std::string name; ///< kernel's name, as "Virtual-1" or "HDMI-A-2"
    bool connected = false;
    uint32_t widthMm = 0, heightMm = 0; ///< 0: unknown
    std::vector<drmModeModeInfo> modes; ///< the kernel's order
    uint32_t possibleCrtcs = 0;         ///< bit n: the n-th CRTC of Resources
    uint32_t currentCrtc = 0;           ///< CRTC that drives it now; 0: none
    std::vector<uint8_t> edid;
    ConnectorProperties properties;
};

/// The mode that the display asks for, else the first one; without timings where there is none.
drmModeModeInfo preferredMode(const Connector& connector);

struct Crtc {
    uint32_t id = 0;
    uint32_t index = 0;
    CrtcProperties properties;
};

enum class PlaneType : uint32_t {
    Overlay = DRM_PLANE_TYPE_OVERLAY,
    Primary = DRM_PLANE_TYPE_PRIMARY,
    Cursor = DRM_PLANE_TYPE_CURSOR,
};

struct Plane {
    uint32_t id = 0; ///< 0: the primary plane of a driver without universal planes
    PlaneType type = PlaneType::Overlay;
    uint32_t possibleCrtcs = 0;
    std::vector<uint32_t> formats; ///< DRM fourccs
    PlaneProperties properties;

    bool supports(uint32_t fourcc) const;
};

/// What stays the same as long as a device exists.
struct Resources {
    std::vector<Crtc> crtcs;
    std::vector<Plane> planes;

    const Crtc* crtc(uint32_t id) const;
    const Plane* plane(uint32_t id) const;
    /// How many planes that share a CRTC with `plane` lie below it (zpos, else primary, overlays, cursor in
    /// order).
    uint32_t stackPosition(const Plane& plane) const;
};

/// Reads CRTCs and planes; `universal` and `atomic` as the client capabilities were granted. 0 or an errno.
int readResources(int fd, bool universal, bool atomic, Resources* resources);

/// Reads all connectors. With `probe` the driver looks at the hardware anew, which only the DRM master may
/// ask for. Writeback connectors and displays that are not for desktops (head-mounted ones count as
/// connected) are listed too.
int readConnectors(int fd, bool probe, std::vector<Connector>* connectors);

/// The bytes of a property blob; none where there is no such blob.
std::vector<uint8_t> readBlob(int fd, uint64_t id);

/// Reads one connector; ENOENT when it is gone.
int readConnector(int fd, uint32_t id, bool probe, Connector* connector);

} // namespace vwsi::drm
