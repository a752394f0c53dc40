// VK_KHR_present_id and VK_KHR_present_wait, and their second versions where the headers have them.
#include "harness/layer_test.h"

#include <atomic>
#include <future>
#include <thread>

namespace vwsi::testing {

namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::Not;

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kMillisecond = 1'000'000;
constexpr uint64_t kLast = UINT64_MAX;

class PresentWait : public LayerTest {
protected:
    void SetUp() override
    {
        DeviceOptions options;
        options.extensions = {"VK_KHR_swapchain", "VK_KHR_present_id", "VK_KHR_present_wait"};
        options.next = &m_idFeature;
        makeDevice(options);
    }

    /// Draws and presents a frame with this id; 0 leaves the struct in place, without an id.
    VkResult frame(Window& window, uint64_t id)
    {
        const VkPresentIdKHR ids{VK_STRUCTURE_TYPE_PRESENT_ID_KHR, nullptr, 1, &id};
        return frameWith(window, &ids);
    }

    VkResult frameWith(Window& window, const void* next)
    {
        const uint32_t index = drawn(window);
        return index == UINT32_MAX ? VK_TIMEOUT : window.present(index, {}, next);
    }

    /// An image that is ready to be presented.
    static uint32_t drawn(const Window& window)
    {
        const uint32_t index = window.acquireNow();
        if (index == UINT32_MAX)
            return index;
        EXPECT_EQ(window.draw(index, {{0, 0, 0, 1}}, VK_NULL_HANDLE, VK_NULL_HANDLE), VK_SUCCESS);
        return index;
    }

    /// One present of two windows, with an id for each.
    VkResult frameOfBoth(const Window& first, uint64_t firstId, const Window& second, uint64_t secondId)
    {
        const uint32_t indices[] = {drawn(first), drawn(second)};
        const VkSwapchainKHR swapchains[] = {first.swapchain, second.swapchain};
        const uint64_t numbers[] = {firstId, secondId};
        const VkPresentIdKHR ids{VK_STRUCTURE_TYPE_PRESENT_ID_KHR, nullptr, 2, numbers};
        VkPresentInfoKHR info{};
        info.sType = VK_STRUCTURE_TYPE_PRESENT_INFO_KHR;
        info.pNext = &ids;
        info.swapchainCount = 2;
        info.pSwapchains = swapchains;
        info.pImageIndices = indices;
        return device().vk.QueuePresentKHR(device().queue(), &info);
    }

    VkResult wait(const Window& window, uint64_t id, uint64_t timeout = 5 * kSecond)
    {
        return device().vk.WaitForPresentKHR(device().handle, window.swapchain, id, timeout);
    }

    std::future<VkResult> waitBeside(const Window& window, uint64_t id, uint64_t timeout = UINT64_MAX)
    {
        return std::async(std::launch::async, [this, &window, id, timeout] { return wait(window, id, timeout); });
    }

    static bool blocked(const std::future<VkResult>& waiting, std::chrono::milliseconds time = 60ms)
    {
        return waiting.wait_for(time) == std::future_status::timeout;
    }

    static WindowOptions mode(VkPresentModeKHR presentMode)
    {
        WindowOptions options;
        options.presentMode = presentMode;
        return options;
    }

    /// No frame gets further than the queue from here on.
    void holdBack() { driver.setCompletion(mock::Completion::Manual); }
    void letGo()
    {
        driver.setCompletion(mock::Completion::Immediate);
        driver.completeAll();
    }

private:
    VkPhysicalDevicePresentWaitFeaturesKHR m_waitFeature{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_WAIT_FEATURES_KHR,
                                                         nullptr, VK_TRUE};
    VkPhysicalDevicePresentIdFeaturesKHR m_idFeature{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_ID_FEATURES_KHR,
                                                     &m_waitFeature, VK_TRUE};
};

class PresentWaitModes : public PresentWait, public ::testing::WithParamInterface<VkPresentModeKHR> {};

} // namespace

