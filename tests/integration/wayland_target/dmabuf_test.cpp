// Frames that are dma-bufs: what the compositor offers, what it refuses, and when a buffer is free again. Memfds stand
// for dma-bufs; the compositor maps what it gets.

#include "client.h"
#include "open_descriptors.h"

#include "surface/dma_buf.h"

#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

namespace vwsi::testing {
namespace {

using Options = TestPresenter::Options;

constexpr uint32_t kXr24 = 0x34325258;
constexpr uint32_t kAr24 = 0x34325241;
constexpr uint64_t kTiled = 0x0100000000000002;
constexpr uint64_t kCompressed = 0x0200000000000007;
constexpr Options kUnallocated{.allocate = false};

DmaBufTaker& takerOf(TestPresenter& presenter)
{
    return *presenter.target().dmaBufTaker();
}

std::vector<std::vector<uint64_t>> offeredTo(TestPresenter& presenter)
{
    DmaBufOffer offer;
    EXPECT_EQ(takerOf(presenter).offer(&offer), VK_SUCCESS);
    return offer.tranches;
}

TEST(WaylandDmaBuf, TranchesKeepTheirOrderAndTheirFormat)
{
    TestCompositor compositor({.dmaBufVersion = 4,
                               .tranches = {{{kAr24, kCompressed}}, {{kXr24, kTiled}, {kAr24, 5}}, {{kXr24, 0}}},
                               .mainDevice = 0xe281});
    Client client(compositor.connect());
    TestPresenter opaque(client.surface(), kUnallocated);
    ASSERT_EQ(takerOf(opaque).obstacle(), nullptr);
    EXPECT_EQ(offeredTo(opaque), (std::vector<std::vector<uint64_t>>{{kTiled}, {0}}));
    TestPresenter blended(client.surface(),
                          Options{.alpha = VK_COMPOSITE_ALPHA_PRE_MULTIPLIED_BIT_KHR, .allocate = false});
    DmaBufOffer offer;
    ASSERT_EQ(takerOf(blended).offer(&offer), VK_SUCCESS);
    EXPECT_EQ(offer.tranches, (std::vector<std::vector<uint64_t>>{{kCompressed}, {5}}));
    EXPECT_EQ(offer.device, dev_t{0xe281});
}

TEST(WaylandDmaBuf, Version3TellsAllWithTheGlobal)
{
    TestCompositor compositor({.dmaBufVersion = 3, .tranches = {{{kXr24, kTiled}, {kAr24, 5}, {kXr24, 0}}}});
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), kUnallocated);
    EXPECT_EQ(takerOf(presenter).obstacle(), nullptr);
    EXPECT_EQ(offeredTo(presenter), (std::vector<std::vector<uint64_t>>{{kTiled, 0}}));
    EXPECT_FALSE(compositor.requests().contains("zwp_linux_dmabuf_v1.get_surface_feedback"));
}

TEST(WaylandDmaBuf, LaterVersionsAreSpokenLikeVersion4)
{
    TestCompositor compositor({.dmaBufVersion = 5});
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), kUnallocated);
    EXPECT_EQ(offeredTo(presenter), (std::vector<std::vector<uint64_t>>{{0}}));
    ASSERT_EQ(presenter.takeDmaBufs(0), VK_SUCCESS);
    EXPECT_EQ(presenter.show(1), VK_SUCCESS);
}

TEST(WaylandDmaBuf, EarlierVersionsCannotNameModifiers)
{
    for (const uint32_t version : {0u, 1u, 2u}) {
        TestCompositor compositor({.dmaBufVersion = version});
        Client client(compositor.connect());
        TestPresenter presenter(client.surface(), kUnallocated);
        EXPECT_NE(takerOf(presenter).obstacle(), nullptr) << version;
        EXPECT_FALSE(compositor.requests().contains("zwp_linux_dmabuf_v1.create_params"));
    }
}

TEST(WaylandDmaBuf, FramesAreShownFromTheImagesThemselves)
{
    for (const uint32_t version : {3u, 4u}) {
        TestCompositor compositor({.dmaBufVersion = version});
        Client client(compositor.connect());
        TestPresenter presenter(client.surface(), kUnallocated);
        ASSERT_EQ(offeredTo(presenter).size(), 1u);
        ASSERT_EQ(presenter.takeDmaBufs(0), VK_SUCCESS);
        for (uint32_t frame = 1; frame <= 10; ++frame)
            ASSERT_EQ(presenter.show(0xff000000 + frame), VK_SUCCESS);
        ASSERT_TRUE(presenter.untilReported(10));
        EXPECT_TRUE(compositor.pools().empty());
        ASSERT_EQ(compositor.dmaBufs().size(), 3u);
        EXPECT_EQ(compositor.dmaBufs()[0].format, kXr24);
        EXPECT_EQ(compositor.dmaBufs()[0].width, 64);
        EXPECT_EQ(compositor.dmaBufs()[0].height, 48);
        for (const Commit& commit : compositor.commits())
            EXPECT_TRUE(commit.dmaBuf);
        EXPECT_EQ(compositor.lastPixel(), 0xff00000au);
        for (const Shown& shown : compositor.shown())
            EXPECT_TRUE(shown.whole);
        EXPECT_TRUE(presenter.until([&] { return presenter.idleBuffers() == 2; })) << "all but the one on the screen";
    }
}

