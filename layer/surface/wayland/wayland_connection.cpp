#include "surface/wayland/wayland_connection.h"

#include "core/log.h"

#include <algorithm>
#include <cstring>

namespace vwsi {

namespace {

constexpr uint32_t kXr24 = 0x34325258; // DRM_FORMAT_XRGB8888
constexpr uint32_t kAr24 = 0x34325241; // DRM_FORMAT_ARGB8888

/// Binds version 1 of a global, which is all that presenting needs of most, when it is the one that was announced.
template <typename T>
bool bindWhen(ProxyPtr<T>& global, wl_registry* registry, uint32_t name, const char* announced,
              const wl_interface& wanted)
{
    if (global || strcmp(announced, wanted.name) != 0)
        return false;
    global.reset(static_cast<T*>(wl_registry_bind(registry, name, &wanted, 1)));
    return global != nullptr;
}

void onShmFormat(void* data, wl_shm*, uint32_t format)
{
    static_cast<WaylandGlobals*>(data)->shmFormats.push_back(format);
}

void onClock(void* data, wp_presentation*, uint32_t clock)
{
    static_cast<WaylandGlobals*>(data)->clock = static_cast<clockid_t>(clock);
}

constexpr wl_shm_listener kShmListener = {.format = onShmFormat};
constexpr wp_presentation_listener kPresentationListener = {.clock_id = onClock};

} // namespace

uint32_t shmFormatOf(uint32_t fourcc)
{
    if (fourcc == kXr24)
        return WL_SHM_FORMAT_XRGB8888;
    if (fourcc == kAr24)
        return WL_SHM_FORMAT_ARGB8888;
    return fourcc;
}

VkResult WaylandConnection::open(wl_display* display, std::shared_ptr<const WaylandConnection>* connection)
{
    auto made = std::make_shared<WaylandConnection>(display);
    if (!made->m_queue.valid())
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    const VkResult result = made->ask();
    if (result == VK_SUCCESS)
        *connection = std::move(made);
    return result;
}

void WaylandConnection::bindDmaBuf(wl_registry* registry, uint32_t name, uint32_t version)
{
    // Before version 3 there are no modifiers; later ones ask no more of clients than version 4.
    if (m_globals.dmaBuf || version < ZWP_LINUX_DMABUF_V1_MODIFIER_SINCE_VERSION)
        return;
    m_globals.dmaBufVersion = std::min<uint32_t>(version, ZWP_LINUX_DMABUF_V1_GET_SURFACE_FEEDBACK_SINCE_VERSION);
    m_globals.dmaBuf.reset(static_cast<zwp_linux_dmabuf_v1*>(
        wl_registry_bind(registry, name, &zwp_linux_dmabuf_v1_interface, m_globals.dmaBufVersion)));
    static constexpr zwp_linux_dmabuf_v1_listener kListener = {
        .format = [](void*, zwp_linux_dmabuf_v1*, uint32_t) {},
        .modifier =
            [](void* data, zwp_linux_dmabuf_v1*, uint32_t fourcc, uint32_t high, uint32_t low) {
                static_cast<WaylandGlobals*>(data)->dmaBufFormats.push_back({fourcc, uint64_t{high} << 32 | low});
            },
    };
    if (m_globals.dmaBuf)
        zwp_linux_dmabuf_v1_add_listener(m_globals.dmaBuf.get(), &kListener, &m_globals);
}

void WaylandConnection::bind(wl_registry* registry, uint32_t name, const char* interface, uint32_t version)
{
    if (strcmp(interface, zwp_linux_dmabuf_v1_interface.name) == 0) {
        bindDmaBuf(registry, name, version);
        return;
    }
    if (bindWhen(m_globals.shm, registry, name, interface, wl_shm_interface))
        wl_shm_add_listener(m_globals.shm.get(), &kShmListener, &m_globals);
    else if (bindWhen(m_globals.presentation, registry, name, interface, wp_presentation_interface))
        wp_presentation_add_listener(m_globals.presentation.get(), &kPresentationListener, &m_globals);
    else if (bindWhen(m_globals.tearing, registry, name, interface, wp_tearing_control_manager_v1_interface))
        return;
#ifdef VWSI_HAVE_WP_COLOR_MANAGEMENT
    else if (bindWhen(m_globals.colors.proxy, registry, name, interface, wp_color_manager_v1_interface))
        m_globals.colors.listen();
#endif
#ifdef VWSI_HAVE_WP_FIFO
    else if (bindWhen(m_globals.fifo, registry, name, interface, wp_fifo_manager_v1_interface))
        return;
#endif
#ifdef VWSI_HAVE_WP_COMMIT_TIMING
    else if (bindWhen(m_globals.commitTiming, registry, name, interface, wp_commit_timing_manager_v1_interface))
        return;
#endif
}

VkResult WaylandConnection::ask()
{
    const WrapperPtr<wl_display> display = m_queue.wrap(m_queue.display());
    // Globals that come and go later don't matter here; without the registry the queue stays empty.
    const ProxyPtr<wl_registry> registry(display ? wl_display_get_registry(display.get()) : nullptr);
    if (!registry)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    static constexpr wl_registry_listener kListener = {
        .global =
            [](void* data, wl_registry* source, uint32_t name, const char* interface, uint32_t version) {
                static_cast<WaylandConnection*>(data)->bind(source, name, interface, version);
            },
        .global_remove = [](void*, wl_registry*, uint32_t) {},
    };
    wl_registry_add_listener(registry.get(), &kListener, this);
    for (int trip = 0; trip < 2; ++trip) {
        if (const VkResult result = m_queue.roundTrip(kAnswerTimeout); result != VK_SUCCESS)
            return result;
    }
    if (!m_globals.shm) {
        VWSI_ERROR("the Wayland compositor offers no wl_shm, so there is no way to show frames on it: use "
                   "another one");
        return VK_ERROR_SURFACE_LOST_KHR;
    }
    VWSI_INFO("wayland: %zu wl_shm formats, dma-bufs %s, presentation %s, tearing %s, fifo %s, commit timing %s, "
              "colours %s",
              m_globals.shmFormats.size(), m_globals.dmaBuf ? "yes" : "no", m_globals.presentation ? "yes" : "no",
              canTear() ? "yes" : "no", canFifo() ? "yes" : "no", canSchedule() ? "yes" : "no",
              managesColors() ? "yes" : "no");
    return VK_SUCCESS;
}

bool WaylandConnection::takes(uint32_t fourcc) const
{
    return std::ranges::find(m_globals.shmFormats, shmFormatOf(fourcc)) != m_globals.shmFormats.end();
}

bool WaylandConnection::managesColors() const
{
#ifdef VWSI_HAVE_WP_COLOR_MANAGEMENT
    return m_globals.colors.proxy != nullptr;
#else
    return false;
#endif
}

bool WaylandConnection::canFifo() const
{
#ifdef VWSI_HAVE_WP_FIFO
    return m_globals.fifo != nullptr;
#else
    return false;
#endif
}

bool WaylandConnection::canSchedule() const
{
#ifdef VWSI_HAVE_WP_COMMIT_TIMING
    return m_globals.commitTiming != nullptr;
#else
    return false;
#endif
}

} // namespace vwsi