TEST_F(PresentWait, ServedDevicesHaveTheExtensionsAndFeatures)
{
    EXPECT_TRUE(instance().hasDeviceExtension("VK_KHR_present_id"));
    EXPECT_TRUE(instance().hasDeviceExtension("VK_KHR_present_wait"));
    VkPhysicalDevicePresentWaitFeaturesKHR waits{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_WAIT_FEATURES_KHR, nullptr,
                                                 VK_FALSE};
    VkPhysicalDevicePresentIdFeaturesKHR ids{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_ID_FEATURES_KHR, &waits,
                                             VK_FALSE};
    VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &ids, {}};
    instance().vk.GetPhysicalDeviceFeatures2(instance().physicalDevices[0], &features);
    EXPECT_EQ(ids.presentId, VK_TRUE);
    EXPECT_EQ(waits.presentWait, VK_TRUE);
}

TEST_F(PresentWait, TheDriverHearsNothingOfThem)
{
    for (const char* name : {"VK_KHR_present_id", "VK_KHR_present_wait"})
        EXPECT_THAT(driver.devices().at(0).extensions, Not(Contains(name)));
    for (const VkStructureType type : {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_ID_FEATURES_KHR,
                                       VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_WAIT_FEATURES_KHR})
        EXPECT_THAT(driver.devices().at(0).chain, Not(Contains(type)));
}

TEST_F(PresentWait, TheCommandIsThereWithTheExtensionOnly)
{
    EXPECT_NE(device().proc("vkWaitForPresentKHR"), nullptr);
    const TestDevice plain(instance());
    EXPECT_EQ(plain.proc("vkWaitForPresentKHR"), nullptr);
}

TEST_F(PresentWait, AShownFrameHasItsId)
{
    Window window(device());
    ASSERT_EQ(frame(window, 1), VK_SUCCESS);
    EXPECT_EQ(wait(window, 1), VK_SUCCESS);
}

TEST_F(PresentWait, WhatWasReachedStaysReached)
{
    Window window(device());
    ASSERT_EQ(frame(window, 7), VK_SUCCESS);
    ASSERT_EQ(wait(window, 7), VK_SUCCESS);
    for (const uint64_t id : {uint64_t{1}, uint64_t{6}, uint64_t{7}})
        EXPECT_EQ(wait(window, id, 0), VK_SUCCESS) << id;
}

TEST_F(PresentWait, IdZeroIsAlwaysReached)
{
    const Window window(device());
    EXPECT_EQ(wait(window, 0, 0), VK_SUCCESS);
    EXPECT_EQ(wait(window, 0, UINT64_MAX), VK_SUCCESS);
}

TEST_F(PresentWait, WithoutTimeItOnlyLooks)
{
    const Window window(device());
    const Stopwatch watch;
    EXPECT_EQ(wait(window, 1, 0), VK_TIMEOUT);
    EXPECT_LT(watch.elapsed(), 50ms);
}

TEST_F(PresentWait, ATimeoutTakesItsTime)
{
    const Window window(device());
    const Stopwatch watch;
    EXPECT_EQ(wait(window, 1, 80 * kMillisecond), VK_TIMEOUT);
    EXPECT_GE(watch.elapsed(), 79ms);
    EXPECT_LT(watch.elapsed(), 1000ms);
}

TEST_F(PresentWait, FramesWithoutIdReachNothing)
{
    Window window(device());
    ASSERT_EQ(frame(window, 0), VK_SUCCESS);
    ASSERT_EQ(frameWith(window, nullptr), VK_SUCCESS);
    const VkPresentIdKHR none{VK_STRUCTURE_TYPE_PRESENT_ID_KHR, nullptr, 1, nullptr};
    ASSERT_EQ(frameWith(window, &none), VK_SUCCESS);
    EXPECT_EQ(wait(window, 1, 60 * kMillisecond), VK_TIMEOUT);
}

