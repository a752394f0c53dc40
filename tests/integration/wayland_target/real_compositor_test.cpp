// The surface on a compositor that others wrote: Weston or sway, whichever WAYLAND_DISPLAY names.

#include "client.h"

#include "xdg-shell-client.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <poll.h>
#include <string>

namespace vwsi::testing {
namespace {

constexpr VkPresentModeKHR kFifo = VK_PRESENT_MODE_FIFO_KHR;
constexpr VkPresentModeKHR kMailbox = VK_PRESENT_MODE_MAILBOX_KHR;
constexpr Nanoseconds kMillisecond = 1'000'000;

/// An application with a toplevel window and an event loop on a thread of its own.
class Window {
public:
    Window()
    {
        m_display = wl_display_connect(nullptr);
        if (!m_display)
            throw std::runtime_error("no compositor: WAYLAND_DISPLAY must name one");
        wl_registry* const registry = wl_display_get_registry(m_display);
        static constexpr wl_registry_listener kRegistry = {
            .global =
                [](void* data, wl_registry* source, uint32_t name, const char* interface, uint32_t) {
                    auto* self = static_cast<Window*>(data);
                    if (strcmp(interface, "wl_compositor") == 0) {
                        self->m_compositor =
                            static_cast<wl_compositor*>(wl_registry_bind(source, name, &wl_compositor_interface, 4));
                    } else if (strcmp(interface, "xdg_wm_base") == 0) {
                        self->m_base =
                            static_cast<xdg_wm_base*>(wl_registry_bind(source, name, &xdg_wm_base_interface, 1));
                    }
                },
            .global_remove = [](void*, wl_registry*, uint32_t) {},
        };
        wl_registry_add_listener(registry, &kRegistry, this);
        wl_display_roundtrip(m_display);
        wl_registry_destroy(registry);
        static constexpr xdg_wm_base_listener kBase = {
            .ping = [](void*, xdg_wm_base* base, uint32_t serial) { xdg_wm_base_pong(base, serial); }};
        xdg_wm_base_add_listener(m_base, &kBase, nullptr);

        m_window = wl_compositor_create_surface(m_compositor);
        m_role = xdg_wm_base_get_xdg_surface(m_base, m_window);
        static constexpr xdg_surface_listener kRole = {.configure = [](void* data, xdg_surface* role, uint32_t serial) {
            xdg_surface_ack_configure(role, serial);
            static_cast<Window*>(data)->m_configured = true;
        }};
        xdg_surface_add_listener(m_role, &kRole, this);
        m_toplevel = xdg_surface_get_toplevel(m_role);
        static constexpr xdg_toplevel_listener kToplevel = {
            .configure =
                [](void* data, xdg_toplevel*, int32_t width, int32_t height, wl_array*) {
                    auto* self = static_cast<Window*>(data);
                    if (width > 0 && height > 0 && !self->m_configured)
                        self->m_extent = {static_cast<uint32_t>(width), static_cast<uint32_t>(height)};
                },
            .close = [](void*, xdg_toplevel*) {},
            .configure_bounds = [](void*, xdg_toplevel*, int32_t, int32_t) {},
            .wm_capabilities = [](void*, xdg_toplevel*, wl_array*) {},
        };
        xdg_toplevel_add_listener(m_toplevel, &kToplevel, this);
        wl_surface_commit(m_window);
        while (!m_configured && wl_display_dispatch(m_display) >= 0)
            continue;
        if (createWaylandSurface(m_display, m_window, &m_surface) != VK_SUCCESS)
            throw std::runtime_error("createWaylandSurface");
        m_thread = std::thread([this] { run(); });
    }

    ~Window()
    {
        m_stop = true;
        m_thread.join();
        m_surface.reset();
        xdg_toplevel_destroy(m_toplevel);
        xdg_surface_destroy(m_role);
        wl_surface_destroy(m_window);
        xdg_wm_base_destroy(m_base);
        wl_compositor_destroy(m_compositor);
        wl_display_disconnect(m_display);
    }

    Surface& surface() { return *m_surface; }
    wl_display* display() { return m_display; }
    /// What the compositor asked for first.
    VkExtent2D extent() const { return m_extent; }

private:
    void run()
    {
        while (!m_stop) {
            while (wl_display_prepare_read(m_display) != 0)
                wl_display_dispatch_pending(m_display);
            wl_display_flush(m_display);
            pollfd descriptor{wl_display_get_fd(m_display), POLLIN, 0};
            if (poll(&descriptor, 1, 10) <= 0)
                wl_display_cancel_read(m_display);
            else if (wl_display_read_events(m_display) < 0)
                return;
            if (wl_display_dispatch_pending(m_display) < 0)
                return;
        }
    }

