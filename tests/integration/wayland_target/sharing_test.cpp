// The connection belongs to the application, and a wl_surface may see several swapchains.

#include "client.h"

#include <algorithm>
#include <atomic>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

namespace vwsi::testing {
namespace {

constexpr VkPresentModeKHR kFifo = VK_PRESENT_MODE_FIFO_KHR;
constexpr VkPresentModeKHR kMailbox = VK_PRESENT_MODE_MAILBOX_KHR;
constexpr VkPresentModeKHR kImmediate = VK_PRESENT_MODE_IMMEDIATE_KHR;

TEST(WaylandSharing, TheApplicationsQueueIsItsOwn)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    bool answered = false;
    static constexpr wl_callback_listener kListener = {
        .done = [](void* data, wl_callback*, uint32_t) { *static_cast<bool*>(data) = true; }};
    wl_callback* const sync = wl_display_sync(client.display());
    wl_callback_add_listener(sync, &kListener, &answered);
    TestPresenter presenter(client.surface(), kFifo);
    for (uint32_t frame = 1; frame <= 10; ++frame)
        ASSERT_EQ(presenter.show(frame), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(10));
    EXPECT_FALSE(answered) << "only the application dispatches its events";
    wl_display_dispatch_pending(client.display());
    EXPECT_TRUE(answered) << "which were read along with ours";
    wl_callback_destroy(sync);
}

TEST(WaylandSharing, OtherThreadsReadTheConnectionToo)
{
    TestCompositor compositor({.refresh = 1'000'000});
    Client client(compositor.connect());
    std::atomic<bool> stop{false};
    unsigned answers = 0;
    std::thread application([&] {
        // An event loop that keeps the connection busy, prepared for reading most of the time.
        static constexpr wl_callback_listener kListener = {.done = [](void* data, wl_callback* callback, uint32_t) {
            ++*static_cast<unsigned*>(data);
            wl_callback_destroy(callback);
        }};
        wl_callback_add_listener(wl_display_sync(client.display()), &kListener, &answers);
        unsigned asked = 1;
        while (!stop) {
            while (wl_display_prepare_read(client.display()) != 0)
                wl_display_dispatch_pending(client.display());
            wl_display_flush(client.display());
            pollfd descriptor{wl_display_get_fd(client.display()), POLLIN, 0};
            if (poll(&descriptor, 1, 5) > 0)
                wl_display_read_events(client.display());
            else
                wl_display_cancel_read(client.display());
            wl_display_dispatch_pending(client.display());
            if (answers == asked) {
                wl_callback_add_listener(wl_display_sync(client.display()), &kListener, &answers);
                ++asked;
            }
        }
        wl_display_roundtrip(client.display());
    });
    for (const VkPresentModeKHR mode : {kFifo, kMailbox}) {
        TestPresenter presenter(client.surface(), mode);
        for (uint32_t frame = 1; frame <= 300; ++frame)
            EXPECT_EQ(presenter.show(frame), VK_SUCCESS);
        EXPECT_TRUE(presenter.untilReported(300));
    }
    stop = true;
    application.join();
    EXPECT_GT(answers, 100u);
}

TEST(WaylandSharing, AWaitingPresenterBlocksNoReader)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), kFifo);
    ASSERT_EQ(presenter.show(1), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(1));
    const int wake = eventfd(0, EFD_CLOEXEC);
    std::thread waiting([&] { EXPECT_EQ(presenter.target().wait(wake, kForever), VK_SUCCESS); });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    // An application that draws all the time reads what is there, without polling first.
    const Nanoseconds begin = monotonicNow();
    for (int frame = 0; frame < 100; ++frame) {
        while (wl_display_prepare_read(client.display()) != 0)
            wl_display_dispatch_pending(client.display());
        wl_display_read_events(client.display());
    }
    EXPECT_LT(monotonicNow() - begin, 100'000'000u);
    eventfd_write(wake, 1);
    waiting.join();
    close(wake);
}

