// The compositor dies, complains or stops; the application does things in the wrong order.

#include "client.h"

#include <sys/socket.h>

namespace vwsi::testing {
namespace {

constexpr VkPresentModeKHR kFifo = VK_PRESENT_MODE_FIFO_KHR;
constexpr VkPresentModeKHR kMailbox = VK_PRESENT_MODE_MAILBOX_KHR;
constexpr Nanoseconds kSecond = 1'000'000'000;

/// Waits until the target says that its surface is lost, as a presenter would; the time that took.
Nanoseconds untilLost(TestPresenter& presenter)
{
    const Nanoseconds begin = monotonicNow();
    VkResult result = VK_SUCCESS;
    while (result == VK_SUCCESS && monotonicNow() - begin < 5 * kSecond)
        result = presenter.target().wait(-1, monotonicNow() + kSecond);
    EXPECT_EQ(result, VK_ERROR_SURFACE_LOST_KHR);
    EXPECT_EQ(presenter.target().wait(-1, kForever), VK_ERROR_SURFACE_LOST_KHR) << "and no hang afterwards";
    EXPECT_EQ(presenter.target().present({.buffer = 0, .serial = 1000, .damage = {}}), VK_ERROR_SURFACE_LOST_KHR);
    return monotonicNow() - begin;
}

void expectLost(Client& client)
{
    SurfaceState state;
    std::vector<VkPresentModeKHR> modes;
    std::vector<const PixelFormat*> formats;
    EXPECT_EQ(client.surface().state(&state), VK_ERROR_SURFACE_LOST_KHR);
    EXPECT_EQ(client.surface().presentModes(&modes), VK_ERROR_SURFACE_LOST_KHR);
    EXPECT_EQ(client.surface().formats(&formats), VK_ERROR_SURFACE_LOST_KHR);
    TestPresenter presenter(client.surface(), kFifo);
    EXPECT_EQ(presenter.createResult(), VK_ERROR_SURFACE_LOST_KHR);
}

TEST(WaylandLoss, CompositorGone)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), kFifo);
    ASSERT_EQ(presenter.show(1), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(1));
    compositor.disconnectClients();
    EXPECT_LT(untilLost(presenter), kSecond);
    expectLost(client);
}

TEST(WaylandLoss, CompositorGoneInTheMiddleOfFrames)
{
    for (const VkPresentModeKHR mode : {kFifo, kMailbox}) {
        TestCompositor compositor;
        Client client(compositor.connect());
        TestPresenter presenter(client.surface(), mode);
        std::thread killer([&compositor] {
            std::this_thread::sleep_for(std::chrono::milliseconds(60));
            compositor.disconnectClients();
        });
        const Nanoseconds begin = monotonicNow();
        VkResult result = VK_SUCCESS;
        for (uint32_t frame = 1; result == VK_SUCCESS && monotonicNow() - begin < 5 * kSecond; ++frame)
            result = presenter.show(frame);
        EXPECT_EQ(result, VK_ERROR_SURFACE_LOST_KHR);
        EXPECT_LT(monotonicNow() - begin, 2 * kSecond);
        killer.join();
        expectLost(client);
    }
}

TEST(WaylandLoss, CompositorGoneBeforeTheFirstQuery)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    compositor.disconnectClients();
    std::vector<VkPresentModeKHR> modes;
    const Nanoseconds begin = monotonicNow();
    EXPECT_EQ(client.surface().presentModes(&modes), VK_ERROR_SURFACE_LOST_KHR);
    EXPECT_LT(monotonicNow() - begin, kSecond);
    expectLost(client);
}

TEST(WaylandLoss, ProtocolErrorOnSomeoneElsesObject)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), kFifo);
    ASSERT_EQ(presenter.show(1), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(1));
    ::testing::internal::CaptureStderr();
    compositor.postError();
    EXPECT_LT(untilLost(presenter), kSecond);
    const std::string log = ::testing::internal::GetCapturedStderr();
    EXPECT_NE(log.find("venus-wsi: error: the Wayland compositor ended the connection with protocol error 7 "
                       "on wl_surface"),
              std::string::npos)
        << log;
    expectLost(client);
}

