// PresentHistory: from the target's reports to the ids that applications wait for.
#include "swapchain/present_history.h"

#include <gtest/gtest.h>

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

    bool reached(uint64_t id) { return ids.wait(id, 0) == VK_SUCCESS; }

    PresentIds ids;
    PresentHistory history{ids};
};

} // namespace

TEST_F(History, HandingOverIsNotShowing)
{
    history.handedOver(1, noted(1));
    EXPECT_FALSE(reached(1));
    history.reported(1, 1000);
    EXPECT_TRUE(reached(1));
}

TEST_F(History, DiscardedFramesCountToo)
{
    history.handedOver(1, noted(1));
    history.reported(1, 0);
    EXPECT_TRUE(reached(1));
}

TEST_F(History, ADiscardedFrameWaitsForThoseBeforeIt)
{
    history.handedOver(1, noted(1));
    history.handedOver(2, noted(2));
    history.reported(2, 0);
    EXPECT_FALSE(reached(1));
    EXPECT_FALSE(reached(2));
    history.reported(1, 1000);
    EXPECT_TRUE(reached(2));
}

TEST_F(History, AShownFrameEndsThoseBeforeIt)
{
    history.handedOver(1, noted(1));
    history.handedOver(2, noted(2));
    history.handedOver(3, noted(3));
    history.reported(2, 1000);
    EXPECT_TRUE(reached(2));
    EXPECT_FALSE(reached(3));
    history.reported(1, 0);
    history.reported(3, 2000);
    EXPECT_TRUE(reached(3));
}

TEST_F(History, SupersededFramesCountWithTheNext)
{
    history.superseded(noted(1));
    history.superseded(noted(2));
    EXPECT_FALSE(reached(1));
    history.handedOver(1, noted(0));
    EXPECT_FALSE(reached(1));
    history.reported(1, 1000);
    EXPECT_TRUE(reached(2));
}

TEST_F(History, SupersededFramesDoNotHideTheNextId)
{
    history.superseded(noted(1));
    history.handedOver(1, noted(2));
    history.reported(1, 1000);
    EXPECT_TRUE(reached(2));
    history.handedOver(2, noted(0));
    history.reported(2, 2000);
    EXPECT_FALSE(reached(3));
}

TEST_F(History, RefusedFramesReachNothing)
{
    history.handedOver(1, noted(1));
    history.handedOver(2, noted(2));
    history.refused(2);
    history.close();
    EXPECT_TRUE(reached(1)) << "the target had taken it over";
    EXPECT_FALSE(reached(2));
}

TEST_F(History, RefusalAfterAReportIsHarmless)
{
    history.handedOver(1, noted(1));
    history.reported(1, 1000);
    history.refused(1);
    history.handedOver(2, noted(2));
    history.reported(2, 2000);
    EXPECT_TRUE(reached(2));
}

TEST_F(History, StrayReportsAreIgnored)
{
    history.reported(0, 1000);
    history.reported(9, 1000);
    history.handedOver(1, noted(1));
    history.reported(2, 1000);
    EXPECT_FALSE(reached(1));
    history.reported(1, 1000);
    history.reported(1, 2000);
    EXPECT_TRUE(reached(1));
}

TEST_F(History, ATargetThatForgetsFramesDoesNotStopIt)
{
    // Only every hundredth frame is reported.
    for (uint64_t serial = 1; serial <= 1000; ++serial) {
        history.handedOver(serial, noted(serial));
        if (serial % 100 == 0)
            history.reported(serial, serial * 1000);
    }
    EXPECT_TRUE(reached(1000));
}

TEST_F(History, TheRingHoldsManyUnreportedFrames)
{
    for (uint64_t serial = 1; serial <= 40; ++serial)
        history.handedOver(serial, noted(serial));
    EXPECT_FALSE(reached(1));
    for (uint64_t serial = 1; serial <= 40; ++serial) {
        history.reported(serial, serial * 1000);
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

} // namespace vwsi
