#pragma once

#include <cstdint>
#include <xf86drmMode.h>

namespace vwsi::drm {

/// Vertical refresh rate in mHz from the timings: pixel clock over total pixels, fields of interlaced modes
/// counted, double-scanned and multi-scanned lines too. Falls back to the kernel's rounded Hz for modes
/// without timings.
uint32_t refreshMilliHz(const drmModeModeInfo& mode);

/// Nanoseconds from one refresh to the next.
uint64_t refreshPeriod(const drmModeModeInfo& mode);

/// True when both describe the same signal; name, type and the kernel's rounded refresh are not looked at.
bool sameTimings(const drmModeModeInfo& a, const drmModeModeInfo& b);

enum class CvtBlanking {
    Standard,  ///< for CRTs; pixel clock in steps of 250 kHz
    ReducedV1, ///< CVT 1.1 reduced blanking; pixel clock in steps of 250 kHz
    ReducedV2, ///< CVT 1.2 reduced blanking; pixel clock in steps of 1 kHz, so the rate comes out exactly
};

/// A mode by VESA's Coordinated Video Timings 2.0, without margins and interlace. False when the size is odd,
/// zero or too large, or the rate lies outside 1..1000 Hz.
bool makeCvtMode(uint32_t width, uint32_t height, uint32_t milliHz, CvtBlanking blanking, drmModeModeInfo* mode);

} // namespace vwsi::drm
