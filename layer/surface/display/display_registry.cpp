#include "surface/display/display_registry.h"

#include "core/log.h"
#include "core/settings.h"
#include "drm/edid.h"
#include "drm/mode.h"
#include "surface/display/hdr_signal.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace vwsi {

DisplayRegistry::~DisplayRegistry() = default;

VkResult vkResultOf(int error)
{
    switch (error) {
    case 0:
        return VK_SUCCESS;
    case ENOMEM:
    case EMFILE:
    case ENFILE:
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    case ENOSPC:
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    case ENODEV:
    case ENOENT:
    case ENXIO:
        return VK_ERROR_SURFACE_LOST_KHR;
    case EBUSY:
        return VK_ERROR_NATIVE_WINDOW_IN_USE_KHR;
    default:
        return VK_ERROR_INITIALIZATION_FAILED;
    }
}

std::shared_ptr<drm::Device> DisplayRegistry::deviceLocked()
{
    // A failed search is not repeated: it would log the same line at every question.
    if (m_searched)
        return m_device;
    m_searched = true;
    std::string path;
    if (drm::findNode(m_request, settings().drmDevice, &path) == 0)
        drm::Device::open(path, &m_device);
    if (m_device)
        VWSI_INFO("displays are driven through %s (%s)", m_device->path().c_str(),
                  m_device->atomic() ? "atomic" : "legacy KMS");
    return m_device;
}

std::shared_ptr<drm::Device> DisplayRegistry::device()
{
    const std::scoped_lock lock(m_mutex);
    return deviceLocked();
}

std::shared_ptr<drm::Device> DisplayRegistry::deviceOf(const Display& display)
{
    const std::scoped_lock lock(m_mutex);
    return display.acquired ? display.acquired : deviceLocked();
}

Display* DisplayRegistry::displayLocked(VkDisplayKHR handle)
{
    const auto found = std::find_if(m_displays.begin(), m_displays.end(), [handle](const auto& display) {
        return toHandle<VkDisplayKHR>(display.get()) == handle;
    });
    return found == m_displays.end() ? nullptr : found->get();
}

Display* DisplayRegistry::findDisplay(VkDisplayKHR handle)
{
    const std::scoped_lock lock(m_mutex);
    return displayLocked(handle);
}

DisplayMode* DisplayRegistry::findMode(VkDisplayModeKHR handle)
{
    const std::scoped_lock lock(m_mutex);
    for (const auto& display : m_displays) {
        for (const auto& mode : display->modes) {
            if (toHandle<VkDisplayModeKHR>(mode.get()) == handle)
                return mode.get();
        }
    }
    return nullptr;
}

VkResult DisplayRegistry::refresh()
{
    const std::shared_ptr<drm::Device> device = deviceLocked();
    for (const auto& display : m_displays)
        display->connected = false;
    if (!device)
        return VK_SUCCESS;
    std::vector<drm::Connector> connectors;
    if (const int error = device->connectors(&connectors)) {
        drm::logFailure("cannot list the displays", device->path().c_str(), error);
        return error == ENOMEM ? VK_ERROR_OUT_OF_HOST_MEMORY : VK_SUCCESS;
    }
    for (const drm::Connector& connector : connectors)
        refreshDisplay(connector);
    return VK_SUCCESS;
}

void DisplayRegistry::refreshDisplay(const drm::Connector& connector)
{
    auto found = std::find_if(m_displays.begin(), m_displays.end(),
                              [&](const auto& display) { return display->connector == connector.id; });
    if (!connector.connected || connector.modes.empty())
        return;
    if (found == m_displays.end()) {
        auto made = std::make_unique<Display>();
        made->registry = this;
        made->connector = connector.id;
        m_displays.push_back(std::move(made));
        found = m_displays.end() - 1;
    }
    Display& display = **found;
    const drm::EdidInfo edid = drm::parseEdid(connector.edid);
    std::string name = edid.name.empty() ? connector.name : edid.name + " (" + connector.name + ")";
    if (display.names.empty() || display.names.back() != name)
        display.names.push_back(std::move(name));
    display.connected = true;
    display.sizeMm =
        edid.widthMm ? VkExtent2D{edid.widthMm, edid.heightMm} : VkExtent2D{connector.widthMm, connector.heightMm};
    display.possibleCrtcs = connector.possibleCrtcs;
    display.currentCrtc = connector.currentCrtc;
    refreshModes(display, connector);
    display.hdrSpaces.clear();
    const drm::SinkColors sink = drm::parseSinkColors(connector.edid);
    for (const VkColorSpaceKHR space : {VK_COLOR_SPACE_HDR10_ST2084_EXT, VK_COLOR_SPACE_HDR10_HLG_EXT}) {
        if (m_device->atomic() && drm::canSignal(connector.properties, sink, *eotfOf(space)))
            display.hdrSpaces.push_back(space);
    }
}

