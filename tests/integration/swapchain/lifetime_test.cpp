// Windows, servers and devices that go away under load, and what is left behind.

#include "frame_loop.h"
#include "vulkan_context.h"
#include "x_server.h"
#include "xcb_window.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <thread>

using namespace client;
using namespace std::chrono_literals;

namespace {

ContextWishes windowWishes()
{
    ContextWishes wishes;
    wishes.instanceExtensions = {"VK_KHR_surface", "VK_KHR_xcb_surface"};
    wishes.deviceExtensions = {"VK_KHR_swapchain"};
    return wishes;
}

/// Presents until something else than success comes, for five seconds at most.
VkResult presentUntilError(FrameLoop& loop)
{
    const auto limit = std::chrono::steady_clock::now() + 5s;
    VkResult result = VK_SUCCESS;
    while ((result == VK_SUCCESS || result == VK_SUBOPTIMAL_KHR) && std::chrono::steady_clock::now() < limit)
        result = loop.frame();
    return result;
}

class Gone : public testing::TestWithParam<VkPresentModeKHR> {};

TEST_P(Gone, AWindowDestroyedUnderLoadIsALostSurface)
{
    VulkanContext context(windowWishes());
    XcbWindow window(300, 200);
    const VkSurfaceKHR surface = window.createSurface(context.instance());
    {
        FrameLoopWishes wishes;
        wishes.mode = GetParam();
        FrameLoop loop(context, context.queues()[0], surface, wishes);
        for (int i = 0; i < 20; ++i)
            ASSERT_EQ(loop.frame(), VK_SUCCESS);
        window.destroyWindow();
        EXPECT_EQ(presentUntilError(loop), VK_ERROR_SURFACE_LOST_KHR);
        VkSurfaceCapabilitiesKHR capabilities;
        EXPECT_EQ(vkGetPhysicalDeviceSurfaceCapabilitiesKHR(context.physicalDevice(), surface, &capabilities),
                  VK_ERROR_SURFACE_LOST_KHR);
    }
    vkDestroySurfaceKHR(context.instance(), surface, nullptr);
}

TEST_P(Gone, AServerKilledUnderLoadIsALostSurface)
{
    const char* const before = getenv("DISPLAY");
    const std::string display = before ? before : "";
    XServer server;
    setenv("DISPLAY", server.display().c_str(), 1);
    {
        VulkanContext context(windowWishes());
        XcbWindow window(300, 200);
        const VkSurfaceKHR surface = window.createSurface(context.instance());
        {
            FrameLoopWishes wishes;
            wishes.mode = GetParam();
            FrameLoop loop(context, context.queues()[0], surface, wishes);
            for (int i = 0; i < 20; ++i)
                ASSERT_EQ(loop.frame(), VK_SUCCESS);
            server.kill();
            EXPECT_EQ(presentUntilError(loop), VK_ERROR_SURFACE_LOST_KHR);
        }
        vkDestroySurfaceKHR(context.instance(), surface, nullptr);
    }
    setenv("DISPLAY", display.c_str(), 1);
}

INSTANTIATE_TEST_SUITE_P(Modes, Gone, testing::Values(VK_PRESENT_MODE_FIFO_KHR, VK_PRESENT_MODE_IMMEDIATE_KHR));

TEST(Guest, TheApplicationsEventsAreItsOwn)
{
    VulkanContext context(windowWishes());
    XcbWindow window(300, 200);
    const VkSurfaceKHR surface = window.createSurface(context.instance());
    std::this_thread::sleep_for(50ms);
    window.takeEvents();
    {
        FrameLoop loop(context, context.queues()[0], surface, {});
        for (int i = 0; i < 30; ++i)
            ASSERT_EQ(loop.frame(), VK_SUCCESS);
        EXPECT_EQ(window.takeEvents(), 0u) << "the layer put events or errors into the application's queue";
        window.resize(310, 210);
        for (int i = 0; i < 30; ++i)
            static_cast<void>(loop.frame());
        EXPECT_EQ(window.takeEvents(), 1u) << "the ConfigureNotify of the resize was lost";
    }
    vkDestroySurfaceKHR(context.instance(), surface, nullptr);
}

TEST(Acquire, AFenceIsReallySignalled)
{
    VulkanContext context(windowWishes());
    XcbWindow window(300, 200);
    const VkSurfaceKHR surface = window.createSurface(context.instance());
    {
        FrameLoop loop(context, context.queues()[0], surface, {});
        const VkFenceCreateInfo info{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO, nullptr, 0};
        VkFence fence = VK_NULL_HANDLE;
        ASSERT_EQ(vkCreateFence(context.device(), &info, nullptr, &fence), VK_SUCCESS);
        uint32_t index = 0;
        ASSERT_EQ(vkAcquireNextImageKHR(context.device(), loop.swapchain(), UINT64_MAX, VK_NULL_HANDLE, fence, &index),
                  VK_SUCCESS);
        EXPECT_EQ(vkWaitForFences(context.device(), 1, &fence, VK_TRUE, 2'000'000'000), VK_SUCCESS);
        vkDestroyFence(context.device(), fence, nullptr);
    }
    vkDestroySurfaceKHR(context.instance(), surface, nullptr);
}

/// As mpv's threads do; the driver's library is closed with the last instance.
TEST(Lifetime, AThreadMayEndAfterTheLastInstance)
{
    std::thread([] {
        VulkanContext context(windowWishes());
        XcbWindow window(64, 64);
        const VkSurfaceKHR surface = window.createSurface(context.instance());
        {
            FrameLoop loop(context, context.queues()[0], surface, {});
            for (int i = 0; i < 3; ++i)
                EXPECT_EQ(loop.frame(), VK_SUCCESS);
        }
        vkDestroySurfaceKHR(context.instance(), surface, nullptr);
    }).join();
}

TEST(Lifetime, ADeviceMayGoBeforeItsSurfaces)
{
    VulkanContext context(windowWishes());
    XcbWindow window(300, 200);
    const VkSurfaceKHR surface = window.createSurface(context.instance());
    {
        FrameLoop loop(context, context.queues()[0], surface, {});
        for (int i = 0; i < 5; ++i)
            ASSERT_EQ(loop.frame(), VK_SUCCESS);
    }
    context.destroyDevice();
    vkDestroySurfaceKHR(context.instance(), surface, nullptr);
}

size_t openDescriptors()
{
    size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
        ++count;
    return count;
}

TEST(Lifetime, SwapchainsLeaveNoDescriptorsBehind)
{
    VulkanContext context(windowWishes());
    XcbWindow window(300, 200);
    const VkSurfaceKHR surface = window.createSurface(context.instance());
    const auto useOnce = [&] {
        FrameLoop loop(context, context.queues()[0], surface, {});
        for (int i = 0; i < 3; ++i)
            ASSERT_EQ(loop.frame(), VK_SUCCESS);
    };
    useOnce();
    const size_t before = openDescriptors();
    for (int i = 0; i < 15; ++i)
        useOnce();
    EXPECT_EQ(openDescriptors(), before);
    vkDestroySurfaceKHR(context.instance(), surface, nullptr);
}

TEST(Lifetime, DestroyingUnderLoadIsPrompt)
{
    VulkanContext context(windowWishes());
    XcbWindow window(300, 200);
    const VkSurfaceKHR surface = window.createSurface(context.instance());
    {
        auto loop = std::make_unique<FrameLoop>(context, context.queues()[0], surface, FrameLoopWishes{});
        // FIFO: two frames and more are waiting for their turn.
        for (int i = 0; i < 12; ++i)
            ASSERT_EQ(loop->frame(), VK_SUCCESS);
        const auto begin = std::chrono::steady_clock::now();
        loop.reset();
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
        EXPECT_LT(took.count(), 0.2);
    }
    vkDestroySurfaceKHR(context.instance(), surface, nullptr);
}

} // namespace
