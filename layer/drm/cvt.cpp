// VESA Coordinated Video Timings Standard, version 2.0 (2021): section 5.2 for cathode-ray tubes, 5.3 for
// reduced blanking version 1, 5.4 for version 2.

#include "drm/mode.h"

#include <cmath>
#include <cstdio>

namespace vwsi::drm {

namespace {

constexpr double kMinVerticalPorch = 3;      // lines, standard and reduced version 1
constexpr double kMinVerticalBackPorch = 7;  // lines, standard and reduced version 1
constexpr double kReducedV2BackPorch = 6;    // lines
constexpr double kMinVsyncBackPorchUs = 550; // standard blanking
constexpr double kReducedMinBlankUs = 460;
constexpr double kCellGranularity = 8; // pixels

struct Timings {
    double clockKHz;
    double frontPorch, sync, backPorch;                         // pixels
    double verticalFrontPorch, verticalSync, verticalBackPorch; // lines
};

// Table 2 of the standard: the sync width tells the receiver the aspect ratio.
double verticalSyncLines(uint32_t width, uint32_t height)
{
    const auto is = [&](uint32_t across, uint32_t down) {
        return height * across / down / 8 * 8 == width && height * across % down == 0;
    };
    if (is(4, 3))
        return 4;
    if (is(16, 9))
        return 5;
    if (is(16, 10))
        return 6;
    if (is(5, 4) || is(15, 9))
        return 7;
    return 10;
}

double stepDown(double value, double step)
{
    return std::floor(value / step) * step;
}

Timings standard(double width, double height, double rate, double syncLines)
{
    const double periodUs = (1e6 / rate - kMinVsyncBackPorchUs) / (height + kMinVerticalPorch);
    double syncAndBack = std::floor(kMinVsyncBackPorchUs / periodUs) + 1;
    if (syncAndBack < syncLines + kMinVerticalBackPorch)
        syncAndBack = syncLines + kMinVerticalBackPorch;
    // The generalised-timing duty cycle with C' = 30 and M' = 300, never below a fifth of the line.
    double duty = 30.0 - 300.0 * periodUs / 1000.0;
    if (duty < 20)
        duty = 20;
    const double blank = stepDown(width * duty / (100 - duty), 2 * kCellGranularity);
    const double total = width + blank;
    const double sync = stepDown(0.08 * total, kCellGranularity);
    const double back = blank / 2;
    return {stepDown(total / periodUs * 1000, 250),
            back - sync,
            sync,
            back,
            kMinVerticalPorch,
            syncLines,
            syncAndBack - syncLines};
}

Timings reduced(double width, double height, double rate, double syncLines, bool second)
{
    const double front = second ? 1 : kMinVerticalPorch;
    const double sync = second ? 8 : syncLines;
    const double periodUs = (1e6 / rate - kReducedMinBlankUs) / height;
    const double leastBack = second ? kReducedV2BackPorch : kMinVerticalBackPorch;
    double blankLines = std::floor(kReducedMinBlankUs / periodUs) + 1;
    if (blankLines < front + sync + leastBack)
        blankLines = front + sync + leastBack;
    const double total = width + (second ? 80 : 160);
    const double clock = stepDown(rate * (height + blankLines) * total / 1000, second ? 1 : 250);
    if (second)
        return {clock, 8, 32, 40, blankLines - sync - leastBack, sync, leastBack};
    return {clock, 48, 32, 80, front, sync, blankLines - front - sync};
}

} // namespace

bool makeCvtMode(uint32_t width, uint32_t height, uint32_t milliHz, CvtBlanking blanking, drmModeModeInfo* mode)
{
    // Timings are 16-bit in struct drm_mode_modeinfo; the blanking must fit as well.
    if (width < 64 || height < 64 || width > 32768 || height > 32768 || milliHz < 1000 || milliHz > 1'000'000)
        return false;
    const bool second = blanking == CvtBlanking::ReducedV2;
    if (width % (second ? 1 : 8) != 0)
        return false;
    const double rate = milliHz / 1000.0;
    const double syncLines = verticalSyncLines(width, height);
    if (1e6 / rate <= kMinVsyncBackPorchUs * 1.5)
        return false;
    const Timings timings = blanking == CvtBlanking::Standard ? standard(width, height, rate, syncLines)
                                                              : reduced(width, height, rate, syncLines, second);
    const double htotal = width + timings.frontPorch + timings.sync + timings.backPorch;
    const double vtotal = height + timings.verticalFrontPorch + timings.verticalSync + timings.verticalBackPorch;
    if (htotal > 65535 || vtotal > 65535 || timings.clockKHz < 1)
        return false;

    *mode = {};
    mode->clock = static_cast<uint32_t>(std::lround(timings.clockKHz));
    mode->hdisplay = static_cast<uint16_t>(width);
    mode->hsync_start = static_cast<uint16_t>(width + timings.frontPorch);
    mode->hsync_end = static_cast<uint16_t>(mode->hsync_start + timings.sync);
    mode->htotal = static_cast<uint16_t>(htotal);
    mode->vdisplay = static_cast<uint16_t>(height);
    mode->vsync_start = static_cast<uint16_t>(height + timings.verticalFrontPorch);
    mode->vsync_end = static_cast<uint16_t>(mode->vsync_start + timings.verticalSync);
    mode->vtotal = static_cast<uint16_t>(vtotal);
    mode->flags = blanking == CvtBlanking::Standard ? DRM_MODE_FLAG_NHSYNC | DRM_MODE_FLAG_PVSYNC
                                                    : DRM_MODE_FLAG_PHSYNC | DRM_MODE_FLAG_NVSYNC;
    mode->type = DRM_MODE_TYPE_USERDEF;
    mode->vrefresh = (refreshMilliHz(*mode) + 500) / 1000;
    snprintf(mode->name, sizeof(mode->name), "%ux%u", width, height);
    return true;
}

} // namespace vwsi::drm
