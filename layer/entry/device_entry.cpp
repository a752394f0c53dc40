#include "core/device.h"
#include "core/instance.h"
#include "core/log.h"
#include "core/queue.h"
#include "core/struct_chain.h"
#ifdef VWSI_HAVE_DISPLAY
#include "entry/display_entry.h"
#endif
#include "entry/hooks.h"
#include "entry/supplied_features.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <vector>
#include <vulkan/vk_layer.h>

namespace vwsi {

namespace {

/// What the loader put into the create info's chain for this layer.
VkLayerDeviceCreateInfo* findLoaderInfo(const VkDeviceCreateInfo& info, VkLayerFunction function)
{
    for (auto* entry = static_cast<const VkLayerDeviceCreateInfo*>(info.pNext); entry;
         entry = static_cast<const VkLayerDeviceCreateInfo*>(entry->pNext)) {
        if (entry->sType == VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO && entry->function == function)
            return const_cast<VkLayerDeviceCreateInfo*>(entry);
    }
    return nullptr;
}

/// The create info that a served device's driver gets: nothing of the window-system extensions, host memory import
/// where the driver has it.
class DriverCreateInfo {
public:
    DriverCreateInfo(const PhysicalDevice& device, const VkDeviceCreateInfo& info) : m_info(info)
    {
        for (uint32_t i = 0; i < info.enabledExtensionCount; ++i) {
            const char* const name = info.ppEnabledExtensionNames[i];
            if (const char* const drivers = driverName(device, name))
                m_names.push_back(drivers);
            m_importsHostMemory |= !strcmp(name, VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME);
        }
        if (device.hostPointerAlignment() && !m_importsHostMemory) {
            m_names.push_back(VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME);
            m_importsHostMemory = true;
            const bool named = std::any_of(m_names.begin(), m_names.end(), [](const char* name) {
                return !strcmp(name, VK_KHR_EXTERNAL_MEMORY_EXTENSION_NAME);
            });
            if (device.apiVersion() < VK_API_VERSION_1_1 && !named)
                m_names.push_back(VK_KHR_EXTERNAL_MEMORY_EXTENSION_NAME);
        }
        m_info.enabledExtensionCount = static_cast<uint32_t>(m_names.size());
        m_info.ppEnabledExtensionNames = m_names.data();

        const RewrittenChain chain = chainWithout(m_arena, info.pNext, &isWindowSystemFeature);
        m_info.pNext = chain.chain;
        if (!chain.complete)
            VWSI_WARN("vkCreateDevice: a feature struct of the swapchain stays in the driver's chain, because a struct "
                      "before it is newer than this build of the layer");
    }

    const VkDeviceCreateInfo& get() const { return m_info; }
    bool importsHostMemory() const { return m_importsHostMemory; }

private:
    /// What an extension of the application's is called at the driver; null: it is the layer's alone.
    const char* driverName(const PhysicalDevice& device, const char* name) const
    {
        if (isWindowSystemDeviceExtension(name))
            return nullptr;
        if (strcmp(name, "VK_KHR_calibrated_timestamps") != 0 || device.driverHas(name))
            return name;
        const char* const older = VK_EXT_CALIBRATED_TIMESTAMPS_EXTENSION_NAME;
        const bool named =
            std::any_of(m_info.ppEnabledExtensionNames, m_info.ppEnabledExtensionNames + m_info.enabledExtensionCount,
                        [&](const char* other) { return !strcmp(other, older); });
        return device.driverHas(older) && !named ? older : nullptr;
    }

    ScratchArena m_arena;
    VkDeviceCreateInfo m_info;
    std::vector<const char*> m_names;
    bool m_importsHostMemory = false;
};

VKAPI_ATTR VkResult VKAPI_CALL CreateDevice(VkPhysicalDevice physicalDevice, const VkDeviceCreateInfo* pCreateInfo,
                                            const VkAllocationCallbacks* pAllocator, VkDevice* pDevice)
{
    VkLayerDeviceCreateInfo* const link = findLoaderInfo(*pCreateInfo, VK_LAYER_LINK_INFO);
    const VkLayerDeviceCreateInfo* const callback = findLoaderInfo(*pCreateInfo, VK_LOADER_DATA_CALLBACK);
    if (!link || !link->u.pLayerInfo || !callback)
        return VK_ERROR_INITIALIZATION_FAILED;
    const PFN_vkSetDeviceLoaderData setLoaderData = callback->u.pfnSetDeviceLoaderData;
    const VkLayerDeviceLink here = *link->u.pLayerInfo;
    link->u.pLayerInfo = here.pNext;

    return guarded([&] {
        Instance& instance = *Instance::find(physicalDevice);
        PhysicalDevice& physical = instance.physicalDevice(physicalDevice);
        const auto createNext =
            reinterpret_cast<PFN_vkCreateDevice>(here.pfnNextGetInstanceProcAddr(instance.handle(), "vkCreateDevice"));
        if (!createNext)
            return VK_ERROR_INITIALIZATION_FAILED;

        bool importsHostMemory = false;
        VkResult result = VK_SUCCESS;
        if (physical.served()) {
            const DriverCreateInfo info(physical, *pCreateInfo);
            importsHostMemory = info.importsHostMemory();
            result = createNext(physicalDevice, &info.get(), pAllocator, pDevice);
        } else {
            result = createNext(physicalDevice, pCreateInfo, pAllocator, pDevice);
        }
        if (result != VK_SUCCESS)
            return result;

        const auto destroyNext =
            reinterpret_cast<PFN_vkDestroyDevice>(here.pfnNextGetDeviceProcAddr(*pDevice, "vkDestroyDevice"));
        try {
            auto device = std::make_unique<Device>(physical, *pDevice, here.pfnNextGetDeviceProcAddr, setLoaderData);
            if (physical.served())
                result = device->serve(*pCreateInfo, importsHostMemory);
            if (result == VK_SUCCESS)
                device.release(); // NOLINT(bugprone-unused-return-value): found by its handle from now on
        } catch (...) {
            destroyNext(*pDevice, pAllocator);
            throw;
        }
        if (result != VK_SUCCESS)
            destroyNext(*pDevice, pAllocator);
        return result;
    });
}

VKAPI_ATTR void VKAPI_CALL DestroyDevice(VkDevice device, const VkAllocationCallbacks* pAllocator)
{
    if (!device)
        return;
    Device* const object = Device::find(device);
    const PFN_vkDestroyDevice destroyNext = object->next().DestroyDevice;
#ifdef VWSI_HAVE_DISPLAY
    dropDisplayFences(*object);
#endif
    delete object;
    destroyNext(device, pAllocator);
}

VKAPI_ATTR VkResult VKAPI_CALL DeviceWaitIdle(VkDevice device)
{
    Device& object = *Device::find(device);
    for (const auto& queue : object.queues())
        queue->mutex().lock();
    const VkResult result = object.noted(object.next().DeviceWaitIdle(device));
    for (const auto& queue : object.queues())
        queue->mutex().unlock();
    return result;
}

} // namespace

std::span<const Hook> deviceHooks()
{
    static const Hook hooks[] = {
        VWSI_HOOK(CreateDevice, HookLevel::PhysicalDevice),
        VWSI_HOOK(DestroyDevice, HookLevel::Device),
        VWSI_HOOK(DeviceWaitIdle, HookLevel::Device),
    };
    return hooks;
}

} // namespace vwsi
