// The parts of X11 presentation that need no server.

#include "surface/refresh_timer.h"
#include "surface/xcb/peer_address.h"
#include "surface/xcb/refresh_rate.h"
#include "surface/xcb/shared_memory.h"
#include "surface/xcb/sigpipe_guard.h"
#include "surface/xcb/xcb_visual.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <string>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace vwsi {

namespace {

constexpr Nanoseconds kMs = 1'000'000;

TEST(XcbRefreshTimer, FirstFrameNeedNotWait)
{
    const RefreshTimer timer(16 * kMs);
    EXPECT_EQ(timer.nextSlot(), 0u);
}

TEST(XcbRefreshTimer, KeepsItsRhythmWhenALittleLate)
{
    RefreshTimer timer(16 * kMs);
    timer.take(1000 * kMs);
    EXPECT_EQ(timer.nextSlot(), 1016 * kMs);
    timer.take(1018 * kMs);
    EXPECT_EQ(timer.nextSlot(), 1032 * kMs) << "a late wake-up must not slow the rhythm";
}

TEST(XcbRefreshTimer, StartsANewRhythmWhenAnIntervalLate)
{
    RefreshTimer timer(16 * kMs);
    timer.take(1000 * kMs);
    timer.take(1100 * kMs);
    EXPECT_EQ(timer.nextSlot(), 1116 * kMs) << "frames that never came are not caught up on";
}

TEST(XcbRefreshTimer, EarlyFramesCountFromTheirOwnMoment)
{
    RefreshTimer timer(16 * kMs);
    timer.take(1000 * kMs);
    timer.take(1003 * kMs);
    EXPECT_EQ(timer.nextSlot(), 1019 * kMs);
}

xcb_randr_mode_info_t mode(uint32_t clock, uint16_t htotal, uint16_t vtotal, uint32_t flags = 0)
{
    xcb_randr_mode_info_t info{};
    info.dot_clock = clock;
    info.htotal = htotal;
    info.vtotal = vtotal;
    info.mode_flags = flags;
    return info;
}

TEST(XcbRefreshRate, ComesFromClockAndTotals)
{
    EXPECT_EQ(milliHzOf(mode(148'500'000, 2200, 1125)), 60'000u);
    EXPECT_EQ(milliHzOf(mode(148'351'648, 2200, 1125)), 59'940u);
    EXPECT_EQ(milliHzOf(mode(74'250'000, 2200, 1125, XCB_RANDR_MODE_FLAG_INTERLACE)), 60'000u);
    EXPECT_EQ(milliHzOf(mode(74'250'000, 2200, 562, XCB_RANDR_MODE_FLAG_DOUBLE_SCAN)), 30'026u);
}

TEST(XcbRefreshRate, MadeUpModesTellNothing)
{
    EXPECT_EQ(milliHzOf(mode(0, 2200, 1125)), 0u);
    EXPECT_EQ(milliHzOf(mode(148'500'000, 0, 0)), 0u);
    EXPECT_EQ(milliHzOf(mode(1'000'000'000, 10, 10)), 0u);
    EXPECT_EQ(milliHzOf(mode(1'000, 2200, 1125)), 0u);
}

/// A listening socket and a connection to it.
class Connected {
public:
    Connected(const sockaddr* address, socklen_t length)
    {
        m_listener = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const int one = 1;
        setsockopt(m_listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        m_client = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        m_good = bind(m_listener, address, length) == 0 && listen(m_listener, 1) == 0 &&
                 connect(m_client, address, length) == 0;
    }
    ~Connected()
    {
        close(m_listener);
        close(m_client);
    }
    int client() const { return m_client; }
    bool good() const { return m_good; }

private:
    int m_listener = -1;
    int m_client = -1;
    bool m_good = false;
};

std::string displayAtUnix(const std::string& path, bool abstract)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path + (abstract ? 1 : 0), path.data(), path.size());
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
    const Connected connected(reinterpret_cast<const sockaddr*>(&address), length);
    EXPECT_TRUE(connected.good()) << path << ": " << strerror(errno);
    const std::string display = displayAtPeer(connected.client());
    EXPECT_TRUE(isUnixSocket(connected.client()));
    if (!abstract)
        unlink(path.c_str());
    return display;
}

TEST(XcbPeerAddress, UnixSockets)
{
    mkdir("/tmp/.X11-unix", 01777);
    EXPECT_EQ(displayAtUnix("/tmp/.X11-unix/X4711", false), ":4711");
    EXPECT_EQ(displayAtUnix("/tmp/.X11-unix/X4711", true), ":4711");
    EXPECT_EQ(displayAtUnix("/tmp/xcb-parts-socket", false), "/tmp/xcb-parts-socket");
    EXPECT_EQ(displayAtUnix("/tmp/.X11-unix/Xother", false), "/tmp/.X11-unix/Xother");
    EXPECT_EQ(displayAtUnix("elsewhere", true), "");
}

TEST(XcbPeerAddress, Tcp)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(6000 + 4711);
    {
        const Connected connected(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
        if (!connected.good())
            GTEST_SKIP() << "no loopback network: " << strerror(errno);
        EXPECT_EQ(displayAtPeer(connected.client()), "127.0.0.1:4711");
        EXPECT_FALSE(isUnixSocket(connected.client()));
    }
    address.sin_port = htons(5999);
    const Connected below(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    ASSERT_TRUE(below.good());
    EXPECT_EQ(displayAtPeer(below.client()), "") << "no display has this port";
}

TEST(XcbPeerAddress, NotConnected)
{
    int pair[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    EXPECT_EQ(displayAtPeer(pair[0]), "");
    EXPECT_TRUE(samePeer(pair[0], pair[1])) << "both ends are this process";
    EXPECT_EQ(displayAtPeer(-1), "");
    EXPECT_FALSE(isUnixSocket(-1));
    close(pair[0]);
    close(pair[1]);
}

TEST(XcbSharedMemory, FileIsAlignedSealedAndShared)
{
    for (const size_t alignment : {pageSize(), size_t{65536}, size_t{2} << 20}) {
        SharedMemory memory;
        int descriptor = -1;
        ASSERT_TRUE(memory.createFile(3 * alignment, alignment, &descriptor));
        EXPECT_EQ(reinterpret_cast<uintptr_t>(memory.data()) % alignment, 0u);
        memset(memory.data(), 7, 3 * alignment);
        unsigned char last = 0;
        EXPECT_EQ(pread(descriptor, &last, 1, static_cast<off_t>(3 * alignment - 1)), 1);
        EXPECT_EQ(last, 7);
        EXPECT_NE(ftruncate(descriptor, 1), 0) << "a file that shrinks takes pages from the server";
        EXPECT_NE(fcntl(descriptor, F_GETFD) & FD_CLOEXEC, 0);
        close(descriptor);
    }
}

TEST(XcbSharedMemory, SegmentIsThisUsersAlone)
{
    SharedMemory memory;
    int id = -1;
    ASSERT_TRUE(memory.createSegment(10'000, &id));
    shmid_ds state{};
    ASSERT_EQ(shmctl(id, IPC_STAT, &state), 0);
    EXPECT_EQ(state.shm_perm.mode & 0777, 0600);
    SharedMemory::removeSegment(id);
    memset(memory.data(), 1, 10'000);
    memory.reset();
    EXPECT_NE(shmctl(id, IPC_STAT, &state), 0) << "the segment outlives its users";
}

TEST(XcbSharedMemory, PrivateMemoryIsAligned)
{
    SharedMemory memory;
    ASSERT_TRUE(memory.createPrivate(1 << 20, 1 << 20));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory.data()) % (1 << 20), 0u);
    memset(memory.data(), 1, 1 << 20);
    memory.reset();
    EXPECT_EQ(memory.data(), nullptr);
    EXPECT_FALSE(memory.createPrivate(SIZE_MAX / 16 * 15, pageSize()));
}

TEST(XcbSigpipeGuard, AWriteToAClosedSocketIsSurvived)
{
    // Its default action would end this test.
    signal(SIGPIPE, SIG_DFL);
    int pair[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    close(pair[1]);
    std::thread([&] {
        {
            const SigpipeGuard guard;
            const SigpipeGuard nested;
            EXPECT_EQ(write(pair[0], "", 1), -1);
            EXPECT_EQ(errno, EPIPE);
        }
        sigset_t now;
        pthread_sigmask(SIG_BLOCK, nullptr, &now);
        EXPECT_FALSE(sigismember(&now, SIGPIPE)) << "the caller's mask must come back";
        sigpending(&now);
        EXPECT_FALSE(sigismember(&now, SIGPIPE));
    }).join();
    close(pair[0]);
}

XcbVisual visual(uint8_t depth, uint8_t bits, uint32_t red, uint32_t green, uint32_t blue)
{
    XcbVisual result;
    result.id = 1;
    result.depth = depth;
    result.bitsPerPixel = bits;
    result.direct = true;
    result.masks[0] = red;
    result.masks[1] = green;
    result.masks[2] = blue;
    return result;
}

TEST(XcbVisualFormats, FollowTheMasks)
{
    const auto bgr = formatsOf(visual(24, 32, 0xff0000, 0xff00, 0xff));
    ASSERT_EQ(bgr.size(), 2u);
    EXPECT_EQ(bgr[0]->format, VK_FORMAT_B8G8R8A8_UNORM);
    EXPECT_EQ(bgr[1]->format, VK_FORMAT_B8G8R8A8_SRGB);
    const auto rgb = formatsOf(visual(24, 32, 0xff, 0xff00, 0xff0000));
    ASSERT_FALSE(rgb.empty());
    EXPECT_EQ(rgb[0]->format, VK_FORMAT_R8G8B8A8_UNORM);
    EXPECT_TRUE(formatsOf(visual(24, 24, 0xff0000, 0xff00, 0xff)).empty()) << "three bytes a pixel";
    EXPECT_TRUE(formatsOf(visual(15, 16, 0x7c00, 0x3e0, 0x1f)).empty());
    XcbVisual palette = visual(24, 32, 0xff0000, 0xff00, 0xff);
    palette.direct = false;
    EXPECT_TRUE(formatsOf(palette).empty());
}

TEST(XcbVisualFormats, AlphaIsWhatTheMasksLeave)
{
    EXPECT_TRUE(visual(32, 32, 0xff0000, 0xff00, 0xff).hasAlpha());
    EXPECT_FALSE(visual(24, 32, 0xff0000, 0xff00, 0xff).hasAlpha());
    EXPECT_FALSE(visual(30, 32, 0x3ff00000, 0xffc00, 0x3ff).hasAlpha());
    EXPECT_FALSE(visual(16, 16, 0xf800, 0x7e0, 0x1f).hasAlpha());
}

} // namespace

} // namespace vwsi
