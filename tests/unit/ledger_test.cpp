// Acquire semaphores in vkQueueSubmit (design rule 1): nothing is submitted for them, and the waits for them are struck
// from the batches with everything that runs parallel to them.
#include "harness/window_test.h"

namespace vwsi::testing {

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Ledger : public WindowTest {
protected:
    /// Acquires an image with a fresh or given semaphore and forgets the calls so far.
    VkSemaphore acquired(VkSemaphore semaphore = VK_NULL_HANDLE)
    {
        if (!semaphore)
            semaphore = device().semaphore();
        uint32_t index = 0;
        EXPECT_EQ(window().acquire(&index, semaphore), VK_SUCCESS);
        m_indices.push_back(index);
        driver.resetRecords();
        return semaphore;
    }

    VkSemaphore signalled()
    {
        const VkSemaphore semaphore = device().semaphore();
        EXPECT_EQ(device().submit({}, {}, {semaphore}), VK_SUCCESS);
        driver.resetRecords();
        return semaphore;
    }

    uint32_t index(size_t i = 0) const { return m_indices[i]; }

    mock::BatchRecord onlyBatch() const
    {
        const auto submits = driver.submits();
        EXPECT_THAT(submits, SizeIs(1));
        return submits.empty() || submits[0].batches.empty() ? mock::BatchRecord{} : submits[0].batches[0];
    }

    static std::vector<VkSemaphore> semaphores(const std::vector<mock::SemaphoreUse>& uses)
    {
        std::vector<VkSemaphore> list;
        for (const mock::SemaphoreUse& use : uses)
            list.push_back(use.semaphore);
        return list;
    }

private:
    std::vector<uint32_t> m_indices;
};

} // namespace

TEST_F(Ledger, AcquireSubmitsNothing)
{
    window();
    driver.resetRecords();
    uint32_t index = 0;
    EXPECT_EQ(window().acquire(&index, device().semaphore()), VK_SUCCESS);
    EXPECT_EQ(driver.submissionCount(), 0u);
    EXPECT_EQ(driver.count("vkImportSemaphoreFdKHR"), 0u);
    EXPECT_EQ(driver.count("vkWaitForFences"), 0u);
}

TEST_F(Ledger, TheWaitIsStruck)
{
    const VkSemaphore semaphore = acquired();
    EXPECT_EQ(device().submit({semaphore}), VK_SUCCESS);
    EXPECT_THAT(onlyBatch().waits, IsEmpty());
}

TEST_F(Ledger, OtherWaitsKeepTheirStages)
{
    const VkSemaphore first = signalled();
    const VkSemaphore last = signalled();
    const VkSemaphore semaphore = acquired();
    const VkSemaphore waits[] = {first, semaphore, last};
    const VkPipelineStageFlags stages[] = {VK_PIPELINE_STAGE_VERTEX_SHADER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT,
                                           VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT};
    VkSubmitInfo info{};
    info.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
    info.waitSemaphoreCount = 3;
    info.pWaitSemaphores = waits;
    info.pWaitDstStageMask = stages;
    EXPECT_EQ(device().vk.QueueSubmit(device().queue(), 1, &info, VK_NULL_HANDLE), VK_SUCCESS);
    const mock::BatchRecord batch = onlyBatch();
    ASSERT_THAT(semaphores(batch.waits), ElementsAre(first, last));
    EXPECT_EQ(batch.waits[0].stages, VK_PIPELINE_STAGE_VERTEX_SHADER_BIT);
    EXPECT_EQ(batch.waits[1].stages, VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT);
}

