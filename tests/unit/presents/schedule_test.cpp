// PresentSchedule: when frames with a wished time go to the target.
#include "swapchain/present_schedule.h"

#include <gtest/gtest.h>

namespace vwsi {

namespace {

constexpr Nanoseconds kMs = 1'000'000;
constexpr Nanoseconds kRefresh = 16 * kMs;
constexpr Nanoseconds kNow = 10'000 * kMs;

PresentWish at(Nanoseconds time, bool nearest = false)
{
    return {time, false, nearest};
}

PresentWish after(Nanoseconds time, bool nearest = false)
{
    return {time, true, nearest};
}

/// A target whose last refresh was at kNow.
PresentSchedule latched()
{
    PresentSchedule schedule;
    schedule.setRefresh(kRefresh, true);
    schedule.handedOver(1, kNow - kRefresh / 2);
    schedule.reported(1, kNow);
    return schedule;
}

} // namespace

TEST(PresentSchedule, NoWishIsNow)
{
    const PresentSchedule schedule = latched();
    EXPECT_EQ(schedule.handOverAt({}, kNow), 0u);
    EXPECT_EQ(schedule.visibleAt({}, kNow), 0u);
}

TEST(PresentSchedule, WithoutRefreshesTheMomentItself)
{
    const PresentSchedule schedule;
    EXPECT_EQ(schedule.handOverAt(at(kNow + 5 * kMs), kNow), kNow + 5 * kMs);
}

TEST(PresentSchedule, TargetsThatShowAtOnceGetItAtTheMoment)
{
    PresentSchedule schedule;
    schedule.setRefresh(kRefresh, false);
    schedule.handedOver(1, kNow);
    schedule.reported(1, kNow);
    EXPECT_EQ(schedule.handOverAt(at(kNow + 40 * kMs), kNow), kNow + 40 * kMs);
    EXPECT_EQ(schedule.latchInterval(), 0u);
}

TEST(PresentSchedule, MomentsOfThePastAreNow)
{
    const PresentSchedule schedule = latched();
    EXPECT_LE(schedule.handOverAt(at(kNow - 5 * kMs), kNow), kNow);
    EXPECT_LE(schedule.handOverAt(at(1), kNow), kNow);
}

TEST(PresentSchedule, LatchedFramesAreShownAtTheFirstRefreshFromTheMomentOn)
{
    const PresentSchedule schedule = latched();
    for (Nanoseconds ahead = 20 * kMs; ahead < 200 * kMs; ahead += kMs) {
        const Nanoseconds moment = schedule.handOverAt(at(kNow + ahead), kNow);
        // What is handed over then is shown by the next refresh.
        const Nanoseconds shown = kNow + (moment - kNow + kRefresh - 1) / kRefresh * kRefresh;
        EXPECT_GE(shown + kMs, kNow + ahead) << ahead;
        EXPECT_LT(shown, kNow + ahead + kRefresh) << ahead;
    }
}

TEST(PresentSchedule, AMomentThatIsARefreshIsMet)
{
    const PresentSchedule schedule = latched();
    for (const Nanoseconds off : {Nanoseconds{0}, Nanoseconds{50'000}}) {
        const Nanoseconds moment = schedule.handOverAt(at(kNow + 3 * kRefresh + off), kNow);
        EXPECT_GT(moment, kNow + 2 * kRefresh);
        EXPECT_LT(moment, kNow + 3 * kRefresh);
    }
}

TEST(PresentSchedule, TheNearestRefreshMayBeTheOneBefore)
{
    const PresentSchedule schedule = latched();
    const Nanoseconds early = schedule.handOverAt(at(kNow + 3 * kRefresh + kRefresh / 4, true), kNow);
    EXPECT_GT(early, kNow + 2 * kRefresh);
    EXPECT_LT(early, kNow + 3 * kRefresh);
    const Nanoseconds late = schedule.handOverAt(at(kNow + 3 * kRefresh + kRefresh * 3 / 4, true), kNow);
    EXPECT_GT(late, kNow + 3 * kRefresh);
    EXPECT_LT(late, kNow + 4 * kRefresh);
}

TEST(PresentSchedule, TheFirstFrameHasNothingToBeRelativeTo)
{
    PresentSchedule schedule;
    schedule.setRefresh(kRefresh, true);
    EXPECT_FALSE(schedule.waitsForReport(after(50 * kMs), kNow));
    EXPECT_EQ(schedule.handOverAt(after(50 * kMs), kNow), 0u);
}

TEST(PresentSchedule, RelativeMomentsCountFromTheFrameBefore)
{
    PresentSchedule schedule;
    schedule.handedOver(1, kNow - 10 * kMs);
    schedule.reported(1, kNow);
    EXPECT_EQ(schedule.visibleAt(after(50 * kMs), kNow), kNow + 50 * kMs);
    EXPECT_EQ(schedule.handOverAt(after(50 * kMs), kNow), kNow + 50 * kMs);
}

TEST(PresentSchedule, RelativeMomentsWaitForTheReport)
{
    PresentSchedule schedule;
    schedule.handedOver(1, kNow);
    schedule.reported(1, kNow);
    schedule.handedOver(2, kNow + kMs);
    EXPECT_TRUE(schedule.waitsForReport(after(50 * kMs), kNow + 2 * kMs));
    EXPECT_GT(schedule.handOverAt(after(50 * kMs), kNow + 2 * kMs), kNow + 100 * kMs);
    schedule.reported(2, kNow + 20 * kMs);
    EXPECT_FALSE(schedule.waitsForReport(after(50 * kMs), kNow + 21 * kMs));
    EXPECT_EQ(schedule.handOverAt(after(50 * kMs), kNow + 21 * kMs), kNow + 70 * kMs);
}

TEST(PresentSchedule, AReportThatNeverComesIsNotWaitedForForEver)
{
    PresentSchedule schedule;
    schedule.handedOver(1, kNow);
    EXPECT_TRUE(schedule.waitsForReport(after(50 * kMs), kNow + 500 * kMs));
    EXPECT_FALSE(schedule.waitsForReport(after(50 * kMs), kNow + 2000 * kMs));
    EXPECT_LE(schedule.handOverAt(after(50 * kMs), kNow + 2000 * kMs), kNow + 2000 * kMs);
}

TEST(PresentSchedule, ADiscardedFrameCountsFromItsHandOver)
{
    PresentSchedule schedule;
    schedule.handedOver(1, kNow);
    schedule.reported(1, 0);
    EXPECT_EQ(schedule.visibleAt(after(50 * kMs), kNow), kNow + 50 * kMs);
}

TEST(PresentSchedule, DurationsBeyondTheClockMeanForEver)
{
    PresentSchedule schedule;
    schedule.handedOver(1, kNow);
    schedule.reported(1, kNow);
    EXPECT_EQ(schedule.visibleAt(after(UINT64_MAX), kNow), kForever);
}

TEST(PresentSchedule, OldReportsChangeNothing)
{
    PresentSchedule schedule;
    schedule.handedOver(1, kNow);
    schedule.handedOver(2, kNow + kMs);
    schedule.reported(1, kNow + 2 * kMs);
    EXPECT_TRUE(schedule.waitsForReport(after(kMs), kNow + 3 * kMs));
}

} // namespace vwsi
