#pragma once

#include "drm/resources.h"

#include <list>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>
#include <vulkan/vulkan.h>

namespace vwsi {

namespace drm {
class Device;
} // namespace drm

class DisplayRegistry;
struct Display;

/// What a VkDisplayModeKHR stands for.
struct DisplayMode {
    Display* display;
    drmModeModeInfo info;
    VkDisplayModeParametersKHR parameters; ///< refresh rate in mHz, from the timings
    bool listed = true;                    ///< the display itself names it now
    bool made = false;                     ///< by vkCreateDisplayModeKHR
};

/// What a VkDisplayKHR stands for: a connector. Lives as long as its registry, so that handles stay the same.
struct Display {
    DisplayRegistry* registry = nullptr;
    uint32_t connector = 0;

    const char* name() const { return names.back().c_str(); }

    std::list<std::string> names; ///< the last one counts; applications may still hold pointers to the others
    bool connected = false;
    VkExtent2D sizeMm{}; ///< millimetres; 0: unknown
    uint32_t possibleCrtcs = 0;
    uint32_t currentCrtc = 0;
    std::vector<VkColorSpaceKHR> hdrSpaces;          ///< that kernel and display both know
    std::vector<std::unique_ptr<DisplayMode>> modes; ///< the preferred one first among those that are listed
    /// Set while the application drives the display through a descriptor of its own
    /// (VK_EXT_acquire_drm_display).
    std::shared_ptr<drm::Device> acquired;
};

// Handles are the addresses of these objects. Non-dispatchable handles are pointers or 64-bit integers.
template <typename Handle, typename Object> Handle toHandle(Object* object)
{
    if constexpr (std::is_pointer_v<Handle>)
        return reinterpret_cast<Handle>(object);
    else
        return static_cast<Handle>(reinterpret_cast<uintptr_t>(object));
}

} // namespace vwsi