TEST_F(Ledger, TheApplicationsStructsAreNotWritten)
{
    const VkSemaphore other = signalled();
    const VkSemaphore semaphore = acquired();
    const VkSemaphore waits[] = {semaphore, other};
    const VkPipelineStageFlags stages[] = {VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_VERTEX_SHADER_BIT};
    VkSubmitInfo info{};
    info.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
    info.waitSemaphoreCount = 2;
    info.pWaitSemaphores = waits;
    info.pWaitDstStageMask = stages;
    const Snapshot infoBytes(info);
    const Snapshot waitBytes(waits);
    const Snapshot stageBytes(stages);
    EXPECT_EQ(device().vk.QueueSubmit(device().queue(), 1, &info, VK_NULL_HANDLE), VK_SUCCESS);
    EXPECT_TRUE(infoBytes.unchanged());
    EXPECT_TRUE(waitBytes.unchanged());
    EXPECT_TRUE(stageBytes.unchanged());
}

TEST_F(Ledger, TimelineValuesAreCompacted)
{
    const VkSemaphore timeline = device().timeline(7);
    const VkSemaphore second = device().timeline(9);
    const VkSemaphore signal = device().timeline(0);
    const VkSemaphore semaphore = acquired();
    const VkSemaphore waits[] = {timeline, semaphore, second};
    const VkPipelineStageFlags stages[] = {1, VK_PIPELINE_STAGE_TRANSFER_BIT, 2};
    const uint64_t waitValues[] = {5, 4711, 8};
    const uint64_t signalValues[] = {42};
    VkTimelineSemaphoreSubmitInfo values{
        VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO, nullptr, 3, waitValues, 1, signalValues};
    VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO, &values, 3, waits, stages, 0, nullptr, 1, &signal};
    const Snapshot valueBytes(values);
    EXPECT_EQ(device().vk.QueueSubmit(device().queue(), 1, &info, VK_NULL_HANDLE), VK_SUCCESS);
    const mock::BatchRecord batch = onlyBatch();
    ASSERT_THAT(semaphores(batch.waits), ElementsAre(timeline, second));
    EXPECT_EQ(batch.waits[0].value, 5u);
    EXPECT_EQ(batch.waits[1].value, 8u);
    EXPECT_EQ(driver.timelineValue(signal), 42u);
    EXPECT_TRUE(valueBytes.unchanged());
}

TEST_F(Ledger, TimelineSignalsSurviveWhenAllWaitsAreStruck)
{
    const VkSemaphore signal = device().timeline(0);
    const VkSemaphore semaphore = acquired();
    const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_TRANSFER_BIT;
    const uint64_t ignored = 0;
    const uint64_t value = 3;
    const VkTimelineSemaphoreSubmitInfo values{
        VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO, nullptr, 1, &ignored, 1, &value};
    const VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO, &values, 1, &semaphore, &stage, 0, nullptr, 1, &signal};
    EXPECT_EQ(device().vk.QueueSubmit(device().queue(), 1, &info, VK_NULL_HANDLE), VK_SUCCESS);
    EXPECT_EQ(driver.timelineValue(signal), 3u);
}

TEST_F(Ledger, DeviceIndicesAreCompacted)
{
    const VkSemaphore other = signalled();
    const VkSemaphore semaphore = acquired();
    const VkSemaphore waits[] = {semaphore, other};
    const VkPipelineStageFlags stages[] = {1, 2};
    const uint32_t waitIndices[] = {17, 0};
    const VkDeviceGroupSubmitInfo group{
        VK_STRUCTURE_TYPE_DEVICE_GROUP_SUBMIT_INFO, nullptr, 2, waitIndices, 0, nullptr, 0, nullptr};
    const VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO, &group, 2, waits, stages, 0, nullptr, 0, nullptr};
    EXPECT_EQ(device().vk.QueueSubmit(device().queue(), 1, &info, VK_NULL_HANDLE), VK_SUCCESS);
    const mock::BatchRecord batch = onlyBatch();
    ASSERT_THAT(semaphores(batch.waits), ElementsAre(other));
    EXPECT_EQ(batch.waits[0].deviceIndex, 0u);
}

