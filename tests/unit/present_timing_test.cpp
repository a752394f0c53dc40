// VK_EXT_present_timing, with headers that have it.
#include "harness/present_timing.h"

#ifdef VK_EXT_present_timing

#include <set>

namespace vwsi::testing {

namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::Not;

} // namespace

TEST_F(PresentTiming, ServedDevicesHaveTheExtensionAndFeatures)
{
    EXPECT_TRUE(instance().hasDeviceExtension("VK_EXT_present_timing"));
    EXPECT_TRUE(instance().hasDeviceExtension("VK_KHR_calibrated_timestamps"));
    VkPhysicalDevicePresentTimingFeaturesEXT feature{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_TIMING_FEATURES_EXT,
                                                     nullptr, VK_FALSE, VK_FALSE, VK_FALSE};
    VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &feature, {}};
    instance().vk.GetPhysicalDeviceFeatures2(instance().physicalDevices[0], &features);
    EXPECT_EQ(feature.presentTiming, VK_TRUE);
    EXPECT_EQ(feature.presentAtAbsoluteTime, VK_TRUE);
    EXPECT_EQ(feature.presentAtRelativeTime, VK_TRUE);
}

TEST_F(PresentTiming, TheDriverHearsNothingOfIt)
{
    for (const char* name : {"VK_EXT_present_timing", "VK_KHR_calibrated_timestamps"})
        EXPECT_THAT(driver.devices().at(0).extensions, Not(Contains(name)));
    EXPECT_THAT(driver.devices().at(0).chain,
                Not(Contains(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_TIMING_FEATURES_EXT)));
}

TEST_F(PresentTiming, SurfacesSayWhatTheyCan)
{
    const VkSurfaceKHR surface = instance().createSurface();
    VkPresentTimingSurfaceCapabilitiesEXT timing{};
    timing.sType = VK_STRUCTURE_TYPE_PRESENT_TIMING_SURFACE_CAPABILITIES_EXT;
    const VkPhysicalDeviceSurfaceInfo2KHR info{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SURFACE_INFO_2_KHR, nullptr, surface};
    VkSurfaceCapabilities2KHR capabilities{VK_STRUCTURE_TYPE_SURFACE_CAPABILITIES_2_KHR, &timing, {}};
    ASSERT_EQ(
        instance().vk.GetPhysicalDeviceSurfaceCapabilities2KHR(instance().physicalDevices[0], &info, &capabilities),
        VK_SUCCESS);
    EXPECT_EQ(timing.presentTimingSupported, VK_TRUE);
    EXPECT_EQ(timing.presentAtAbsoluteTimeSupported, VK_TRUE);
    EXPECT_EQ(timing.presentAtRelativeTimeSupported, VK_TRUE);
    EXPECT_EQ(timing.presentStageQueries & kQueueEnd, kQueueEnd);
    instance().vk.DestroySurfaceKHR(instance().handle, surface, nullptr);
}

TEST_F(PresentTiming, TheRefreshDurationIsTheSurfaces)
{
    IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "50000"});
    const Window window(device(), timed());
    VkSwapchainTimingPropertiesEXT properties{};
    properties.sType = VK_STRUCTURE_TYPE_SWAPCHAIN_TIMING_PROPERTIES_EXT;
    uint64_t counter = 0;
    ASSERT_EQ(device().vk.GetSwapchainTimingPropertiesEXT(device().handle, window.swapchain, &properties, &counter),
              VK_SUCCESS);
    EXPECT_EQ(properties.refreshDuration, 20 * kMillisecond);
    EXPECT_EQ(properties.refreshInterval, 20 * kMillisecond);
    EXPECT_GT(counter, 0u);
    EXPECT_EQ(device().vk.GetSwapchainTimingPropertiesEXT(device().handle, window.swapchain, &properties, nullptr),
              VK_SUCCESS);
}

