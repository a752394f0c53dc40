// Order and wholeness of frames in each present mode, with and without each optional protocol.

#include "client.h"
#include "surface/present_mode_compatibility.h"

#include <algorithm>
#include <string>

namespace vwsi::testing {
namespace {

constexpr VkPresentModeKHR kFifo = VK_PRESENT_MODE_FIFO_KHR;
constexpr VkPresentModeKHR kMailbox = VK_PRESENT_MODE_MAILBOX_KHR;
constexpr VkPresentModeKHR kImmediate = VK_PRESENT_MODE_IMMEDIATE_KHR;
constexpr VkPresentModeKHR kRelaxed = VK_PRESENT_MODE_FIFO_RELAXED_KHR;
constexpr Nanoseconds kMillisecond = 1'000'000;

/// A compositor that lacks some of the optional protocols.
struct Offer {
    const char* name;
    bool fifo;
    bool presentation;
    bool tearing;
    bool commitTiming;
};

void PrintTo(const Offer& offer, std::ostream* out)
{
    *out << offer.name;
}

class WaylandPacing : public ::testing::TestWithParam<Offer> {
protected:
    TestCompositor m_compositor{{.presentation = GetParam().presentation,
                                 .tearing = GetParam().tearing,
                                 .fifo = GetParam().fifo,
                                 .commitTiming = GetParam().commitTiming}};
    Client m_client{m_compositor.connect()};