TEST(WaylandLoss, WindowDestroyedUnderAFrame)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), kFifo);
    ASSERT_EQ(presenter.show(1), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(1));
    client.destroyWindow();
    VkResult result = VK_SUCCESS;
    const Nanoseconds begin = monotonicNow();
    for (uint32_t frame = 2; result == VK_SUCCESS && monotonicNow() - begin < 5 * kSecond; ++frame)
        result = presenter.show(frame);
    EXPECT_EQ(result, VK_ERROR_SURFACE_LOST_KHR);
    EXPECT_LT(monotonicNow() - begin, 2 * kSecond);
}

TEST(WaylandLoss, TearingDownAfterTheWindowIsNoError)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    {
        TestPresenter presenter(client.surface(), kFifo);
        ASSERT_EQ(presenter.show(1, VK_PRESENT_MODE_IMMEDIATE_KHR, {}, monotonicNow() + 1'000'000), VK_SUCCESS);
        ASSERT_EQ(presenter.show(2), VK_SUCCESS);
        ASSERT_TRUE(presenter.untilReported(2));
        client.destroyWindow();
    }
    client.dropSurface();
    wl_display_roundtrip(client.display());
    EXPECT_EQ(wl_display_get_error(client.display()), 0);
}

TEST(WaylandLoss, AStoppedCompositorHoldsNobodyUp)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    Nanoseconds begin = 0;
    {
        TestPresenter presenter(client.surface(), kMailbox);
        ASSERT_EQ(presenter.show(1), VK_SUCCESS);
        ASSERT_TRUE(presenter.untilReported(1));
        compositor.setFrozen(true);
        begin = monotonicNow();
        ASSERT_EQ(presenter.show(2), VK_SUCCESS);
        ASSERT_EQ(presenter.show(3), VK_SUCCESS);
        EXPECT_LT(monotonicNow() - begin, kSecond / 10) << "present() must not wait";
        EXPECT_EQ(presenter.show(4, kMailbox, {}, 0, kSecond / 5), VK_NOT_READY) << "no buffer comes back";
        EXPECT_LT(monotonicNow() - begin, kSecond);
        begin = monotonicNow();
    }
    EXPECT_LT(monotonicNow() - begin, kSecond / 10) << "nor must destruction";
    compositor.setFrozen(false);
}

TEST(WaylandLoss, AFullSocketLosesNoFrame)
{
    constexpr uint32_t kImages = 32;
    TestCompositor compositor;
    const int socket = compositor.connect();
    constexpr int kSmall = 1;
    setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &kSmall, sizeof(kSmall));
    Client client(socket);
    TestPresenter presenter(client.surface(), TestPresenter::Options{.mode = kMailbox, .images = kImages});
    ASSERT_EQ(presenter.createResult(), VK_SUCCESS);
    ASSERT_TRUE(presenter.until([&] { return compositor.pools().size() == 1; }));
    compositor.setFrozen(true);
    const std::vector<VkRect2D> damage(16, VkRect2D{{1, 1}, {2, 2}});
    const Nanoseconds begin = monotonicNow();
    uint32_t sent = 0;
    while (sent < kImages && presenter.show(sent + 1, kMailbox, damage) == VK_SUCCESS)
        ++sent;
    EXPECT_EQ(sent, kImages);
    EXPECT_LT(monotonicNow() - begin, kSecond);
    compositor.setFrozen(false);
    EXPECT_TRUE(presenter.until([&] { return compositor.commits().size() == kImages; }));
    EXPECT_EQ(wl_display_get_error(client.display()), 0);
    ASSERT_EQ(presenter.show(100), VK_SUCCESS);
    ASSERT_TRUE(presenter.until([&] { return compositor.lastPixel() == 100; }));
}

TEST(WaylandLoss, AnUnknownBufferIsRefused)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), kFifo);
    EXPECT_NE(presenter.target().present({.buffer = 99, .serial = 1, .damage = {}}), VK_SUCCESS);
    EXPECT_EQ(presenter.show(1), VK_SUCCESS);
}

} // namespace
} // namespace vwsi::testing
