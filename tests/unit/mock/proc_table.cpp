#include "mock/call.h"
#include "mock/entries.h"

#include <unordered_map>

namespace vwsi::mock {

namespace {

PFN_vkVoidFunction find(std::string_view name)
{
    static const std::unordered_map<std::string_view, PFN_vkVoidFunction> table{
#define ENTRY(name) {"vk" #name, reinterpret_cast<PFN_vkVoidFunction>(entry::name)},
#define ALIAS(alias, name) {"vk" #alias, reinterpret_cast<PFN_vkVoidFunction>(entry::name)},
#include "mock/entries.inc"
#undef ENTRY
#undef ALIAS
    };
    const auto found = table.find(name);
    return found == table.end() ? nullptr : found->second;
}

/// The loader's own rule for commands of the instance: what the instance's version or extensions bring.
bool instanceKnows(const Instance& instance, std::string_view name)
{
    const CommandFacts* facts = commandFacts(name);
    if (!facts)
        return true;
    const Origin& origin = facts->origin;
    if (origin.coreVersion)
        return origin.coreVersion <= instance.apiVersion;
    return anyExtension(origin, [&](std::string_view extension) {
        if (instance.extensions.contains(extension))
            return true;
        // Device extensions are known to the instance as soon as any device has them.
        for (const PhysicalDevice* device : instance.physicalDevices) {
            if (device->spec->has(extension))
                return true;
        }
        return false;
    });
}

bool deviceKnows(const Device& device, std::string_view name)
{
    const CommandFacts* facts = commandFacts(name);
    if (!facts || !facts->ofDevice)
        return false;
    const Origin& origin = facts->origin;
    if (origin.coreVersion)
        return origin.coreVersion <= device.physicalDevice->spec->apiVersion;
    return anyExtension(origin, [&](std::string_view extension) {
        return device.extensions.contains(extension) || device.physicalDevice->instance->extensions.contains(extension);
    });
}

PFN_vkVoidFunction VKAPI_CALL getDeviceProcAddr(VkDevice handle, const char* name)
{
    const std::string_view wanted(name);
    if (wanted == "vkGetDeviceProcAddr")
        return reinterpret_cast<PFN_vkVoidFunction>(getDeviceProcAddr);
    const Call call("vkGetDeviceProcAddr", handle);
    return call.device && deviceKnows(*call.device, wanted) ? find(wanted) : nullptr;
}

} // namespace

PFN_vkVoidFunction VKAPI_CALL Driver::getInstanceProcAddr(VkInstance handle, const char* name)
{
    const std::string_view wanted(name);
    if (wanted == "vkGetInstanceProcAddr")
        return reinterpret_cast<PFN_vkVoidFunction>(getInstanceProcAddr);
    if (!handle)
        return wanted == "vkCreateInstance" ? find(wanted) : nullptr;
    if (wanted == "vkGetDeviceProcAddr")
        return reinterpret_cast<PFN_vkVoidFunction>(getDeviceProcAddr);
    const Call call("vkGetInstanceProcAddr", handle);
    return call.instance && instanceKnows(*call.instance, wanted) ? find(wanted) : nullptr;
}

PFN_vkVoidFunction VKAPI_CALL Driver::getPhysicalDeviceProcAddr(VkInstance handle, const char* name)
{
    const std::string_view wanted(name);
    if (wanted.find("PhysicalDevice") == std::string_view::npos)
        return nullptr;
    return getInstanceProcAddr(handle, name);
}

} // namespace vwsi::mock
