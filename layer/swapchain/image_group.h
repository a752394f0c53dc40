#pragma once

#include "core/host_allocator.h"
#include "swapchain/swapchain_image.h"

#include <cstdint>
#include <mutex>
#include <vector>
#include <vulkan/vulkan.h>

namespace vwsi {

class Device;
class Swapchain;

/// The presentable images that several swapchains share (vkCreateSharedSwapchainsKHR). They live as long as the last of
/// these; who may touch an image is known to each swapchain for itself.
class ImageGroup {
public:
    /// How far an application is from having an image of one swapchain.
    enum class Standing { Acquired, Free, Busy };

    ImageGroup(Device& device, const VkAllocationCallbacks* callbacks, uint32_t imageCount);
    ~ImageGroup();
    ImageGroup(const ImageGroup&) = delete;
    ImageGroup& operator=(const ImageGroup&) = delete;

    uint32_t imageCount() const { return m_imageCount; }

    /// Takes the images of the first swapchain over, with their memory. Throws std::bad_alloc.
    void own(const HostArray<SwapchainImage>& images);
    /// Hands the images to a further swapchain; false when there are none yet.
    bool take(HostArray<SwapchainImage>& images) const;

    void join(Swapchain& swapchain);
    void leave(Swapchain& swapchain);

    /// Held by who calls cost(); taken before the mutex of a swapchain.
    std::mutex& mutex() { return m_mutex; }
    /// How much keeps the application from having image `index` of all swapchains but `asking`: 0 for nothing.
    uint32_t cost(const Swapchain& asking, uint32_t index);

private:
    struct Image {
        VkImage image;
        VkDeviceMemory memory;
    };

    Device& m_device;
    const HostAllocator m_allocator;
    const uint32_t m_imageCount;
    std::vector<Image> m_images;
    std::mutex m_mutex;
    std::vector<Swapchain*> m_members;
};

} // namespace vwsi
