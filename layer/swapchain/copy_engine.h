#pragma once

#include "core/host_allocator.h"
#include "core/settings.h"
#include "swapchain/image_export.h"
#include "swapchain/swapchain_image.h"

#include <vulkan/vulkan.h>

namespace vwsi {

class Device;
class ImageGroup;

/// Moves a presentable image's pixels into the target's memory, on the GPU as far as the driver allows, or has the
/// target read the image's own (CopyMode::Export).
///
/// Owns the memory of all images of a swapchain and the command buffers, which are recorded once per image and queue
/// family. Each ends by writing 1 into the image's completion word in host memory.
///
/// With PresentScaling the commands scale the image to the target's buffer, and buffer and commands of an image follow
/// the size of the target when it is next presented (fit()). Pixels that show no part of the image are black.
class CopyEngine {
public:
    CopyEngine(Device& device, HostAllocator& allocator);
    ~CopyEngine();
    CopyEngine(const CopyEngine&) = delete;
    CopyEngine& operator=(const CopyEngine&) = delete;

    /// How the driver shall compress the images (VK_EXT_image_compression_control_swapchain); before create().
    void compress(const VkImageCompressionControlEXT& wish);

    enum class Allocation {
        Eager,
        Deferred, ///< images get their memory when they are realized
        Shared,   ///< the first image is the only one; the others are places for copies of it
    };

    /// Chooses the way of copying, and makes the images of `images` and everything that does not depend on their
    /// memory. `info` describes the images as the application asked for them. `surface` is the target's first size,
    /// which matters with `scaling` only. With a group, the images are its own: made by its first engine, taken over by
    /// the others, and always staged.
    VkResult create(const VkImageCreateInfo& info, const PixelFormat& format, Target& target,
                    HostArray<SwapchainImage>& images, Allocation allocation, const PresentScaling& scaling,
                    VkExtent2D surface, ImageGroup* group);

    /// Gives image `index` memory, a buffer of the target and its command buffers.
    VkResult realize(uint32_t index);

    /// Creates an image with the layout of the presentable ones from an equal description, for their memory.
    VkResult createAlias(const VkImageCreateInfo& info, const VkAllocationCallbacks* callbacks, VkImage* image) const;

    /// The target has another size than the buffer of image `index`, which is to be made anew by fit().
    bool outgrown(uint32_t index) const;

    /// Gives image `index` a buffer of the target's size, and commands for it. No frame of the image may be under way;
    /// waits for the fence of its last one, whose word may have been seen earlier.
    VkResult fit(uint32_t index);

    /// Which pixels of the target's buffer show `damage` of image `index`.
    DamageRegion shown(uint32_t index, const DamageRegion& damage) const;
    /// The same for the part of image `index` that is to be presented.
    FrameRegion shown(uint32_t index, const FrameRegion& region) const;

    bool scales() const { return m_scaling.wanted(); }
    CopyMode mode() const { return m_mode; }

    /// The commands of image `index` for queues of `family`, or null when that family was not known at creation.
    VkCommandBuffer command(uint32_t index, uint32_t family) const;

    /// Prepares the completion word for the next submission of image `index`.
    void resetWord(uint32_t index);
    /// The GPU has finished the copy of image `index`: visible here as soon as it is on the host.
    bool wordWritten(uint32_t index) const;
    /// Host memory is coherent, so that polling the word sees the GPU's write.
    bool wordUsable() const { return m_host.coherent; }

    /// CopyMode::Staged: copies `damage` from host-visible memory into the target's buffer of image `index`.
    void copyToTarget(uint32_t index, const DamageRegion& damage);

    /// Frees everything; no submission may be pending.
    void destroy();

private:
    /// Row pitch that every copy engine takes without a slow path.
    static constexpr uint32_t kStagingAlignment = 256;

    struct FamilyCommands {
        uint32_t family = 0;
        VkCommandPool pool = VK_NULL_HANDLE;
        HostArray<VkCommandBuffer> buffers;
    };

    VkResult makeImages(Allocation allocation, ImageGroup* group);
    /// Makes all images with memory that the target takes as it is. VK_ERROR_FORMAT_NOT_SUPPORTED, with nothing made
    /// and a log line where there was a choice, when they are to go another way.
    VkResult exportImages(Allocation allocation, const ImageGroup* group);
    const char* chooseExport(Allocation allocation, const ImageGroup* group, DmaBufTaker& taker, VkResult* result);
    VkResult exportAll(DmaBufTaker& taker, const char** step);
    VkResult chooseMode();
    VkResult checkDirect() const;
    VkResult createImage(uint32_t index);
    VkResult createHostMemory();
    VkResult createHostBuffer(VkDeviceSize size, HostBuffer* host);
    void destroyHostBuffer(HostBuffer& host);
    VkResult createCommands();
    VkResult realizeDirect(uint32_t index);
    VkResult realizeImport(uint32_t index);
    VkResult realizeStaged(uint32_t index);
    /// Makes the target's memory of `rows` rows a buffer that the GPU can write.
    VkResult importTarget(SwapchainImage& image, uint32_t rows);
    void dropImport(SwapchainImage& image);
    VkResult importHostMemory(const TargetBuffer& buffer, uint32_t typeBits, VkDeviceMemory* memory);
    /// Memory for the image, unless it has some or there is none.
    VkResult bindOwnImage(SwapchainImage& image);
    VkResult bindImage(VkImage image, VkDeviceMemory* memory);
    VkResult bindOrFree(VkImage image, VkDeviceMemory* memory);
    VkResult createScaledImage(SwapchainImage& image);
    VkResult createScaledBytes(SwapchainImage& image);
    void blackenBorders(const SwapchainImage& image) const;
    void destroyScaled(SwapchainImage& image);
    VkResult record(uint32_t index);
    void recordCopy(VkCommandBuffer command, const SwapchainImage& image, uint32_t index, uint32_t family);
    /// Lets readers outside of Vulkan find what was rendered.
    void recordHandOver(VkCommandBuffer command, const SwapchainImage& image, uint32_t family);
    void recordPlainCopy(VkCommandBuffer command, const SwapchainImage& image, uint32_t index);
    void recordScaledCopy(VkCommandBuffer command, const SwapchainImage& image, VkImage from);
    void destroyImage(SwapchainImage& image);
    /// The image that the commands of `index` copy from.
    VkImage source(uint32_t index) const { return (*m_images)[m_shared ? 0 : index].image; }
    VkDeviceSize stagingOffset(uint32_t index) const { return m_stagingSize * index; }
    VkDeviceSize wordOffset(uint32_t index) const;

    Device& m_device;
    HostAllocator& m_allocator;
    Target* m_target = nullptr;
    HostArray<SwapchainImage>* m_images = nullptr;
    const PixelFormat* m_format = nullptr;
    VkImageCreateInfo m_imageInfo{};
    VkImageCompressionControlEXT m_compression{}; ///< sType 0: the application has no wish
    VkImageCompressionFixedRateFlagsEXT m_compressionRate = 0;
    CopyMode m_mode = CopyMode::Staged;
    bool m_ownsImages = true; ///< false: an ImageGroup does

    ImageExport m_export; ///< CopyMode::Export

    PresentScaling m_scaling;
    VkFilter m_filter = VK_FILTER_NEAREST;

    HostBuffer m_host; ///< staging areas of all images, then their completion words
    bool m_shared = false;
    uint32_t m_stagingStride = 0;
    VkDeviceSize m_stagingSize = 0; ///< bytes of one image's staging area; 0 when nothing is staged
    HostArray<FamilyCommands> m_families;
};

} // namespace vwsi
