#include "swapchain/copy_engine.h"

#include "core/alignment.h"
#include "core/device.h"
#include "core/instance.h"
#include "core/log.h"
#include "swapchain/image_group.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

namespace vwsi {

namespace {

/// Completion words lie a cache line apart: the GPU writes one while the presenter polls another.
constexpr VkDeviceSize kWordSpacing = 64;
constexpr uint32_t kWordPending = 0;
constexpr uint32_t kWordDone = 1;

const char* modeName(CopyMode mode)
{
    switch (mode) {
    case CopyMode::Auto:
        return "auto";
    case CopyMode::Direct:
        return "direct";
    case CopyMode::Import:
        return "import";
    case CopyMode::Staged:
        return "staged";
    case CopyMode::Export:
        return "dma-buf";
    }
    return "";
}

} // namespace

CopyEngine::CopyEngine(Device& device, HostAllocator& allocator)
    : m_device(device), m_allocator(allocator), m_export(device)
{
}

CopyEngine::~CopyEngine()
{
    destroy();
}

VkResult CopyEngine::create(const VkImageCreateInfo& info, const PixelFormat& format, Target& target,
                            HostArray<SwapchainImage>& images, Allocation allocation, const PresentScaling& scaling,
                            VkExtent2D surface, ImageGroup* group)
{
    m_scaling = scaling;
    if (scales()) {
        for (SwapchainImage& image : images)
            image.scaled.target = surface;
        VkFormatProperties properties;
        m_device.instance().next().GetPhysicalDeviceFormatProperties(m_device.physicalDevice().handle(), info.format,
                                                                     &properties);
        if (properties.optimalTilingFeatures & VK_FORMAT_FEATURE_SAMPLED_IMAGE_FILTER_LINEAR_BIT)
            m_filter = VK_FILTER_LINEAR;
    }
    m_imageInfo = info;
    m_format = &format;
    m_target = &target;
    m_images = &images;
    m_shared = allocation == Allocation::Shared;
    if (const VkResult result = makeImages(allocation, group); result != VK_SUCCESS)
        return result;
    if (const VkResult result = createHostMemory(); result != VK_SUCCESS)
        return result;
    if (const VkResult result = createCommands(); result != VK_SUCCESS)
        return result;
    // The first image has its memory when the mode was probed with it.
    for (uint32_t i = 0; i < images.size(); ++i) {
        if (allocation == Allocation::Deferred && i > 0 && !group)
            break;
        if (const VkResult result = realize(i); result != VK_SUCCESS)
            return result;
    }
    if (group && m_ownsImages) {
        group->own(images);
        m_ownsImages = false;
    }
    VWSI_INFO("swapchain of %zu images, %ux%u, copy mode %s", images.size(), info.extent.width, info.extent.height,
              modeName(m_mode));
    return VK_SUCCESS;
}

VkResult CopyEngine::makeImages(Allocation allocation, ImageGroup* group)
{
    if (group && group->take(*m_images)) {
        m_ownsImages = false;
        return VK_SUCCESS;
    }
    if (const VkResult result = exportImages(allocation, group); result != VK_ERROR_FORMAT_NOT_SUPPORTED)
        return result;
    // One target's memory cannot hold an image that others show as well.
    if (const VkResult result = group ? createImage(0) : chooseMode(); result != VK_SUCCESS)
        return result;
    for (uint32_t i = 1; i < m_images->size() && !m_shared; ++i) {
        if (const VkResult result = createImage(i); result != VK_SUCCESS)
            return result;
    }
    return VK_SUCCESS;
}

VkResult CopyEngine::chooseMode()
{
    const CopyMode wish = settings().copy;
    if (scales()) {
        // Whether the target's memory can be imported is tried with every new buffer.
        m_mode = wish == CopyMode::Staged || !m_device.canImportHostMemory() ? CopyMode::Staged : CopyMode::Import;
        return createImage(0);
    }
    const PhysicalDevice& physical = m_device.physicalDevice();
    SwapchainImage& first = (*m_images)[0];

    // Rendering into the window system's memory pays only where that memory is as good as any to the renderer.
    // What the application goes on rendering to cannot be what the window system reads.
    const bool tryDirect = !m_shared && (wish == CopyMode::Direct || (wish == CopyMode::Auto && physical.isSoftware()));
    const bool tryImport = wish != CopyMode::Staged;
    for (const CopyMode mode : {CopyMode::Direct, CopyMode::Import}) {
        if (!m_device.canImportHostMemory() || !(mode == CopyMode::Direct ? tryDirect : tryImport))
            continue;
        m_mode = mode;
        VkResult result = createImage(0);
        if (result == VK_SUCCESS)
            result = mode == CopyMode::Direct ? realizeDirect(0) : realizeImport(0);
        if (result == VK_SUCCESS)
            return VK_SUCCESS;
        destroyImage(first);
        // Only "this way is not possible" leads to the next way; want of memory is reported.
        if (result != VK_ERROR_FORMAT_NOT_SUPPORTED && result != VK_ERROR_INVALID_EXTERNAL_HANDLE &&
            result != VK_ERROR_FEATURE_NOT_PRESENT)
            return result;
        VWSI_DEBUG("copy mode %s is not possible here (%d)", modeName(mode), result);
    }
    m_mode = CopyMode::Staged;
    return createImage(0);
}

VkResult CopyEngine::createImage(uint32_t index)
{
    if (m_mode == CopyMode::Direct) {
        if (const VkResult result = checkDirect(); result != VK_SUCCESS)
            return result;
    }
    return createAlias(m_imageInfo, m_allocator.callbacks(), &(*m_images)[index].image);
}

void CopyEngine::compress(const VkImageCompressionControlEXT& wish)
{
    m_compression = wish;
    // Colour formats have one plane.
    if (wish.compressionControlPlaneCount > 0 && wish.pFixedRateFlags) {
        m_compressionRate = wish.pFixedRateFlags[0];
        m_compression.compressionControlPlaneCount = 1;
        m_compression.pFixedRateFlags = &m_compressionRate;
    }
}

VkResult CopyEngine::createAlias(const VkImageCreateInfo& asked, const VkAllocationCallbacks* callbacks,
                                 VkImage* image) const
{
    VkImageCreateInfo info = asked;
    if (m_device.bindsAliases())
        info.flags |= VK_IMAGE_CREATE_ALIAS_BIT;
    VkImageCompressionControlEXT compression = m_compression;
    if (compression.sType)
        compression.pNext = std::exchange(info.pNext, &compression);
    const VkExternalMemoryImageCreateInfo external{VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO, info.pNext,
                                                   VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT};
    ExportChain exported;
    if (m_mode == CopyMode::Direct) {
        info.tiling = VK_IMAGE_TILING_LINEAR;
        info.pNext = &external;
    } else if (m_mode == CopyMode::Export) {
        m_export.describe(info, exported);
    }
    return m_device.next().CreateImage(m_device.handle(), &info, callbacks, image);
}

VkResult CopyEngine::createHostMemory()
{
    if (m_mode == CopyMode::Staged && !scales()) {
        m_stagingStride = static_cast<uint32_t>(
            alignUp(VkDeviceSize{m_imageInfo.extent.width} * m_format->bytesPerPixel, kStagingAlignment));
        m_stagingSize = alignUp(VkDeviceSize{m_stagingStride} * m_imageInfo.extent.height,
                                std::max(m_device.physicalDevice().properties().limits.nonCoherentAtomSize,
                                         VkDeviceSize{kStagingAlignment}));
    }
    return createHostBuffer(wordOffset(static_cast<uint32_t>(m_images->size())), &m_host);
}

VkResult CopyEngine::createHostBuffer(VkDeviceSize size, HostBuffer* host)
{
    const DeviceDispatch& next = m_device.next();
    const VkBufferCreateInfo info{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                  nullptr,
                                  0,
                                  size,
                                  VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                                  VK_SHARING_MODE_EXCLUSIVE,
                                  0,
                                  nullptr};
    VkResult result = next.CreateBuffer(m_device.handle(), &info, m_allocator.callbacks(), &host->buffer);
    if (result != VK_SUCCESS)
        return result;
    VkMemoryRequirements requirements;
    next.GetBufferMemoryRequirements(m_device.handle(), host->buffer, &requirements);

    // The CPU reads every byte once: uncached memory would cost more than the rest of the frame.
    const PhysicalDevice& physical = m_device.physicalDevice();
    uint32_t type = physical.memoryType(requirements.memoryTypeBits,
                                        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_CACHED_BIT,
                                        VK_MEMORY_PROPERTY_HOST_COHERENT_BIT);
    if (type == UINT32_MAX)
        type = physical.memoryType(requirements.memoryTypeBits, VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT,
                                   VK_MEMORY_PROPERTY_HOST_COHERENT_BIT);
    if (type == UINT32_MAX) {
        VWSI_ERROR("the driver has no host-visible memory for frames; presenting is not possible");
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    }
    host->coherent = physical.memory().memoryTypes[type].propertyFlags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;

    const VkMemoryAllocateInfo allocate{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, nullptr, requirements.size, type};
    result = next.AllocateMemory(m_device.handle(), &allocate, m_allocator.callbacks(), &host->memory);
    if (result != VK_SUCCESS)
        return result;
    result = next.BindBufferMemory(m_device.handle(), host->buffer, host->memory, 0);
    if (result != VK_SUCCESS)
        return result;
    void* mapping = nullptr;
    result = next.MapMemory(m_device.handle(), host->memory, 0, VK_WHOLE_SIZE, 0, &mapping);
    host->mapping = static_cast<unsigned char*>(mapping);
    return result == VK_ERROR_MEMORY_MAP_FAILED ? VK_ERROR_OUT_OF_HOST_MEMORY : result;
}

void CopyEngine::destroyHostBuffer(HostBuffer& host)
{
    const DeviceDispatch& next = m_device.next();
    next.DestroyBuffer(m_device.handle(), host.buffer, m_allocator.callbacks());
    next.FreeMemory(m_device.handle(), host.memory, m_allocator.callbacks());
    host = {};
}

VkDeviceSize CopyEngine::wordOffset(uint32_t index) const
{
    return m_stagingSize * m_images->size() + kWordSpacing * index;
}

VkResult CopyEngine::createCommands()
{
    const DeviceDispatch& next = m_device.next();
    const auto& families = m_device.presentFamilies();
    if (!m_families.allocate(m_allocator, families.size()))
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    for (size_t i = 0; i < families.size(); ++i) {
        FamilyCommands& commands = m_families[i];
        commands.family = families[i];
        if (!commands.buffers.allocate(m_allocator, m_images->size()))
            return VK_ERROR_OUT_OF_HOST_MEMORY;
        const VkCommandPoolCreateFlags flags = scales() ? VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT : 0;
        const VkCommandPoolCreateInfo pool{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO, nullptr, flags, families[i]};
        VkResult result = next.CreateCommandPool(m_device.handle(), &pool, heapCallbacks(), &commands.pool);
        if (result != VK_SUCCESS)
            return result;
        const VkCommandBufferAllocateInfo allocate{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, nullptr,
                                                   commands.pool, VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                                   static_cast<uint32_t>(m_images->size())};
        result = next.AllocateCommandBuffers(m_device.handle(), &allocate, commands.buffers.begin());
        if (result != VK_SUCCESS)
            return result;
        for (VkCommandBuffer buffer : commands.buffers) {
            if (result = m_device.adopt(buffer); result != VK_SUCCESS)
                return result;
        }
    }
    return VK_SUCCESS;
}

VkResult CopyEngine::realize(uint32_t index)
{
    SwapchainImage& image = (*m_images)[index];
    if (image.realized)
        return VK_SUCCESS;
    if (scales())
        return fit(index);
    VkResult result = VK_SUCCESS;
    if (m_mode != CopyMode::Export && (image.memory == VK_NULL_HANDLE || !image.target.data)) {
        switch (m_mode) {
        case CopyMode::Direct:
            result = realizeDirect(index);
            break;
        case CopyMode::Import:
            result = realizeImport(index);
            break;
        case CopyMode::Auto:
        case CopyMode::Export:
        case CopyMode::Staged:
            result = realizeStaged(index);
            break;
        }
    }
    if (result == VK_SUCCESS)
        result = record(index);
    image.realized = result == VK_SUCCESS;
    return result;
}

VkResult CopyEngine::bindOwnImage(SwapchainImage& image)
{
    return image.image && !image.memory ? bindImage(image.image, &image.memory) : VK_SUCCESS;
}

VkResult CopyEngine::bindImage(VkImage image, VkDeviceMemory* memory)
{
    const DeviceDispatch& next = m_device.next();
    VkMemoryRequirements requirements;
    next.GetImageMemoryRequirements(m_device.handle(), image, &requirements);
    const uint32_t type =
        m_device.physicalDevice().memoryType(requirements.memoryTypeBits, 0, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
    if (type == UINT32_MAX)
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    const VkMemoryAllocateInfo allocate{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, nullptr, requirements.size, type};
    const VkResult result = next.AllocateMemory(m_device.handle(), &allocate, m_allocator.callbacks(), memory);
    return result == VK_SUCCESS ? bindOrFree(image, memory) : result;
}

VkResult CopyEngine::bindOrFree(VkImage image, VkDeviceMemory* memory)
{
    const DeviceDispatch& next = m_device.next();
    const VkResult result = next.BindImageMemory(m_device.handle(), image, *memory, 0);
    if (result != VK_SUCCESS) {
        // What memory an image has tells whether it is bound.
        next.FreeMemory(m_device.handle(), *memory, m_allocator.callbacks());
        *memory = VK_NULL_HANDLE;
    }
    return result;
}

VkResult CopyEngine::realizeStaged(uint32_t index)
{
    SwapchainImage& image = (*m_images)[index];
    if (!image.target.data) {
        // The staging area's stride lets a frame go over in one piece; a target may still choose its own.
        if (const VkResult result = m_target->allocate(index, {}, &image.target); result != VK_SUCCESS)
            return result;
    }
    return bindOwnImage(image);
}

void CopyEngine::destroyImage(SwapchainImage& image)
{
    const DeviceDispatch& next = m_device.next();
    const VkAllocationCallbacks* const callbacks = m_allocator.callbacks();
    destroyScaled(image);
    dropImport(image);
    if (m_ownsImages) {
        next.DestroyImage(m_device.handle(), image.image, callbacks);
        next.FreeMemory(m_device.handle(), image.memory, callbacks);
    }
    // The target keeps its buffer: it is used again when another mode is tried.
    image.image = VK_NULL_HANDLE;
    image.memory = VK_NULL_HANDLE;
    image.realized = false;
}

void CopyEngine::destroy()
{
    const DeviceDispatch& next = m_device.next();
    for (FamilyCommands& commands : m_families)
        next.DestroyCommandPool(m_device.handle(), commands.pool, heapCallbacks());
    m_families.reset();
    if (m_images) {
        for (SwapchainImage& image : *m_images)
            destroyImage(image);
    }
    destroyHostBuffer(m_host);
}

VkCommandBuffer CopyEngine::command(uint32_t index, uint32_t family) const
{
    for (const FamilyCommands& commands : m_families) {
        if (commands.family == family)
            return commands.buffers[index];
    }
    return VK_NULL_HANDLE;
}

void CopyEngine::resetWord(uint32_t index)
{
    auto* const word = reinterpret_cast<uint32_t*>(m_host.mapping + wordOffset(index));
    std::atomic_ref(*word).store(kWordPending, std::memory_order_release);
}

bool CopyEngine::wordWritten(uint32_t index) const
{
    auto* const word = reinterpret_cast<uint32_t*>(m_host.mapping + wordOffset(index));
    return std::atomic_ref(*word).load(std::memory_order_acquire) == kWordDone;
}

} // namespace vwsi
