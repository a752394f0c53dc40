#include "drm/properties.h"

#include "drm/api.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <span>

namespace vwsi::drm {

namespace {

template <typename Properties> struct Entry {
    const char* name;
    Property Properties::* member;
};

constexpr Entry<ConnectorProperties> kConnector[] = {
    {"CRTC_ID", &ConnectorProperties::crtcId},
    {"DPMS", &ConnectorProperties::dpms},
    {"EDID", &ConnectorProperties::edid},
    {"link-status", &ConnectorProperties::linkStatus},
    {"non-desktop", &ConnectorProperties::nonDesktop},
    {"HDR_OUTPUT_METADATA", &ConnectorProperties::hdrMetadata},
    {"Colorspace", &ConnectorProperties::colorspace},
    {"max bpc", &ConnectorProperties::maxBpc},
};

constexpr Entry<CrtcProperties> kCrtc[] = {
    {"ACTIVE", &CrtcProperties::active},
    {"MODE_ID", &CrtcProperties::modeId},
    {"VRR_ENABLED", &CrtcProperties::vrrEnabled},
};

constexpr Entry<PlaneProperties> kPlane[] = {
    {"type", &PlaneProperties::type},      {"FB_ID", &PlaneProperties::fbId},
    {"CRTC_ID", &PlaneProperties::crtcId}, {"SRC_X", &PlaneProperties::srcX},
    {"SRC_Y", &PlaneProperties::srcY},     {"SRC_W", &PlaneProperties::srcW},
    {"SRC_H", &PlaneProperties::srcH},     {"CRTC_X", &PlaneProperties::crtcX},
    {"CRTC_Y", &PlaneProperties::crtcY},   {"CRTC_W", &PlaneProperties::crtcW},
    {"CRTC_H", &PlaneProperties::crtcH},   {"FB_DAMAGE_CLIPS", &PlaneProperties::damageClips},
    {"zpos", &PlaneProperties::zpos},
};

using PropertyPtr = std::unique_ptr<drmModePropertyRes, Releaser<&Api::drmModeFreeProperty>>;

template <typename Properties>
int read(int fd, uint32_t object, uint32_t type, std::span<const Entry<Properties>> table, Properties* properties)
{
    const Api& drm = api();
    const std::unique_ptr<drmModeObjectProperties, Releaser<&Api::drmModeFreeObjectProperties>> list(
        drm.drmModeObjectGetProperties(fd, object, type));
    if (!list)
        return errno ? errno : ENOENT;
    for (uint32_t i = 0; i < list->count_props; ++i) {
        const PropertyPtr property(drm.drmModeGetProperty(fd, list->props[i]));
        if (!property)
            continue;
        for (const Entry<Properties>& entry : table) {
            if (strcmp(entry.name, property->name) == 0)
                properties->*entry.member = {property->prop_id, list->prop_values[i],
                                             (property->flags & DRM_MODE_PROP_IMMUTABLE) != 0};
        }
    }
    return 0;
}

std::optional<uint64_t> enumValue(int fd, const Property& property, const char* name)
{
    const PropertyPtr details(property ? api().drmModeGetProperty(fd, property.id) : nullptr);
    for (int i = 0; details && i < details->count_enums; ++i) {
        if (strcmp(details->enums[i].name, name) == 0)
            return details->enums[i].value;
    }
    return {};
}

uint64_t rangeLimit(int fd, const Property& property)
{
    const PropertyPtr details(property ? api().drmModeGetProperty(fd, property.id) : nullptr);
    return details && details->count_values == 2 ? details->values[1] : 0;
}

} // namespace

int readProperties(int fd, uint32_t object, ConnectorProperties* properties)
{
    if (const int error = read<ConnectorProperties>(fd, object, DRM_MODE_OBJECT_CONNECTOR, kConnector, properties))
        return error;
    properties->bt2020Rgb = enumValue(fd, properties->colorspace, "BT2020_RGB");
    properties->maxBpcLimit = rangeLimit(fd, properties->maxBpc);
    return 0;
}

int readProperties(int fd, uint32_t object, CrtcProperties* properties)
{
    return read<CrtcProperties>(fd, object, DRM_MODE_OBJECT_CRTC, kCrtc, properties);
}

int readProperties(int fd, uint32_t object, PlaneProperties* properties)
{
    return read<PlaneProperties>(fd, object, DRM_MODE_OBJECT_PLANE, kPlane, properties);
}

} // namespace vwsi::drm