TEST_F(PresentWait, FramesWithoutIdDoNotSetItBack)
{
    Window window(device());
    ASSERT_EQ(frame(window, 5), VK_SUCCESS);
    for (int i = 0; i < 4; ++i)
        ASSERT_EQ(frame(window, 0), VK_SUCCESS);
    EXPECT_EQ(wait(window, 5), VK_SUCCESS);
    EXPECT_EQ(wait(window, 6, 0), VK_TIMEOUT);
}

TEST_F(PresentWait, IdsMayLeaveGaps)
{
    Window window(device());
    ASSERT_EQ(frame(window, 10), VK_SUCCESS);
    EXPECT_EQ(wait(window, 3), VK_SUCCESS);
    EXPECT_EQ(wait(window, 10), VK_SUCCESS);
    EXPECT_EQ(wait(window, 11, 0), VK_TIMEOUT);
}

TEST_F(PresentWait, TheGreatestIdIsOneAsWell)
{
    Window window(device());
    ASSERT_EQ(frame(window, 1), VK_SUCCESS);
    ASSERT_EQ(frame(window, kLast), VK_SUCCESS);
    EXPECT_EQ(wait(window, kLast), VK_SUCCESS);
    ASSERT_EQ(frame(window, 0), VK_SUCCESS);
    EXPECT_EQ(wait(window, kLast, 0), VK_SUCCESS);
}

TEST_F(PresentWait, ALaterIdIsNotReachedByAnEarlierFrame)
{
    Window window(device());
    ASSERT_EQ(frame(window, 1), VK_SUCCESS);
    ASSERT_EQ(wait(window, 1), VK_SUCCESS);
    EXPECT_EQ(wait(window, 2, 0), VK_TIMEOUT);
    EXPECT_EQ(wait(window, kLast, 20 * kMillisecond), VK_TIMEOUT);
}

TEST_F(PresentWait, AFrameOnTheGpuIsNotShownYet)
{
    Window window(device());
    const uint32_t index = drawn(window);
    holdBack();
    const uint64_t id = 1;
    const VkPresentIdKHR ids{VK_STRUCTURE_TYPE_PRESENT_ID_KHR, nullptr, 1, &id};
    ASSERT_EQ(window.present(index, {}, &ids), VK_SUCCESS);
    EXPECT_EQ(wait(window, 1, 0), VK_TIMEOUT);
    EXPECT_EQ(wait(window, 1, 50 * kMillisecond), VK_TIMEOUT);
    letGo();
    EXPECT_EQ(wait(window, 1), VK_SUCCESS);
}

TEST_F(PresentWait, AWaitMayComeBeforeItsFrame)
{
    Window window(device());
    auto waiting = waitBeside(window, 1);
    EXPECT_TRUE(blocked(waiting));
    ASSERT_EQ(frame(window, 1), VK_SUCCESS);
    EXPECT_EQ(waiting.get(), VK_SUCCESS);
}

TEST_F(PresentWait, AWaitThatIsSkippedOverEnds)
{
    Window window(device());
    auto waiting = waitBeside(window, 3);
    ASSERT_EQ(frame(window, 2), VK_SUCCESS);
    EXPECT_TRUE(blocked(waiting));
    ASSERT_EQ(frame(window, 9), VK_SUCCESS);
    EXPECT_EQ(waiting.get(), VK_SUCCESS);
}

TEST_F(PresentWait, TimeoutsBeyondTheClockMeanForEver)
{
    Window window(device());
    // Added to the time of day, these leave the range of one or another clock.
    for (const uint64_t timeout : {UINT64_MAX, UINT64_MAX - 1, uint64_t{INT64_MAX}, uint64_t{INT64_MAX} - kSecond}) {
        static uint64_t id = 0;
        auto waiting = waitBeside(window, ++id, timeout);
        EXPECT_TRUE(blocked(waiting, 30ms)) << timeout;
        ASSERT_EQ(frame(window, id), VK_SUCCESS);
        EXPECT_EQ(waiting.get(), VK_SUCCESS) << timeout;
    }
}

