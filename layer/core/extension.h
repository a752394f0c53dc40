#pragma once

#include <bitset>
#include <cstdint>
#include <span>
#include <string_view>
#include <vulkan/vulkan.h>

namespace vwsi {

/// Extensions that the layer supplies, and those of the driver that it must know the state of.
enum class Extension : uint8_t {
    None, ///< core, or always there

    // Instance extensions
    KhrSurface,
    KhrGetSurfaceCapabilities2,
    KhrXcbSurface,
    KhrXlibSurface,
    KhrWaylandSurface,
    KhrDisplay,
    KhrGetDisplayProperties2,
    KhrSurfaceProtectedCapabilities,
    KhrSurfaceMaintenance1,
    ExtSurfaceMaintenance1,
    ExtHeadlessSurface,
    ExtDirectModeDisplay,
    ExtAcquireDrmDisplay,
    ExtDisplaySurfaceCounter,
    ExtSwapchainColorspace,

    // Device extensions
    KhrSwapchain,
    KhrSwapchainMutableFormat,
    KhrDisplaySwapchain,
    KhrIncrementalPresent,
    KhrPresentId,
    KhrPresentId2,
    KhrPresentWait,
    KhrPresentWait2,
    KhrSharedPresentableImage,
    KhrSwapchainMaintenance1,
    KhrCalibratedTimestamps,
    GoogleDisplayTiming,
    ExtPresentTiming,
    ExtSwapchainMaintenance1,
    ExtDisplayControl,
    ExtHdrMetadata,
    KhrPresentModeFifoLatestReady,
    ExtPresentModeFifoLatestReady,
    ExtImageCompressionControlSwapchain,

    Count
};

using ExtensionSet = std::bitset<static_cast<size_t>(Extension::Count)>;

/// Name, revision and level of one extension that the layer supplies.
struct ExtensionInfo {
    Extension extension;
    const char* name;
    uint32_t revision;
    bool instanceLevel;
    /// The driver's extension that this one adds to; without it the layer does not supply this one. Null: none.
    const char* base = nullptr;
    bool onlyIfMissing = false; ///< a driver that has it keeps its own
};

/// All extensions that this build of the layer supplies.
std::span<const ExtensionInfo> suppliedExtensions();

/// The supplied extension of this name, or Extension::None.
Extension findExtension(std::string_view name);

/// True for device extensions that belong to the window-system integration of the driver itself. On a served device the
/// driver's own are hidden, also where the layer has no counterpart, because their commands take swapchains that the
/// driver does not know.
bool isWindowSystemDeviceExtension(std::string_view name);

inline bool has(const ExtensionSet& set, Extension extension)
{
    return set[static_cast<size_t>(extension)];
}

} // namespace vwsi
