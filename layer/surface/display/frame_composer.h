#pragma once

#include "drm/dumb_buffer.h"
#include "drm/kms.h"

#include <array>
#include <memory>
#include <vector>
#include <vulkan/vulkan.h>

namespace vwsi {

/// Places frames on the CPU where the plane cannot: copies a part of a frame into a buffer of its own, scaled to the
/// nearest pixel, on black.
class FrameComposer {
public:
    FrameComposer(std::shared_ptr<drm::Device> device, uint32_t fourcc, uint32_t bytesPerPixel)
        : m_device(std::move(device)), m_fourcc(fourcc), m_bytesPerPixel(bytesPerPixel)
    {
    }

    /// Draws `source` of `frame` at `destination` of a canvas of this size; what lies outside of it is left out. 0 or
    /// an errno.
    int compose(const drm::DumbBuffer& frame, const drm::Rectangle& source, const drm::Rectangle& destination,
                VkExtent2D size, std::shared_ptr<drm::DumbBuffer>* result);
    /// The last result is on its way to the display: the next frame is drawn elsewhere.
    void shown() { m_next = 1 - m_next; }

private:
    struct Canvas {
        std::shared_ptr<drm::DumbBuffer> memory;
        drm::Rectangle drawn; ///< all else is black
    };

    void draw(const drm::DumbBuffer& frame, const drm::Rectangle& source, const drm::Rectangle& destination,
              drm::DumbBuffer& canvas);

    const std::shared_ptr<drm::Device> m_device;
    const uint32_t m_fourcc;
    const uint32_t m_bytesPerPixel;
    std::array<Canvas, 2> m_canvases;
    size_t m_next = 0;
    std::vector<uint32_t> m_columns; ///< for each drawn pixel of a row the byte in the frame's row
};

} // namespace vwsi
