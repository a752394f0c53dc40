// The device's timestamps as a time domain of VK_EXT_present_timing, with headers that have it.
#include "harness/present_timing.h"

#ifdef VK_EXT_present_timing

namespace vwsi::testing {

namespace {

class DeviceClock : public PresentTiming {
protected:
    void SetUp() override {}

    void start(const mock::DeviceSpec& spec)
    {
        m_ahead = spec.clockAhead;
        add(spec);
        makeTimedDevice();
    }

    static mock::DeviceSpec venus() { return mock::DeviceSpec::venus().withCalibratedTimestamps(); }

    bool offered()
    {
        const Window window(device(), timed());
        VkTimeDomainKHR domains[16]{};
        uint64_t ids[16]{};
        VkSwapchainTimeDomainPropertiesEXT properties{VK_STRUCTURE_TYPE_SWAPCHAIN_TIME_DOMAIN_PROPERTIES_EXT, nullptr,
                                                      16, domains, ids};
        EXPECT_EQ(
            device().vk.GetSwapchainTimeDomainPropertiesEXT(device().handle, window.swapchain, &properties, nullptr),
            VK_SUCCESS);
        return std::find(domains, domains + properties.timeDomainCount, VK_TIME_DOMAIN_DEVICE_KHR) !=
               domains + properties.timeDomainCount;
    }

    VkPresentTimingInfoEXT inTicks(const Window& window, uint64_t target = 0)
    {
        return wish(window, kAll, target, 0, VK_TIME_DOMAIN_DEVICE_KHR);
    }

    uint64_t ticks(uint64_t monotonic) const { return monotonic + m_ahead; }
    /// A time of the device on CLOCK_MONOTONIC, give or take what the driver is off.
    uint64_t here(uint64_t ticks) const { return ticks - m_ahead; }

private:
    uint64_t m_ahead = 0;
};

} // namespace

TEST_F(DeviceClock, IsADomainWhereTheDriverCorrelatesIt)
{
    start(venus());
    EXPECT_TRUE(offered());
}

TEST_F(DeviceClock, TheOlderExtensionDoes)
{
    start(mock::DeviceSpec::venus().withExtension("VK_EXT_calibrated_timestamps"));
    EXPECT_TRUE(offered());
}

TEST_F(DeviceClock, IsNoDomainWithoutTheDriversHelp)
{
    start(mock::DeviceSpec::venus());
    EXPECT_FALSE(offered());
}

TEST_F(DeviceClock, IsNoDomainWhenTicksAreNoNanoseconds)
{
    mock::DeviceSpec spec = venus();
    spec.timestampPeriod = 41.67F;
    start(spec);
    EXPECT_FALSE(offered());
}

TEST_F(DeviceClock, IsNoDomainWhenItWraps)
{
    mock::DeviceSpec spec = venus();
    for (VkQueueFamilyProperties& family : spec.queueFamilies)
        family.timestampValidBits = 36;
    start(spec);
    EXPECT_FALSE(offered());
}

TEST_F(DeviceClock, IsNoDomainWhenTheDriverFails)
{
    driver.failNth("vkGetPhysicalDeviceCalibrateableTimeDomainsKHR", 1, VK_ERROR_OUT_OF_HOST_MEMORY);
    start(venus());
    EXPECT_FALSE(offered());
}

TEST_F(DeviceClock, FramesAreTimedByIt)
{
    start(venus());
    Window window(device(), timed());
    ASSERT_EQ(setQueue(window, 8), VK_SUCCESS);
    const uint64_t before = clockNow();
    ASSERT_EQ(frame(window, 1, inTicks(window)), VK_SUCCESS);
    const Past past = results(window, 1).at(0);
    EXPECT_EQ(past.timing.timeDomain, VK_TIME_DOMAIN_DEVICE_KHR);
    EXPECT_EQ(past.timing.timeDomainId, domainId(window, VK_TIME_DOMAIN_DEVICE_KHR));
    for (const uint64_t time : {past.queueEnd, past.dequeued, past.out, past.visible}) {
        EXPECT_GT(here(time), before - kMillisecond);
        EXPECT_LT(here(time), clockNow() + kMillisecond);
    }
}

TEST_F(DeviceClock, TargetsAreKept)
{
    start(venus());
    Window window(device(), timed());
    ASSERT_EQ(setQueue(window, 8), VK_SUCCESS);
    const VkCalibratedTimestampInfoKHR info{VK_STRUCTURE_TYPE_CALIBRATED_TIMESTAMP_INFO_KHR, nullptr,
                                            VK_TIME_DOMAIN_DEVICE_KHR};
    uint64_t now = 0;
    uint64_t deviation = 0;
    ASSERT_EQ(device().vk.GetCalibratedTimestampsKHR(device().handle, 1, &info, &now, &deviation), VK_SUCCESS);
    const uint64_t target = now + 150 * kMillisecond;
    ASSERT_EQ(frame(window, 1, inTicks(window, target)), VK_SUCCESS);
    const Past past = results(window, 1).at(0);
    EXPECT_EQ(past.timing.targetTime, target);
    EXPECT_GE(past.visible, target - kMillisecond);
}

TEST_F(DeviceClock, WhatTheDriverIsOffDoesNotMoveIt)
{
    start(venus());
    Window window(device(), timed());
    ASSERT_EQ(setQueue(window, 8), VK_SUCCESS);
    // A result that is not complete can be had again, with the driver's answer off the other way.
    ASSERT_EQ(frame(window, 1, inTicks(window, ticks(clockNow()) + 2000 * kMillisecond)), VK_SUCCESS);
    constexpr auto kPartial = VK_PAST_PRESENTATION_TIMING_ALLOW_PARTIAL_RESULTS_BIT_EXT;
    std::vector<Past> past;
    const Stopwatch watch;
    while ((past = query(window, 1, kPartial)).empty() && watch.elapsed() < std::chrono::seconds(2))
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_EQ(past.size(), 1u);
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(query(window, 1, kPartial).at(0).queueEnd, past[0].queueEnd);
}

TEST_F(DeviceClock, UnknownTimesStayUnknown)
{
    start(venus());
    const Window window(device(), timed());
    ASSERT_EQ(setQueue(window, 8), VK_SUCCESS);
    const uint32_t index = window.acquireNow();
    window.draw(index, {}, VK_NULL_HANDLE, VK_NULL_HANDLE);
    driver.setCompletion(mock::Completion::Manual);
    ASSERT_EQ(present(window, index, 1, inTicks(window)), VK_SUCCESS);
    driver.loseDevices();
    EXPECT_EQ(results(window, 1).at(0).visible, 0u);
}

TEST_F(DeviceClock, ADriverThatFailsLaterLeavesTheTimesNearby)
{
    start(venus());
    Window window(device(), timed());
    ASSERT_EQ(setQueue(window, 8), VK_SUCCESS);
    ASSERT_EQ(frame(window, 1, inTicks(window)), VK_SUCCESS);
    const uint64_t first = results(window, 1).at(0).visible;
    ASSERT_EQ(frame(window, 2, inTicks(window)), VK_SUCCESS);
    driver.failNth("vkGetCalibratedTimestampsKHR", 1, VK_ERROR_OUT_OF_HOST_MEMORY);
    const uint64_t second = results(window, 1).at(0).visible;
    EXPECT_GT(second, first);
    EXPECT_LT(second, first + 10'000 * kMillisecond);
}

} // namespace vwsi::testing

#endif
