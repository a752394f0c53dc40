#pragma once

#include <cmath>
#include <cstdint>

namespace vwsi {

/// A number of VkHdrMetadataEXT in whole units, `perOne` of which make 1, rounded and kept within 0..limit. What is not
/// a number counts as unknown, which is 0 (spec, HDR Metadata).
inline uint32_t hdrUnits(float value, double perOne, uint32_t limit)
{
    const double units = static_cast<double>(value) * perOne;
    if (!(units > 0))
        return 0;
    return units < limit ? static_cast<uint32_t>(std::lround(units)) : limit;
}

} // namespace vwsi