TEST_F(Ledger, ChainedStructsOfABatchSurvive)
{
    const VkSemaphore semaphore = acquired();
    const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_TRANSFER_BIT;
    const VkProtectedSubmitInfo inner{VK_STRUCTURE_TYPE_PROTECTED_SUBMIT_INFO, nullptr, VK_FALSE};
    const uint64_t value = 0;
    const VkTimelineSemaphoreSubmitInfo values{
        VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO, &inner, 1, &value, 0, nullptr};
    const VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO, &values, 1, &semaphore, &stage, 0, nullptr, 0, nullptr};
    EXPECT_EQ(device().vk.QueueSubmit(device().queue(), 1, &info, VK_NULL_HANDLE), VK_SUCCESS);
    EXPECT_THAT(onlyBatch().chain, ::testing::Contains(VK_STRUCTURE_TYPE_PROTECTED_SUBMIT_INFO));
}

TEST_F(Ledger, EveryBatchOfACallIsCleaned)
{
    const VkSemaphore other = signalled();
    const VkSemaphore first = acquired();
    const VkSemaphore second = acquired();
    const VkPipelineStageFlags stages[] = {1, 2};
    const VkSemaphore lastWaits[] = {other, second};
    const VkSubmitInfo infos[] = {
        {VK_STRUCTURE_TYPE_SUBMIT_INFO, nullptr, 1, &first, stages, 0, nullptr, 0, nullptr},
        {VK_STRUCTURE_TYPE_SUBMIT_INFO, nullptr, 0, nullptr, nullptr, 0, nullptr, 0, nullptr},
        {VK_STRUCTURE_TYPE_SUBMIT_INFO, nullptr, 2, lastWaits, stages, 0, nullptr, 0, nullptr},
    };
    const VkFence fence = device().fence();
    EXPECT_EQ(device().vk.QueueSubmit(device().queue(), 3, infos, fence), VK_SUCCESS);
    const auto submits = driver.submits();
    ASSERT_THAT(submits, SizeIs(1));
    ASSERT_THAT(submits[0].batches, SizeIs(3));
    EXPECT_THAT(submits[0].batches[0].waits, IsEmpty());
    EXPECT_THAT(semaphores(submits[0].batches[2].waits), ElementsAre(other));
    EXPECT_EQ(submits[0].batches[2].waits[0].stages, 1u);
    EXPECT_EQ(submits[0].fence, fence);
    EXPECT_TRUE(device().wait(fence));
}

TEST_F(Ledger, CommandBuffersAndSignalsArriveInOrder)
{
    const VkSemaphore done = device().semaphore();
    const VkSemaphore semaphore = acquired();
    const VkCommandBuffer commands = window().recordClear(window().images[index()], {{1, 1, 1, 1}});
    EXPECT_EQ(device().submit({semaphore}, {commands}, {done}), VK_SUCCESS);
    EXPECT_THAT(onlyBatch().commandBuffers, ElementsAre(commands));
    EXPECT_THAT(semaphores(onlyBatch().signals), ElementsAre(done));
    EXPECT_TRUE(driver.semaphoreSignalled(done));
}

TEST_F(Ledger, ASecondWaitIsTheApplicationsOwn)
{
    const VkSemaphore semaphore = acquired();
    EXPECT_EQ(device().submit({semaphore}), VK_SUCCESS);
    EXPECT_EQ(device().submit({}, {}, {semaphore}), VK_SUCCESS);
    driver.resetRecords();
    EXPECT_EQ(device().submit({semaphore}), VK_SUCCESS);
    EXPECT_THAT(semaphores(onlyBatch().waits), ElementsAre(semaphore));
}

TEST_F(Ledger, ABatchMayWaitForAndSignalTheSameSemaphore)
{
    const VkSemaphore semaphore = acquired();
    EXPECT_EQ(device().submit({semaphore}, {}, {semaphore}), VK_SUCCESS);
    EXPECT_THAT(onlyBatch().waits, IsEmpty());
    EXPECT_TRUE(driver.semaphoreSignalled(semaphore));
    driver.resetRecords();
    EXPECT_EQ(device().submit({semaphore}), VK_SUCCESS);
    EXPECT_THAT(semaphores(onlyBatch().waits), ElementsAre(semaphore));
}

