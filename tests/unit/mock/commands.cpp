#include "mock/call.h"
#include "mock/entries.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace vwsi::mock {

namespace {

void record(Call& call, const char* name, std::vector<uint64_t> uses, std::function<void()> run)
{
    if (CommandBuffer* const buffer = call.recording(nullptr))
        buffer->commands.push_back({name, std::move(run), std::move(uses)});
}

/// Memory behind a resource as commands see it, or null after an error.
template <typename Resource> uint8_t* bytesOf(World& world, const char* name, Resource* resource)
{
    if constexpr (std::is_same_v<Resource, Image>) {
        if (!resource->ownBytes.empty())
            return resource->ownBytes.data();
    }
    if (!resource->memory || !resource->memory->gpu) {
        world.error("%s: a %s without memory", name, resource->kind);
        return nullptr;
    }
    return resource->memory->gpu + resource->offset;
}

/// A transition of the whole image when it is executed.
template <typename Barrier> void recordTransition(Call& call, const char* name, const Barrier& barrier)
{
    call.chain(barrier.pNext);
    call.layout(barrier.oldLayout);
    call.layout(barrier.newLayout);
    World* const world = &call.world;
    const uint64_t handle = raw(barrier.image);
    if (!call.get<Image>(barrier.image))
        return;
    const VkImageLayout from = barrier.oldLayout;
    const VkImageLayout to = barrier.newLayout;
    const bool transfer = barrier.srcQueueFamilyIndex != barrier.dstQueueFamilyIndex;
    const bool releases = barrier.dstQueueFamilyIndex == VK_QUEUE_FAMILY_FOREIGN_EXT;
    const bool acquires = barrier.srcQueueFamilyIndex == VK_QUEUE_FAMILY_FOREIGN_EXT;
    if ((releases || acquires) && !call.device->extensions.contains("VK_EXT_queue_family_foreign"))
        call.error("VK_QUEUE_FAMILY_FOREIGN_EXT on a device without VK_EXT_queue_family_foreign");
    record(call, name, {handle}, [=] {
        auto* const image = dynamic_cast<Image*>(world->find(handle));
        if (!image)
            return;
        const bool known =
            from == VK_IMAGE_LAYOUT_UNDEFINED || from == image->layout || (transfer && image->layout == to);
        if (!known)
            world->error("%s: image %#llx is in layout %d, not %d", name, static_cast<unsigned long long>(handle),
                         image->layout, from);
        image->layout = to;
        if (image->foreign && !acquires)
            world->error("%s: image %#llx is not this device's now", name, static_cast<unsigned long long>(handle));
        image->foreign = releases;
        if (releases)
            ++world->handOvers;
    });
}

void recordDependency(Call& call, const char* name, const VkDependencyInfo& info)
{
    call.chain(info.pNext);
    if (!call.device->synchronization2)
        call.error("the feature synchronization2 is not enabled");
    for (uint32_t i = 0; i < info.imageMemoryBarrierCount; ++i)
        recordTransition(call, name, info.pImageMemoryBarriers[i]);
    for (uint32_t i = 0; i < info.bufferMemoryBarrierCount; ++i)
        call.get<Buffer>(info.pBufferMemoryBarriers[i].buffer);
}

void checkLayout(World& world, const char* name, const Image& image, VkImageLayout stated)
{
    if (image.layout != stated)
        world.error("%s: image %#llx is in layout %d, the command says %d", name,
                    static_cast<unsigned long long>(image.handle), image.layout, stated);
}

template <typename Region>
void recordImageToBuffer(Call& call, const char* name, VkImage image, VkImageLayout layout, VkBuffer buffer,
                         uint32_t count, const Region* regions)
{
    call.layout(layout);
    auto* const source = call.get<Image>(image);
    auto* const target = call.get<Buffer>(buffer);
    if (!source || !target)
        return;
    if (!(source->info.usage & VK_IMAGE_USAGE_TRANSFER_SRC_BIT))
        call.error("the image lacks VK_IMAGE_USAGE_TRANSFER_SRC_BIT");
    if (!(target->usage & VK_BUFFER_USAGE_TRANSFER_DST_BIT))
        call.error("the buffer lacks VK_BUFFER_USAGE_TRANSFER_DST_BIT");
    World* const world = &call.world;
    const std::vector<Region> list(regions, regions + count);
    record(call, name, {raw(image), raw(buffer)}, [=] {
        checkLayout(*world, name, *source, layout);
        const uint8_t* const from = bytesOf(*world, name, source);
        uint8_t* const to = bytesOf(*world, name, target);
        if (!from || !to)
            return;
        for (const Region& region : list) {
            const VkDeviceSize pitch =
                (region.bufferRowLength ? region.bufferRowLength : region.imageExtent.width) * source->texelSize;
            const VkDeviceSize row = region.imageExtent.width * source->texelSize;
            const VkDeviceSize end = region.bufferOffset + pitch * (region.imageExtent.height - 1) + row;
            const auto right = static_cast<uint32_t>(region.imageOffset.x) + region.imageExtent.width;
            const auto bottom = static_cast<uint32_t>(region.imageOffset.y) + region.imageExtent.height;
            if (end > target->size || right > source->info.extent.width || bottom > source->info.extent.height ||
                (region.bufferRowLength && region.bufferRowLength < region.imageExtent.width)) {
                world->error("%s: a region leaves the image or the buffer", name);
                continue;
            }
            for (uint32_t y = 0; y < region.imageExtent.height; ++y) {
                const VkDeviceSize line = static_cast<uint32_t>(region.imageOffset.y) + y;
                memcpy(to + region.bufferOffset + pitch * y,
                       from + source->rowPitch * line +
                           static_cast<uint32_t>(region.imageOffset.x) * VkDeviceSize(source->texelSize),
                       row);
            }
        }
    });
}

/// 32-bit stores that a CPU thread may poll meanwhile.
void storeWord(uint8_t* at, uint32_t word)
{
    __atomic_store_n(reinterpret_cast<uint32_t*>(at), word, __ATOMIC_RELEASE);
}

uint32_t encode(VkFormat format, const VkClearColorValue& color)
{
    const auto level = [](float value, uint32_t maximum) {
        return static_cast<uint32_t>(std::lround(std::clamp(value, 0.0f, 1.0f) * static_cast<float>(maximum)));
    };
    const float* c = color.float32;
    switch (format) {
    case VK_FORMAT_R8G8B8A8_UNORM:
    case VK_FORMAT_R8G8B8A8_SRGB:
        return level(c[0], 255) | level(c[1], 255) << 8 | level(c[2], 255) << 16 | level(c[3], 255) << 24;
    case VK_FORMAT_A2R10G10B10_UNORM_PACK32:
        return level(c[2], 1023) | level(c[1], 1023) << 10 | level(c[0], 1023) << 20 | level(c[3], 3) << 30;
    case VK_FORMAT_A2B10G10R10_UNORM_PACK32:
        return level(c[0], 1023) | level(c[1], 1023) << 10 | level(c[2], 1023) << 20 | level(c[3], 3) << 30;
    case VK_FORMAT_R5G6B5_UNORM_PACK16:
        return level(c[2], 31) | level(c[1], 63) << 5 | level(c[0], 31) << 11;
    default:
        return level(c[2], 255) | level(c[1], 255) << 8 | level(c[0], 255) << 16 | level(c[3], 255) << 24;
    }
}

} // namespace

