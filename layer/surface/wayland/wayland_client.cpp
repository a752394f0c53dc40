#include "surface/wayland/wayland_client.h"

#include "core/dynamic_library.h"
#include "core/log.h"

namespace vwsi {

constinit WaylandClient g_waylandClient{};

namespace {

constexpr const char* kSoname = "libwayland-client.so.0";

bool bindAll(const DynamicLibrary* library)
{
    if (!library->loaded()) {
        VWSI_ERROR("%s cannot be loaded: install it to use Wayland surfaces", kSoname);
        return false;
    }
    WaylandClient client{};
#define VWSI_WAYLAND_BIND(function)                                                                                    \
    if (!library->bind(client.function, "wl_" #function)) {                                                            \
        VWSI_ERROR("%s has no %s: Wayland surfaces need version 1.20 or later of it", kSoname, "wl_" #function);       \
        return false;                                                                                                  \
    }
    VWSI_WAYLAND_FUNCTIONS(VWSI_WAYLAND_BIND)
#undef VWSI_WAYLAND_BIND
    client.library = library;
    g_waylandClient = client;
    return true;
}

} // namespace

bool loadWaylandClient()
{
    // Never closed: presenter threads may still use it while the process exits.
    static const bool bound = bindAll(new DynamicLibrary(kSoname));
    return bound;
}

} // namespace vwsi
