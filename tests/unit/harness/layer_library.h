#pragma once

#include <string>
#include <vulkan/vk_layer.h>

namespace vwsi::testing {

/// The layer's shared object as the loader sees it: opened once per process and negotiated with.
class LayerLibrary {
public:
    static LayerLibrary& instance();

    /// Path of the shared object under test (VWSI_LAYER_LIBRARY, else where the build puts it).
    static std::string path();

    /// Address of an exported symbol, or null.
    void* symbol(const char* name) const;

    PFN_vkNegotiateLoaderLayerInterfaceVersion negotiate = nullptr;
    PFN_vkGetInstanceProcAddr getInstanceProcAddr = nullptr;
    PFN_vkGetDeviceProcAddr getDeviceProcAddr = nullptr;
    PFN_GetPhysicalDeviceProcAddr getPhysicalDeviceProcAddr = nullptr;

private:
    LayerLibrary();
    void* m_handle = nullptr;
};

} // namespace vwsi::testing
