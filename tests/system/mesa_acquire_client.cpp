// Acquired images without a window: each way to wait for an acquire semaphore, next to waits that must stay.
// Usage: mesa_acquire_client [FRAMES [no-sparse]]     default 300
//
// Frames take turns: vkQueueSubmit, vkQueueSubmit2, vkQueueBindSparse (where the device has it) and an acquire fence.
// Beside each acquire semaphore the batch waits for two points of a timeline that the processor signals after the
// submission: were one of those waits dropped or its value mixed up, the batch would be done too early.

#include "mesa_client.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

using mesaTest::require;
using mesaTest::second;

enum class Way { submit, submit2, sparse, fence };

class Frames {
public:
    explicit Frames(mesaTest::Client& client) : m_client(client)
    {
        const auto makeSurface = reinterpret_cast<PFN_vkCreateHeadlessSurfaceEXT>(
            vkGetInstanceProcAddr(client.instance, "vkCreateHeadlessSurfaceEXT"));
        VkHeadlessSurfaceCreateInfoEXT surfaceInfo = {};
        surfaceInfo.sType = VK_STRUCTURE_TYPE_HEADLESS_SURFACE_CREATE_INFO_EXT;
        require(makeSurface(client.instance, &surfaceInfo, nullptr, &m_surface), "vkCreateHeadlessSurfaceEXT");
        VkBool32 supported = VK_FALSE;
        require(vkGetPhysicalDeviceSurfaceSupportKHR(client.physical, 0, m_surface, &supported),
                "vkGetPhysicalDeviceSurfaceSupportKHR");
        require(supported == VK_TRUE, "the queue can present to the surface");
        VkSurfaceCapabilitiesKHR capabilities;
        require(vkGetPhysicalDeviceSurfaceCapabilitiesKHR(client.physical, m_surface, &capabilities),
                "vkGetPhysicalDeviceSurfaceCapabilitiesKHR");
        uint32_t count = 1;
        VkSurfaceFormatKHR format;
        vkGetPhysicalDeviceSurfaceFormatsKHR(client.physical, m_surface, &count, &format);
        require(count == 1, "a surface format");

        VkSwapchainCreateInfoKHR info = {};
        info.sType = VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR;
        info.surface = m_surface;
        info.minImageCount = capabilities.minImageCount > 3 ? capabilities.minImageCount : 3;
        info.imageFormat = format.format;
        info.imageColorSpace = format.colorSpace;
        info.imageExtent = {250, 130};
        info.imageArrayLayers = 1;
        info.imageUsage = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;
        info.preTransform = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR;
        info.compositeAlpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR;
        info.presentMode = VK_PRESENT_MODE_FIFO_KHR;
        require(vkCreateSwapchainKHR(client.device, &info, nullptr, &m_swapchain), "vkCreateSwapchainKHR");
        count = 0;
        vkGetSwapchainImagesKHR(client.device, m_swapchain, &count, nullptr);
        m_images.resize(count);
        require(vkGetSwapchainImagesKHR(client.device, m_swapchain, &count, m_images.data()),
                "vkGetSwapchainImagesKHR");

        VkCommandBufferAllocateInfo allocate = {};
        allocate.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
        allocate.commandPool = client.pool;
        allocate.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
        allocate.commandBufferCount = 1;
        require(vkAllocateCommandBuffers(client.device, &allocate, &m_commands), "vkAllocateCommandBuffers");
        m_acquired = client.makeSemaphore();
        m_drawn = client.makeSemaphore();
        m_gate = client.makeTimeline(0);
        m_second = client.makeTimeline(0);
        m_done = client.makeFence();
        m_acquiredFence = client.makeFence();
    }

    ~Frames()
    {
        vkDeviceWaitIdle(m_client.device);
        vkDestroyFence(m_client.device, m_done, nullptr);
        vkDestroyFence(m_client.device, m_acquiredFence, nullptr);
        for (const VkSemaphore semaphore : {m_acquired, m_drawn, m_gate, m_second})
            vkDestroySemaphore(m_client.device, semaphore, nullptr);
        vkDestroySwapchainKHR(m_client.device, m_swapchain, nullptr);
        vkDestroySurfaceKHR(m_client.instance, m_surface, nullptr);
    }
    Frames(const Frames&) = delete;
    Frames& operator=(const Frames&) = delete;

