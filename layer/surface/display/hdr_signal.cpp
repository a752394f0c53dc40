#include "surface/display/hdr_signal.h"

#include "surface/hdr_units.h"

namespace vwsi {

namespace {

constexpr uint32_t kOne = 50000; ///< chromaticity 1.0

uint16_t chromaticity(float value)
{
    return static_cast<uint16_t>(hdrUnits(value, kOne, kOne));
}

uint16_t luminance(float value, double perOne = 1)
{
    return static_cast<uint16_t>(hdrUnits(value, perOne, UINT16_MAX));
}

} // namespace

std::optional<drm::Eotf> eotfOf(VkColorSpaceKHR space)
{
    switch (space) {
    case VK_COLOR_SPACE_HDR10_ST2084_EXT:
        return drm::Eotf::Pq;
    case VK_COLOR_SPACE_HDR10_HLG_EXT:
        return drm::Eotf::Hlg;
    default:
        return {};
    }
}

hdr_metadata_infoframe toInfoFrame(const VkHdrMetadataEXT& metadata)
{
    hdr_metadata_infoframe frame{};
    const VkXYColorEXT primaries[] = {metadata.displayPrimaryRed, metadata.displayPrimaryGreen,
                                      metadata.displayPrimaryBlue};
    for (size_t i = 0; i < std::size(primaries); ++i) {
        frame.display_primaries[i].x = chromaticity(primaries[i].x);
        frame.display_primaries[i].y = chromaticity(primaries[i].y);
    }
    frame.white_point.x = chromaticity(metadata.whitePoint.x);
    frame.white_point.y = chromaticity(metadata.whitePoint.y);
    frame.max_display_mastering_luminance = luminance(metadata.maxLuminance);
    frame.min_display_mastering_luminance = luminance(metadata.minLuminance, 10000);
    frame.max_cll = luminance(metadata.maxContentLightLevel);
    frame.max_fall = luminance(metadata.maxFrameAverageLightLevel);
    return frame;
}

} // namespace vwsi
