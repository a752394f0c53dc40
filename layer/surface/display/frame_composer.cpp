#include "surface/display/frame_composer.h"

#include "drm/device.h"

#include <algorithm>
#include <cstring>
#include <span>

namespace vwsi {

namespace {

/// The span of a drawn axis that lies on the canvas.
struct Span {
    int64_t begin, end;
};

Span clip(int32_t position, uint32_t length, uint32_t limit)
{
    return {std::max<int64_t>(position, 0), std::min<int64_t>(int64_t{position} + length, limit)};
}

/// The source pixel under the centre of a drawn one.
uint32_t sourceOf(int64_t drawn, int32_t sourceBegin, uint32_t sourceLength, uint32_t drawnLength)
{
    const int64_t offset = ((2 * drawn + 1) * sourceLength) / (2 * int64_t{drawnLength});
    return static_cast<uint32_t>(sourceBegin + offset);
}

template <size_t Size> void copyPixels(unsigned char* to, const unsigned char* from, std::span<const uint32_t> columns)
{
    for (const uint32_t column : columns) {
        memcpy(to, from + column, Size);
        to += Size;
    }
}

} // namespace

int FrameComposer::compose(const drm::DumbBuffer& frame, const drm::Rectangle& source,
                           const drm::Rectangle& destination, VkExtent2D size, std::shared_ptr<drm::DumbBuffer>* result)
{
    Canvas& canvas = m_canvases[m_next];
    if (!canvas.memory || canvas.memory->width() != size.width || canvas.memory->height() != size.height) {
        canvas = {};
        if (const int error =
                drm::DumbBuffer::create(m_device, size.width, size.height, m_fourcc, m_bytesPerPixel, &canvas.memory))
            return error;
    } else if (!(canvas.drawn == destination)) {
        memset(canvas.memory->data(), 0, canvas.memory->size());
    }
    canvas.drawn = destination;
    draw(frame, source, destination, *canvas.memory);
    *result = canvas.memory;
    return 0;
}

void FrameComposer::draw(const drm::DumbBuffer& frame, const drm::Rectangle& source, const drm::Rectangle& destination,
                         drm::DumbBuffer& canvas)
{
    const Span across = clip(destination.x, destination.width, canvas.width());
    const Span down = clip(destination.y, destination.height, canvas.height());
    if (across.begin >= across.end || down.begin >= down.end)
        return;
    const auto pixels = static_cast<size_t>(across.end - across.begin);
    m_columns.resize(pixels);
    for (size_t i = 0; i < pixels; ++i)
        m_columns[i] = sourceOf(across.begin + static_cast<int64_t>(i) - destination.x, source.x, source.width,
                                destination.width) *
                       m_bytesPerPixel;

    const auto* const from = static_cast<const unsigned char*>(frame.data());
    auto* to = static_cast<unsigned char*>(canvas.data()) + static_cast<size_t>(down.begin) * canvas.stride() +
               static_cast<size_t>(across.begin) * m_bytesPerPixel;
    for (int64_t y = down.begin; y < down.end; ++y, to += canvas.stride()) {
        const auto* const row =
            from + size_t{sourceOf(y - destination.y, source.y, source.height, destination.height)} * frame.stride();
        if (source.width == destination.width)
            memcpy(to, row + m_columns[0], pixels * m_bytesPerPixel);
        else if (m_bytesPerPixel == 4)
            copyPixels<4>(to, row, m_columns);
        else if (m_bytesPerPixel == 2)
            copyPixels<2>(to, row, m_columns);
        else
            copyPixels<8>(to, row, m_columns);
    }
}

} // namespace vwsi