TEST_F(PresentTiming, TimeDomainsAreCountedInTwoCalls)
{
    const Window window(device(), timed());
    VkSwapchainTimeDomainPropertiesEXT properties{VK_STRUCTURE_TYPE_SWAPCHAIN_TIME_DOMAIN_PROPERTIES_EXT, nullptr, 0,
                                                  nullptr, nullptr};
    const auto get = [&](uint64_t* counter) {
        return device().vk.GetSwapchainTimeDomainPropertiesEXT(device().handle, window.swapchain, &properties, counter);
    };
    uint64_t counter = 0;
    ASSERT_EQ(get(&counter), VK_SUCCESS);
    EXPECT_GT(counter, 0u);
    const uint32_t all = properties.timeDomainCount;
    ASSERT_GE(all, 2u);
    std::vector<VkTimeDomainKHR> domains(all + 1, VK_TIME_DOMAIN_MAX_ENUM_KHR);
    std::vector<uint64_t> ids(all + 1, 4711);
    properties = {properties.sType, nullptr, all - 1, domains.data(), ids.data()};
    EXPECT_EQ(get(nullptr), VK_INCOMPLETE);
    EXPECT_EQ(properties.timeDomainCount, all - 1);
    EXPECT_EQ(ids[all - 1], 4711u) << "written past the array";
    properties = {properties.sType, nullptr, all + 1, domains.data(), ids.data()};
    EXPECT_EQ(get(nullptr), VK_SUCCESS);
    EXPECT_EQ(properties.timeDomainCount, all);
    EXPECT_THAT(domains, Contains(VK_TIME_DOMAIN_PRESENT_STAGE_LOCAL_EXT));
    EXPECT_EQ(std::set<uint64_t>(ids.begin(), ids.end()).size(), all + 1) << "ids are unique";
}

TEST_F(PresentTiming, WithoutAQueuePresentsThatAskFail)
{
    Window window(device(), timed());
    EXPECT_EQ(frame(window, 1, wish(window, kQueueEnd)), VK_ERROR_PRESENT_TIMING_QUEUE_FULL_EXT);
    EXPECT_EQ(frame(window, 2, wish(window, 0)), VK_SUCCESS);
}

TEST_F(PresentTiming, TheQueueGrowsAndShrinks)
{
    const Window window(device(), timed());
    for (const uint32_t size : {2u, 4u, 2u, 0u, 512u, 1u})
        EXPECT_EQ(setQueue(window, size), VK_SUCCESS) << size;
}

TEST_F(PresentTiming, AFullQueueLeavesTheImageWithTheApplication)
{
    Window window(device(), timed());
    ASSERT_EQ(setQueue(window, 1), VK_SUCCESS);
    ASSERT_EQ(frame(window, 1, wish(window, kQueueEnd)), VK_SUCCESS);
    const uint32_t index = window.acquireNow();
    const VkSemaphore done = device().semaphore();
    ASSERT_EQ(window.draw(index, {{0, 0, 0, 1}}, VK_NULL_HANDLE, done), VK_SUCCESS);
    const VkPresentTimingInfoEXT info = wish(window, kQueueEnd);
    const VkPresentTimingsInfoEXT infos{VK_STRUCTURE_TYPE_PRESENT_TIMINGS_INFO_EXT, nullptr, 1, &info};
    EXPECT_EQ(window.present(index, {done}, &infos), VK_ERROR_PRESENT_TIMING_QUEUE_FULL_EXT);
    EXPECT_FALSE(driver.semaphoreSignalled(done)) << "the wait was executed";
    EXPECT_EQ(present(window, index, 2, wish(window, 0)), VK_SUCCESS);
    EXPECT_EQ(setQueue(window, 0), VK_NOT_READY);
    EXPECT_EQ(results(window, 1).at(0).timing.presentId, 1u);
    EXPECT_EQ(frame(window, 3, info), VK_SUCCESS) << "the slot is free again";
    EXPECT_EQ(results(window, 1).at(0).timing.presentId, 3u);
}

