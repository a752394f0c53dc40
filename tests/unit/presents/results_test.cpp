// TimingResults and DisplayTimings: what applications read of past presents.
#include "swapchain/display_timings.h"
#include "swapchain/timing_results.h"

#include <gtest/gtest.h>
#include <vector>

namespace vwsi {

namespace {

constexpr uint32_t kQueueEnd = 1u << TimingResults::QueueOperationsEnd;
constexpr uint32_t kVisible = 1u << TimingResults::FirstPixelVisible;

class Results : public ::testing::Test {
protected:
    uint64_t reserve(uint64_t id, uint32_t stages = TimingResults::kAllStages)
    {
        return results.reserve({id, 0, 1, stages});
    }

    void finish(uint64_t key) { results.finish(key, {100, 0, 200, 300}); }

    /// Takes at most `room` results and gives their presents' ids.
    std::vector<uint64_t> take(uint32_t room, TimingResults::Reading reading = {}, VkResult* result = nullptr)
    {
        std::vector<uint64_t> ids;
        uint32_t count = room;
        const VkResult got = results.take(
            reading, &count, [&](const TimingResults::Result& one) { ids.push_back(one.request.presentId); });
        EXPECT_EQ(count, ids.size());
        if (result)
            *result = got;
        return ids;
    }

