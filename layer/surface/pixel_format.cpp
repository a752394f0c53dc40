#include "surface/pixel_format.h"

namespace vwsi {

namespace {

constexpr uint32_t fourcc(char a, char b, char c, char d)
{
    return static_cast<uint32_t>(static_cast<uint8_t>(a)) | static_cast<uint32_t>(static_cast<uint8_t>(b)) << 8 |
           static_cast<uint32_t>(static_cast<uint8_t>(c)) << 16 | static_cast<uint32_t>(static_cast<uint8_t>(d)) << 24;
}

constexpr uint32_t kXr24 = fourcc('X', 'R', '2', '4');
constexpr uint32_t kAr24 = fourcc('A', 'R', '2', '4');
constexpr uint32_t kXb24 = fourcc('X', 'B', '2', '4');
constexpr uint32_t kAb24 = fourcc('A', 'B', '2', '4');
constexpr uint32_t kXr30 = fourcc('X', 'R', '3', '0');
constexpr uint32_t kAr30 = fourcc('A', 'R', '3', '0');
constexpr uint32_t kXb30 = fourcc('X', 'B', '3', '0');
constexpr uint32_t kAb30 = fourcc('A', 'B', '3', '0');
constexpr uint32_t kXb4h = fourcc('X', 'B', '4', 'H');
constexpr uint32_t kAb4h = fourcc('A', 'B', '4', 'H');
constexpr uint32_t kRg16 = fourcc('R', 'G', '1', '6');

constexpr PixelFormat kFormats[] = {
    {VK_FORMAT_B8G8R8A8_UNORM, VK_FORMAT_B8G8R8A8_SRGB, kXr24, kAr24, 4, {8, 8, 8, 8}, {0xff0000, 0xff00, 0xff}},
    {VK_FORMAT_B8G8R8A8_SRGB, VK_FORMAT_B8G8R8A8_UNORM, kXr24, kAr24, 4, {8, 8, 8, 8}, {0xff0000, 0xff00, 0xff}},
    {VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_R8G8B8A8_SRGB, kXb24, kAb24, 4, {8, 8, 8, 8}, {0xff, 0xff00, 0xff0000}},
    {VK_FORMAT_R8G8B8A8_SRGB, VK_FORMAT_R8G8B8A8_UNORM, kXb24, kAb24, 4, {8, 8, 8, 8}, {0xff, 0xff00, 0xff0000}},
    {VK_FORMAT_A2R10G10B10_UNORM_PACK32,
     VK_FORMAT_UNDEFINED,
     kXr30,
     kAr30,
     4,
     {10, 10, 10, 2},
     {0x3ff00000, 0xffc00, 0x3ff}},
    {VK_FORMAT_A2B10G10R10_UNORM_PACK32,
     VK_FORMAT_UNDEFINED,
     kXb30,
     kAb30,
     4,
     {10, 10, 10, 2},
     {0x3ff, 0xffc00, 0x3ff00000}},
    {VK_FORMAT_R16G16B16A16_SFLOAT, VK_FORMAT_UNDEFINED, kXb4h, kAb4h, 8, {16, 16, 16, 16}, {}},
    {VK_FORMAT_R5G6B5_UNORM_PACK16, VK_FORMAT_UNDEFINED, kRg16, 0, 2, {5, 6, 5, 0}, {0xf800, 0x7e0, 0x1f}},
};

} // namespace

std::span<const PixelFormat> pixelFormats()
{
    return kFormats;
}

const PixelFormat* findPixelFormat(VkFormat format)
{
    for (const PixelFormat& entry : kFormats) {
        if (entry.format == format)
            return &entry;
    }
    return nullptr;
}

} // namespace vwsi