TEST_F(PresentWait, SeveralThreadsWaitForOneFrame)
{
    Window window(device());
    std::vector<std::future<VkResult>> waiting;
    for (int i = 0; i < 6; ++i)
        waiting.push_back(waitBeside(window, 1));
    EXPECT_TRUE(blocked(waiting[0]));
    ASSERT_EQ(frame(window, 1), VK_SUCCESS);
    for (auto& one : waiting)
        EXPECT_EQ(one.get(), VK_SUCCESS);
}

TEST_F(PresentWait, SeveralThreadsWaitForDifferentFrames)
{
    Window window(device());
    std::vector<std::future<VkResult>> waiting;
    for (uint64_t id = 1; id <= 5; ++id)
        waiting.push_back(waitBeside(window, id));
    for (uint64_t id = 1; id <= 5; ++id) {
        ASSERT_EQ(frame(window, id), VK_SUCCESS);
        EXPECT_EQ(waiting[id - 1].get(), VK_SUCCESS) << id;
        if (id < 5) {
            EXPECT_TRUE(blocked(waiting[id], 10ms)) << id + 1;
        }
    }
}

TEST_F(PresentWait, AWaitingThreadIsInNobodysWay)
{
    Window window(device());
    auto waiting = waitBeside(window, 1000);
    EXPECT_TRUE(blocked(waiting, 20ms));
    const Stopwatch watch;
    for (uint64_t id = 1; id <= 30; ++id) {
        ASSERT_EQ(frame(window, id), VK_SUCCESS);
        ASSERT_EQ(wait(window, id), VK_SUCCESS);
    }
    EXPECT_LT(watch.elapsed(), 3000ms);
    ASSERT_EQ(frame(window, 1000), VK_SUCCESS);
    EXPECT_EQ(waiting.get(), VK_SUCCESS);
}

TEST_F(PresentWait, SwapchainsCountOnTheirOwn)
{
    Window first(device());
    Window second(device());
    ASSERT_EQ(frame(first, 5), VK_SUCCESS);
    ASSERT_EQ(wait(first, 5), VK_SUCCESS);
    EXPECT_EQ(wait(second, 5, 20 * kMillisecond), VK_TIMEOUT);
    ASSERT_EQ(frame(second, 3), VK_SUCCESS);
    EXPECT_EQ(wait(second, 3), VK_SUCCESS);
    EXPECT_EQ(wait(second, 5, 0), VK_TIMEOUT);
}

TEST_F(PresentWait, OnePresentNumbersEachSwapchain)
{
    const Window first(device());
    const Window second(device());
    ASSERT_EQ(frameOfBoth(first, 8, second, 4), VK_SUCCESS);
    EXPECT_EQ(wait(first, 8), VK_SUCCESS);
    EXPECT_EQ(wait(second, 4), VK_SUCCESS);
    EXPECT_EQ(wait(first, 9, 0), VK_TIMEOUT);
    EXPECT_EQ(wait(second, 5, 0), VK_TIMEOUT);
}

TEST_F(PresentWait, OneOfTwoSwapchainsMayGoWithoutId)
{
    const Window first(device());
    const Window second(device());
    ASSERT_EQ(frameOfBoth(first, 0, second, 4), VK_SUCCESS);
    EXPECT_EQ(wait(second, 4), VK_SUCCESS);
    EXPECT_EQ(wait(first, 1, 0), VK_TIMEOUT);
}

TEST_P(PresentWaitModes, EveryFrameCanBeWaitedFor)
{
    Window window(device(), mode(GetParam()));
    for (uint64_t id = 1; id <= 6; ++id) {
        ASSERT_EQ(frame(window, id), VK_SUCCESS);
        EXPECT_EQ(wait(window, id), VK_SUCCESS) << id;
    }
}