TEST_F(PresentTiming, OfSeveralSwapchainsOnlyTheFullOneFails)
{
    Window full(device(), timed());
    Window empty(device(), timed());
    ASSERT_EQ(setQueue(empty, 4), VK_SUCCESS);
    const uint32_t indices[] = {full.acquireNow(), empty.acquireNow()};
    full.draw(indices[0], {}, VK_NULL_HANDLE, VK_NULL_HANDLE);
    empty.draw(indices[1], {}, VK_NULL_HANDLE, VK_NULL_HANDLE);
    const VkSwapchainKHR swapchains[] = {full.swapchain, empty.swapchain};
    const VkPresentTimingInfoEXT wishes[] = {wish(full, kAll), wish(empty, kAll)};
    const VkPresentTimingsInfoEXT infos{VK_STRUCTURE_TYPE_PRESENT_TIMINGS_INFO_EXT, nullptr, 2, wishes};
    VkResult each[2] = {};
    const VkPresentInfoKHR info{VK_STRUCTURE_TYPE_PRESENT_INFO_KHR, &infos, 0, nullptr, 2, swapchains, indices, each};
    EXPECT_EQ(device().vk.QueuePresentKHR(device().queue(), &info), VK_ERROR_PRESENT_TIMING_QUEUE_FULL_EXT);
    EXPECT_EQ(each[0], VK_ERROR_PRESENT_TIMING_QUEUE_FULL_EXT);
    EXPECT_EQ(each[1], VK_SUCCESS);
    EXPECT_EQ(results(empty, 1).size(), 1u);
}

TEST_F(PresentTiming, StagesFollowOneAnother)
{
    Window window(device(), timed());
    ASSERT_EQ(setQueue(window, 8), VK_SUCCESS);
    const uint64_t begin = clockNow();
    for (uint64_t id = 1; id <= 4; ++id)
        ASSERT_EQ(frame(window, 3 * id, wish(window, kAll)), VK_SUCCESS);
    uint64_t before = begin;
    uint64_t number = 0;
    for (const Past& past : results(window, 4)) {
        EXPECT_EQ(past.timing.presentId, 3 * ++number);
        EXPECT_EQ(past.timing.presentStageCount, 4u);
        EXPECT_EQ(past.timing.reportComplete, VK_TRUE);
        EXPECT_EQ(past.timing.timeDomain, VK_TIME_DOMAIN_PRESENT_STAGE_LOCAL_EXT);
        EXPECT_GT(past.queueEnd, begin);
        EXPECT_GE(past.dequeued, past.queueEnd);
        EXPECT_GE(past.out, past.dequeued);
        EXPECT_GE(past.visible, past.out);
        EXPECT_GT(past.visible, before);
        EXPECT_LE(past.visible, clockNow());
        before = past.visible;
    }
}

TEST_F(PresentTiming, OnlyTheStagesAskedForAreReported)
{
    Window window(device(), timed());
    ASSERT_EQ(setQueue(window, 8), VK_SUCCESS);
    for (const VkPresentStageFlagsEXT stages : {kQueueEnd, kDequeued, kOut, kVisible, kQueueEnd | kVisible}) {
        ASSERT_EQ(frame(window, 0, wish(window, stages)), VK_SUCCESS);
        const Past past = results(window, 1).at(0);
        EXPECT_EQ(past.timing.presentStageCount, static_cast<uint32_t>(std::popcount(stages)));
        EXPECT_EQ(past.queueEnd != 0, (stages & kQueueEnd) != 0);
        EXPECT_EQ(past.dequeued != 0, (stages & kDequeued) != 0);
        EXPECT_EQ(past.out != 0, (stages & kOut) != 0);
        EXPECT_EQ(past.visible != 0, (stages & kVisible) != 0);
        EXPECT_EQ(past.timing.presentId, 0u);
    }
}

TEST_F(PresentTiming, ResultsAreCountedAndGivenOnce)
{
    Window window(device(), timed());
    ASSERT_EQ(setQueue(window, 8), VK_SUCCESS);
    for (uint64_t id = 1; id <= 4; ++id)
        ASSERT_EQ(frame(window, id, wish(window, kVisible)), VK_SUCCESS);
    const Stopwatch watch;
    while (available(window) < 4 && watch.elapsed() < 5s)
        std::this_thread::sleep_for(1ms);
    ASSERT_EQ(available(window), 4u);
    VkResult result = VK_SUCCESS;
    EXPECT_EQ(query(window, 3, 0, &result).size(), 3u);
    EXPECT_EQ(result, VK_INCOMPLETE);
    EXPECT_EQ(available(window), 1u);
    EXPECT_EQ(query(window, 3, 0, &result).size(), 1u);
    EXPECT_EQ(result, VK_SUCCESS);
    EXPECT_TRUE(query(window, 3, 0, &result).empty());
    EXPECT_EQ(result, VK_SUCCESS);
}