    void show(uint32_t number, Way way)
    {
        uint32_t index = 0;
        const bool byFence = way == Way::fence;
        require(vkAcquireNextImageKHR(m_client.device, m_swapchain, 10 * second, byFence ? VK_NULL_HANDLE : m_acquired,
                                      byFence ? m_acquiredFence : VK_NULL_HANDLE, &index),
                "vkAcquireNextImageKHR");
        record(m_images[index], number);
        switch (way) {
        case Way::submit:
            submit(number);
            break;
        case Way::submit2:
            submit2(number);
            break;
        case Way::sparse:
            bindSparse(number);
            break;
        case Way::fence:
            require(vkWaitForFences(m_client.device, 1, &m_acquiredFence, VK_TRUE, 10 * second), "acquire fence");
            require(vkResetFences(m_client.device, 1, &m_acquiredFence), "vkResetFences");
            submitOrdinary(number);
            break;
        }
        // Both points are missing, then one: the batch must still wait.
        require(vkGetFenceStatus(m_client.device, m_done) == VK_NOT_READY, "the batch waits for its timelines");
        signal(m_gate, number);
        require(vkGetFenceStatus(m_client.device, m_done) == VK_NOT_READY, "the batch waits for its second timeline");
        signal(m_second, 2 * number);
        require(vkWaitForFences(m_client.device, 1, &m_done, VK_TRUE, 10 * second), "the frame is drawn");
        require(vkResetFences(m_client.device, 1, &m_done), "vkResetFences");

        VkPresentInfoKHR present = {};
        present.sType = VK_STRUCTURE_TYPE_PRESENT_INFO_KHR;
        present.waitSemaphoreCount = 1;
        present.pWaitSemaphores = &m_drawn;
        present.swapchainCount = 1;
        present.pSwapchains = &m_swapchain;
        present.pImageIndices = &index;
        require(vkQueuePresentKHR(m_client.queue, &present), "vkQueuePresentKHR");
    }

private:
    void record(VkImage image, uint32_t number) const
    {
        VkCommandBufferBeginInfo begin = {};
        begin.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
        require(vkBeginCommandBuffer(m_commands, &begin), "vkBeginCommandBuffer");
        VkImageMemoryBarrier barrier = {};
        barrier.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER;
        barrier.oldLayout = VK_IMAGE_LAYOUT_UNDEFINED;
        barrier.newLayout = VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL;
        barrier.dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
        barrier.srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
        barrier.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
        barrier.image = image;
        barrier.subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
        vkCmdPipelineBarrier(m_commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, nullptr,
                             0, nullptr, 1, &barrier);
        VkClearColorValue color = {};
        color.float32[number % 3] = 1;
        vkCmdClearColorImage(m_commands, image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, &color, 1,
                             &barrier.subresourceRange);
        barrier.oldLayout = VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL;
        barrier.newLayout = VK_IMAGE_LAYOUT_PRESENT_SRC_KHR;
        barrier.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
        barrier.dstAccessMask = 0;
        vkCmdPipelineBarrier(m_commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0, 0,
                             nullptr, 0, nullptr, 1, &barrier);
        require(vkEndCommandBuffer(m_commands), "vkEndCommandBuffer");
    }

    void signal(VkSemaphore timeline, uint64_t value) const
    {
        VkSemaphoreSignalInfo info = {};
        info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO;
        info.semaphore = timeline;
        info.value = value;
        require(vkSignalSemaphore(m_client.device, &info), "vkSignalSemaphore");
    }

    // An ordinary batch, then one whose acquire wait stands between the two that count.
    void submit(uint32_t number) const
    {
        const std::array<VkSemaphore, 3> waits = {m_gate, m_acquired, m_second};
        const std::array<uint64_t, 3> values = {number, 77, 2 * uint64_t{number}};
        const std::array<VkPipelineStageFlags, 3> stages = {
            VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT};
        const std::array<uint32_t, 3> devices = {0, 0, 0};
        VkDeviceGroupSubmitInfo group = {};
        group.sType = VK_STRUCTURE_TYPE_DEVICE_GROUP_SUBMIT_INFO;
        group.waitSemaphoreCount = 3;
        group.pWaitSemaphoreDeviceIndices = devices.data();
        const uint32_t mask = 1;
        group.commandBufferCount = 1;
        group.pCommandBufferDeviceMasks = &mask;
        group.signalSemaphoreCount = 1;
        group.pSignalSemaphoreDeviceIndices = devices.data();
        VkTimelineSemaphoreSubmitInfo timeline = {};
        timeline.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO;
        timeline.pNext = number % 2 ? &group : nullptr;
        timeline.waitSemaphoreValueCount = 3;
        timeline.pWaitSemaphoreValues = values.data();
        std::array<VkSubmitInfo, 2> batches = {};
        batches[0].sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
        batches[1].sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
        batches[1].pNext = &timeline;
        batches[1].waitSemaphoreCount = 3;
        batches[1].pWaitSemaphores = waits.data();
        batches[1].pWaitDstStageMask = stages.data();
        batches[1].commandBufferCount = 1;
        batches[1].pCommandBuffers = &m_commands;
        batches[1].signalSemaphoreCount = 1;
        batches[1].pSignalSemaphores = &m_drawn;
        require(vkQueueSubmit(m_client.queue, 2, batches.data(), m_done), "vkQueueSubmit");
    }

