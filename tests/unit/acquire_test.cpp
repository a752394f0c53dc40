// vkAcquireNextImageKHR: time-outs, indices, and fences that the application can really wait on.
#include "harness/layer_test.h"

#include <set>
#include <thread>

namespace vwsi::testing {

namespace {

using namespace std::chrono_literals;

class Acquire : public LayerTest {
protected:
    Window& window()
    {
        if (!m_window)
            m_window = std::make_unique<Window>(device());
        return *m_window;
    }

    void TearDown() override
    {
        m_window.reset();
        LayerTest::TearDown();
    }

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

private:
    std::unique_ptr<Window> m_window;
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
    driver.setCompletion(mock::Completion::Manual);
    for (size_t i = 0; i < window().images.size(); ++i) {
        const VkSemaphore ready = device().semaphore();
        const VkSemaphore done = device().semaphore();
        uint32_t index = 0;
        ASSERT_EQ(window().acquire(&index, ready), VK_SUCCESS);
        ASSERT_EQ(window().draw(index, {{0, 0, 0, 1}}, ready, done), VK_SUCCESS);
        ASSERT_EQ(window().present(index, {done}), VK_SUCCESS);
    }
    uint32_t index = 0;
    const VkSemaphore ready = device().semaphore();
    EXPECT_EQ(window().acquire(&index, ready, VK_NULL_HANDLE, 0), VK_NOT_READY);
    std::thread completer([&] {
        std::this_thread::sleep_for(100ms);
        driver.completeAll();
    });
    const Stopwatch watch;
    EXPECT_EQ(window().acquire(&index, ready), VK_SUCCESS);
    EXPECT_GE(watch.elapsed(), 50ms);
    completer.join();
    driver.setCompletion(mock::Completion::Immediate);
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
    device().destroy(fence);
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

} // namespace vwsi::testing
