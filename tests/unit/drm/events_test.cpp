// Moments and hot-plug: DisplayEvents.

#include "surface/display/display_events.h"

#include <atomic>
#include <gtest/gtest.h>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

using namespace vwsi;

namespace {

constexpr Nanoseconds kMillisecond = 1'000'000;

class Events : public ::testing::Test {
protected:
    int ends[2] = {-1, -1};
    std::unique_ptr<DisplayEvents> events;

    void SetUp() override
    {
        ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
        events =
            std::make_unique<DisplayEvents>(drm::NodeNumber{226, 0}, std::make_unique<drm::UeventMonitor>(ends[0]));
    }

    void TearDown() override { close(ends[1]); }

    void plug(const char* minor)
    {
        using namespace std::string_view_literals;
        std::string text("change@/devices/card0\0ACTION=change\0SUBSYSTEM=drm\0HOTPLUG=1\0MAJOR=226\0MINOR="sv);
        text += minor;
        ASSERT_GT(write(ends[1], text.data(), text.size()), 0);
    }

    static bool within(const std::atomic<int>& count, int wanted, int milliseconds)
    {
        for (int i = 0; i < milliseconds && count < wanted; ++i)
            usleep(1000);
        return count >= wanted;
    }
};

TEST_F(Events, CallBackOnceAtTheirMoment)
{
    std::atomic<int> calls{0};
    uint64_t id = 0;
    const Nanoseconds begin = monotonicNow();
    std::atomic<Nanoseconds> when{0};
    ASSERT_TRUE(events->at(
        begin + 30 * kMillisecond,
        [&] {
            when = monotonicNow();
            ++calls;
        },
        &id));
    EXPECT_TRUE(within(calls, 1, 2000));
    EXPECT_GE(when.load(), begin + 30 * kMillisecond);
    EXPECT_FALSE(within(calls, 2, 50));
}

TEST_F(Events, KeepTheirOrder)
{
    std::atomic<int> calls{0};
    std::vector<int> order;
    uint64_t id = 0;
    const Nanoseconds begin = monotonicNow();
    ASSERT_TRUE(events->at(
        begin + 60 * kMillisecond,
        [&] {
            order.push_back(2);
            ++calls;
        },
        &id));
    ASSERT_TRUE(events->at(
        begin + 20 * kMillisecond,
        [&] {
            order.push_back(1);
            ++calls;
        },
        &id));
    EXPECT_TRUE(within(calls, 2, 2000));
    events.reset();
    EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST_F(Events, TellOfPluggedDisplaysOfTheirDeviceOnly)
{
    std::atomic<int> calls{0};
    uint64_t id = 0;
    ASSERT_TRUE(events->onHotplug([&] { ++calls; }, &id));
    plug("1");
    EXPECT_FALSE(within(calls, 1, 50));
    plug("0");
    EXPECT_TRUE(within(calls, 1, 2000));
    plug("0");
    EXPECT_FALSE(within(calls, 2, 50)) << "a wish comes true once";
}

TEST_F(Events, CanBeCancelled)
{
    std::atomic<int> calls{0};
    uint64_t id = 0;
    ASSERT_TRUE(events->at(monotonicNow() + 50 * kMillisecond, [&] { ++calls; }, &id));
    events->cancel(id);
    ASSERT_TRUE(events->onHotplug([&] { ++calls; }, &id));
    events->cancel(id);
    plug("0");
    EXPECT_FALSE(within(calls, 1, 100));
}

TEST_F(Events, AreNotRunningAfterCancel)
{
    std::atomic<int> begun{0};
    std::atomic<int> ended{0};
    uint64_t id = 0;
    ASSERT_TRUE(events->at(
        monotonicNow(),
        [&] {
            ++begun;
            usleep(50000);
            ++ended;
        },
        &id));
    ASSERT_TRUE(within(begun, 1, 2000));
    events->cancel(id);
    EXPECT_EQ(ended, 1);
}

TEST_F(Events, MayCancelThemselves)
{
    std::atomic<int> calls{0};
    uint64_t id = 0;
    ASSERT_TRUE(events->at(
        monotonicNow() + 20 * kMillisecond,
        [&] {
            events->cancel(id);
            ++calls;
        },
        &id));
    EXPECT_TRUE(within(calls, 1, 2000));
}

TEST_F(Events, EndWithPendingWishes)
{
    std::atomic<int> calls{0};
    uint64_t id = 0;
    ASSERT_TRUE(events->at(kForever, [&] { ++calls; }, &id));
    ASSERT_TRUE(events->onHotplug([&] { ++calls; }, &id));
    events.reset();
    EXPECT_EQ(calls, 0);
}

} // namespace