TEST_P(PresentWaitModes, FramesQueuedAtOnceAllCount)
{
    Window window(device(), mode(GetParam()));
    for (uint64_t id = 1; id <= 12; ++id)
        ASSERT_EQ(frame(window, id), VK_SUCCESS);
    for (const uint64_t id : {uint64_t{12}, uint64_t{1}, uint64_t{7}})
        EXPECT_EQ(wait(window, id), VK_SUCCESS) << id;
}

INSTANTIATE_TEST_SUITE_P(Modes, PresentWaitModes,
                         ::testing::Values(VK_PRESENT_MODE_FIFO_KHR, VK_PRESENT_MODE_FIFO_RELAXED_KHR,
                                           VK_PRESENT_MODE_MAILBOX_KHR, VK_PRESENT_MODE_IMMEDIATE_KHR));

TEST_F(PresentWait, FifoReachesIdsOneRefreshAfterAnother)
{
    IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "60000"});
    Window window(device(), mode(VK_PRESENT_MODE_FIFO_KHR));
    for (uint64_t id = 1; id <= 3; ++id)
        ASSERT_EQ(frame(window, id), VK_SUCCESS);
    ASSERT_EQ(wait(window, 1), VK_SUCCESS);
    const Stopwatch watch;
    ASSERT_EQ(wait(window, 3), VK_SUCCESS);
    EXPECT_GE(watch.elapsed(), 20ms) << "two refreshes at 60 Hz";
}

TEST_F(PresentWait, AReplacedMailboxFrameEndsWithItsReplacement)
{
    IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "20000"});
    Window window(device(), mode(VK_PRESENT_MODE_MAILBOX_KHR));
    // One is shown, the others compete for the next refresh.
    ASSERT_EQ(frame(window, 1), VK_SUCCESS);
    ASSERT_EQ(wait(window, 1), VK_SUCCESS);
    const Stopwatch watch;
    for (uint64_t id = 2; id <= 4; ++id)
        ASSERT_EQ(frame(window, id), VK_SUCCESS);
    ASSERT_EQ(wait(window, 4), VK_SUCCESS);
    EXPECT_EQ(wait(window, 2, 0), VK_SUCCESS);
    EXPECT_EQ(wait(window, 3, 0), VK_SUCCESS);
    EXPECT_LT(watch.elapsed(), 1000ms);
}

TEST_F(PresentWait, AReplacedMailboxFrameCountsWhenItsReplacementHasNoId)
{
    IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "20000"});
    Window window(device(), mode(VK_PRESENT_MODE_MAILBOX_KHR));
    ASSERT_EQ(frame(window, 1), VK_SUCCESS);
    ASSERT_EQ(wait(window, 1), VK_SUCCESS);
    ASSERT_EQ(frame(window, 2), VK_SUCCESS);
    ASSERT_EQ(frame(window, 0), VK_SUCCESS);
    EXPECT_EQ(wait(window, 2), VK_SUCCESS);
}

TEST_F(PresentWait, RetiringEndsWaitsForFramesThatWillNotCome)
{
    Window window(device());
    ASSERT_EQ(frame(window, 1), VK_SUCCESS);
    const VkSwapchainKHR old = window.swapchain;
    auto waiting = std::async(std::launch::async,
                              [&] { return device().vk.WaitForPresentKHR(device().handle, old, 2, UINT64_MAX); });
    EXPECT_TRUE(blocked(waiting));
    ASSERT_EQ(window.recreate(), VK_SUCCESS);
    EXPECT_EQ(waiting.get(), VK_ERROR_OUT_OF_DATE_KHR);
}

TEST_F(PresentWait, FramesUnderWayOutliveTheRetiring)
{
    Window window(device());
    const uint32_t index = drawn(window);
    holdBack();
    const uint64_t id = 1;
    const VkPresentIdKHR ids{VK_STRUCTURE_TYPE_PRESENT_ID_KHR, nullptr, 1, &id};
    ASSERT_EQ(window.present(index, {}, &ids), VK_SUCCESS);
    const VkSwapchainKHR old = window.swapchain;
    auto waiting = std::async(std::launch::async,
                              [&] { return device().vk.WaitForPresentKHR(device().handle, old, 1, UINT64_MAX); });
    ASSERT_EQ(window.recreate(), VK_SUCCESS);
    EXPECT_TRUE(blocked(waiting));
    letGo();
    EXPECT_EQ(waiting.get(), VK_SUCCESS);
}

