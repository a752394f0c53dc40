#include "swapchain/placement.h"

#include <algorithm>
#include <cstdint>

namespace vwsi {

namespace {

/// One axis of a placement.
struct Span {
    uint32_t source, sourceLength;
    uint32_t destination, destinationLength;
};

uint32_t offsetOf(uint32_t room, VkPresentGravityFlagsEXT gravity)
{
    if (gravity & VK_PRESENT_GRAVITY_MAX_BIT_EXT)
        return room;
    return gravity & VK_PRESENT_GRAVITY_CENTERED_BIT_EXT ? room / 2 : 0;
}

Span pixelForPixel(uint32_t image, uint32_t surface, VkPresentGravityFlagsEXT gravity)
{
    const uint32_t shown = std::min(image, surface);
    return {offsetOf(image - shown, gravity), shown, offsetOf(surface - shown, gravity), shown};
}

Span stretched(uint32_t image, uint32_t length, uint32_t surface, VkPresentGravityFlagsEXT gravity)
{
    return {0, image, offsetOf(surface - length, gravity), length};
}

/// `image` * `to` / `from`, rounded, at least one pixel and at most `most`.
uint32_t inProportion(uint32_t image, uint32_t to, uint32_t from, uint32_t most)
{
    const uint64_t length = (uint64_t{image} * to + from / 2) / from;
    return static_cast<uint32_t>(std::clamp<uint64_t>(length, 1, most));
}

/// Where a change of [begin, begin + length) on the source's axis shows.
Span mapped(int64_t begin, int64_t length, const Span& span)
{
    int64_t left = begin - span.source;
    int64_t right = left + length;
    if (right <= 0 || left >= int64_t{span.sourceLength})
        return {};
    if (span.sourceLength != span.destinationLength) {
        // A linear filter reads up to one pixel of the image beside the one that a pixel of the surface falls on; one
        // more on the surface makes up for how drivers round.
        left = (left - 1) * span.destinationLength / span.sourceLength - 1;
        right = ((right + 1) * span.destinationLength + span.sourceLength - 1) / span.sourceLength + 1;
    }
    left = std::clamp<int64_t>(left, 0, span.destinationLength);
    right = std::clamp<int64_t>(right, left, span.destinationLength);
    return {0, 0, span.destination + static_cast<uint32_t>(left), static_cast<uint32_t>(right - left)};
}

bool same(const VkRect2D& left, const VkRect2D& right)
{
    return left.offset.x == right.offset.x && left.offset.y == right.offset.y &&
           left.extent.width == right.extent.width && left.extent.height == right.extent.height;
}

} // namespace

VkRect2D Placement::map(const VkRect2D& changed) const
{
    const Span x = mapped(changed.offset.x, changed.extent.width,
                          {static_cast<uint32_t>(source.offset.x), source.extent.width,
                           static_cast<uint32_t>(destination.offset.x), destination.extent.width});
    const Span y = mapped(changed.offset.y, changed.extent.height,
                          {static_cast<uint32_t>(source.offset.y), source.extent.height,
                           static_cast<uint32_t>(destination.offset.y), destination.extent.height});
    return {{static_cast<int32_t>(x.destination), static_cast<int32_t>(y.destination)},
            {x.destinationLength, y.destinationLength}};
}

bool operator==(const Placement& left, const Placement& right)
{
    return same(left.source, right.source) && same(left.destination, right.destination) &&
           left.surface.width == right.surface.width && left.surface.height == right.surface.height;
}

Placement place(const PresentScaling& scaling, VkExtent2D image, VkExtent2D surface)
{
    Span x = pixelForPixel(image.width, surface.width, scaling.gravityX);
    Span y = pixelForPixel(image.height, surface.height, scaling.gravityY);
    if (scaling.behavior & VK_PRESENT_SCALING_STRETCH_BIT_EXT) {
        x = stretched(image.width, surface.width, surface.width, scaling.gravityX);
        y = stretched(image.height, surface.height, surface.height, scaling.gravityY);
    } else if (scaling.behavior & VK_PRESENT_SCALING_ASPECT_RATIO_STRETCH_BIT_EXT) {
        const bool wider = uint64_t{image.width} * surface.height > uint64_t{image.height} * surface.width;
        const uint32_t width =
            wider ? surface.width : inProportion(image.width, surface.height, image.height, surface.width);
        const uint32_t height =
            wider ? inProportion(image.height, surface.width, image.width, surface.height) : surface.height;
        x = stretched(image.width, width, surface.width, scaling.gravityX);
        y = stretched(image.height, height, surface.height, scaling.gravityY);
    }
    return {{{static_cast<int32_t>(x.source), static_cast<int32_t>(y.source)}, {x.sourceLength, y.sourceLength}},
            {{static_cast<int32_t>(x.destination), static_cast<int32_t>(y.destination)},
             {x.destinationLength, y.destinationLength}},
            surface};
}

} // namespace vwsi
