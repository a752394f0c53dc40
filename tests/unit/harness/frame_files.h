#pragma once

#include "harness/child_process.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>
#include <vulkan/vulkan.h>

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

/// A colour that says which frame it is: red is the number.
inline VkClearColorValue numbered(uint32_t frame)
{
    return {{static_cast<float>(frame) / 255.0f, 0.2f, 1.0f, 1.0f}};
}

} // namespace vwsi::testing

/// IN_PROCESS_WITH, with the frames of headless surfaces left in childFolder(): only the child knows it, so that the
/// variable is set there, before the layer is loaded.
#define SHOWN_IN_PROCESS_WITH(...)                                                                                     \
    IN_PROCESS_WITH(__VA_ARGS__);                                                                                      \
    setenv("VENUS_WSI_HEADLESS_DIR", ::vwsi::testing::childFolder().c_str(), 1)
