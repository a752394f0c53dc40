#pragma once

#include "harness/timed_frames.h"

#ifdef VK_EXT_present_timing

#include <bit>
#include <thread>

namespace vwsi::testing {

inline constexpr uint64_t kMillisecond = 1'000'000;
inline constexpr VkPresentStageFlagsEXT kQueueEnd = VK_PRESENT_STAGE_QUEUE_OPERATIONS_END_BIT_EXT;
inline constexpr VkPresentStageFlagsEXT kDequeued = VK_PRESENT_STAGE_REQUEST_DEQUEUED_BIT_EXT;
inline constexpr VkPresentStageFlagsEXT kOut = VK_PRESENT_STAGE_IMAGE_FIRST_PIXEL_OUT_BIT_EXT;
inline constexpr VkPresentStageFlagsEXT kVisible = VK_PRESENT_STAGE_IMAGE_FIRST_PIXEL_VISIBLE_BIT_EXT;
inline constexpr VkPresentStageFlagsEXT kAll = kQueueEnd | kDequeued | kOut | kVisible;

/// One past presentation with its times, 0 for stages that were not reported.
struct Past {
    VkPastPresentationTimingEXT timing{};
    uint64_t queueEnd = 0;
    uint64_t dequeued = 0;
    uint64_t out = 0;
    uint64_t visible = 0;
};

class PresentTiming : public LayerTest {
protected:
    void SetUp() override { makeTimedDevice(); }

    void makeTimedDevice()
    {
        DeviceOptions options;
        options.extensions = {"VK_KHR_swapchain", "VK_KHR_present_id2", "VK_KHR_calibrated_timestamps",
                              "VK_EXT_present_timing"};
        options.next = &m_feature;
        makeDevice(options);
    }

    static WindowOptions timed(VkPresentModeKHR mode = VK_PRESENT_MODE_FIFO_KHR)
    {
        WindowOptions options;
        options.presentMode = mode;
        options.flags = VK_SWAPCHAIN_CREATE_PRESENT_TIMING_BIT_EXT | VK_SWAPCHAIN_CREATE_PRESENT_ID_2_BIT_KHR;
        return options;
    }

    VkResult setQueue(const Window& window, uint32_t size)
    {
        return device().vk.SetSwapchainPresentTimingQueueSizeEXT(device().handle, window.swapchain, size);
    }

    static uint64_t domainId(const Window& window, VkTimeDomainKHR wanted)
    {
        VkTimeDomainKHR domains[16]{};
        uint64_t ids[16]{};
        VkSwapchainTimeDomainPropertiesEXT properties{VK_STRUCTURE_TYPE_SWAPCHAIN_TIME_DOMAIN_PROPERTIES_EXT, nullptr,
                                                      16, domains, ids};
        EXPECT_EQ(window.device.vk.GetSwapchainTimeDomainPropertiesEXT(window.device.handle, window.swapchain,
                                                                       &properties, nullptr),
                  VK_SUCCESS);
        for (uint32_t i = 0; i < properties.timeDomainCount; ++i) {
            if (domains[i] == wanted)
                return ids[i];
        }
        ADD_FAILURE() << "no time domain " << wanted;
        return 0;
    }

    VkPresentTimingInfoEXT wish(const Window& window, VkPresentStageFlagsEXT stages, uint64_t target = 0,
                                VkPresentTimingInfoFlagsEXT flags = 0,
                                VkTimeDomainKHR domain = VK_TIME_DOMAIN_PRESENT_STAGE_LOCAL_EXT)
    {
        return {VK_STRUCTURE_TYPE_PRESENT_TIMING_INFO_EXT,
                nullptr,
                flags,
                target,
                domainId(window, domain),
                stages,
                target ? kVisible : 0};
    }

    static VkResult present(const Window& window, uint32_t index, uint64_t id, const VkPresentTimingInfoEXT& info)
    {
        const VkPresentId2KHR ids{VK_STRUCTURE_TYPE_PRESENT_ID_2_KHR, nullptr, 1, &id};
        const VkPresentTimingsInfoEXT infos{VK_STRUCTURE_TYPE_PRESENT_TIMINGS_INFO_EXT, &ids, 1, &info};
        return window.present(index, {}, &infos);
    }

