#include "surface/xcb/xcb_api.h"

#include "core/dynamic_library.h"
#include "core/log.h"

#include <new>

namespace vwsi {

namespace {

/// A library that stays for the life of the process: xcb connections hold addresses of its data.
const DynamicLibrary* openForGood(const char* soname)
{
    auto* library = new (std::nothrow) DynamicLibrary(soname);
    if (library && !library->loaded()) {
        delete library;
        library = nullptr;
    }
    return library;
}

const XcbApi* load()
{
    const DynamicLibrary* core = openForGood("libxcb.so.1");
    auto* api = core ? new (std::nothrow) XcbApi : nullptr;
    if (!api) {
        VWSI_ERROR("X11 surfaces need libxcb.so.1, which does not load: install libxcb");
        delete core;
        return nullptr;
    }

    bool complete = true;
    const DynamicLibrary* library = core;
#define VWSI_BIND(name) complete = library->bind(api->name, #name) && complete;
    VWSI_XCB_CORE(VWSI_BIND)
    if (!complete) {
        VWSI_ERROR("libxcb.so.1 is too old for X11 surfaces: version 1.11 or newer is needed");
        delete api;
        delete core;
        return nullptr;
    }

#define VWSI_EXTENSION(soname, functions, idMember, idSymbol)                                                \
    library = openForGood(soname);                                                                           \
    if (library) {                                                                                           \
        complete = true;                                                                                     \
        functions(VWSI_BIND) if (complete) api->idMember =                                                   \
            static_cast<xcb_extension_t*>(library->symbol(idSymbol));                                        \
    }                                                                                                        \
    if (!api->idMember)                                                                                      \
        VWSI_INFO("%s is not installed: X11 surfaces do without it", soname);

    VWSI_EXTENSION("libxcb-shm.so.0", VWSI_XCB_SHM, shmId, "xcb_shm_id")
    VWSI_EXTENSION("libxcb-present.so.0", VWSI_XCB_PRESENT, presentId, "xcb_present_id")
    VWSI_EXTENSION("libxcb-xfixes.so.0", VWSI_XCB_XFIXES, xfixesId, "xcb_xfixes_id")
    VWSI_EXTENSION("libxcb-randr.so.0", VWSI_XCB_RANDR, randrId, "xcb_randr_id")
#undef VWSI_EXTENSION
#undef VWSI_BIND
    return api;
}

} // namespace

const XcbApi* xcbApi()
{
    static const XcbApi* const api = load();
    return api;
}

xcb_connection_t* xcbConnectionOf(_XDisplay* display)
{
    using GetConnection = xcb_connection_t* (*)(_XDisplay*);
    static const GetConnection getConnection = []() -> GetConnection {
        GetConnection function = nullptr;
        const DynamicLibrary* library = openForGood("libX11-xcb.so.1");
        if (!library || !library->bind(function, "XGetXCBConnection")) {
            VWSI_ERROR("Xlib surfaces need libX11-xcb.so.1, which does not load: install libX11-xcb");
            return nullptr;
        }
        return function;
    }();
    return display && getConnection ? getConnection(display) : nullptr;
}

} // namespace vwsi