TEST_F(PresentWait, TheSuccessorStartsAtZero)
{
    Window window(device());
    ASSERT_EQ(frame(window, 9), VK_SUCCESS);
    ASSERT_EQ(wait(window, 9), VK_SUCCESS);
    ASSERT_EQ(window.recreate(), VK_SUCCESS);
    EXPECT_EQ(wait(window, 1, 0), VK_TIMEOUT);
    ASSERT_EQ(frame(window, 1), VK_SUCCESS);
    EXPECT_EQ(wait(window, 1), VK_SUCCESS);
    EXPECT_EQ(wait(window, 9, 0), VK_TIMEOUT);
}

TEST_F(PresentWait, ALostDeviceEndsTheWaitForAFrame)
{
    IN_PROCESS_WITH({"VENUS_WSI_COMPLETION", "fence"});
    Window window(device());
    const uint32_t index = drawn(window);
    holdBack();
    const uint64_t id = 1;
    const VkPresentIdKHR ids{VK_STRUCTURE_TYPE_PRESENT_ID_KHR, nullptr, 1, &id};
    ASSERT_EQ(window.present(index, {}, &ids), VK_SUCCESS);
    auto waiting = waitBeside(window, 1);
    EXPECT_TRUE(blocked(waiting));
    driver.loseDevices();
    EXPECT_EQ(waiting.get(), VK_ERROR_DEVICE_LOST);
}

TEST_F(PresentWait, ALostDeviceEndsTheWaitForAFrameToCome)
{
    Window window(device());
    auto waiting = waitBeside(window, 1);
    EXPECT_TRUE(blocked(waiting));
    driver.loseDevices();
    // Any call that hears of the loss spreads the news.
    EXPECT_EQ(device().submit({}), VK_ERROR_DEVICE_LOST);
    EXPECT_EQ(waiting.get(), VK_ERROR_DEVICE_LOST);
    EXPECT_EQ(wait(window, 1, 0), VK_ERROR_DEVICE_LOST);
}

TEST_F(PresentWait, ALossIsHeardByEverySwapchain)
{
    IN_PROCESS_WITH({"VENUS_WSI_COMPLETION", "fence"});
    Window first(device());
    Window second(device());
    auto waiting = waitBeside(second, 1);
    const uint32_t index = drawn(first);
    holdBack();
    ASSERT_EQ(first.present(index), VK_SUCCESS);
    driver.loseDevices();
    EXPECT_EQ(waiting.get(), VK_ERROR_DEVICE_LOST);
}

TEST_F(PresentWait, WhatWasReachedOutlivesTheDevice)
{
    Window window(device());
    ASSERT_EQ(frame(window, 1), VK_SUCCESS);
    ASSERT_EQ(wait(window, 1), VK_SUCCESS);
    driver.loseDevices();
    EXPECT_EQ(device().submit({}), VK_ERROR_DEVICE_LOST);
    EXPECT_EQ(wait(window, 1, 0), VK_SUCCESS);
    EXPECT_EQ(wait(window, 2, UINT64_MAX), VK_ERROR_DEVICE_LOST);
}

TEST_F(PresentWait, APresentThatFailedGivesNoId)
{
    Window window(device());
    const uint32_t index = drawn(window);
    driver.failNth("vkQueueSubmit", 1, VK_ERROR_OUT_OF_DEVICE_MEMORY);
    const uint64_t id = 1;
    const VkPresentIdKHR ids{VK_STRUCTURE_TYPE_PRESENT_ID_KHR, nullptr, 1, &id};
    EXPECT_EQ(window.present(index, {}, &ids), VK_ERROR_OUT_OF_DEVICE_MEMORY);
    EXPECT_EQ(wait(window, 1, 20 * kMillisecond), VK_TIMEOUT);
    EXPECT_EQ(window.present(index, {}, &ids), VK_SUCCESS) << "the image is still the application's";
    EXPECT_EQ(wait(window, 1), VK_SUCCESS);
}

