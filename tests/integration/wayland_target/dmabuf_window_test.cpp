// Frames of a real driver in the test compositor: VWSI_TEST_EXPECT says whether they are to come as dma-bufs or through
// wl_shm.

#include "frame_loop.h"
#include "test_compositor.h"

#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <thread>
#include <vulkan/vulkan_wayland.h>
#include <wayland-client.h>

namespace vwsi::testing {
namespace {

constexpr uint32_t kFrames = 30;

/// A window in the test compositor, as a Vulkan surface.
class Window {
public:
    Window(TestCompositor& compositor, VkInstance instance)
        : m_instance(instance), m_display(wl_display_connect_to_fd(compositor.connect()))
    {
        static constexpr wl_registry_listener kListener = {
            .global =
                [](void* data, wl_registry* registry, uint32_t name, const char* interface, uint32_t) {
                    if (strcmp(interface, "wl_compositor") == 0)
                        static_cast<Window*>(data)->m_compositor =
                            static_cast<wl_compositor*>(wl_registry_bind(registry, name, &wl_compositor_interface, 4));
                },
            .global_remove = [](void*, wl_registry*, uint32_t) {},
        };
        wl_registry* const registry = wl_display_get_registry(m_display);
        wl_registry_add_listener(registry, &kListener, this);
        wl_display_roundtrip(m_display);
        wl_registry_destroy(registry);
        m_window = wl_compositor_create_surface(m_compositor);
        const VkWaylandSurfaceCreateInfoKHR info{VK_STRUCTURE_TYPE_WAYLAND_SURFACE_CREATE_INFO_KHR, nullptr, 0,
                                                 m_display, m_window};
        const auto create = reinterpret_cast<PFN_vkCreateWaylandSurfaceKHR>(
            vkGetInstanceProcAddr(instance, "vkCreateWaylandSurfaceKHR"));
        client::check(create(instance, &info, nullptr, &surface), "vkCreateWaylandSurfaceKHR");
    }
    ~Window()
    {
        vkDestroySurfaceKHR(m_instance, surface, nullptr);
        wl_surface_destroy(m_window);
        wl_compositor_destroy(m_compositor);
        wl_display_disconnect(m_display);
    }
    Window(const Window&) = delete;
    Window& operator=(const Window&) = delete;

    VkSurfaceKHR surface = VK_NULL_HANDLE;

private:
    VkInstance m_instance;
    wl_display* m_display;
    wl_compositor* m_compositor = nullptr;
    wl_surface* m_window = nullptr;
};

bool expectsDmaBufs()
{
    const char* const expected = std::getenv("VWSI_TEST_EXPECT");
    return expected && strcmp(expected, "dmabuf") == 0;
}

/// Shows frames of one colour each in a window of a compositor with `options`; whether they came as dma-bufs.
void showFrames(const CompositorOptions& options, bool asDmaBufs)
{
    TestCompositor compositor(options);
    client::ContextWishes wishes;
    wishes.instanceExtensions = {"VK_KHR_surface", "VK_KHR_wayland_surface"};
    wishes.deviceExtensions = {"VK_KHR_swapchain"};
    client::VulkanContext context(wishes);
    Window window(compositor, context.instance());
    {
        client::FrameLoopWishes loopWishes;
        loopWishes.extent = {203, 101};
        client::FrameLoop loop(context, context.queues()[0], window.surface, loopWishes);
        for (uint32_t frame = 0; frame < kFrames; ++frame) {
            if (frame == kFrames / 2)
                loop.recreate();
            ASSERT_EQ(loop.frame(), VK_SUCCESS);
        }
        const uint32_t last = 0xff000000 | client::colourOf(kFrames);
        for (int i = 0; i < 5000 && compositor.lastPixel() != last; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        EXPECT_EQ(compositor.lastPixel(), last);
    }
    const std::vector<Commit> commits = compositor.commits();
    // Frames that the first swapchain has not shown yet go with it.
    EXPECT_GT(commits.size(), kFrames / 3 * 2);
    for (const Commit& commit : commits)
        EXPECT_EQ(commit.dmaBuf, asDmaBufs);
    EXPECT_EQ(compositor.pools().empty(), asDmaBufs);
    uint32_t before = 0;
    for (const Shown& shown : compositor.shown()) {
        EXPECT_TRUE(shown.whole);
        EXPECT_GT(shown.pixel, before) << "frames in order";
        before = shown.pixel;
    }
}

TEST(DmaBufWindow, FramesArriveInOrderAndWhole)
{
    showFrames({.dmaBufVersion = 4}, expectsDmaBufs());
}

TEST(DmaBufWindow, Version3)
{
    showFrames({.dmaBufVersion = 3}, expectsDmaBufs());
}

TEST(DmaBufWindow, ARefusalGoesUnnoticed)
{
    showFrames({.dmaBufVersion = 4, .acceptedDmaBufs = 1}, false);
}

TEST(DmaBufWindow, ACompositorWithoutThem)
{
    showFrames({.dmaBufVersion = 0}, false);
}

} // namespace
} // namespace vwsi::testing
