#pragma once

#include "core/dispatch.h"
#include "core/extension.h"
#include "core/key_table.h"
#include "core/physical_device.h"
#include "surface/surface.h"

#include <memory>
#include <mutex>
#include <vector>

namespace vwsi {

/// A VkInstance: what is enabled, its physical devices with their take-over decision, and its surfaces.
class Instance {
public:
    /// `info` is the application's create info; its contents are copied where needed. `extended`: the links below got
    /// what the layer adds to the extensions of an application of Vulkan 1.0.
    Instance(VkInstance handle, PFN_vkGetInstanceProcAddr next, const VkInstanceCreateInfo& info, bool extended);
    ~Instance();
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;

    /// The object of a VkInstance or VkPhysicalDevice, or null for handles that did not come through the layer.
    static Instance* find(const void* dispatchable);

    VkInstance handle() const { return m_handle; }
    const InstanceDispatch& next() const { return m_next; }
    const ExtensionSet& enabled() const { return m_enabled; }

    /// Version the application asked for, at least 1.0.
    uint32_t apiVersion() const { return m_apiVersion; }

    /// The links below answer queries about external memory, whichever version the application asked for.
    bool queriesExternalMemory() const { return m_queriesExternalMemory; }

    /// Down-chain function by name, for commands called once.
    template <typename Function> Function nextFunction(const char* name) const
    {
        return reinterpret_cast<Function>(m_next.GetInstanceProcAddr(m_handle, name));
    }

    /// The record of a physical device, made at its first use. Throws std::bad_alloc.
    PhysicalDevice& physicalDevice(VkPhysicalDevice handle);

    /// Calls `use(PhysicalDevice&)` for every physical device that has a record.
    template <typename Use> void forEachPhysicalDevice(Use&& use)
    {
        const std::lock_guard lock(m_mutex);
        for (const auto& device : m_physicalDevices)
            use(*device);
    }

    /// Down-chain GetPhysicalDeviceProcAddr (loader interface 2), or null.
    PFN_vkGetInstanceProcAddr nextPhysicalDeviceProcAddr = nullptr;

    /// Keeps `surface` as the state of the loader's `handle`. Throws std::bad_alloc.
    void addSurface(VkSurfaceKHR handle, std::unique_ptr<Surface> surface);
    /// The state of a surface, or null when another layer made it.
    Surface* surface(VkSurfaceKHR handle);
    /// Forgets a surface that is being destroyed.
    void removeSurface(VkSurfaceKHR handle);

private:
    struct SurfaceEntry {
        VkSurfaceKHR handle;
        std::shared_ptr<Surface> surface;
    };

    const VkInstance m_handle;
    InstanceDispatch m_next;
    ExtensionSet m_enabled;
    uint32_t m_apiVersion = VK_API_VERSION_1_0;
    bool m_queriesExternalMemory = false;

    std::mutex m_mutex;
    std::vector<std::unique_ptr<PhysicalDevice>> m_physicalDevices;
    std::vector<SurfaceEntry> m_surfaces;
};

} // namespace vwsi
