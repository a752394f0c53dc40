#include "offscreen_loop.h"

#include "frame_loop.h"

#include <bit>

using client::check;

OffscreenLoop::OffscreenLoop(client::VulkanContext& context, VkExtent2D extent) : m_context(context)
{
    const VkDevice device = context.device();
    const VkCommandPoolCreateInfo pool{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO, nullptr,
                                       VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT, context.family()};
    check(vkCreateCommandPool(device, &pool, nullptr, &m_pool), "vkCreateCommandPool");
    for (Slot& slot : m_slots) {
        createImage(slot, extent);
        const VkCommandBufferAllocateInfo command{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, nullptr, m_pool,
                                                  VK_COMMAND_BUFFER_LEVEL_PRIMARY, 1};
        check(vkAllocateCommandBuffers(device, &command, &slot.command), "vkAllocateCommandBuffers");
        const VkFenceCreateInfo fence{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO, nullptr, VK_FENCE_CREATE_SIGNALED_BIT};
        check(vkCreateFence(device, &fence, nullptr, &slot.done), "vkCreateFence");
    }
}

OffscreenLoop::~OffscreenLoop()
{
    const VkDevice device = m_context.device();
    finish();
    for (const Slot& slot : m_slots) {
        vkDestroyFence(device, slot.done, nullptr);
        vkDestroyImage(device, slot.image, nullptr);
        vkFreeMemory(device, slot.memory, nullptr);
    }
    vkDestroyCommandPool(device, m_pool, nullptr);
}

void OffscreenLoop::createImage(Slot& slot, VkExtent2D extent)
{
    const VkDevice device = m_context.device();
    VkImageCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO;
    info.imageType = VK_IMAGE_TYPE_2D;
    info.format = VK_FORMAT_B8G8R8A8_UNORM;
    info.extent = {extent.width, extent.height, 1};
    info.mipLevels = 1;
    info.arrayLayers = 1;
    info.samples = VK_SAMPLE_COUNT_1_BIT;
    info.tiling = VK_IMAGE_TILING_OPTIMAL;
    info.usage = VK_IMAGE_USAGE_TRANSFER_DST_BIT | VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT;
    check(vkCreateImage(device, &info, nullptr, &slot.image), "vkCreateImage");
    VkMemoryRequirements requirements;
    vkGetImageMemoryRequirements(device, slot.image, &requirements);
    const VkMemoryAllocateInfo allocate{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, nullptr, requirements.size,
                                        static_cast<uint32_t>(std::countr_zero(requirements.memoryTypeBits))};
    check(vkAllocateMemory(device, &allocate, nullptr, &slot.memory), "vkAllocateMemory");
    check(vkBindImageMemory(device, slot.image, slot.memory, 0), "vkBindImageMemory");
}

void OffscreenLoop::frame()
{
    Slot& slot = m_slots[m_number++ % m_slots.size()];
    check(vkWaitForFences(m_context.device(), 1, &slot.done, VK_TRUE, UINT64_MAX), "vkWaitForFences");
    check(vkResetFences(m_context.device(), 1, &slot.done), "vkResetFences");
    client::recordFrame(slot.command, slot.image, m_number, VK_IMAGE_LAYOUT_GENERAL);
    const VkSubmitInfo submit{
        VK_STRUCTURE_TYPE_SUBMIT_INFO, nullptr, 0, nullptr, nullptr, 1, &slot.command, 0, nullptr};
    check(vkQueueSubmit(m_context.queues()[0], 1, &submit, slot.done), "vkQueueSubmit");
}
