// Damage out, presentation times in.

#include "client.h"

#include <sys/eventfd.h>
#include <unistd.h>

namespace vwsi::testing {
namespace {

constexpr VkPresentModeKHR kFifo = VK_PRESENT_MODE_FIFO_KHR;
constexpr Nanoseconds kMillisecond = 1'000'000;
const std::vector<Rect> kEverything{{0, 0, 64, 48}};

/// The damage that the second of two frames carries for `damage`.
Commit secondCommit(const CompositorOptions& options, std::span<const VkRect2D> damage)
{
    TestCompositor compositor(options);
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), kFifo);
    EXPECT_EQ(presenter.show(1, kFifo, damage), VK_SUCCESS);
    EXPECT_EQ(presenter.show(2, kFifo, damage), VK_SUCCESS);
    EXPECT_TRUE(presenter.untilReported(2));
    const std::vector<Commit> commits = compositor.commits();
    if (options.compositorVersion >= 4) {
        EXPECT_EQ(commits.at(0).bufferDamage, kEverything) << "there is no frame before the first";
    }
    return commits.at(1);
}

TEST(WaylandDamage, RectanglesArePassedOn)
{
    const VkRect2D damage[] = {{{1, 2}, {3, 4}}, {{10, 20}, {30, 5}}};
    const Commit commit = secondCommit({}, damage);
    EXPECT_EQ(commit.bufferDamage, (std::vector<Rect>{{1, 2, 3, 4}, {10, 20, 30, 5}}));
    EXPECT_TRUE(commit.surfaceDamage.empty());
}

TEST(WaylandDamage, NoneMeansEverything)
{
    EXPECT_EQ(secondCommit({}, {}).bufferDamage, kEverything);
}

TEST(WaylandDamage, RectanglesAreClipped)
{
    const VkRect2D damage[] = {
        {{-5, -5}, {10, 10}}, {{60, 40}, {UINT32_MAX, UINT32_MAX}}, {{INT32_MAX, 0}, {9, 9}}, {{3, 3}, {0, 5}}};
    EXPECT_EQ(secondCommit({}, damage).bufferDamage, (std::vector<Rect>{{0, 0, 5, 5}, {60, 40, 4, 8}}));
}

TEST(WaylandDamage, ManyRectanglesBecomeEverything)
{
    const std::vector<VkRect2D> damage(200, VkRect2D{{1, 1}, {1, 1}});
    EXPECT_EQ(secondCommit({}, damage).bufferDamage, kEverything);
}

TEST(WaylandDamage, OldSurfacesTakeSurfaceDamage)
{
    const VkRect2D damage[] = {{{1, 2}, {3, 4}}};
    const Commit commit = secondCommit({.compositorVersion = 3}, damage);
    EXPECT_TRUE(commit.bufferDamage.empty());
    EXPECT_EQ(commit.surfaceDamage, (std::vector<Rect>{{0, 0, INT32_MAX, INT32_MAX}}));
}

class WaylandClock : public ::testing::TestWithParam<clockid_t> {};

INSTANTIATE_TEST_SUITE_P(Clocks, WaylandClock,
                         ::testing::Values(CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW));

TEST_P(WaylandClock, TimesAreMonotonic)
{
    TestCompositor compositor({.clock = GetParam()});
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), kFifo);
    for (uint32_t frame = 1; frame <= 10; ++frame)
        ASSERT_EQ(presenter.show(frame), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(10));
    const std::vector<Shown> shown = compositor.shown();
    ASSERT_EQ(shown.size(), 10u);
    for (uint64_t serial = 1; serial <= 10; ++serial) {
        const Nanoseconds when = presenter.find(serial)->when;
        const Nanoseconds truth = shown[serial - 1].when;
        EXPECT_LT(when > truth ? when - truth : truth - when, 50 * kMillisecond);
    }
}

TEST_P(WaylandClock, TimestampsAreOnTheCompositorsClock)
{
    TestCompositor compositor({.clock = GetParam()});
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), kFifo);
    const Nanoseconds wanted = monotonicNow() + 50 * kMillisecond;
    ASSERT_EQ(presenter.show(1, kFifo, {}, wanted), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(1));
    ASSERT_TRUE(compositor.commits().at(0).time.has_value());
    const Nanoseconds when = compositor.shown().at(0).when;
    EXPECT_GE(when + kMillisecond, wanted);
    EXPECT_LT(when, wanted + 400 * kMillisecond);
}

TEST(WaylandReport, ReplacedFramesAreDiscarded)
{
    TestCompositor compositor({.refresh = 100 * kMillisecond});
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), VK_PRESENT_MODE_MAILBOX_KHR);
    for (uint32_t frame = 1; frame <= 10; ++frame)
        ASSERT_EQ(presenter.show(frame), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(10));
    EXPECT_NE(presenter.find(10)->when, 0u);
    unsigned discarded = 0;
    for (const TestPresenter::Report& report : presenter.reports())
        discarded += report.when == 0 ? 1 : 0;
    EXPECT_EQ(discarded + compositor.shown().size(), 10u);
    EXPECT_GE(discarded, 7u);
}

TEST(WaylandReport, OneHiddenFrameIsGivenUpInTime)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    compositor.setVisible(false);
    TestPresenter presenter(client.surface(), kFifo);
    const Nanoseconds begin = monotonicNow();
    ASSERT_EQ(presenter.show(1), VK_SUCCESS);
    // As a presenter waits that has nothing else to do.
    while (!presenter.find(1) && monotonicNow() - begin < 2'000 * kMillisecond)
        ASSERT_EQ(presenter.target().wait(-1, kForever), VK_SUCCESS);
    ASSERT_NE(presenter.find(1), nullptr);
    EXPECT_EQ(presenter.find(1)->when, 0u);
    EXPECT_GE(presenter.find(1)->heard - begin, 450 * kMillisecond);
    EXPECT_LT(presenter.find(1)->heard - begin, 1'000 * kMillisecond);
}

TEST(WaylandWait, EndsAtItsDeadlineOrWhenWoken)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), kFifo);
    Nanoseconds begin = monotonicNow();
    EXPECT_EQ(presenter.target().wait(-1, 0), VK_SUCCESS);
    EXPECT_LT(monotonicNow() - begin, 50 * kMillisecond);
    begin = monotonicNow();
    EXPECT_EQ(presenter.target().wait(-1, begin + 80 * kMillisecond), VK_SUCCESS);
    EXPECT_GE(monotonicNow() - begin, 79 * kMillisecond);
    EXPECT_LT(monotonicNow() - begin, 400 * kMillisecond);

    const int wake = eventfd(0, EFD_CLOEXEC);
    std::thread waker([wake] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        eventfd_write(wake, 1);
    });
    begin = monotonicNow();
    EXPECT_EQ(presenter.target().wait(wake, kForever), VK_SUCCESS);
    EXPECT_LT(monotonicNow() - begin, 1'000 * kMillisecond);
    waker.join();
    close(wake);
}

} // namespace
} // namespace vwsi::testing
