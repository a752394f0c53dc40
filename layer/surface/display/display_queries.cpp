// VK_KHR_display's and VK_KHR_get_display_properties2's questions, in the terms of the registry.

#include "core/log.h"
#include "core/outarray.h"
#include "drm/mode.h"
#include "surface/display/display_registry.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace vwsi {

namespace {

/// Furthest apart that two refresh rates count as the same, in mHz.
constexpr uint32_t kSameRate = 10;

uint32_t distance(uint32_t a, uint32_t b)
{
    return a > b ? a - b : b - a;
}

} // namespace

void DisplayRegistry::fillDisplay(const Display& display, VkDisplayPropertiesKHR& properties)
{
    properties.display = toHandle<VkDisplayKHR>(const_cast<Display*>(&display));
    properties.displayName = display.name();
    properties.physicalDimensions = display.sizeMm;
    properties.physicalResolution = display.modes.front()->parameters.visibleRegion;
    properties.supportedTransforms = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR;
    const std::vector<const drm::Plane*> planes = visiblePlanes();
    properties.planeReorderPossible = std::any_of(planes.begin(), planes.end(), [&](const drm::Plane* plane) {
        return plane->possibleCrtcs & display.possibleCrtcs && plane->properties.zpos &&
               !plane->properties.zpos.immutable;
    });
    properties.persistentContent = VK_FALSE;
}

VkResult DisplayRegistry::displayProperties(uint32_t* count, VkDisplayPropertiesKHR* properties)
{
    const std::scoped_lock lock(m_mutex);
    if (const VkResult result = refresh(); result != VK_SUCCESS)
        return result;
    OutArray<VkDisplayPropertiesKHR> out(count, properties);
    for (const auto& display : m_displays) {
        if (showable(*display))
            out.append([&](VkDisplayPropertiesKHR& element) { fillDisplay(*display, element); });
    }
    return out.result();
}

VkResult DisplayRegistry::displayProperties2(uint32_t* count, VkDisplayProperties2KHR* properties)
{
    const std::scoped_lock lock(m_mutex);
    if (const VkResult result = refresh(); result != VK_SUCCESS)
        return result;
    OutArray<VkDisplayProperties2KHR> out(count, properties);
    for (const auto& display : m_displays) {
        if (showable(*display))
            out.append([&](VkDisplayProperties2KHR& element) { fillDisplay(*display, element.displayProperties); });
    }
    return out.result();
}

// The display that a plane shows, or would show if a swapchain were made for it now.
Display* DisplayRegistry::shownOn(const drm::Plane& plane)
{
    for (const auto& display : m_displays) {
        const drm::Crtc* crtc = m_device ? m_device->resources().crtc(display->currentCrtc) : nullptr;
        if (showable(*display) && crtc && plane.possibleCrtcs & 1u << crtc->index)
            return display.get();
    }
    return nullptr;
}

void DisplayRegistry::fillPlane(const drm::Plane& plane, VkDisplayPlanePropertiesKHR& properties)
{
    properties.currentDisplay = toHandle<VkDisplayKHR>(shownOn(plane));
    properties.currentStackIndex = m_device->resources().stackPosition(plane);
}

VkResult DisplayRegistry::planeProperties(uint32_t* count, VkDisplayPlanePropertiesKHR* properties)
{
    const std::scoped_lock lock(m_mutex);
    if (const VkResult result = refresh(); result != VK_SUCCESS)
        return result;
    OutArray<VkDisplayPlanePropertiesKHR> out(count, properties);
    for (const drm::Plane* plane : visiblePlanes())
        out.append([&](VkDisplayPlanePropertiesKHR& element) { fillPlane(*plane, element); });
    return out.result();
}

VkResult DisplayRegistry::planeProperties2(uint32_t* count, VkDisplayPlaneProperties2KHR* properties)
{
    const std::scoped_lock lock(m_mutex);
    if (const VkResult result = refresh(); result != VK_SUCCESS)
        return result;
    OutArray<VkDisplayPlaneProperties2KHR> out(count, properties);
    for (const drm::Plane* plane : visiblePlanes())
        out.append([&](VkDisplayPlaneProperties2KHR& element) { fillPlane(*plane, element.displayPlaneProperties); });
    return out.result();
}

VkResult DisplayRegistry::planeSupportedDisplays(uint32_t planeIndex, uint32_t* count, VkDisplayKHR* displays)
{
    const std::scoped_lock lock(m_mutex);
    if (const VkResult result = refresh(); result != VK_SUCCESS)
        return result;
    OutArray<VkDisplayKHR> out(count, displays);
    const std::vector<const drm::Plane*> planes = visiblePlanes();
    for (const auto& display : m_displays) {
        if (planeIndex < planes.size() && showable(*display) &&
            planes[planeIndex]->possibleCrtcs & display->possibleCrtcs)
            out.append([&](VkDisplayKHR& element) { element = toHandle<VkDisplayKHR>(display.get()); });
    }
    return out.result();
}

VkResult DisplayRegistry::modeProperties(VkDisplayKHR handle, uint32_t* count, VkDisplayModePropertiesKHR* properties)
{
    const std::scoped_lock lock(m_mutex);
    if (const VkResult result = refresh(); result != VK_SUCCESS)
        return result;
    OutArray<VkDisplayModePropertiesKHR> out(count, properties);
    if (const Display* display = displayLocked(handle)) {
        for (const auto& mode : display->modes) {
            if (mode->listed)
                out.append([&](VkDisplayModePropertiesKHR& element) {
                    element = {toHandle<VkDisplayModeKHR>(mode.get()), mode->parameters};
                });
        }
    }
    return out.result();
}

