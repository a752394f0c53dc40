#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace vwsi::drm {

/// What a display says of itself (VESA E-EDID, release A, revision 2).
struct EdidInfo {
    std::string name;     ///< maker and model as people know them; empty: unknown
    uint32_t widthMm = 0; ///< visible area in millimetres; 0: unknown (projectors, virtual displays)
    uint32_t heightMm = 0;
};

/// Reads an EDID; what is damaged or missing stays empty. Names come from libdisplay-info where it is
/// installed.
EdidInfo parseEdid(std::span<const uint8_t> edid);

/// The same without libdisplay-info.
EdidInfo parseEdidBaseBlock(std::span<const uint8_t> edid);

} // namespace vwsi::drm
