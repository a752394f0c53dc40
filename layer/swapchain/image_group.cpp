#include "swapchain/image_group.h"

#include "core/device.h"
#include "swapchain/swapchain.h"

namespace vwsi {

ImageGroup::ImageGroup(Device& device, const VkAllocationCallbacks* callbacks, uint32_t imageCount)
    : m_device(device), m_allocator(callbacks), m_imageCount(imageCount)
{
}

ImageGroup::~ImageGroup()
{
    const DeviceDispatch& next = m_device.next();
    for (const Image& image : m_images) {
        next.DestroyImage(m_device.handle(), image.image, m_allocator.callbacks());
        next.FreeMemory(m_device.handle(), image.memory, m_allocator.callbacks());
    }
}

void ImageGroup::own(const HostArray<SwapchainImage>& images)
{
    std::vector<Image> owned;
    owned.reserve(images.size());
    for (const SwapchainImage& image : images)
        owned.push_back({image.image, image.memory});
    m_images = std::move(owned);
}

bool ImageGroup::take(HostArray<SwapchainImage>& images) const
{
    for (size_t i = 0; i < m_images.size(); ++i) {
        images[i].image = m_images[i].image;
        images[i].memory = m_images[i].memory;
    }
    return !m_images.empty();
}

void ImageGroup::join(Swapchain& swapchain)
{
    const std::lock_guard lock(m_mutex);
    m_members.push_back(&swapchain);
}

void ImageGroup::leave(Swapchain& swapchain)
{
    const std::lock_guard lock(m_mutex);
    std::erase(m_members, &swapchain);
}

uint32_t ImageGroup::cost(const Swapchain& asking, uint32_t index)
{
    uint32_t sum = 0;
    for (Swapchain* const other : m_members) {
        if (other == &asking)
            continue;
        const Standing standing = other->standing(index);
        // One that is on a display counts for more than any number that are free.
        sum += standing == Standing::Busy ? 0x10000 : standing == Standing::Free ? 1 : 0;
    }
    return sum;
}

} // namespace vwsi
