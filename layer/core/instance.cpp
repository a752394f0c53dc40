#include "core/instance.h"

#include <algorithm>

namespace vwsi {

namespace {

KeyTable<Instance> instances;

} // namespace

Instance::Instance(VkInstance handle, PFN_vkGetInstanceProcAddr next, const VkInstanceCreateInfo& info, bool extended)
    : m_handle(handle)
{
    if (info.pApplicationInfo && info.pApplicationInfo->apiVersion)
        m_apiVersion = info.pApplicationInfo->apiVersion;
    m_next.load(handle, next, m_apiVersion);
    m_queriesExternalMemory = m_apiVersion >= VK_API_VERSION_1_1 || extended;
    for (uint32_t i = 0; i < info.enabledExtensionCount; ++i)
        m_enabled.set(static_cast<size_t>(findExtension(info.ppEnabledExtensionNames[i])));
    m_enabled.set(static_cast<size_t>(Extension::None));
    instances.insert(handle, this);
}

Instance::~Instance()
{
    instances.remove(m_handle);
}

Instance* Instance::find(const void* dispatchable)
{
    return instances.find(dispatchable);
}

PhysicalDevice& Instance::physicalDevice(VkPhysicalDevice handle)
{
    const std::lock_guard lock(m_mutex);
    for (const auto& device : m_physicalDevices) {
        if (device->handle() == handle)
            return *device;
    }
    m_physicalDevices.push_back(std::make_unique<PhysicalDevice>(*this, handle));
    return *m_physicalDevices.back();
}

void Instance::addSurface(VkSurfaceKHR handle, std::unique_ptr<Surface> surface)
{
    const std::lock_guard lock(m_mutex);
    m_surfaces.push_back({handle, std::move(surface)});
}

Surface* Instance::surface(VkSurfaceKHR handle)
{
    const std::lock_guard lock(m_mutex);
    const auto entry = std::find_if(m_surfaces.begin(), m_surfaces.end(),
                                    [&](const SurfaceEntry& known) { return known.handle == handle; });
    return entry == m_surfaces.end() ? nullptr : entry->surface.get();
}

void Instance::removeSurface(VkSurfaceKHR handle)
{
    std::shared_ptr<Surface> removed; // ends without the lock
    const std::lock_guard lock(m_mutex);
    const auto entry = std::find_if(m_surfaces.begin(), m_surfaces.end(),
                                    [&](const SurfaceEntry& known) { return known.handle == handle; });
    if (entry == m_surfaces.end())
        return;
    removed = std::move(entry->surface);
    m_surfaces.erase(entry);
}

} // namespace vwsi
