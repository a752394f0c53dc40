#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vwsi::testing {

/// A frame as the window system would have shown it.
struct ShownFrame {
    std::string name;
    uint32_t width = 0;
    uint32_t height = 0;
    std::vector<uint8_t> rgb;

    /// Red, green and blue of the pixel as 0xRRGGBB.
    uint32_t at(uint32_t x, uint32_t y) const;
    /// The one colour of all pixels, or UINT32_MAX when they differ.
    uint32_t flat() const;
};

/// The frames that were presented on headless surfaces (VENUS_WSI_HEADLESS_DIR), in order.
std::vector<ShownFrame> shownFrames(const std::string& folder);

/// shownFrames() once there are `count`; fewer when that takes longer than ten seconds.
std::vector<ShownFrame> waitForFrames(const std::string& folder, size_t count);

} // namespace vwsi::testing