std::vector<VkColorSpaceKHR> DisplayRegistry::hdrSpaces(const Display& display)
{
    const std::scoped_lock lock(m_mutex);
    return display.hdrSpaces;
}

void DisplayRegistry::refreshModes(Display& display, const drm::Connector& connector)
{
    for (const auto& mode : display.modes)
        mode->listed = false;
    for (const drmModeModeInfo& info : connector.modes) {
        auto found = std::find_if(display.modes.begin(), display.modes.end(),
                                  [&](const auto& mode) { return drm::sameTimings(mode->info, info); });
        if (found == display.modes.end()) {
            display.modes.push_back(std::make_unique<DisplayMode>(
                DisplayMode{&display, info, {{info.hdisplay, info.vdisplay}, drm::refreshMilliHz(info)}}));
            found = display.modes.end() - 1;
        }
        // Swapchains read it without the lock.
        if (memcmp(&(*found)->info, &info, sizeof(info)) != 0)
            (*found)->info = info;
        (*found)->listed = true;
    }
    // Within each kind the kernel's order, best first, as the stable sort keeps it.
    const auto rank = [&](const std::unique_ptr<DisplayMode>& mode) -> size_t {
        if (!mode->listed)
            return connector.modes.size() + 1;
        if (mode->info.type & DRM_MODE_TYPE_PREFERRED)
            return 0;
        for (size_t i = 0; i < connector.modes.size(); ++i) {
            if (drm::sameTimings(connector.modes[i], mode->info))
                return i + 1;
        }
        return connector.modes.size();
    };
    std::stable_sort(display.modes.begin(), display.modes.end(),
                     [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
}

bool DisplayRegistry::connected(const Display& display)
{
    const std::shared_ptr<drm::Device> device = deviceOf(display);
    drm::Connector connector;
    return device && device->connector(display.connector, &connector) == 0 && connector.connected;
}

std::vector<const drm::Plane*> DisplayRegistry::visiblePlanes()
{
    std::vector<const drm::Plane*> result;
    const std::shared_ptr<drm::Device> device = deviceLocked();
    if (!device)
        return result;
    // Pointer planes take nothing but small images with alpha, which a display plane surface cannot promise.
    for (const drm::PlaneType type : {drm::PlaneType::Primary, drm::PlaneType::Overlay}) {
        for (const drm::Plane& plane : device->resources().planes) {
            if (plane.type == type)
                result.push_back(&plane);
        }
    }
    return result;
}

const drm::Plane* DisplayRegistry::plane(uint32_t planeIndex)
{
    const std::scoped_lock lock(m_mutex);
    const std::vector<const drm::Plane*> planes = visiblePlanes();
    return planeIndex < planes.size() ? planes[planeIndex] : nullptr;
}

VkResult DisplayRegistry::releaseDisplay(VkDisplayKHR handle)
{
    const std::scoped_lock lock(m_mutex);
    if (Display* display = displayLocked(handle))
        display->acquired.reset();
    return VK_SUCCESS;
}

VkResult DisplayRegistry::acquireDrmDisplay(int32_t drmFd, VkDisplayKHR handle)
{
    const std::scoped_lock lock(m_mutex);
    Display* display = displayLocked(handle);
    const std::shared_ptr<drm::Device> own = deviceLocked();
    if (!display || !own || display->acquired)
        return VK_ERROR_INITIALIZATION_FAILED;
    drm::NodeNumber number;
    if (drm::api().system.descriptorNumber(drmFd, &number) != 0 || number != own->number()) {
        VWSI_ERROR("vkAcquireDrmDisplayEXT: the descriptor is not of %s", own->path().c_str());
        return VK_ERROR_UNKNOWN;
    }
    std::shared_ptr<drm::Device> adopted;
    // Displays of one descriptor share its planes and CRTCs.
    for (const auto& other : m_displays) {
        if (other->acquired && drm::api().system.sameFile(other->acquired->fd(), drmFd))
            adopted = other->acquired;
    }
    if (!adopted && drm::Device::adopt(drmFd, &adopted) != 0)
        return VK_ERROR_INITIALIZATION_FAILED;
    drm::Connector connector;
    if (adopted->connector(display->connector, &connector) != 0)
        return VK_ERROR_INITIALIZATION_FAILED;
    display->acquired = std::move(adopted);
    return VK_SUCCESS;
}

VkResult DisplayRegistry::getDrmDisplay(int32_t drmFd, uint32_t connectorId, VkDisplayKHR* handle)
{
    *handle = VK_NULL_HANDLE;
    const std::scoped_lock lock(m_mutex);
    const std::shared_ptr<drm::Device> own = deviceLocked();
    drm::NodeNumber number;
    if (!own || drm::api().system.descriptorNumber(drmFd, &number) != 0 || number != own->number())
        return VK_ERROR_UNKNOWN;
    // A lease has some of the connectors only.
    if (drm::Connector connector; drm::readConnector(drmFd, connectorId, false, &connector) != 0)
        return VK_ERROR_UNKNOWN;
    if (const VkResult result = refresh(); result != VK_SUCCESS)
        return result;
    for (const auto& display : m_displays) {
        if (display->connector == connectorId && display->connected)
            *handle = toHandle<VkDisplayKHR>(display.get());
    }
    return *handle == VK_NULL_HANDLE ? VK_ERROR_UNKNOWN : VK_SUCCESS;
}

VkResult DisplayRegistry::powerControl(VkDisplayKHR handle, VkDisplayPowerStateEXT state)
{
    Display* display = findDisplay(handle);
    const std::shared_ptr<drm::Device> device = display ? deviceOf(*display) : nullptr;
    if (!device)
        return VK_SUCCESS;
    const int error = device->setPower(display->connector, state == VK_DISPLAY_POWER_STATE_ON_EXT);
    // The command knows no failure but want of memory (VK_EXT_display_control).
    if (error)
        drm::logFailure("cannot change the power of a display", device->path().c_str(), error);
    return error == ENOMEM ? VK_ERROR_OUT_OF_HOST_MEMORY : VK_SUCCESS;
}

DisplayEvents& DisplayRegistry::events()
{
    const std::scoped_lock lock(m_mutex);
    if (!m_events)
        m_events = std::make_unique<DisplayEvents>(m_device ? m_device->number() : drm::NodeNumber{});
    return *m_events;
}

VkResult DisplayRegistry::registerDeviceEvent(VkDeviceEventTypeEXT type, std::function<void()> callback, uint64_t* id)
{
    if (type != VK_DEVICE_EVENT_TYPE_DISPLAY_HOTPLUG_EXT)
        return VK_ERROR_INITIALIZATION_FAILED;
    device();
    return events().onHotplug(std::move(callback), id) ? VK_SUCCESS : VK_ERROR_OUT_OF_HOST_MEMORY;
}

VkResult DisplayRegistry::displayEventMoment(VkDisplayKHR handle, VkDisplayEventTypeEXT type, Nanoseconds* moment)
{
    Display* display = findDisplay(handle);
    if (!display || type != VK_DISPLAY_EVENT_TYPE_FIRST_PIXEL_OUT_EXT)
        return VK_ERROR_INITIALIZATION_FAILED;
    const std::shared_ptr<drm::Device> device = deviceOf(*display);
    *moment = device ? device->nextRefresh(display->connector) : monotonicNow();
    return VK_SUCCESS;
}

VkResult DisplayRegistry::registerMoment(Nanoseconds moment, std::function<void()> callback, uint64_t* id)
{
    return events().at(moment, std::move(callback), id) ? VK_SUCCESS : VK_ERROR_OUT_OF_HOST_MEMORY;
}

bool DisplayRegistry::cancelEvent(uint64_t id)
{
    return events().cancel(id);
}

} // namespace vwsi
