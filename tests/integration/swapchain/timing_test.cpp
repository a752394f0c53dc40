// What applications are told of their frames is true: of a real window, over a real server.

#include "frame_loop.h"
#include "vulkan_context.h"
#include "x_server.h"
#include "xcb_window.h"

#include <cstdlib>
#include <ctime>
#include <future>
#include <gtest/gtest.h>
#include <string>
#include <thread>
#include <vector>

using namespace client;
using namespace std::chrono_literals;

namespace {

constexpr uint64_t kMillisecond = 1'000'000;
constexpr uint64_t kPatience = 10'000 * kMillisecond;

uint64_t clockNow()
{
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

/// A device with presentId, presentWait and VK_GOOGLE_display_timing, and its commands.
struct TimedContext {
    VkPhysicalDevicePresentWaitFeaturesKHR waits{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_WAIT_FEATURES_KHR, nullptr,
                                                 VK_TRUE};
    VkPhysicalDevicePresentIdFeaturesKHR ids{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_ID_FEATURES_KHR, &waits,
                                             VK_TRUE};
    VulkanContext vulkan{wishes()};
    PFN_vkWaitForPresentKHR waitForPresent = find<PFN_vkWaitForPresentKHR>("vkWaitForPresentKHR");
    PFN_vkGetPastPresentationTimingGOOGLE pastTiming =
        find<PFN_vkGetPastPresentationTimingGOOGLE>("vkGetPastPresentationTimingGOOGLE");
    PFN_vkGetRefreshCycleDurationGOOGLE refreshCycle =
        find<PFN_vkGetRefreshCycleDurationGOOGLE>("vkGetRefreshCycleDurationGOOGLE");

    VkResult wait(const FrameLoop& loop, uint64_t id, uint64_t timeout = kPatience) const
    {
        return waitForPresent(vulkan.device(), loop.swapchain(), id, timeout);
    }

private:
    ContextWishes wishes() const
    {
        ContextWishes wishes;
        wishes.instanceExtensions = {"VK_KHR_surface", "VK_KHR_xcb_surface"};
        wishes.deviceExtensions = {"VK_KHR_swapchain", "VK_KHR_present_id", "VK_KHR_present_wait",
                                   "VK_GOOGLE_display_timing"};
        wishes.deviceChain = &ids;
        return wishes;
    }

    template <typename Function> Function find(const char* name) const
    {
        return reinterpret_cast<Function>(vkGetDeviceProcAddr(vulkan.device(), name));
    }
};

VkResult frameWithId(FrameLoop& loop, uint64_t id)
{
    uint32_t index = 0;
    const VkResult begun = loop.begin(&index);
    if (begun < 0)
        return begun;
    const VkPresentIdKHR ids{VK_STRUCTURE_TYPE_PRESENT_ID_KHR, nullptr, 1, &id};
    return loop.present(index, &ids);
}

class Waits : public testing::TestWithParam<VkPresentModeKHR> {};

TEST_P(Waits, AFrameThatWasWaitedForIsInTheWindow)
{
    TimedContext context;
    const XcbWindow window(160, 120);
    const VkSurfaceKHR surface = window.createSurface(context.vulkan.instance());
    {
        FrameLoopWishes wishes;
        wishes.mode = GetParam();
        FrameLoop loop(context.vulkan, context.vulkan.queues()[0], surface, wishes);
        WindowReader reader(window.window());
        for (uint64_t id = 1; id <= 20; ++id) {
            ASSERT_EQ(frameWithId(loop, id), VK_SUCCESS);
            ASSERT_EQ(context.wait(loop, id), VK_SUCCESS);
            const auto picture = reader.read(160, 120);
            ASSERT_TRUE(picture);
            EXPECT_TRUE(picture->whole);
            EXPECT_EQ(picture->colour, colourOf(loop.frames())) << "frame " << id;
        }
    }
    vkDestroySurfaceKHR(context.vulkan.instance(), surface, nullptr);
}

TEST_P(Waits, ALostServerEndsThem)
{
    const char* const before = getenv("DISPLAY");
    const std::string display = before ? before : "";
    XServer server;
    setenv("DISPLAY", server.display().c_str(), 1);
    {
        TimedContext context;
        const XcbWindow window(160, 120);
        const VkSurfaceKHR surface = window.createSurface(context.vulkan.instance());
        {
            FrameLoopWishes wishes;
            wishes.mode = GetParam();
            FrameLoop loop(context.vulkan, context.vulkan.queues()[0], surface, wishes);
            ASSERT_EQ(frameWithId(loop, 1), VK_SUCCESS);
            ASSERT_EQ(context.wait(loop, 1), VK_SUCCESS);
            auto waiting = std::async(std::launch::async, [&] { return context.wait(loop, 2, UINT64_MAX); });
            EXPECT_EQ(waiting.wait_for(50ms), std::future_status::timeout);
            server.kill();
            ASSERT_EQ(waiting.wait_for(20s), std::future_status::ready) << "the wait goes on";
            EXPECT_EQ(waiting.get(), VK_ERROR_SURFACE_LOST_KHR);
            EXPECT_EQ(context.wait(loop, 1, 0), VK_SUCCESS);
        }
        vkDestroySurfaceKHR(context.vulkan.instance(), surface, nullptr);
    }
    setenv("DISPLAY", display.c_str(), 1);
}

INSTANTIATE_TEST_SUITE_P(Modes, Waits,
                         testing::Values(VK_PRESENT_MODE_FIFO_KHR, VK_PRESENT_MODE_FIFO_RELAXED_KHR,
                                         VK_PRESENT_MODE_MAILBOX_KHR, VK_PRESENT_MODE_IMMEDIATE_KHR));

TEST(Times, FramesAreShownAtTheirTimeAndToldSo)
{
    TimedContext context;
    const XcbWindow window(160, 120);
    const VkSurfaceKHR surface = window.createSurface(context.vulkan.instance());
    {
        FrameLoop loop(context.vulkan, context.vulkan.queues()[0], surface, {});
        VkRefreshCycleDurationGOOGLE refresh{};
        ASSERT_EQ(context.refreshCycle(context.vulkan.device(), loop.swapchain(), &refresh), VK_SUCCESS);
        EXPECT_GT(refresh.refreshDuration, kMillisecond);
        EXPECT_LT(refresh.refreshDuration, 200 * kMillisecond);

        constexpr uint32_t kFrames = 12;
        uint64_t desired = clockNow() + 100 * kMillisecond;
        std::vector<VkPastPresentationTimingGOOGLE> past;
        const uint64_t begin = clockNow();
        for (uint32_t id = 1; id <= kFrames; ++id) {
            uint32_t index = 0;
            ASSERT_EQ(loop.begin(&index), VK_SUCCESS);
            const VkPresentTimeGOOGLE time{id, desired};
            const VkPresentTimesInfoGOOGLE times{VK_STRUCTURE_TYPE_PRESENT_TIMES_INFO_GOOGLE, nullptr, 1, &time};
            ASSERT_EQ(loop.present(index, &times), VK_SUCCESS);
            desired += 50 * kMillisecond;
        }
        while (past.size() < kFrames && clockNow() < begin + kPatience) {
            uint32_t count = 4;
            VkPastPresentationTimingGOOGLE list[4];
            ASSERT_GE(context.pastTiming(context.vulkan.device(), loop.swapchain(), &count, list), VK_SUCCESS);
            past.insert(past.end(), list, list + count);
            std::this_thread::sleep_for(5ms);
        }
        ASSERT_EQ(past.size(), kFrames);
        for (uint32_t i = 0; i < kFrames; ++i) {
            EXPECT_EQ(past[i].presentID, i + 1);
            // The server's refreshes are told a little late at times.
            EXPECT_GE(past[i].actualPresentTime + 3 * kMillisecond, past[i].desiredPresentTime) << i;
            EXPECT_LE(past[i].actualPresentTime, clockNow());
            EXPECT_LE(past[i].earliestPresentTime, past[i].actualPresentTime);
            if (i > 0) {
                EXPECT_GT(past[i].actualPresentTime, past[i - 1].actualPresentTime);
            }
        }
    }
    vkDestroySurfaceKHR(context.vulkan.instance(), surface, nullptr);
}

} // namespace