TEST(WaylandDmaBuf, AllPlanesAreNamed)
{
    TestCompositor compositor({.dmaBufVersion = 4, .tranches = {{{kXr24, kCompressed}}}});
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), kUnallocated);
    ASSERT_EQ(offeredTo(presenter).size(), 1u);
    ASSERT_EQ(presenter.takeDmaBufs(kCompressed, 3), VK_SUCCESS);
    const DmaBufRecord record = compositor.dmaBufs().at(0);
    EXPECT_EQ(record.modifier, kCompressed);
    ASSERT_EQ(record.planes.size(), 3u);
    EXPECT_EQ(record.planes[0].stride, 256u);
    EXPECT_EQ(record.planes[1].offset, 256u * 48);
    EXPECT_EQ(record.planes[2].offset, 256u * 48 + 4096);
    EXPECT_EQ(presenter.show(1), VK_SUCCESS);
}

TEST(WaylandDmaBuf, ManyImagesGoInBatches)
{
    TestCompositor compositor({.dmaBufVersion = 4});
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), Options{.images = 30, .allocate = false});
    ASSERT_EQ(presenter.takeDmaBufs(0, 4), VK_SUCCESS);
    EXPECT_EQ(compositor.dmaBufs().size(), 30u);
    EXPECT_EQ(presenter.show(1), VK_SUCCESS);
}

TEST(WaylandDmaBuf, ARefusalLeavesSharedMemory)
{
    for (const unsigned accepted : {0u, 2u}) {
        TestCompositor compositor({.dmaBufVersion = 4, .acceptedDmaBufs = accepted});
        Client client(compositor.connect());
        TestPresenter presenter(client.surface(), kUnallocated);
        ASSERT_EQ(offeredTo(presenter).size(), 1u);
        EXPECT_EQ(presenter.takeDmaBufs(0), VK_ERROR_FORMAT_NOT_SUPPORTED);
        for (uint32_t i = 0; i < 3; ++i)
            ASSERT_EQ(presenter.allocate(i, {}), VK_SUCCESS);
        for (uint32_t frame = 1; frame <= 5; ++frame)
            ASSERT_EQ(presenter.show(frame), VK_SUCCESS);
        ASSERT_TRUE(presenter.untilReported(5));
        for (const Commit& commit : compositor.commits())
            EXPECT_FALSE(commit.dmaBuf);
        EXPECT_NE(takerOf(presenter).obstacle(), nullptr);
        TestPresenter successor(client.surface(), kUnallocated);
        EXPECT_NE(takerOf(successor).obstacle(), nullptr) << "the window has been refused once";
    }
}

TEST(WaylandDmaBuf, ACompositorThatIsGoneIsNotWaitedFor)
{
    TestCompositor compositor({.dmaBufVersion = 4});
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), kUnallocated);
    ASSERT_EQ(offeredTo(presenter).size(), 1u);
    compositor.disconnectClients();
    const Nanoseconds before = monotonicNow();
    EXPECT_EQ(presenter.takeDmaBufs(0), VK_ERROR_SURFACE_LOST_KHR);
    DmaBufOffer offer;
    EXPECT_EQ(takerOf(presenter).offer(&offer), VK_ERROR_SURFACE_LOST_KHR);
    EXPECT_LT(monotonicNow() - before, 1'000'000'000u);
}

TEST(WaylandDmaBuf, ACompositorThatDoesNotAnswerIsTakenForStopped)
{
    TestCompositor compositor({.dmaBufVersion = 4, .answersNoParams = true});
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), kUnallocated);
    const Nanoseconds before = monotonicNow();
    EXPECT_EQ(presenter.takeDmaBufs(0), VK_ERROR_SURFACE_LOST_KHR);
    EXPECT_LT(monotonicNow() - before, 10'000'000'000u);
}

TEST(WaylandDmaBuf, BadFeedbackOffersWhatIsGoodInIt)
{
    const struct {
        CompositorOptions options;
        size_t tranches;
    } cases[] = {{{.dmaBufVersion = 4, .silentFeedback = true}, 0},
                 {{.dmaBufVersion = 4, .emptyTable = true}, 0},
                 {{.dmaBufVersion = 4, .strayIndices = true}, 1},
                 {{.dmaBufVersion = 4, .tranches = {}}, 0},
                 {{.dmaBufVersion = 4, .tranches = {{}, {}}}, 0}};
    for (const auto& one : cases) {
        TestCompositor compositor(one.options);
        Client client(compositor.connect());
        TestPresenter presenter(client.surface(), kUnallocated);
        EXPECT_EQ(offeredTo(presenter).size(), one.tranches);
        ASSERT_EQ(presenter.allocate(0, {}), VK_SUCCESS);
        EXPECT_EQ(presenter.show(1), VK_SUCCESS) << "the connection must still be good";
    }
}