TEST_F(PresentTiming, FramesOnTheGpuHaveNoResult)
{
    Window window(device(), timed());
    ASSERT_EQ(setQueue(window, 8), VK_SUCCESS);
    const uint32_t index = window.acquireNow();
    window.draw(index, {}, VK_NULL_HANDLE, VK_NULL_HANDLE);
    driver.setCompletion(mock::Completion::Manual);
    ASSERT_EQ(present(window, index, 1, wish(window, kAll)), VK_SUCCESS);
    std::this_thread::sleep_for(30ms);
    EXPECT_EQ(available(window, VK_PAST_PRESENTATION_TIMING_ALLOW_PARTIAL_RESULTS_BIT_EXT), 0u);
    driver.setCompletion(mock::Completion::Immediate);
    driver.completeAll();
    EXPECT_EQ(results(window, 1).size(), 1u);
}

TEST_F(PresentTiming, PartialResultsComeFirstAndAgain)
{
    Window window(device(), timed());
    ASSERT_EQ(setQueue(window, 8), VK_SUCCESS);
    const uint64_t target = clockNow() + 300 * kMillisecond;
    ASSERT_EQ(frame(window, 1, wish(window, kQueueEnd | kVisible, target)), VK_SUCCESS);
    constexpr auto kPartial = VK_PAST_PRESENTATION_TIMING_ALLOW_PARTIAL_RESULTS_BIT_EXT;
    std::this_thread::sleep_for(50ms);
    EXPECT_EQ(available(window), 0u);
    for (int i = 0; i < 2; ++i) {
        const auto past = query(window, 4, kPartial);
        ASSERT_EQ(past.size(), 1u);
        EXPECT_EQ(past[0].timing.reportComplete, VK_FALSE);
        EXPECT_EQ(past[0].timing.presentStageCount, 1u);
        EXPECT_NE(past[0].queueEnd, 0u);
    }
    EXPECT_EQ(results(window, 1).at(0).timing.presentStageCount, 2u);
    EXPECT_TRUE(query(window, 4, kPartial).empty());
}

TEST_F(PresentTiming, AReplacedFrameWasNeverVisible)
{
    IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "5000"});
    Window window(device(), timed(VK_PRESENT_MODE_MAILBOX_KHR));
    ASSERT_EQ(setQueue(window, 8), VK_SUCCESS);
    ASSERT_EQ(frame(window, 1, wish(window, kAll)), VK_SUCCESS);
    EXPECT_NE(results(window, 1).at(0).visible, 0u);
    // Both are ready before the next refresh.
    ASSERT_EQ(frame(window, 2, wish(window, kAll)), VK_SUCCESS);
    ASSERT_EQ(frame(window, 3, wish(window, kAll)), VK_SUCCESS);
    const auto past = results(window, 2);
    EXPECT_NE(past[0].queueEnd, 0u);
    EXPECT_EQ(past[0].dequeued, 0u);
    EXPECT_EQ(past[0].visible, 0u);
    EXPECT_EQ(past[0].timing.presentStageCount, 4u);
    EXPECT_NE(past[1].visible, 0u);
}

