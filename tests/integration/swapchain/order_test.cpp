// Frames arrive in order and whole: each frame has its number as its colour, and another connection reads the window.

#include "frame_loop.h"
#include "vulkan_context.h"
#include "xcb_window.h"

#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <thread>

using namespace client;
using namespace std::chrono_literals;

namespace {

constexpr uint16_t kWidth = 320;
constexpr uint16_t kHeight = 200;

ContextWishes windowWishes()
{
    ContextWishes wishes;
    wishes.instanceExtensions = {"VK_KHR_surface", "VK_KHR_xcb_surface"};
    wishes.deviceExtensions = {"VK_KHR_swapchain"};
    return wishes;
}

/// Reads a window as fast as it can while frames are presented to it.
class Watcher {
public:
    explicit Watcher(xcb_window_t window) : m_reader(window), m_thread([this] { run(); }) {}
    ~Watcher() { stop(); }

    void stop()
    {
        m_stop = true;
        if (m_thread.joinable())
            m_thread.join();
    }

    std::atomic<unsigned> seen{0}; ///< different frames that were read
    unsigned torn = 0;             ///< pictures with pixels of several frames
    unsigned backwards = 0;        ///< pictures older than the one before

private:
    void run()
    {
        uint32_t last = 0;
        while (!m_stop) {
            const auto picture = m_reader.read(kWidth, kHeight);
            if (!picture)
                return;
            torn += !picture->whole;
            backwards += picture->colour < last;
            seen += picture->colour != last;
            last = picture->colour;
        }
    }