    void expectWhole()
    {
        for (const Shown& shown : m_compositor.shown())
            EXPECT_TRUE(shown.whole) << "frame " << shown.pixel;
    }
};

INSTANTIATE_TEST_SUITE_P(
    Offers, WaylandPacing,
    ::testing::Values(Offer{"everything", true, true, true, true}, Offer{"noFifo", false, true, true, true},
                      Offer{"noPresentation", true, false, true, true}, Offer{"noTearing", true, true, false, true},
                      Offer{"noCommitTiming", true, true, true, false}, Offer{"nothing", false, false, false, false}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_P(WaylandPacing, FifoShowsEveryFrameOnceInOrder)
{
    constexpr uint32_t kFrames = 60;
    TestPresenter presenter(m_client.surface(), kFifo);
    ASSERT_EQ(presenter.createResult(), VK_SUCCESS);
    const Nanoseconds begin = monotonicNow();
    for (uint32_t frame = 1; frame <= kFrames; ++frame)
        ASSERT_EQ(presenter.show(frame), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(kFrames));
    const Nanoseconds took = monotonicNow() - begin;

    const std::vector<Shown> shown = m_compositor.shown();
    ASSERT_EQ(shown.size(), kFrames);
    for (uint32_t frame = 1; frame <= kFrames; ++frame)
        EXPECT_EQ(shown[frame - 1].pixel, frame);
    expectWhole();
    EXPECT_GE(took, (kFrames - 2) * m_compositor.refresh()) << "one frame a refresh and no more";
    EXPECT_LT(took, kFrames * m_compositor.refresh() * 10) << "nor much less";
    ASSERT_EQ(presenter.reports().size(), kFrames);
    for (const TestPresenter::Report& report : presenter.reports())
        EXPECT_NE(report.when, 0u) << "frame " << report.serial << " was shown";
}

#ifdef VK_EXT_present_mode_fifo_latest_ready
TEST_P(WaylandPacing, TheLatestReadyFrameWaitsForARefresh)
{
    constexpr uint32_t kFrames = 20;
    constexpr VkPresentModeKHR kLatestReady = VK_PRESENT_MODE_FIFO_LATEST_READY_EXT;
    TestPresenter presenter(m_client.surface(), kLatestReady);
    ASSERT_EQ(presenter.createResult(), VK_SUCCESS);
    const VkPresentModeKHR mode = pacingOf(kLatestReady, presenter.target().replacesFrames());
    const Nanoseconds begin = monotonicNow();
    for (uint32_t frame = 1; frame <= kFrames; ++frame)
        ASSERT_EQ(presenter.show(frame, mode), VK_SUCCESS);
    EXPECT_GT(monotonicNow() - begin, (kFrames - 4) * m_compositor.refresh());
    ASSERT_TRUE(presenter.until([&] { return m_compositor.lastPixel() == kFrames; }));
    EXPECT_EQ(m_compositor.shown().size(), size_t{kFrames}) << "no frame that was handed over is replaced";
}
#endif

TEST_P(WaylandPacing, MailboxNeverWaitsForARefresh)
{
    constexpr uint32_t kFrames = 300;
    TestPresenter presenter(m_client.surface(), kMailbox);
    ASSERT_EQ(presenter.createResult(), VK_SUCCESS);
    const Nanoseconds begin = monotonicNow();
    for (uint32_t frame = 1; frame <= kFrames; ++frame) {
        ASSERT_EQ(presenter.target().readyAt(kMailbox), 0u);
        ASSERT_EQ(presenter.show(frame), VK_SUCCESS);
    }
    const Nanoseconds took = monotonicNow() - begin;
    EXPECT_LT(took, kFrames * m_compositor.refresh() / 2);
    ASSERT_TRUE(presenter.until([&] { return m_compositor.lastPixel() == kFrames; }));
    const std::vector<Shown> shown = m_compositor.shown();
    EXPECT_LT(shown.size(), size_t{kFrames});
    EXPECT_TRUE(std::ranges::is_sorted(shown, std::ranges::less_equal{}, &Shown::pixel) ||
                std::ranges::is_sorted(shown, {}, &Shown::pixel));
    expectWhole();
    ASSERT_TRUE(presenter.until([&] { return presenter.reports().size() == kFrames; }));
    EXPECT_NE(presenter.find(kFrames)->when, 0u);
}

TEST_P(WaylandPacing, ImmediateTearsWhereItMay)
{
    TestPresenter presenter(m_client.surface(), kImmediate);
    for (uint32_t frame = 1; frame <= 20; ++frame)
        ASSERT_EQ(presenter.show(frame), VK_SUCCESS);
    ASSERT_EQ(presenter.show(21, kFifo), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(21));
    const std::vector<Commit> commits = m_compositor.commits();
    ASSERT_EQ(commits.size(), 21u);
    for (size_t index = 0; index < 20; ++index)
        EXPECT_EQ(commits[index].async, GetParam().tearing);
    EXPECT_FALSE(commits.back().async);
    if (GetParam().tearing) {
        EXPECT_EQ(m_compositor.requests().at("wp_tearing_control_v1.set_presentation_hint"), 2u)
            << "the hint is sent when it changes only";
    }
    expectWhole();
}

TEST_P(WaylandPacing, RelaxedFramesTearOnlyWhenTheyAreLate)
{
    TestPresenter presenter(m_client.surface(), kRelaxed);
    constexpr uint32_t kFrames = 12;
    for (uint32_t frame = 1; frame <= kFrames; ++frame) {
        ASSERT_EQ(presenter.show(frame), VK_SUCCESS);
        if (frame % 4 == 0) {
            // Far beyond the refresh that shows the frame, also at the rate that is assumed where none is told.
            ASSERT_TRUE(presenter.untilReported(frame));
            presenter.until([] { return false; }, 60 * kMillisecond);
        }
    }
    ASSERT_TRUE(presenter.untilReported(kFrames));
    const std::vector<Commit> commits = m_compositor.commits();
    ASSERT_EQ(commits.size(), size_t{kFrames});
    for (uint32_t frame = 1; frame <= kFrames; ++frame) {
        // A busy machine may make any frame late; those after the pauses are.
        if (frame > 1 && frame % 4 == 1) {
            EXPECT_EQ(commits[frame - 1].async, GetParam().tearing) << "frame " << frame;
        }
    }
    EXPECT_FALSE(commits[0].async) << "the first frame follows none";
    const std::vector<Shown> shown = m_compositor.shown();
    ASSERT_EQ(shown.size(), size_t{kFrames}) << "no frame is lost";
    expectWhole();
}

TEST_P(WaylandPacing, AHiddenWindowGoesOnSlowly)
{
    TestPresenter presenter(m_client.surface(), kFifo);
    for (uint32_t frame = 1; frame <= 3; ++frame)
        ASSERT_EQ(presenter.show(frame), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(3));
    m_compositor.setVisible(false);
    const size_t shownBefore = m_compositor.shown().size();

    // The window counts as hidden within half a second, and each frame takes a tenth from then on.
    const Nanoseconds hidden = monotonicNow();
    uint32_t frame = 3;
    while (monotonicNow() - hidden < 800 * kMillisecond)
        ASSERT_EQ(presenter.show(++frame), VK_SUCCESS);
    const Nanoseconds begin = monotonicNow();
    for (int i = 0; i < 5; ++i)
        ASSERT_EQ(presenter.show(++frame), VK_SUCCESS);
    const Nanoseconds took = monotonicNow() - begin;
    EXPECT_GE(took, 380 * kMillisecond);
    EXPECT_LT(took, 1'500 * kMillisecond);
    ASSERT_TRUE(presenter.untilReported(frame, 2'000 * kMillisecond)) << "who waits for a hidden frame must not hang";
    EXPECT_EQ(presenter.find(frame)->when, 0u);
    EXPECT_EQ(m_compositor.shown().size(), shownBefore);

    m_compositor.setVisible(true);
    ASSERT_EQ(presenter.show(++frame), VK_SUCCESS);
    ASSERT_TRUE(presenter.until([&] { return presenter.target().readyAt(kFifo) == 0; }));
    const Nanoseconds back = monotonicNow();
    const size_t from = m_compositor.shown().size();
    for (int i = 0; i < 20; ++i)
        ASSERT_EQ(presenter.show(++frame), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(frame));
    EXPECT_LT(monotonicNow() - back, 20 * m_compositor.refresh() * 10) << "back at full speed";
    EXPECT_GE(m_compositor.shown().size(), from + 20);
    expectWhole();
}

TEST_P(WaylandPacing, AFrameWaitsForItsTime)
{
    TestPresenter presenter(m_client.surface(), kFifo);
    ASSERT_EQ(presenter.show(1), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(1));
    const Nanoseconds wanted = monotonicNow() + 60 * kMillisecond;
    ASSERT_EQ(presenter.show(2, kFifo, {}, wanted), VK_SUCCESS);
    ASSERT_EQ(presenter.show(3, kFifo), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(3));
    const std::vector<Shown> shown = m_compositor.shown();
    ASSERT_EQ(shown.size(), 3u);
    EXPECT_EQ(shown[1].pixel, 2u);
    EXPECT_GE(shown[1].when, wanted);
    EXPECT_LT(shown[1].when, wanted + 400 * kMillisecond);
    EXPECT_EQ(shown[2].pixel, 3u);
    const std::vector<Commit> commits = m_compositor.commits();
    EXPECT_EQ(commits[1].time.has_value(), GetParam().commitTiming);
    if (GetParam().commitTiming) {
        EXPECT_EQ(*commits[1].time, wanted);
    }
    EXPECT_FALSE(commits[2].time.has_value());
    expectWhole();
}

TEST_P(WaylandPacing, AHeldFrameDoesNotSwallowTheNext)
{
    TestPresenter presenter(m_client.surface(), kMailbox);
    const Nanoseconds wanted = monotonicNow() + 40 * kMillisecond;
    const VkRect2D damage{{1, 2}, {3, 4}};
    ASSERT_EQ(presenter.show(1, kMailbox), VK_SUCCESS);
    ASSERT_EQ(presenter.show(2, kMailbox, {&damage, 1}, wanted), VK_SUCCESS);
    ASSERT_EQ(presenter.show(3, kMailbox), VK_SUCCESS);
    ASSERT_TRUE(presenter.until([&] { return presenter.reports().size() == 3; }));
    wl_display_roundtrip(m_client.display());
    const std::vector<Commit> commits = m_compositor.commits();
    ASSERT_EQ(commits.size(), 3u);
    EXPECT_EQ(commits[1].bufferDamage, (std::vector<Rect>{{1, 2, 3, 4}})) << "the damage was kept with the frame";
}

TEST(WaylandFifo, BarriersGoWithQueuedFrames)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), kMailbox);
    ASSERT_EQ(presenter.show(1, kMailbox), VK_SUCCESS);
    ASSERT_EQ(presenter.show(2, kFifo), VK_SUCCESS);
    ASSERT_EQ(presenter.show(3, kMailbox), VK_SUCCESS);
    ASSERT_EQ(presenter.show(4, kMailbox), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(4));
    const std::vector<Commit> commits = compositor.commits();
    ASSERT_EQ(commits.size(), 4u);
    EXPECT_FALSE(commits[0].setsBarrier || commits[0].waitsForBarrier);
    EXPECT_TRUE(commits[1].setsBarrier && commits[1].waitsForBarrier);
    EXPECT_TRUE(!commits[2].setsBarrier && commits[2].waitsForBarrier) << "must not push out the queued frame";
    EXPECT_FALSE(commits[3].setsBarrier || commits[3].waitsForBarrier);
    const auto shown = compositor.shown();
    EXPECT_NE(std::ranges::find(shown, 2u, &Shown::pixel), shown.end());
}

TEST(WaylandFifo, TheCompositorHasOneFrameAhead)
{
    TestCompositor compositor({.refresh = 200 * kMillisecond});
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), TestPresenter::Options{.mode = kFifo, .images = 4});
    const Nanoseconds begin = monotonicNow();
    ASSERT_EQ(presenter.show(1), VK_SUCCESS);
    ASSERT_EQ(presenter.show(2), VK_SUCCESS);
    EXPECT_LT(monotonicNow() - begin, 190 * kMillisecond);
    EXPECT_GT(presenter.target().readyAt(kFifo), monotonicNow()) << "a longer queue makes frames late";
    ASSERT_EQ(presenter.show(3), VK_SUCCESS);
    ASSERT_EQ(presenter.show(4), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(4));
    EXPECT_GE(monotonicNow() - begin, 590 * kMillisecond);
    EXPECT_EQ(compositor.shown().size(), 4u);
}

TEST(WaylandFifo, TwoImagesAreEnough)
{
    for (const bool fifo : {true, false}) {
        TestCompositor compositor({.fifo = fifo});
        Client client(compositor.connect());
        TestPresenter presenter(client.surface(), TestPresenter::Options{.mode = kFifo, .images = 2});
        for (uint32_t frame = 1; frame <= 30; ++frame)
            ASSERT_EQ(presenter.show(frame), VK_SUCCESS);
        ASSERT_TRUE(presenter.untilReported(30));
        EXPECT_EQ(compositor.shown().size(), 30u);
    }
}

} // namespace
} // namespace vwsi::testing
