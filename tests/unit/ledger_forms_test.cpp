// Acquire semaphores in the other forms of submission: vkQueueSubmit2, vkQueueSubmit2KHR and vkQueueBindSparse.
#include "harness/layer_test.h"

namespace vwsi::testing {

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

VkSemaphoreSubmitInfo use(VkSemaphore semaphore, VkPipelineStageFlags2 stages, uint64_t value = 0)
{
    return {VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO, nullptr, semaphore, value, stages, 0};
}

class LedgerForms : public LayerTest {
protected:
    /// A served device with synchronization2: Vulkan 1.2 with the extension, or Vulkan 1.3.
    void start(uint32_t version = VK_API_VERSION_1_2)
    {
        add(mock::DeviceSpec::venus().withSynchronization2().api(version));
        VkPhysicalDeviceSynchronization2Features feature{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SYNCHRONIZATION_2_FEATURES,
                                                         nullptr, VK_TRUE};
        InstanceOptions instanceOptions;
        instanceOptions.apiVersion = version;
        makeInstance(instanceOptions);
        DeviceOptions options;
        options.extensions = {"VK_KHR_swapchain", "VK_KHR_synchronization2"};
        options.next = &feature;
        makeDevice(options);
        m_window = std::make_unique<Window>(device());
    }

    void TearDown() override
    {
        m_window.reset();
        LayerTest::TearDown();
    }

    VkSemaphore acquired()
    {
        const VkSemaphore semaphore = device().semaphore();
        uint32_t index = 0;
        EXPECT_EQ(m_window->acquire(&index, semaphore), VK_SUCCESS);
        driver.resetRecords();
        return semaphore;
    }

    VkSemaphore signalled()
    {
        const VkSemaphore semaphore = device().semaphore();
        EXPECT_EQ(device().submit({}, {}, {semaphore}), VK_SUCCESS);
        return semaphore;
    }

    mock::BatchRecord onlyBatch(const char* call) const
    {
        const auto submits = driver.submits();
        EXPECT_THAT(submits, SizeIs(1));
        if (submits.empty() || submits[0].batches.empty())
            return {};
        EXPECT_EQ(submits[0].call, call);
        return submits[0].batches[0];
    }

private:
    std::unique_ptr<Window> m_window;
};

} // namespace

TEST_F(LedgerForms, Submit2KhrIsStruck)
{
    start();
    const VkSemaphore timeline = device().timeline(4);
    const VkSemaphore own = signalled();
    const VkSemaphore semaphore = acquired();
    const VkSemaphoreSubmitInfo waits[] = {use(timeline, VK_PIPELINE_STAGE_2_COPY_BIT, 3),
                                           use(semaphore, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT),
                                           use(own, VK_PIPELINE_STAGE_2_BLIT_BIT)};
    VkSubmitInfo2 info{};
    info.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2;
    info.waitSemaphoreInfoCount = 3;
    info.pWaitSemaphoreInfos = waits;
    const Snapshot infoBytes(info);
    const Snapshot waitBytes(waits);
    EXPECT_EQ(device().vk.QueueSubmit2KHR(device().queue(), 1, &info, VK_NULL_HANDLE), VK_SUCCESS);
    const auto batch = onlyBatch("vkQueueSubmit2");
    ASSERT_THAT(batch.waits, SizeIs(2));
    EXPECT_EQ(batch.waits[0].semaphore, timeline);
    EXPECT_EQ(batch.waits[0].value, 3u);
    EXPECT_EQ(batch.waits[0].stages, VK_PIPELINE_STAGE_2_COPY_BIT);
    EXPECT_EQ(batch.waits[1].semaphore, own);
    EXPECT_EQ(batch.waits[1].stages, VK_PIPELINE_STAGE_2_BLIT_BIT);
    EXPECT_TRUE(infoBytes.unchanged());
    EXPECT_TRUE(waitBytes.unchanged());
}

