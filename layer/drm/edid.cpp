#include "drm/edid.h"

#include "core/dynamic_library.h"

#include <cstdlib>
#include <cstring>

namespace vwsi::drm {

namespace {

constexpr size_t kBlockSize = 128;
constexpr size_t kDescriptorOffset = 54;
constexpr size_t kDescriptorSize = 18;
constexpr uint8_t kNameDescriptor = 0xfc;
constexpr uint8_t kHeader[] = {0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00};

bool validBlock(std::span<const uint8_t> edid)
{
    if (edid.size() < kBlockSize || memcmp(edid.data(), kHeader, sizeof(kHeader)) != 0)
        return false;
    uint8_t sum = 0;
    for (const uint8_t byte : edid.first(kBlockSize))
        sum = static_cast<uint8_t>(sum + byte);
    return sum == 0;
}

// Control characters would break log lines and menus.
std::string printable(const char* text, size_t length)
{
    std::string result;
    for (size_t i = 0; i < length && text[i] != '\0' && text[i] != '\n'; ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        result += byte >= 0x20 && byte != 0x7f ? text[i] : '?';
    }
    while (!result.empty() && result.back() == ' ')
        result.pop_back();
    return result;
}

std::string manufacturer(std::span<const uint8_t> edid)
{
    const unsigned packed = static_cast<unsigned>(edid[8]) << 8 | edid[9];
    std::string letters;
    for (const unsigned shift : {10u, 5u, 0u}) {
        const unsigned letter = packed >> shift & 0x1f;
        if (letter < 1 || letter > 26)
            return {};
        letters += static_cast<char>('A' + letter - 1);
    }
    return letters;
}

std::string joined(const std::string& maker, const std::string& model)
{
    if (maker.empty() || model.empty())
        return maker + model;
    return maker + " " + model;
}

/// The part of libdisplay-info whose ABI is the same in all its versions (info.h).
struct DisplayInfo {
    DynamicLibrary* library = nullptr; ///< stays open for the life of the process, like this table
    void* (*parse)(const void* data, size_t size) = nullptr;
    char* (*make)(const void* info) = nullptr;
    char* (*model)(const void* info) = nullptr;
    void (*destroy)(void* info) = nullptr;

    bool bindFrom(const DynamicLibrary& library)
    {
        return library.bind(parse, "di_info_parse_edid") && library.bind(make, "di_info_get_make") &&
               library.bind(model, "di_info_get_model") && library.bind(destroy, "di_info_destroy");
    }
};

const DisplayInfo* displayInfo()
{
    static const DisplayInfo* const table = [] {
        DisplayInfo* result = nullptr;
        for (const char* soname : {"libdisplay-info.so.3", "libdisplay-info.so.2", "libdisplay-info.so.1"}) {
            auto* library = new DynamicLibrary(soname);
            DisplayInfo candidate;
            if (library->loaded() && candidate.bindFrom(*library)) {
                candidate.library = library;
                result = new DisplayInfo(candidate);
                break;
            }
            delete library;
        }
        return result;
    }();
    return table;
}

std::string takeText(char* text)
{
    std::string result = text ? printable(text, strlen(text)) : std::string();
    free(text);
    return result;
}

} // namespace

EdidInfo parseEdidBaseBlock(std::span<const uint8_t> edid)
{
    EdidInfo info;
    if (!validBlock(edid))
        return info;

    std::string model;
    for (size_t i = 0; i < 4; ++i) {
        const auto descriptor = edid.subspan(kDescriptorOffset + i * kDescriptorSize, kDescriptorSize);
        const bool timing = descriptor[0] != 0 || descriptor[1] != 0;
        if (timing && info.widthMm == 0) {
            info.widthMm = descriptor[12] | (descriptor[14] & 0xf0u) << 4;
            info.heightMm = descriptor[13] | (descriptor[14] & 0x0fu) << 8;
        } else if (!timing && descriptor[3] == kNameDescriptor && model.empty()) {
            model = printable(reinterpret_cast<const char*>(&descriptor[5]), kDescriptorSize - 5);
        }
    }
    // The basic parameters hold centimetres; one of them alone is an aspect ratio, not a size.
    if ((info.widthMm == 0 || info.heightMm == 0) && edid[21] != 0 && edid[22] != 0) {
        info.widthMm = edid[21] * 10u;
        info.heightMm = edid[22] * 10u;
    }
    if (info.widthMm == 0 || info.heightMm == 0)
        info.widthMm = info.heightMm = 0;
    info.name = joined(manufacturer(edid), model);
    return info;
}

EdidInfo parseEdid(std::span<const uint8_t> edid)
{
    EdidInfo info = parseEdidBaseBlock(edid);
    const DisplayInfo* library = validBlock(edid) ? displayInfo() : nullptr;
    if (!library)
        return info;
    if (void* parsed = library->parse(edid.data(), edid.size())) {
        const std::string name = joined(takeText(library->make(parsed)), takeText(library->model(parsed)));
        library->destroy(parsed);
        if (!name.empty())
            info.name = name;
    }
    return info;
}

} // namespace vwsi::drm
