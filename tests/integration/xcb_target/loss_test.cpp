// X11 targets when windows, connections and servers go away or refuse: the right result, soon, and nothing
// worse.

#include "core/settings.h"
#include "player.h"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace vwsi::xcbtest {

namespace {

struct Mode {
    const char* name;
    const char* setting;
    VkPresentModeKHR mode;
};

/// The default action, whatever this program was started with: a write to a dead socket would end it.
void fearSigpipe()
{
    signal(SIGPIPE, SIG_DFL);
}

class Loss : public ::testing::TestWithParam<Mode> {
protected:
    void SetUp() override
    {
        fearSigpipe();
        setenv("VENUS_WSI_X11", GetParam().setting, 1);
        vwsi::testing::reloadSettings();
    }
    void TearDown() override
    {
        unsetenv("VENUS_WSI_X11");
        vwsi::testing::reloadSettings();
    }
};

/// Shows frames until one fails; VK_SUCCESS when none did within a time that is far too long.
VkResult showUntilFailure(Player& player)
{
    const Nanoseconds patience = deadlineAfter(8'000'000'000);
    VkResult result = VK_SUCCESS;
    for (uint32_t i = 0; result >= 0; ++i) {
        if (monotonicNow() > patience)
            return VK_SUCCESS;
        result = player.show(frameColour(i));
    }
    return result;
}

TEST_P(Loss, WindowDestroyedUnderLoad)
{
    const Server server("800x600x24", {"-ac"});
    Client client(server.display());
    const xcb_window_t window = client.createWindow(300, 200);
    Player player(client, window, {300, 200}, GetParam().mode);
    ASSERT_EQ(player.result(), VK_SUCCESS);
    ASSERT_EQ(player.show(1), VK_SUCCESS);
    std::thread destroyer([&] {
        usleep(100'000);
        client.destroy(window);
    });
    EXPECT_EQ(showUntilFailure(player), VK_ERROR_SURFACE_LOST_KHR);
    destroyer.join();
    EXPECT_EQ(player.target().wait(-1, 0), VK_ERROR_SURFACE_LOST_KHR) << "the error must stay";

    SurfaceState state;
    EXPECT_EQ(player.surface().state(&state), VK_ERROR_SURFACE_LOST_KHR);
    std::vector<const PixelFormat*> formats;
    EXPECT_EQ(player.surface().formats(&formats), VK_ERROR_SURFACE_LOST_KHR);
    player.end();
    EXPECT_EQ(client.eventCount(), 0u) << "the application heard of the layer's requests";
}

TEST_P(Loss, IdleTargetHearsOfItsWindowsEnd)
{
    const Server server("800x600x24", {"-ac"});
    Client client(server.display());
    const xcb_window_t window = client.createWindow(300, 200);
    Player player(client, window, {300, 200}, GetParam().mode);
    ASSERT_EQ(player.result(), VK_SUCCESS);
    ASSERT_EQ(player.show(1), VK_SUCCESS);
    ASSERT_EQ(player.finish(), VK_SUCCESS);
    std::thread destroyer([&] {
        usleep(50'000);
        client.destroy(window);
    });
    const Nanoseconds patience = deadlineAfter(5'000'000'000);
    VkResult result = VK_SUCCESS;
    while (result >= 0 && monotonicNow() < patience)
        result = player.target().wait(-1, patience);
    EXPECT_EQ(result, VK_ERROR_SURFACE_LOST_KHR);
    destroyer.join();
}

TEST_P(Loss, ServerKilledUnderLoad)
{
    Server server("800x600x24", {"-ac"});
    Client client(server.display());
    const xcb_window_t window = client.createWindow(300, 200);
    Player player(client, window, {300, 200}, GetParam().mode);
    ASSERT_EQ(player.result(), VK_SUCCESS);
    ASSERT_EQ(player.show(1), VK_SUCCESS);
    std::thread killer([&] {
        usleep(100'000);
        server.kill();
    });
    EXPECT_EQ(showUntilFailure(player), VK_ERROR_SURFACE_LOST_KHR);
    killer.join();
    const Nanoseconds start = monotonicNow();
    player.end();
    EXPECT_LT(monotonicNow() - start, 1'000'000'000u);
    SurfaceState state;
    EXPECT_EQ(player.surface().state(&state), VK_ERROR_SURFACE_LOST_KHR);
    Player next(player.surface(), {300, 200}, GetParam().mode);
    EXPECT_EQ(next.result(), VK_ERROR_SURFACE_LOST_KHR);
}

TEST_P(Loss, ServerKilledUnnoticed)
{
    Server server("800x600x24", {"-ac"});
    Client client(server.display());
    const xcb_window_t window = client.createWindow(300, 200);
    Player player(client, window, {300, 200}, GetParam().mode);
    ASSERT_EQ(player.result(), VK_SUCCESS);
    ASSERT_EQ(player.show(1), VK_SUCCESS);
    ASSERT_EQ(player.finish(), VK_SUCCESS);
    usleep(50'000);
    server.kill();
    // Nothing was read since, so this writes to a dead socket.
    EXPECT_EQ(showUntilFailure(player), VK_ERROR_SURFACE_LOST_KHR);
}

TEST_P(Loss, StoppedServerHoldsNobodyForLonger)
{
    Server server("800x600x24", {"-ac"});
    Client client(server.display());
    const xcb_window_t window = client.createWindow(64, 64);
    Player player(client, window, {64, 64}, GetParam().mode);
    ASSERT_EQ(player.result(), VK_SUCCESS);
    ASSERT_EQ(player.show(1), VK_SUCCESS);
    ASSERT_EQ(player.finish(), VK_SUCCESS);
    server.stop();
    ASSERT_EQ(player.show(2), VK_SUCCESS);
    const Nanoseconds start = monotonicNow();
    EXPECT_EQ(player.target().wait(-1, deadlineAfter(50'000'000)), VK_SUCCESS);
    EXPECT_EQ(player.reported(), 1u);
    EXPECT_EQ(player.freeBuffers(), Player::kBuffers - 1) << "the server may still read the buffer";
    int wake[2];
    ASSERT_EQ(pipe(wake), 0);
    ASSERT_EQ(write(wake[1], "", 1), 1);
    EXPECT_EQ(player.target().wait(wake[0], kForever), VK_SUCCESS) << "a wake-up ends the wait";
    EXPECT_LT(monotonicNow() - start, 2'000'000'000u);
    close(wake[0]);
    close(wake[1]);
    server.resume();
    EXPECT_EQ(player.finish(), VK_SUCCESS);
    EXPECT_EQ(player.reported(), 2u);
}

constexpr Mode kModes[] = {
    {"Immediate", "auto", VK_PRESENT_MODE_IMMEDIATE_KHR},
    {"ImmediateByPresent", "present", VK_PRESENT_MODE_IMMEDIATE_KHR},
    {"ImmediateBySocket", "put", VK_PRESENT_MODE_IMMEDIATE_KHR},
    {"Fifo", "auto", VK_PRESENT_MODE_FIFO_KHR},
    {"FifoByTimer", "shm", VK_PRESENT_MODE_FIFO_KHR},
};

INSTANTIATE_TEST_SUITE_P(Xcb, Loss, ::testing::ValuesIn(kModes), [](const auto& info) { return info.param.name; });

/// A server that lets in only who knows its cookie, and an application that is in already.
class Refused : public ::testing::TestWithParam<Mode> {
protected:
    static constexpr char kCookie[] = "0123456789abcdef";

    void SetUp() override
    {
        fearSigpipe();
        setenv("VENUS_WSI_X11", GetParam().setting, 1);
        vwsi::testing::reloadSettings();
        char path[] = "/tmp/xcb-target-auth-XXXXXX";
        const int file = mkstemp(path);
        ASSERT_GE(file, 0);
        m_path = path;
        // Xauthority: family, then address, display number, name and data as counted strings, big-endian.
        std::string entry("\xff\xff\0\0\0\0", 6); // any address, any display
        for (const std::string& text : {std::string("MIT-MAGIC-COOKIE-1"), std::string(kCookie)})
            entry += std::string{'\0', static_cast<char>(text.size())} + text;
        ASSERT_EQ(write(file, entry.data(), entry.size()), static_cast<ssize_t>(entry.size()));
        close(file);
        setenv("XAUTHORITY", "/nonexistent", 1);
        unsetenv("DISPLAY");
    }
    void TearDown() override
    {
        unlink(m_path.c_str());
        unsetenv("XAUTHORITY");
        unsetenv("VENUS_WSI_X11");
        vwsi::testing::reloadSettings();
    }

    xcb_connection_t* connect(const Server& server)
    {
        char name[] = "MIT-MAGIC-COOKIE-1";
        char data[sizeof(kCookie)];
        memcpy(data, kCookie, sizeof(kCookie));
        xcb_auth_info_t auth{static_cast<int>(strlen(name)), name, static_cast<int>(strlen(data)), data};
        return xcb_connect_to_display_with_auth_info(server.display().c_str(), &auth, nullptr);
    }

    std::string m_path;
};

TEST_P(Refused, FramesGoOverTheApplicationsConnectionUnheard)
{
    const Server server("800x600x24", {"-auth", m_path.c_str()});
    xcb_connection_t* stranger = xcb_connect(server.display().c_str(), nullptr);
    ASSERT_NE(xcb_connection_has_error(stranger), 0) << "the server lets everybody in: this test tests nothing";
    xcb_disconnect(stranger);

    Client client(connect(server));
    const xcb_window_t window = client.createWindow(300, 200);
    // The application's own events must all stay.
    const uint32_t events = XCB_EVENT_MASK_STRUCTURE_NOTIFY;
    xcb_change_window_attributes(client.connection(), window, XCB_CW_EVENT_MASK, &events);
    Player player(client, window, {300, 200}, GetParam().mode);
    ASSERT_EQ(player.result(), VK_SUCCESS);
    for (uint32_t i = 1; i <= 40; ++i)
        ASSERT_EQ(player.show(frameColour(i)), VK_SUCCESS);
    ASSERT_EQ(player.finish(), VK_SUCCESS);
    EXPECT_EQ(uniform(client.pixels(window, 0, 0, 300, 200)), frameColour(40) & 0xffffff);
    ASSERT_EQ(player.show(0xff123456, {{{1, 1}, {2, 2}}}), VK_SUCCESS);
    ASSERT_EQ(player.finish(), VK_SUCCESS);
    EXPECT_EQ(uniform(client.pixels(window, 1, 1, 2, 2)), 0x123456);
    EXPECT_EQ(uniform(client.pixels(window, 3, 3, 200, 100)), frameColour(40) & 0xffffff);

    client.resize(window, 310, 200);
    VkResult result = VK_SUCCESS;
    for (uint32_t i = 0; i < 20 && result == VK_SUCCESS; ++i)
        result = player.show(frameColour(i));
    EXPECT_EQ(result, VK_SUBOPTIMAL_KHR);
    client.destroy(window);
    EXPECT_EQ(showUntilFailure(player), VK_ERROR_SURFACE_LOST_KHR);
    player.end();
    client.sync();

    unsigned configures = 0;
    unsigned destroys = 0;
    unsigned others = 0;
    while (xcb_generic_event_t* event = xcb_poll_for_event(client.connection())) {
        const int type = event->response_type & 0x7f;
        configures += type == XCB_CONFIGURE_NOTIFY;
        destroys += type == XCB_DESTROY_NOTIFY;
        others += type != XCB_CONFIGURE_NOTIFY && type != XCB_DESTROY_NOTIFY && type != XCB_MAP_NOTIFY &&
                  type != XCB_UNMAP_NOTIFY;
        free(event);
    }
    EXPECT_EQ(configures, 1u);
    EXPECT_EQ(destroys, 1u);
    EXPECT_EQ(others, 0u) << "something of the layer's reached the application's queue";
}

TEST_P(Refused, ServerKilledUnderLoad)
{
    Server server("800x600x24", {"-auth", m_path.c_str()});
    Client client(connect(server));
    const xcb_window_t window = client.createWindow(300, 200);
    Player player(client, window, {300, 200}, GetParam().mode);
    ASSERT_EQ(player.result(), VK_SUCCESS);
    std::thread killer([&] {
        usleep(100'000);
        server.kill();
    });
    EXPECT_EQ(showUntilFailure(player), VK_ERROR_SURFACE_LOST_KHR);
    killer.join();
}

INSTANTIATE_TEST_SUITE_P(Xcb, Refused, ::testing::ValuesIn(kModes), [](const auto& info) { return info.param.name; });

/// Passes the bytes of one connection, but no descriptors, on to a server: as ssh or a container's proxy does.
class Relay {
public:
    explicit Relay(const Server& server)
    {
        m_server = connectTo("/tmp/.X11-unix/X" + server.display().substr(1));
        m_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const sockaddr_un address = addressOf(m_path);
        unlink(m_path.c_str());
        if (bind(m_listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
            listen(m_listener, 1) != 0)
            ADD_FAILURE() << "no relay";
        m_thread = std::thread([this] { run(); });
    }
    ~Relay()
    {
        unlink(m_path.c_str());
        m_thread.join();
        close(m_listener);
        close(m_server);
    }
    const std::string& path() const { return m_path; }
    /// Lets nobody else in.
    void hide() { unlink(m_path.c_str()); }

private:
    static sockaddr_un addressOf(const std::string& path)
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof(address.sun_path) - 1);
        return address;
    }

    static int connectTo(const std::string& path)
    {
        const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const sockaddr_un address = addressOf(path);
        EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
        return fd;
    }

    void run()
    {
        const int client = accept(m_listener, nullptr, nullptr);
        pollfd ends[] = {{client, POLLIN, 0}, {m_server, POLLIN, 0}};
        char bytes[65536];
        for (bool open = client >= 0; open && poll(ends, 2, -1) > 0;) {
            for (int i = 0; i < 2 && open; ++i) {
                if (!ends[i].revents)
                    continue;
                const ssize_t got = read(ends[i].fd, bytes, sizeof(bytes));
                open = got > 0 && write(ends[1 - i].fd, bytes, static_cast<size_t>(got)) == got;
            }
        }
        close(client);
    }

    std::string m_path = "/tmp/xcb-target-relay-" + std::to_string(getpid());
    int m_listener = -1;
    int m_server = -1;
    std::thread m_thread;
};

TEST(XcbLoss, AnotherServerIsNotTakenForTheApplications)
{
    // The application's way to its server is gone, and $DISPLAY leads to another that has a window of the same
    // name: the root's.
    const Server other("800x600x24", {"-ac"});
    const Server server("800x600x24", {"-ac"});
    Relay relay(server);
    Client client(relay.path());
    Client stranger(other.display());
    relay.hide();
    const xcb_window_t window = client.screen()->root;
    ASSERT_EQ(stranger.screen()->root, window);
    const auto before = stranger.pixels(window, 0, 0, 800, 600);
    setenv("DISPLAY", other.display().c_str(), 1);

    Player player(client, window, {800, 600}, VK_PRESENT_MODE_IMMEDIATE_KHR);
    ASSERT_EQ(player.result(), VK_SUCCESS);
    ASSERT_EQ(player.show(0xff00ff00), VK_SUCCESS);
    ASSERT_EQ(player.finish(), VK_SUCCESS);
    EXPECT_EQ(uniform(client.pixels(window, 0, 0, 800, 600)), 0x00ff00);
    EXPECT_TRUE(stranger.pixels(window, 0, 0, 800, 600) == before);
    player.end();
    unsetenv("DISPLAY");
}

TEST(XcbLoss, DeadConnectionAtCreation)
{
    Server server("800x600x24", {"-ac"});
    Client client(server.display());
    const xcb_window_t window = client.createWindow(100, 100);
    client.sync();
    server.kill();
    std::unique_ptr<Surface> surface;
    ASSERT_EQ(createXcbSurface(client.connection(), window, &surface), VK_SUCCESS);
    SurfaceState state;
    EXPECT_EQ(surface->state(&state), VK_ERROR_SURFACE_LOST_KHR);
    std::unique_ptr<Target> target;
    const TargetInfo info{{100, 100},
                          pixelFormats().data(),
                          VK_COLOR_SPACE_SRGB_NONLINEAR_KHR,
                          VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR,
                          VK_PRESENT_MODE_FIFO_KHR,
                          3,
                          nullptr};
    EXPECT_EQ(surface->createTarget(info, &target), VK_ERROR_SURFACE_LOST_KHR);
    EXPECT_EQ(target, nullptr);
    EXPECT_FALSE(xcbPresentationSupport(client.connection(), 0x21));
}

TEST(XcbLoss, NullsAndStrangersAreRefused)
{
    const Server server("800x600x24", {"-ac"});
    Client client(server.display());
    std::unique_ptr<Surface> surface;
    SurfaceState state;
    ASSERT_EQ(createXcbSurface(nullptr, 1, &surface), VK_SUCCESS);
    EXPECT_EQ(surface->state(&state), VK_ERROR_SURFACE_LOST_KHR);
    ASSERT_EQ(createXlibSurface(nullptr, 1, &surface), VK_SUCCESS);
    EXPECT_EQ(surface->state(&state), VK_ERROR_SURFACE_LOST_KHR);
    // A window that another server would know.
    ASSERT_EQ(createXcbSurface(client.connection(), 0x1fffff01, &surface), VK_SUCCESS);
    EXPECT_EQ(surface->state(&state), VK_ERROR_SURFACE_LOST_KHR);
    // A pixmap is no window.
    const xcb_pixmap_t pixmap = xcb_generate_id(client.connection());
    xcb_create_pixmap(client.connection(), 24, pixmap, client.screen()->root, 10, 10);
    ASSERT_EQ(createXcbSurface(client.connection(), pixmap, &surface), VK_SUCCESS);
    EXPECT_EQ(surface->state(&state), VK_ERROR_SURFACE_LOST_KHR);
    EXPECT_EQ(client.eventCount(), 0u);
}

TEST(XcbLoss, NoSegmentsAndDescriptorsAreLeft)
{
    const auto descriptors = [] {
        unsigned count = 0;
        for (int fd = 0; fd < 1024; ++fd)
            count += fcntl(fd, F_GETFD) >= 0;
        return count;
    };
    const auto segments = [] {
        shm_info info{};
        shmctl(0, SHM_INFO, reinterpret_cast<shmid_ds*>(&info));
        return info.used_ids;
    };
    const Server server("800x600x24", {"-ac"});
    Client client(server.display());
    const xcb_window_t window = client.createWindow(100, 100);
    std::unique_ptr<Surface> surface;
    ASSERT_EQ(createXcbSurface(client.connection(), window, &surface), VK_SUCCESS);
    const int segmentsBefore = segments();
    unsigned before = 0;
    for (int i = 0; i < 20; ++i) {
        // The surface keeps one connection for the next target.
        if (i == 1)
            before = descriptors();
        Player player(*surface, {100, 100}, VK_PRESENT_MODE_FIFO_KHR);
        ASSERT_EQ(player.result(), VK_SUCCESS);
        ASSERT_EQ(player.show(1), VK_SUCCESS);
    }
    EXPECT_EQ(descriptors(), before);
    EXPECT_EQ(segments(), segmentsBefore);
}

TEST(XcbLoss, DeferredAllocationDoesNotLoseTheWaitersEvents)
{
    const Server server("800x600x24", {"-ac"});
    Client client(server.display());
    const xcb_window_t window = client.createWindow(64, 64);
    std::unique_ptr<Surface> surface;
    ASSERT_EQ(createXcbSurface(client.connection(), window, &surface), VK_SUCCESS);
    std::vector<const PixelFormat*> formats;
    ASSERT_EQ(surface->formats(&formats), VK_SUCCESS);
    constexpr uint32_t kImages = 64;
    std::unique_ptr<Target> target;
    const TargetInfo info{{64, 64},
                          formats[0],
                          VK_COLOR_SPACE_SRGB_NONLINEAR_KHR,
                          VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR,
                          VK_PRESENT_MODE_IMMEDIATE_KHR,
                          kImages,
                          nullptr};
    ASSERT_EQ(surface->createTarget(info, &target), VK_SUCCESS);
    struct Events final : TargetEvents {
        std::atomic<uint32_t> idle{0};
        void bufferIdle(uint32_t) override { ++idle; }
        void framePresented(uint64_t, Nanoseconds) override {}
    } events;
    target->setEvents(&events);
    TargetBuffer buffer;
    ASSERT_EQ(target->allocate(0, {}, &buffer), VK_SUCCESS);

    std::atomic<bool> end{false};
    std::atomic<uint32_t> late{0};
    uint32_t shown = 0;
    std::thread presenter([&] {
        while (!end) {
            Frame frame;
            frame.serial = ++shown;
            frame.mode = VK_PRESENT_MODE_IMMEDIATE_KHR;
            if (target->present(frame) != VK_SUCCESS)
                break;
            const Nanoseconds start = monotonicNow();
            while (events.idle < shown && monotonicNow() - start < 2'000'000'000)
                target->wait(-1, start + 2'000'000'000);
            late += monotonicNow() - start > 1'000'000'000;
        }
    });
    for (uint32_t i = 1; i < kImages; ++i) {
        EXPECT_EQ(target->allocate(i, {}, &buffer), VK_SUCCESS);
        usleep(2000);
    }
    end = true;
    presenter.join();
    EXPECT_EQ(late, 0u) << "a wake-up was lost";
    EXPECT_GT(shown, 20u);
}

} // namespace

} // namespace vwsi::xcbtest
