#include "surface/wayland/target_color.h"

#ifdef VWSI_HAVE_WP_COLOR_MANAGEMENT

#include "core/log.h"
#include "surface/hdr_units.h"
#include "surface/wayland/surface_link.h"

#include <algorithm>
#include <utility>

namespace vwsi {

namespace {

constexpr Nanoseconds kStartPatience = 5'000'000'000;
/// A compositor answers at once when it reads at all; a frame is not held back longer than it takes to see that.
constexpr Nanoseconds kFramePatience = 50'000'000;

/// Luminances of a transfer function's signal: the least in 0.0001 cd/m², the greatest in cd/m² (protocol,
/// transfer_function and set_luminances).
struct Volume {
    uint32_t least, greatest;
};

Volume volumeOf(uint32_t transfer)
{
    switch (transfer) {
    case WP_COLOR_MANAGER_V1_TRANSFER_FUNCTION_ST2084_PQ:
        return {50, 10000};
    case WP_COLOR_MANAGER_V1_TRANSFER_FUNCTION_HLG:
        return {50, 1000};
    default:
        return {2000, 80};
    }
}

/// A value in cd/m² is brighter than one in 0.0001 cd/m².
bool brighter(uint32_t value, uint32_t least)
{
    return uint64_t{value} * 10000 > least;
}

struct Chromaticity {
    int32_t x, y;
};

Chromaticity toMillionths(const VkXYColorEXT& color)
{
    constexpr uint32_t kOne = 1'000'000;
    return {static_cast<int32_t>(hdrUnits(color.x, kOne, kOne)), static_cast<int32_t>(hdrUnits(color.y, kOne, kOne))};
}

} // namespace

TargetColor::TargetColor(EventQueue& queue, SurfaceLink& link, VkColorSpaceKHR space)
    : m_queue(queue), m_link(link), m_encoding(findColorEncoding(space))
{
}

TargetColor::~TargetColor()
{
    // A new object of the surface must not be asked for before the old one has gone.
    const std::lock_guard lock(m_link.mutex());
    m_surface.reset();
}

VkResult TargetColor::start()
{
    if (!m_encoding)
        return VK_SUCCESS;
    if (const VkResult result = request(nullptr); result != VK_SUCCESS)
        return result;
    m_settled = true;
    return waitUntil(deadlineAfter(kStartPatience));
}

VkResult TargetColor::request(const VkHdrMetadataEXT* metadata)
{
    const auto manager = m_queue.wrap(m_link.connection().globals().colors.proxy.get());
    auto* const creator = manager ? wp_color_manager_v1_create_parametric_creator(manager.get()) : nullptr;
    if (!creator)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    wp_image_description_creator_params_v1_set_primaries_named(creator, m_encoding->primaries);
    wp_image_description_creator_params_v1_set_tf_named(creator, m_encoding->transfer);
    if (metadata)
        describe(creator, *metadata);
    // An earlier one that is still to be made is not needed any more.
    m_asked.reset(wp_image_description_creator_params_v1_create(creator));
    if (!m_asked)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    static const wp_image_description_v1_listener kListener = [] {
        wp_image_description_v1_listener listener{}; // later versions have more events, which version 1 does not get
        listener.ready = onReady;
        listener.failed = onFailed;
        return listener;
    }();
    wp_image_description_v1_add_listener(m_asked.get(), &kListener, this);
    m_settled = false;
    return VK_SUCCESS;
}

void TargetColor::describe(wp_image_description_creator_params_v1* creator, const VkHdrMetadataEXT& metadata) const
{
    const ColorManager& manager = m_link.connection().globals().colors;
    const bool mastering = manager.has(WP_COLOR_MANAGER_V1_FEATURE_SET_MASTERING_DISPLAY_PRIMARIES);
    Volume range = volumeOf(m_encoding->transfer);

    const Chromaticity red = toMillionths(metadata.displayPrimaryRed);
    const Chromaticity green = toMillionths(metadata.displayPrimaryGreen);
    const Chromaticity blue = toMillionths(metadata.displayPrimaryBlue);
    const Chromaticity white = toMillionths(metadata.whitePoint);
    // No colour has y = 0, which is what unknown ones are.
    if (mastering && red.y && green.y && blue.y && white.y) {
        wp_image_description_creator_params_v1_set_mastering_display_primaries(creator, red.x, red.y, green.x, green.y,
                                                                               blue.x, blue.y, white.x, white.y);
    }
    uint32_t least = hdrUnits(metadata.minLuminance, 10000, UINT32_MAX);
    uint32_t greatest = hdrUnits(metadata.maxLuminance, 1, UINT32_MAX);
    if (!manager.has(WP_COLOR_MANAGER_V1_FEATURE_EXTENDED_TARGET_VOLUME)) {
        least = std::max(least, range.least);
        greatest = std::min(greatest, range.greatest);
    }
    // Each of the rules that follow is a protocol error where it is broken, which would end the application.
    if (mastering && brighter(greatest, least)) {
        wp_image_description_creator_params_v1_set_mastering_luminance(creator, least, greatest);
        range = {least, greatest};
    }
    const uint32_t content = std::min(hdrUnits(metadata.maxContentLightLevel, 1, UINT32_MAX), range.greatest);
    const bool hasContent = brighter(content, range.least);
    if (hasContent)
        wp_image_description_creator_params_v1_set_max_cll(creator, content);
    const uint32_t average =
        std::min(hdrUnits(metadata.maxFrameAverageLightLevel, 1, UINT32_MAX), hasContent ? content : range.greatest);
    if (brighter(average, range.least))
        wp_image_description_creator_params_v1_set_max_fall(creator, average);
}

void TargetColor::onReady(void* data, wp_image_description_v1*, uint32_t)
{
    auto& self = *static_cast<TargetColor*>(data);
    self.m_ready = std::move(self.m_asked);
    self.m_changed = true;
}

void TargetColor::onFailed(void* data, wp_image_description_v1*, uint32_t, const char* message)
{
    auto& self = *static_cast<TargetColor*>(data);
    self.m_asked.reset();
    if (!self.m_failureLogged) {
        VWSI_WARN(
            "the Wayland compositor cannot use the colours or HDR metadata of a swapchain (%s), whose frames go on "
            "%s: use another colour space",
            message, self.m_ready ? "as before" : "as sRGB");
    }
    self.m_failureLogged = true;
}

VkResult TargetColor::waitUntil(Nanoseconds deadline)
{
    while (m_asked && monotonicNow() < deadline) {
        if (const VkResult result = m_queue.dispatch(-1, deadline); result != VK_SUCCESS)
            return result;
    }
    return m_queue.status();
}

void TargetColor::setHdrMetadata(const VkHdrMetadataEXT& metadata)
{
    if (!m_encoding)
        return;
    const uint32_t transfer = m_encoding->transfer;
    const bool wide = transfer == WP_COLOR_MANAGER_V1_TRANSFER_FUNCTION_ST2084_PQ ||
                      transfer == WP_COLOR_MANAGER_V1_TRANSFER_FUNCTION_HLG;
    const bool extended = transfer == WP_COLOR_MANAGER_V1_TRANSFER_FUNCTION_EXT_LINEAR &&
                          m_link.connection().globals().colors.has(WP_COLOR_MANAGER_V1_FEATURE_EXTENDED_TARGET_VOLUME);
    if ((wide || extended) && request(&metadata) != VK_SUCCESS)
        VWSI_WARN("no memory for HDR metadata; frames go on as before");
}

VkResult TargetColor::settle()
{
    if (std::exchange(m_settled, true))
        return VK_SUCCESS;
    return waitUntil(deadlineAfter(kFramePatience));
}

void TargetColor::apply()
{
    if (!m_changed)
        return;
    m_changed = false;
    if (!m_ready) {
        if (const std::shared_ptr<ColorSurface> others = m_link.colorSurface(false))
            wp_color_management_surface_v1_unset_image_description(others.get());
        return;
    }
    if (!m_surface)
        m_surface = m_link.colorSurface(true);
    if (m_surface) {
        wp_color_management_surface_v1_set_image_description(m_surface.get(), m_ready.get(),
                                                             WP_COLOR_MANAGER_V1_RENDER_INTENT_PERCEPTUAL);
    }
}

} // namespace vwsi

#endif
