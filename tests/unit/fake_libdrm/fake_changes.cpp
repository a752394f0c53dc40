// Framebuffers and changes to what is shown.

#include "fake_libdrm/calls.h"

namespace vwsi::drm::fake {

namespace {

int connectorSetProperty(int fd, uint32_t id, uint32_t property, uint64_t value)
{
    const Call call("drmModeConnectorSetProperty", fd);
    if (call.error || !call.master())
        return negated(call.error ? call.error : EACCES);
    if (propertyName(property) != "DPMS")
        return negated(EINVAL);
    Connector& connector = call.state.kernel.connector(id);
    connector.dpms = value;
    if (connector.crtc)
        call.state.kernel.crtc(connector.crtc).active = value == DRM_MODE_DPMS_ON;
    return 0;
}

int addFramebuffer(int fd, uint32_t width, uint32_t height, uint32_t format, const uint32_t handles[4],
                   const uint32_t[4], const uint32_t[4], uint32_t* id, uint32_t)
{
    const Call call("drmModeAddFB2", fd);
    if (call.error)
        return negated(call.error);
    if (!call.file->dumbBuffers.count(handles[0]))
        return negated(ENOENT);
    *id = ++call.state.lastId;
    call.state.framebuffers[*id] = {call.file->id, width, height, format};
    return 0;
}

int removeFramebuffer(int fd, uint32_t id)
{
    const Call call("drmModeRmFB", fd);
    if (call.error)
        return negated(call.error);
    const auto found = call.state.framebuffers.find(id);
    if (found == call.state.framebuffers.end() || found->second.file != call.file->id)
        return negated(ENOENT);
    call.state.removeFramebuffer(id);
    return 0;
}

int setCrtc(int fd, uint32_t crtc, uint32_t framebuffer, uint32_t x, uint32_t y, uint32_t* connectors, int count,
            drmModeModeInfoPtr mode)
{
    const Call call("drmModeSetCrtc", fd);
    if (call.error || !call.master())
        return negated(call.error ? call.error : EACCES);
    return negated(call.state.setCrtc(crtc, framebuffer, x, y, connectors, count, mode));
}

int pageFlip(int fd, uint32_t id, uint32_t framebuffer, uint32_t flags, void* userData)
{
    const Call call("drmModePageFlip", fd);
    if (call.error || !call.master())
        return negated(call.error ? call.error : EACCES);
    Crtc& crtc = call.state.kernel.crtc(id);
    if (!call.state.framebuffers.count(framebuffer))
        return negated(ENOENT);
    if (!crtc.active)
        return negated(EBUSY);
    if (call.state.flips.count(id))
        return negated(EBUSY);
    if (flags & DRM_MODE_PAGE_FLIP_ASYNC && !call.state.kernel.asyncFlip)
        return negated(EINVAL);
    call.state.setFlags(flags);
    crtc.framebuffer = framebuffer;
    for (Plane& plane : call.state.kernel.planes) {
        if (plane.crtc == id && plane.type == DRM_PLANE_TYPE_PRIMARY)
            plane.framebuffer = framebuffer;
    }
    if (flags & DRM_MODE_PAGE_FLIP_EVENT)
        call.state.startFlip(id, call.file, userData);
    return 0;
}

int dirtyFramebuffer(int fd, uint32_t id, drmModeClipPtr, uint32_t)
{
    const Call call("drmModeDirtyFB", fd);
    if (call.error || !call.master())
        return negated(call.error ? call.error : EACCES);
    return negated(call.state.framebuffers.count(id) ? 0 : ENOENT);
}

int setPlane(int fd, uint32_t id, uint32_t crtc, uint32_t framebuffer, uint32_t, int32_t x, int32_t y, uint32_t width,
             uint32_t height, uint32_t sourceX, uint32_t sourceY, uint32_t sourceWidth, uint32_t sourceHeight)
{
    const Call call("drmModeSetPlane", fd);
    if (call.error || !call.master())
        return negated(call.error ? call.error : EACCES);
    Plane& plane = call.state.kernel.plane(id);
    const Plane before = plane;
    plane.framebuffer = framebuffer;
    plane.crtc = framebuffer ? crtc : 0;
    const uint64_t source[] = {sourceX, sourceY, sourceWidth, sourceHeight};
    const int64_t destination[] = {x, y, width, height};
    std::copy_n(source, 4, plane.source);
    std::copy_n(destination, 4, plane.destination);
    const int error = call.state.checkPlane(plane);
    if (error)
        plane = before;
    return negated(error);
}

drmModeAtomicReqPtr atomicAlloc()
{
    State& state = current();
    const std::scoped_lock lock(state.mutex);
    if (const int error = state.enter("drmModeAtomicAlloc"))
        return nothing<drmModeAtomicReq>(error);
    ++state.objects["atomic request"];
    return reinterpret_cast<drmModeAtomicReqPtr>(new Request);
}

void atomicFree(drmModeAtomicReqPtr request)
{
    taken("atomic request");
    delete reinterpret_cast<Request*>(request);
}

int atomicAddProperty(drmModeAtomicReqPtr request, uint32_t object, uint32_t property, uint64_t value)
{
    State& state = current();
    const std::scoped_lock lock(state.mutex);
    if (const int error = state.enter("drmModeAtomicAddProperty"))
        return negated(error);
    auto& values = reinterpret_cast<Request*>(request)->values;
    values.push_back({object, property, value});
    return static_cast<int>(values.size());
}

int atomicCommit(int fd, drmModeAtomicReqPtr request, uint32_t flags, void* userData)
{
    const bool test = flags & DRM_MODE_ATOMIC_TEST_ONLY;
    const Call call(test ? "test" : "drmModeAtomicCommit", fd);
    if (call.error)
        return negated(call.error);
    const int error = call.state.commit(call.file, *reinterpret_cast<Request*>(request), flags, userData);
    if (!error && !test)
        call.state.setFlags(flags);
    return negated(error);
}

} // namespace

void setChangeFunctions(Api& api)
{
    api.drmModeConnectorSetProperty = connectorSetProperty;
    api.drmModeAddFB2 = addFramebuffer;
    api.drmModeRmFB = removeFramebuffer;
    api.drmModeSetCrtc = setCrtc;
    api.drmModePageFlip = pageFlip;
    api.drmModeDirtyFB = dirtyFramebuffer;
    api.drmModeSetPlane = setPlane;
    api.drmModeAtomicAlloc = atomicAlloc;
    api.drmModeAtomicFree = atomicFree;
    api.drmModeAtomicAddProperty = atomicAddProperty;
    api.drmModeAtomicCommit = atomicCommit;
}

} // namespace vwsi::drm::fake
