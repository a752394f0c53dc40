// VK_GOOGLE_display_timing: when frames were shown, and not before when.
#include "harness/timed_frames.h"

#include <thread>

namespace vwsi::testing {

namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::Not;

constexpr uint64_t kMillisecond = 1'000'000;

class DisplayTiming : public LayerTest {
protected:
    void SetUp() override
    {
        DeviceOptions options;
        options.extensions = {"VK_KHR_swapchain", "VK_GOOGLE_display_timing"};
        makeDevice(options);
    }

    VkResult frame(Window& window, uint32_t id, uint64_t desired = 0)
    {
        const VkPresentTimeGOOGLE time{id, desired};
        const VkPresentTimesInfoGOOGLE times{VK_STRUCTURE_TYPE_PRESENT_TIMES_INFO_GOOGLE, nullptr, 1, &time};
        return presentDrawn(window, &times);
    }

    /// The next `count` records, as they come.
    std::vector<VkPastPresentationTimingGOOGLE> records(const Window& window, size_t count)
    {
        std::vector<VkPastPresentationTimingGOOGLE> all;
        const Stopwatch watch;
        while (all.size() < count && watch.elapsed() < 5s) {
            VkPastPresentationTimingGOOGLE list[16]{};
            uint32_t got = 16;
            EXPECT_GE(device().vk.GetPastPresentationTimingGOOGLE(device().handle, window.swapchain, &got, list),
                      VK_SUCCESS);
            all.insert(all.end(), list, list + got);
            std::this_thread::sleep_for(1ms);
        }
        return all;
    }

    static WindowOptions mode(VkPresentModeKHR presentMode)
    {
        WindowOptions options;
        options.presentMode = presentMode;
        return options;
    }
};

class DisplayTimingModes : public DisplayTiming, public ::testing::WithParamInterface<VkPresentModeKHR> {};

} // namespace

TEST_F(DisplayTiming, IsSuppliedAndNotTheDrivers)
{
    EXPECT_TRUE(instance().hasDeviceExtension("VK_GOOGLE_display_timing"));
    EXPECT_THAT(driver.devices().at(0).extensions, Not(Contains("VK_GOOGLE_display_timing")));
    EXPECT_NE(device().proc("vkGetPastPresentationTimingGOOGLE"), nullptr);
    EXPECT_NE(device().proc("vkGetRefreshCycleDurationGOOGLE"), nullptr);
    const TestDevice plain(instance());
    EXPECT_EQ(plain.proc("vkGetPastPresentationTimingGOOGLE"), nullptr);
}

TEST_F(DisplayTiming, TheRefreshCycleIsTheSurfaces)
{
    IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "50000"});
    const Window window(device());
    VkRefreshCycleDurationGOOGLE refresh{};
    ASSERT_EQ(device().vk.GetRefreshCycleDurationGOOGLE(device().handle, window.swapchain, &refresh), VK_SUCCESS);
    EXPECT_EQ(refresh.refreshDuration, 20 * kMillisecond);
}

TEST_P(DisplayTimingModes, EachFrameIsReportedOnce)
{
    Window window(device(), mode(GetParam()));
    const uint64_t begin = clockNow();
    for (uint32_t id = 1; id <= 5; ++id) {
        ASSERT_EQ(frame(window, id), VK_SUCCESS);
        const auto list = records(window, 1);
        ASSERT_EQ(list.size(), 1u);
        EXPECT_EQ(list[0].presentID, id);
        EXPECT_EQ(list[0].desiredPresentTime, 0u);
        EXPECT_GT(list[0].actualPresentTime, begin);
        EXPECT_LE(list[0].actualPresentTime, clockNow());
        EXPECT_EQ(list[0].earliestPresentTime, list[0].actualPresentTime);
    }
    std::this_thread::sleep_for(20ms);
    uint32_t count = 1;
    EXPECT_EQ(device().vk.GetPastPresentationTimingGOOGLE(device().handle, window.swapchain, &count, nullptr),
              VK_SUCCESS);
    EXPECT_EQ(count, 0u);
}

INSTANTIATE_TEST_SUITE_P(Modes, DisplayTimingModes,
                         ::testing::Values(VK_PRESENT_MODE_FIFO_KHR, VK_PRESENT_MODE_FIFO_RELAXED_KHR,
                                           VK_PRESENT_MODE_MAILBOX_KHR, VK_PRESENT_MODE_IMMEDIATE_KHR));

TEST_F(DisplayTiming, FramesThatAskForNothingAreNotListed)
{
    Window window(device());
    ASSERT_EQ(presentDrawn(window, nullptr), VK_SUCCESS);
    const VkPresentTimesInfoGOOGLE none{VK_STRUCTURE_TYPE_PRESENT_TIMES_INFO_GOOGLE, nullptr, 1, nullptr};
    ASSERT_EQ(presentDrawn(window, &none), VK_SUCCESS);
    ASSERT_EQ(frame(window, 3), VK_SUCCESS);
    EXPECT_EQ(records(window, 1).at(0).presentID, 3u);
}

