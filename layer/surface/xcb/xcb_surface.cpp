#include "surface/xcb/xcb_surface.h"

#include "surface/xcb/sigpipe_guard.h"
#include "surface/xcb/xcb_target.h"

#include <mutex>
#include <new>

namespace vwsi {

namespace {

/// A window that an application gave to Vulkan.
class XcbSurface final : public Surface {
public:
    XcbSurface(const char* name, xcb_connection_t* connection, xcb_window_t window)
        : m_name(name), m_connection(connection), m_window(window), m_state(std::make_shared<XcbWindowState>())
    {
    }

    const char* windowSystem() const override { return m_name; }
    VkResult state(SurfaceState* state) override;
    VkResult formats(std::vector<const PixelFormat*>* formats) override;
    VkResult presentModes(std::vector<VkPresentModeKHR>* modes) override;
    bool supports(const PhysicalDevice& device) const override;
    VkResult createTarget(const TargetInfo& info, std::unique_ptr<Target>* target) override;

private:
    VkResult query(VkExtent2D* extent, XcbVisual* visual) const;

    const char* m_name;
    xcb_connection_t* m_connection;
    xcb_window_t m_window;
    mutable std::mutex m_mutex;
    mutable XcbVisual m_visual; ///< of the window once id is set: it can't change any more
    std::shared_ptr<XcbWindowState> m_state;
};

/// Asks on the application's connection, so that what the application did to the window before is seen.
VkResult XcbSurface::query(VkExtent2D* extent, XcbVisual* visual) const
{
    const XcbApi* api = xcbApi();
    if (!api || !m_connection || api->xcb_connection_has_error(m_connection))
        return VK_ERROR_SURFACE_LOST_KHR;
    {
        const std::lock_guard lock(m_mutex);
        *visual = m_visual;
    }
    const SigpipeGuard guard;
    xcb_get_window_attributes_cookie_t attributesCookie{};
    if (!visual->id)
        attributesCookie = api->xcb_get_window_attributes(m_connection, m_window);
    const xcb_get_geometry_cookie_t geometryCookie = api->xcb_get_geometry(m_connection, m_window);
    xcb_generic_error_t* error = nullptr;
    if (!visual->id) {
        const XcbReply<xcb_get_window_attributes_reply_t> attributes(
            api->xcb_get_window_attributes_reply(m_connection, attributesCookie, &error));
        free(error);
        error = nullptr;
        if (attributes && findVisual(m_connection, attributes->visual, visual)) {
            if (visual->mapped)
                visual->direct = mapsLinearly(m_connection, attributes->colormap, *visual);
            const std::lock_guard lock(m_mutex);
            // A map may yet be filled.
            if (visual->direct || !visual->mapped)
                m_visual = *visual;
        }
    }
    const XcbReply<xcb_get_geometry_reply_t> geometry(
        api->xcb_get_geometry_reply(m_connection, geometryCookie, &error));
    free(error);
    if (!geometry || !visual->id)
        return VK_ERROR_SURFACE_LOST_KHR;
    *extent = {geometry->width, geometry->height};
    return VK_SUCCESS;
}

VkResult XcbSurface::state(SurfaceState* state)
{
    XcbVisual visual;
    VkExtent2D extent{};
    const VkResult result = query(&extent, &visual);
    if (result != VK_SUCCESS)
        return result;
    state->currentExtent = extent;
    state->minExtent = extent;
    state->maxExtent = extent;
    // One is drawn, one copied, one read by the server.
    state->minImageCount = 3;
    state->compositeAlpha =
        VK_COMPOSITE_ALPHA_INHERIT_BIT_KHR |
        (visual.hasAlpha() ? VK_COMPOSITE_ALPHA_PRE_MULTIPLIED_BIT_KHR : VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR);
    return VK_SUCCESS;
}

VkResult XcbSurface::formats(std::vector<const PixelFormat*>* formats)
{
    XcbVisual visual;
    VkExtent2D extent{};
    const VkResult result = query(&extent, &visual);
    if (result == VK_SUCCESS)
        *formats = formatsOf(visual);
    return result;
}

VkResult XcbSurface::presentModes(std::vector<VkPresentModeKHR>* modes)
{
    *modes = {VK_PRESENT_MODE_IMMEDIATE_KHR, VK_PRESENT_MODE_MAILBOX_KHR, VK_PRESENT_MODE_FIFO_KHR,
              VK_PRESENT_MODE_FIFO_RELAXED_KHR};
    return VK_SUCCESS;
}

bool XcbSurface::supports(const PhysicalDevice&) const
{
    XcbVisual visual;
    VkExtent2D extent{};
    // A lost window is reported by the calls that can say so.
    return query(&extent, &visual) != VK_SUCCESS || !formatsOf(visual).empty();
}

VkResult XcbSurface::createTarget(const TargetInfo& info, std::unique_ptr<Target>* target)
{
    XcbVisual visual;
    VkExtent2D extent{};
    // This reply also proves that the server has the window before another connection names it.
    const VkResult result = query(&extent, &visual);
    if (result != VK_SUCCESS)
        return result;
    return XcbTarget::create(m_connection, m_window, visual, m_state, info, target);
}

VkResult createNamed(const char* name, xcb_connection_t* connection, xcb_window_t window,
                     std::unique_ptr<Surface>* surface)
{
    if (!xcbApi())
        return VK_ERROR_INITIALIZATION_FAILED;
    surface->reset(new (std::nothrow) XcbSurface(name, connection, window));
    return *surface ? VK_SUCCESS : VK_ERROR_OUT_OF_HOST_MEMORY;
}

} // namespace

VkResult createXcbSurface(xcb_connection_t* connection, xcb_window_t window, std::unique_ptr<Surface>* surface)
{
    return createNamed("xcb", connection, window, surface);
}

VkResult createXlibSurface(_XDisplay* display, unsigned long window, std::unique_ptr<Surface>* surface)
{
    return createNamed("xlib", xcbConnectionOf(display), static_cast<xcb_window_t>(window), surface);
}

VkBool32 xcbPresentationSupport(xcb_connection_t* connection, xcb_visualid_t visual)
{
    const XcbApi* api = connection ? xcbApi() : nullptr;
    XcbVisual found;
    return api && !api->xcb_connection_has_error(connection) && findVisual(connection, visual, &found) &&
           !formatsOf(found).empty();
}

VkBool32 xlibPresentationSupport(_XDisplay* display, unsigned long visual)
{
    return xcbPresentationSupport(xcbConnectionOf(display), static_cast<xcb_visualid_t>(visual));
}

} // namespace vwsi
