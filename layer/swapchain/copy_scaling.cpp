#include "core/device.h"
#include "core/log.h"
#include "swapchain/copy_engine.h"

#include <algorithm>
#include <cstring>

namespace vwsi {

namespace {

bool same(VkExtent2D left, VkExtent2D right)
{
    return left.width == right.width && left.height == right.height;
}

/// The opaque black pixel of a format.
uint32_t blackOf(const PixelFormat& format)
{
    return format.bits[3] ? ~(format.masks[0] | format.masks[1] | format.masks[2]) : 0;
}

void fillRow(unsigned char* pixels, uint32_t count, uint32_t pixel, uint32_t pixelBytes)
{
    for (uint32_t i = 0; i < count; ++i)
        memcpy(pixels + size_t{i} * pixelBytes, &pixel, pixelBytes);
}

/// The driver or the target cannot share memory; copying it by the CPU always works.
bool isNotPossible(VkResult result)
{
    return result == VK_ERROR_FORMAT_NOT_SUPPORTED || result == VK_ERROR_INVALID_EXTERNAL_HANDLE ||
           result == VK_ERROR_FEATURE_NOT_PRESENT;
}

} // namespace

bool CopyEngine::outgrown(uint32_t index) const
{
    if (!scales())
        return false;
    const SwapchainImage& image = (*m_images)[index];
    return !image.realized || !same(image.scaled.target, m_target->surfaceExtent(image.scaled.target));
}

VkResult CopyEngine::fit(uint32_t index)
{
    SwapchainImage& image = (*m_images)[index];
    if (image.fence)
        m_device.fences().wait(*image.fence);
    if (m_device.lost())
        return VK_ERROR_DEVICE_LOST;
    destroyScaled(image);
    image.realized = false;
    image.stale = DamageRegion::everything();

    const VkExtent2D surface = m_target->surfaceExtent(image.scaled.target);
    const uint32_t most = m_device.physicalDevice().properties().limits.maxImageDimension2D;
    image.scaled.target = surface;
    image.scaled.placement = place(m_scaling, {m_imageInfo.extent.width, m_imageInfo.extent.height},
                                   {std::min(surface.width, most), std::min(surface.height, most)});
    BufferLayout wish;
    wish.extent = surface;
    if (m_mode == CopyMode::Import)
        wish.alignment = m_device.physicalDevice().hostPointerAlignment();
    VkResult result = bindOwnImage(image);
    if (result == VK_SUCCESS)
        result = m_target->allocate(index, wish, &image.target);
    if (result == VK_SUCCESS && image.scaled.placement.resizes())
        result = createScaledImage(image);
    if (result == VK_SUCCESS)
        result = createScaledBytes(image);
    if (result == VK_SUCCESS)
        result = record(index);
    if (result != VK_SUCCESS)
        return result;
    blackenBorders(image);
    image.realized = true;
    const VkExtent2D shown = image.scaled.placement.destination.extent;
    VWSI_DEBUG("image %u is shown in %ux%u of %ux%u", index, shown.width, shown.height, surface.width, surface.height);
    return VK_SUCCESS;
}

VkResult CopyEngine::createScaledImage(SwapchainImage& image)
{
    const VkExtent2D extent = image.scaled.placement.destination.extent;
    VkImageCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO;
    info.imageType = VK_IMAGE_TYPE_2D;
    info.format = m_imageInfo.format;
    info.extent = {extent.width, extent.height, 1};
    info.mipLevels = 1;
    info.arrayLayers = 1;
    info.samples = VK_SAMPLE_COUNT_1_BIT;
    info.tiling = VK_IMAGE_TILING_OPTIMAL;
    info.usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;
    // Every command buffer starts from undefined contents, so that no queue family has to hand the image to another.
    info.sharingMode = VK_SHARING_MODE_EXCLUSIVE;
    info.initialLayout = VK_IMAGE_LAYOUT_UNDEFINED;
    const VkResult result =
        m_device.next().CreateImage(m_device.handle(), &info, m_allocator.callbacks(), &image.scaled.image);
    return result == VK_SUCCESS ? bindImage(image.scaled.image, &image.scaled.memory) : result;
}

VkResult CopyEngine::createScaledBytes(SwapchainImage& image)
{
    if (m_mode == CopyMode::Import) {
        const VkResult result = importTarget(image, image.scaled.target.height);
        if (!isNotPossible(result))
            return result;
        VWSI_DEBUG("the target's memory cannot be imported (%d); the CPU copies from now on", result);
    }
    const VkExtent2D extent = image.scaled.placement.destination.extent;
    const uint32_t row = extent.width * m_format->bytesPerPixel;
    image.scaled.stagingStride = (row + kStagingAlignment - 1) / kStagingAlignment * kStagingAlignment;
    return createHostBuffer(VkDeviceSize{image.scaled.stagingStride} * extent.height, &image.scaled.staging);
}

void CopyEngine::blackenBorders(const SwapchainImage& image) const
{
    if (image.scaled.placement.covers())
        return;
    const uint32_t black = blackOf(*m_format);
    const VkRect2D& area = image.scaled.placement.destination;
    const auto left = static_cast<uint32_t>(area.offset.x);
    const auto top = static_cast<uint32_t>(area.offset.y);
    const uint32_t right = left + area.extent.width;
    const uint32_t width = image.scaled.target.width;
    for (uint32_t y = 0; y < image.scaled.target.height; ++y) {
        auto* const row = static_cast<unsigned char*>(image.target.data) + size_t{y} * image.target.stride;
        const auto blacken = [&](uint32_t from, uint32_t to) {
            fillRow(row + size_t{from} * m_format->bytesPerPixel, to - from, black, m_format->bytesPerPixel);
        };
        const bool beside = y >= top && y < top + area.extent.height;
        blacken(0, beside ? left : width);
        if (beside)
            blacken(right, width);
    }
}

void CopyEngine::destroyScaled(SwapchainImage& image)
{
    const DeviceDispatch& next = m_device.next();
    const VkAllocationCallbacks* const callbacks = m_allocator.callbacks();
    ScaledCopy& scaled = image.scaled;
    next.DestroyImage(m_device.handle(), scaled.image, callbacks);
    next.FreeMemory(m_device.handle(), scaled.memory, callbacks);
    scaled.image = VK_NULL_HANDLE;
    scaled.memory = VK_NULL_HANDLE;
    destroyHostBuffer(scaled.staging);
    if (!scales())
        return;
    next.DestroyBuffer(m_device.handle(), image.importedBuffer, callbacks);
    next.FreeMemory(m_device.handle(), image.importedMemory, callbacks);
    image.importedBuffer = VK_NULL_HANDLE;
    image.importedMemory = VK_NULL_HANDLE;
}

void CopyEngine::recordScaledCopy(VkCommandBuffer command, const SwapchainImage& image, VkImage from)
{
    const DeviceDispatch& next = m_device.next();
    const VkRect2D source = image.scaled.placement.source;
    const VkRect2D destination = image.scaled.placement.destination;
    const VkImageSubresourceLayers layers{VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
    VkImage copied = from;
    VkOffset3D corner{source.offset.x, source.offset.y, 0};
    if (image.scaled.image) {
        const VkImageMemoryBarrier renewed{VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
                                           nullptr,
                                           0,
                                           VK_ACCESS_TRANSFER_WRITE_BIT,
                                           VK_IMAGE_LAYOUT_UNDEFINED,
                                           VK_IMAGE_LAYOUT_GENERAL,
                                           VK_QUEUE_FAMILY_IGNORED,
                                           VK_QUEUE_FAMILY_IGNORED,
                                           image.scaled.image,
                                           {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
        next.CmdPipelineBarrier(command, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, nullptr,
                                0, nullptr, 1, &renewed);
        const VkImageBlit blit{
            layers,
            {corner,
             {source.offset.x + static_cast<int32_t>(source.extent.width),
              source.offset.y + static_cast<int32_t>(source.extent.height), 1}},
            layers,
            {{0, 0, 0},
             {static_cast<int32_t>(destination.extent.width), static_cast<int32_t>(destination.extent.height), 1}}};
        next.CmdBlitImage(command, from, VK_IMAGE_LAYOUT_GENERAL, image.scaled.image, VK_IMAGE_LAYOUT_GENERAL, 1, &blit,
                          m_filter);
        const VkMemoryBarrier scaled{VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr, VK_ACCESS_TRANSFER_WRITE_BIT,
                                     VK_ACCESS_TRANSFER_READ_BIT};
        next.CmdPipelineBarrier(command, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 1, &scaled,
                                0, nullptr, 0, nullptr);
        copied = image.scaled.image;
        corner = {0, 0, 0};
    }
    const bool staged = image.scaled.staging.buffer;
    const uint32_t stride = staged ? image.scaled.stagingStride : image.target.stride;
    const VkDeviceSize offset =
        staged ? 0
               : VkDeviceSize{stride} * static_cast<uint32_t>(destination.offset.y) +
                     VkDeviceSize{m_format->bytesPerPixel} * static_cast<uint32_t>(destination.offset.x);
    const VkBufferImageCopy region{offset, stride / m_format->bytesPerPixel,
                                   0,      layers,
                                   corner, {destination.extent.width, destination.extent.height, 1}};
    next.CmdCopyImageToBuffer(command, copied, VK_IMAGE_LAYOUT_GENERAL,
                              staged ? image.scaled.staging.buffer : image.importedBuffer, 1, &region);
}

} // namespace vwsi