TEST_F(DisplayTiming, AShortArrayIsIncomplete)
{
    Window window(device(), mode(VK_PRESENT_MODE_FIFO_KHR));
    for (uint32_t id = 1; id <= 4; ++id)
        ASSERT_EQ(frame(window, id), VK_SUCCESS);
    uint32_t count = 0;
    const Stopwatch watch;
    while (count < 4 && watch.elapsed() < 5s)
        device().vk.GetPastPresentationTimingGOOGLE(device().handle, window.swapchain, &count, nullptr);
    ASSERT_EQ(count, 4u);
    VkPastPresentationTimingGOOGLE list[4]{};
    count = 3;
    EXPECT_EQ(device().vk.GetPastPresentationTimingGOOGLE(device().handle, window.swapchain, &count, list),
              VK_INCOMPLETE);
    EXPECT_EQ(count, 3u);
    EXPECT_EQ(list[2].presentID, 3u);
    EXPECT_EQ(list[3].presentID, 0u);
    count = 4;
    EXPECT_EQ(device().vk.GetPastPresentationTimingGOOGLE(device().handle, window.swapchain, &count, list), VK_SUCCESS);
    EXPECT_EQ(count, 1u);
    EXPECT_EQ(list[0].presentID, 4u);
}

TEST_F(DisplayTiming, NoFrameIsShownBeforeItsTime)
{
    Window window(device(), mode(VK_PRESENT_MODE_FIFO_KHR));
    const uint64_t desired = clockNow() + 80 * kMillisecond;
    ASSERT_EQ(frame(window, 1, desired), VK_SUCCESS);
    const auto list = records(window, 1);
    ASSERT_EQ(list.size(), 1u);
    EXPECT_EQ(list[0].desiredPresentTime, desired);
    EXPECT_GE(list[0].actualPresentTime, desired);
    EXPECT_LT(list[0].actualPresentTime, desired + 500 * kMillisecond);
    EXPECT_LT(list[0].earliestPresentTime + 30 * kMillisecond, desired) << "it was ready long before";
    EXPECT_GT(list[0].presentMargin, 0u);
}

TEST_F(DisplayTiming, TimesGoneByAreNow)
{
    Window window(device(), mode(VK_PRESENT_MODE_FIFO_KHR));
    const Stopwatch watch;
    ASSERT_EQ(frame(window, 1, 1), VK_SUCCESS);
    ASSERT_EQ(frame(window, 2, clockNow() - 1000 * kMillisecond), VK_SUCCESS);
    EXPECT_EQ(records(window, 2).size(), 2u);
    EXPECT_LT(watch.elapsed(), 1000ms);
}

TEST_F(DisplayTiming, AFrameBehindAHeldOneKeepsItsPlace)
{
    Window window(device(), mode(VK_PRESENT_MODE_FIFO_KHR));
    const uint64_t desired = clockNow() + 60 * kMillisecond;
    ASSERT_EQ(frame(window, 1, desired), VK_SUCCESS);
    ASSERT_EQ(frame(window, 2), VK_SUCCESS);
    const auto list = records(window, 2);
    ASSERT_EQ(list.size(), 2u);
    EXPECT_EQ(list[0].presentID, 1u);
    EXPECT_EQ(list[1].presentID, 2u);
    EXPECT_GE(list[0].actualPresentTime, desired);
    EXPECT_GT(list[1].actualPresentTime, list[0].actualPresentTime);
}

TEST_F(DisplayTiming, ImmediateFramesDoNotWait)
{
    Window window(device());
    const uint64_t desired = clockNow() + 3000 * kMillisecond;
    ASSERT_EQ(frame(window, 1, desired), VK_SUCCESS);
    const auto list = records(window, 1);
    ASSERT_EQ(list.size(), 1u);
    EXPECT_LT(list[0].actualPresentTime, desired);
    EXPECT_EQ(list[0].earliestPresentTime, list[0].actualPresentTime);
}

TEST_F(DisplayTiming, AMailboxFrameOfTheFutureCanBeReplaced)
{
    Window window(device(), mode(VK_PRESENT_MODE_MAILBOX_KHR));
    ASSERT_EQ(frame(window, 1, clockNow() + 10'000 * kMillisecond), VK_SUCCESS);
    ASSERT_EQ(frame(window, 2), VK_SUCCESS);
    const auto list = records(window, 1);
    ASSERT_EQ(list.size(), 1u);
    EXPECT_EQ(list[0].presentID, 2u);
}

TEST_F(DisplayTiming, DestructionDoesNotWaitForTheFuture)
{
    const Stopwatch watch;
    {
        Window window(device(), mode(VK_PRESENT_MODE_FIFO_KHR));
        ASSERT_EQ(frame(window, 1, clockNow() + 10'000 * kMillisecond), VK_SUCCESS);
        std::this_thread::sleep_for(10ms);
    }
    EXPECT_LT(watch.elapsed(), 2000ms);
}

TEST_F(DisplayTiming, ARetiredSwapchainDoesNotWaitForTheFuture)
{
    Window window(device(), mode(VK_PRESENT_MODE_FIFO_KHR));
    ASSERT_EQ(frame(window, 1, clockNow() + 10'000 * kMillisecond), VK_SUCCESS);
    std::this_thread::sleep_for(10ms);
    const VkSwapchainKHR old = window.swapchain;
    ASSERT_EQ(window.recreate(), VK_SUCCESS);
    uint32_t count = 0;
    const Stopwatch watch;
    while (count == 0 && watch.elapsed() < 3s)
        device().vk.GetPastPresentationTimingGOOGLE(device().handle, old, &count, nullptr);
    EXPECT_EQ(count, 1u);
}

} // namespace vwsi::testing
