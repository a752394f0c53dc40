#include "core/dispatch.h"

namespace vwsi {

namespace {

/// `look` finds commands by name. Of the two names of a promoted command, the valid one is tried first.
template <typename Function, typename Look>
void find(Function& function, const char* name, const char* alias, bool promoted, Look&& look)
{
    function = reinterpret_cast<Function>(look(promoted || !*alias ? name : alias));
    if (!function && *alias)
        function = reinterpret_cast<Function>(look(promoted ? alias : name));
}

} // namespace

void InstanceDispatch::load(VkInstance instance, PFN_vkGetInstanceProcAddr next, uint32_t apiVersion)
{
    GetInstanceProcAddr = next;
    const auto look = [&](const char* name) { return next(instance, name); };
#define VWSI_LOAD(name, alias, version) find(name, "vk" #name, alias, apiVersion >= (version), look);
    VWSI_INSTANCE_FUNCTIONS(VWSI_LOAD)
#undef VWSI_LOAD
}

void DeviceDispatch::load(VkDevice device, PFN_vkGetDeviceProcAddr next, uint32_t apiVersion)
{
    GetDeviceProcAddr = next;
    const auto look = [&](const char* name) { return next(device, name); };
#define VWSI_LOAD(name, alias, version) find(name, "vk" #name, alias, apiVersion >= (version), look);
    VWSI_DEVICE_FUNCTIONS(VWSI_LOAD)
#undef VWSI_LOAD
}

} // namespace vwsi
