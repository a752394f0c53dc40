#pragma once

#include "drm/color_signal.h"

#include <optional>
#include <vulkan/vulkan.h>

namespace vwsi {

/// The transfer function that a display is told for a colour space; none for those that it is not told of.
std::optional<drm::Eotf> eotfOf(VkColorSpaceKHR space);

/// VkHdrMetadataEXT as the Dynamic Range and Mastering InfoFrame has it (CTA-861-H, 6.9.1): chromaticities in units of
/// 0.00002, luminances in cd/m², the least one in 0.0001 cd/m².
hdr_metadata_infoframe toInfoFrame(const VkHdrMetadataEXT& metadata);

} // namespace vwsi
