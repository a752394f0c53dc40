// What X11 targets show on a real server: whole frames, in order, with the right pacing, by every way there
// is.

#include "core/settings.h"
#include "player.h"

#include <atomic>
#include <cstdlib>
#include <gtest/gtest.h>
#include <thread>

namespace vwsi::xcbtest {

namespace {

/// One way for frames to reach the server.
struct Way {
    const char* name;
    const char* setting; ///< VENUS_WSI_X11
    const char* without; ///< extension that the server lacks, or null
    VkPresentModeKHR mode;
};

std::string nameOf(const ::testing::TestParamInfo<Way>& info)
{
    return info.param.name;
}

class Ways : public ::testing::TestWithParam<Way> {
protected:
    void SetUp() override
    {
        setenv("VENUS_WSI_X11", GetParam().setting, 1);
        vwsi::testing::reloadSettings();
        if (GetParam().without)
            m_server = std::make_unique<Server>(
                "800x600x24", std::initializer_list<const char*>{"-ac", "-extension", GetParam().without});
        else
            m_server = std::make_unique<Server>("800x600x24", std::initializer_list<const char*>{"-ac"});
        m_client = std::make_unique<Client>(m_server->display());
        if (GetParam().without) {
            ASSERT_FALSE(m_client->hasExtension(GetParam().without)) << "the server cannot do without it";
        }
    }

    void TearDown() override
    {
        EXPECT_EQ(m_client->eventCount(), 0u) << "something of the layer's reached the application's queue";
        unsetenv("VENUS_WSI_X11");
        vwsi::testing::reloadSettings();
    }