TEST_F(Ledger, LaterBatchesOfTheCallWaitForRealSignals)
{
    const VkSemaphore semaphore = acquired();
    const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_TRANSFER_BIT;
    const VkSubmitInfo infos[] = {
        {VK_STRUCTURE_TYPE_SUBMIT_INFO, nullptr, 1, &semaphore, &stage, 0, nullptr, 1, &semaphore},
        {VK_STRUCTURE_TYPE_SUBMIT_INFO, nullptr, 1, &semaphore, &stage, 0, nullptr, 0, nullptr},
    };
    EXPECT_EQ(device().vk.QueueSubmit(device().queue(), 2, infos, VK_NULL_HANDLE), VK_SUCCESS);
    const auto submits = driver.submits();
    ASSERT_THAT(submits, SizeIs(1));
    EXPECT_THAT(submits[0].batches[0].waits, IsEmpty());
    EXPECT_THAT(semaphores(submits[0].batches[1].waits), ElementsAre(semaphore));
}

TEST_F(Ledger, ASemaphoreServesFrameAfterFrame)
{
    const VkSemaphore semaphore = device().semaphore();
    for (int i = 0; i < 10; ++i) {
        uint32_t image = 0;
        ASSERT_EQ(window().acquire(&image, semaphore), VK_SUCCESS);
        const VkSemaphore done = device().semaphore();
        ASSERT_EQ(window().draw(image, {{0, 0, 0, 1}}, semaphore, done), VK_SUCCESS);
        ASSERT_EQ(window().present(image, {done}), VK_SUCCESS);
    }
}

TEST_F(Ledger, ADestroyedSemaphoreIsForgotten)
{
    driver.setHandleReuse(true);
    const VkSemaphore first = acquired();
    device().destroy(first);
    const VkSemaphore second = device().semaphore();
    ASSERT_EQ(first, second) << "the mock must give the handle again";
    EXPECT_EQ(device().submit({}, {}, {second}), VK_SUCCESS);
    driver.resetRecords();
    EXPECT_EQ(device().submit({second}), VK_SUCCESS);
    EXPECT_THAT(semaphores(onlyBatch().waits), ElementsAre(second));
}

TEST_F(Ledger, PresentMayWaitForTheAcquireItself)
{
    uint32_t image = window().acquireNow();
    ASSERT_EQ(window().draw(image, {{0, 0, 1, 1}}, VK_NULL_HANDLE, VK_NULL_HANDLE), VK_SUCCESS);
    ASSERT_EQ(window().present(image), VK_SUCCESS);
    const VkSemaphore semaphore = device().semaphore();
    // The same image comes back after all others, and nothing is drawn into it.
    for (size_t i = 0; i < window().images.size(); ++i) {
        uint32_t next = 0;
        ASSERT_EQ(window().acquire(&next, semaphore), VK_SUCCESS);
        if (next != image) {
            ASSERT_EQ(window().draw(next, {{0, 0, 1, 1}}, VK_NULL_HANDLE, VK_NULL_HANDLE), VK_SUCCESS);
        }
        driver.resetRecords();
        ASSERT_EQ(window().present(next, {semaphore}), VK_SUCCESS);
        EXPECT_THAT(onlyBatch().waits, IsEmpty());
    }
}

TEST_F(Ledger, ExportableSemaphoresAreReallySignalled)
{
    const VkSemaphore semaphore = device().exportableSemaphore();
    uint32_t image = 0;
    ASSERT_EQ(window().acquire(&image, semaphore), VK_SUCCESS);
    EXPECT_TRUE(driver.semaphoreSignalled(semaphore));
    driver.resetRecords();
    EXPECT_EQ(device().submit({semaphore}), VK_SUCCESS);
    EXPECT_THAT(semaphores(onlyBatch().waits), ElementsAre(semaphore));
}

