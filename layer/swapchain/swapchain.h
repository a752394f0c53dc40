#pragma once

#include "core/fence_pool.h"
#include "core/host_allocator.h"
#include "core/private_data.h"
#include "surface/surface.h"
#include "swapchain/copy_engine.h"
#include "swapchain/damage_region.h"
#include "swapchain/image_group.h"
#include "swapchain/present_records.h"
#include "swapchain/present_request.h"
#include "swapchain/presenter.h"
#include "swapchain/swapchain_image.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vulkan/vulkan.h>

namespace vwsi {

class Device;
class Queue;

/// A VkSwapchainKHR: presentable images, who holds them, and what the surface said last.
///
/// The handle is the object's address. Acquire and present are externally synchronised by the application; the
/// presenter thread takes part under `m_mutex`.
class Swapchain {
public:
    /// vkCreateSwapchainKHR. On success `*handle` owns the object.
    static VkResult create(Device& device, Surface& surface, const VkSwapchainCreateInfoKHR& info,
                           const VkAllocationCallbacks* callbacks, VkSwapchainKHR* handle);
    /// vkCreateSharedSwapchainsKHR: `surfaces` are those of the create infos. All or none: the handles, null
    /// before, are null again on failure. VK_ERROR_INCOMPATIBLE_DISPLAY_KHR also stands for the results that this
    /// command must not return.
    static VkResult createShared(Device& device, std::span<Surface* const> surfaces,
                                 std::span<const VkSwapchainCreateInfoKHR> infos,
                                 const VkAllocationCallbacks* callbacks, VkSwapchainKHR* handles);
    /// vkDestroySwapchainKHR. Waits for the GPU to be done with its copies, not for the window system.
    static void destroy(Swapchain* swapchain);

    static Swapchain* of(VkSwapchainKHR handle) { return reinterpret_cast<Swapchain*>(handle); }
    VkSwapchainKHR handle() { return reinterpret_cast<VkSwapchainKHR>(this); }

    Swapchain(Device& device, Surface& surface, const VkAllocationCallbacks* callbacks);
    ~Swapchain();
    Swapchain(const Swapchain&) = delete;
    Swapchain& operator=(const Swapchain&) = delete;

    Device& device() const { return m_device; }
    Surface& surface() const { return m_surface; }
    PrivateData& privateData() { return m_privateData; }

    /// vkGetSwapchainImagesKHR: two-call idiom, VK_INCOMPLETE.
    VkResult images(uint32_t* count, VkImage* images);

    /// Handle and memory of an image, for images bound with VkBindImageMemorySwapchainInfoKHR. Realizes the image.
    VkResult bindingOf(uint32_t index, VkDeviceMemory* memory);

    /// An image that can be bound to the memory of a presentable image (VkImageSwapchainCreateInfoKHR).
    VkResult createAlias(const VkImageCreateInfo& info, const VkAllocationCallbacks* callbacks, VkImage* image)
    {
        return m_engine.createAlias(info, callbacks, image);
    }

    /// vkAcquireNextImageKHR without the signalling of `semaphore` and `fence`, which is the entry point's.
    /// VK_SUCCESS, VK_SUBOPTIMAL_KHR, VK_NOT_READY, VK_TIMEOUT or the latched error.
    VkResult acquire(uint64_t timeout, uint32_t* imageIndex);
    /// Undoes an acquire whose signalling failed.
    void cancelAcquire(uint32_t imageIndex);

    /// First step of a present, under the queue's lock: the commands that copy the image on this queue, or null where
    /// the image is shared, which the presenter copies when its turn has come.
    /// VK_SUCCESS, VK_SUBOPTIMAL_KHR, or the error for which no frame can go out.
    VkResult preparePresent(const PresentRequest& request, Queue& queue, VkCommandBuffer* command);
    /// Second step, after the submission: hands the frame to the presenter. `fence` is dropped when the image is
    /// submitted again; it is not used where there were no commands.
    VkResult enqueue(const PresentRequest& request, SubmissionFence* fence);
    /// Second step of a present whose first step failed with `result`: the image returns to the swapchain, or, where
    /// only the timing results queue was full, stays with the application.
    void rejectPresent(uint32_t imageIndex, VkResult result);

