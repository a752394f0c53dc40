#include "surface/xcb/xcb_api.h"

#include "core/log.h"

#include <new>
#include <utility>

namespace vwsi {

namespace {

std::unique_ptr<DynamicLibrary> open(const char* soname)
{
    std::unique_ptr<DynamicLibrary> library(new (std::nothrow) DynamicLibrary(soname));
    return library && library->loaded() ? std::move(library) : nullptr;
}

const XcbApi* load()
{
    std::unique_ptr<XcbApi> api(new (std::nothrow) XcbApi);
    std::unique_ptr<DynamicLibrary>* slot = api ? api->libraries : nullptr;
    if (slot)
        *slot = open("libxcb.so.1");
    if (!slot || !*slot) {
        VWSI_ERROR("X11 surfaces need libxcb.so.1, which does not load: install libxcb");
        return nullptr;
    }

    bool complete = true;
#define VWSI_BIND(name) complete = (*slot)->bind(api->name, #name) && complete;
    VWSI_XCB_CORE(VWSI_BIND)
    if (!complete) {
        VWSI_ERROR("libxcb.so.1 is too old for X11 surfaces: version 1.11 or newer is needed");
        return nullptr;
    }

#define VWSI_EXTENSION(soname, functions, idMember, idSymbol)                                                          \
    *++slot = open(soname);                                                                                            \
    if (*slot) {                                                                                                       \
        complete = true;                                                                                               \
        functions(VWSI_BIND) if (complete) api->idMember = static_cast<xcb_extension_t*>((*slot)->symbol(idSymbol));   \
    }                                                                                                                  \
    if (!api->idMember)                                                                                                \
        VWSI_INFO("%s is not installed: X11 surfaces do without it", soname);

    VWSI_EXTENSION("libxcb-shm.so.0", VWSI_XCB_SHM, shmId, "xcb_shm_id")
    VWSI_EXTENSION("libxcb-present.so.0", VWSI_XCB_PRESENT, presentId, "xcb_present_id")
    VWSI_EXTENSION("libxcb-xfixes.so.0", VWSI_XCB_XFIXES, xfixesId, "xcb_xfixes_id")
    VWSI_EXTENSION("libxcb-randr.so.0", VWSI_XCB_RANDR, randrId, "xcb_randr_id")
#undef VWSI_EXTENSION
#undef VWSI_BIND
    return api.release();
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
    static const DynamicLibrary* const library = open("libX11-xcb.so.1").release();
    static const GetConnection getConnection = []() -> GetConnection {
        GetConnection function = nullptr;
        if (!library || !library->bind(function, "XGetXCBConnection")) {
            VWSI_ERROR("Xlib surfaces need libX11-xcb.so.1, which does not load: install libX11-xcb");
            return nullptr;
        }
        return function;
    }();
    return display && getConnection ? getConnection(display) : nullptr;
}

} // namespace vwsi