    HostAllocator heap;
    TimingResults results;
};

using Ids = std::vector<uint64_t>;

FrameNotes listedNotes(uint32_t id)
{
    FrameNotes notes;
    notes.listed = true;
    notes.listedId = id;
    notes.times = {.queueEnd = 1000, .free = 2000, .dequeued = 2000, .visible = 3000};
    return notes;
}

} // namespace

TEST_F(Results, WithoutAQueueThereIsNoSlot)
{
    EXPECT_TRUE(results.full());
    EXPECT_EQ(reserve(1), 0u);
}

TEST_F(Results, TheQueueHasAsManySlotsAsAsked)
{
    ASSERT_EQ(results.resize(heap, 3), VK_SUCCESS);
    for (uint64_t id = 1; id <= 3; ++id) {
        EXPECT_FALSE(results.full());
        EXPECT_NE(reserve(id), 0u);
    }
    EXPECT_TRUE(results.full());
    EXPECT_EQ(reserve(4), 0u);
}

TEST_F(Results, TheQueueGrowsAndShrinks)
{
    for (const uint32_t size : {2u, 4u, 2u, 0u, 4u, 1000u, 1u})
        EXPECT_EQ(results.resize(heap, size), VK_SUCCESS) << size;
}

TEST_F(Results, OutstandingResultsAreNotCutOff)
{
    results.resize(heap, 4);
    reserve(1);
    reserve(2);
    reserve(3);
    EXPECT_EQ(results.resize(heap, 2), VK_NOT_READY);
    EXPECT_EQ(results.resize(heap, 3), VK_SUCCESS);
    EXPECT_TRUE(results.full());
    EXPECT_EQ(results.resize(heap, 8), VK_SUCCESS);
    EXPECT_FALSE(results.full());
}

TEST_F(Results, ResultsOutliveResizing)
{
    results.resize(heap, 2);
    const uint64_t first = reserve(1);
    const uint64_t second = reserve(2);
    results.resize(heap, 20);
    finish(first);
    finish(second);
    EXPECT_EQ(take(10), (Ids{1, 2}));
}

TEST_F(Results, UnfinishedPresentsAreNotReported)
{
    results.resize(heap, 4);
    reserve(1);
    EXPECT_EQ(results.available({}), 0u);
    EXPECT_TRUE(take(4).empty());
}

TEST_F(Results, AResultIsGivenOnceAndFreesItsSlot)
{
    results.resize(heap, 1);
    finish(reserve(1));
    EXPECT_EQ(results.available({}), 1u);
    EXPECT_EQ(take(4), Ids{1});
    EXPECT_TRUE(take(4).empty());
    EXPECT_FALSE(results.full());
}

TEST_F(Results, CountingTakesNothing)
{
    results.resize(heap, 1);
    finish(reserve(1));
    EXPECT_EQ(results.available({}), 1u);
    EXPECT_EQ(results.available({}), 1u);
    EXPECT_TRUE(results.full());
}

TEST_F(Results, AShortArrayIsIncomplete)
{
    results.resize(heap, 4);
    for (uint64_t id = 1; id <= 4; ++id)
        finish(reserve(id));
    VkResult result = VK_SUCCESS;
    EXPECT_EQ(take(3, {}, &result), (Ids{1, 2, 3}));
    EXPECT_EQ(result, VK_INCOMPLETE);
    EXPECT_EQ(take(3, {}, &result), Ids{4});
    EXPECT_EQ(result, VK_SUCCESS);
    EXPECT_TRUE(take(3, {}, &result).empty());
    EXPECT_EQ(result, VK_SUCCESS);
}

TEST_F(Results, NoRoomAtAllIsIncompleteToo)
{
    results.resize(heap, 4);
    finish(reserve(1));
    VkResult result = VK_SUCCESS;
    EXPECT_TRUE(take(0, {}, &result).empty());
    EXPECT_EQ(result, VK_INCOMPLETE);
}

TEST_F(Results, OrderIsKeptUnlessWaived)
{
    results.resize(heap, 4);
    const uint64_t first = reserve(1);
    const uint64_t second = reserve(2);
    reserve(3);
    finish(second);
    EXPECT_TRUE(take(4).empty());
    EXPECT_EQ(results.available({.outOfOrder = true}), 1u);
    EXPECT_EQ(take(4, {.outOfOrder = true}), Ids{2});
    finish(first);
    EXPECT_EQ(take(4), Ids{1});
}

TEST_F(Results, SlotsInTheMiddleAreReusable)
{
    results.resize(heap, 3);
    const uint64_t first = reserve(1);
    finish(reserve(2));
    const uint64_t third = reserve(3);
    EXPECT_EQ(take(4, {.outOfOrder = true}), Ids{2});
    const uint64_t fourth = reserve(4);
    EXPECT_NE(fourth, 0u);
    finish(first);
    finish(third);
    finish(fourth);
    EXPECT_EQ(take(4), (Ids{1, 3, 4}));
}

TEST_F(Results, PartialResultsAreRepeatedUntilComplete)
{
    results.resize(heap, 2);
    const uint64_t key = reserve(1, kQueueEnd | kVisible);
    EXPECT_TRUE(take(4, {.partial = true}).empty()) << "nothing is known yet";
    results.reach(key, TimingResults::QueueOperationsEnd, 100);
    EXPECT_TRUE(take(4).empty()) << "only where partial results are allowed";
    EXPECT_EQ(take(4, {.partial = true}), Ids{1});
    EXPECT_EQ(take(4, {.partial = true}), Ids{1});
    finish(key);
    EXPECT_EQ(take(4, {.partial = true}), Ids{1});
    EXPECT_TRUE(take(4, {.partial = true}).empty());
}

TEST_F(Results, StagesNobodyAskedForDoNotCount)
{
    results.resize(heap, 2);
    const uint64_t key = reserve(1, kVisible);
    results.reach(key, TimingResults::QueueOperationsEnd, 100);
    EXPECT_TRUE(take(4, {.partial = true}).empty());
}

TEST_F(Results, AnEarlyStageAloneMayBeAll)
{
    results.resize(heap, 2);
    const uint64_t key = reserve(1, kQueueEnd);
    results.reach(key, TimingResults::QueueOperationsEnd, 100);
    EXPECT_EQ(take(4), Ids{1});
    finish(key);
    EXPECT_TRUE(take(4).empty());
}

TEST_F(Results, UnknownSlotsAreIgnored)
{
    results.resize(heap, 2);
    results.reach(77, TimingResults::QueueOperationsEnd, 1);
    results.finish(77, {});
    results.finish(0, {});
    EXPECT_EQ(results.available({.partial = true, .outOfOrder = true}), 0u);
}

TEST(DisplayTimings, RecordsAreCountedInTwoCalls)
{
    DisplayTimings timings;
    uint32_t count = 7;
    EXPECT_EQ(timings.take(&count, nullptr), VK_SUCCESS);
    EXPECT_EQ(count, 0u);
    for (uint32_t id = 1; id <= 3; ++id)
        timings.add(listedNotes(id), 0);
    EXPECT_EQ(timings.take(&count, nullptr), VK_SUCCESS);
    EXPECT_EQ(count, 3u);
    VkPastPresentationTimingGOOGLE list[4]{};
    count = 2;
    EXPECT_EQ(timings.take(&count, list), VK_INCOMPLETE);
    EXPECT_EQ(count, 2u);
    EXPECT_EQ(list[0].presentID, 1u);
    EXPECT_EQ(list[1].presentID, 2u);
    EXPECT_EQ(list[2].presentID, 0u);
    count = 4;
    EXPECT_EQ(timings.take(&count, list), VK_SUCCESS);
    EXPECT_EQ(count, 1u);
    EXPECT_EQ(list[0].presentID, 3u);
    EXPECT_EQ(timings.take(&count, nullptr), VK_SUCCESS);
    EXPECT_EQ(count, 0u);
}

TEST(DisplayTimings, TheHistoryIsLimited)
{
    DisplayTimings timings;
    for (uint32_t id = 1; id <= 1000; ++id)
        timings.add(listedNotes(id), 0);
    uint32_t count = 0;
    timings.take(&count, nullptr);
    EXPECT_GE(count, 16u);
    EXPECT_LT(count, 1000u);
    std::vector<VkPastPresentationTimingGOOGLE> list(count);
    EXPECT_EQ(timings.take(&count, list.data()), VK_SUCCESS);
    EXPECT_EQ(list.back().presentID, 1000u) << "the oldest give way";
    EXPECT_EQ(list.front().presentID, 1001u - count);
}

TEST(DisplayTimings, AFrameThatWasNotHeldBackCouldNotBeEarlier)
{
    DisplayTimings timings;
    timings.add(listedNotes(1), 0);
    VkPastPresentationTimingGOOGLE record{};
    uint32_t count = 1;
    timings.take(&count, &record);
    EXPECT_EQ(record.actualPresentTime, 3000u);
    EXPECT_EQ(record.earliestPresentTime, 3000u);
    EXPECT_EQ(record.presentMargin, 2000u);
}

TEST(DisplayTimings, AFrameThatWasHeldBackCouldHaveBeenEarlier)
{
    for (const Nanoseconds refresh : {Nanoseconds{0}, Nanoseconds{16}}) {
        FrameNotes notes = listedNotes(1);
        notes.listedWish = 2990;
        notes.times = {.queueEnd = 1000, .free = 2000, .dequeued = 2050, .visible = 3000};
        DisplayTimings timings;
        timings.add(notes, refresh);
        VkPastPresentationTimingGOOGLE record{};
        uint32_t count = 1;
        timings.take(&count, &record);
        EXPECT_EQ(record.desiredPresentTime, 2990u);
        // By whole refreshes only, where those make frames visible.
        EXPECT_EQ(record.earliestPresentTime, refresh ? 3000u - 48 : 3000u - 50);
        EXPECT_EQ(record.presentMargin, record.earliestPresentTime - 1000);
    }
}

} // namespace vwsi
