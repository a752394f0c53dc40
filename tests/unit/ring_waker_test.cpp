// Commands that are asleep in Venus' ring: when an application falls silent, the layer sends one more, and ever more
// seldom. A semaphore made and destroyed is that command.
#include "harness/layer_test.h"

#include <thread>

namespace vwsi::testing {

namespace {

using namespace std::chrono_literals;

class Silence : public LayerTest {
protected:
    unsigned nudges() const { return driver.count("vkDestroySemaphore"); }

    /// Waits until there have been `count` of them; false when that takes longer than `limit`.
    bool nudgedWithin(std::chrono::milliseconds limit, unsigned count) const
    {
        const Stopwatch watch;
        while (nudges() < count && watch.elapsed() < limit)
            std::this_thread::sleep_for(1ms);
        return nudges() >= count;
    }

    void submitNothing()
    {
        EXPECT_EQ(device().vk.QueueSubmit(device().queues[0], 0, nullptr, VK_NULL_HANDLE), VK_SUCCESS);
    }
};

} // namespace

TEST_F(Silence, IsBrokenMoreAndMoreSeldom)
{
    const Stopwatch watch;
    device();
    EXPECT_TRUE(nudgedWithin(2s, 1));
    EXPECT_GE(watch.elapsed(), 100ms);
    EXPECT_TRUE(nudgedWithin(2s, 2));
    EXPECT_GE(watch.elapsed(), 500ms);
    EXPECT_TRUE(nudgedWithin(4s, 3));
    EXPECT_GE(watch.elapsed(), 2100ms);
    std::this_thread::sleep_for(2s);
    EXPECT_EQ(nudges(), 3u) << "the next one is due after more than six seconds";
    EXPECT_EQ(driver.count("vkCreateSemaphore"), 3u);
}

TEST_F(Silence, IsWatchedForAnewWhenTheApplicationIsHeard)
{
    device();
    ASSERT_TRUE(nudgedWithin(6s, 3));
    submitNothing();
    const Stopwatch watch;
    EXPECT_TRUE(nudgedWithin(2s, 4)) << "instead of after more than six seconds";
    EXPECT_GE(watch.elapsed(), 80ms);
    EXPECT_TRUE(nudgedWithin(2s, 5));
}

TEST_F(Silence, IsNoneWhileTheApplicationSubmits)
{
    device();
    submitNothing();
    Stopwatch last;
    unsigned pauses = 0; // ours, on a busy machine
    for (int i = 0; i < 200; ++i) {
        std::this_thread::sleep_for(5ms);
        pauses += last.elapsed() > 90ms;
        submitNothing();
        last = Stopwatch();
    }
    EXPECT_LE(nudges(), 2 * pauses);
}

TEST_F(Silence, IsBrokenWhereAFrameDoesNotComplete)
{
    Window window(device());
    driver.setCompletion(mock::Completion::Manual);
    ASSERT_EQ(window.frame({{1, 1, 1, 1}}), VK_SUCCESS);
    EXPECT_TRUE(nudgedWithin(2s, nudges() + 1));
    driver.completeAll();
    driver.setCompletion(mock::Completion::Immediate);
    EXPECT_EQ(window.frame({{1, 1, 1, 1}}), VK_SUCCESS);
}

TEST_F(Silence, EndsWithTheDevice)
{
    device();
    ASSERT_TRUE(nudgedWithin(2s, 2));
    const Stopwatch watch;
    destroyDevice();
    EXPECT_LT(watch.elapsed(), 800ms) << "the thread was in a sleep of more than a second";
}

TEST_F(Silence, OfALostDeviceIsLeftAlone)
{
    device();
    driver.failNth("vkQueueSubmit", 1, VK_ERROR_DEVICE_LOST);
    EXPECT_EQ(device().vk.QueueSubmit(device().queues[0], 0, nullptr, VK_NULL_HANDLE), VK_ERROR_DEVICE_LOST);
    const unsigned before = nudges();
    std::this_thread::sleep_for(700ms);
    EXPECT_EQ(nudges(), before);
}

TEST_F(Silence, OfOtherDriversIsLeftAlone)
{
    IN_PROCESS_WITH({"VENUS_WSI_POLICY", "always"});
    add(mock::DeviceSpec::lavapipe());
    Window window(device());
    ASSERT_EQ(window.frame({{1, 1, 1, 1}}), VK_SUCCESS);
    const unsigned before = nudges();
    std::this_thread::sleep_for(700ms);
    EXPECT_EQ(nudges(), before);
}

} // namespace vwsi::testing
