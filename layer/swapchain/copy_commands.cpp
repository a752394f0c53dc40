#include "core/device.h"
#include "swapchain/copy_engine.h"

#include <algorithm>
#include <cstring>

namespace vwsi {

namespace {

/// Rows whose padding is no more than this are copied in one piece, padding included.
constexpr size_t kRowSlack = 256;

/// A frame's bytes in host-visible memory.
struct StagedBytes {
    const HostBuffer* host;
    VkDeviceSize offset;
    VkDeviceSize size;
    uint32_t stride;
    VkRect2D area;  ///< the pixels of the target's buffer that they are
    bool wholeRows; ///< what lies beside the area in the target's buffer is no pixel
};

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
        recordCopy(command, (*m_images)[index], index, commands.family);
        result = next.EndCommandBuffer(command);
        if (result != VK_SUCCESS)
            return result;
    }
    return VK_SUCCESS;
}

void CopyEngine::recordCopy(VkCommandBuffer command, const SwapchainImage& image, uint32_t index, uint32_t family)
{
    const DeviceDispatch& next = m_device.next();
    const bool copies = m_mode != CopyMode::Direct && m_mode != CopyMode::Export;
    if (m_mode == CopyMode::Export)
        recordHandOver(command, image, family);

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
        // PRESENT_SRC is GENERAL to the driver (see entry/layout_entry.cpp).
        if (scales())
            recordScaledCopy(command, image, source(index));
        else
            recordPlainCopy(command, image, index);
        const VkMemoryBarrier copied{VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr, VK_ACCESS_TRANSFER_WRITE_BIT,
                                     VK_ACCESS_HOST_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT};
        next.CmdPipelineBarrier(command, VK_PIPELINE_STAGE_TRANSFER_BIT,
                                VK_PIPELINE_STAGE_TRANSFER_BIT | VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &copied, 0, nullptr,
                                0, nullptr);
    }
    next.CmdFillBuffer(command, m_host.buffer, wordOffset(index), sizeof(uint32_t), 1);
    // ALL_COMMANDS: the next rendering into this image comes without the semaphore wait that would order it behind
    // this copy, because that wait is struck.
    const VkMemoryBarrier done{VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr, VK_ACCESS_TRANSFER_WRITE_BIT,
                               VK_ACCESS_HOST_READ_BIT};
    next.CmdPipelineBarrier(command, VK_PIPELINE_STAGE_TRANSFER_BIT,
                            VK_PIPELINE_STAGE_ALL_COMMANDS_BIT | VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &done, 0, nullptr, 0,
                            nullptr);
}

void CopyEngine::recordPlainCopy(VkCommandBuffer command, const SwapchainImage& image, uint32_t index)
{
    const bool staged = m_mode == CopyMode::Staged;
    const uint32_t stride = staged ? m_stagingStride : image.target.stride;
    const VkBufferImageCopy region{staged ? stagingOffset(index) : 0,
                                   stride / m_format->bytesPerPixel,
                                   0,
                                   {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
                                   {0, 0, 0},
                                   m_imageInfo.extent};
    m_device.next().CmdCopyImageToBuffer(command, source(index), VK_IMAGE_LAYOUT_GENERAL,
                                         staged ? m_host.buffer : image.importedBuffer, 1, &region);
}

DamageRegion CopyEngine::shown(uint32_t index, const DamageRegion& damage) const
{
    return scales() ? damage.on((*m_images)[index].scaled.placement) : damage;
}

FrameRegion CopyEngine::shown(uint32_t index, const FrameRegion& region) const
{
    if (!scales())
        return region;
    const Placement& placement = (*m_images)[index].scaled.placement;
    const VkRect2D source = placement.map(region.source);
    // Of a part that scaling has cropped away there is nothing to show; the rest takes its place.
    const bool empty = source.extent.width == 0 || source.extent.height == 0;
    return {empty ? placement.destination : source, region.destination};
}

void CopyEngine::copyToTarget(uint32_t index, const DamageRegion& damage)
{
    const SwapchainImage& image = (*m_images)[index];
    // Where the staged bytes lie, and where on the target they go.
    StagedBytes from{&m_host, stagingOffset(index), m_stagingSize, m_stagingStride, {}, true};
    from.area.extent = {m_imageInfo.extent.width, m_imageInfo.extent.height};
    if (scales()) {
        if (!image.scaled.staging.buffer)
            return;
        const VkRect2D& area = image.scaled.placement.destination;
        from = {&image.scaled.staging,      0,    VK_WHOLE_SIZE,
                image.scaled.stagingStride, area, area.extent.width == image.scaled.target.width};
    } else if (m_mode != CopyMode::Staged) {
        return;
    }
    if (!from.host->coherent) {
        const VkMappedMemoryRange range{VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE, nullptr, from.host->memory, from.offset,
                                        from.size};
        m_device.next().InvalidateMappedMemoryRanges(m_device.handle(), 1, &range);
    }
    const unsigned char* const source = from.host->mapping + from.offset;
    auto* const target = static_cast<unsigned char*>(image.target.data) +
                         size_t{image.target.stride} * static_cast<uint32_t>(from.area.offset.y) +
                         size_t{m_format->bytesPerPixel} * static_cast<uint32_t>(from.area.offset.x);

    // Rows and columns count from the corner of the area.
    const auto copyRows = [&](uint32_t x, uint32_t y, uint32_t width, uint32_t height) {
        const size_t bytes = size_t{width} * m_format->bytesPerPixel;
        const size_t left = size_t{x} * m_format->bytesPerPixel;
        if (left == 0 && from.wholeRows && image.target.stride == from.stride && bytes + kRowSlack >= from.stride) {
            memcpy(target + size_t{y} * from.stride, source + size_t{y} * from.stride,
                   size_t{from.stride} * (height - 1) + bytes);
            return;
        }
        for (uint32_t row = y; row < y + height; ++row)
            memcpy(target + size_t{row} * image.target.stride + left, source + size_t{row} * from.stride + left, bytes);
    };
    if (damage.isEverything()) {
        copyRows(0, 0, from.area.extent.width, from.area.extent.height);
        return;
    }
    const DamageRegion here = shown(index, damage);
    for (const VkRect2D& rect : here.rectangles())
        copyRows(static_cast<uint32_t>(rect.offset.x - from.area.offset.x),
                 static_cast<uint32_t>(rect.offset.y - from.area.offset.y), rect.extent.width, rect.extent.height);
}

} // namespace vwsi
