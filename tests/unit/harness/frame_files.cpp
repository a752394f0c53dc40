#include "harness/frame_files.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

namespace vwsi::testing {

uint32_t ShownFrame::at(uint32_t x, uint32_t y) const
{
    const size_t i = (static_cast<size_t>(y) * width + x) * 3;
    return i + 2 < rgb.size() ? uint32_t(rgb[i]) << 16 | uint32_t(rgb[i + 1]) << 8 | rgb[i + 2] : UINT32_MAX;
}

uint32_t ShownFrame::flat() const
{
    const uint32_t first = at(0, 0);
    for (uint32_t y = 0; y < height; ++y) {
        for (uint32_t x = 0; x < width; ++x) {
            if (at(x, y) != first)
                return UINT32_MAX;
        }
    }
    return first;
}

std::vector<ShownFrame> shownFrames(const std::string& folder)
{
    std::vector<ShownFrame> frames;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".ppm")
            continue;
        std::ifstream file(entry.path(), std::ios::binary);
        ShownFrame frame;
        frame.name = entry.path().filename().string();
        std::string magic;
        unsigned maximum = 0;
        file >> magic >> frame.width >> frame.height >> maximum;
        file.get();
        frame.rgb.resize(static_cast<size_t>(frame.width) * frame.height * 3);
        file.read(reinterpret_cast<char*>(frame.rgb.data()), static_cast<std::streamsize>(frame.rgb.size()));
        if (magic == "P6" && maximum == 255 && file)
            frames.push_back(std::move(frame));
    }
    std::sort(frames.begin(), frames.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return frames;
}

std::vector<ShownFrame> waitForFrames(const std::string& folder, size_t count)
{
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    for (;;) {
        std::vector<ShownFrame> frames = shownFrames(folder);
        if (frames.size() >= count || std::chrono::steady_clock::now() > limit)
            return frames;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

} // namespace vwsi::testing