TEST_F(PresentWait, DestructionWithWaitsBehindItIsClean)
{
    for (int i = 0; i < 10; ++i) {
        Window window(device(), mode(VK_PRESENT_MODE_FIFO_KHR));
        auto waiting = waitBeside(window, 2, 5 * kSecond);
        for (uint64_t id = 1; id <= 3; ++id)
            ASSERT_EQ(frame(window, id), VK_SUCCESS);
        EXPECT_EQ(waiting.get(), VK_SUCCESS);
    }
}

TEST_F(PresentWait, ManyThreadsAndFramesAtOnce)
{
    Window window(device());
    constexpr uint64_t kFrames = 300;
    std::atomic<int> failures{0};
    std::vector<std::thread> threads;
    for (uint64_t offset = 0; offset < 4; ++offset) {
        threads.emplace_back([&, offset] {
            for (uint64_t id = 1 + offset; id <= kFrames; id += 4)
                failures += wait(window, id, 20 * kSecond) != VK_SUCCESS;
        });
    }
    for (uint64_t id = 1; id <= kFrames; ++id)
        ASSERT_EQ(frame(window, id), VK_SUCCESS);
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(failures, 0);
}

#if defined(VK_KHR_present_id2) && defined(VK_KHR_present_wait2)

class PresentWait2 : public PresentWait {
protected:
    void SetUp() override
    {
        DeviceOptions options;
        options.extensions = {"VK_KHR_swapchain", "VK_KHR_present_id", "VK_KHR_present_wait", "VK_KHR_present_id2",
                              "VK_KHR_present_wait2"};
        options.next = &m_idFeature;
        makeDevice(options);
    }

    static WindowOptions flagged()
    {
        WindowOptions options;
        options.flags = VK_SWAPCHAIN_CREATE_PRESENT_ID_2_BIT_KHR | VK_SWAPCHAIN_CREATE_PRESENT_WAIT_2_BIT_KHR;
        return options;
    }

    VkResult frame2(Window& window, uint64_t id)
    {
        const VkPresentId2KHR ids{VK_STRUCTURE_TYPE_PRESENT_ID_2_KHR, nullptr, 1, &id};
        return frameWith(window, &ids);
    }

    VkResult wait2(const Window& window, uint64_t id, uint64_t timeout = 5 * kSecond)
    {
        const VkPresentWait2InfoKHR info{VK_STRUCTURE_TYPE_PRESENT_WAIT_2_INFO_KHR, nullptr, id, timeout};
        return device().vk.WaitForPresent2KHR(device().handle, window.swapchain, &info);
    }

private:
    VkPhysicalDevicePresentWait2FeaturesKHR m_waitFeature{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_WAIT_2_FEATURES_KHR,
                                                          nullptr, VK_TRUE};
    VkPhysicalDevicePresentId2FeaturesKHR m_idFeature{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_ID_2_FEATURES_KHR,
                                                      &m_waitFeature, VK_TRUE};
};

TEST_F(PresentWait2, ServedDevicesHaveTheExtensionsAndFeatures)
{
    EXPECT_TRUE(instance().hasDeviceExtension("VK_KHR_present_id2"));
    EXPECT_TRUE(instance().hasDeviceExtension("VK_KHR_present_wait2"));
    VkPhysicalDevicePresentWait2FeaturesKHR waits{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_WAIT_2_FEATURES_KHR,
                                                  nullptr, VK_FALSE};
    VkPhysicalDevicePresentId2FeaturesKHR ids{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_ID_2_FEATURES_KHR, &waits,
                                              VK_FALSE};
    VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &ids, {}};
    instance().vk.GetPhysicalDeviceFeatures2(instance().physicalDevices[0], &features);
    EXPECT_EQ(ids.presentId2, VK_TRUE);
    EXPECT_EQ(waits.presentWait2, VK_TRUE);
}

