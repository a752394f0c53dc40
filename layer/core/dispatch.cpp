#include "core/dispatch.h"

namespace vwsi {

void InstanceDispatch::load(VkInstance instance, PFN_vkGetInstanceProcAddr next)
{
    GetInstanceProcAddr = next;
#define VWSI_LOAD(name, alias)                                                                                         \
    name = reinterpret_cast<PFN_vk##name>(next(instance, "vk" #name));                                                 \
    if (!name && *alias)                                                                                               \
        name = reinterpret_cast<PFN_vk##name>(next(instance, alias));
    VWSI_INSTANCE_FUNCTIONS(VWSI_LOAD)
#undef VWSI_LOAD
}

void DeviceDispatch::load(VkDevice device, PFN_vkGetDeviceProcAddr next)
{
    GetDeviceProcAddr = next;
#define VWSI_LOAD(name, alias)                                                                                         \
    name = reinterpret_cast<PFN_vk##name>(next(device, "vk" #name));                                                   \
    if (!name && *alias)                                                                                               \
        name = reinterpret_cast<PFN_vk##name>(next(device, alias));
    VWSI_DEVICE_FUNCTIONS(VWSI_LOAD)
#undef VWSI_LOAD
}

} // namespace vwsi
