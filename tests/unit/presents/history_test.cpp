// PresentHistory: from the target's reports to the ids that applications wait for.
#include "swapchain/present_history.h"

#include <gtest/gtest.h>
#include <vector>

namespace vwsi {

namespace {

class History : public ::testing::Test {
protected:
    static FrameNotes noted(uint64_t id)
    {
        FrameNotes notes;
        notes.presentId = id;
        return notes;
    }

    void report(uint64_t serial, Nanoseconds when) { history.reported(serial, when, 0); }
    bool reached(uint64_t id) { return records.ids.wait(id, 0) == VK_SUCCESS; }

    /// A present that asked for all times.
    FrameNotes timed(uint64_t id)
    {
        FrameNotes notes = noted(id);
        notes.result = records.results.reserve({id, 0, 1, TimingResults::kAllStages});
        notes.listed = true;
        notes.listedId = static_cast<uint32_t>(id);
        notes.times.queueEnd = 100;
        notes.times.dequeued = 200;
        return notes;
    }

    std::vector<TimingResults::Result> results()
    {
        std::vector<TimingResults::Result> taken;
        uint32_t count = 100;
        records.results.take({}, &count, [&](const TimingResults::Result& result) { taken.push_back(result); });
        return taken;
    }

    std::vector<VkPastPresentationTimingGOOGLE> listed()
    {
        uint32_t count = 0;
        records.displayTimings.take(&count, nullptr);
        std::vector<VkPastPresentationTimingGOOGLE> list(count);
        records.displayTimings.take(&count, list.data());
        return list;
    }

