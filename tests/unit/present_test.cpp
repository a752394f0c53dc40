// vkQueuePresentKHR: one submission for all swapchains, a result for each, waits and present fences in every case.
#include "harness/layer_test.h"

namespace vwsi::testing {

namespace {

using namespace std::chrono_literals;
using ::testing::Each;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Present : public LayerTest {
protected:
    /// Two or more windows of one device, each with an image drawn and not yet presented.
    struct Drawn {
        explicit Drawn(TestDevice& device) : window(device), done(device.semaphore())
        {
            const VkSemaphore ready = device.semaphore();
            EXPECT_EQ(window.acquire(&index, ready), VK_SUCCESS);
            EXPECT_EQ(window.draw(index, {{1, 0, 0, 1}}, ready, done), VK_SUCCESS);
        }
        Window window;
        VkSemaphore done;
        uint32_t index = 0;
    };

    DeviceOptions maintenance()
    {
        DeviceOptions options;
        options.extensions = {"VK_KHR_swapchain", "VK_EXT_swapchain_maintenance1"};
        m_feature = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SWAPCHAIN_MAINTENANCE_1_FEATURES_EXT, nullptr, VK_TRUE};
        options.next = &m_feature;
        return options;
    }

    VkResult present(const std::vector<Drawn*>& frames, std::vector<VkResult>* results, const void* next = nullptr)
    {
        std::vector<VkSwapchainKHR> swapchains;
        std::vector<uint32_t> indices;
        std::vector<VkSemaphore> waits;
        for (const Drawn* frame : frames) {
            swapchains.push_back(frame->window.swapchain);
            indices.push_back(frame->index);
            waits.push_back(frame->done);
        }
        if (results)
            results->assign(frames.size(), VK_ERROR_UNKNOWN);
        VkPresentInfoKHR info{VK_STRUCTURE_TYPE_PRESENT_INFO_KHR,
                              next,
                              static_cast<uint32_t>(waits.size()),
                              waits.data(),
                              static_cast<uint32_t>(swapchains.size()),
                              swapchains.data(),
                              indices.data(),
                              results ? results->data() : nullptr};
        return device().vk.QueuePresentKHR(device().queue(), &info);
    }

private:
    VkPhysicalDeviceSwapchainMaintenance1FeaturesEXT m_feature{};
};

} // namespace

TEST_F(Present, OneSubmissionWaitsForTheApplication)
{
    Drawn frame(device());
    driver.resetRecords();
    EXPECT_EQ(present({&frame}, nullptr), VK_SUCCESS);
    const auto submits = driver.submits();
    ASSERT_THAT(submits, SizeIs(1));
    ASSERT_FALSE(submits[0].batches.empty());
    ASSERT_THAT(submits[0].batches[0].waits, SizeIs(1));
    EXPECT_EQ(submits[0].batches[0].waits[0].semaphore, frame.done);
    EXPECT_EQ(submits[0].queue, device().queue());
}

TEST_F(Present, SeveralSwapchainsShareOneSubmission)
{
    Drawn first(device());
    Drawn second(device());
    Drawn third(device());
    driver.resetRecords();
    std::vector<VkResult> results;
    EXPECT_EQ(present({&first, &second, &third}, &results), VK_SUCCESS);
    EXPECT_THAT(results, Each(VK_SUCCESS));
    EXPECT_EQ(driver.submissionCount(), 1u);
    device().vk.DeviceWaitIdle(device().handle);
    for (const Drawn* frame : {&first, &second, &third})
        EXPECT_FALSE(driver.semaphoreSignalled(frame->done));
}

TEST_F(Present, ResultsAreOptional)
{
    Drawn first(device());
    Drawn second(device());
    EXPECT_EQ(present({&first, &second}, nullptr), VK_SUCCESS);
}

TEST_F(Present, AllSwapchainsOfACallGoOn)
{
    Drawn first(device());
    Drawn second(device());
    ASSERT_EQ(present({&first, &second}, nullptr), VK_SUCCESS);
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(first.window.frame(), VK_SUCCESS);
        EXPECT_EQ(second.window.frame(), VK_SUCCESS);
    }
}