    static VkResult frame(Window& window, uint64_t id, const VkPresentTimingInfoEXT& info)
    {
        const VkPresentId2KHR ids{VK_STRUCTURE_TYPE_PRESENT_ID_2_KHR, nullptr, 1, &id};
        const VkPresentTimingsInfoEXT infos{VK_STRUCTURE_TYPE_PRESENT_TIMINGS_INFO_EXT, &ids, 1, &info};
        return presentDrawn(window, &infos);
    }

    /// At most `room` results that are there.
    std::vector<Past> query(const Window& window, uint32_t room, VkPastPresentationTimingFlagsEXT flags = 0,
                            VkResult* result = nullptr)
    {
        std::vector<VkPastPresentationTimingEXT> timings(room + 1);
        std::vector<VkPresentStageTimeEXT> stages(4 * (room + 1));
        for (uint32_t i = 0; i < room; ++i) {
            timings[i].sType = VK_STRUCTURE_TYPE_PAST_PRESENTATION_TIMING_EXT;
            timings[i].presentStageCount = 4;
            timings[i].pPresentStages = &stages[4 * i];
        }
        const VkPastPresentationTimingInfoEXT info{VK_STRUCTURE_TYPE_PAST_PRESENTATION_TIMING_INFO_EXT, nullptr, flags,
                                                   window.swapchain};
        VkPastPresentationTimingPropertiesEXT properties{
            VK_STRUCTURE_TYPE_PAST_PRESENTATION_TIMING_PROPERTIES_EXT, nullptr, 0, 0, room, timings.data()};
        const VkResult got = device().vk.GetPastPresentationTimingEXT(device().handle, &info, &properties);
        EXPECT_TRUE(got == VK_SUCCESS || got == VK_INCOMPLETE) << got;
        EXPECT_GT(properties.timingPropertiesCounter, 0u);
        EXPECT_GT(properties.timeDomainsCounter, 0u);
        EXPECT_LE(properties.presentationTimingCount, room);
        if (result)
            *result = got;
        std::vector<Past> past(properties.presentationTimingCount);
        for (size_t i = 0; i < past.size(); ++i) {
            past[i].timing = timings[i];
            for (uint32_t j = 0; j < timings[i].presentStageCount; ++j) {
                const VkPresentStageTimeEXT& stage = timings[i].pPresentStages[j];
                EXPECT_TRUE(std::has_single_bit(stage.stage));
                (stage.stage == kQueueEnd   ? past[i].queueEnd
                 : stage.stage == kDequeued ? past[i].dequeued
                 : stage.stage == kOut      ? past[i].out
                                            : past[i].visible) = stage.time;
            }
        }
        return past;
    }

    uint32_t available(const Window& window, VkPastPresentationTimingFlagsEXT flags = 0)
    {
        const VkPastPresentationTimingInfoEXT info{VK_STRUCTURE_TYPE_PAST_PRESENTATION_TIMING_INFO_EXT, nullptr, flags,
                                                   window.swapchain};
        VkPastPresentationTimingPropertiesEXT properties{
            VK_STRUCTURE_TYPE_PAST_PRESENTATION_TIMING_PROPERTIES_EXT, nullptr, 0, 0, 99, nullptr};
        EXPECT_EQ(device().vk.GetPastPresentationTimingEXT(device().handle, &info, &properties), VK_SUCCESS);
        return properties.presentationTimingCount;
    }

    /// The next `count` complete results, as they come.
    std::vector<Past> results(const Window& window, size_t count)
    {
        std::vector<Past> all;
        const Stopwatch watch;
        while (all.size() < count && watch.elapsed() < std::chrono::seconds(5)) {
            for (const Past& past : query(window, 16))
                all.push_back(past);
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        EXPECT_EQ(all.size(), count);
        all.resize(count);
        return all;
    }

private:
    VkPhysicalDevicePresentId2FeaturesKHR m_ids{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_ID_2_FEATURES_KHR, nullptr,
                                                VK_TRUE};
    VkPhysicalDevicePresentTimingFeaturesEXT m_feature{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_TIMING_FEATURES_EXT,
                                                       &m_ids, VK_TRUE, VK_TRUE, VK_TRUE};
};

} // namespace vwsi::testing

#endif
