#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <sys/types.h>
#include <vector>
#include <vulkan/vulkan.h>

namespace vwsi {

/// Modifiers of drm_fourcc.h: rows of pixels one after the other, and a layout that only the buffer's maker knows.
constexpr uint64_t kLinearModifier = 0;
constexpr uint64_t kUnknownModifier = 0x00ffffffffffffff;

/// Dma-bufs of one format that a window system takes.
struct DmaBufOffer {
    /// Modifiers, the preferred tranche first; within one they are equally good. Empty: none.
    std::vector<std::vector<uint64_t>> tranches;
    dev_t device = 0; ///< DRM node that reads them; 0: not known
};

/// One presentable image's memory.
struct DmaBuf {
    /// Planes in memory, which compression may add to the one of a colour format.
    static constexpr uint32_t kMostPlanes = 4;
    struct Plane {
        uint32_t offset;
        uint32_t stride;
    };

    int descriptor = -1; ///< of all planes; stays its giver's
    uint64_t modifier = kLinearModifier;
    uint32_t planeCount = 0;
    std::array<Plane, kMostPlanes> planes{};
};

/// The side of a target that shows the driver's memory as it is. Called on the application's thread, before the first
/// frame.
class DmaBufTaker {
public:
    /// Why this window's frames cannot go out as dma-bufs, to follow a colon in a log line; null: they may.
    virtual const char* obstacle() const = 0;

    /// The user wants dma-bufs wherever they are possible, also where they are not worthwhile.
    virtual bool insists() const = 0;

    /// Asks the window system, which may take a round trip. VK_ERROR_SURFACE_LOST_KHR, VK_ERROR_OUT_OF_HOST_MEMORY.
    virtual VkResult offer(DmaBufOffer* offer) = 0;

    /// Makes the target's buffers 0 to size-1 of these, instead of Target::allocate(). VK_ERROR_FORMAT_NOT_SUPPORTED
    /// when the window system refuses one, after which it is as if nothing had been asked; VK_ERROR_SURFACE_LOST_KHR,
    /// VK_ERROR_OUT_OF_HOST_MEMORY.
    virtual VkResult take(std::span<const DmaBuf> images) = 0;

protected:
    ~DmaBufTaker() = default;
};

} // namespace vwsi
