#include "harness/layer_library.h"

#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>

namespace vwsi::testing {

LayerLibrary& LayerLibrary::instance()
{
    static LayerLibrary library;
    return library;
}

std::string LayerLibrary::path()
{
    const char* given = getenv("VWSI_LAYER_LIBRARY");
    return given ? given : VWSI_BUILT_LAYER;
}

LayerLibrary::LayerLibrary()
{
    // RTLD_LOCAL as in the loader; the library stays open, since its threads may outlive main().
    m_handle = dlopen(path().c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!m_handle) {
        fprintf(stderr, "cannot open the layer: %s\n", dlerror());
        exit(2);
    }
    negotiate =
        reinterpret_cast<PFN_vkNegotiateLoaderLayerInterfaceVersion>(symbol("vkNegotiateLoaderLayerInterfaceVersion"));
    VkNegotiateLayerInterface interface{LAYER_NEGOTIATE_INTERFACE_STRUCT, nullptr, 2, nullptr, nullptr, nullptr};
    if (!negotiate || negotiate(&interface) != VK_SUCCESS) {
        fputs("the layer refuses the loader's interface version 2\n", stderr);
        exit(2);
    }
    getInstanceProcAddr = interface.pfnGetInstanceProcAddr;
    getDeviceProcAddr = interface.pfnGetDeviceProcAddr;
    getPhysicalDeviceProcAddr = interface.pfnGetPhysicalDeviceProcAddr;
}

void* LayerLibrary::symbol(const char* name) const
{
    return dlsym(m_handle, name);
}

} // namespace vwsi::testing
