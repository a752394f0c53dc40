#pragma once

#include "core/instance.h"

#include <memory>
#include <vulkan/vulkan.h>

namespace vwsi {

/// Creates the loader's VkSurfaceKHR with `createBelow(VkSurfaceKHR*)` and keeps what `createOwn(unique_ptr<Surface>*)`
/// makes as the layer's state of it. The surface exists in full or not at all.
template <typename CreateBelow, typename CreateOwn>
VkResult createSurface(Instance& instance, const VkAllocationCallbacks* callbacks, VkSurfaceKHR* handle,
                       CreateBelow&& createBelow, CreateOwn&& createOwn)
{
    std::unique_ptr<Surface> surface;
    if (const VkResult result = createOwn(&surface); result != VK_SUCCESS)
        return result;
    if (const VkResult result = createBelow(handle); result != VK_SUCCESS)
        return result;
    try {
        instance.addSurface(*handle, std::move(surface));
    } catch (...) {
        instance.next().DestroySurfaceKHR(instance.handle(), *handle, callbacks);
        throw;
    }
    return VK_SUCCESS;
}

} // namespace vwsi
