#include "drm/api.h"
#include "drm/device.h"
#include "drm/kms.h"

#include <cerrno>

namespace vwsi::drm {

namespace {

/// An atomic request whose first error sticks, so that callers check once.
class Request {
public:
    Request() : m_request(api().drmModeAtomicAlloc()) {}
    ~Request()
    {
        if (m_request)
            api().drmModeAtomicFree(m_request);
    }
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    void set(uint32_t object, const Property& property, uint64_t value)
    {
        if (!m_request || m_error)
            return;
        if (!property)
            m_error = EOPNOTSUPP;
        else if (const int result = api().drmModeAtomicAddProperty(m_request, object, property.id, value); result < 0)
            m_error = errorOf(result);
    }

    void setIfPresent(uint32_t object, const Property& property, uint64_t value)
    {
        if (property)
            set(object, property, value);
    }

    int commit(int fd, uint32_t flags, uintptr_t ticket = 0)
    {
        if (!m_request)
            return ENOMEM;
        if (m_error)
            return m_error;
        return errorOf(api().drmModeAtomicCommit(fd, m_request, flags, reinterpret_cast<void*>(ticket)));
    }

private:
    drmModeAtomicReqPtr m_request;
    int m_error = 0;
};

/// A property blob; the kernel keeps its own reference for as long as a state uses it.
class Blob {
public:
    explicit Blob(int fd) : m_fd(fd) {}
    ~Blob()
    {
        if (m_id)
            api().drmModeDestroyPropertyBlob(m_fd, m_id);
    }
    Blob(const Blob&) = delete;
    Blob& operator=(const Blob&) = delete;

    int create(const void* data, size_t size)
    {
        return errorOf(api().drmModeCreatePropertyBlob(m_fd, data, size, &m_id));
    }
    uint32_t id() const { return m_id; }

private:
    int m_fd;
    uint32_t m_id = 0;
};

uint64_t fixedPoint(uint32_t pixels)
{
    return static_cast<uint64_t>(pixels) << 16;
}

class AtomicKms final : public Kms {
public:
    explicit AtomicKms(const Device& device) : m_device(device) {}

    int test(const Commit& commit) override
    {
        return run(commit, DRM_MODE_ATOMIC_TEST_ONLY | (commit.mode ? DRM_MODE_ATOMIC_ALLOW_MODESET : 0u));
    }

    int apply(const Commit& commit, bool* pending) override
    {
        uint32_t flags = DRM_MODE_PAGE_FLIP_EVENT;
        flags |= commit.mode ? DRM_MODE_ATOMIC_ALLOW_MODESET : DRM_MODE_ATOMIC_NONBLOCK;
        if (commit.tearing && !commit.mode)
            flags |= DRM_MODE_PAGE_FLIP_ASYNC;
        const int error = run(commit, flags);
        *pending = error == 0;
        return error;
    }

    int disable(const Plane& plane, const Crtc& crtc) override
    {
        static_cast<void>(crtc);
        Request request;
        turnOff(request, plane);
        return request.commit(m_device.fd(), 0);
    }

    int signal(uint32_t connector, const ConnectorProperties& properties, const ColorSignal& signal) override
    {
        const int fd = m_device.fd();
        Request request;
        Blob metadata(fd);
        if (const int error = addSignal(request, connector, properties, signal, metadata))
            return error;
        return request.commit(fd, DRM_MODE_ATOMIC_ALLOW_MODESET, 0);
    }

private:
    static int addSignal(Request& request, uint32_t connector, const ConnectorProperties& properties,
                         const ColorSignal& signal, Blob& metadata)
    {
        if (signal.metadata && properties.hdrMetadata) {
            if (const int error = metadata.create(signal.metadata->data(), signal.metadata->size()))
                return error;
        }
        request.setIfPresent(connector, properties.hdrMetadata, metadata.id());
        request.setIfPresent(connector, properties.colorspace, signal.colorspace);
        if (properties.maxBpc)
            request.set(connector, properties.maxBpc, signal.maxBpc ? signal.maxBpc : properties.maxBpc.value);
        return 0;
    }

    static void turnOff(Request& request, const Plane& plane)
    {
        request.set(plane.id, plane.properties.fbId, 0);
        request.set(plane.id, plane.properties.crtcId, 0);
    }

    static void addPlane(Request& request, const PlaneState& state, uint32_t crtc, bool tearing)
    {
        const PlaneProperties& properties = state.plane->properties;
        const uint32_t id = state.plane->id;
        request.set(id, properties.fbId, state.framebuffer);
        // The kernel lets a tearing flip change nothing but the framebuffer.
        if (tearing)
            return;
        request.set(id, properties.crtcId, crtc);
        request.set(id, properties.srcX, fixedPoint(static_cast<uint32_t>(state.source.x)));
        request.set(id, properties.srcY, fixedPoint(static_cast<uint32_t>(state.source.y)));
        request.set(id, properties.srcW, fixedPoint(state.source.width));
        request.set(id, properties.srcH, fixedPoint(state.source.height));
        request.set(id, properties.crtcX, static_cast<uint64_t>(static_cast<int64_t>(state.destination.x)));
        request.set(id, properties.crtcY, static_cast<uint64_t>(static_cast<int64_t>(state.destination.y)));
        request.set(id, properties.crtcW, state.destination.width);
        request.set(id, properties.crtcH, state.destination.height);
        if (state.zpos && properties.zpos && !properties.zpos.immutable)
            request.set(id, properties.zpos, *state.zpos);
    }

    int run(const Commit& commit, uint32_t flags) const
    {
        const int fd = m_device.fd();
        Request request;
        Blob mode(fd);
        Blob damage(fd);
        Blob metadata(fd);
        if (commit.mode) {
            if (const int error = mode.create(commit.mode, sizeof(*commit.mode)))
                return error;
            request.set(commit.connector, commit.connectorProperties->crtcId, commit.crtc->id);
            request.setIfPresent(commit.connector, commit.connectorProperties->linkStatus, DRM_MODE_LINK_STATUS_GOOD);
            request.set(commit.crtc->id, commit.crtc->properties.modeId, mode.id());
            request.set(commit.crtc->id, commit.crtc->properties.active, 1);
            for (const Plane* plane : commit.disable)
                turnOff(request, *plane);
        }
        if (commit.signal) {
            if (const int error =
                    addSignal(request, commit.connector, *commit.connectorProperties, *commit.signal, metadata))
                return error;
        }
        const bool tearing = (flags & DRM_MODE_PAGE_FLIP_ASYNC) != 0;
        addPlane(request, commit.plane, commit.crtc->id, tearing);
        const Property& clips = commit.plane.plane->properties.damageClips;
        // Without its blob a frame counts as damaged everywhere, which is right as well.
        if (clips && !tearing && !commit.plane.damage.empty() &&
            damage.create(commit.plane.damage.data(), commit.plane.damage.size_bytes()) == 0)
            request.set(commit.plane.plane->id, clips, damage.id());
        return request.commit(fd, flags, commit.ticket);
    }

    const Device& m_device;
};

} // namespace

std::unique_ptr<Kms> makeAtomicKms(const Device& device)
{
    return std::make_unique<AtomicKms>(device);
}

} // namespace vwsi::drm
