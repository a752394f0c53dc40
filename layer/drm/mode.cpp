#include "drm/mode.h"

#include <algorithm>

namespace vwsi::drm {

uint32_t refreshMilliHz(const drmModeModeInfo& mode)
{
    uint64_t lines = static_cast<uint64_t>(mode.htotal) * mode.vtotal;
    uint64_t rate = static_cast<uint64_t>(mode.clock) * 1'000'000u;
    if (lines == 0 || rate == 0)
        return mode.vrefresh * 1000;
    if (mode.flags & DRM_MODE_FLAG_INTERLACE)
        rate *= 2;
    if (mode.flags & DRM_MODE_FLAG_DBLSCAN)
        lines *= 2;
    if (mode.vscan > 1)
        lines *= mode.vscan;
    return static_cast<uint32_t>((rate + lines / 2) / lines);
}

uint64_t refreshPeriod(const drmModeModeInfo& mode)
{
    const uint32_t milliHz = refreshMilliHz(mode);
    return milliHz == 0 ? 16'666'667u : 1'000'000'000'000u / milliHz;
}

bool sameTimings(const drmModeModeInfo& a, const drmModeModeInfo& b)
{
    return a.clock == b.clock && a.hdisplay == b.hdisplay && a.hsync_start == b.hsync_start &&
           a.hsync_end == b.hsync_end && a.htotal == b.htotal && a.hskew == b.hskew && a.vdisplay == b.vdisplay &&
           a.vsync_start == b.vsync_start && a.vsync_end == b.vsync_end && a.vtotal == b.vtotal &&
           std::max<uint16_t>(a.vscan, 1) == std::max<uint16_t>(b.vscan, 1) && a.flags == b.flags;
}

} // namespace vwsi::drm