TEST_F(LedgerForms, Submit2OfVulkan13IsStruck)
{
    start(VK_API_VERSION_1_3);
    ASSERT_NE(device().vk.QueueSubmit2, nullptr);
    const VkSemaphore semaphore = acquired();
    const VkSemaphoreSubmitInfo wait = use(semaphore, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT);
    VkSubmitInfo2 info{};
    info.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2;
    info.waitSemaphoreInfoCount = 1;
    info.pWaitSemaphoreInfos = &wait;
    const VkFence fence = device().fence();
    EXPECT_EQ(device().vk.QueueSubmit2(device().queue(), 1, &info, fence), VK_SUCCESS);
    EXPECT_THAT(onlyBatch("vkQueueSubmit2").waits, IsEmpty());
    EXPECT_TRUE(device().wait(fence));
}

TEST_F(LedgerForms, Submit2KeepsSignalsAndCommandBuffers)
{
    start();
    const VkSemaphore done = device().semaphore();
    const VkSemaphore counter = device().timeline(0);
    const VkCommandBuffer commands = device().begin();
    device().vk.EndCommandBuffer(commands);
    const VkSemaphore semaphore = acquired();
    const VkSemaphoreSubmitInfo wait = use(semaphore, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT);
    const VkSemaphoreSubmitInfo signals[] = {use(done, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT),
                                             use(counter, VK_PIPELINE_STAGE_2_COPY_BIT, 11)};
    const VkCommandBufferSubmitInfo buffer{VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO, nullptr, commands, 0};
    const VkSubmitInfo2 info{VK_STRUCTURE_TYPE_SUBMIT_INFO_2, nullptr, 0, 1, &wait, 1, &buffer, 2, signals};
    EXPECT_EQ(device().vk.QueueSubmit2KHR(device().queue(), 1, &info, VK_NULL_HANDLE), VK_SUCCESS);
    const auto batch = onlyBatch("vkQueueSubmit2");
    EXPECT_THAT(batch.waits, IsEmpty());
    EXPECT_THAT(batch.commandBuffers, ElementsAre(commands));
    EXPECT_THAT(batch.signals, SizeIs(2));
    EXPECT_TRUE(driver.semaphoreSignalled(done));
    EXPECT_EQ(driver.timelineValue(counter), 11u);
}

TEST_F(LedgerForms, Submit2StrikesEveryBatch)
{
    start();
    const VkSemaphore first = acquired();
    const VkSemaphore second = acquired();
    const VkSemaphoreSubmitInfo firstWait = use(first, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT);
    const VkSemaphoreSubmitInfo secondWait = use(second, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT);
    const VkSubmitInfo2 infos[] = {
        {VK_STRUCTURE_TYPE_SUBMIT_INFO_2, nullptr, 0, 1, &firstWait, 0, nullptr, 0, nullptr},
        {VK_STRUCTURE_TYPE_SUBMIT_INFO_2, nullptr, 0, 1, &secondWait, 0, nullptr, 0, nullptr},
    };
    EXPECT_EQ(device().vk.QueueSubmit2KHR(device().queue(), 2, infos, VK_NULL_HANDLE), VK_SUCCESS);
    const auto submits = driver.submits();
    ASSERT_THAT(submits, SizeIs(1));
    ASSERT_THAT(submits[0].batches, SizeIs(2));
    EXPECT_THAT(submits[0].batches[0].waits, IsEmpty());
    EXPECT_THAT(submits[0].batches[1].waits, IsEmpty());
}

TEST_F(LedgerForms, WaitStruckInSubmit2IsSpentForSubmit)
{
    start();
    const VkSemaphore semaphore = acquired();
    const VkSemaphoreSubmitInfo wait = use(semaphore, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT);
    const VkSemaphoreSubmitInfo signal = use(semaphore, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT);
    const VkSubmitInfo2 info{VK_STRUCTURE_TYPE_SUBMIT_INFO_2, nullptr, 0, 1, &wait, 0, nullptr, 1, &signal};
    EXPECT_EQ(device().vk.QueueSubmit2KHR(device().queue(), 1, &info, VK_NULL_HANDLE), VK_SUCCESS);
    driver.resetRecords();
    EXPECT_EQ(device().submit({semaphore}), VK_SUCCESS);
    EXPECT_THAT(onlyBatch("vkQueueSubmit").waits, SizeIs(1));
}

