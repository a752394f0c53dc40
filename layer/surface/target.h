#pragma once

#include "core/clock.h"
#include "surface/pixel_format.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vulkan/vulkan.h>

namespace vwsi {

class DmaBufTaker;

/// What a target is made for; constant over the life of a swapchain.
struct TargetInfo {
    VkExtent2D extent;         ///< size of the buffers in pixels, if `follows` at first; else that of the images
    const PixelFormat* format; ///< format of the presentable images
    VkColorSpaceKHR colorSpace;
    VkCompositeAlphaFlagBitsKHR compositeAlpha;
    VkPresentModeKHR presentMode; ///< first mode; later frames may name another compatible one
    uint32_t imageCount;          ///< number of buffers that will be allocated
    const void* createInfoNext;   ///< pNext of VkSwapchainCreateInfoKHR, valid during creation only
    bool follows = false;         ///< frames are scaled to the surface: another size of it is no reason to complain
};

/// Bytes of the window system that one presentable image's pixels go to.
struct TargetBuffer {
    void* data = nullptr;    ///< CPU mapping, readable and writable, page-aligned if `importable`
    size_t size = 0;         ///< bytes of the mapping
    uint32_t stride = 0;     ///< bytes from one row to the next
    bool importable = false; ///< ordinary memory that a driver may import (VK_EXT_external_memory_host)
};

/// What a target would like of the GPU's own row pitch when it writes into the target's memory directly.
struct BufferLayout {
    uint32_t stride = 0;  ///< bytes a row; 0: the target chooses
    size_t size = 0;      ///< least size in bytes; 0: stride * height
    size_t alignment = 0; ///< alignment of address and size; 0: the page size
    VkExtent2D extent{};  ///< size in pixels; 0: TargetInfo::extent
};

/// Which part of an image is shown where on the display (VkDisplayPresentInfoKHR).
struct FrameRegion {
    VkRect2D source;      ///< part of the image
    VkRect2D destination; ///< where its pixels go, scaled when the sizes differ; what is outside of the display is lost
};

/// One frame to be shown.
struct Frame {
    uint32_t buffer = 0; ///< index of the buffer that holds it
    uint64_t serial = 0; ///< counts the frames of this target from 1 on
    VkPresentModeKHR mode = VK_PRESENT_MODE_FIFO_KHR;
    std::span<const VkRect2D> damage;    ///< changed since the last frame; empty: everything
    Nanoseconds desiredTime = 0;         ///< not before this moment of CLOCK_MONOTONIC; 0: no wish
    const FrameRegion* region = nullptr; ///< null: all of the image, where the surface says
};

/// Hears what became of frames. Called on the presenter thread only, from within Target's methods.
class TargetEvents {
public:
    /// The window system no longer reads buffer `index`.
    virtual void bufferIdle(uint32_t index) = 0;
    /// Frame `serial` became visible at `when` (CLOCK_MONOTONIC), or 0 when it was discarded unseen.
    virtual void framePresented(uint64_t serial, Nanoseconds when) = 0;
    /// Refreshes come every `interval` from now on; 0: not at a constant rate, or nobody knows. `latched`: they alone
    /// make frames visible, each the frames that were handed over before it. Also from within setEvents().
    virtual void refreshKnown(Nanoseconds interval, bool latched)
    {
        static_cast<void>(interval);
        static_cast<void>(latched);
    }

protected:
    ~TargetEvents() = default;
};

/// Where a swapchain's frames become visible: window, display or memory.
///
/// Life: created by Surface::createTarget on the application's thread, which then calls allocate() once per image
/// (indices 0..imageCount-1), or later with deferred allocation, and again when scaled frames need another size. From
/// the first frame on, all other methods are called on one presenter thread. Destroyed on the application's thread
/// after the presenter thread has ended; destruction must not wait for the window system longer than one round trip.
///
/// Results: VK_SUCCESS, VK_SUBOPTIMAL_KHR (still shown, but the surface's size or scaling changed),
/// VK_ERROR_OUT_OF_DATE_KHR (can't be shown any more), VK_ERROR_SURFACE_LOST_KHR, VK_ERROR_OUT_OF_HOST_MEMORY,
/// VK_ERROR_OUT_OF_DEVICE_MEMORY. The presenter latches errors; after one, no further frame is handed over.
class Target {
public:
    virtual ~Target() = default;

    /// Size that the surface has now, as far as the window system has told; `made` where it cannot change. Only for
    /// TargetInfo::follows; called on the application's thread.
    virtual VkExtent2D surfaceExtent(VkExtent2D made) { return made; }

    /// Makes buffer `index` for a layout; keeps it until destruction, or until a call for the same index, whose buffer
    /// is idle and which replaces it on success.
    virtual VkResult allocate(uint32_t index, const BufferLayout& layout, TargetBuffer* buffer) = 0;

    /// For targets that can show the driver's memory as it is.
    virtual DmaBufTaker* dmaBufTaker() { return nullptr; }

    /// Where events go; set once before the first frame.
    virtual void setEvents(TargetEvents* events) = 0;

    /// The target itself sees to it that a frame is not visible before Frame::desiredTime; otherwise it may get frames
    /// at their time only.
    virtual bool keepsTime() const { return false; }

    /// Frames of VK_PRESENT_MODE_MAILBOX_KHR are taken at any time, because the window system itself shows the latest
    /// at a refresh; otherwise one is taken for each refresh.
    virtual bool replacesFrames() const { return false; }

    /// What VK_EXT_hdr_metadata says of the frames from the next one on. Targets that can tell nobody ignore it.
    virtual void setHdrMetadata(const VkHdrMetadataEXT& metadata) { static_cast<void>(metadata); }

    /// When the next frame in `mode` may be handed over: 0 for now, a moment of CLOCK_MONOTONIC, or kForever when only
    /// an event (seen by wait()) can tell. Implements the pacing of the mode.
    virtual Nanoseconds readyAt(VkPresentModeKHR mode) = 0;

    /// Shows a frame; its bytes are complete. Takes over the buffer until bufferIdle(). Does not block.
    virtual VkResult present(const Frame& frame) = 0;

    /// No frame will be shown any more, though the target may live on for long: gives up what others could use
    /// meanwhile. The last call on the presenter thread.
    virtual void abandon() {}

    /// Handles what the window system sent, after waiting for it until `deadline` (0: don't wait), or until the
    /// descriptor `wake` (-1: none) becomes readable. The caller empties `wake`.
    virtual VkResult wait(int wake, Nanoseconds deadline) = 0;
};

/// Waits with ppoll until one of two descriptors (each may be -1) is readable or `deadline` passed.
/// Returns bit 0 for `first`, bit 1 for `second`.
unsigned pollDescriptors(int first, int second, Nanoseconds deadline);

} // namespace vwsi