    void submit2(uint32_t number) const
    {
        std::array<VkSemaphoreSubmitInfo, 3> waits = {};
        for (VkSemaphoreSubmitInfo& wait : waits) {
            wait.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO;
            wait.stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT;
        }
        waits[0].semaphore = m_acquired;
        waits[1].semaphore = m_gate;
        waits[1].value = number;
        waits[2].semaphore = m_second;
        waits[2].value = 2 * uint64_t{number};
        VkSemaphoreSubmitInfo drawn = {};
        drawn.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO;
        drawn.semaphore = m_drawn;
        drawn.stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT;
        VkCommandBufferSubmitInfo commands = {};
        commands.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO;
        commands.commandBuffer = m_commands;
        VkSubmitInfo2 batch = {};
        batch.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2;
        batch.waitSemaphoreInfoCount = 3;
        batch.pWaitSemaphoreInfos = waits.data();
        batch.commandBufferInfoCount = 1;
        batch.pCommandBufferInfos = &commands;
        batch.signalSemaphoreInfoCount = 1;
        batch.pSignalSemaphoreInfos = &drawn;
        require(vkQueueSubmit2(m_client.queue, 1, &batch, m_done), "vkQueueSubmit2");
    }

    void bindSparse(uint32_t number) const
    {
        const std::array<VkSemaphore, 3> waits = {m_gate, m_second, m_acquired};
        const std::array<uint64_t, 3> values = {number, 2 * uint64_t{number}, 77};
        VkTimelineSemaphoreSubmitInfo timeline = {};
        timeline.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO;
        timeline.waitSemaphoreValueCount = 3;
        timeline.pWaitSemaphoreValues = values.data();
        VkBindSparseInfo bind = {};
        bind.sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO;
        bind.pNext = &timeline;
        bind.waitSemaphoreCount = 3;
        bind.pWaitSemaphores = waits.data();
        bind.signalSemaphoreCount = 1;
        bind.pSignalSemaphores = &m_drawn;
        // Drawn before the binding, so that the present waits for both.
        VkSubmitInfo draw = {};
        draw.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
        draw.commandBufferCount = 1;
        draw.pCommandBuffers = &m_commands;
        require(vkQueueSubmit(m_client.queue, 1, &draw, VK_NULL_HANDLE), "vkQueueSubmit");
        require(vkQueueBindSparse(m_client.queue, 1, &bind, m_done), "vkQueueBindSparse");
    }

    void submitOrdinary(uint32_t number) const
    {
        const std::array<VkSemaphore, 2> waits = {m_gate, m_second};
        const std::array<uint64_t, 2> values = {number, 2 * uint64_t{number}};
        const std::array<VkPipelineStageFlags, 2> stages = {VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                                                            VK_PIPELINE_STAGE_ALL_COMMANDS_BIT};
        VkTimelineSemaphoreSubmitInfo timeline = {};
        timeline.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO;
        timeline.waitSemaphoreValueCount = 2;
        timeline.pWaitSemaphoreValues = values.data();
        VkSubmitInfo batch = {};
        batch.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
        batch.pNext = &timeline;
        batch.waitSemaphoreCount = 2;
        batch.pWaitSemaphores = waits.data();
        batch.pWaitDstStageMask = stages.data();
        batch.commandBufferCount = 1;
        batch.pCommandBuffers = &m_commands;
        batch.signalSemaphoreCount = 1;
        batch.pSignalSemaphores = &m_drawn;
        require(vkQueueSubmit(m_client.queue, 1, &batch, m_done), "vkQueueSubmit");
    }

    mesaTest::Client& m_client;
    VkSurfaceKHR m_surface = VK_NULL_HANDLE;
    VkSwapchainKHR m_swapchain = VK_NULL_HANDLE;
    std::vector<VkImage> m_images;
    VkCommandBuffer m_commands = VK_NULL_HANDLE;
    VkSemaphore m_acquired = VK_NULL_HANDLE;
    VkSemaphore m_drawn = VK_NULL_HANDLE;
    VkSemaphore m_gate = VK_NULL_HANDLE;
    VkSemaphore m_second = VK_NULL_HANDLE;
    VkFence m_done = VK_NULL_HANDLE;
    VkFence m_acquiredFence = VK_NULL_HANDLE;
};

int run(uint32_t frames, bool sparse)
{
    mesaTest::Client client(true);
    client.sparse = client.sparse && sparse;
    std::vector<Way> ways = {Way::submit, Way::submit2, Way::fence};
    if (client.sparse)
        ways.push_back(Way::sparse);
    {
        Frames chain(client);
        for (uint32_t number = 1; number <= frames; ++number)
            chain.show(number, ways[number % ways.size()]);
    }
    const std::string summary = std::to_string(frames) + " headless frames, " + std::to_string(ways.size()) +
                                " ways to wait" + (client.sparse ? " (with sparse binding)" : "");
    return client.finish(summary.c_str());
}

} // namespace

int main(int count, char** arguments)
{
    const long frames = count > 1 ? std::strtol(arguments[1], nullptr, 10) : 300;
    if (frames < 1 || frames > 1'000'000) {
        std::fprintf(stderr, "usage: mesa_acquire_client [FRAMES [no-sparse]]\n");
        return 2;
    }
    const bool sparse = count < 3 || std::strcmp(arguments[2], "no-sparse") != 0;
    return run(static_cast<uint32_t>(frames), sparse);
}