    /// vkWaitForPresentKHR and vkWaitForPresent2KHR; may run beside every other call.
    VkResult waitForPresent(uint64_t id, uint64_t timeout) { return m_records.ids.wait(id, timeout); }

    /// vkReleaseSwapchainImagesEXT.
    VkResult release(uint32_t count, const uint32_t* indices);

    /// vkSetHdrMetadataEXT: goes to the target before the next frame.
    void setHdrMetadata(const VkHdrMetadataEXT& metadata);

    /// The device ends before the swapchain, which may only be leaked from now on: its thread ends.
    void halt();

    /// The surface got a new swapchain: nothing more can be acquired, what is acquired can still be presented.
    void retire();

    /// vkSetSwapchainPresentTimingQueueSizeEXT.
    VkResult resizeTimingResults(uint32_t size) { return m_records.results.resize(m_allocator, size); }
    PresentRecords& records() { return m_records; }

    /// The device is gone: nobody may wait for this swapchain any more.
    void deviceLost() { latch(VK_ERROR_DEVICE_LOST); }

    /// How far the application is from having image `index` of this swapchain.
    ImageGroup::Standing standing(uint32_t index);

    /// What the next call reports: VK_SUCCESS, VK_SUBOPTIMAL_KHR or an error that stays.
    VkResult status();

private:
    friend class Presenter;

    static VkResult create(Device& device, Surface& surface, const VkSwapchainCreateInfoKHR& info,
                           const VkAllocationCallbacks* callbacks, const std::shared_ptr<ImageGroup>& group,
                           VkSwapchainKHR* handle);
    static uint32_t imageCount(const VkSwapchainCreateInfoKHR& info, const SurfaceState& state);
    VkResult initialize(const VkSwapchainCreateInfoKHR& info, const std::shared_ptr<ImageGroup>& group);
    VkResult readScaling(const VkSwapchainCreateInfoKHR& info, const SurfaceState& state);
    VkResult createEngine(const VkSwapchainCreateInfoKHR& info, VkExtent2D surface);
    void makeFree(SwapchainImage& image);
    bool acquired(uint32_t imageIndex) const;
    /// Takes the image that has been free for longest out of the free ones, in a group one that the application can
    /// have of the other swapchains as well; false when there is none.
    bool takeFree(uint32_t* imageIndex);
    /// The application has an image no longer.
    void giveBack(uint32_t imageIndex);
    VkResult enqueueImage(PendingFrame& frame);
    /// Keeps the worse of the present status and `result`; wakes waiting acquires on errors.
    void latch(VkResult result);

    HostAllocator m_allocator;
    Device& m_device;
    Surface& m_surface;
    const std::shared_ptr<Surface> m_surfaceLife;
    const PixelFormat* m_format = nullptr;
    VkExtent2D m_extent{};
    PresentScaling m_scaling; ///< wanted only on surfaces with a size of their own
    VkPresentModeKHR m_presentMode = VK_PRESENT_MODE_FIFO_KHR;
    /// VK_KHR_shared_presentable_image: the application has the first of m_images alone; all of them are places for
    /// copies of it.
    bool m_shared = false;
    std::unique_ptr<Target> m_target;
    HostArray<SwapchainImage> m_images;
    std::shared_ptr<ImageGroup> m_group; ///< null: the images are this swapchain's alone
    HostAllocator m_engineAllocator;
    CopyEngine m_engine;
    PrivateData m_privateData;
    PresentRecords m_records;

    std::mutex m_mutex;
    std::condition_variable m_freed;
    VkResult m_status = VK_SUCCESS;
    bool m_retired = false;
    VkHdrMetadataEXT m_hdrMetadata{};
    bool m_hdrMetadataChanged = false; ///< the target does not have it yet
    bool m_sharedAcquired = false;     ///< the application has the shared image
    Queue* m_sharedQueue = nullptr;    ///< where the shared image was presented last
    uint64_t m_freeCount = 0;
    uint32_t m_reservedFences = 0;

    Presenter m_presenter; ///< last, so that its thread ends first
};

} // namespace vwsi