namespace entry {

void CmdPipelineBarrier(VkCommandBuffer handle, VkPipelineStageFlags source, VkPipelineStageFlags target,
                        VkDependencyFlags, uint32_t, const VkMemoryBarrier*, uint32_t bufferCount,
                        const VkBufferMemoryBarrier* buffers, uint32_t imageCount, const VkImageMemoryBarrier* images)
{
    Call call("vkCmdPipelineBarrier", handle);
    if (!source || !target)
        call.error("an empty stage mask");
    for (uint32_t i = 0; i < bufferCount; ++i)
        call.get<Buffer>(buffers[i].buffer);
    for (uint32_t i = 0; i < imageCount; ++i)
        recordTransition(call, "vkCmdPipelineBarrier", images[i]);
}

void CmdPipelineBarrier2(VkCommandBuffer handle, const VkDependencyInfo* info)
{
    Call call("vkCmdPipelineBarrier2", handle);
    recordDependency(call, "vkCmdPipelineBarrier2", *info);
}

void CmdSetEvent(VkCommandBuffer handle, VkEvent event, VkPipelineStageFlags)
{
    Call call("vkCmdSetEvent", handle);
    call.get<Event>(event);
}

void CmdSetEvent2(VkCommandBuffer handle, VkEvent event, const VkDependencyInfo* info)
{
    Call call("vkCmdSetEvent2", handle);
    call.get<Event>(event);
    // The transition happens once, at the wait; here only the layouts are seen.
    for (uint32_t i = 0; i < info->imageMemoryBarrierCount; ++i) {
        call.layout(info->pImageMemoryBarriers[i].oldLayout);
        call.layout(info->pImageMemoryBarriers[i].newLayout);
    }
}

void CmdWaitEvents(VkCommandBuffer handle, uint32_t count, const VkEvent* events, VkPipelineStageFlags,
                   VkPipelineStageFlags, uint32_t, const VkMemoryBarrier*, uint32_t, const VkBufferMemoryBarrier*,
                   uint32_t imageCount, const VkImageMemoryBarrier* images)
{
    Call call("vkCmdWaitEvents", handle);
    for (uint32_t i = 0; i < count; ++i)
        call.get<Event>(events[i]);
    for (uint32_t i = 0; i < imageCount; ++i)
        recordTransition(call, "vkCmdWaitEvents", images[i]);
}

void CmdWaitEvents2(VkCommandBuffer handle, uint32_t count, const VkEvent* events, const VkDependencyInfo* infos)
{
    Call call("vkCmdWaitEvents2", handle);
    for (uint32_t i = 0; i < count; ++i) {
        call.get<Event>(events[i]);
        recordDependency(call, "vkCmdWaitEvents2", infos[i]);
    }
}

void CmdCopyImageToBuffer(VkCommandBuffer handle, VkImage image, VkImageLayout layout, VkBuffer buffer, uint32_t count,
                          const VkBufferImageCopy* regions)
{
    Call call("vkCmdCopyImageToBuffer", handle);
    recordImageToBuffer(call, "vkCmdCopyImageToBuffer", image, layout, buffer, count, regions);
}

void CmdCopyImageToBuffer2(VkCommandBuffer handle, const VkCopyImageToBufferInfo2* info)
{
    Call call("vkCmdCopyImageToBuffer2", handle);
    call.chain(info->pNext);
    recordImageToBuffer(call, "vkCmdCopyImageToBuffer2", info->srcImage, info->srcImageLayout, info->dstBuffer,
                        info->regionCount, info->pRegions);
}

void CmdCopyBuffer(VkCommandBuffer handle, VkBuffer source, VkBuffer target, uint32_t count,
                   const VkBufferCopy* regions)
{
    Call call("vkCmdCopyBuffer", handle);
    auto* const from = call.get<Buffer>(source);
    auto* const to = call.get<Buffer>(target);
    if (!from || !to)
        return;
    World* const world = &call.world;
    const std::vector<VkBufferCopy> list(regions, regions + count);
    record(call, "vkCmdCopyBuffer", {raw(source), raw(target)}, [=] {
        const uint8_t* const in = bytesOf(*world, "vkCmdCopyBuffer", from);
        uint8_t* const out = bytesOf(*world, "vkCmdCopyBuffer", to);
        for (const VkBufferCopy& region : list) {
            if (region.srcOffset + region.size > from->size || region.dstOffset + region.size > to->size)
                world->error("vkCmdCopyBuffer: a region leaves its buffer");
            else if (in && out)
                memcpy(out + region.dstOffset, in + region.srcOffset, region.size);
        }
    });
}

void CmdCopyImage(VkCommandBuffer handle, VkImage source, VkImageLayout sourceLayout, VkImage target,
                  VkImageLayout targetLayout, uint32_t count, const VkImageCopy* regions)
{
    Call call("vkCmdCopyImage", handle);
    call.layout(sourceLayout);
    call.layout(targetLayout);
    auto* const from = call.get<Image>(source);
    auto* const to = call.get<Image>(target);
    if (!from || !to)
        return;
    World* const world = &call.world;
    const std::vector<VkImageCopy> list(regions, regions + count);
    record(call, "vkCmdCopyImage", {raw(source), raw(target)}, [=] {
        checkLayout(*world, "vkCmdCopyImage", *from, sourceLayout);
        checkLayout(*world, "vkCmdCopyImage", *to, targetLayout);
        const uint8_t* const in = bytesOf(*world, "vkCmdCopyImage", from);
        uint8_t* const out = bytesOf(*world, "vkCmdCopyImage", to);
        if (!in || !out)
            return;
        for (const VkImageCopy& r : list) {
            for (uint32_t y = 0; y < r.extent.height; ++y)
                memcpy(out + to->rowPitch * (static_cast<uint32_t>(r.dstOffset.y) + y) +
                           static_cast<uint32_t>(r.dstOffset.x) * VkDeviceSize(to->texelSize),
                       in + from->rowPitch * (static_cast<uint32_t>(r.srcOffset.y) + y) +
                           static_cast<uint32_t>(r.srcOffset.x) * VkDeviceSize(from->texelSize),
                       VkDeviceSize(r.extent.width) * from->texelSize);
        }
    });
}

void CmdBlitImage(VkCommandBuffer handle, VkImage source, VkImageLayout sourceLayout, VkImage target,
                  VkImageLayout targetLayout, uint32_t count, const VkImageBlit* regions, VkFilter filter)
{
    Call call("vkCmdBlitImage", handle);
    call.layout(sourceLayout);
    call.layout(targetLayout);
    auto* const from = call.get<Image>(source);
    auto* const to = call.get<Image>(target);
    const CommandBuffer* const buffer = call.recording(handle);
    if (!from || !to || !buffer)
        return;
    const DeviceSpec& spec = *call.device->physicalDevice->spec;
    if (!(spec.queueFamilies[buffer->pool->family].queueFlags & VK_QUEUE_GRAPHICS_BIT))
        call.error("a queue family without graphics");
    if (from->info.format == spec.formatWithoutBlits || to->info.format == spec.formatWithoutBlits)
        call.error("a format without blits");
    if (filter == VK_FILTER_LINEAR)
        call.error("VK_FILTER_LINEAR, but no format has VK_FORMAT_FEATURE_SAMPLED_IMAGE_FILTER_LINEAR_BIT");
    if (!(from->info.usage & VK_IMAGE_USAGE_TRANSFER_SRC_BIT) || !(to->info.usage & VK_IMAGE_USAGE_TRANSFER_DST_BIT))
        call.error("an image lacks the usage");
    World* const world = &call.world;
    const std::vector<VkImageBlit> list(regions, regions + count);
    record(call, "vkCmdBlitImage", {raw(source), raw(target)}, [=] {
        checkLayout(*world, "vkCmdBlitImage", *from, sourceLayout);
        checkLayout(*world, "vkCmdBlitImage", *to, targetLayout);
        const uint8_t* const in = bytesOf(*world, "vkCmdBlitImage", from);
        uint8_t* const out = bytesOf(*world, "vkCmdBlitImage", to);
        if (!in || !out)
            return;
        const auto inside = [](const Image& image, const VkOffset3D* corners) {
            return corners[0].x >= 0 && corners[0].y >= 0 && corners[0].x < corners[1].x &&
                   corners[0].y < corners[1].y && corners[1].x <= static_cast<int32_t>(image.info.extent.width) &&
                   corners[1].y <= static_cast<int32_t>(image.info.extent.height);
        };
        const auto nearest = [](int32_t at, const int32_t to0, int32_t to1, int32_t from0, int32_t from1) {
            return static_cast<uint32_t>(from0 + (2 * (at - to0) + 1) * (from1 - from0) / (2 * (to1 - to0)));
        };
        for (const VkImageBlit& r : list) {
            if (!inside(*from, r.srcOffsets) || !inside(*to, r.dstOffsets)) {
                world->error("vkCmdBlitImage: a region leaves its image, or is mirrored");
                continue;
            }
            const VkOffset3D* const s = r.srcOffsets;
            const VkOffset3D* const d = r.dstOffsets;
            for (int32_t y = d[0].y; y < d[1].y; ++y) {
                const uint32_t row = nearest(y, d[0].y, d[1].y, s[0].y, s[1].y);
                for (int32_t x = d[0].x; x < d[1].x; ++x)
                    memcpy(out + to->rowPitch * static_cast<uint32_t>(y) +
                               static_cast<uint32_t>(x) * VkDeviceSize(to->texelSize),
                           in + from->rowPitch * row +
                               nearest(x, d[0].x, d[1].x, s[0].x, s[1].x) * VkDeviceSize(from->texelSize),
                           from->texelSize);
            }
        }
    });
}

void CmdFillBuffer(VkCommandBuffer handle, VkBuffer bufferHandle, VkDeviceSize offset, VkDeviceSize size, uint32_t word)
{
    Call call("vkCmdFillBuffer", handle);
    auto* const buffer = call.get<Buffer>(bufferHandle);
    if (!buffer)
        return;
    const VkDeviceSize length = size == VK_WHOLE_SIZE ? (buffer->size - offset) & ~3ull : size;
    if (!(buffer->usage & VK_BUFFER_USAGE_TRANSFER_DST_BIT) || offset % 4 || length % 4 ||
        offset + length > buffer->size)
        call.error("the buffer's usage, or an offset or size");
    World* const world = &call.world;
    record(call, "vkCmdFillBuffer", {raw(bufferHandle)}, [=] {
        uint8_t* const bytes = bytesOf(*world, "vkCmdFillBuffer", buffer);
        for (VkDeviceSize i = 0; bytes && i < length; i += 4)
            storeWord(bytes + offset + i, word);
    });
}

void CmdUpdateBuffer(VkCommandBuffer handle, VkBuffer bufferHandle, VkDeviceSize offset, VkDeviceSize size,
                     const void* data)
{
    Call call("vkCmdUpdateBuffer", handle);
    auto* const buffer = call.get<Buffer>(bufferHandle);
    if (!buffer)
        return;
    if (!(buffer->usage & VK_BUFFER_USAGE_TRANSFER_DST_BIT) || offset % 4 || size % 4 || size > 65536 ||
        offset + size > buffer->size)
        call.error("the buffer's usage, or an offset or size");
    World* const world = &call.world;
    std::vector<uint32_t> words(size / 4);
    memcpy(words.data(), data, words.size() * 4);
    record(call, "vkCmdUpdateBuffer", {raw(bufferHandle)}, [=] {
        uint8_t* const bytes = bytesOf(*world, "vkCmdUpdateBuffer", buffer);
        for (size_t i = 0; bytes && i < words.size(); ++i)
            storeWord(bytes + offset + i * 4, words[i]);
    });
}

void CmdClearColorImage(VkCommandBuffer handle, VkImage imageHandle, VkImageLayout layout,
                        const VkClearColorValue* color, uint32_t, const VkImageSubresourceRange*)
{
    Call call("vkCmdClearColorImage", handle);
    call.layout(layout);
    auto* const image = call.get<Image>(imageHandle);
    if (!image)
        return;
    if (!(image->info.usage & VK_IMAGE_USAGE_TRANSFER_DST_BIT))
        call.error("the image lacks VK_IMAGE_USAGE_TRANSFER_DST_BIT");
    World* const world = &call.world;
    const uint32_t texel = encode(image->info.format, *color);
    record(call, "vkCmdClearColorImage", {raw(imageHandle)}, [=] {
        checkLayout(*world, "vkCmdClearColorImage", *image, layout);
        uint8_t* const bytes = bytesOf(*world, "vkCmdClearColorImage", image);
        if (!bytes)
            return;
        for (uint32_t y = 0; y < image->info.extent.height; ++y) {
            for (uint32_t x = 0; x < image->info.extent.width; ++x)
                memcpy(bytes + image->rowPitch * y + VkDeviceSize(x) * image->texelSize, &texel,
                       std::min(image->texelSize, 4u));
        }
    });
}

} // namespace entry

} // namespace vwsi::mock