TEST_F(PresentTiming, AbsoluteTimesAreKept)
{
    Window window(device(), timed());
    ASSERT_EQ(setQueue(window, 8), VK_SUCCESS);
    for (const VkTimeDomainKHR domain : {VK_TIME_DOMAIN_PRESENT_STAGE_LOCAL_EXT, VK_TIME_DOMAIN_SWAPCHAIN_LOCAL_EXT,
                                         VK_TIME_DOMAIN_CLOCK_MONOTONIC_KHR, VK_TIME_DOMAIN_CLOCK_MONOTONIC_RAW_KHR}) {
        timespec now{};
        clock_gettime(domain == VK_TIME_DOMAIN_CLOCK_MONOTONIC_RAW_KHR ? CLOCK_MONOTONIC_RAW : CLOCK_MONOTONIC, &now);
        const uint64_t target =
            static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec) + 60 * kMillisecond;
        ASSERT_EQ(frame(window, 0, wish(window, kVisible, target, 0, domain)), VK_SUCCESS);
        const Past past = results(window, 1).at(0);
        EXPECT_GE(past.visible + kMillisecond / 10, target) << domain;
        EXPECT_LT(past.visible, target + 500 * kMillisecond) << domain;
        EXPECT_EQ(past.timing.targetTime, target);
        EXPECT_EQ(past.timing.timeDomain, domain);
        EXPECT_EQ(past.timing.timeDomainId, domainId(window, domain));
    }
}

TEST_F(PresentTiming, RelativeTimesCountFromTheFrameBefore)
{
    Window window(device(), timed());
    ASSERT_EQ(setQueue(window, 8), VK_SUCCESS);
    constexpr auto kRelative = VK_PRESENT_TIMING_INFO_PRESENT_AT_RELATIVE_TIME_BIT_EXT;
    for (uint64_t id = 1; id <= 4; ++id)
        ASSERT_EQ(frame(window, id, wish(window, kVisible, 30 * kMillisecond, kRelative)), VK_SUCCESS);
    const auto past = results(window, 4);
    for (size_t i = 1; i < past.size(); ++i) {
        EXPECT_GE(past[i].visible, past[i - 1].visible + 30 * kMillisecond) << i;
        EXPECT_LT(past[i].visible, past[i - 1].visible + 500 * kMillisecond) << i;
    }
}

TEST_F(PresentTiming, TheNearestRefreshMayBeHalfACycleEarly)
{
    IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "10000"});
    Window window(device(), timed());
    ASSERT_EQ(setQueue(window, 8), VK_SUCCESS);
    const uint64_t target = clockNow() + 250 * kMillisecond;
    ASSERT_EQ(frame(window, 1,
                    wish(window, kVisible, target, VK_PRESENT_TIMING_INFO_PRESENT_AT_NEAREST_REFRESH_CYCLE_BIT_EXT)),
              VK_SUCCESS);
    const Past past = results(window, 1).at(0);
    EXPECT_GE(past.visible, target - 50 * kMillisecond);
    EXPECT_LT(past.visible, target);
}

TEST_F(PresentTiming, ATimeWithoutAQuestionIsKeptToo)
{
    Window window(device(), timed());
    ASSERT_EQ(setQueue(window, 8), VK_SUCCESS);
    const uint64_t target = clockNow() + 80 * kMillisecond;
    ASSERT_EQ(frame(window, 1, wish(window, 0, target)), VK_SUCCESS);
    ASSERT_EQ(frame(window, 2, wish(window, kVisible)), VK_SUCCESS);
    const Past past = results(window, 1).at(0);
    EXPECT_EQ(past.timing.presentId, 2u);
    EXPECT_GT(past.visible, target);
}

TEST_F(PresentTiming, RetiredSwapchainsKeepTheirResults)
{
    Window window(device(), timed());
    ASSERT_EQ(setQueue(window, 8), VK_SUCCESS);
    for (uint64_t id = 1; id <= 3; ++id)
        ASSERT_EQ(frame(window, id, wish(window, kAll)), VK_SUCCESS);
    const VkSwapchainKHR old = window.swapchain;
    ASSERT_EQ(window.recreate(), VK_SUCCESS);
    const VkSwapchainKHR fresh = window.swapchain;
    window.swapchain = old;
    EXPECT_EQ(results(window, 3).size(), 3u);
    window.swapchain = fresh;
    EXPECT_EQ(frame(window, 1, wish(window, kAll)), VK_ERROR_PRESENT_TIMING_QUEUE_FULL_EXT) << "a queue of its own";
}