    HostAllocator heap;
    PresentRecords records;
    PresentHistory history{records};
};

} // namespace

TEST_F(History, HandingOverIsNotShowing)
{
    history.handedOver(1, noted(1));
    EXPECT_FALSE(reached(1));
    report(1, 1000);
    EXPECT_TRUE(reached(1));
}

TEST_F(History, DiscardedFramesCountToo)
{
    history.handedOver(1, noted(1));
    report(1, 0);
    EXPECT_TRUE(reached(1));
}

TEST_F(History, ADiscardedFrameWaitsForThoseBeforeIt)
{
    history.handedOver(1, noted(1));
    history.handedOver(2, noted(2));
    report(2, 0);
    EXPECT_FALSE(reached(1));
    EXPECT_FALSE(reached(2));
    report(1, 1000);
    EXPECT_TRUE(reached(2));
}

TEST_F(History, AShownFrameEndsThoseBeforeIt)
{
    history.handedOver(1, noted(1));
    history.handedOver(2, noted(2));
    history.handedOver(3, noted(3));
    report(2, 1000);
    EXPECT_TRUE(reached(2));
    EXPECT_FALSE(reached(3));
    report(1, 0);
    report(3, 2000);
    EXPECT_TRUE(reached(3));
}

TEST_F(History, SupersededFramesCountWithTheNext)
{
    history.superseded(noted(1));
    history.superseded(noted(2));
    EXPECT_FALSE(reached(1));
    history.handedOver(1, noted(0));
    EXPECT_FALSE(reached(1));
    report(1, 1000);
    EXPECT_TRUE(reached(2));
}

TEST_F(History, SupersededFramesDoNotHideTheNextId)
{
    history.superseded(noted(1));
    history.handedOver(1, noted(2));
    report(1, 1000);
    EXPECT_TRUE(reached(2));
    history.handedOver(2, noted(0));
    report(2, 2000);
    EXPECT_FALSE(reached(3));
}

TEST_F(History, RefusedFramesReachNothing)
{
    history.handedOver(1, noted(1));
    history.handedOver(2, noted(2));
    history.refused(2);
    history.close(true);
    EXPECT_TRUE(reached(1)) << "the target had taken it over";
    EXPECT_FALSE(reached(2));
}

TEST_F(History, RefusalAfterAReportIsHarmless)
{
    history.handedOver(1, noted(1));
    report(1, 1000);
    history.refused(1);
    history.handedOver(2, noted(2));
    report(2, 2000);
    EXPECT_TRUE(reached(2));
}

TEST_F(History, StrayReportsAreIgnored)
{
    report(0, 1000);
    report(9, 1000);
    history.handedOver(1, noted(1));
    report(2, 1000);
    EXPECT_FALSE(reached(1));
    report(1, 1000);
    report(1, 2000);
    EXPECT_TRUE(reached(1));
}

TEST_F(History, ATargetThatForgetsFramesDoesNotStopIt)
{
    // Only every hundredth frame is reported.
    for (uint64_t serial = 1; serial <= 1000; ++serial) {
        history.handedOver(serial, noted(serial));
        if (serial % 100 == 0)
            report(serial, serial * 1000);
    }
    EXPECT_TRUE(reached(1000));
}

TEST_F(History, TheRingHoldsManyUnreportedFrames)
{
    for (uint64_t serial = 1; serial <= 40; ++serial)
        history.handedOver(serial, noted(serial));
    EXPECT_FALSE(reached(1));
    for (uint64_t serial = 1; serial <= 40; ++serial) {
        report(serial, serial * 1000);
        EXPECT_TRUE(reached(serial));
        EXPECT_FALSE(reached(serial + 1));
    }
}

TEST_F(History, BeyondTheRingTheOldestGoFirst)
{
    for (uint64_t serial = 1; serial <= 65; ++serial)
        history.handedOver(serial, noted(serial));
    EXPECT_TRUE(reached(1));
    EXPECT_FALSE(reached(2));
}

TEST_F(History, ShownFramesGetTheirTimes)
{
    records.results.resize(heap, 4);
    history.handedOver(1, timed(7));
    report(1, 300);
    const auto taken = results();
    ASSERT_EQ(taken.size(), 1u);
    EXPECT_EQ(taken[0].request.presentId, 7u);
    EXPECT_EQ(taken[0].times, (std::array<Nanoseconds, 4>{100, 200, 300, 300}));
    const auto list = listed();
    ASSERT_EQ(list.size(), 1u);
    EXPECT_EQ(list[0].presentID, 7u);
    EXPECT_EQ(list[0].actualPresentTime, 300u);
}

TEST_F(History, NoFrameIsVisibleBeforeItWasHandedOver)
{
    // The moment of the refresh that a server reports may lie before its frame.
    records.results.resize(heap, 4);
    history.handedOver(1, timed(1));
    report(1, 150);
    EXPECT_EQ(results().at(0).times, (std::array<Nanoseconds, 4>{100, 200, 200, 200}));
    EXPECT_EQ(listed().at(0).actualPresentTime, 200u);
}

TEST_F(History, DiscardedFramesWereNeverVisible)
{
    records.results.resize(heap, 4);
    history.handedOver(1, timed(1));
    report(1, 0);
    const auto taken = results();
    ASSERT_EQ(taken.size(), 1u);
    EXPECT_TRUE(taken[0].complete());
    EXPECT_EQ(taken[0].times, (std::array<Nanoseconds, 4>{100, 200, 0, 0}));
    EXPECT_TRUE(listed().empty());
}

TEST_F(History, SupersededFramesHaveAResultToo)
{
    records.results.resize(heap, 4);
    FrameNotes notes = timed(1);
    notes.times.dequeued = 0;
    history.superseded(notes);
    EXPECT_EQ(results().at(0).times, (std::array<Nanoseconds, 4>{100, 0, 0, 0}));
}

TEST_F(History, EveryEndCompletesTheResults)
{
    records.results.resize(heap, 4);
    history.handedOver(1, timed(1));
    history.handedOver(2, timed(2));
    history.handedOver(3, timed(3));
    history.refused(3);
    history.dropped(timed(4));
    history.close(false);
    EXPECT_EQ(results().size(), 4u);
    EXPECT_FALSE(reached(1)) << "of a lost window nobody can tell";
}

TEST_F(History, AResultComesOnce)
{
    records.results.resize(heap, 4);
    history.handedOver(1, timed(1));
    history.handedOver(2, timed(2));
    report(2, 400);
    report(2, 500);
    report(1, 300);
    EXPECT_EQ(results().size(), 2u);
    EXPECT_TRUE(results().empty());
}

} // namespace vwsi