TEST_F(Present, WithoutWaitSemaphores)
{
    Window window(device());
    const uint32_t index = window.acquireNow();
    ASSERT_EQ(window.draw(index, {{1, 1, 1, 1}}, VK_NULL_HANDLE, VK_NULL_HANDLE), VK_SUCCESS);
    EXPECT_EQ(window.present(index), VK_SUCCESS);
}

TEST_F(Present, OnASecondQueue)
{
    Window window(device());
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(window.frame({{0, 0, 0, 1}}, 1), VK_SUCCESS);
    driver.resetRecords();
    EXPECT_EQ(window.frame({{0, 0, 0, 1}}, 1), VK_SUCCESS);
    for (const mock::SubmitRecord& submit : driver.submits())
        EXPECT_EQ(submit.queue, device().queues[1]);
}

TEST_F(Present, QueuesMayAlternate)
{
    Window window(device());
    for (uint32_t i = 0; i < 10; ++i)
        EXPECT_EQ(window.frame({{0, 0, 0, 1}}, i % 2), VK_SUCCESS);
}

TEST_F(Present, OnAQueueOfAnotherFamily)
{
    add(mock::DeviceSpec::venus().withQueueFamily(VK_QUEUE_TRANSFER_BIT, 1));
    // Both families at once: a device with its own create info.
    const float priority = 1.0f;
    VkDeviceQueueCreateInfo queues[2]{};
    for (uint32_t i = 0; i < 2; ++i)
        queues[i] = {VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, nullptr, 0, i, 1, &priority};
    TestDevice two(instance(), {0, {"VK_KHR_swapchain"}, nullptr, nullptr, 1, queues, 2});
    ASSERT_EQ(two.result, VK_SUCCESS);
    ASSERT_THAT(two.queues, SizeIs(2));
    Window window(two);
    for (int i = 0; i < 4; ++i) {
        const VkSemaphore ready = two.semaphore();
        const VkSemaphore done = two.semaphore();
        uint32_t index = 0;
        ASSERT_EQ(window.acquire(&index, ready), VK_SUCCESS);
        ASSERT_EQ(window.draw(index, {{0, 0, 0, 1}}, ready, done, 0), VK_SUCCESS);
        ASSERT_EQ(window.present(index, {done}, nullptr, 1), VK_SUCCESS);
    }
    two.vk.DeviceWaitIdle(two.handle);
}

TEST_F(Present, StructsAreNotWritten)
{
    Drawn frame(device());
    const VkPresentInfoKHR info{
        VK_STRUCTURE_TYPE_PRESENT_INFO_KHR, nullptr, 1, &frame.done, 1, &frame.window.swapchain, &frame.index, nullptr};
    const Snapshot bytes(info);
    EXPECT_EQ(device().vk.QueuePresentKHR(device().queue(), &info), VK_SUCCESS);
    EXPECT_TRUE(bytes.unchanged());
}

TEST_F(Present, RegionsAndDeviceMasksStayInTheLayer)
{
    DeviceOptions options;
    options.extensions = {"VK_KHR_swapchain", "VK_KHR_incremental_present"};
    makeDevice(options);
    const VkRectLayerKHR rect{{2, 3}, {4, 5}, 0};
    const VkPresentRegionKHR region{1, &rect};
    const uint32_t mask = 1;
    for (int i = 0; i < 4; ++i) {
        Drawn frame(device());
        const VkPresentRegionsKHR regions{VK_STRUCTURE_TYPE_PRESENT_REGIONS_KHR, nullptr, 1, &region};
        const VkDeviceGroupPresentInfoKHR group{VK_STRUCTURE_TYPE_DEVICE_GROUP_PRESENT_INFO_KHR, &regions, 1, &mask,
                                                VK_DEVICE_GROUP_PRESENT_MODE_LOCAL_BIT_KHR};
        EXPECT_EQ(present({&frame}, nullptr, &group), VK_SUCCESS);
    }
}