TEST_F(PresentWait2, SurfacesSaySo)
{
    const VkSurfaceKHR surface = instance().createSurface();
    VkSurfaceCapabilitiesPresentWait2KHR waits{VK_STRUCTURE_TYPE_SURFACE_CAPABILITIES_PRESENT_WAIT_2_KHR, nullptr,
                                               VK_FALSE};
    VkSurfaceCapabilitiesPresentId2KHR ids{VK_STRUCTURE_TYPE_SURFACE_CAPABILITIES_PRESENT_ID_2_KHR, &waits, VK_FALSE};
    const VkPhysicalDeviceSurfaceInfo2KHR info{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SURFACE_INFO_2_KHR, nullptr, surface};
    VkSurfaceCapabilities2KHR capabilities{VK_STRUCTURE_TYPE_SURFACE_CAPABILITIES_2_KHR, &ids, {}};
    ASSERT_EQ(
        instance().vk.GetPhysicalDeviceSurfaceCapabilities2KHR(instance().physicalDevices[0], &info, &capabilities),
        VK_SUCCESS);
    EXPECT_EQ(ids.presentId2Supported, VK_TRUE);
    EXPECT_EQ(waits.presentWait2Supported, VK_TRUE);
    instance().vk.DestroySurfaceKHR(instance().handle, surface, nullptr);
}

TEST_F(PresentWait2, TheDriverHearsNothingOfThem)
{
    for (const char* name : {"VK_KHR_present_id2", "VK_KHR_present_wait2"})
        EXPECT_THAT(driver.devices().at(0).extensions, Not(Contains(name)));
    for (const VkStructureType type : {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_ID_2_FEATURES_KHR,
                                       VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_WAIT_2_FEATURES_KHR})
        EXPECT_THAT(driver.devices().at(0).chain, Not(Contains(type)));
}

TEST_F(PresentWait2, FramesAreWaitedFor)
{
    Window window(device(), flagged());
    ASSERT_EQ(window.result, VK_SUCCESS);
    for (const uint64_t id : {uint64_t{1}, uint64_t{2}, uint64_t{40}, kLast}) {
        ASSERT_EQ(frame2(window, id), VK_SUCCESS);
        EXPECT_EQ(wait2(window, id), VK_SUCCESS) << id;
        EXPECT_EQ(wait2(window, 1, 0), VK_SUCCESS) << id;
    }
}

TEST_F(PresentWait2, TimeoutsAreReported)
{
    Window window(device(), flagged());
    const uint32_t index = drawn(window);
    holdBack();
    const uint64_t id = 1;
    const VkPresentId2KHR ids{VK_STRUCTURE_TYPE_PRESENT_ID_2_KHR, nullptr, 1, &id};
    ASSERT_EQ(window.present(index, {}, &ids), VK_SUCCESS);
    EXPECT_EQ(wait2(window, 1, 0), VK_TIMEOUT);
    const Stopwatch watch;
    EXPECT_EQ(wait2(window, 1, 50 * kMillisecond), VK_TIMEOUT);
    EXPECT_GE(watch.elapsed(), 49ms);
    letGo();
    EXPECT_EQ(wait2(window, 1), VK_SUCCESS);
}

TEST_F(PresentWait2, BothVersionsShareTheirIds)
{
    Window window(device(), flagged());
    ASSERT_EQ(frame2(window, 3), VK_SUCCESS);
    EXPECT_EQ(wait(window, 3), VK_SUCCESS);
    ASSERT_EQ(frame(window, 4), VK_SUCCESS);
    EXPECT_EQ(wait2(window, 4), VK_SUCCESS);
}

#endif

} // namespace vwsi::testing