TEST_F(LedgerForms, BindSparseIsStruck)
{
    start();
    const VkSemaphore own = signalled();
    const VkSemaphore done = device().semaphore();
    const VkSemaphore semaphore = acquired();
    const VkSemaphore waits[] = {semaphore, own};
    VkBindSparseInfo info{};
    info.sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO;
    info.waitSemaphoreCount = 2;
    info.pWaitSemaphores = waits;
    info.signalSemaphoreCount = 1;
    info.pSignalSemaphores = &done;
    const Snapshot bytes(info);
    EXPECT_EQ(device().vk.QueueBindSparse(device().queue(), 1, &info, VK_NULL_HANDLE), VK_SUCCESS);
    const auto batch = onlyBatch("vkQueueBindSparse");
    ASSERT_THAT(batch.waits, SizeIs(1));
    EXPECT_EQ(batch.waits[0].semaphore, own);
    EXPECT_TRUE(driver.semaphoreSignalled(done));
    EXPECT_TRUE(bytes.unchanged());
}

TEST_F(LedgerForms, BindSparseTimelineValuesAreCompacted)
{
    start();
    const VkSemaphore timeline = device().timeline(6);
    const VkSemaphore semaphore = acquired();
    const VkSemaphore waits[] = {semaphore, timeline};
    const uint64_t values[] = {4711, 6};
    const VkTimelineSemaphoreSubmitInfo chained{
        VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO, nullptr, 2, values, 0, nullptr};
    VkBindSparseInfo info{};
    info.sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO;
    info.pNext = &chained;
    info.waitSemaphoreCount = 2;
    info.pWaitSemaphores = waits;
    EXPECT_EQ(device().vk.QueueBindSparse(device().queue(), 1, &info, VK_NULL_HANDLE), VK_SUCCESS);
    const auto batch = onlyBatch("vkQueueBindSparse");
    ASSERT_THAT(batch.waits, SizeIs(1));
    EXPECT_EQ(batch.waits[0].semaphore, timeline);
    EXPECT_EQ(batch.waits[0].value, 6u);
}

TEST_F(LedgerForms, BindSparseKeepsItsBinds)
{
    start();
    const VkSemaphore semaphore = acquired();
    const VkSparseMemoryBind bind{};
    const VkSparseBufferMemoryBindInfo buffers{VK_NULL_HANDLE, 1, &bind};
    VkBindSparseInfo info{};
    info.sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO;
    info.waitSemaphoreCount = 1;
    info.pWaitSemaphores = &semaphore;
    info.bufferBindCount = 1;
    info.pBufferBinds = &buffers;
    const VkFence fence = device().fence();
    EXPECT_EQ(device().vk.QueueBindSparse(device().queue(), 1, &info, fence), VK_SUCCESS);
    EXPECT_EQ(onlyBatch("vkQueueBindSparse").binds, 1u);
    EXPECT_TRUE(device().wait(fence));
}

TEST_F(LedgerForms, EmptySubmissionsPass)
{
    start();
    driver.resetRecords();
    const VkFence fence = device().fence();
    EXPECT_EQ(device().vk.QueueSubmit(device().queue(), 0, nullptr, fence), VK_SUCCESS);
    EXPECT_TRUE(device().wait(fence));
    EXPECT_EQ(device().vk.QueueSubmit2KHR(device().queue(), 0, nullptr, VK_NULL_HANDLE), VK_SUCCESS);
    EXPECT_EQ(device().vk.QueueBindSparse(device().queue(), 0, nullptr, VK_NULL_HANDLE), VK_SUCCESS);
    EXPECT_EQ(driver.submissionCount(), 3u);
}

} // namespace vwsi::testing
