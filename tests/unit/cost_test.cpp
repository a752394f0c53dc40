// What a frame costs once everything is warm: host submissions, allocations, calls (issue, part 5).
#include "harness/images.h"
#include "harness/layer_test.h"
#include "mock/heap_probe.h"

#include <thread>

namespace vwsi::testing {

namespace {

using namespace std::chrono_literals;

/// Frames of an application that has everything it needs before the first one, so that only the layer's own costs show.
class Cost : public LayerTest {
protected:
    static constexpr uint32_t kMost = 16;

    void prepare(const WindowOptions& options)
    {
        m_window = std::make_unique<Window>(device(), options);
        ASSERT_EQ(m_window->result, VK_SUCCESS);
        ASSERT_LE(m_window->images.size(), kMost);
        for (uint32_t i = 0; i < m_window->images.size(); ++i) {
            m_ready[i] = device().semaphore();
            m_done[i] = device().semaphore();
            m_reusable[i] = device().fence(true);
            m_commands[i] = reusableClear(m_window->images[i]);
        }
    }

    void TearDown() override
    {
        if (m_window)
            device().vk.DeviceWaitIdle(device().handle);
        m_window.reset();
        LayerTest::TearDown();
    }

    /// One frame that allocates nothing itself.
    VkResult frame()
    {
        const auto& vk = device().vk;
        const uint32_t slot = m_next++ % static_cast<uint32_t>(m_window->images.size());
        vk.WaitForFences(device().handle, 1, &m_reusable[slot], VK_TRUE, UINT64_MAX);
        vk.ResetFences(device().handle, 1, &m_reusable[slot]);
        uint32_t index = 0;
        VkResult result = vk.AcquireNextImageKHR(device().handle, m_window->swapchain, UINT64_MAX, m_ready[slot],
                                                 VK_NULL_HANDLE, &index);
        if (result != VK_SUCCESS)
            return result;
        const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_TRANSFER_BIT;
        const VkSubmitInfo submit{
            VK_STRUCTURE_TYPE_SUBMIT_INFO, nullptr, 1, &m_ready[slot], &stage, 1, &m_commands[index], 1, &m_done[slot]};
        result = vk.QueueSubmit(device().queue(), 1, &submit, m_reusable[slot]);
        if (result != VK_SUCCESS)
            return result;
        const VkPresentInfoKHR present{
            VK_STRUCTURE_TYPE_PRESENT_INFO_KHR, nullptr, 1, &m_done[slot], 1, &m_window->swapchain, &index, nullptr};
        return vk.QueuePresentKHR(device().queue(), &present);
    }

    /// Allocations of all threads during `frames` frames, after as many to warm up.
    uint64_t allocationsIn(unsigned frames)
    {
        for (unsigned i = 0; i < frames; ++i)
            EXPECT_EQ(frame(), VK_SUCCESS);
        VkResult worst = VK_SUCCESS;
        const mock::HeapProbe::Counter counter;
        for (unsigned i = 0; i < frames; ++i) {
            const VkResult result = frame();
            worst = result == VK_SUCCESS ? worst : result;
        }
        // The presenter's share of the last frame counts too.
        std::this_thread::sleep_for(50ms);
        const uint64_t allocations = counter.allocations();
        EXPECT_EQ(worst, VK_SUCCESS);
        return allocations;
    }

private:
    VkCommandBuffer reusableClear(VkImage image)
    {
        const VkCommandBuffer commands = device().begin(VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT);
        const VkClearColorValue color{{1, 0, 1, 1}};
        VkImageMemoryBarrier barrier =
            layoutChange(image, VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
        device().vk.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0,
                                       nullptr, 0, nullptr, 1, &barrier);
        device().vk.CmdClearColorImage(commands, image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, &color, 1, &kWholeImage);
        barrier = layoutChange(image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_IMAGE_LAYOUT_PRESENT_SRC_KHR);
        device().vk.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0,
                                       nullptr, 0, nullptr, 1, &barrier);
        EXPECT_EQ(device().vk.EndCommandBuffer(commands), VK_SUCCESS);
        return commands;
    }

