#pragma once

#include "drm/properties.h"

#include <array>
#include <optional>
#include <span>
#include <xf86drmMode.h>

namespace vwsi::drm {

/// Transfer functions of the Dynamic Range and Mastering InfoFrame (CTA-861-H, table 48).
enum class Eotf : uint8_t { TraditionalSdr = 0, TraditionalHdr = 1, Pq = 2, Hlg = 3 };

/// The bytes of a struct hdr_output_metadata, padding and all.
using HdrBlob = std::array<uint8_t, sizeof(hdr_output_metadata)>;

/// What a connector tells its display of the pixels that it sends.
struct ColorSignal {
    std::optional<HdrBlob> metadata; ///< the InfoFrame; none: standard dynamic range
    uint64_t colorspace = 0;         ///< of the property "Colorspace"; 0: the default of the mode
    uint64_t maxBpc = 0;             ///< most bits of a component on the wire; 0: as the connector had it

    bool operator==(const ColorSignal&) const = default;
};

HdrBlob toBlob(Eotf eotf, const hdr_metadata_infoframe& metadata);

/// What a display says that it takes, in its EDID's CTA-861 blocks.
struct SinkColors {
    bool pq = false;        ///< SMPTE ST 2084 (HDR static metadata data block)
    bool hlg = false;       ///< hybrid log-gamma
    bool bt2020Rgb = false; ///< BT.2020 RGB (colorimetry data block)
};

/// Reads an EDID; blocks that are damaged or missing say nothing.
SinkColors parseSinkColors(std::span<const uint8_t> edid);

/// Whether a connector can tell its display of BT.2020 RGB pixels in a transfer function, and the display takes them.
bool canSignal(const ConnectorProperties& properties, const SinkColors& sink, Eotf eotf);

/// The signal of BT.2020 RGB pixels with 10 bits or more, without mastering metadata; of a connector that canSignal().
ColorSignal bt2020Signal(const ConnectorProperties& properties, Eotf eotf);

/// What a connector said when its properties were read.
ColorSignal currentSignal(int fd, const ConnectorProperties& properties);

} // namespace vwsi::drm
