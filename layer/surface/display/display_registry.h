#pragma once

#include "drm/device.h"
#include "drm/node.h"
#include "surface/display/display_events.h"
#include "surface/display/display_objects.h"

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>
#include <vulkan/vulkan.h>

namespace vwsi {

class PhysicalDevice;

/// The displays, modes and planes of one physical device, answered in Vulkan's terms.
///
/// Made with the physical device; opens the DRM node at the first question. Asking never makes this process
/// the DRM master. Commands that get handles of another registry behave as if there were no such display.
/// Thread-safe.
class DisplayRegistry {
public:
    /// `owner` is only compared. `request` comes from VK_EXT_physical_device_drm where the driver has it.
    DisplayRegistry(const PhysicalDevice* owner, const drm::NodeRequest& request) : m_owner(owner), m_request(request)
    {
    }
    ~DisplayRegistry();
    DisplayRegistry(const DisplayRegistry&) = delete;
    DisplayRegistry& operator=(const DisplayRegistry&) = delete;

    const PhysicalDevice* owner() const { return m_owner; }

    // VK_KHR_display and VK_KHR_get_display_properties2: vkGetPhysicalDeviceDisplay*, vkGetDisplay*. In the
    // pointers to structs with pNext, the application has set sType and pNext.
    VkResult displayProperties(uint32_t* count, VkDisplayPropertiesKHR* properties);
    VkResult displayProperties2(uint32_t* count, VkDisplayProperties2KHR* properties);
    VkResult planeProperties(uint32_t* count, VkDisplayPlanePropertiesKHR* properties);
    VkResult planeProperties2(uint32_t* count, VkDisplayPlaneProperties2KHR* properties);
    VkResult planeSupportedDisplays(uint32_t planeIndex, uint32_t* count, VkDisplayKHR* displays);
    VkResult modeProperties(VkDisplayKHR display, uint32_t* count, VkDisplayModePropertiesKHR* properties);
    VkResult modeProperties2(VkDisplayKHR display, uint32_t* count, VkDisplayModeProperties2KHR* properties);
    VkResult createMode(VkDisplayKHR display, const VkDisplayModeCreateInfoKHR& info, VkDisplayModeKHR* mode);
    VkResult planeCapabilities(VkDisplayModeKHR mode, uint32_t planeIndex, VkDisplayPlaneCapabilitiesKHR* capabilities);

    // VK_EXT_direct_mode_display and VK_EXT_acquire_drm_display.
    VkResult releaseDisplay(VkDisplayKHR display);
    VkResult acquireDrmDisplay(int32_t drmFd, VkDisplayKHR display);
    VkResult getDrmDisplay(int32_t drmFd, uint32_t connectorId, VkDisplayKHR* display);

    // VK_EXT_display_control. Callbacks come once, on a thread of the layer or from within the call, without
    // locks held; after cancelEvent() has returned they don't come any more.
    VkResult powerControl(VkDisplayKHR display, VkDisplayPowerStateEXT state);
    VkResult registerDeviceEvent(VkDeviceEventTypeEXT type, std::function<void()> callback, uint64_t* id);
    /// When an event of a display comes next; asks the driver.
    VkResult displayEventMoment(VkDisplayKHR display, VkDisplayEventTypeEXT type, Nanoseconds* moment);
    VkResult registerMoment(Nanoseconds moment, std::function<void()> callback, uint64_t* id);
    /// False when the callback has run.
    bool cancelEvent(uint64_t id);

    /// The object behind a handle, or null when it is not of this registry.
    Display* findDisplay(VkDisplayKHR handle);
    DisplayMode* findMode(VkDisplayModeKHR handle);
    /// The plane with this index among those the application sees, or null.
    const drm::Plane* plane(uint32_t planeIndex);

    /// The device that drives a display now. Null when there is no node.
    std::shared_ptr<drm::Device> deviceOf(const Display& display);
    /// The node's own device; null, after one log line per cause, when there is none.
    std::shared_ptr<drm::Device> device();
    /// Colour spaces beyond sRGB that a display's connector can tell it of, as of the last listing.
    std::vector<VkColorSpaceKHR> hdrSpaces(const Display& display);
    /// False when the connector is unplugged or gone. Looks anew.
    bool connected(const Display& display);

private:
    std::shared_ptr<drm::Device> deviceLocked();
    VkResult refresh();
    void refreshDisplay(const drm::Connector& connector);
    void refreshModes(Display& display, const drm::Connector& connector);
    std::vector<const drm::Plane*> visiblePlanes();
    Display* displayLocked(VkDisplayKHR handle);
    bool showable(const Display& display) const { return display.connected; }
    void fillDisplay(const Display& display, VkDisplayPropertiesKHR& properties);
    void fillPlane(const drm::Plane& plane, VkDisplayPlanePropertiesKHR& properties);
    Display* shownOn(const drm::Plane& plane);
    int makeMode(Display& display, const VkDisplayModeParametersKHR& wanted, drmModeModeInfo* info);
    DisplayEvents& events();

    const PhysicalDevice* const m_owner;
    const drm::NodeRequest m_request;
    std::mutex m_mutex;
    bool m_searched = false;
    std::shared_ptr<drm::Device> m_device;
    std::vector<std::unique_ptr<Display>> m_displays;
    std::unique_ptr<DisplayEvents> m_events;
};

/// The VkResult for what a DRM call returned, where the command may return it.
VkResult vkResultOf(int error);

} // namespace vwsi