VkResult DisplayRegistry::modeProperties2(VkDisplayKHR handle, uint32_t* count, VkDisplayModeProperties2KHR* properties)
{
    const std::scoped_lock lock(m_mutex);
    if (const VkResult result = refresh(); result != VK_SUCCESS)
        return result;
    OutArray<VkDisplayModeProperties2KHR> out(count, properties);
    if (const Display* display = displayLocked(handle)) {
        for (const auto& mode : display->modes) {
            if (mode->listed)
                out.append([&](VkDisplayModeProperties2KHR& element) {
                    element.displayModeProperties = {toHandle<VkDisplayModeKHR>(mode.get()), mode->parameters};
                });
        }
    }
    return out.result();
}

int DisplayRegistry::makeMode(Display& display, const VkDisplayModeParametersKHR& wanted, drmModeModeInfo* info)
{
    const std::shared_ptr<drm::Device> device = display.acquired ? display.acquired : deviceLocked();
    if (!device)
        return ENODEV;
    int error = EINVAL;
    // Reduced blanking of version 2 alone has a fine enough clock to hit any rate; the others are for drivers
    // and displays with a liking for the classic timings.
    for (const drm::CvtBlanking blanking :
         {drm::CvtBlanking::ReducedV2, drm::CvtBlanking::ReducedV1, drm::CvtBlanking::Standard}) {
        if (!drm::makeCvtMode(wanted.visibleRegion.width, wanted.visibleRegion.height, wanted.refreshRate, blanking,
                              info) ||
            distance(drm::refreshMilliHz(*info), wanted.refreshRate) > kSameRate)
            continue;
        error = device->testMode(display.connector, *info);
        if (error != EINVAL)
            return error;
    }
    return error;
}

VkResult DisplayRegistry::createMode(VkDisplayKHR handle, const VkDisplayModeCreateInfoKHR& info,
                                     VkDisplayModeKHR* mode)
{
    const std::scoped_lock lock(m_mutex);
    if (const VkResult result = refresh(); result != VK_SUCCESS)
        return result;
    Display* display = displayLocked(handle);
    if (!display || !display->connected)
        return VK_ERROR_INITIALIZATION_FAILED;
    const VkDisplayModeParametersKHR& wanted = info.parameters;

    DisplayMode* best = nullptr;
    for (const auto& candidate : display->modes) {
        const VkDisplayModeParametersKHR& have = candidate->parameters;
        if ((!candidate->listed && !candidate->made) || have.visibleRegion.width != wanted.visibleRegion.width ||
            have.visibleRegion.height != wanted.visibleRegion.height ||
            distance(have.refreshRate, wanted.refreshRate) > kSameRate)
            continue;
        if (!best ||
            distance(have.refreshRate, wanted.refreshRate) < distance(best->parameters.refreshRate, wanted.refreshRate))
            best = candidate.get();
    }
    if (!best) {
        drmModeModeInfo timings{};
        if (const int error = makeMode(*display, wanted, &timings)) {
            VWSI_WARN("%s cannot show %ux%u at %u mHz: %s; use one of its listed modes", display->name(),
                      wanted.visibleRegion.width, wanted.visibleRegion.height, wanted.refreshRate, strerror(error));
            return error == ENOMEM ? VK_ERROR_OUT_OF_HOST_MEMORY : VK_ERROR_INITIALIZATION_FAILED;
        }
        best = display->modes
                   .emplace_back(std::make_unique<DisplayMode>(DisplayMode{
                       display, timings, {wanted.visibleRegion, drm::refreshMilliHz(timings)}, false, true}))
                   .get();
    }
    *mode = toHandle<VkDisplayModeKHR>(best);
    return VK_SUCCESS;
}

VkResult DisplayRegistry::planeCapabilities(VkDisplayModeKHR handle, uint32_t planeIndex,
                                            VkDisplayPlaneCapabilitiesKHR* capabilities)
{
    *capabilities = {};
    const DisplayMode* mode = findMode(handle);
    const drm::Plane* chosen = plane(planeIndex);
    if (!mode || !chosen)
        return VK_SUCCESS;
    const VkExtent2D size = mode->parameters.visibleRegion;
    capabilities->supportedAlpha = VK_DISPLAY_PLANE_ALPHA_OPAQUE_BIT_KHR;
    capabilities->maxSrcExtent = size;
    capabilities->maxDstExtent = size;
    if (chosen->type == drm::PlaneType::Primary) {
        // Nearly all controllers want the lowest plane to cover the display, unscaled. Images may have any size and
        // place for all that (FrameComposer), but applications give them the least size that is named here.
        capabilities->minSrcExtent = size;
        capabilities->minDstExtent = size;
        return VK_SUCCESS;
    }
    capabilities->minSrcExtent = {1, 1};
    capabilities->minDstExtent = {1, 1};
    capabilities->maxSrcPosition = {static_cast<int32_t>(size.width) - 1, static_cast<int32_t>(size.height) - 1};
    capabilities->maxDstPosition = capabilities->maxSrcPosition;
    return VK_SUCCESS;
}

} // namespace vwsi