TEST(WaylandDmaBuf, OtherPreferencesAreToldOnce)
{
    TestCompositor compositor({.dmaBufVersion = 4, .tranches = {{{kXr24, kTiled}}, {{kXr24, 0}}}});
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), kUnallocated);
    ASSERT_EQ(offeredTo(presenter).size(), 2u);
    ASSERT_EQ(presenter.takeDmaBufs(kTiled), VK_SUCCESS);
    ASSERT_EQ(presenter.show(1), VK_SUCCESS);
    compositor.setTranches({{{kXr24, kTiled}, {kXr24, 0}}});
    EXPECT_FALSE(presenter.until([&] { return presenter.status() != VK_SUCCESS; }, 50'000'000))
        << "the modifier is still among the best";
    compositor.setTranches({{{kXr24, 0}}, {{kXr24, kTiled}}});
    EXPECT_TRUE(presenter.until([&] { return presenter.status() == VK_SUBOPTIMAL_KHR; }));
    unsigned told = 0;
    compositor.setTranches({{{kXr24, 5}}});
    for (int i = 0; i < 20; ++i)
        told += presenter.target().wait(-1, monotonicNow() + 2'000'000) == VK_SUBOPTIMAL_KHR;
    EXPECT_EQ(told, 0u);
    EXPECT_EQ(presenter.show(2), VK_SUCCESS) << "it goes on being shown";
}

TEST(WaylandDmaBuf, ABufferIsFreeWhenTheCompositorsGpuHasLeftIt)
{
    TestCompositor compositor({.dmaBufVersion = 4, .readsDmaBufs = false});
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), VK_PRESENT_MODE_MAILBOX_KHR);
    TestPresenter drained(client.surface(), Options{.mode = VK_PRESENT_MODE_MAILBOX_KHR, .allocate = false});
    // A full pipe is as little writable as a dma-buf with fences that have not signalled.
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    ASSERT_EQ(drained.takeDmaBufs(0, 1, ends[1]), VK_SUCCESS);
    std::vector<char> bytes(1 << 20);
    while (write(ends[1], bytes.data(), bytes.size()) > 0) {
    }
    for (uint32_t frame = 1; frame <= 3; ++frame)
        ASSERT_EQ(drained.show(frame, VK_PRESENT_MODE_MAILBOX_KHR), VK_SUCCESS);
    EXPECT_FALSE(drained.until([&] { return drained.idleBuffers() > 0; }, 100'000'000))
        << "released by the compositor, not by its GPU";
    while (read(ends[0], bytes.data(), bytes.size()) > 0) {
    }
    EXPECT_TRUE(drained.until([&] { return drained.idleBuffers() == 2; }));
    EXPECT_EQ(drained.show(4, VK_PRESENT_MODE_MAILBOX_KHR), VK_SUCCESS);
    close(ends[0]);
    close(ends[1]);
}

TEST(WaylandDmaBuf, NothingIsLeftBehind)
{
    TestCompositor compositor({.dmaBufVersion = 4, .acceptedDmaBufs = 17});
    Client client(compositor.connect());
    {
        // Binds the globals, and leaves the compositor a picture.
        TestPresenter first(client.surface(), kUnallocated);
        ASSERT_EQ(first.takeDmaBufs(0), VK_SUCCESS);
        ASSERT_EQ(first.show(1), VK_SUCCESS);
        ASSERT_TRUE(first.untilReported(1));
    }
    wl_display_roundtrip(client.display());
    const unsigned objects = compositor.resources();
    const size_t descriptors = openDescriptors();
    // The fifth is refused half-way.
    for (int i = 0; i < 5; ++i) {
        TestPresenter presenter(client.surface(), kUnallocated);
        ASSERT_EQ(offeredTo(presenter).size(), 1u);
        const VkResult result = presenter.takeDmaBufs(0);
        ASSERT_EQ(result, i < 4 ? VK_SUCCESS : VK_ERROR_FORMAT_NOT_SUPPORTED);
        if (result == VK_SUCCESS) {
            for (uint32_t frame = 1; frame <= 4; ++frame)
                ASSERT_EQ(presenter.show(frame), VK_SUCCESS);
            ASSERT_TRUE(presenter.untilReported(4));
        }
    }
    EXPECT_TRUE(eventually([&] {
        wl_display_roundtrip(client.display());
        return compositor.resources() == objects;
    })) << compositor.resources()
        << " objects, " << objects << " before";
    EXPECT_TRUE(eventually([&] { return openDescriptors() == descriptors; }))
        << openDescriptors() << " descriptors, " << descriptors << " before";
}

} // namespace
} // namespace vwsi::testing
