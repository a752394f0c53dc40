#include "core/extension.h"

#include <algorithm>

namespace vwsi {

namespace {

constexpr ExtensionInfo kSupplied[] = {
    {Extension::KhrSurface, VK_KHR_SURFACE_EXTENSION_NAME, VK_KHR_SURFACE_SPEC_VERSION, true},
    {Extension::KhrGetSurfaceCapabilities2, VK_KHR_GET_SURFACE_CAPABILITIES_2_EXTENSION_NAME,
     VK_KHR_GET_SURFACE_CAPABILITIES_2_SPEC_VERSION, true},
    {Extension::ExtSurfaceMaintenance1, VK_EXT_SURFACE_MAINTENANCE_1_EXTENSION_NAME,
     VK_EXT_SURFACE_MAINTENANCE_1_SPEC_VERSION, true},
    // The KHR extensions are the EXT ones by other names, so that headers with those do for both.
    {Extension::KhrSurfaceMaintenance1, "VK_KHR_surface_maintenance1", 1, true},
    {Extension::KhrSurfaceProtectedCapabilities, VK_KHR_SURFACE_PROTECTED_CAPABILITIES_EXTENSION_NAME,
     VK_KHR_SURFACE_PROTECTED_CAPABILITIES_SPEC_VERSION, true},
    {Extension::ExtSwapchainColorspace, VK_EXT_SWAPCHAIN_COLOR_SPACE_EXTENSION_NAME,
     VK_EXT_SWAPCHAIN_COLOR_SPACE_SPEC_VERSION, true},
    {Extension::ExtHeadlessSurface, VK_EXT_HEADLESS_SURFACE_EXTENSION_NAME, VK_EXT_HEADLESS_SURFACE_SPEC_VERSION, true},
#ifdef VWSI_HAVE_XCB
    {Extension::KhrXcbSurface, "VK_KHR_xcb_surface", 6, true},
#endif
#ifdef VWSI_HAVE_XLIB
    {Extension::KhrXlibSurface, "VK_KHR_xlib_surface", 6, true},
#endif
#ifdef VWSI_HAVE_WAYLAND
    {Extension::KhrWaylandSurface, "VK_KHR_wayland_surface", 6, true},
#endif
#ifdef VWSI_HAVE_DISPLAY
    {Extension::KhrDisplay, VK_KHR_DISPLAY_EXTENSION_NAME, VK_KHR_DISPLAY_SPEC_VERSION, true},
    {Extension::KhrGetDisplayProperties2, VK_KHR_GET_DISPLAY_PROPERTIES_2_EXTENSION_NAME,
     VK_KHR_GET_DISPLAY_PROPERTIES_2_SPEC_VERSION, true},
    {Extension::ExtDirectModeDisplay, VK_EXT_DIRECT_MODE_DISPLAY_EXTENSION_NAME,
     VK_EXT_DIRECT_MODE_DISPLAY_SPEC_VERSION, true},
    {Extension::ExtAcquireDrmDisplay, VK_EXT_ACQUIRE_DRM_DISPLAY_EXTENSION_NAME,
     VK_EXT_ACQUIRE_DRM_DISPLAY_SPEC_VERSION, true},
    {Extension::ExtDisplaySurfaceCounter, VK_EXT_DISPLAY_SURFACE_COUNTER_EXTENSION_NAME,
     VK_EXT_DISPLAY_SURFACE_COUNTER_SPEC_VERSION, true},
    {Extension::ExtDisplayControl, VK_EXT_DISPLAY_CONTROL_EXTENSION_NAME, VK_EXT_DISPLAY_CONTROL_SPEC_VERSION, false},
    {Extension::KhrDisplaySwapchain, VK_KHR_DISPLAY_SWAPCHAIN_EXTENSION_NAME, VK_KHR_DISPLAY_SWAPCHAIN_SPEC_VERSION,
     false},
#endif
    {Extension::KhrSwapchain, VK_KHR_SWAPCHAIN_EXTENSION_NAME, VK_KHR_SWAPCHAIN_SPEC_VERSION, false},
    {Extension::KhrSwapchainMutableFormat, VK_KHR_SWAPCHAIN_MUTABLE_FORMAT_EXTENSION_NAME,
     VK_KHR_SWAPCHAIN_MUTABLE_FORMAT_SPEC_VERSION, false},
    {Extension::KhrIncrementalPresent, VK_KHR_INCREMENTAL_PRESENT_EXTENSION_NAME,
     VK_KHR_INCREMENTAL_PRESENT_SPEC_VERSION, false},
    {Extension::KhrPresentId, VK_KHR_PRESENT_ID_EXTENSION_NAME, VK_KHR_PRESENT_ID_SPEC_VERSION, false},
    {Extension::KhrPresentWait, VK_KHR_PRESENT_WAIT_EXTENSION_NAME, VK_KHR_PRESENT_WAIT_SPEC_VERSION, false},
    {Extension::GoogleDisplayTiming, VK_GOOGLE_DISPLAY_TIMING_EXTENSION_NAME, VK_GOOGLE_DISPLAY_TIMING_SPEC_VERSION,
     false},
#ifdef VK_KHR_present_id2
    {Extension::KhrPresentId2, VK_KHR_PRESENT_ID_2_EXTENSION_NAME, VK_KHR_PRESENT_ID_2_SPEC_VERSION, false},
#endif
#ifdef VK_KHR_present_wait2
    {Extension::KhrPresentWait2, VK_KHR_PRESENT_WAIT_2_EXTENSION_NAME, VK_KHR_PRESENT_WAIT_2_SPEC_VERSION, false},
#endif
#ifdef VK_EXT_present_timing
    {Extension::ExtPresentTiming, VK_EXT_PRESENT_TIMING_EXTENSION_NAME, VK_EXT_PRESENT_TIMING_SPEC_VERSION, false},
    {Extension::KhrCalibratedTimestamps, VK_KHR_CALIBRATED_TIMESTAMPS_EXTENSION_NAME,
     VK_KHR_CALIBRATED_TIMESTAMPS_SPEC_VERSION, false, nullptr, true},
#endif
    {Extension::KhrSharedPresentableImage, VK_KHR_SHARED_PRESENTABLE_IMAGE_EXTENSION_NAME,
     VK_KHR_SHARED_PRESENTABLE_IMAGE_SPEC_VERSION, false},
    {Extension::ExtHdrMetadata, VK_EXT_HDR_METADATA_EXTENSION_NAME, VK_EXT_HDR_METADATA_SPEC_VERSION, false},
    {Extension::ExtImageCompressionControlSwapchain, VK_EXT_IMAGE_COMPRESSION_CONTROL_SWAPCHAIN_EXTENSION_NAME,
     VK_EXT_IMAGE_COMPRESSION_CONTROL_SWAPCHAIN_SPEC_VERSION, false, VK_EXT_IMAGE_COMPRESSION_CONTROL_EXTENSION_NAME},
    {Extension::ExtSwapchainMaintenance1, VK_EXT_SWAPCHAIN_MAINTENANCE_1_EXTENSION_NAME,
     VK_EXT_SWAPCHAIN_MAINTENANCE_1_SPEC_VERSION, false},
    {Extension::KhrSwapchainMaintenance1, "VK_KHR_swapchain_maintenance1", 1, false},
#ifdef VK_EXT_present_mode_fifo_latest_ready
    // One was promoted to the other without a change, so that headers with the first do for both.
    {Extension::KhrPresentModeFifoLatestReady, "VK_KHR_present_mode_fifo_latest_ready", 1, false},
    {Extension::ExtPresentModeFifoLatestReady, VK_EXT_PRESENT_MODE_FIFO_LATEST_READY_EXTENSION_NAME,
     VK_EXT_PRESENT_MODE_FIFO_LATEST_READY_SPEC_VERSION, false},
#endif
};

/// Names without a header constant in the oldest headers the layer builds with are spelled out.
constexpr std::string_view kWindowSystemDeviceExtensions[] = {
    "VK_KHR_swapchain",
    "VK_KHR_swapchain_mutable_format",
    "VK_KHR_swapchain_maintenance1",
    "VK_KHR_display_swapchain",
    "VK_KHR_incremental_present",
    "VK_KHR_present_id",
    "VK_KHR_present_id2",
    "VK_KHR_present_mode_fifo_latest_ready",
    "VK_KHR_present_wait",
    "VK_KHR_present_wait2",
    "VK_KHR_shared_presentable_image",
    "VK_AMD_display_native_hdr",
    "VK_EXT_display_control",
    "VK_EXT_full_screen_exclusive",
    "VK_EXT_hdr_metadata",
    "VK_EXT_image_compression_control_swapchain",
    "VK_EXT_present_mode_fifo_latest_ready",
    "VK_EXT_present_timing",
    "VK_EXT_swapchain_maintenance1",
    "VK_GOOGLE_display_timing",
    "VK_NV_acquire_winrt_display",
    "VK_NV_low_latency2",
    "VK_NV_present_barrier",
};

} // namespace

std::span<const ExtensionInfo> suppliedExtensions()
{
    return kSupplied;
}

Extension findExtension(std::string_view name)
{
    for (const ExtensionInfo& info : kSupplied) {
        if (name == info.name)
            return info.extension;
    }
    return Extension::None;
}

bool isWindowSystemDeviceExtension(std::string_view name)
{
    return std::find(std::begin(kWindowSystemDeviceExtensions), std::end(kWindowSystemDeviceExtensions), name) !=
           std::end(kWindowSystemDeviceExtensions);
}

} // namespace vwsi
