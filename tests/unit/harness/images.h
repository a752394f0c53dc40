#pragma once

#include <type_traits>
#include <vulkan/vulkan.h>

namespace vwsi::testing {

inline constexpr VkImageSubresourceRange kWholeImage{VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};

/// A picture of one mip level and one layer.
inline VkImageCreateInfo imageInfo(VkExtent2D extent, VkImageUsageFlags usage = VK_IMAGE_USAGE_TRANSFER_DST_BIT,
                                   VkFormat format = VK_FORMAT_B8G8R8A8_UNORM)
{
    VkImageCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO;
    info.imageType = VK_IMAGE_TYPE_2D;
    info.format = format;
    info.extent = {extent.width, extent.height, 1};
    info.mipLevels = 1;
    info.arrayLayers = 1;
    info.samples = VK_SAMPLE_COUNT_1_BIT;
    info.usage = usage;
    return info;
}

/// Takes such a picture from one layout to another; VkImageMemoryBarrier or VkImageMemoryBarrier2.
template <typename Barrier = VkImageMemoryBarrier>
Barrier layoutChange(VkImage image, VkImageLayout from, VkImageLayout to)
{
    Barrier barrier{};
    barrier.sType = std::is_same_v<Barrier, VkImageMemoryBarrier> ? VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER
                                                                  : VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER_2;
    barrier.oldLayout = from;
    barrier.newLayout = to;
    barrier.srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
    barrier.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
    barrier.image = image;
    barrier.subresourceRange = kWholeImage;
    return barrier;
}

} // namespace vwsi::testing
