// vkAcquireNextImageKHR: time-outs, indices, and fences that the application can really wait on.
#include "harness/window_test.h"

#include <set>
#include <thread>

namespace vwsi::testing {

namespace {

using namespace std::chrono_literals;

class Acquire : public WindowTest {
protected:
    /// Acquires every image without presenting any.
    std::vector<uint32_t> acquireAll()
    {
        std::vector<uint32_t> indices;
        for (size_t i = 0; i < window().images.size(); ++i) {
            uint32_t index = UINT32_MAX;
            EXPECT_EQ(window().acquire(&index, device().semaphore(), VK_NULL_HANDLE, 1'000'000'000), VK_SUCCESS);
            indices.push_back(index);
        }
        return indices;
    }

    /// Presents every image, with none of the copies complete.
    void presentAllUnfinished()
    {
        window();
        driver.setCompletion(mock::Completion::Manual);
        for (size_t i = 0; i < window().images.size(); ++i) {
            const VkSemaphore ready = device().semaphore();
            const VkSemaphore done = device().semaphore();
            uint32_t index = 0;
            ASSERT_EQ(window().acquire(&index, ready), VK_SUCCESS);
            ASSERT_EQ(window().draw(index, {{0, 0, 0, 1}}, ready, done), VK_SUCCESS);
            ASSERT_EQ(window().present(index, {done}), VK_SUCCESS);
        }
    }

    /// Acquires while the device completes its work 100 ms from now.
    VkResult acquireOnceComplete(uint64_t timeout)
    {
        const VkSemaphore ready = device().semaphore();
        std::thread completer([&] {
            std::this_thread::sleep_for(100ms);
            driver.completeAll();
        });
        uint32_t index = 0;
        const VkResult result = window().acquire(&index, ready, VK_NULL_HANDLE, timeout);
        completer.join();
        driver.setCompletion(mock::Completion::Immediate);
        return result;
    }
};

} // namespace

TEST_F(Acquire, GivesEveryImageOnce)
{
    const auto indices = acquireAll();
    const std::set<uint32_t> different(indices.begin(), indices.end());
    EXPECT_EQ(different.size(), window().images.size());
    EXPECT_LT(*different.rbegin(), window().images.size());
}

TEST_F(Acquire, ZeroTimeoutIsNotReady)
{
    acquireAll();
    uint32_t index = 0;
    const Stopwatch watch;
    EXPECT_EQ(window().acquire(&index, device().semaphore(), VK_NULL_HANDLE, 0), VK_NOT_READY);
    EXPECT_LT(watch.elapsed(), 1s);
}

TEST_F(Acquire, AFiniteTimeoutExpires)
{
    acquireAll();
    uint32_t index = 0;
    const Stopwatch watch;
    EXPECT_EQ(window().acquire(&index, device().semaphore(), VK_NULL_HANDLE, 50'000'000), VK_TIMEOUT);
    EXPECT_GE(watch.elapsed(), 50ms);
    EXPECT_LT(watch.elapsed(), 3s);
}

TEST_F(Acquire, AnInfiniteTimeoutWaitsForTheDevice)
{
    presentAllUnfinished();
    uint32_t index = 0;
    EXPECT_EQ(window().acquire(&index, device().semaphore(), VK_NULL_HANDLE, 0), VK_NOT_READY);
    const Stopwatch watch;
    EXPECT_EQ(acquireOnceComplete(UINT64_MAX), VK_SUCCESS);
    EXPECT_GE(watch.elapsed(), 50ms);
}

TEST_F(Acquire, FarTimeoutsSleep)
{
    // What std::chrono and applications have for "for ever" besides the spec's own value.
    for (const uint64_t timeout : {uint64_t{INT64_MAX}, uint64_t{INT64_MAX} / 2, UINT64_MAX - 1}) {
        presentAllUnfinished();
        const uint64_t before = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
        EXPECT_EQ(acquireOnceComplete(timeout), VK_SUCCESS);
        EXPECT_LT(nanoseconds(CLOCK_THREAD_CPUTIME_ID) - before, 5'000'000u) << "with " << timeout;
        closeWindow();
    }
}

TEST_F(Acquire, AFailedAcquireLeavesTheSemaphoreAlone)
{
    acquireAll();
    const VkSemaphore semaphore = device().semaphore();
    uint32_t index = 0;
    EXPECT_EQ(window().acquire(&index, semaphore, VK_NULL_HANDLE, 0), VK_NOT_READY);
    EXPECT_EQ(device().submit({}, {}, {semaphore}), VK_SUCCESS);
    driver.resetRecords();
    EXPECT_EQ(device().submit({semaphore}), VK_SUCCESS);
    EXPECT_EQ(driver.submits().at(0).batches.at(0).waits.size(), 1u);
}

TEST_F(Acquire, AFailedAcquireLeavesTheFenceAlone)
{
    acquireAll();
    const VkFence fence = device().fence();
    uint32_t index = 0;
    EXPECT_EQ(window().acquire(&index, VK_NULL_HANDLE, fence, 0), VK_NOT_READY);
    EXPECT_EQ(window().acquire(&index, VK_NULL_HANDLE, fence, 1'000'000), VK_TIMEOUT);
    EXPECT_EQ(device().vk.GetFenceStatus(device().handle, fence), VK_NOT_READY);
    EXPECT_EQ(device().submit({}, {}, {}, fence), VK_SUCCESS);
    EXPECT_TRUE(device().wait(fence));
}

TEST_F(Acquire, TheFenceIsSignalledInTheDriver)
{
    const VkFence fence = device().fence();
    uint32_t index = 0;
    ASSERT_EQ(window().acquire(&index, VK_NULL_HANDLE, fence), VK_SUCCESS);
    EXPECT_TRUE(device().wait(fence));
    EXPECT_EQ(device().vk.GetFenceStatus(device().handle, fence), VK_SUCCESS);
    EXPECT_TRUE(driver.fenceSignalled(fence));
}

TEST_F(Acquire, TheFenceCanBeUsedAgain)
{
    const VkFence fence = device().fence();
    for (int i = 0; i < 3; ++i) {
        uint32_t index = 0;
        ASSERT_EQ(window().acquire(&index, VK_NULL_HANDLE, fence), VK_SUCCESS);
        ASSERT_TRUE(device().wait(fence));
        ASSERT_EQ(device().vk.ResetFences(device().handle, 1, &fence), VK_SUCCESS);
        ASSERT_EQ(device().vk.GetFenceStatus(device().handle, fence), VK_NOT_READY);
        ASSERT_EQ(window().draw(index, {{0, 0, 0, 1}}, VK_NULL_HANDLE, VK_NULL_HANDLE), VK_SUCCESS);
        ASSERT_EQ(window().present(index), VK_SUCCESS);
    }
    EXPECT_EQ(device().submit({}, {}, {}, fence), VK_SUCCESS);
    EXPECT_TRUE(device().wait(fence));
}

TEST_F(Acquire, TheFenceWorksWhileTheQueueIsBusy)
{
    window();
    driver.setCompletion(mock::Completion::Threaded, 20ms);
    for (int i = 0; i < 5; ++i)
        device().submit({});
    const VkFence fence = device().fence();
    uint32_t index = 0;
    ASSERT_EQ(window().acquire(&index, VK_NULL_HANDLE, fence), VK_SUCCESS);
    EXPECT_TRUE(device().wait(fence));
    device().vk.DeviceWaitIdle(device().handle);
}

TEST_F(Acquire, SemaphoreAndFenceTogether)
{
    const VkFence fence = device().fence();
    const VkSemaphore semaphore = device().semaphore();
    uint32_t index = 0;
    ASSERT_EQ(window().acquire(&index, semaphore, fence), VK_SUCCESS);
    EXPECT_TRUE(device().wait(fence));
    driver.resetRecords();
    EXPECT_EQ(device().submit({semaphore}), VK_SUCCESS);
    EXPECT_TRUE(driver.submits().at(0).batches.at(0).waits.empty());
}

TEST_F(Acquire, FencesOfSeveralImagesAreIndependent)
{
    std::vector<VkFence> fences;
    for (size_t i = 0; i < window().images.size(); ++i) {
        fences.push_back(device().fence());
        uint32_t index = 0;
        ASSERT_EQ(window().acquire(&index, VK_NULL_HANDLE, fences.back()), VK_SUCCESS);
    }
    EXPECT_EQ(device().vk.WaitForFences(device().handle, static_cast<uint32_t>(fences.size()), fences.data(), VK_TRUE,
                                        5'000'000'000),
              VK_SUCCESS);
}

TEST_F(Acquire, TheFenceMayBeDestroyedOnceItSignalled)
{
    const VkFence fence = device().fence();
    uint32_t index = 0;
    ASSERT_EQ(window().acquire(&index, VK_NULL_HANDLE, fence), VK_SUCCESS);
    ASSERT_TRUE(device().wait(fence));
    device().destroyFence(fence);
    window().destroySwapchain();
}

TEST_F(Acquire, Acquire2IsTheSame)
{
    const VkSemaphore semaphore = device().semaphore();
    const VkFence fence = device().fence();
    window();
    const VkAcquireNextImageInfoKHR info{
        VK_STRUCTURE_TYPE_ACQUIRE_NEXT_IMAGE_INFO_KHR, nullptr, window().swapchain, UINT64_MAX, semaphore, fence, 1};
    const Snapshot bytes(info);
    uint32_t index = UINT32_MAX;
    ASSERT_EQ(device().vk.AcquireNextImage2KHR(device().handle, &info, &index), VK_SUCCESS);
    EXPECT_LT(index, window().images.size());
    EXPECT_TRUE(device().wait(fence));
    EXPECT_TRUE(bytes.unchanged());
    driver.resetRecords();
    EXPECT_EQ(device().submit({semaphore}), VK_SUCCESS);
    EXPECT_TRUE(driver.submits().at(0).batches.at(0).waits.empty());
}

TEST_F(Acquire, Acquire2TimesOut)
{
    acquireAll();
    VkAcquireNextImageInfoKHR info{VK_STRUCTURE_TYPE_ACQUIRE_NEXT_IMAGE_INFO_KHR,
                                   nullptr,
                                   window().swapchain,
                                   0,
                                   device().semaphore(),
                                   VK_NULL_HANDLE,
                                   1};
    uint32_t index = 0;
    EXPECT_EQ(device().vk.AcquireNextImage2KHR(device().handle, &info, &index), VK_NOT_READY);
    info.timeout = 1'000'000;
    EXPECT_EQ(device().vk.AcquireNextImage2KHR(device().handle, &info, &index), VK_TIMEOUT);
}

TEST_F(Acquire, ALostDeviceIsTheResult)
{
    window();
    const VkSemaphore semaphore = device().semaphore();
    driver.loseDevices();
    uint32_t index = 0;
    const VkFence fence = VK_NULL_HANDLE;
    const VkResult result = window().acquire(&index, semaphore, fence, 100'000'000);
    // The layer may only learn of the loss from the next call that reaches the host.
    EXPECT_TRUE(result == VK_SUCCESS || result == VK_ERROR_DEVICE_LOST) << result;
    if (result == VK_SUCCESS) {
        EXPECT_EQ(window().present(index), VK_ERROR_DEVICE_LOST);
    }
}

TEST_F(Acquire, FencesComeFromAnyQueue)
{
    const float priority = 1.0f;
    const VkDeviceQueueCreateInfo queue{
        VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, nullptr, VK_DEVICE_QUEUE_CREATE_PROTECTED_BIT, 0, 1, &priority};
    DeviceOptions options;
    options.queueInfos = &queue;
    options.queueInfoCount = 1;
    makeDevice(options);
    const VkFence fence = device().fence();
    uint32_t index = 0;
    ASSERT_EQ(window().acquire(&index, VK_NULL_HANDLE, fence), VK_SUCCESS);
    EXPECT_TRUE(device().wait(fence));
}

/// How many queues there are, and whether all of them are waited for.
class AcquireBesideIdleWait : public Acquire, public ::testing::WithParamInterface<std::tuple<uint32_t, bool>> {};
INSTANTIATE_TEST_SUITE_P(Queues, AcquireBesideIdleWait,
                         ::testing::Combine(::testing::Values(1u, 2u), ::testing::Bool()));

TEST_P(AcquireBesideIdleWait, FencesDoNotWaitForIt)
{
    // What is waited for here, the application lets run only when it has its image.
    DeviceOptions options;
    options.queues = std::get<0>(GetParam());
    TestDevice few(instance(), options);
    Window window(few);
    const VkSemaphore held = few.timeline(0);
    const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_TRANSFER_BIT;
    const uint64_t value = 1;
    const VkTimelineSemaphoreSubmitInfo values{
        VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO, nullptr, 1, &value, 0, nullptr};
    const VkSubmitInfo submit{VK_STRUCTURE_TYPE_SUBMIT_INFO, &values, 1, &held, &stage, 0, nullptr, 0, nullptr};
    ASSERT_EQ(few.vk.QueueSubmit(few.queue(), 1, &submit, VK_NULL_HANDLE), VK_SUCCESS);
    const VkFence fence = few.fence();
    driver.resetRecords();
    std::atomic<bool> idle = false;
    std::thread idler([&] {
        const bool all = std::get<1>(GetParam());
        EXPECT_EQ(all ? few.vk.DeviceWaitIdle(few.handle) : few.vk.QueueWaitIdle(few.queue()), VK_SUCCESS);
        idle = true;
    });
    EXPECT_TRUE(driver.waitForCalls("vkWaitForFences", 1));
    VkResult result = VK_NOT_READY;
    std::atomic<bool> acquired = false;
    std::thread acquirer([&] {
        uint32_t index = 0;
        result = window.acquire(&index, VK_NULL_HANDLE, fence);
        acquired = true;
    });
    const Stopwatch watch;
    while (!acquired && watch.elapsed() < 2s)
        std::this_thread::sleep_for(1ms);
    EXPECT_TRUE(acquired);
    EXPECT_FALSE(idle);
    const VkSemaphoreSignalInfo signal{VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO, nullptr, held, 1};
    EXPECT_EQ(few.vk.SignalSemaphore(few.handle, &signal), VK_SUCCESS);
    idler.join();
    acquirer.join();
    EXPECT_EQ(result, VK_SUCCESS);
    EXPECT_TRUE(few.wait(fence));
}

TEST_F(Acquire, IdleWaitsMakeNoFenceEachTime)
{
    window();
    for (int i = 0; i < 3; ++i)
        ASSERT_EQ(device().vk.DeviceWaitIdle(device().handle), VK_SUCCESS);
    const size_t before = driver.liveObjects().size();
    for (int i = 0; i < 50; ++i) {
        ASSERT_EQ(device().vk.DeviceWaitIdle(device().handle), VK_SUCCESS);
        ASSERT_EQ(device().vk.QueueWaitIdle(device().queue()), VK_SUCCESS);
    }
    EXPECT_EQ(driver.liveObjects().size(), before);
}

TEST_F(Acquire, ALossThatASignalMeetsIsKnownToAll)
{
    Window other(device());
    window();
    driver.loseDevices();
    uint32_t index = 0;
    ASSERT_EQ(window().acquire(&index, VK_NULL_HANDLE, device().fence()), VK_ERROR_DEVICE_LOST);
    EXPECT_EQ(other.acquire(&index, device().semaphore()), VK_ERROR_DEVICE_LOST);
}

} // namespace vwsi::testing
