#pragma once

#include "surface/wayland/color_manager.h"
#include "surface/wayland/event_queue.h"

#include <memory>

#ifdef VWSI_HAVE_WP_COLOR_MANAGEMENT

namespace vwsi {

class SurfaceLink;

/// The one wp_color_management_surface_v1 that a wl_surface may have.
using ColorSurface = wp_color_management_surface_v1;

/// What one target tells the compositor of the colours of its frames.
///
/// sRGB and pass-through frames have no image description. The wl_surface has its colour object only as long as a
/// target lives whose frames have one, so that the application can have its own otherwise.
class TargetColor {
public:
    TargetColor(EventQueue& queue, SurfaceLink& link, VkColorSpaceKHR space);
    ~TargetColor();
    TargetColor(const TargetColor&) = delete;
    TargetColor& operator=(const TargetColor&) = delete;

    /// Has the compositor make the image description, and waits for that. One that it cannot make gives a log line:
    /// frames then go without. VK_ERROR_SURFACE_LOST_KHR, VK_ERROR_OUT_OF_HOST_MEMORY.
    VkResult start();

    /// From the next frame on; for spaces of a high dynamic range.
    void setHdrMetadata(const VkHdrMetadataEXT& metadata);

    /// Waits for an answer that the next frame needs, for some milliseconds; usually there is none.
    VkResult settle();

    /// Adds what has changed to the surface's next commit. With the link's mutex held.
    void apply();

private:
    static void onReady(void* data, wp_image_description_v1*, uint32_t identity);
    static void onFailed(void* data, wp_image_description_v1*, uint32_t cause, const char* message);

    VkResult request(const VkHdrMetadataEXT* metadata);
    void describe(wp_image_description_creator_params_v1* creator, const VkHdrMetadataEXT& metadata) const;
    VkResult waitUntil(Nanoseconds deadline);

    EventQueue& m_queue;
    SurfaceLink& m_link;
    const ColorEncoding* m_encoding;
    std::shared_ptr<ColorSurface> m_surface;
    ProxyPtr<wp_image_description_v1> m_asked; ///< the compositor has not answered yet
    ProxyPtr<wp_image_description_v1> m_ready;
    bool m_changed = true; ///< the next commit has to say so
    bool m_settled = true; ///< no frame waits for m_asked (again)
    bool m_failureLogged = false;
};

} // namespace vwsi

#endif
