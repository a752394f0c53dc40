// What the surface says of itself, and what it asks of the compositor for that.

#include "client.h"

#include <algorithm>
#include <vulkan/vulkan.h>

namespace vwsi::testing {
namespace {

constexpr uint32_t kXb24 = 0x34324258;
constexpr uint32_t kAb24 = 0x34324241;
constexpr uint32_t kXr30 = 0x30335258;
constexpr uint32_t kAr30 = 0x30335241;
constexpr uint32_t kXb30 = 0x30334258;

std::vector<VkFormat> formatsOf(Surface& surface)
{
    std::vector<const PixelFormat*> formats;
    EXPECT_EQ(surface.formats(&formats), VK_SUCCESS);
    std::vector<VkFormat> result;
    for (const PixelFormat* format : formats)
        result.push_back(format->format);
    return result;
}

std::vector<VkPresentModeKHR> modesOf(Surface& surface)
{
    std::vector<VkPresentModeKHR> modes;
    EXPECT_EQ(surface.presentModes(&modes), VK_SUCCESS);
    return modes;
}

TEST(WaylandQuery, EveryCompositorTakesBgra)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    EXPECT_EQ(formatsOf(client.surface()), (std::vector{VK_FORMAT_B8G8R8A8_UNORM, VK_FORMAT_B8G8R8A8_SRGB}));
}

TEST(WaylandQuery, MoreFormatsWhereBothAlphaKindsAreOffered)
{
    TestCompositor compositor({.formats = {0, 1, kXb24, kAb24, kXr30, kAr30, kXb30}});
    Client client(compositor.connect());
    const std::vector<VkFormat> formats = formatsOf(client.surface());
    EXPECT_EQ(formats, (std::vector{VK_FORMAT_B8G8R8A8_UNORM, VK_FORMAT_B8G8R8A8_SRGB, VK_FORMAT_R8G8B8A8_UNORM,
                                    VK_FORMAT_R8G8B8A8_SRGB, VK_FORMAT_A2R10G10B10_UNORM_PACK32}))
        << "XBGR2101010 without ABGR2101010 can't do pre-multiplied alpha";
}

TEST(WaylandQuery, TearingModesNeedTearingControl)
{
    TestCompositor with;
    Client first(with.connect());
    EXPECT_EQ(modesOf(first.surface()), (std::vector{VK_PRESENT_MODE_FIFO_KHR, VK_PRESENT_MODE_MAILBOX_KHR,
                                                     VK_PRESENT_MODE_IMMEDIATE_KHR, VK_PRESENT_MODE_FIFO_RELAXED_KHR}));
    TestCompositor without({.tearing = false});
    Client second(without.connect());
    EXPECT_EQ(modesOf(second.surface()), (std::vector{VK_PRESENT_MODE_FIFO_KHR, VK_PRESENT_MODE_MAILBOX_KHR}));
}

TEST(WaylandQuery, SizeIsTheSwapchains)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    SurfaceState state;
    ASSERT_EQ(client.surface().state(&state), VK_SUCCESS);
    EXPECT_EQ(state.currentExtent.width, UINT32_MAX);
    EXPECT_EQ(state.currentExtent.height, UINT32_MAX);
    EXPECT_EQ(state.compositeAlpha,
              VkCompositeAlphaFlagsKHR{VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR | VK_COMPOSITE_ALPHA_PRE_MULTIPLIED_BIT_KHR});
    EXPECT_STREQ(client.surface().windowSystem(), "wayland");
}

TEST(WaylandQuery, OnlyTheFirstQueryTalksToTheCompositor)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    const auto before = compositor.requests();
    SurfaceState state;
    ASSERT_EQ(client.surface().state(&state), VK_SUCCESS);
    wl_display_roundtrip(client.display());
    auto expected = before;
    ++expected["wl_display.sync"];
    EXPECT_EQ(compositor.requests(), expected) << "neither making a surface nor state() asks anything";

    formatsOf(client.surface());
    const auto asked = compositor.requests();
    EXPECT_EQ(asked.at("wl_display.sync"), expected["wl_display.sync"] + 2) << "two round trips";
    for (int again = 0; again < 10; ++again) {
        formatsOf(client.surface());
        modesOf(client.surface());
        client.surface().state(&state);
    }
    wl_display_roundtrip(client.display());
    expected = asked;
    ++expected["wl_display.sync"];
    EXPECT_EQ(compositor.requests(), expected);
}

TEST(WaylandQuery, ATargetCostsNoRoundTripAfterAQuery)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    formatsOf(client.surface());
    const unsigned before = compositor.requests().at("wl_display.sync");
    {
        TestPresenter presenter(client.surface(), VK_PRESENT_MODE_FIFO_KHR);
        ASSERT_EQ(presenter.createResult(), VK_SUCCESS);
    }
    wl_display_roundtrip(client.display());
    EXPECT_EQ(compositor.requests().at("wl_display.sync"), before + 1);
}

TEST(WaylandQuery, SupportFollowsTheConnection)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    EXPECT_EQ(waylandPresentationSupport(client.display()), VK_TRUE);
    compositor.disconnectClients();
    wl_display_roundtrip(client.display());
    EXPECT_EQ(waylandPresentationSupport(client.display()), VK_FALSE);
}

TEST(WaylandQuery, NoShmIsSurfaceLost)
{
    TestCompositor compositor({.shm = false});
    Client client(compositor.connect());
    std::vector<const PixelFormat*> formats;
    EXPECT_EQ(client.surface().formats(&formats), VK_ERROR_SURFACE_LOST_KHR);
    TestPresenter presenter(client.surface(), VK_PRESENT_MODE_FIFO_KHR);
    EXPECT_EQ(presenter.createResult(), VK_ERROR_SURFACE_LOST_KHR);
}

TEST(WaylandQuery, AStoppedCompositorIsGivenUp)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    compositor.setFrozen(true);
    std::vector<VkPresentModeKHR> modes;
    const Nanoseconds begin = monotonicNow();
    EXPECT_EQ(client.surface().presentModes(&modes), VK_ERROR_SURFACE_LOST_KHR);
    const Nanoseconds took = monotonicNow() - begin;
    EXPECT_LT(took, 7'000'000'000u);
    EXPECT_EQ(client.surface().presentModes(&modes), VK_ERROR_SURFACE_LOST_KHR);
    EXPECT_LT(monotonicNow() - begin - took, 100'000'000u) << "the second query must not wait again";
    compositor.setFrozen(false);
}

TEST(WaylandQuery, ThreadsMayAskAtOnce)
{
    TestCompositor compositor;
    Client client(compositor.connect());
    std::vector<std::thread> threads;
    std::vector<size_t> counts(4);
    for (size_t& count : counts) {
        threads.emplace_back([&client, &count] {
            std::vector<const PixelFormat*> formats;
            if (client.surface().formats(&formats) == VK_SUCCESS)
                count = formats.size();
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(counts, (std::vector<size_t>(4, 2)));
    EXPECT_EQ(compositor.requests().at("wl_registry.bind"), 6u) << "the application's bind and one of the layer's each";
}

} // namespace
} // namespace vwsi::testing