    wl_display* m_display = nullptr;
    wl_compositor* m_compositor = nullptr;
    xdg_wm_base* m_base = nullptr;
    wl_surface* m_window = nullptr;
    xdg_surface* m_role = nullptr;
    xdg_toplevel* m_toplevel = nullptr;
    std::atomic<bool> m_configured{false};
    std::atomic<bool> m_stop{false};
    VkExtent2D m_extent{320, 240};
    std::unique_ptr<Surface> m_surface;
    std::thread m_thread;
};

std::string outputOf(const std::string& command)
{
    std::string output;
    FILE* pipe = popen(command.c_str(), "r");
    std::array<char, 256> line{};
    while (pipe && fgets(line.data(), line.size(), pipe))
        output += line.data();
    EXPECT_EQ(pipe ? pclose(pipe) : -1, 0) << command;
    return output;
}

/// Colour of the screen at a point, "RRGGBB".
std::string screenColour(unsigned x, unsigned y, const std::string& keepAs)
{
    outputOf(std::string(VWSI_CAPTURE) + " " + keepAs);
    return outputOf("convert " + keepAs + " -alpha off -depth 8 -format '%[hex:p{" + std::to_string(x) + "," +
                    std::to_string(y) + "}]' info:");
}

std::string picture(const char* name)
{
    const char* folder = getenv("VWSI_TEST_PICTURES");
    return std::string(folder ? folder : "/tmp") + "/" + name + ".png";
}

TestPresenter::Options windowed(const Window& window, VkPresentModeKHR mode)
{
    return {.mode = mode, .extent = window.extent()};
}

/// Shows frames until the compositor has put a few in a row on the screen. While it maps a window, sway
/// answers commits at once without showing them.
void settle(TestPresenter& presenter)
{
    const Nanoseconds end = deadlineAfter(5'000 * kMillisecond);
    for (int inARow = 0; inARow < 5 && monotonicNow() < end;) {
        ASSERT_EQ(presenter.show(0xff000000u), VK_SUCCESS);
        ASSERT_TRUE(presenter.untilReported(presenter.lastSerial()));
        inARow = presenter.find(presenter.lastSerial())->when ? inARow + 1 : 0;
    }
}

TEST(RealCompositor, FifoKeepsToTheRefresh)
{
    constexpr uint64_t kFrames = 60;
    Window window;
    TestPresenter presenter(window.surface(), windowed(window, kFifo));
    ASSERT_EQ(presenter.createResult(), VK_SUCCESS);
    settle(presenter);
    const uint64_t before = presenter.lastSerial();
    const Nanoseconds begin = monotonicNow();
    for (uint32_t frame = 1; frame <= kFrames; ++frame)
        ASSERT_EQ(presenter.show(0xff000000u + frame), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(before + kFrames));
    const Nanoseconds took = monotonicNow() - begin;
    RecordProperty("microseconds_per_frame", std::to_string(took / kFrames / 1000));
    EXPECT_GE(took, (kFrames - 3) * 16 * kMillisecond);
    EXPECT_LT(took, kFrames * 100 * kMillisecond);
    Nanoseconds last = 0;
    unsigned unseen = 0;
    for (const TestPresenter::Report& report : presenter.reports()) {
        if (report.serial <= before)
            continue;
        if (report.when == 0) {
            ++unseen;
            continue;
        }
        EXPECT_GT(report.when, last);
        EXPECT_LT(report.when, report.heard + 50 * kMillisecond);
        EXPECT_GT(report.when + 500 * kMillisecond, report.heard);
        last = report.when;
    }
    EXPECT_EQ(unseen, 0u);
    EXPECT_EQ(presenter.reports().size(), before + kFrames);
}

TEST(RealCompositor, MailboxIsNotHeldUp)
{
    Window window;
    TestPresenter presenter(window.surface(),
                            TestPresenter::Options{.mode = kMailbox, .images = 4, .extent = {128, 128}});
    const Nanoseconds begin = monotonicNow();
    for (uint32_t frame = 1; frame <= 500; ++frame)
        ASSERT_EQ(presenter.show(frame), VK_SUCCESS);
    const Nanoseconds took = monotonicNow() - begin;
    RecordProperty("microseconds_per_frame", std::to_string(took / 500 / 1000));
    EXPECT_LT(took, 500 * 8 * kMillisecond) << "twice as fast as the refresh at least";
    ASSERT_TRUE(presenter.untilReported(500));
    EXPECT_NE(presenter.find(500)->when, 0u);
}

TEST(RealCompositor, TheScreenShowsTheLastFrame)
{
    Window window;
    TestPresenter presenter(window.surface(), windowed(window, kFifo));
    const struct {
        uint32_t pixel;
        const char* colour;
    } cases[] = {{0xffff8000, "FF8000"}, {0xff0020c0, "0020C0"}, {0x0012d040, "12D040"}};
    for (const auto& one : cases) {
        for (int frame = 0; frame < 3; ++frame)
            ASSERT_EQ(presenter.show(one.pixel), VK_SUCCESS);
        ASSERT_TRUE(presenter.untilReported(presenter.lastSerial()));
        EXPECT_EQ(screenColour(window.extent().width / 2, window.extent().height / 2, picture(one.colour)), one.colour)
            << "an opaque window has no use for alpha";
    }
}

TEST(RealCompositor, OneWindowInManySizes)
{
    Window window;
    for (uint32_t size = 64; size <= 320; size += 32) {
        TestPresenter presenter(window.surface(), TestPresenter::Options{.mode = kFifo, .extent = {size, size}});
        for (uint32_t frame = 0; frame < 5; ++frame)
            ASSERT_EQ(presenter.show(0xff00ff00), VK_SUCCESS);
        ASSERT_TRUE(presenter.untilReported(5));
        EXPECT_NE(presenter.find(5)->when, 0u);
    }
    EXPECT_EQ(wl_display_get_error(window.display()), 0);
}

TEST(RealCompositor, ATimedFrameIsNotEarly)
{
    Window window;
    TestPresenter presenter(window.surface(), windowed(window, kFifo));
    for (uint32_t frame = 1; frame <= 5; ++frame)
        ASSERT_EQ(presenter.show(frame), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(5));
    const Nanoseconds wanted = monotonicNow() + 150 * kMillisecond;
    ASSERT_EQ(presenter.show(6, kFifo, {}, wanted), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(6));
    // Compositors round to their refresh.
    EXPECT_GE(presenter.find(6)->when + 17 * kMillisecond, wanted);
    EXPECT_LT(presenter.find(6)->when, wanted + 400 * kMillisecond);
}

TEST(SwayOnly, AHiddenWorkspaceDoesNotStall)
{
    Window window;
    TestPresenter presenter(window.surface(), windowed(window, kFifo));
    settle(presenter);
    uint32_t frame = 0;
    outputOf("swaymsg -q workspace 2");
    const Nanoseconds begin = monotonicNow();
    // sway needs a moment to switch, in which it answers commits at once.
    while (monotonicNow() - begin < 1'000 * kMillisecond)
        ASSERT_EQ(presenter.show(++frame), VK_SUCCESS);
    unsigned hidden = 0;
    while (monotonicNow() - begin < 2'000 * kMillisecond) {
        ASSERT_EQ(presenter.show(++frame), VK_SUCCESS);
        ++hidden;
    }
    EXPECT_GE(hidden, 5u) << "frames go on";
    EXPECT_LE(hidden, 15u) << "slowly";
    ASSERT_TRUE(presenter.untilReported(presenter.lastSerial(), 2'000 * kMillisecond));
    outputOf("swaymsg -q workspace 1");
    ASSERT_EQ(presenter.show(++frame), VK_SUCCESS);
    ASSERT_TRUE(presenter.until([&] { return presenter.target().readyAt(kFifo) == 0; }));
    const Nanoseconds back = monotonicNow();
    for (int i = 0; i < 30; ++i)
        ASSERT_EQ(presenter.show(++frame), VK_SUCCESS);
    EXPECT_LT(monotonicNow() - back, 30 * 90 * kMillisecond);
}

/// Needs a compositor of its own: it dies.
TEST(CompositorDeath, IsSurfaceLost)
{
    const char* const pid = getenv("RIG_SWAY_PID") ? getenv("RIG_SWAY_PID") : getenv("RIG_WESTON_PID");
    ASSERT_NE(pid, nullptr);
    Window window;
    TestPresenter presenter(window.surface(), windowed(window, kFifo));
    for (uint32_t frame = 1; frame <= 10; ++frame)
        ASSERT_EQ(presenter.show(frame), VK_SUCCESS);
    ASSERT_EQ(kill(atoi(pid), SIGKILL), 0);
    const Nanoseconds begin = monotonicNow();
    VkResult result = VK_SUCCESS;
    for (uint32_t frame = 11; result == VK_SUCCESS && monotonicNow() - begin < 5'000 * kMillisecond; ++frame)
        result = presenter.show(frame);
    EXPECT_EQ(result, VK_ERROR_SURFACE_LOST_KHR);
    EXPECT_LT(monotonicNow() - begin, 1'000 * kMillisecond);
}

} // namespace
} // namespace vwsi::testing
