// What concerns a device as a whole: capabilities, dumb buffers, the master right.

#include "fake_libdrm/calls.h"

#include <ctime>
#include <unistd.h>

namespace vwsi::drm::fake {

namespace {

int fakeIoctl(int fd, unsigned long request, void* argument)
{
    switch (request) {
    case DRM_IOCTL_MODE_CREATE_DUMB: {
        const Call call("CREATE_DUMB", fd);
        if (call.error)
            return minusOne(call.error);
        auto* const make = static_cast<drm_mode_create_dumb*>(argument);
        make->pitch = (make->width * make->bpp / 8 + 63) / 64 * 64;
        make->size = static_cast<uint64_t>(make->pitch) * make->height;
        make->handle = ++call.state.lastId;
        call.file->dumbBuffers[make->handle] = make->size;
        return 0;
    }
    case DRM_IOCTL_MODE_MAP_DUMB: {
        const Call call("MAP_DUMB", fd);
        auto* const map = static_cast<drm_mode_map_dumb*>(argument);
        if (call.error || !call.file->dumbBuffers.count(map->handle))
            return minusOne(call.error ? call.error : ENOENT);
        map->offset = static_cast<uint64_t>(map->handle) << 16;
        return 0;
    }
    case DRM_IOCTL_MODE_DESTROY_DUMB: {
        const Call call("DESTROY_DUMB", fd);
        const uint32_t handle = static_cast<drm_mode_destroy_dumb*>(argument)->handle;
        if (call.error || !call.file->dumbBuffers.erase(handle))
            return minusOne(call.error ? call.error : EINVAL);
        return 0;
    }
    default:
        return minusOne(ENOTTY);
    }
}

int getCap(int fd, uint64_t capability, uint64_t* value)
{
    const Call call("drmGetCap", fd);
    if (call.error)
        return minusOne(call.error);
    const Kernel& kernel = call.state.kernel;
    switch (capability) {
    case DRM_CAP_DUMB_BUFFER:
        *value = kernel.dumbBuffers && kernel.nodes[call.file->node].hasKms;
        return 0;
    case DRM_CAP_ASYNC_PAGE_FLIP:
    case 0x15: // DRM_CAP_ATOMIC_ASYNC_PAGE_FLIP
        *value = kernel.asyncFlip;
        return 0;
    default:
        return minusOne(EINVAL);
    }
}

int setClientCap(int fd, uint64_t capability, uint64_t value)
{
    const Call call("drmSetClientCap", fd);
    if (call.error)
        return minusOne(call.error);
    const bool atomic = capability == DRM_CLIENT_CAP_ATOMIC;
    if (!(atomic ? call.state.kernel.atomic : call.state.kernel.universalPlanes))
        return minusOne(EOPNOTSUPP);
    (atomic ? call.file->atomic : call.file->universal) = value != 0;
    return 0;
}

drmVersionPtr getVersion(int fd)
{
    const Call call("drmGetVersion", fd);
    if (call.error)
        return nothing<drmVersion>(call.error);
    auto* const version = give<drmVersion>(call.state, "version");
    version->name = strdup(call.state.kernel.nodes[call.file->node].driver.c_str());
    return version;
}

void freeVersion(drmVersionPtr version)
{
    taken("version");
    free(version->name);
    free(version);
}

int getDevices(uint32_t, drmDevicePtr* devices, int room)
{
    State& state = current();
    const std::scoped_lock lock(state.mutex);
    if (const int error = state.enter("drmGetDevices2"))
        return -error;
    int count = 0;
    for (const Node& node : state.kernel.nodes) {
        if (count == room)
            break;
        auto* const device = give<drmDevice>(state, "device");
        device->nodes = static_cast<char**>(calloc(DRM_NODE_MAX, sizeof(char*)));
        const auto add = [&](int type, const std::string& path) {
            device->nodes[type] = strdup(path.c_str());
            if (!path.empty())
                device->available_nodes |= 1 << type;
        };
        add(DRM_NODE_PRIMARY, node.path);
        add(DRM_NODE_RENDER, node.renderPath);
        devices[count++] = device;
    }
    return count;
}

void freeDevices(drmDevicePtr* devices, int count)
{
    for (int i = 0; i < count; ++i) {
        taken("device");
        for (int type = 0; type < DRM_NODE_MAX; ++type)
            free(devices[i]->nodes[type]);
        free(devices[i]->nodes);
        free(devices[i]);
    }
}

int isMaster(int fd)
{
    const Call call("drmIsMaster", fd);
    return !call.error && call.master();
}

bool mayChangeMaster(const Kernel& kernel, const File& file)
{
    switch (kernel.masterRule) {
    case MasterRule::MainThread:
        return kernel.privileged || (file.wasMaster && gettid() == getpid());
    case MasterRule::Opener:
        return kernel.privileged || (file.wasMaster && gettid() == file.opener);
    case MasterRule::Process:
        break;
    }
    return kernel.privileged || file.wasMaster;
}

int setMaster(int fd)
{
    const Call call("drmSetMaster", fd);
    if (call.error)
        return minusOne(call.error);
    // drm_auth.c: who may ask comes before whether it is free.
    if (!mayChangeMaster(call.state.kernel, *call.file))
        return minusOne(EACCES);
    if (call.master())
        return 0;
    if (call.state.kernel.foreignMaster || !call.state.master.expired())
        return minusOne(EBUSY);
    call.state.master = call.file;
    call.file->wasMaster = true;
    return 0;
}

int dropMaster(int fd)
{
    const Call call("drmDropMaster", fd);
    if (call.error)
        return minusOne(call.error);
    if (!mayChangeMaster(call.state.kernel, *call.file))
        return minusOne(EACCES);
    if (!call.master())
        return minusOne(EINVAL);
    call.state.master.reset();
    return 0;
}

int getSequence(int fd, uint32_t, uint64_t* sequence, uint64_t* when)
{
    const Call call("drmCrtcGetSequence", fd);
    if (call.error || !call.state.kernel.realVblank)
        return minusOne(call.error ? call.error : EOPNOTSUPP);
    *sequence = call.state.sequence;
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    *when = static_cast<uint64_t>(int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec + call.state.kernel.vblankAhead);
    return 0;
}

} // namespace

void setDeviceFunctions(Api& api)
{
    api.drmIoctl = fakeIoctl;
    api.drmGetCap = getCap;
    api.drmSetClientCap = setClientCap;
    api.drmGetVersion = getVersion;
    api.drmFreeVersion = freeVersion;
    api.drmGetDevices2 = getDevices;
    api.drmFreeDevices = freeDevices;
    api.drmIsMaster = isMaster;
    api.drmSetMaster = setMaster;
    api.drmDropMaster = dropMaster;
    api.drmCrtcGetSequence = getSequence;
}

} // namespace vwsi::drm::fake
