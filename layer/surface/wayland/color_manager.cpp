#include "surface/wayland/color_manager.h"

#ifdef VWSI_HAVE_WP_COLOR_MANAGEMENT

#include <algorithm>

namespace vwsi {

namespace {

// What the data format specification calls DCI P3 are XYZ values in the curve of ST 428.
constexpr ColorEncoding kEncodings[] = {
    {VK_COLOR_SPACE_HDR10_ST2084_EXT, WP_COLOR_MANAGER_V1_PRIMARIES_BT2020,
     WP_COLOR_MANAGER_V1_TRANSFER_FUNCTION_ST2084_PQ, 10},
    {VK_COLOR_SPACE_HDR10_HLG_EXT, WP_COLOR_MANAGER_V1_PRIMARIES_BT2020, WP_COLOR_MANAGER_V1_TRANSFER_FUNCTION_HLG, 10},
    {VK_COLOR_SPACE_DISPLAY_P3_NONLINEAR_EXT, WP_COLOR_MANAGER_V1_PRIMARIES_DISPLAY_P3,
     WP_COLOR_MANAGER_V1_TRANSFER_FUNCTION_SRGB, 8},
    {VK_COLOR_SPACE_BT709_NONLINEAR_EXT, WP_COLOR_MANAGER_V1_PRIMARIES_SRGB,
     WP_COLOR_MANAGER_V1_TRANSFER_FUNCTION_BT1886, 8},
    {VK_COLOR_SPACE_ADOBERGB_NONLINEAR_EXT, WP_COLOR_MANAGER_V1_PRIMARIES_ADOBE_RGB,
     WP_COLOR_MANAGER_V1_TRANSFER_FUNCTION_GAMMA22, 8},
    {VK_COLOR_SPACE_DCI_P3_NONLINEAR_EXT, WP_COLOR_MANAGER_V1_PRIMARIES_CIE1931_XYZ,
     WP_COLOR_MANAGER_V1_TRANSFER_FUNCTION_ST428, 10},
    {VK_COLOR_SPACE_EXTENDED_SRGB_LINEAR_EXT, WP_COLOR_MANAGER_V1_PRIMARIES_SRGB,
     WP_COLOR_MANAGER_V1_TRANSFER_FUNCTION_EXT_LINEAR, 16},
    {VK_COLOR_SPACE_EXTENDED_SRGB_NONLINEAR_EXT, WP_COLOR_MANAGER_V1_PRIMARIES_SRGB,
     WP_COLOR_MANAGER_V1_TRANSFER_FUNCTION_EXT_SRGB, 16},
    {VK_COLOR_SPACE_DISPLAY_P3_LINEAR_EXT, WP_COLOR_MANAGER_V1_PRIMARIES_DISPLAY_P3,
     WP_COLOR_MANAGER_V1_TRANSFER_FUNCTION_EXT_LINEAR, 16},
    {VK_COLOR_SPACE_BT709_LINEAR_EXT, WP_COLOR_MANAGER_V1_PRIMARIES_SRGB,
     WP_COLOR_MANAGER_V1_TRANSFER_FUNCTION_EXT_LINEAR, 16},
    {VK_COLOR_SPACE_BT2020_LINEAR_EXT, WP_COLOR_MANAGER_V1_PRIMARIES_BT2020,
     WP_COLOR_MANAGER_V1_TRANSFER_FUNCTION_EXT_LINEAR, 16},
    {VK_COLOR_SPACE_ADOBERGB_LINEAR_EXT, WP_COLOR_MANAGER_V1_PRIMARIES_ADOBE_RGB,
     WP_COLOR_MANAGER_V1_TRANSFER_FUNCTION_EXT_LINEAR, 16},
};

void setBit(uint32_t& mask, uint32_t bit)
{
    if (bit < 32)
        mask |= 1u << bit;
}

ColorManager& managerOf(void* data)
{
    return *static_cast<ColorManager*>(data);
}

constexpr wp_color_manager_v1_listener kListener = {
    .supported_intent = [](void*, wp_color_manager_v1*, uint32_t) {}, // the perceptual one is always there
    .supported_feature = [](void* data, wp_color_manager_v1*,
                            uint32_t feature) { setBit(managerOf(data).features, feature); },
    .supported_tf_named = [](void* data, wp_color_manager_v1*,
                             uint32_t transfer) { setBit(managerOf(data).transfers, transfer); },
    .supported_primaries_named = [](void* data, wp_color_manager_v1*,
                                    uint32_t primaries) { setBit(managerOf(data).primaries, primaries); },
    .done = [](void*, wp_color_manager_v1*) {},
};

} // namespace

void ColorManager::listen()
{
    wp_color_manager_v1_add_listener(proxy.get(), &kListener, this);
}

void ColorManager::addColorSpaces(const PixelFormat& format, std::vector<VkColorSpaceKHR>* spaces) const
{
    if (!proxy || !has(WP_COLOR_MANAGER_V1_FEATURE_PARAMETRIC))
        return;
    // Such a format makes sRGB's curve by itself, and no other.
    const bool curved = format.format == VK_FORMAT_B8G8R8A8_SRGB || format.format == VK_FORMAT_R8G8B8A8_SRGB;
    for (const ColorEncoding& encoding : kEncodings) {
        if ((primaries >> encoding.primaries & 1) && (transfers >> encoding.transfer & 1) &&
            format.bits[0] >= encoding.bits &&
            (!curved || encoding.transfer == WP_COLOR_MANAGER_V1_TRANSFER_FUNCTION_SRGB))
            spaces->push_back(encoding.space);
    }
}

const ColorEncoding* findColorEncoding(VkColorSpaceKHR space)
{
    const auto* const found = std::ranges::find(kEncodings, space, &ColorEncoding::space);
    return found == std::end(kEncodings) ? nullptr : found;
}

} // namespace vwsi

#endif
