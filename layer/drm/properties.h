#pragma once

#include <cstdint>
#include <optional>

namespace vwsi::drm {

/// Property ids and values of a KMS object (drm-kms, "KMS Properties"); id 0: the driver lacks it.
struct Property {
    uint32_t id = 0;
    uint64_t value = 0;
    bool immutable = false;
    explicit operator bool() const { return id != 0; }
};

struct ConnectorProperties {
    Property crtcId, dpms, edid, linkStatus, nonDesktop, hdrMetadata, colorspace, maxBpc;
    std::optional<uint64_t> bt2020Rgb; ///< value of `colorspace` for BT.2020 RGB; none: it has no such value
    uint64_t maxBpcLimit = 0;          ///< greatest value of `maxBpc`
};

struct CrtcProperties {
    Property active, modeId, vrrEnabled;
};

struct PlaneProperties {
    Property type, fbId, crtcId, srcX, srcY, srcW, srcH, crtcX, crtcY, crtcW, crtcH, damageClips, zpos;
};

/// Read the properties of one object; 0 or an errno.
int readProperties(int fd, uint32_t object, ConnectorProperties* properties);
int readProperties(int fd, uint32_t object, CrtcProperties* properties);
int readProperties(int fd, uint32_t object, PlaneProperties* properties);

} // namespace vwsi::drm
