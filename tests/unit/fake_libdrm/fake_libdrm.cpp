// The functions of libdrm, and the system calls on its descriptors, as the fake kernel answers them. Results
// and errno as libdrm's: Get functions return null, some functions -1, most -errno.

#include "fake_libdrm/kernel_state.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace vwsi::drm::fake {

namespace {

using State = Kernel::State;

std::vector<std::string>& propertyNames()
{
    static auto* const names = new std::vector<std::string>;
    return *names;
}

/// Both ways of libdrm to return an error.
int minusOne(int error)
{
    errno = error;
    return error ? -1 : 0;
}

int negated(int error)
{
    errno = error;
    return -error;
}

template <typename Object> Object* nothing(int error)
{
    errno = error;
    return nullptr;
}

/// A call on a descriptor: locks, counts, and finds the file or the error.
struct Call {
    State& state;
    std::scoped_lock<std::recursive_mutex> lock;
    std::shared_ptr<File> file;
    int error;

    Call(const char* function, int fd) : state(current()), lock(state.mutex), file(state.file(fd))
    {
        error = state.enter(function);
        if (!error && !file)
            error = EBADF;
    }
    bool master() const { return state.isMaster(*file); }
};

template <typename T> T* array(const std::vector<T>& values)
{
    if (values.empty())
        return nullptr;
    auto* const copy = static_cast<T*>(malloc(values.size() * sizeof(T)));
    std::copy(values.begin(), values.end(), copy);
    return copy;
}

template <typename Struct> Struct* give(State& state, const char* kind)
{
    ++state.objects[kind];
    return static_cast<Struct*>(calloc(1, sizeof(Struct)));
}

void taken(const char* kind)
{
    State& state = current();
    const std::scoped_lock lock(state.mutex);
    --state.objects[kind];
}

template <typename Object> std::vector<uint32_t> ids(const std::vector<Object>& objects)
{
    std::vector<uint32_t> result;
    for (const Object& object : objects)
        result.push_back(object.id);
    return result;
}

// --- descriptors

int openNode(const char* path)
{
    State& state = current();
    const std::scoped_lock lock(state.mutex);
    if (const int error = state.enter("open"))
        return minusOne(error);
    const auto& nodes = state.kernel.nodes;
    const auto node =
        std::find_if(nodes.begin(), nodes.end(), [&](const Node& one) { return one.path == path; });
    if (node == nodes.end())
        return minusOne(ENOENT);
    if (node->openError)
        return minusOne(node->openError);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return -1;
    auto file = std::make_shared<File>();
    file->id = ++state.lastFile;
    file->node = static_cast<size_t>(node - nodes.begin());
    file->eventWriter = ends[1];
    state.files[ends[0]] = file;
    // The first to open a node that has no master becomes it.
    if (state.master.expired() && !state.kernel.foreignMaster) {
        state.master = file;
        file->wasMaster = true;
    }
    return ends[0];
}

int closeNode(int fd)
{
    State& state = current();
    const std::scoped_lock lock(state.mutex);
    ++state.counts["close"];
    const std::shared_ptr<File> file = state.file(fd);
    if (!file)
        return minusOne(EBADF);
    state.files.erase(fd);
    if (--file->descriptors == 0)
        state.release(*file);
    return ::close(fd);
}

int duplicate(int fd)
{
    const Call call("duplicate", fd);
    if (call.error)
        return minusOne(call.error);
    const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    call.state.files[copy] = call.file;
    ++call.file->descriptors;
    return copy;
}

int replace(int from, int to)
{
    const Call call("replace", from);
    if (call.error)
        return minusOne(call.error);
    const std::shared_ptr<File> old = call.state.file(to);
    if (old && --old->descriptors == 0)
        call.state.release(*old);
    dup3(from, to, O_CLOEXEC);
    call.state.files[to] = call.file;
    ++call.file->descriptors;
    return to;
}

bool sameFile(int a, int b)
{
    State& state = current();
    const std::scoped_lock lock(state.mutex);
    return state.file(a) && state.file(a) == state.file(b);
}

int pathNumber(const char* path, NodeNumber* number)
{
    State& state = current();
    const std::scoped_lock lock(state.mutex);
    for (const Node& node : state.kernel.nodes) {
        if (node.path == path)
            return *number = node.number, 0;
        if (node.renderPath == path)
            return *number = node.renderNumber, 0;
    }
    return minusOne(ENOENT);
}

int descriptorNumber(int fd, NodeNumber* number)
{
    const Call call("descriptorNumber", fd);
    if (call.error)
        return minusOne(call.error);
    *number = call.state.kernel.nodes[call.file->node].number;
    return 0;
}

void* mapMemory(int fd, size_t size, uint64_t offset)
{
    const Call call("map", fd);
    if (call.error || !call.file->dumbBuffers.count(static_cast<uint32_t>(offset >> 16))) {
        errno = call.error ? call.error : EINVAL;
        return MAP_FAILED;
    }
    void* const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    call.state.mappings[memory] = size;
    return memory;
}

int unmapMemory(void* address, size_t size)
{
    State& state = current();
    const std::scoped_lock lock(state.mutex);
    if (!state.mappings.erase(address))
        return minusOne(EINVAL);
    return munmap(address, size);
}

// --- device

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

int setMaster(int fd)
{
    const Call call("drmSetMaster", fd);
    if (call.error)
        return minusOne(call.error);
    // drm_auth.c: who may ask comes before whether it is free.
    if (!call.state.kernel.privileged && !call.file->wasMaster)
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
    *when = static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
    return 0;
}

// --- resources

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

#include "fake_libdrm/fake_changes.inc"

} // namespace

uint32_t propertyId(const std::string& name)
{
    std::vector<std::string>& names = propertyNames();
    const auto found = std::find(names.begin(), names.end(), name);
    if (found != names.end())
        return 500 + static_cast<uint32_t>(found - names.begin());
    names.push_back(name);
    return 500 + static_cast<uint32_t>(names.size()) - 1;
}

const std::string& propertyName(uint32_t id)
{
    static const std::string unknown = "?";
    const std::vector<std::string>& names = propertyNames();
    return id >= 500 && id - 500 < names.size() ? names[id - 500] : unknown;
}

const Api& fakeApi()
{
    static const Api table = [] {
        Api api;
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
        api.drmModeObjectGetProperties = objectGetProperties;
        api.drmModeFreeObjectProperties = freeObjectProperties;
        api.drmModeGetProperty = getProperty;
        api.drmModeFreeProperty = freeProperty;
        api.drmModeGetPropertyBlob = getPropertyBlob;
        api.drmModeFreePropertyBlob = freePropertyBlob;
        api.drmModeCreatePropertyBlob = createPropertyBlob;
        api.drmModeDestroyPropertyBlob = destroyPropertyBlob;
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
        api.system = {.open = openNode,
                      .close = closeNode,
                      .duplicate = duplicate,
                      .replace = replace,
                      .sameFile = sameFile,
                      .pathNumber = pathNumber,
                      .descriptorNumber = descriptorNumber,
                      .map = mapMemory,
                      .unmap = unmapMemory};
        return api;
    }();
    return table;
}

} // namespace vwsi::drm::fake
