#pragma once

#include "core/device.h"
#include "core/extension.h"

#include <new>
#include <span>
#include <vulkan/vulkan.h>

namespace vwsi {

/// At which level of the API a command lives; decides through which look-up it is found.
enum class HookLevel : uint8_t {
    Global,         ///< also without an instance
    Instance,       ///< takes VkInstance
    PhysicalDevice, ///< takes VkPhysicalDevice
    Device,         ///< takes VkDevice, VkQueue or VkCommandBuffer of a served device
};

/// One intercepted command.
struct Hook {
    const char* name;
    PFN_vkVoidFunction function;
    HookLevel level;
    Extension extension = Extension::None; ///< must be enabled for the command to be found, or watched
    /// The command is the driver's, only watched: it exists only where the driver has it.
    bool driverCommand = false;
    /// HookLevel::Device: the command as vkGetInstanceProcAddr answers it, for devices of every kind; else null.
    PFN_vkVoidFunction instanceFunction = nullptr;
};

// One table per group of entry points; hooks.cpp makes the one sorted table of them.
std::span<const Hook> instanceHooks();
std::span<const Hook> physicalDeviceHooks();
std::span<const Hook> surfaceHooks();
std::span<const Hook> deviceHooks();
std::span<const Hook> queueHooks();
std::span<const Hook> layoutHooks();
std::span<const Hook> sharedLayoutHooks();
std::span<const Hook> objectHooks();
std::span<const Hook> swapchainHooks();
std::span<const Hook> presentWaitHooks();
std::span<const Hook> displayTimingHooks();
#ifdef VK_EXT_present_timing
std::span<const Hook> presentTimingHooks();
std::span<const Hook> calibrationHooks();
#endif
#ifdef VWSI_HAVE_XCB
std::span<const Hook> xcbHooks();
#endif
#ifdef VWSI_HAVE_XLIB
std::span<const Hook> xlibHooks();
#endif
#ifdef VWSI_HAVE_WAYLAND
std::span<const Hook> waylandHooks();
#endif
#ifdef VWSI_HAVE_DISPLAY
std::span<const Hook> displayHooks();
#endif

/// The hook of this command name, or null.
const Hook* findHook(const char* name);

/// A command's name as a template argument.
template <size_t Length> struct CommandName {
    char text[Length];
    consteval CommandName(const char (&name)[Length])
    {
        for (size_t i = 0; i < Length; ++i)
            text[i] = name[i];
    }
};

/// A device's command as found through vkGetInstanceProcAddr. Its callers may use it on devices that are not served,
/// where it goes down; the look-up per call is theirs to avoid, with vkGetDeviceProcAddr.
template <CommandName Name, auto Function> struct InstanceCommand {
    static PFN_vkVoidFunction get() { return nullptr; }
};

template <CommandName Name, typename Result, typename Handle, typename... Arguments,
          Result(VKAPI_PTR* Function)(Handle, Arguments...)>
struct InstanceCommand<Name, Function> {
    static VKAPI_ATTR Result VKAPI_CALL call(Handle handle, Arguments... arguments)
    {
        const Device& device = *Device::find(handle);
        if (device.physicalDevice().served())
            return Function(handle, arguments...);
        const auto below =
            reinterpret_cast<decltype(Function)>(device.next().GetDeviceProcAddr(device.handle(), Name.text));
        return below(handle, arguments...);
    }

    static PFN_vkVoidFunction get() { return reinterpret_cast<PFN_vkVoidFunction>(&call); }
};

/// Makes a hook from its name and address, see VWSI_HOOK.
template <CommandName Name, auto Function>
Hook makeHook(HookLevel level, Extension extension = Extension::None, bool driverCommand = false)
{
    Hook hook{Name.text, reinterpret_cast<PFN_vkVoidFunction>(Function), level, extension, driverCommand, nullptr};
    if constexpr (requires { InstanceCommand<Name, Function>::get(); }) {
        if (level == HookLevel::Device)
            hook.instanceFunction = InstanceCommand<Name, Function>::get();
    }
    return hook;
}

/// Spells a hook in a table: the command without its `vk`, its level, and what it depends on.
#define VWSI_HOOK(name, ...) ::vwsi::makeHook<"vk" #name, name>(__VA_ARGS__)

/// Runs the body of an entry point that returns VkResult; keeps C++ exceptions out of the application.
template <typename Body> VkResult guarded(Body&& body) noexcept
{
    try {
        return body();
    } catch (const std::bad_alloc&) {
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    } catch (...) {
        return VK_ERROR_UNKNOWN;
    }
}

/// The same for an entry point that answers yes or no: no is all that it can say when memory runs out.
template <typename Body> VkBool32 guardedAnswer(Body&& body) noexcept
{
    bool answer = false;
    guarded([&] {
        answer = body();
        return VK_SUCCESS;
    });
    return answer;
}

} // namespace vwsi
