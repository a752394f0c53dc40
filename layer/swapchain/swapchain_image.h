#pragma once

#include "surface/target.h"
#include "swapchain/damage_region.h"
#include "swapchain/placement.h"

#include <vulkan/vulkan.h>

namespace vwsi {

struct SubmissionFence;

/// Who may touch a presentable image.
enum class ImageState : uint8_t {
    Free,     ///< may be acquired
    Acquired, ///< the application's
    Queued,   ///< presented by the application, not yet handed over to the target
    Shown,    ///< handed over; free again when the target has left its buffer
};

/// Host-visible memory that the GPU copies to.
struct HostBuffer {
    VkBuffer buffer = VK_NULL_HANDLE;
    VkDeviceMemory memory = VK_NULL_HANDLE;
    unsigned char* mapping = nullptr;
    bool coherent = false; ///< the CPU sees what the GPU wrote without invalidating
};

/// What an image needs to fill a target of another size; made anew whenever the target has changed its own.
struct ScaledCopy {
    VkExtent2D target{};            ///< size of the target's buffer
    Placement placement;            ///< in that size
    VkImage image = VK_NULL_HANDLE; ///< the image in the size of placement.destination, where that is another
    VkDeviceMemory memory = VK_NULL_HANDLE;
    HostBuffer staging; ///< the bytes of placement.destination, where the GPU cannot reach the target's memory
    uint32_t stagingStride = 0;
};

/// One presentable image with its bytes on the window system's side. Where the application has one image alone
/// (VK_KHR_shared_presentable_image), the others lack an image of their own and take copies of that one.
struct SwapchainImage {
    VkImage image = VK_NULL_HANDLE;
    VkDeviceMemory memory = VK_NULL_HANDLE;         ///< what the image is bound to
    VkBuffer importedBuffer = VK_NULL_HANDLE;       ///< CopyMode::Import: the target's memory as a buffer
    VkDeviceMemory importedMemory = VK_NULL_HANDLE; ///< memory of importedBuffer
    TargetBuffer target;
    ScaledCopy scaled;                ///< used in swapchains with PresentScaling
    SubmissionFence* fence = nullptr; ///< of the last submission of the image's commands
    bool realized = false;            ///< has memory and recorded commands
    ImageState state = ImageState::Free;
    uint64_t freedAt = 0;                            ///< order of release; the longest free image is acquired first
    DamageRegion stale = DamageRegion::everything(); ///< CopyMode::Staged: what the target's buffer lacks
};

} // namespace vwsi
