#include "core/device.h"
#include "swapchain/copy_engine.h"

#include <algorithm>
#include <cstring>

namespace vwsi {

namespace {

/// Rows whose padding is no more than this are copied in one piece, padding included.
constexpr size_t kRowSlack = 256;

} // namespace

VkResult CopyEngine::record(uint32_t index)
{
    const DeviceDispatch& next = m_device.next();
    for (const FamilyCommands& commands : m_families) {
        const VkCommandBuffer command = commands.buffers[index];
        // The fence of the last submission may be seen later than its word; until then the buffer counts as pending.
        const VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO, nullptr,
                                             VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT, nullptr};
        VkResult result = next.BeginCommandBuffer(command, &begin);
        if (result != VK_SUCCESS)
            return result;
        recordCopy(command, (*m_images)[index], index);
        result = next.EndCommandBuffer(command);
        if (result != VK_SUCCESS)
            return result;
    }
    return VK_SUCCESS;
}

void CopyEngine::recordCopy(VkCommandBuffer command, const SwapchainImage& image, uint32_t index)
{
    const DeviceDispatch& next = m_device.next();
    const bool copies = m_mode != CopyMode::Direct;

    // The application's rendering is complete: the submission waits for its semaphores. What it wrote on this very
    // queue without one has to be made available here.
    const VkMemoryBarrier rendered{
        VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr, VK_ACCESS_MEMORY_WRITE_BIT,
        static_cast<VkAccessFlags>(copies ? VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT
                                          : VK_ACCESS_HOST_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT)};
    next.CmdPipelineBarrier(command, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                            VK_PIPELINE_STAGE_TRANSFER_BIT | VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &rendered, 0, nullptr, 0,
                            nullptr);
    if (copies) {
        const bool staged = m_mode == CopyMode::Staged;
        const uint32_t stride = staged ? m_stagingStride : image.target.stride;
        const VkBufferImageCopy region{staged ? stagingOffset(index) : 0,
                                       stride / m_format->bytesPerPixel,
                                       0,
                                       {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
                                       {0, 0, 0},
                                       m_imageInfo.extent};
        // PRESENT_SRC is GENERAL to the driver (see entry/layout_entry.cpp).
        next.CmdCopyImageToBuffer(command, image.image, VK_IMAGE_LAYOUT_GENERAL,
                                  staged ? m_hostBuffer : image.importedBuffer, 1, &region);
        const VkMemoryBarrier copied{VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr, VK_ACCESS_TRANSFER_WRITE_BIT,
                                     VK_ACCESS_HOST_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT};
        next.CmdPipelineBarrier(command, VK_PIPELINE_STAGE_TRANSFER_BIT,
                                VK_PIPELINE_STAGE_TRANSFER_BIT | VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &copied, 0, nullptr,
                                0, nullptr);
    }
    next.CmdFillBuffer(command, m_hostBuffer, wordOffset(index), sizeof(uint32_t), 1);
    // ALL_COMMANDS: the next rendering into this image comes without the semaphore wait that would order it behind
    // this copy, because that wait is struck.
    const VkMemoryBarrier done{VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr, VK_ACCESS_TRANSFER_WRITE_BIT,
                               VK_ACCESS_HOST_READ_BIT};
    next.CmdPipelineBarrier(command, VK_PIPELINE_STAGE_TRANSFER_BIT,
                            VK_PIPELINE_STAGE_ALL_COMMANDS_BIT | VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &done, 0, nullptr, 0,
                            nullptr);
}

void CopyEngine::copyToTarget(uint32_t index, const DamageRegion& damage)
{
    if (m_mode != CopyMode::Staged)
        return;
    const SwapchainImage& image = (*m_images)[index];
    const unsigned char* const source = m_hostMapping + stagingOffset(index);
    auto* const target = static_cast<unsigned char*>(image.target.data);
    if (!m_wordUsable) {
        const VkMappedMemoryRange range{VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE, nullptr, m_hostMemory,
                                        stagingOffset(index), m_stagingSize};
        m_device.next().InvalidateMappedMemoryRanges(m_device.handle(), 1, &range);
    }

    const auto copyRows = [&](uint32_t x, uint32_t y, uint32_t width, uint32_t height) {
        const size_t bytes = size_t{width} * m_format->bytesPerPixel;
        const size_t left = size_t{x} * m_format->bytesPerPixel;
        if (left == 0 && image.target.stride == m_stagingStride && bytes + kRowSlack >= m_stagingStride) {
            memcpy(target + size_t{y} * m_stagingStride, source + size_t{y} * m_stagingStride,
                   size_t{m_stagingStride} * (height - 1) + bytes);
            return;
        }
        for (uint32_t row = y; row < y + height; ++row)
            memcpy(target + size_t{row} * image.target.stride + left, source + size_t{row} * m_stagingStride + left,
                   bytes);
    };
    if (damage.isEverything()) {
        copyRows(0, 0, m_imageInfo.extent.width, m_imageInfo.extent.height);
        return;
    }
    for (const VkRect2D& rect : damage.rectangles())
        copyRows(static_cast<uint32_t>(rect.offset.x), static_cast<uint32_t>(rect.offset.y), rect.extent.width,
                 rect.extent.height);
}

} // namespace vwsi