    WindowReader m_reader;
    std::atomic<bool> m_stop{false};
    std::thread m_thread;
};

/// Waits until the window shows frame `number`.
testing::AssertionResult shows(XcbWindow& window, uint32_t number, uint16_t width, uint16_t height)
{
    WindowReader reader(window.window());
    WindowReader::Picture last;
    for (int i = 0; i < 400; ++i) {
        const auto picture = reader.read(width, height);
        if (!picture)
            return testing::AssertionFailure() << "the window cannot be read";
        last = *picture;
        if (last.whole && last.colour == colourOf(number))
            return testing::AssertionSuccess();
        std::this_thread::sleep_for(5ms);
    }
    return testing::AssertionFailure() << "the window shows frame " << last.colour << (last.whole ? "" : " (torn)")
                                       << " instead of " << number;
}

class Order : public testing::TestWithParam<VkPresentModeKHR> {};

TEST_P(Order, FramesArriveInOrderAndWhole)
{
    VulkanContext context(windowWishes());
    XcbWindow window(kWidth, kHeight);
    const VkSurfaceKHR surface = window.createSurface(context.instance());
    {
        FrameLoopWishes wishes;
        wishes.mode = GetParam();
        FrameLoop loop(context, context.queues()[0], surface, wishes);
        ASSERT_EQ(loop.frame(), VK_SUCCESS);
        ASSERT_TRUE(shows(window, 1, kWidth, kHeight));
        Watcher watcher(window.window());
        // As many frames as it takes for the watcher to have seen some, however busy the machine is.
        const auto limit = std::chrono::steady_clock::now() + 30s;
        while ((loop.frames() < 70 || watcher.seen <= 20) && std::chrono::steady_clock::now() < limit)
            ASSERT_EQ(loop.frame(), VK_SUCCESS);
        EXPECT_TRUE(shows(window, loop.frames(), kWidth, kHeight));
        watcher.stop();
        EXPECT_GT(watcher.seen, 20u);
        EXPECT_EQ(watcher.torn, 0u);
        EXPECT_EQ(watcher.backwards, 0u);
    }
    vkDestroySurfaceKHR(context.instance(), surface, nullptr);
}

INSTANTIATE_TEST_SUITE_P(Modes, Order,
                         testing::Values(VK_PRESENT_MODE_FIFO_KHR, VK_PRESENT_MODE_FIFO_RELAXED_KHR,
                                         VK_PRESENT_MODE_MAILBOX_KHR, VK_PRESENT_MODE_IMMEDIATE_KHR));

TEST(Pacing, FifoFollowsTheRefreshRate)
{
    VulkanContext context(windowWishes());
    XcbWindow window(kWidth, kHeight);
    const VkSurfaceKHR surface = window.createSurface(context.instance());
    {
        FrameLoop loop(context, context.queues()[0], surface, {});
        for (int i = 0; i < 10; ++i)
            ASSERT_EQ(loop.frame(), VK_SUCCESS);
        const auto begin = std::chrono::steady_clock::now();
        for (int i = 0; i < 60; ++i)
            ASSERT_EQ(loop.frame(), VK_SUCCESS);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
        // 60 frames of a 60 Hz server; a loaded machine may take longer, never much less.
        EXPECT_GT(took.count(), 0.8);
        EXPECT_LT(took.count(), 5.0);
    }
    vkDestroySurfaceKHR(context.instance(), surface, nullptr);
}

TEST(Resize, AStormEndsWithTheRightPicture)
{
    VulkanContext context(windowWishes());
    XcbWindow window(kWidth, kHeight);
    const VkSurfaceKHR surface = window.createSurface(context.instance());
    {
        FrameLoopWishes wishes;
        wishes.mode = VK_PRESENT_MODE_IMMEDIATE_KHR;
        FrameLoop loop(context, context.queues()[0], surface, wishes);
        uint16_t width = kWidth;
        uint16_t height = kHeight;
        unsigned recreated = 0;
        for (int i = 0; i < 60; ++i) {
            width = static_cast<uint16_t>(100 + i * 37 % 300);
            height = static_cast<uint16_t>(80 + i * 53 % 250);
            window.resize(width, height);
            for (int frame = 0; frame < 3; ++frame) {
                const VkResult result = loop.frame();
                ASSERT_TRUE(result == VK_SUCCESS || result == VK_SUBOPTIMAL_KHR || result == VK_ERROR_OUT_OF_DATE_KHR)
                    << result;
                if (result != VK_SUCCESS) {
                    loop.recreate();
                    ++recreated;
                }
            }
        }
        // The size changed 60 times; at the least the last change must have been reported.
        EXPECT_GE(recreated, 1u);
        for (int i = 0; i < 100 && (loop.extent().width != width || loop.extent().height != height); ++i) {
            if (loop.frame() != VK_SUCCESS)
                loop.recreate();
            std::this_thread::sleep_for(5ms);
        }
        EXPECT_EQ(loop.extent().width, width);
        EXPECT_EQ(loop.extent().height, height);
        EXPECT_EQ(loop.frame(), VK_SUCCESS);
        EXPECT_TRUE(shows(window, loop.frames(), width, height));
    }
    vkDestroySurfaceKHR(context.instance(), surface, nullptr);
}

TEST(Several, FourSwapchainsInOneProcess)
{
    VulkanContext context(windowWishes());
    std::vector<std::unique_ptr<XcbWindow>> windows;
    std::vector<VkSurfaceKHR> surfaces;
    {
        std::vector<std::unique_ptr<FrameLoop>> loops;
        for (int i = 0; i < 4; ++i) {
            windows.push_back(std::make_unique<XcbWindow>(kWidth, kHeight));
            surfaces.push_back(windows.back()->createSurface(context.instance()));
            FrameLoopWishes wishes;
            wishes.mode = i % 2 ? VK_PRESENT_MODE_IMMEDIATE_KHR : VK_PRESENT_MODE_FIFO_KHR;
            loops.push_back(std::make_unique<FrameLoop>(context, context.queues()[0], surfaces.back(), wishes));
        }
        for (int i = 0; i < 40; ++i) {
            for (const auto& loop : loops)
                ASSERT_EQ(loop->frame(), VK_SUCCESS);
        }
        // The windows lie on top of one another; the last one is not hidden.
        EXPECT_TRUE(shows(*windows.back(), 40, kWidth, kHeight));
    }
    for (const VkSurfaceKHR surface : surfaces)
        vkDestroySurfaceKHR(context.instance(), surface, nullptr);
}

TEST(Several, OnePresentOfTwoSwapchains)
{
    VulkanContext context(windowWishes());
    XcbWindow below(kWidth, kHeight);
    XcbWindow above(kWidth, kHeight);
    const VkSurfaceKHR surfaces[2] = {below.createSurface(context.instance()), above.createSurface(context.instance())};
    {
        FrameLoop first(context, context.queues()[0], surfaces[0], {});
        FrameLoop second(context, context.queues()[0], surfaces[1], {});
        for (int i = 0; i < 20; ++i) {
            uint32_t indices[2] = {};
            ASSERT_EQ(first.begin(&indices[0]), VK_SUCCESS);
            ASSERT_EQ(second.begin(&indices[1]), VK_SUCCESS);
            const VkSemaphore waits[2] = {first.rendered(indices[0]), second.rendered(indices[1])};
            const VkSwapchainKHR swapchains[2] = {first.swapchain(), second.swapchain()};
            VkResult results[2] = {VK_NOT_READY, VK_NOT_READY};
            const VkPresentInfoKHR present{
                VK_STRUCTURE_TYPE_PRESENT_INFO_KHR, nullptr, 2, waits, 2, swapchains, indices, results};
            ASSERT_EQ(vkQueuePresentKHR(context.queues()[0], &present), VK_SUCCESS);
            EXPECT_EQ(results[0], VK_SUCCESS);
            EXPECT_EQ(results[1], VK_SUCCESS);
        }
        EXPECT_TRUE(shows(above, 20, kWidth, kHeight));
    }
    for (const VkSurfaceKHR surface : surfaces)
        vkDestroySurfaceKHR(context.instance(), surface, nullptr);
}

TEST(Several, TwoThreadsOnTwoQueues)
{
    // The driver stays loaded until the thread has ended: Venus leaves a destructor of thread-local data behind in each
    // thread, which crashes when the last instance went first (seen with Mesa 25.0.7, with and without the layer).
    const VulkanContext keeper(windowWishes());
    // The drivers at hand have one queue a device; two devices give two queues of one process.
    const auto draw = [](VkResult* worst) {
        VulkanContext context(windowWishes());
        XcbWindow window(kWidth, kHeight);
        const VkSurfaceKHR surface = window.createSurface(context.instance());
        {
            FrameLoopWishes wishes;
            wishes.mode = VK_PRESENT_MODE_IMMEDIATE_KHR;
            FrameLoop loop(context, context.queues()[0], surface, wishes);
            for (int i = 0; i < 300 && *worst == VK_SUCCESS; ++i)
                *worst = loop.frame();
        }
        vkDestroySurfaceKHR(context.instance(), surface, nullptr);
    };
    VkResult results[2] = {VK_SUCCESS, VK_SUCCESS};
    std::thread other(draw, &results[1]);
    draw(&results[0]);
    other.join();
    EXPECT_EQ(results[0], VK_SUCCESS);
    EXPECT_EQ(results[1], VK_SUCCESS);
}

} // namespace