    std::unique_ptr<Server> m_server;
    std::unique_ptr<Client> m_client;
};

TEST_P(Ways, FramesAreWholeAndInOrder)
{
    // More than one PutImage can take.
    constexpr uint16_t kWidth = 700;
    constexpr uint16_t kHeight = 500;
    const xcb_window_t window = m_client->createWindow(kWidth, kHeight);
    Player player(*m_client, window, {kWidth, kHeight}, GetParam().mode);
    ASSERT_EQ(player.result(), VK_SUCCESS);

    // Another client looks all the time.
    std::atomic<bool> end{false};
    unsigned looks = 0;
    unsigned torn = 0;
    unsigned backward = 0;
    int last = -1;
    std::thread looker([&] {
        Client other(m_server->display());
        while (!end) {
            const int64_t colour = uniform(other.pixels(window, 0, 0, kWidth, kHeight));
            if (colour == 0 && last <= 0)
                continue; // the window's background
            const int number = colour < 0 ? -1 : frameNumber(static_cast<uint32_t>(colour));
            ++looks;
            torn += number < 0;
            if (number >= 0) {
                backward += number < last;
                last = number;
            }
        }
    });
    const uint32_t frames = GetParam().mode == VK_PRESENT_MODE_IMMEDIATE_KHR ? 600 : 90;
    VkResult result = VK_SUCCESS;
    for (uint32_t i = 1; i <= frames && result == VK_SUCCESS; ++i)
        result = player.show(frameColour(i));
    EXPECT_EQ(result, VK_SUCCESS);
    EXPECT_EQ(player.finish(), VK_SUCCESS);
    end = true;
    looker.join();
    EXPECT_GT(looks, 10u);
    EXPECT_EQ(torn, 0u);
    EXPECT_EQ(backward, 0u);
    EXPECT_EQ(player.reported(), frames);
    EXPECT_EQ(uniform(m_client->pixels(window, 0, 0, kWidth, kHeight)), frameColour(frames) & 0xffffff);
}

TEST_P(Ways, OnlyDamageChanges)
{
    const xcb_window_t window = m_client->createWindow(320, 200);
    Player player(*m_client, window, {320, 200}, GetParam().mode);
    ASSERT_EQ(player.result(), VK_SUCCESS);
    ASSERT_EQ(player.show(0xff101010), VK_SUCCESS);
    ASSERT_EQ(player.finish(), VK_SUCCESS);
    // One inside, one that hangs over the edge, one outside, one empty.
    ASSERT_EQ(player.show(
                  0xffaabbcc,
                  {{{10, 20}, {30, 40}}, {{300, 190}, {UINT32_MAX, 100}}, {{400, 300}, {10, 10}}, {{50, 50}, {0, 0}}}),
              VK_SUCCESS);
    ASSERT_EQ(player.finish(), VK_SUCCESS);

    const std::vector<uint32_t> pixels = m_client->pixels(window, 0, 0, 320, 200);
    ASSERT_EQ(pixels.size(), 320u * 200u);
    unsigned wrong = 0;
    for (int y = 0; y < 200; ++y) {
        for (int x = 0; x < 320; ++x) {
            const bool inside = (x >= 10 && x < 40 && y >= 20 && y < 60) || (x >= 300 && y >= 190);
            wrong += (pixels[static_cast<size_t>(y) * 320 + x] & 0xffffff) != (inside ? 0xaabbccu : 0x101010u);
        }
    }
    EXPECT_EQ(wrong, 0u);

    // A whole frame after a partial one is whole again.
    ASSERT_EQ(player.show(0xff404040), VK_SUCCESS);
    ASSERT_EQ(player.finish(), VK_SUCCESS);
    EXPECT_EQ(uniform(m_client->pixels(window, 0, 0, 320, 200)), 0x404040);
}

TEST_P(Ways, DriversPitchShowsNoPadding)
{
    const xcb_window_t window = m_client->createWindow(300, 100);
    BufferLayout layout;
    layout.stride = 1280;
    layout.alignment = 65536;
    Player player(*m_client, window, {200, 80}, GetParam().mode, layout);
    ASSERT_EQ(player.result(), VK_SUCCESS);
    EXPECT_EQ(player.buffer(0).stride, 1280u);
    EXPECT_EQ(player.buffer(0).size % 65536, 0u);
    if (player.buffer(0).importable) {
        EXPECT_EQ(reinterpret_cast<uintptr_t>(player.buffer(0).data) % 65536, 0u);
    }
    for (uint32_t i = 1; i <= 5; ++i)
        ASSERT_EQ(player.show(frameColour(i)), VK_SUBOPTIMAL_KHR) << "the window is larger than the images";
    ASSERT_EQ(player.finish(), VK_SUBOPTIMAL_KHR);
    EXPECT_EQ(uniform(m_client->pixels(window, 0, 0, 200, 80)), frameColour(5) & 0xffffff);
    EXPECT_EQ(uniform(m_client->pixels(window, 200, 0, 100, 80)), 0) << "the pitch's padding became visible";
    EXPECT_EQ(uniform(m_client->pixels(window, 0, 80, 300, 20)), 0);
    // A pitch that is no multiple of pixels is replaced.
    layout.stride = 1203;
    Player odd(player.surface(), {200, 80}, GetParam().mode, layout);
    ASSERT_EQ(odd.result(), VK_SUCCESS);
    EXPECT_EQ(odd.buffer(0).stride, 800u);
}

TEST_P(Ways, ResizeIsSuboptimalUntilTheSizeFitsAgain)
{
    const xcb_window_t window = m_client->createWindow(200, 100);
    Player player(*m_client, window, {200, 100}, GetParam().mode);
    ASSERT_EQ(player.result(), VK_SUCCESS);
    ASSERT_EQ(player.show(0xff111111), VK_SUCCESS);
    m_client->resize(window, 260, 90);
    VkResult result = VK_SUCCESS;
    for (int i = 0; i < 50 && result == VK_SUCCESS; ++i)
        result = player.show(0xff222222);
    EXPECT_EQ(result, VK_SUBOPTIMAL_KHR);
    EXPECT_EQ(player.finish(), VK_SUBOPTIMAL_KHR);
    EXPECT_EQ(uniform(m_client->pixels(window, 0, 0, 200, 90)), 0x222222);
    SurfaceState state;
    ASSERT_EQ(player.surface().state(&state), VK_SUCCESS);
    EXPECT_EQ(state.currentExtent.width, 260u);
    EXPECT_EQ(state.currentExtent.height, 90u);

    m_client->resize(window, 200, 100);
    for (int i = 0; i < 50 && result != VK_SUCCESS; ++i)
        result = player.show(0xff333333);
    EXPECT_EQ(result, VK_SUCCESS);
}

TEST_P(Ways, ResizeStormWithNewTargets)
{
    const xcb_window_t window = m_client->createWindow(64, 64);
    auto player = std::make_unique<Player>(*m_client, window, VkExtent2D{64, 64}, GetParam().mode);
    ASSERT_EQ(player->result(), VK_SUCCESS);
    std::vector<std::unique_ptr<Player>> kept; // the surface lives in the first
    for (uint32_t i = 0; i < 40; ++i) {
        const uint32_t size = 64 + 8 * (i % 7);
        m_client->resize(window, static_cast<uint16_t>(size), static_cast<uint16_t>(size));
        auto next = std::make_unique<Player>(player->surface(), VkExtent2D{size, size}, GetParam().mode);
        ASSERT_EQ(next->result(), VK_SUCCESS);
        if (!kept.empty())
            kept.back()->end();
        ASSERT_EQ(next->show(frameColour(i)), VK_SUCCESS);
        if (i % 4 == 0) {
            ASSERT_EQ(next->finish(), VK_SUCCESS);
            EXPECT_EQ(uniform(m_client->pixels(window, 0, 0, static_cast<uint16_t>(size), static_cast<uint16_t>(size))),
                      frameColour(i) & 0xffffff);
        }
        kept.push_back(std::move(next));
    }
}

TEST_P(Ways, PacingIsTheModes)
{
    const xcb_window_t window = m_client->createWindow(64, 64);
    Player player(*m_client, window, {64, 64}, GetParam().mode);
    ASSERT_EQ(player.result(), VK_SUCCESS);
    ASSERT_EQ(player.show(1), VK_SUCCESS);
    ASSERT_EQ(player.finish(), VK_SUCCESS);
    const Nanoseconds start = monotonicNow();
    constexpr uint32_t kFrames = 60;
    for (uint32_t i = 0; i < kFrames; ++i)
        ASSERT_EQ(player.show(i), VK_SUCCESS);
    ASSERT_EQ(player.finish(), VK_SUCCESS);
    const double seconds = static_cast<double>(monotonicNow() - start) / 1e9;
    if (GetParam().mode == VK_PRESENT_MODE_IMMEDIATE_KHR) {
        EXPECT_LT(seconds, 0.5) << "IMMEDIATE must not wait for refreshes";
    } else {
        EXPECT_GT(seconds, 0.9) << "60 frames at 60 Hz";
        EXPECT_LT(seconds, 2.5);
    }
    for (size_t i = 1; i < player.moments().size(); ++i)
        EXPECT_GE(player.moments()[i], player.moments()[i - 1]);
}

TEST_P(Ways, UnmappedWindowsGoOn)
{
    const xcb_window_t window = m_client->createWindow(100, 100);
    Player player(*m_client, window, {100, 100}, GetParam().mode);
    ASSERT_EQ(player.result(), VK_SUCCESS);
    xcb_unmap_window(m_client->connection(), window);
    m_client->sync();
    for (uint32_t i = 0; i < 10; ++i)
        ASSERT_EQ(player.show(i), VK_SUCCESS);
    ASSERT_EQ(player.finish(), VK_SUCCESS);
    EXPECT_EQ(player.reported(), 10u);
}

TEST_P(Ways, ModesSwitchInOrder)
{
    const xcb_window_t window = m_client->createWindow(100, 100);
    Player player(*m_client, window, {100, 100}, GetParam().mode);
    ASSERT_EQ(player.result(), VK_SUCCESS);
    constexpr VkPresentModeKHR kModes[] = {VK_PRESENT_MODE_FIFO_KHR, VK_PRESENT_MODE_IMMEDIATE_KHR,
                                           VK_PRESENT_MODE_MAILBOX_KHR, VK_PRESENT_MODE_FIFO_RELAXED_KHR,
                                           VK_PRESENT_MODE_IMMEDIATE_KHR};
    for (uint32_t i = 1; i <= 60; ++i) {
        ASSERT_EQ(player.show(frameColour(i), kModes[i % std::size(kModes)]), VK_SUCCESS);
        if (i % 10 == 0) {
            ASSERT_EQ(player.finish(), VK_SUCCESS);
            EXPECT_EQ(uniform(m_client->pixels(window, 0, 0, 100, 100)), frameColour(i) & 0xffffff);
        }
    }
}

// X.Org's Present and BIG-REQUESTS cannot be switched off; the setting "shm" does without the former.
constexpr Way kWays[] = {
    {"ImmediateAuto", "auto", nullptr, VK_PRESENT_MODE_IMMEDIATE_KHR},
    {"ImmediateByPresent", "present", nullptr, VK_PRESENT_MODE_IMMEDIATE_KHR},
    {"ImmediateByTimer", "shm", nullptr, VK_PRESENT_MODE_IMMEDIATE_KHR},
    {"ImmediateWithoutShm", "auto", "MIT-SHM", VK_PRESENT_MODE_IMMEDIATE_KHR},
    {"FifoAuto", "auto", nullptr, VK_PRESENT_MODE_FIFO_KHR},
    {"FifoByTimer", "shm", nullptr, VK_PRESENT_MODE_FIFO_KHR},
    {"FifoWithoutShm", "auto", "MIT-SHM", VK_PRESENT_MODE_FIFO_KHR},
    {"FifoWithoutShmByTimer", "shm", "MIT-SHM", VK_PRESENT_MODE_FIFO_KHR},
    {"FifoBySocket", "put", nullptr, VK_PRESENT_MODE_FIFO_KHR},
    {"FifoWithoutRandr", "shm", "RANDR", VK_PRESENT_MODE_FIFO_KHR},
    {"RelaxedAuto", "auto", nullptr, VK_PRESENT_MODE_FIFO_RELAXED_KHR},
    {"MailboxAuto", "auto", nullptr, VK_PRESENT_MODE_MAILBOX_KHR},
    {"MailboxByTimer", "shm", nullptr, VK_PRESENT_MODE_MAILBOX_KHR},
};

INSTANTIATE_TEST_SUITE_P(Xcb, Ways, ::testing::ValuesIn(kWays), nameOf);

TEST(XcbTarget, EventsOfAnotherTargetOfTheWindowAreNotTakenForOnesOwn)
{
    Server server("800x600x24", {"-ac"});
    Client client(server.display());
    const xcb_window_t window = client.createWindow(64, 64);
    Player first(client, window, {64, 64}, VK_PRESENT_MODE_FIFO_KHR);
    ASSERT_EQ(first.result(), VK_SUCCESS);
    // Of another surface, as one's own predecessor does not show frames any more.
    Player second(client, window, {64, 64}, VK_PRESENT_MODE_FIFO_KHR);
    ASSERT_EQ(second.result(), VK_SUCCESS);
    ASSERT_EQ(second.show(1), VK_SUCCESS);
    ASSERT_EQ(second.finish(), VK_SUCCESS);
    for (uint32_t i = 0; i < 2; ++i) {
        ASSERT_EQ(first.show(2), VK_SUCCESS);
        ASSERT_EQ(first.finish(), VK_SUCCESS);
    }
    // The second target now has the first one's report of frame 2 before it, and no answer to its own.
    server.stop();
    ASSERT_EQ(second.show(3), VK_SUCCESS);
    EXPECT_EQ(second.target().wait(-1, deadlineAfter(50'000'000)), VK_SUCCESS);
    EXPECT_EQ(second.reported(), 1u);
    server.resume();
    EXPECT_EQ(second.finish(), VK_SUCCESS);
    EXPECT_EQ(second.reported(), 2u);
}

TEST(XcbTarget, ShowsNothingOnceItsSuccessorHas)
{
    Server server("800x600x24", {"-ac"});
    Client client(server.display());
    const xcb_window_t window = client.createWindow(64, 64);
    for (const VkPresentModeKHR mode : {VK_PRESENT_MODE_FIFO_KHR, VK_PRESENT_MODE_IMMEDIATE_KHR}) {
        Player older(client, window, {64, 64}, mode);
        ASSERT_EQ(older.result(), VK_SUCCESS);
        ASSERT_EQ(older.show(0xff000001), VK_SUCCESS);
        Player newer(older.surface(), {64, 64}, mode);
        ASSERT_EQ(newer.result(), VK_SUCCESS);
        ASSERT_EQ(older.show(0xff000002), VK_SUCCESS) << "its successor has shown nothing yet";
        ASSERT_EQ(older.finish(), VK_SUCCESS);
        ASSERT_EQ(newer.show(0xff000003), VK_SUCCESS);
        EXPECT_EQ(older.show(0xff000004), VK_ERROR_OUT_OF_DATE_KHR);
        ASSERT_EQ(newer.finish(), VK_SUCCESS);
        EXPECT_EQ(uniform(client.pixels(window, 0, 0, 64, 64)), 3u);
    }
}

} // namespace

} // namespace vwsi::xcbtest
