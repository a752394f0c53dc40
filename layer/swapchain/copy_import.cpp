// CopyMode::Direct and CopyMode::Import: the window system's memory is the GPU's, through VK_EXT_external_memory_host.

#include "core/alignment.h"
#include "core/device.h"
#include "core/instance.h"
#include "swapchain/copy_engine.h"

#include <utility>

namespace vwsi {

VkResult CopyEngine::checkDirect() const
{
    const VkPhysicalDeviceExternalImageFormatInfo external{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_IMAGE_FORMAT_INFO,
                                                           nullptr,
                                                           VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT};
    const VkPhysicalDeviceImageFormatInfo2 query{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_FORMAT_INFO_2,
                                                 &external,
                                                 m_imageInfo.format,
                                                 m_imageInfo.imageType,
                                                 VK_IMAGE_TILING_LINEAR,
                                                 m_imageInfo.usage,
                                                 m_imageInfo.flags};
    VkImageFormatProperties2 answer{VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2, nullptr, {}};
    const VkResult result = m_device.instance().next().GetPhysicalDeviceImageFormatProperties2(
        m_device.physicalDevice().handle(), &query, &answer);
    if (result != VK_SUCCESS)
        return result;
    const VkExtent3D& most = answer.imageFormatProperties.maxExtent;
    return most.width < m_imageInfo.extent.width || most.height < m_imageInfo.extent.height
               ? VK_ERROR_FORMAT_NOT_SUPPORTED
               : VK_SUCCESS;
}

VkResult CopyEngine::importHostMemory(const TargetBuffer& buffer, uint32_t typeBits, VkDeviceMemory* memory)
{
    const DeviceDispatch& next = m_device.next();
    const VkDeviceSize alignment = m_device.physicalDevice().hostPointerAlignment();
    if (!buffer.importable || reinterpret_cast<uintptr_t>(buffer.data) % alignment || buffer.size % alignment)
        return VK_ERROR_INVALID_EXTERNAL_HANDLE;
    VkMemoryHostPointerPropertiesEXT properties{VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT, nullptr, 0};
    const VkResult result = next.GetMemoryHostPointerPropertiesEXT(
        m_device.handle(), VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT, buffer.data, &properties);
    if (result != VK_SUCCESS)
        return result == VK_ERROR_OUT_OF_HOST_MEMORY ? result : VK_ERROR_INVALID_EXTERNAL_HANDLE;
    const uint32_t type =
        m_device.physicalDevice().memoryType(typeBits & properties.memoryTypeBits, 0,
                                             VK_MEMORY_PROPERTY_HOST_COHERENT_BIT | VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
    if (type == UINT32_MAX)
        return VK_ERROR_INVALID_EXTERNAL_HANDLE;
    const VkImportMemoryHostPointerInfoEXT import{VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT, nullptr,
                                                  VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT, buffer.data};
    const VkMemoryAllocateInfo allocate{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, &import, buffer.size, type};
    return next.AllocateMemory(m_device.handle(), &allocate, m_allocator.callbacks(), memory);
}

VkResult CopyEngine::realizeDirect(uint32_t index)
{
    SwapchainImage& image = (*m_images)[index];
    const DeviceDispatch& next = m_device.next();
    const VkImageSubresource subresource{VK_IMAGE_ASPECT_COLOR_BIT, 0, 0};
    VkSubresourceLayout layout;
    next.GetImageSubresourceLayout(m_device.handle(), image.image, &subresource, &layout);
    VkMemoryRequirements requirements;
    next.GetImageMemoryRequirements(m_device.handle(), image.image, &requirements);
    if (layout.offset != 0 || layout.rowPitch > UINT32_MAX || layout.rowPitch % m_format->bytesPerPixel)
        return VK_ERROR_FORMAT_NOT_SUPPORTED;

    const auto alignment = static_cast<size_t>(m_device.physicalDevice().hostPointerAlignment());
    const auto size = static_cast<size_t>(alignUp(requirements.size, alignment));
    const BufferLayout wish{static_cast<uint32_t>(layout.rowPitch), size, alignment};
    if (!image.target.data) {
        if (const VkResult result = m_target->allocate(index, wish, &image.target); result != VK_SUCCESS)
            return result;
    }
    if (image.target.stride != layout.rowPitch || image.target.size < requirements.size)
        return VK_ERROR_FORMAT_NOT_SUPPORTED;
    const VkResult result = importHostMemory(image.target, requirements.memoryTypeBits, &image.memory);
    return result == VK_SUCCESS ? bindOrFree(image.image, &image.memory) : result;
}

VkResult CopyEngine::realizeImport(uint32_t index)
{
    SwapchainImage& image = (*m_images)[index];
    if (!image.target.data) {
        const BufferLayout wish{0, 0, static_cast<size_t>(m_device.physicalDevice().hostPointerAlignment())};
        if (const VkResult result = m_target->allocate(index, wish, &image.target); result != VK_SUCCESS)
            return result;
    }
    // It has one where the image's own memory was lacking before.
    const VkResult result = image.importedBuffer ? VK_SUCCESS : importTarget(image, m_imageInfo.extent.height);
    return result == VK_SUCCESS ? bindOwnImage(image) : result;
}

VkResult CopyEngine::importTarget(SwapchainImage& image, uint32_t rows)
{
    const DeviceDispatch& next = m_device.next();
    if (!image.target.importable || image.target.stride % m_format->bytesPerPixel)
        return VK_ERROR_FEATURE_NOT_PRESENT;
    const VkExternalMemoryBufferCreateInfo external{VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO, nullptr,
                                                    VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT};
    const VkBufferCreateInfo info{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                  &external,
                                  0,
                                  VkDeviceSize{image.target.stride} * rows,
                                  VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                                  VK_SHARING_MODE_EXCLUSIVE,
                                  0,
                                  nullptr};
    VkResult result = next.CreateBuffer(m_device.handle(), &info, m_allocator.callbacks(), &image.importedBuffer);
    if (result != VK_SUCCESS)
        return result;
    VkMemoryRequirements requirements;
    next.GetBufferMemoryRequirements(m_device.handle(), image.importedBuffer, &requirements);
    result = requirements.size > image.target.size
                 ? VK_ERROR_FEATURE_NOT_PRESENT
                 : importHostMemory(image.target, requirements.memoryTypeBits, &image.importedMemory);
    if (result == VK_SUCCESS)
        result = next.BindBufferMemory(m_device.handle(), image.importedBuffer, image.importedMemory, 0);
    if (result != VK_SUCCESS)
        dropImport(image);
    return result;
}

void CopyEngine::dropImport(SwapchainImage& image)
{
    const DeviceDispatch& next = m_device.next();
    next.DestroyBuffer(m_device.handle(), std::exchange(image.importedBuffer, VK_NULL_HANDLE), m_allocator.callbacks());
    next.FreeMemory(m_device.handle(), std::exchange(image.importedMemory, VK_NULL_HANDLE), m_allocator.callbacks());
}

} // namespace vwsi
