// Buffers: shared memory, formats and layouts.

#include "client.h"

#include <fcntl.h>
#include <unistd.h>

namespace vwsi::testing {
namespace {

using Options = TestPresenter::Options;

size_t page()
{
    return static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

TEST(WaylandMemory, OneSealedPoolForTheSet)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), VK_PRESENT_MODE_FIFO_KHR);
    ASSERT_EQ(presenter.createResult(), VK_SUCCESS);
    ASSERT_EQ(presenter.show(1), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(1));
    const std::vector<PoolRecord> pools = compositor.pools();
    ASSERT_EQ(pools.size(), 1u);
    EXPECT_EQ(pools[0].resizes, 0u);
    EXPECT_TRUE(pools[0].seals & F_SEAL_SHRINK);
    EXPECT_EQ(compositor.poolSeals(0), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    for (const TargetBuffer& buffer : presenter.buffers()) {
        EXPECT_EQ(buffer.stride, kSize.width * 4);
        EXPECT_GE(buffer.size, size_t{buffer.stride} * kSize.height);
        EXPECT_EQ(buffer.size % page(), 0u);
        EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data) % page(), 0u);
        EXPECT_TRUE(buffer.importable);
    }
}

TEST(WaylandMemory, DeferredBuffersTakeNoMemoryYet)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    constexpr VkExtent2D kLarge{512, 512};
    TestPresenter presenter(client.surface(), Options{.images = 4, .extent = kLarge, .allocate = false});
    ASSERT_EQ(presenter.createResult(), VK_SUCCESS);
    EXPECT_TRUE(compositor.pools().empty());
    ASSERT_EQ(presenter.allocate(2, {}), VK_SUCCESS);
    ASSERT_EQ(presenter.show(7), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(1));
    ASSERT_EQ(compositor.pools().size(), 1u);
    constexpr size_t kBytes = size_t{512} * 512 * 4;
    EXPECT_EQ(compositor.pools()[0].size, static_cast<int32_t>(4 * kBytes));
    EXPECT_EQ(compositor.poolMemory(0), kBytes);
    EXPECT_FALSE(compositor.poolSeals(0) & F_SEAL_GROW) << "more buffers may come";
    for (const uint32_t index : {0u, 1u, 3u})
        ASSERT_EQ(presenter.allocate(index, {}), VK_SUCCESS);
    for (uint32_t frame = 2; frame < 8; ++frame)
        ASSERT_EQ(presenter.show(frame), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(7));
    EXPECT_EQ(compositor.pools().size(), 1u);
    EXPECT_EQ(compositor.poolMemory(0), 4 * kBytes);
    EXPECT_TRUE(compositor.poolSeals(0) & F_SEAL_GROW);
}

TEST(WaylandMemory, LayoutIsRespected)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    const BufferLayout layout{.stride = 1024, .size = 200'000, .alignment = 65'536};
    TestPresenter presenter(client.surface(), Options{.layout = layout});
    ASSERT_EQ(presenter.createResult(), VK_SUCCESS);
    for (const TargetBuffer& buffer : presenter.buffers()) {
        EXPECT_EQ(buffer.stride, 1024u);
        EXPECT_EQ(buffer.size, 4u * 65'536);
        EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data) % 65'536, 0u);
    }
    for (uint32_t frame = 1; frame <= 6; ++frame)
        ASSERT_EQ(presenter.show(frame), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(6));
    for (const Commit& commit : compositor.commits())
        EXPECT_EQ(commit.stride, 1024);
    for (const Shown& shown : compositor.shown())
        EXPECT_TRUE(shown.whole);
}

TEST(WaylandMemory, PoolGrowsForALargerBuffer)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), Options{.images = 2, .allocate = false});
    ASSERT_EQ(presenter.allocate(0, {}), VK_SUCCESS);
    ASSERT_EQ(presenter.allocate(1, {.stride = 4096}), VK_SUCCESS);
    for (uint32_t frame = 1; frame <= 4; ++frame)
        ASSERT_EQ(presenter.show(frame), VK_SUCCESS);
    ASSERT_TRUE(presenter.untilReported(4));
    ASSERT_EQ(compositor.pools().size(), 1u);
    EXPECT_EQ(compositor.pools()[0].resizes, 1u);
    for (const Shown& shown : compositor.shown())
        EXPECT_TRUE(shown.whole);
}

TEST(WaylandMemory, AStrideThatIsTooSmallIsRefused)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), Options{.images = 2, .allocate = false});
    EXPECT_EQ(presenter.allocate(0, {.stride = 16}), VK_ERROR_OUT_OF_HOST_MEMORY);
    EXPECT_EQ(presenter.allocate(1, {}), VK_SUCCESS);
    EXPECT_EQ(presenter.show(1), VK_SUCCESS) << "the connection must still be good";
}

TEST(WaylandMemory, AlphaModePicksTheFormat)
{
    constexpr uint32_t kXb24 = 0x34324258;
    constexpr uint32_t kAb24 = 0x34324241;
    TestCompositor compositor({.formats = {0, 1, kXb24, kAb24}});
    Client client(compositor.connect());
    constexpr VkCompositeAlphaFlagBitsKHR kOpaque = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR;
    constexpr VkCompositeAlphaFlagBitsKHR kBlended = VK_COMPOSITE_ALPHA_PRE_MULTIPLIED_BIT_KHR;
    const struct {
        VkFormat format;
        VkCompositeAlphaFlagBitsKHR alpha;
        uint32_t expected;
    } cases[] = {
        {VK_FORMAT_B8G8R8A8_UNORM, kOpaque, 1},
        {VK_FORMAT_B8G8R8A8_SRGB, kBlended, 0},
        {VK_FORMAT_R8G8B8A8_UNORM, kOpaque, kXb24},
        {VK_FORMAT_R8G8B8A8_SRGB, kBlended, kAb24},
    };
    for (const auto& one : cases) {
        TestPresenter presenter(client.surface(), Options{.format = one.format, .alpha = one.alpha});
        ASSERT_EQ(presenter.show(3), VK_SUCCESS);
        ASSERT_TRUE(presenter.untilReported(1));
        EXPECT_EQ(compositor.commits().back().format, one.expected);
    }
}

TEST(WaylandMemory, NothingIsLeftBehind)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    wl_display_roundtrip(client.display());
    const unsigned before = compositor.resources();
    for (const VkPresentModeKHR mode :
         {VK_PRESENT_MODE_FIFO_KHR, VK_PRESENT_MODE_MAILBOX_KHR, VK_PRESENT_MODE_IMMEDIATE_KHR}) {
        TestPresenter presenter(client.surface(), mode);
        for (uint32_t frame = 1; frame <= 5; ++frame)
            ASSERT_EQ(presenter.show(frame, mode, {}, monotonicNow() + 1'000'000), VK_SUCCESS);
        ASSERT_TRUE(presenter.untilReported(5));
    }
    client.dropSurface();
    // wl_registry and the first version of wl_shm have no destructor that the compositor would hear of.
    EXPECT_TRUE(eventually([&] {
        wl_display_roundtrip(client.display());
        return compositor.resources() == before + 2;
    })) << compositor.resources()
        << " objects, " << before << " before";
}

} // namespace
} // namespace vwsi::testing