TEST_F(Present, AnEmptyRegionMeansTheWholeImage)
{
    DeviceOptions options;
    options.extensions = {"VK_KHR_swapchain", "VK_KHR_incremental_present"};
    makeDevice(options);
    Drawn frame(device());
    const VkPresentRegionKHR region{0, nullptr};
    const VkPresentRegionsKHR regions{VK_STRUCTURE_TYPE_PRESENT_REGIONS_KHR, nullptr, 1, &region};
    EXPECT_EQ(present({&frame}, nullptr, &regions), VK_SUCCESS);
}

TEST_F(Present, AFailedSubmissionCanBeRepeated)
{
    Drawn frame(device());
    driver.failNth("vkQueueSubmit", 1, VK_ERROR_OUT_OF_DEVICE_MEMORY);
    std::vector<VkResult> results;
    EXPECT_EQ(present({&frame}, &results), VK_ERROR_OUT_OF_DEVICE_MEMORY);
    EXPECT_TRUE(driver.semaphoreSignalled(frame.done)) << "nothing was enqueued";
    EXPECT_EQ(present({&frame}, &results), VK_SUCCESS);
    EXPECT_EQ(frame.window.frame(), VK_SUCCESS);
}

TEST_F(Present, ALostDeviceIsTheResultOfEverySwapchain)
{
    Drawn first(device());
    Drawn second(device());
    driver.loseDevices();
    std::vector<VkResult> results;
    EXPECT_EQ(present({&first, &second}, &results), VK_ERROR_DEVICE_LOST);
    EXPECT_THAT(results, Each(VK_ERROR_DEVICE_LOST));
}

TEST_F(Present, PresentFencesSignal)
{
    makeDevice(maintenance());
    Drawn frame(device());
    const VkFence fence = device().fence();
    const VkSwapchainPresentFenceInfoEXT fences{VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_FENCE_INFO_EXT, nullptr, 1, &fence};
    EXPECT_EQ(present({&frame}, nullptr, &fences), VK_SUCCESS);
    EXPECT_TRUE(device().wait(fence));
    EXPECT_TRUE(driver.fenceSignalled(fence));
}

