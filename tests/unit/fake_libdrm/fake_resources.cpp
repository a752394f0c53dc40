// Mode setting objects as they are read.

#include "fake_libdrm/calls.h"

namespace vwsi::drm::fake {

namespace {

drmModeResPtr getResources(int fd)
{
    const Call call("drmModeGetResources", fd);
    if (call.error || !call.state.kernel.nodes[call.file->node].hasKms)
        return nothing<drmModeRes>(call.error ? call.error : EOPNOTSUPP);
    auto* const res = give<drmModeRes>(call.state, "resources");
    res->crtcs = array(ids(call.state.kernel.crtcs));
    res->count_crtcs = static_cast<int>(call.state.kernel.crtcs.size());
    res->connectors = array(ids(call.state.kernel.connectors));
    res->count_connectors = static_cast<int>(call.state.kernel.connectors.size());
    return res;
}

void freeResources(drmModeResPtr res)
{
    taken("resources");
    free(res->crtcs);
    free(res->connectors);
    free(res);
}

drmModeConnectorPtr readConnector(const char* function, int fd, uint32_t id, bool probe)
{
    const Call call(function, fd);
    if (call.error)
        return nothing<drmModeConnector>(call.error);
    for (Connector& connector : call.state.kernel.connectors) {
        if (connector.id != id)
            continue;
        connector.probed |= probe && call.master();
        auto* const found = give<drmModeConnector>(call.state, "connector");
        found->connector_id = id;
        found->connector_type = connector.type;
        found->connector_type_id = connector.typeIndex;
        found->connection = connector.connected ? DRM_MODE_CONNECTED : DRM_MODE_DISCONNECTED;
        found->mmWidth = connector.widthMm;
        found->mmHeight = connector.heightMm;
        if (connector.connected && connector.probed) {
            found->modes = array(connector.modes);
            found->count_modes = static_cast<int>(connector.modes.size());
        }
        found->encoders = array(ids(connector.encoders));
        found->count_encoders = static_cast<int>(connector.encoders.size());
        if (connector.crtc && !connector.encoders.empty())
            found->encoder_id = connector.encoders[0].id;
        return found;
    }
    return nothing<drmModeConnector>(ENOENT);
}

drmModeConnectorPtr getConnector(int fd, uint32_t id)
{
    return readConnector("drmModeGetConnector", fd, id, true);
}

drmModeConnectorPtr getConnectorCurrent(int fd, uint32_t id)
{
    return readConnector("drmModeGetConnectorCurrent", fd, id, false);
}

void freeConnector(drmModeConnectorPtr connector)
{
    taken("connector");
    free(connector->modes);
    free(connector->encoders);
    free(connector);
}

drmModeEncoderPtr getEncoder(int fd, uint32_t id)
{
    const Call call("drmModeGetEncoder", fd);
    if (call.error)
        return nothing<drmModeEncoder>(call.error);
    for (const Connector& connector : call.state.kernel.connectors) {
        for (const Encoder& encoder : connector.encoders) {
            if (encoder.id != id)
                continue;
            auto* const found = give<drmModeEncoder>(call.state, "encoder");
            found->encoder_id = id;
            found->possible_crtcs = encoder.possibleCrtcs;
            found->crtc_id = connector.crtc;
            return found;
        }
    }
    return nothing<drmModeEncoder>(ENOENT);
}

void freeEncoder(drmModeEncoderPtr encoder)
{
    taken("encoder");
    free(encoder);
}

drmModeCrtcPtr getCrtc(int fd, uint32_t id)
{
    const Call call("drmModeGetCrtc", fd);
    if (call.error)
        return nothing<drmModeCrtc>(call.error);
    for (const Crtc& crtc : call.state.kernel.crtcs) {
        if (crtc.id != id)
            continue;
        auto* const found = give<drmModeCrtc>(call.state, "crtc");
        found->crtc_id = id;
        found->buffer_id = crtc.framebuffer;
        found->x = crtc.x;
        found->y = crtc.y;
        found->mode_valid = crtc.active && crtc.mode;
        if (crtc.mode)
            found->mode = *crtc.mode;
        return found;
    }
    return nothing<drmModeCrtc>(ENOENT);
}

void freeCrtc(drmModeCrtcPtr crtc)
{
    taken("crtc");
    free(crtc);
}

drmModePlaneResPtr getPlaneResources(int fd)
{
    const Call call("drmModeGetPlaneResources", fd);
    if (call.error)
        return nothing<drmModePlaneRes>(call.error);
    auto* const res = give<drmModePlaneRes>(call.state, "planes");
    std::vector<uint32_t> list;
    for (const Plane& plane : call.state.kernel.planes) {
        if (call.file->universal || plane.type == DRM_PLANE_TYPE_OVERLAY)
            list.push_back(plane.id);
    }
    res->planes = array(list);
    res->count_planes = static_cast<uint32_t>(list.size());
    return res;
}

void freePlaneResources(drmModePlaneResPtr res)
{
    taken("planes");
    free(res->planes);
    free(res);
}

drmModePlanePtr getPlane(int fd, uint32_t id)
{
    const Call call("drmModeGetPlane", fd);
    if (call.error)
        return nothing<drmModePlane>(call.error);
    for (const Plane& plane : call.state.kernel.planes) {
        if (plane.id != id)
            continue;
        auto* const found = give<drmModePlane>(call.state, "plane");
        found->plane_id = id;
        found->possible_crtcs = plane.possibleCrtcs;
        found->formats = array(plane.formats);
        found->count_formats = static_cast<uint32_t>(plane.formats.size());
        found->crtc_id = plane.crtc;
        found->fb_id = plane.framebuffer;
        return found;
    }
    return nothing<drmModePlane>(ENOENT);
}

void freePlane(drmModePlanePtr plane)
{
    taken("plane");
    free(plane->formats);
    free(plane);
}

} // namespace

void setResourceFunctions(Api& api)
{
    api.drmModeGetResources = getResources;
    api.drmModeFreeResources = freeResources;
    api.drmModeGetConnector = getConnector;
    api.drmModeGetConnectorCurrent = getConnectorCurrent;
    api.drmModeFreeConnector = freeConnector;
    api.drmModeGetEncoder = getEncoder;
    api.drmModeFreeEncoder = freeEncoder;
    api.drmModeGetCrtc = getCrtc;
    api.drmModeFreeCrtc = freeCrtc;
    api.drmModeGetPlaneResources = getPlaneResources;
    api.drmModeFreePlaneResources = freePlaneResources;
    api.drmModeGetPlane = getPlane;
    api.drmModeFreePlane = freePlane;
}

} // namespace vwsi::drm::fake
