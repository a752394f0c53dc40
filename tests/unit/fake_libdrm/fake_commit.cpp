// What the kernel does with changes: drm_atomic_uapi.c and drm_atomic_helper.c in short, and the older calls
// on top.

#include "fake_libdrm/kernel_state.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

namespace vwsi::drm::fake {

namespace {

struct Objects {
    std::vector<Connector> connectors;
    std::vector<Crtc> crtcs;
    std::vector<Plane> planes;
};

} // namespace

static int applyColors(const Kernel::State& state, Connector& connector, const std::string& name, uint64_t value,
                       bool* modeset)
{
    const Connector before = connector;
    if (name == "HDR_OUTPUT_METADATA") {
        const auto blob = state.blobs.find(static_cast<uint32_t>(value));
        if (value && (blob == state.blobs.end() || blob->second.size() != sizeof(hdr_output_metadata)))
            return EINVAL;
        connector.hdrMetadata = value ? blob->second : std::vector<uint8_t>();
    } else if (name == "Colorspace") {
        if (value != 0 && value != 2 && !(connector.bt2020 && value == kBt2020Rgb))
            return EINVAL;
        connector.colorspace = value;
    } else {
        if (value < 6 || value > 12)
            return EINVAL;
        connector.maxBpc = value;
    }
    const bool same = connector.hdrMetadata == before.hdrMetadata && connector.colorspace == before.colorspace &&
                      connector.maxBpc == before.maxBpc;
    *modeset |= !same && state.kernel.colorsNeedModeset;
    return 0;
}

static int applyConnector(const Kernel::State& state, Connector& connector, const std::string& name, uint64_t value,
                          bool* modeset)
{
    if (connector.colorProperties.contains(name))
        return applyColors(state, connector, name, value, modeset);
    if (name == "CRTC_ID") {
        *modeset |= connector.crtc != value;
        connector.crtc = static_cast<uint32_t>(value);
        return 0;
    }
    return name == "link-status" ? 0 : EINVAL;
}

static int applyCrtc(Kernel::State& state, Crtc& crtc, const std::string& name, uint64_t value, bool* modeset)
{
    if (name == "ACTIVE") {
        *modeset |= crtc.active != (value != 0);
        crtc.active = value != 0;
        return 0;
    }
    if (name != "MODE_ID")
        return EINVAL;
    const auto blob = state.blobs.find(static_cast<uint32_t>(value));
    if (value == 0) {
        *modeset |= crtc.mode.has_value();
        crtc.mode.reset();
        return 0;
    }
    if (blob == state.blobs.end() || blob->second.size() != sizeof(drmModeModeInfo))
        return EINVAL;
    drmModeModeInfo mode;
    memcpy(&mode, blob->second.data(), sizeof(mode));
    if (state.kernel.acceptsMode && !state.kernel.acceptsMode(mode))
        return EINVAL;
    *modeset |= !crtc.mode || memcmp(&*crtc.mode, &mode, sizeof(mode)) != 0;
    crtc.mode = mode;
    return 0;
}

static int applyPlane(Kernel::State& state, Plane& plane, const std::string& name, uint64_t value)
{
    static const char* const kSource[] = {"SRC_X", "SRC_Y", "SRC_W", "SRC_H"};
    static const char* const kDestination[] = {"CRTC_X", "CRTC_Y", "CRTC_W", "CRTC_H"};
    for (size_t i = 0; i < 4; ++i) {
        if (name == kSource[i])
            return plane.source[i] = value, 0;
        if (name == kDestination[i])
            return plane.destination[i] = static_cast<int64_t>(value), 0;
    }
    if (name == "FB_ID")
        return plane.framebuffer = static_cast<uint32_t>(value), 0;
    if (name == "CRTC_ID")
        return plane.crtc = static_cast<uint32_t>(value), 0;
    if (name == "zpos" && plane.zpos && !plane.zposImmutable)
        return plane.zpos = value, 0;
    if (name == "FB_DAMAGE_CLIPS" && plane.damageClips) {
        const auto blob = state.blobs.find(static_cast<uint32_t>(value));
        if (blob == state.blobs.end())
            return EINVAL;
        plane.damage.resize(blob->second.size() / sizeof(drm_mode_rect));
        memcpy(plane.damage.data(), blob->second.data(), blob->second.size());
        return 0;
    }
    return EINVAL;
}

int Kernel::State::commit(const std::shared_ptr<File>& file, const Request& request, uint32_t flags, void* userData)
{
    if (!file->atomic)
        return EINVAL;
    if (!isMaster(*file))
        return EACCES;
    const Objects before{kernel.connectors, kernel.crtcs, kernel.planes};
    std::set<uint32_t> touched;
    bool modeset = false;
    int error = 0;
    for (Plane& plane : kernel.planes)
        plane.damage.clear();
    // A connector or plane that changes its CRTC touches the old and the new one.
    for (const Request::Value& entry : request.values) {
        const std::string& name = propertyName(entry.property);
        int result = ENOENT;
        for (Connector& connector : kernel.connectors) {
            if (connector.id == entry.object) {
                result = applyConnector(*this, connector, name, entry.value, &modeset);
                touched.insert(connector.crtc);
            }
        }
        for (Crtc& crtc : kernel.crtcs) {
            if (crtc.id == entry.object) {
                result = applyCrtc(*this, crtc, name, entry.value, &modeset);
                touched.insert(crtc.id);
            }
        }
        for (Plane& plane : kernel.planes) {
            if (plane.id == entry.object) {
                touched.insert(plane.crtc);
                result = applyPlane(*this, plane, name, entry.value);
                touched.insert(plane.crtc);
            }
        }
        if (result)
            error = result;
    }
    touched.erase(0);
    for (const Connector& connector : kernel.connectors) {
        if (kernel.acceptsColors && !error && !kernel.acceptsColors(connector))
            error = EINVAL;
    }
    for (const Plane& plane : kernel.planes) {
        const int result = checkPlane(plane);
        if (result && !error)
            error = result;
    }
    if (modeset && !(flags & DRM_MODE_ATOMIC_ALLOW_MODESET))
        error = error ? error : EINVAL;
    for (const uint32_t id : touched) {
        if (flags & DRM_MODE_PAGE_FLIP_EVENT && !kernel.crtc(id).active)
            error = error ? error : EINVAL;
        if (flags & DRM_MODE_ATOMIC_NONBLOCK && flips.count(id))
            error = error ? error : EBUSY;
    }
    if (error || flags & DRM_MODE_ATOMIC_TEST_ONLY) {
        kernel.connectors = before.connectors;
        kernel.crtcs = before.crtcs;
        kernel.planes = before.planes;
        return error;
    }
    for (const uint32_t id : touched) {
        // A blocking commit waits for the one before it.
        sendFlip(id);
        for (const Plane& plane : kernel.planes) {
            if (plane.crtc == id && plane.type == DRM_PLANE_TYPE_PRIMARY)
                kernel.crtc(id).framebuffer = plane.framebuffer;
        }
        if (flags & DRM_MODE_PAGE_FLIP_EVENT)
            startFlip(id, file, userData);
    }
    return 0;
}

int Kernel::State::setCrtc(uint32_t id, uint32_t framebuffer, uint32_t x, uint32_t y, const uint32_t* connectors,
                           int count, const drmModeModeInfo* mode)
{
    const auto crtc =
        std::find_if(kernel.crtcs.begin(), kernel.crtcs.end(), [id](const Crtc& one) { return one.id == id; });
    if (crtc == kernel.crtcs.end())
        return ENOENT;
    if (framebuffer && !framebuffers.count(framebuffer))
        return ENOENT;
    if ((mode != nullptr) != (count > 0) || (mode && !framebuffer))
        return EINVAL;
    if (mode && kernel.acceptsMode && !kernel.acceptsMode(*mode))
        return EINVAL;
    if (mode) {
        const Framebuffer& image = framebuffers[framebuffer];
        if (x + mode->hdisplay > image.width || y + mode->vdisplay > image.height)
            return ENOSPC;
    }
    sendFlip(id);
    for (Connector& connector : kernel.connectors) {
        const bool wanted = std::find(connectors, connectors + count, connector.id) != connectors + count;
        if (wanted)
            connector.crtc = id;
        else if (connector.crtc == id)
            connector.crtc = 0;
    }
    crtc->active = mode != nullptr;
    crtc->mode = mode ? std::optional(*mode) : std::nullopt;
    crtc->x = x;
    crtc->y = y;
    crtc->framebuffer = framebuffer;
    const auto index = static_cast<uint32_t>(crtc - kernel.crtcs.begin());
    for (Plane& plane : kernel.planes) {
        if (plane.type != DRM_PLANE_TYPE_PRIMARY || !(plane.possibleCrtcs & 1u << index))
            continue;
        plane.framebuffer = framebuffer;
        plane.crtc = framebuffer ? id : 0;
        if (mode) {
            const uint64_t source[] = {uint64_t{x} << 16, uint64_t{y} << 16, uint64_t{mode->hdisplay} << 16,
                                       uint64_t{mode->vdisplay} << 16};
            const int64_t destination[] = {0, 0, mode->hdisplay, mode->vdisplay};
            std::copy_n(source, 4, plane.source);
            std::copy_n(destination, 4, plane.destination);
        }
        break;
    }
    return 0;
}

} // namespace vwsi::drm::fake