TEST(WaylandSharing, AQuietPresenterSleeps)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), kFifo);
    ASSERT_EQ(presenter.show(1), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(1));
    rusage before{};
    rusage after{};
    getrusage(RUSAGE_THREAD, &before);
    ASSERT_EQ(presenter.target().wait(-1, monotonicNow() + 1'000'000'000), VK_SUCCESS);
    getrusage(RUSAGE_THREAD, &after);
    EXPECT_LT(after.ru_nvcsw - before.ru_nvcsw, 30) << "wake-ups in a second";
}

TEST(WaylandSharing, TwoWindowsOnTwoThreads)
{
    TestCompositor compositor({.refresh = 1'000'000});
    Client client(compositor.connect());
    std::unique_ptr<Surface> second;
    wl_surface* const window = client.newWindow();
    ASSERT_EQ(createWaylandSurface(client.display(), window, &second), VK_SUCCESS);
    const auto run = [](Surface& surface) {
        TestPresenter presenter(surface, kMailbox);
        for (uint32_t frame = 1; frame <= 500; ++frame)
            EXPECT_EQ(presenter.show(frame), VK_SUCCESS);
        EXPECT_TRUE(presenter.until([&] { return presenter.idleBuffers() >= 2; }));
    };
    std::thread other([&] { run(client.surface()); });
    run(*second);
    other.join();
    second.reset();
    wl_surface_destroy(window);
}

TEST(WaylandReuse, ARetiredTargetMayLiveOn)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    TestPresenter old(client.surface(), kImmediate);
    ASSERT_EQ(old.show(1, kImmediate, {}, monotonicNow() + 1'000'000), VK_SUCCESS);
    ASSERT_EQ(old.show(2, kFifo), VK_SUCCESS);
    TestPresenter fresh(client.surface(), TestPresenter::Options{.mode = kFifo, .extent = {32, 32}});
    ASSERT_EQ(old.show(3, kFifo), VK_SUCCESS) << "until the new one has shown something";
    ASSERT_EQ(fresh.show(4, kImmediate, {}, monotonicNow() + 1'000'000), VK_SUCCESS);
    ASSERT_EQ(fresh.show(5, kFifo), VK_SUCCESS);
    EXPECT_EQ(old.show(6, kFifo), VK_ERROR_OUT_OF_DATE_KHR);
    ASSERT_TRUE(fresh.untilReported(2));
    EXPECT_EQ(compositor.lastPixel(), 5u);
    const auto requests = compositor.requests();
    EXPECT_EQ(requests.at("wp_fifo_manager_v1.get_fifo"), 1u);
    EXPECT_EQ(requests.at("wp_tearing_control_manager_v1.get_tearing_control"), 1u);
    EXPECT_EQ(requests.at("wp_commit_timing_manager_v1.get_timer"), 1u);
}

TEST(WaylandReuse, SwapchainAfterSwapchain)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    for (uint32_t size = 16; size <= 64; size += 8) {
        TestPresenter presenter(client.surface(), TestPresenter::Options{.mode = kFifo, .extent = {size, size}});
        for (uint32_t frame = 0; frame < 4; ++frame)
            ASSERT_EQ(presenter.show(size * 10 + frame), VK_SUCCESS);
        ASSERT_TRUE(presenter.untilReported(4));
        EXPECT_EQ(compositor.lastPixel(), size * 10 + 3);
        EXPECT_EQ(compositor.commits().back().width, static_cast<int32_t>(size));
    }
    for (const Shown& shown : compositor.shown())
        EXPECT_TRUE(shown.whole);
}

TEST(WaylandReuse, ASecondSurfaceOnTheSameWindow)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    for (int round = 1; round <= 3; ++round) {
        {
            TestPresenter presenter(client.surface(), kFifo);
            for (uint32_t frame = 1; frame <= 3; ++frame)
                ASSERT_EQ(presenter.show(frame), VK_SUCCESS);
            ASSERT_EQ(presenter.show(4, kImmediate, {}, monotonicNow() + 1'000'000), VK_SUCCESS);
            ASSERT_TRUE(presenter.untilReported(4));
        }
        wl_display_roundtrip(client.display());
        EXPECT_EQ(compositor.requests().at("wp_fifo_v1.destroy"), static_cast<unsigned>(round - 1) + 1u)
            << "gone with the last target";
        client.dropSurface();
        client.makeSurface();
    }
    wl_display_roundtrip(client.display());
    EXPECT_EQ(wl_display_get_error(client.display()), 0);
}

TEST(WaylandReuse, AnIdleSecondSurfaceDoesNoHarm)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    std::unique_ptr<Surface> idle;
    ASSERT_EQ(createWaylandSurface(client.display(), client.window(), &idle), VK_SUCCESS);
    std::vector<VkPresentModeKHR> modes;
    ASSERT_EQ(idle->presentModes(&modes), VK_SUCCESS);
    TestPresenter presenter(client.surface(), kFifo);
    ASSERT_EQ(presenter.show(1), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(1));
    idle.reset();
    ASSERT_EQ(presenter.show(2), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(2));
}

} // namespace
} // namespace vwsi::testing