    std::unique_ptr<Window> m_window;
    VkSemaphore m_ready[kMost]{};
    VkSemaphore m_done[kMost]{};
    VkFence m_reusable[kMost]{};
    VkCommandBuffer m_commands[kMost]{};
    uint32_t m_next = 0;
};

} // namespace

TEST_F(Cost, OneSubmissionPerPresentAndNoneOnAcquire)
{
    prepare({});
    for (int i = 0; i < 10; ++i)
        ASSERT_EQ(frame(), VK_SUCCESS);
    driver.resetRecords();
    for (int i = 0; i < 50; ++i)
        ASSERT_EQ(frame(), VK_SUCCESS);
    // Fifty of the application, fifty of the layer.
    EXPECT_EQ(driver.count("vkQueueSubmit"), 100u);
    EXPECT_EQ(driver.submissionCount(), 100u);
}

TEST_F(Cost, NothingIsCreatedPerFrame)
{
    prepare({});
    for (int i = 0; i < 20; ++i)
        ASSERT_EQ(frame(), VK_SUCCESS);
    driver.resetRecords();
    for (int i = 0; i < 50; ++i)
        ASSERT_EQ(frame(), VK_SUCCESS);
    for (const char* name : {"vkAllocateMemory", "vkMapMemory", "vkCreateFence", "vkCreateSemaphore", "vkCreateBuffer",
                             "vkCreateImage", "vkCreateCommandPool", "vkAllocateCommandBuffers", "vkBeginCommandBuffer",
                             "vkGetDeviceProcAddr", "vkDeviceWaitIdle", "vkQueueWaitIdle"})
        EXPECT_EQ(driver.count(name), 0u) << name;
}

TEST_F(Cost, ImmediateFramesAllocateNothing)
{
    prepare({});
    EXPECT_EQ(allocationsIn(60), 0u);
}

TEST_F(Cost, FifoFramesAllocateNothing)
{
    WindowOptions options;
    options.presentMode = VK_PRESENT_MODE_FIFO_KHR;
    prepare(options);
    EXPECT_EQ(allocationsIn(60), 0u);
}

TEST_F(Cost, MailboxFramesAllocateNothing)
{
    WindowOptions options;
    options.presentMode = VK_PRESENT_MODE_MAILBOX_KHR;
    prepare(options);
    EXPECT_EQ(allocationsIn(60), 0u);
}

TEST_F(Cost, FramesOfASlowDeviceAllocateNothing)
{
    prepare({});
    driver.setCompletion(mock::Completion::Threaded, 300us);
    EXPECT_EQ(allocationsIn(40), 0u);
    device().vk.DeviceWaitIdle(device().handle);
    driver.setCompletion(mock::Completion::Immediate);
}

TEST_F(Cost, TheWordSparesTheHostsFence)
{
    prepare({});
    driver.setCompletion(mock::Completion::Threaded, 1ms);
    for (int i = 0; i < 20; ++i)
        ASSERT_EQ(frame(), VK_SUCCESS);
    driver.resetRecords();
    for (int i = 0; i < 20; ++i)
        ASSERT_EQ(frame(), VK_SUCCESS);
    // Twenty waits are the test's own; the layer polls memory, and looks at fences only now and then.
    EXPECT_LE(driver.count("vkWaitForFences"), 20u + 20u);
    device().vk.DeviceWaitIdle(device().handle);
    driver.setCompletion(mock::Completion::Immediate);
}

TEST_F(Cost, AnIdleSwapchainIsSilent)
{
    prepare({});
    for (int i = 0; i < 5; ++i)
        ASSERT_EQ(frame(), VK_SUCCESS);
    std::this_thread::sleep_for(50ms);
    driver.resetRecords();
    std::this_thread::sleep_for(200ms);
    for (const char* name : {"vkGetFenceStatus", "vkWaitForFences", "vkQueueSubmit", "vkInvalidateMappedMemoryRanges"})
        EXPECT_EQ(driver.count(name), 0u) << name;
}

} // namespace vwsi::testing
