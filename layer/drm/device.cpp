#include "drm/device.h"

#include "core/log.h"
#include "drm/mode.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <drm_fourcc.h>
#include <poll.h>
#include <unistd.h>

#ifndef DRM_CAP_ATOMIC_ASYNC_PAGE_FLIP
#define DRM_CAP_ATOMIC_ASYNC_PAGE_FLIP 0x15
#endif

namespace vwsi::drm {

namespace {

struct OpenDevices {
    std::mutex mutex;
    std::vector<std::weak_ptr<Device>> devices;
};

OpenDevices& openDevices()
{
    // Lives until the process ends, like the threads that may still use it.
    static auto* const instance = new OpenDevices();
    return *instance;
}

bool capability(int fd, uint64_t which)
{
    uint64_t value = 0;
    return api().drmGetCap(fd, which, &value) == 0 && value != 0;
}

} // namespace

Device::Device(int fd, std::string path, bool adopted)
    : m_fd(fd), m_path(std::move(path)), m_adopted(adopted), m_master(*this)
{
}

Device::~Device()
{
    api().system.close(m_fd);
}

int Device::open(const std::string& path, std::shared_ptr<Device>* device, Interface interface)
{
    const Api* drm = loadApi();
    if (!drm)
        return ENOSYS;
    OpenDevices& known = openDevices();
    const std::scoped_lock lock(known.mutex);
    std::erase_if(known.devices, [](const std::weak_ptr<Device>& entry) { return entry.expired(); });
    NodeNumber number;
    if (drm->system.pathNumber(path.c_str(), &number) == 0) {
        for (const std::weak_ptr<Device>& entry : known.devices) {
            const std::shared_ptr<Device> open = entry.lock();
            if (open && open->number() == number) {
                *device = open;
                return 0;
            }
        }
    }

    errno = 0;
    const int fd = drm->system.open(path.c_str());
    if (fd < 0) {
        const int error = errorOf(-1);
        logFailure("cannot open the display device", path.c_str(), error);
        return error;
    }
    std::shared_ptr<Device> made(new Device(fd, path, false));
    if (const int error = made->initialise(interface)) {
        logFailure("cannot read the display device", path.c_str(), error);
        return error;
    }
    known.devices.push_back(made);
    *device = std::move(made);
    return 0;
}

int Device::adopt(int fd, std::shared_ptr<Device>* device)
{
    const Api* drm = loadApi();
    if (!drm)
        return ENOSYS;
    errno = 0;
    const int copy = drm->system.duplicate(fd);
    if (copy < 0)
        return errorOf(-1);
    std::shared_ptr<Device> made(new Device(copy, "the application's descriptor", true));
    int error = drm->drmIsMaster(copy) ? made->initialise(Interface::Best) : EACCES;
    if (error) {
        logFailure("cannot use the display device", made->path().c_str(), error);
        return error;
    }
    *device = std::move(made);
    return 0;
}

void Device::setClientCapabilities(int fd) const
{
    if (m_universal)
        api().drmSetClientCap(fd, DRM_CLIENT_CAP_UNIVERSAL_PLANES, 1);
    if (m_atomic)
        api().drmSetClientCap(fd, DRM_CLIENT_CAP_ATOMIC, 1);
}

int Device::initialise(Interface interface)
{
    const Api& drm = api();
    const bool openedAsMaster = !m_adopted && drm.drmIsMaster(m_fd);
    int error = 0;
    if (drm.system.descriptorNumber(m_fd, &m_number) != 0)
        error = errorOf(-1);
    else if (!capability(m_fd, DRM_CAP_DUMB_BUFFER))
        error = EOPNOTSUPP;
    if (error == 0) {
        m_universal = drm.drmSetClientCap(m_fd, DRM_CLIENT_CAP_UNIVERSAL_PLANES, 1) == 0;
        m_atomic =
            m_universal && interface == Interface::Best && drm.drmSetClientCap(m_fd, DRM_CLIENT_CAP_ATOMIC, 1) == 0;
        m_asyncFlip = capability(m_fd, m_atomic ? DRM_CAP_ATOMIC_ASYNC_PAGE_FLIP : DRM_CAP_ASYNC_PAGE_FLIP);
        const std::unique_ptr<drmVersion, Releaser<&Api::drmFreeVersion>> version(drm.drmGetVersion(m_fd));
        // Dumb buffers of virtio-gpu are 2D resources of the host, into which TRANSFER_TO_HOST_2D copies.
        m_copiesAtFlip = version && version->name && strcmp(version->name, "virtio_gpu") == 0;
        m_kms = m_atomic ? makeAtomicKms(*this) : makeLegacyKms(*this);
        error = readResources(m_fd, m_universal, m_atomic, &m_resources);
    }
    // The first to open a node becomes its master without having asked.
    if (openedAsMaster) {
        if (error == 0)
            probeUnknown();
        static_cast<void>(m_master.dropFirst());
    }
    return error;
}

// Where no console or display server has looked at the connectors yet, their modes are not known to the
// kernel, and only a master can make it look.
void Device::probeUnknown()
{
    std::vector<Connector> found;
    if (readConnectors(m_fd, false, &found) != 0)
        return;
    for (const Connector& connector : found) {
        Connector probed;
        if (connector.modes.empty())
            readConnector(m_fd, connector.id, true, &probed);
    }
}

int Device::connectors(std::vector<Connector>* connectors) const
{
    return readConnectors(m_fd, m_master.held(), connectors);
}

int Device::connector(uint32_t id, Connector* connector) const
{
    return readConnector(m_fd, id, m_master.held(), connector);
}

const Crtc* Device::chooseCrtc(const Connector& connector, uint32_t planeCrtcs) const
{
    const auto free = [&](const Crtc& crtc) {
        return connector.possibleCrtcs & planeCrtcs & 1u << crtc.index &&
               std::none_of(m_outputs.begin(), m_outputs.end(),
                            [&](const std::unique_ptr<Output>& output) { return output->crtc().id == crtc.id; });
    };
    const Crtc* current = m_resources.crtc(connector.currentCrtc);
    if (current && free(*current))
        return current;
    const auto found = std::find_if(m_resources.crtcs.begin(), m_resources.crtcs.end(), free);
    return found == m_resources.crtcs.end() ? nullptr : &*found;
}

Output* Device::findOutput(uint32_t connector) const
{
    for (const std::unique_ptr<Output>& output : m_outputs) {
        if (output->connector() == connector)
            return output.get();
    }
    return nullptr;
}

int Device::readPlugged(uint32_t id, Connector* connector) const
{
    if (const int error = readConnector(m_fd, id, true, connector)) {
        logFailure("cannot read the display", m_path.c_str(), error);
        return error;
    }
    if (connector->connected)
        return 0;
    VWSI_WARN("display %s on %s is unplugged", connector->name.c_str(), m_path.c_str());
    return ENODEV;
}

int Device::makeOutput(const Connector& connector, const Plane& plane, Output** output)
{
    const Crtc* crtc = chooseCrtc(connector, plane.possibleCrtcs);
    if (!crtc) {
        VWSI_ERROR("no free display controller (CRTC) for %s on %s; destroy the swapchain of another display first",
                   connector.name.c_str(), m_path.c_str());
        return EBUSY;
    }
    m_outputs.push_back(std::make_unique<Output>(*this, connector, *crtc));
    *output = m_outputs.back().get();
    const std::scoped_lock lock(m_eventMutex);
    m_eventSinks.push_back(*output);
    return 0;
}

int Device::acquireOutput(uint32_t connectorId, const Plane& plane, const void* owner, OutputHandle* handle)
{
    const std::scoped_lock lock(m_outputMutex);
    const auto existing = std::find_if(m_outputs.begin(), m_outputs.end(), [&](const std::unique_ptr<Output>& output) {
        return output->connector() == connectorId;
    });
    Output* output = existing == m_outputs.end() ? nullptr : existing->get();
    if (output && !(plane.possibleCrtcs & 1u << output->crtc().index)) {
        VWSI_ERROR("plane %u cannot be shown on the display controller that drives connector %u", plane.id,
                   connectorId);
        return EBUSY;
    }
    if (output && owner && output->usedByAnother(plane, owner)) {
        VWSI_ERROR("plane %u of connector %u shows the frames of another surface's swapchain; destroy that one first",
                   plane.id, connectorId);
        return EBUSY;
    }
    if (const int error = m_master.acquire()) {
        logFailure("cannot become the DRM master", m_path.c_str(), error);
        return error;
    }
    int error = 0;
    try {
        Connector connector;
        error = readPlugged(connectorId, &connector);
        if (error == 0 && !output)
            error = makeOutput(connector, plane, &output);
        if (error == 0)
            *handle = OutputHandle(shared_from_this(), output, &plane, output->addPlaneUser(plane, owner));
    } catch (...) {
        m_master.release();
        throw;
    }
    if (error)
        m_master.release();
    return error;
}

void Device::releaseOutput(Output* output, const Plane& plane, uint64_t use)
{
    const std::scoped_lock lock(m_outputMutex);
    output->removePlaneUser(plane, use);
    if (output->unused()) {
        if (m_master.regain() == 0)
            output->restoreConsole();
        {
            const std::scoped_lock eventLock(m_eventMutex);
            std::erase(m_eventSinks, output);
        }
        std::erase_if(m_outputs, [output](const std::unique_ptr<Output>& entry) { return entry.get() == output; });
    }
    m_master.release();
}

int Device::testMode(uint32_t connectorId, const drmModeModeInfo& mode)
{
    const Crtc* crtc = nullptr;
    const Plane* primary = nullptr;
    Connector connector;
    if (const int error = this->connector(connectorId, &connector))
        return error;
    for (const Plane& plane : m_resources.planes) {
        if (plane.type != PlaneType::Primary || !(plane.possibleCrtcs & connector.possibleCrtcs))
            continue;
        crtc = m_resources.crtc(connector.currentCrtc);
        if (!primary || (crtc && plane.possibleCrtcs & 1u << crtc->index))
            primary = &plane;
    }
    if (!primary)
        return EOPNOTSUPP;
    if (!m_atomic)
        return EOPNOTSUPP;
    OutputHandle output;
    if (const int error = acquireOutput(connectorId, *primary, nullptr, &output))
        return error;
    std::shared_ptr<DumbBuffer> buffer;
    if (const int error =
            DumbBuffer::create(shared_from_this(), mode.hdisplay, mode.vdisplay, DRM_FORMAT_XRGB8888, 4, &buffer))
        return error;
    const Rectangle whole{0, 0, mode.hdisplay, mode.vdisplay};
    return output->test(
        {.plane = primary, .buffer = buffer, .source = whole, .destination = whole, .zpos = {}, .damage = {}}, mode);
}

int Device::setPower(uint32_t connectorId, bool on)
{
    const std::scoped_lock lock(m_outputMutex);
    if (Output* output = findOutput(connectorId))
        return output->setPower(on);
    Connector unused;
    if (const int error = connector(connectorId, &unused))
        return error;
    if (!unused.properties.dpms)
        return EOPNOTSUPP;
    if (const int error = m_master.acquire())
        return error;
    const int error = errorOf(api().drmModeConnectorSetProperty(m_fd, connectorId, unused.properties.dpms.id,
                                                                on ? DRM_MODE_DPMS_ON : DRM_MODE_DPMS_OFF));
    m_master.release();
    return error;
}

Nanoseconds Device::nextRefresh(uint32_t connectorId)
{
    const std::scoped_lock lock(m_outputMutex);
    if (Output* output = findOutput(connectorId))
        return output->nextRefresh();
    Connector unused;
    static_cast<void>(connector(connectorId, &unused));
    return monotonicNow() + refreshPeriod(preferredMode(unused));
}

int Device::vblankCount(uint32_t connectorId, uint64_t* count)
{
    const std::scoped_lock lock(m_outputMutex);
    Output* output = findOutput(connectorId);
    if (!output)
        return ENOTCONN;
    Nanoseconds when = 0;
    const int error = output->vblankCount(count, &when);
    if (error != EINVAL)
        return error;
    *count = output->lastVblankCount();
    return 0;
}

void Device::standAside()
{
    const std::scoped_lock lock(m_outputMutex);
    if (!m_master.held())
        return;
    m_master.setLost();
    m_master.yield();
}

void Device::yieldToConsole()
{
    const std::scoped_lock lock(m_outputMutex);
    if (m_outputs.empty() || m_master.regain() != 0)
        return;
    // First, or the frame of another display follows its console's return.
    m_master.setLost();
    for (const std::unique_ptr<Output>& output : m_outputs)
        output->restoreConsole();
    m_master.yield();
}

int Device::regain()
{
    const std::scoped_lock lock(m_outputMutex);
    return m_master.regain();
}

std::string Device::homeVt()
{
    const std::scoped_lock lock(m_outputMutex);
    return m_homeVt;
}

void Device::setHomeVt(const std::string& vt)
{
    const std::scoped_lock lock(m_outputMutex);
    m_homeVt = vt;
}

int Device::dispatch()
{
    const std::scoped_lock lock(m_eventMutex);
    // The descriptor may be the application's and blocking.
    pollfd readable{m_fd, POLLIN, 0};
    while (poll(&readable, 1, 0) > 0 && readable.revents & POLLIN) {
        alignas(drm_event) std::array<char, 1024> buffer;
        const ssize_t length = read(m_fd, buffer.data(), buffer.size());
        if (length <= 0)
            return length < 0 && errno != EAGAIN && errno != EINTR ? errno : 0;
        for (size_t offset = 0; offset + sizeof(drm_event) <= static_cast<size_t>(length);) {
            drm_event header;
            memcpy(&header, &buffer[offset], sizeof(header));
            if (header.length < sizeof(header) || offset + header.length > static_cast<size_t>(length))
                break;
            if (header.type == DRM_EVENT_FLIP_COMPLETE && header.length >= sizeof(drm_event_vblank)) {
                drm_event_vblank flip;
                memcpy(&flip, &buffer[offset], sizeof(flip));
                const Nanoseconds when = flip.tv_sec * 1'000'000'000ull + flip.tv_usec * 1000ull;
                for (Output* output : m_eventSinks)
                    output->flipDone(static_cast<uintptr_t>(flip.user_data), when, flip.sequence);
            }
            offset += header.length;
        }
    }
    return readable.revents & (POLLERR | POLLNVAL) ? ENODEV : 0;
}

} // namespace vwsi::drm
