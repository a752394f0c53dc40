#include "surface/wayland/wayland_surface.h"

#include "surface/wayland/wayland_target.h"

#include <atomic>
#include <mutex>

namespace vwsi {

namespace {

class WaylandSurface final : public Surface {
public:
    WaylandSurface(wl_display* display, WrapperPtr<wl_surface> surface)
        : m_display(display), m_surface(std::move(surface))
    {
    }

    const char* windowSystem() const override { return "wayland"; }
    VkResult state(SurfaceState* state) override;
    VkResult formats(std::vector<const PixelFormat*>* formats) override;
    VkResult colorSpaces(const PixelFormat& format, std::vector<VkColorSpaceKHR>* spaces) override;
    VkResult presentModes(std::vector<VkPresentModeKHR>* modes) override;
    VkResult createTarget(const TargetInfo& info, std::unique_ptr<Target>* target) override;

private:
    VkResult connect(std::shared_ptr<const WaylandConnection>* connection);

    wl_display* m_display;
    WrapperPtr<wl_surface> m_surface;
    std::mutex m_mutex;
    VkResult m_failure = VK_SUCCESS; ///< of the connection, for good
    std::shared_ptr<const WaylandConnection> m_connection;
    std::weak_ptr<SurfaceLink> m_link;
    std::atomic<bool> m_dmaBufsRefused{false}; ///< survives the targets, which have all gone before the surface
};

VkResult WaylandSurface::connect(std::shared_ptr<const WaylandConnection>* connection)
{
    const std::lock_guard lock(m_mutex);
    if (m_failure == VK_SUCCESS && !m_connection) {
        const VkResult result = WaylandConnection::open(m_display, &m_connection);
        if (result == VK_ERROR_OUT_OF_HOST_MEMORY)
            return result;
        m_failure = result;
    }
    if (m_failure == VK_SUCCESS && wl_display_get_error(m_display) != 0)
        m_failure = VK_ERROR_SURFACE_LOST_KHR;
    *connection = m_connection;
    return m_failure;
}

VkResult WaylandSurface::state(SurfaceState* state)
{
    *state = SurfaceState{};
    state->compositeAlpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR | VK_COMPOSITE_ALPHA_PRE_MULTIPLIED_BIT_KHR;
    return wl_display_get_error(m_display) == 0 ? VK_SUCCESS : VK_ERROR_SURFACE_LOST_KHR;
}

VkResult WaylandSurface::formats(std::vector<const PixelFormat*>* formats)
{
    std::shared_ptr<const WaylandConnection> connection;
    if (const VkResult result = connect(&connection); result != VK_SUCCESS)
        return result;
    for (const PixelFormat& format : pixelFormats()) {
        // Each format must do both composite alpha modes that state() promises.
        if (connection->takes(format.fourccOpaque) && (!format.fourccAlpha || connection->takes(format.fourccAlpha)))
            formats->push_back(&format);
    }
    return VK_SUCCESS;
}

VkResult WaylandSurface::colorSpaces(const PixelFormat& format, std::vector<VkColorSpaceKHR>* spaces)
{
    *spaces = {VK_COLOR_SPACE_SRGB_NONLINEAR_KHR, VK_COLOR_SPACE_PASS_THROUGH_EXT};
#ifdef VWSI_HAVE_WP_COLOR_MANAGEMENT
    std::shared_ptr<const WaylandConnection> connection;
    if (const VkResult result = connect(&connection); result != VK_SUCCESS)
        return result;
    connection->globals().colors.addColorSpaces(format, spaces);
#else
    static_cast<void>(format);
#endif
    return VK_SUCCESS;
}

VkResult WaylandSurface::presentModes(std::vector<VkPresentModeKHR>* modes)
{
    std::shared_ptr<const WaylandConnection> connection;
    if (const VkResult result = connect(&connection); result != VK_SUCCESS)
        return result;
    modes->push_back(VK_PRESENT_MODE_FIFO_KHR);
    modes->push_back(VK_PRESENT_MODE_MAILBOX_KHR);
    // Without tearing a frame replaces the one before it at the next refresh, which is MAILBOX, and a late frame waits
    // for that as well, which is FIFO.
    if (connection->canTear()) {
        modes->push_back(VK_PRESENT_MODE_IMMEDIATE_KHR);
        modes->push_back(VK_PRESENT_MODE_FIFO_RELAXED_KHR);
    }
    return VK_SUCCESS;
}

VkResult WaylandSurface::createTarget(const TargetInfo& info, std::unique_ptr<Target>* target)
{
    std::shared_ptr<const WaylandConnection> connection;
    if (const VkResult result = connect(&connection); result != VK_SUCCESS)
        return result;
    std::shared_ptr<SurfaceLink> link;
    {
        const std::lock_guard lock(m_mutex);
        link = m_link.lock();
        if (!link) {
            link = std::make_shared<SurfaceLink>(std::move(connection), m_surface.get(), m_dmaBufsRefused);
            m_link = link;
        }
    }
    return WaylandTarget::create(info, std::move(link), m_surface.get(), target);
}

} // namespace

VkResult createWaylandSurface(wl_display* display, wl_surface* surface, std::unique_ptr<Surface>* result)
{
    if (!loadWaylandClient())
        return VK_ERROR_INITIALIZATION_FAILED;
    WrapperPtr<wl_surface> wrapper(static_cast<wl_surface*>(wl_proxy_create_wrapper(surface)));
    if (!wrapper)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    *result = std::make_unique<WaylandSurface>(display, std::move(wrapper));
    return VK_SUCCESS;
}

VkBool32 waylandPresentationSupport(wl_display* display)
{
    return loadWaylandClient() && wl_display_get_error(display) == 0 ? VK_TRUE : VK_FALSE;
}

} // namespace vwsi