TEST_F(Present, EverySwapchainHasItsPresentFence)
{
    makeDevice(maintenance());
    Drawn first(device());
    Drawn second(device());
    const VkFence list[] = {device().fence(), device().fence()};
    const VkSwapchainPresentFenceInfoEXT fences{VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_FENCE_INFO_EXT, nullptr, 2, list};
    EXPECT_EQ(present({&first, &second}, nullptr, &fences), VK_SUCCESS);
    EXPECT_EQ(device().vk.WaitForFences(device().handle, 2, list, VK_TRUE, 5'000'000'000), VK_SUCCESS);
}

TEST_F(Present, PresentFencesComeAfterTheWaits)
{
    makeDevice(maintenance());
    Drawn frame(device());
    driver.setCompletion(mock::Completion::Manual);
    const VkFence fence = device().fence();
    const VkSwapchainPresentFenceInfoEXT fences{VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_FENCE_INFO_EXT, nullptr, 1, &fence};
    ASSERT_EQ(present({&frame}, nullptr, &fences), VK_SUCCESS);
    EXPECT_FALSE(device().wait(fence, 20'000'000)) << "the copy has not run, so the semaphore is still in use";
    driver.setCompletion(mock::Completion::Immediate);
    EXPECT_TRUE(device().wait(fence));
    device().destroy(frame.done);
}

TEST_F(Present, PresentFencesMayBeReused)
{
    makeDevice(maintenance());
    Window window(device());
    const VkFence fence = device().fence();
    const VkSwapchainPresentFenceInfoEXT fences{VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_FENCE_INFO_EXT, nullptr, 1, &fence};
    for (int i = 0; i < 8; ++i) {
        const uint32_t index = window.acquireNow();
        ASSERT_NE(index, UINT32_MAX);
        ASSERT_EQ(window.draw(index, {{0, 0, 0, 1}}, VK_NULL_HANDLE, VK_NULL_HANDLE), VK_SUCCESS);
        ASSERT_EQ(window.present(index, {}, &fences), VK_SUCCESS);
        ASSERT_TRUE(device().wait(fence));
        ASSERT_EQ(device().vk.ResetFences(device().handle, 1, &fence), VK_SUCCESS);
    }
}

TEST_F(Present, ANullPresentFenceIsAllowed)
{
    makeDevice(maintenance());
    Drawn first(device());
    Drawn second(device());
    const VkFence list[] = {VK_NULL_HANDLE, device().fence()};
    const VkSwapchainPresentFenceInfoEXT fences{VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_FENCE_INFO_EXT, nullptr, 2, list};
    EXPECT_EQ(present({&first, &second}, nullptr, &fences), VK_SUCCESS);
    EXPECT_TRUE(device().wait(list[1]));
}

TEST_F(Present, PresentFencesOfARetiredSwapchainSignal)
{
    makeDevice(maintenance());
    Drawn frame(device());
    const VkSwapchainKHR old = frame.window.swapchain;
    ASSERT_EQ(frame.window.recreate(), VK_SUCCESS);
    ASSERT_EQ(frame.window.frame(), VK_SUCCESS);
    const VkFence fence = device().fence();
    const VkSwapchainPresentFenceInfoEXT fences{VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_FENCE_INFO_EXT, nullptr, 1, &fence};
    VkResult each = VK_ERROR_UNKNOWN;
    const VkPresentInfoKHR info{
        VK_STRUCTURE_TYPE_PRESENT_INFO_KHR, &fences, 1, &frame.done, 1, &old, &frame.index, &each};
    const VkResult result = device().vk.QueuePresentKHR(device().queue(), &info);
    EXPECT_TRUE(result == VK_SUCCESS || result == VK_SUBOPTIMAL_KHR || result == VK_ERROR_OUT_OF_DATE_KHR) << result;
    EXPECT_EQ(each, result);
    EXPECT_TRUE(device().wait(fence));
    EXPECT_FALSE(driver.semaphoreSignalled(frame.done));
}

TEST_F(Present, FifoIsPaced)
{
    IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "20000"});
    WindowOptions options;
    options.presentMode = VK_PRESENT_MODE_FIFO_KHR;
    Window window(device(), options);
    const Stopwatch watch;
    for (int i = 0; i < 10; ++i)
        ASSERT_EQ(window.frame(), VK_SUCCESS);
    // At 20 Hz ten frames with three images keep the application back for at least six periods of 50 ms.
    EXPECT_GE(watch.elapsed(), 280ms);
}

TEST_F(Present, ImmediateIsNotPaced)
{
    IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "1000"});
    Window window(device());
    const Stopwatch watch;
    for (int i = 0; i < 10; ++i)
        ASSERT_EQ(window.frame(), VK_SUCCESS);
    EXPECT_LT(watch.elapsed(), 3s) << "ten frames of this display are ten seconds";
}

TEST_F(Present, MailboxDoesNotHoldTheApplicationBack)
{
    IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "1000"});
    WindowOptions options;
    options.presentMode = VK_PRESENT_MODE_MAILBOX_KHR;
    options.minImageCount = 4;
    Window window(device(), options);
    const Stopwatch watch;
    for (int i = 0; i < 20; ++i)
        ASSERT_EQ(window.frame(), VK_SUCCESS);
    EXPECT_LT(watch.elapsed(), 5s);
}

TEST_F(Present, TheApplicationNeverWaitsForTheDevice)
{
    Window window(device());
    driver.setCompletion(mock::Completion::Manual);
    const VkSemaphore ready = device().semaphore();
    const VkSemaphore done = device().semaphore();
    uint32_t index = 0;
    ASSERT_EQ(window.acquire(&index, ready), VK_SUCCESS);
    ASSERT_EQ(window.draw(index, {{0, 0, 0, 1}}, ready, done), VK_SUCCESS);
    const Stopwatch watch;
    EXPECT_EQ(window.present(index, {done}), VK_SUCCESS);
    EXPECT_LT(watch.elapsed(), 1s);
    driver.setCompletion(mock::Completion::Immediate);
}

} // namespace vwsi::testing