TEST_F(Ledger, ASemaphoreExportableToNothingIsOrdinary)
{
    const VkExportSemaphoreCreateInfo none{VK_STRUCTURE_TYPE_EXPORT_SEMAPHORE_CREATE_INFO, nullptr, 0};
    const VkSemaphoreCreateInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, &none, 0};
    VkSemaphore semaphore = VK_NULL_HANDLE;
    ASSERT_EQ(device().vk.CreateSemaphore(device().handle, &info, nullptr, &semaphore), VK_SUCCESS);
    acquired(semaphore);
    EXPECT_EQ(device().submit({semaphore}), VK_SUCCESS);
    EXPECT_THAT(onlyBatch().waits, IsEmpty());
    device().vk.DestroySemaphore(device().handle, semaphore, nullptr);
}

TEST_F(Ledger, SemaphoresOfAnotherWindowAreTheirOwn)
{
    Window other(device());
    const VkSemaphore mine = acquired();
    const VkSemaphore theirs = device().semaphore();
    uint32_t image = 0;
    ASSERT_EQ(other.acquire(&image, theirs), VK_SUCCESS);
    driver.resetRecords();
    EXPECT_EQ(device().submit({mine, theirs}, {}, {}, VK_NULL_HANDLE, 1), VK_SUCCESS);
    EXPECT_THAT(onlyBatch().waits, IsEmpty());
}

TEST_F(Ledger, ManySemaphoresAreStruckAtOnce)
{
    WindowOptions options;
    options.minImageCount = 8;
    Window big(device(), options);
    ASSERT_GE(big.images.size(), 8u);
    std::vector<VkSemaphore> waits;
    std::vector<VkSemaphore> expected;
    for (int i = 0; i < 8; ++i) {
        const VkSemaphore own = signalled();
        const VkSemaphore semaphore = device().semaphore();
        uint32_t image = 0;
        ASSERT_EQ(big.acquire(&image, semaphore, VK_NULL_HANDLE, 0), VK_SUCCESS);
        waits.push_back(semaphore);
        waits.push_back(own);
        expected.push_back(own);
    }
    driver.resetRecords();
    EXPECT_EQ(device().submit(waits), VK_SUCCESS);
    EXPECT_EQ(semaphores(onlyBatch().waits), expected);
}

TEST_F(Ledger, AFailedSubmissionLeavesTheSemaphoreSatisfied)
{
    const VkSemaphore semaphore = acquired();
    driver.failNth("vkQueueSubmit", 1, VK_ERROR_OUT_OF_DEVICE_MEMORY);
    EXPECT_EQ(device().submit({semaphore}), VK_ERROR_OUT_OF_DEVICE_MEMORY);
    driver.resetRecords();
    EXPECT_EQ(device().submit({semaphore}), VK_SUCCESS);
    EXPECT_THAT(onlyBatch().waits, IsEmpty());
}

TEST_F(Ledger, AnImportedPayloadIsWaitedFor)
{
    add(mock::DeviceSpec::venus().withDmaBuf());
    DeviceOptions options;
    options.extensions.push_back("VK_KHR_external_semaphore_fd");
    makeDevice(options);
    const VkSemaphore semaphore = acquired();
    const VkImportSemaphoreFdInfoKHR info{
        VK_STRUCTURE_TYPE_IMPORT_SEMAPHORE_FD_INFO_KHR, nullptr, semaphore, VK_SEMAPHORE_IMPORT_TEMPORARY_BIT,
        VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT,  -1};
    ASSERT_EQ(device().vk.ImportSemaphoreFdKHR(device().handle, &info), VK_SUCCESS);
    EXPECT_EQ(device().submit({semaphore}), VK_SUCCESS);
    EXPECT_THAT(semaphores(onlyBatch().waits), ElementsAre(semaphore));
}

} // namespace vwsi::testing
