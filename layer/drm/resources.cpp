#include "drm/resources.h"

#include "drm/api.h"

#include <algorithm>
#include <cerrno>
#include <drm_fourcc.h>
#include <memory>
#include <optional>

namespace vwsi::drm {

namespace {

using ResPtr = std::unique_ptr<drmModeRes, Releaser<&Api::drmModeFreeResources>>;
using ConnectorPtr = std::unique_ptr<drmModeConnector, Releaser<&Api::drmModeFreeConnector>>;
using EncoderPtr = std::unique_ptr<drmModeEncoder, Releaser<&Api::drmModeFreeEncoder>>;
using PlaneResPtr = std::unique_ptr<drmModePlaneRes, Releaser<&Api::drmModeFreePlaneResources>>;
using PlanePtr = std::unique_ptr<drmModePlane, Releaser<&Api::drmModeFreePlane>>;
using BlobPtr = std::unique_ptr<drmModePropertyBlobRes, Releaser<&Api::drmModeFreePropertyBlob>>;

// A Get call that returns null may have left errno untouched.
int lastError()
{
    return errno ? errno : ENOENT;
}

const char* typeName(uint32_t type)
{
    // The names that the kernel itself uses in sysfs (drm_connector.c), which libdrm has only from 2.4.112
    // on.
    static constexpr const char* kNames[] = {
        "Unknown", "VGA",    "DVI-I", "DVI-D", "DVI-A",   "Composite", "SVIDEO", "LVDS",      "Component", "DIN", "DP",
        "HDMI-A",  "HDMI-B", "TV",    "eDP",   "Virtual", "DSI",       "DPI",    "Writeback", "SPI",       "USB",
    };
    return type < std::size(kNames) ? kNames[type] : kNames[0];
}

uint32_t possibleCrtcs(int fd, const drmModeConnector& connector)
{
    uint32_t mask = 0;
    for (int i = 0; i < connector.count_encoders; ++i) {
        const EncoderPtr encoder(api().drmModeGetEncoder(fd, connector.encoders[i]));
        if (encoder)
            mask |= encoder->possible_crtcs;
    }
    return mask;
}

uint32_t currentCrtc(int fd, const drmModeConnector& connector, const ConnectorProperties& properties)
{
    if (properties.crtcId)
        return static_cast<uint32_t>(properties.crtcId.value);
    const EncoderPtr encoder(connector.encoder_id ? api().drmModeGetEncoder(fd, connector.encoder_id) : nullptr);
    return encoder ? encoder->crtc_id : 0;
}

void addImpliedPlanes(Resources* resources)
{
    for (const Crtc& crtc : resources->crtcs)
        resources->planes.push_back({.id = 0,
                                     .type = PlaneType::Primary,
                                     .possibleCrtcs = 1u << crtc.index,
                                     .formats = {DRM_FORMAT_XRGB8888},
                                     .properties = {}});
}

} // namespace

drmModeModeInfo preferredMode(const Connector& connector)
{
    for (const drmModeModeInfo& mode : connector.modes) {
        if (mode.type & DRM_MODE_TYPE_PREFERRED)
            return mode;
    }
    return connector.modes.empty() ? drmModeModeInfo{} : connector.modes.front();
}

bool Plane::supports(uint32_t fourcc) const
{
    return std::find(formats.begin(), formats.end(), fourcc) != formats.end();
}

const Crtc* Resources::crtc(uint32_t id) const
{
    const auto found = std::find_if(crtcs.begin(), crtcs.end(), [id](const Crtc& crtc) { return crtc.id == id; });
    return found == crtcs.end() ? nullptr : &*found;
}

const Plane* Resources::plane(uint32_t id) const
{
    const auto found = std::find_if(planes.begin(), planes.end(), [id](const Plane& plane) { return plane.id == id; });
    return found == planes.end() ? nullptr : &*found;
}

uint32_t Resources::stackPosition(const Plane& plane) const
{
    // Drivers without zpos stack primary, overlays, cursor, overlays in the order of their ids.
    const auto rank = [](const Plane& one) -> uint64_t {
        if (one.properties.zpos)
            return one.properties.zpos.value;
        return one.type == PlaneType::Primary ? 0 : one.type == PlaneType::Overlay ? 1 : 1000;
    };
    uint32_t below = 0;
    bool before = true;
    for (const Plane& other : planes) {
        if (&other == &plane) {
            before = false;
            continue;
        }
        if (!(other.possibleCrtcs & plane.possibleCrtcs) || other.type == PlaneType::Cursor)
            continue;
        if (rank(other) < rank(plane) || (rank(other) == rank(plane) && before && other.type != PlaneType::Primary))
            ++below;
    }
    return below;
}

std::vector<uint8_t> readBlob(int fd, uint64_t id)
{
    const BlobPtr blob(id ? api().drmModeGetPropertyBlob(fd, static_cast<uint32_t>(id)) : nullptr);
    if (!blob || !blob->data)
        return {};
    const auto* bytes = static_cast<const uint8_t*>(blob->data);
    return {bytes, bytes + blob->length};
}

int readResources(int fd, bool universal, bool atomic, Resources* resources)
{
    errno = 0;
    const ResPtr res(api().drmModeGetResources(fd));
    if (!res)
        return lastError();
    for (int i = 0; i < res->count_crtcs; ++i) {
        Crtc crtc{.id = res->crtcs[i], .index = static_cast<uint32_t>(i), .properties = {}};
        if (atomic) {
            if (const int error = readProperties(fd, crtc.id, &crtc.properties))
                return error;
        }
        resources->crtcs.push_back(crtc);
    }
    if (!universal) {
        addImpliedPlanes(resources);
        return 0;
    }
    errno = 0;
    const PlaneResPtr planes(api().drmModeGetPlaneResources(fd));
    if (!planes)
        return lastError();
    for (uint32_t i = 0; i < planes->count_planes; ++i) {
        const PlanePtr found(api().drmModeGetPlane(fd, planes->planes[i]));
        if (!found)
            continue;
        Plane plane{
            .id = found->plane_id, .type = {}, .possibleCrtcs = found->possible_crtcs, .formats = {}, .properties = {}};
        plane.formats.assign(found->formats, found->formats + found->count_formats);
        if (const int error = readProperties(fd, plane.id, &plane.properties))
            return error;
        plane.type = static_cast<PlaneType>(plane.properties.type.value);
        resources->planes.push_back(std::move(plane));
    }
    return 0;
}

int readConnector(int fd, uint32_t id, bool probe, Connector* connector)
{
    errno = 0;
    const ConnectorPtr found(probe ? api().drmModeGetConnector(fd, id) : api().drmModeGetConnectorCurrent(fd, id));
    if (!found)
        return lastError();
    *connector = {};
    connector->id = found->connector_id;
    connector->name = std::string(typeName(found->connector_type)) + "-" + std::to_string(found->connector_type_id);
    connector->connected = found->connection == DRM_MODE_CONNECTED;
    connector->widthMm = found->mmWidth;
    connector->heightMm = found->mmHeight;
    connector->modes.assign(found->modes, found->modes + found->count_modes);
    connector->possibleCrtcs = possibleCrtcs(fd, *found);
    if (const int error = readProperties(fd, id, &connector->properties))
        return error;
    connector->currentCrtc = currentCrtc(fd, *found, connector->properties);
    connector->edid = readBlob(fd, connector->properties.edid.value);
    return 0;
}

int readConnectors(int fd, bool probe, std::vector<Connector>* connectors)
{
    errno = 0;
    const ResPtr res(api().drmModeGetResources(fd));
    if (!res)
        return lastError();
    connectors->clear();
    for (int i = 0; i < res->count_connectors; ++i) {
        Connector connector;
        const int error = readConnector(fd, res->connectors[i], probe, &connector);
        // Connectors of multi-stream hubs come and go between the two calls.
        if (error == ENOENT)
            continue;
        if (error)
            return error;
        connectors->push_back(std::move(connector));
    }
    return 0;
}

} // namespace vwsi::drm
