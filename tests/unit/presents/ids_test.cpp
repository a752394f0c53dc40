// PresentIds: who waits for which present, without a swapchain around it.
#include "swapchain/present_ids.h"

#include <chrono>
#include <future>
#include <gtest/gtest.h>

namespace vwsi {

namespace {

using namespace std::chrono_literals;

std::future<VkResult> waitBeside(PresentIds& ids, uint64_t id)
{
    return std::async(std::launch::async, [&ids, id] { return ids.wait(id, UINT64_MAX); });
}

bool blocked(const std::future<VkResult>& waiting)
{
    return waiting.wait_for(30ms) == std::future_status::timeout;
}

} // namespace

TEST(PresentIds, NothingIsReachedAtFirst)
{
    PresentIds ids;
    EXPECT_EQ(ids.wait(0, 0), VK_SUCCESS);
    EXPECT_EQ(ids.wait(1, 0), VK_TIMEOUT);
}

TEST(PresentIds, ReachingIsForAllBefore)
{
    PresentIds ids;
    ids.reached(5);
    EXPECT_EQ(ids.wait(1, 0), VK_SUCCESS);
    EXPECT_EQ(ids.wait(5, 0), VK_SUCCESS);
    EXPECT_EQ(ids.wait(6, 0), VK_TIMEOUT);
}

TEST(PresentIds, SmallerIdsDoNotLeadBack)
{
    PresentIds ids;
    ids.reached(5);
    ids.reached(3);
    ids.reached(0);
    EXPECT_EQ(ids.wait(5, 0), VK_SUCCESS);
}

TEST(PresentIds, QueuedIsNotReached)
{
    PresentIds ids;
    ids.queued(1);
    EXPECT_EQ(ids.wait(1, 0), VK_TIMEOUT);
}

TEST(PresentIds, EveryErrorEndsWaits)
{
    for (const VkResult error : {VK_ERROR_OUT_OF_DATE_KHR, VK_ERROR_SURFACE_LOST_KHR, VK_ERROR_DEVICE_LOST,
                                 VK_ERROR_OUT_OF_HOST_MEMORY, VK_ERROR_OUT_OF_DEVICE_MEMORY}) {
        PresentIds ids;
        ids.queued(1);
        auto queued = waitBeside(ids, 1);
        auto future = waitBeside(ids, 2);
        EXPECT_TRUE(blocked(queued));
        ids.fail(error);
        EXPECT_EQ(queued.get(), error);
        EXPECT_EQ(future.get(), error);
        EXPECT_EQ(ids.wait(1, 0), error);
    }
}

TEST(PresentIds, ReachedIdsSurviveErrors)
{
    PresentIds ids;
    ids.reached(2);
    ids.fail(VK_ERROR_SURFACE_LOST_KHR);
    EXPECT_EQ(ids.wait(2, 0), VK_SUCCESS);
    EXPECT_EQ(ids.wait(3, UINT64_MAX), VK_ERROR_SURFACE_LOST_KHR);
}

TEST(PresentIds, TheFirstErrorStays)
{
    PresentIds ids;
    ids.fail(VK_ERROR_OUT_OF_DATE_KHR);
    ids.fail(VK_ERROR_DEVICE_LOST);
    EXPECT_EQ(ids.wait(1, 0), VK_ERROR_OUT_OF_DATE_KHR);
}

TEST(PresentIds, RetiringLeavesQueuedIdsToCome)
{
    PresentIds ids;
    ids.queued(1);
    auto queued = waitBeside(ids, 1);
    auto future = waitBeside(ids, 2);
    EXPECT_TRUE(blocked(future));
    ids.retire();
    EXPECT_EQ(future.get(), VK_ERROR_OUT_OF_DATE_KHR);
    EXPECT_TRUE(blocked(queued));
    ids.reached(1);
    EXPECT_EQ(queued.get(), VK_SUCCESS);
}

TEST(PresentIds, AnImageHeldAtRetirementMayStillBePresented)
{
    PresentIds ids;
    ids.retire();
    EXPECT_EQ(ids.wait(1, 0), VK_ERROR_OUT_OF_DATE_KHR);
    ids.queued(1);
    EXPECT_EQ(ids.wait(1, 0), VK_TIMEOUT);
    ids.reached(1);
    EXPECT_EQ(ids.wait(1, 0), VK_SUCCESS);
}

} // namespace vwsi