TEST_F(PresentTiming, ALostDeviceCompletesTheResults)
{
    IN_PROCESS_WITH({"VENUS_WSI_COMPLETION", "fence"});
    Window window(device(), timed());
    ASSERT_EQ(setQueue(window, 8), VK_SUCCESS);
    const uint32_t index = window.acquireNow();
    window.draw(index, {}, VK_NULL_HANDLE, VK_NULL_HANDLE);
    driver.setCompletion(mock::Completion::Manual);
    ASSERT_EQ(present(window, index, 1, wish(window, kAll)), VK_SUCCESS);
    driver.loseDevices();
    const Past past = results(window, 1).at(0);
    EXPECT_EQ(past.visible, 0u);
    EXPECT_EQ(past.timing.presentStageCount, 4u);
}

TEST_F(PresentTiming, MemoryForTheQueueMayRunOut)
{
    const Window window(device(), timed());
    ASSERT_EQ(setQueue(window, 2), VK_SUCCESS);
    EXPECT_EQ(setQueue(window, UINT32_MAX), VK_ERROR_OUT_OF_HOST_MEMORY);
    EXPECT_EQ(setQueue(window, 3), VK_SUCCESS);
}

TEST_F(PresentTiming, SwapchainDomainsAreCalibrateable)
{
    const VkPhysicalDevice physical = instance().physicalDevices[0];
    uint32_t count = 0;
    ASSERT_EQ(instance().vk.GetPhysicalDeviceCalibrateableTimeDomainsKHR(physical, &count, nullptr), VK_SUCCESS);
    std::vector<VkTimeDomainKHR> domains(count);
    --count;
    EXPECT_EQ(instance().vk.GetPhysicalDeviceCalibrateableTimeDomainsKHR(physical, &count, domains.data()),
              VK_INCOMPLETE);
    ++count;
    ASSERT_EQ(instance().vk.GetPhysicalDeviceCalibrateableTimeDomainsKHR(physical, &count, domains.data()), VK_SUCCESS);
    for (const VkTimeDomainKHR domain : {VK_TIME_DOMAIN_PRESENT_STAGE_LOCAL_EXT, VK_TIME_DOMAIN_SWAPCHAIN_LOCAL_EXT,
                                         VK_TIME_DOMAIN_CLOCK_MONOTONIC_KHR})
        EXPECT_THAT(domains, Contains(domain));
}

TEST_F(PresentTiming, CalibrationTellsTheTimeOfTheSwapchain)
{
    const Window window(device(), timed());
    VkSwapchainCalibratedTimestampInfoEXT local{VK_STRUCTURE_TYPE_SWAPCHAIN_CALIBRATED_TIMESTAMP_INFO_EXT, nullptr,
                                                window.swapchain, kVisible,
                                                domainId(window, VK_TIME_DOMAIN_PRESENT_STAGE_LOCAL_EXT)};
    const VkCalibratedTimestampInfoKHR infos[] = {
        {VK_STRUCTURE_TYPE_CALIBRATED_TIMESTAMP_INFO_KHR, &local, VK_TIME_DOMAIN_PRESENT_STAGE_LOCAL_EXT},
        {VK_STRUCTURE_TYPE_CALIBRATED_TIMESTAMP_INFO_KHR, nullptr, VK_TIME_DOMAIN_CLOCK_MONOTONIC_KHR},
    };
    uint64_t times[2] = {};
    uint64_t deviation = 0;
    const uint64_t before = clockNow();
    ASSERT_EQ(device().vk.GetCalibratedTimestampsKHR(device().handle, 2, infos, times, &deviation), VK_SUCCESS);
    EXPECT_GE(times[0], before);
    EXPECT_LE(times[0], clockNow());
    EXPECT_EQ(times[0], times[1]);
    EXPECT_GT(deviation, 0u);
    local.timeDomainId = 4711;
    ASSERT_EQ(device().vk.GetCalibratedTimestampsKHR(device().handle, 1, infos, times, &deviation), VK_SUCCESS);
    EXPECT_EQ(times[0], 0u) << "no such domain";
}

} // namespace vwsi::testing

#endif
