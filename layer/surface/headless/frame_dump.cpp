#include "surface/headless/frame_dump.h"

#include "core/log.h"

#include <atomic>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

namespace vwsi {

namespace {

/// One channel of a little-endian pixel, scaled to 8 bits.
unsigned char channel(uint32_t pixel, uint32_t mask)
{
    const int shift = std::countr_zero(mask);
    const uint32_t most = mask >> shift;
    return static_cast<unsigned char>(((pixel & mask) >> shift) * 255 / most);
}

bool writeImage(FILE* file, const TargetInfo& info, const TargetBuffer& buffer)
{
    const uint32_t width = info.extent.width;
    const uint32_t pixelBytes = info.format->bytesPerPixel;
    std::vector<unsigned char> row(size_t{width} * 3);
    fprintf(file, "P6\n%u %u\n255\n", width, info.extent.height);
    for (uint32_t y = 0; y < info.extent.height; ++y) {
        const auto* source = static_cast<const unsigned char*>(buffer.data) + size_t{y} * buffer.stride;
        for (uint32_t x = 0; x < width; ++x, source += pixelBytes) {
            uint32_t pixel = 0;
            memcpy(&pixel, source, pixelBytes);
            for (size_t i = 0; i < 3; ++i)
                row[size_t{x} * 3 + i] = channel(pixel, info.format->masks[i]);
        }
        if (fwrite(row.data(), 1, row.size(), file) != row.size())
            return false;
    }
    return true;
}

} // namespace

void dumpFrame(const std::string& folder, uint64_t serial, const TargetInfo& info, const TargetBuffer& buffer)
{
    char name[64];
    snprintf(name, sizeof(name), "/frame-%06llu.ppm", static_cast<unsigned long long>(serial));
    const std::string path = folder + name;
    const std::string partial = path + ".part";
    FILE* const file = fopen(partial.c_str(), "wbe");
    bool written = file && writeImage(file, info, buffer);
    if (file)
        written = fclose(file) == 0 && written;
    if (written && rename(partial.c_str(), path.c_str()) == 0)
        return;
    static std::atomic<bool> reported{false};
    if (!reported.exchange(true))
        VWSI_ERROR("%s cannot be written (%s); check VENUS_WSI_HEADLESS_DIR", path.c_str(), strerror(errno));
}

} // namespace vwsi
