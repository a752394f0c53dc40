// CopyMode::Export: the window system reads the images' own memory, as dma-bufs.

#include "core/device.h"
#include "core/log.h"
#include "surface/dma_buf.h"
#include "swapchain/copy_engine.h"

#include <cinttypes>
#include <unistd.h>
#include <utility>
#include <vector>

namespace vwsi {

namespace {

/// The exported images of one swapchain; closes its descriptors, of which window systems keep duplicates.
struct ExportedImages {
    explicit ExportedImages(size_t count) : images(count) {}
    ExportedImages(const ExportedImages&) = delete;
    ExportedImages& operator=(const ExportedImages&) = delete;
    ~ExportedImages()
    {
        for (const DmaBuf& image : images) {
            if (image.descriptor >= 0)
                close(image.descriptor);
        }
    }

    std::vector<DmaBuf> images;
};

} // namespace

const char* CopyEngine::chooseExport(Allocation allocation, const ImageGroup* group, DmaBufTaker& taker,
                                     VkResult* result)
{
    if (const char* const obstacle = taker.obstacle())
        return obstacle;
    if (const char* const obstacle = m_export.obstacle(taker.insists()))
        return obstacle;
    // What the application goes on rendering to cannot be what the window system reads.
    if (allocation == Allocation::Shared)
        return "the application has one image alone";
    // An image that the window system refuses when it gets its memory could not take another way any more.
    if (allocation == Allocation::Deferred)
        return "images get their memory late";
    if (group || scales())
        return "images are copied to fit";
    if (m_compression.sType)
        return "the application controls the images' compression";
    DmaBufOffer offer;
    *result = taker.offer(&offer);
    return *result == VK_SUCCESS ? m_export.choose(m_imageInfo, offer, taker.insists()) : nullptr;
}

VkResult CopyEngine::exportImages(Allocation allocation, const ImageGroup* group)
{
    DmaBufTaker* const taker = m_target->dmaBufTaker();
    if (!taker)
        return VK_ERROR_FORMAT_NOT_SUPPORTED;
    VkResult result = VK_SUCCESS;
    const char* const obstacle = chooseExport(allocation, group, *taker, &result);
    if (result != VK_SUCCESS)
        return result;
    if (obstacle) {
        if (taker->insists())
            VWSI_WARN("VENUS_WSI_WAYLAND=dmabuf: frames go through wl_shm: %s", obstacle);
        else
            VWSI_INFO("wayland: frames go through wl_shm: %s", obstacle);
        return VK_ERROR_FORMAT_NOT_SUPPORTED;
    }
    m_mode = CopyMode::Export;
    const char* step = "";
    result = exportAll(*taker, &step);
    if (result == VK_SUCCESS)
        return VK_SUCCESS;
    for (SwapchainImage& image : *m_images)
        destroyImage(image);
    m_mode = CopyMode::Staged;
    if (result == VK_ERROR_SURFACE_LOST_KHR)
        return result;
    // Also without memory: shared memory is of another kind, and its lack will be noticed.
    VWSI_WARN("wayland: frames go through wl_shm: %s failed (%d)", step, result);
    return VK_ERROR_FORMAT_NOT_SUPPORTED;
}

VkResult CopyEngine::exportAll(DmaBufTaker& taker, const char** step)
{
    ExportedImages exported(m_images->size());
    for (uint32_t i = 0; i < m_images->size(); ++i) {
        SwapchainImage& image = (*m_images)[i];
        *step = "creating an image to export";
        if (const VkResult result = createImage(i); result != VK_SUCCESS)
            return result;
        if (const VkResult result =
                m_export.realize(image.image, m_allocator, &image.memory, &exported.images[i], step);
            result != VK_SUCCESS)
            return result;
    }
    *step = "importing a dma-buf into the compositor";
    if (const VkResult result = taker.take(exported.images); result != VK_SUCCESS)
        return result;
    const DmaBuf& first = exported.images[0];
    VWSI_INFO("wayland: frames go out as dma-bufs, modifier 0x%" PRIx64 ", %u plane%s of %u bytes a row",
              first.modifier, first.planeCount, first.planeCount == 1 ? "" : "s", first.planes[0].stride);
    return VK_SUCCESS;
}

void CopyEngine::recordHandOver(VkCommandBuffer command, const SwapchainImage& image, uint32_t family)
{
    if (!m_device.support().foreignQueue)
        return;
    // The release brings the image into the form that its modifier promises to readers outside. It is acquired again at
    // once, because readers change nothing and the next rendering into the image comes without work of the layer's.
    const bool concurrent = m_imageInfo.sharingMode == VK_SHARING_MODE_CONCURRENT;
    VkImageMemoryBarrier barrier{VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
                                 nullptr,
                                 VK_ACCESS_MEMORY_WRITE_BIT,
                                 0,
                                 VK_IMAGE_LAYOUT_GENERAL,
                                 VK_IMAGE_LAYOUT_GENERAL,
                                 concurrent ? VK_QUEUE_FAMILY_IGNORED : family,
                                 VK_QUEUE_FAMILY_FOREIGN_EXT,
                                 image.image,
                                 {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
    const auto record = [&] {
        m_device.next().CmdPipelineBarrier(command, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                                           VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 0, nullptr, 0, nullptr, 1, &barrier);
    };
    record();
    std::swap(barrier.srcQueueFamilyIndex, barrier.dstQueueFamilyIndex);
    barrier.srcAccessMask = 0;
    barrier.dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT;
    record();
}

} // namespace vwsi
