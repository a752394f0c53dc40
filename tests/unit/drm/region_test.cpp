// Which part of a frame is shown where: by the plane where it can, else put together on the CPU.

#include "drm/display_frames.h"
#include "surface/display/frame_composer.h"

#include <cerrno>
#include <cstring>

using namespace vwsi;

namespace {

class Regions : public DisplayFrames {
protected:
    static FrameRegion region(VkRect2D source, VkRect2D destination) { return {source, destination}; }

    VkResult show(uint32_t buffer, const FrameRegion& region, VkPresentModeKHR mode = VK_PRESENT_MODE_IMMEDIATE_KHR,
                  std::span<const VkRect2D> damage = {})
    {
        const VkResult result = present(buffer, mode, damage, &region);
        return result == VK_SUCCESS && !told(serial) ? VK_TIMEOUT : result;
    }

    const fake::Plane& plane() { return kernel.plane(30); }
    static uint64_t fixed(uint64_t pixels) { return pixels << 16; }
    /// The plane shows a buffer that is none of the swapchain's, all of it on all of the display.
    bool composed()
    {
        for (const uint32_t framebuffer : own)
            if (framebuffer == plane().framebuffer)
                return false;
        return plane().source[0] == 0 && plane().source[2] == fixed(1280) && plane().destination[2] == 1280;
    }

    /// Shows each buffer once, so that its framebuffer is known.
    void showAll(uint32_t count)
    {
        const VkRect2D all{{0, 0}, {1280, 800}};
        for (uint32_t i = 0; i < count; ++i) {
            ASSERT_EQ(show(i, region(all, all)), VK_SUCCESS);
            own.push_back(plane().framebuffer);
        }
    }

    const VkRect2D whole{{0, 0}, {1280, 800}};
    std::vector<uint32_t> own;
};

TEST_F(Regions, AreCroppedByThePlane)
{
    ASSERT_EQ(make(&target, 2, {1400, 900}), VK_SUCCESS);
    showAll(2);
    ASSERT_EQ(show(0, region({{100, 50}, {1280, 800}}, whole)), VK_SUCCESS);
    EXPECT_EQ(plane().framebuffer, own[0]);
    EXPECT_EQ(plane().source[0], fixed(100));
    EXPECT_EQ(plane().source[1], fixed(50));
    EXPECT_EQ(plane().source[2], fixed(1280));
}

TEST_F(Regions, AreScaledByAPlaneThatCan)
{
    kernel.scalingPlanes = true;
    ASSERT_EQ(make(&target, 2), VK_SUCCESS);
    showAll(2);
    ASSERT_EQ(show(1, region({{0, 0}, {640, 400}}, whole)), VK_SUCCESS);
    EXPECT_EQ(plane().framebuffer, own[1]);
    EXPECT_EQ(plane().source[2], fixed(640));
    EXPECT_EQ(plane().destination[2], 1280);
}

TEST_F(Regions, ArePutTogetherWhereThePlaneCannot)
{
    ASSERT_EQ(make(&target, 2), VK_SUCCESS);
    showAll(2);
    ASSERT_EQ(show(0, region({{0, 0}, {640, 400}}, whole)), VK_SUCCESS) << "scaled";
    EXPECT_TRUE(composed());
    ASSERT_EQ(show(1, region({{0, 0}, {200, 100}}, {{40, 50}, {200, 100}})), VK_SUCCESS) << "not all of the display";
    EXPECT_TRUE(composed());
    ASSERT_EQ(show(0, region(whole, whole)), VK_SUCCESS);
    EXPECT_EQ(plane().framebuffer, own[0]) << "and back";
}

TEST_F(Regions, AreAskedAboutOnce)
{
    ASSERT_EQ(make(&target, 2), VK_SUCCESS);
    showAll(2);
    const FrameRegion part = region({{0, 0}, {640, 400}}, whole);
    ASSERT_EQ(show(0, part), VK_SUCCESS);
    const int before = kernel.calls("drmModeAtomicCommit");
    for (uint32_t i = 0; i < 6; ++i)
        ASSERT_EQ(show(i % 2, part), VK_SUCCESS);
    EXPECT_EQ(kernel.calls("drmModeAtomicCommit"), before + 6) << "one commit a frame, and no tests";
}

TEST_F(Regions, AreDrawnBesideWhatIsShown)
{
    ASSERT_EQ(make(&target, 2), VK_SUCCESS);
    showAll(2);
    const FrameRegion part = region({{0, 0}, {640, 400}}, whole);
    ASSERT_EQ(show(0, part), VK_SUCCESS);
    const uint32_t first = plane().framebuffer;
    kernel.fail("drmModeAtomicCommit", EBUSY, 0, 3);
    ASSERT_EQ(present(1, VK_PRESENT_MODE_IMMEDIATE_KHR, {}, &part), VK_SUCCESS);
    ASSERT_EQ(present(0, VK_PRESENT_MODE_IMMEDIATE_KHR, {}, &part), VK_SUCCESS) << "in place of the one that waits";
    ASSERT_TRUE(told(serial));
    EXPECT_NE(plane().framebuffer, first);
    ASSERT_EQ(show(1, part), VK_SUCCESS);
    EXPECT_EQ(plane().framebuffer, first) << "two are enough";
}

TEST_F(Regions, ThatChangeUploadEverything)
{
    ASSERT_EQ(make(&target, 2, {1400, 900}), VK_SUCCESS);
    showAll(2);
    const VkRect2D little{{0, 0}, {8, 8}};
    const FrameRegion moved = region({{100, 50}, {1280, 800}}, whole);
    ASSERT_EQ(show(0, region(whole, whole), VK_PRESENT_MODE_FIFO_KHR, {&little, 1}), VK_SUCCESS);
    ASSERT_EQ(show(1, region(whole, whole), VK_PRESENT_MODE_FIFO_KHR, {&little, 1}), VK_SUCCESS);
    EXPECT_FALSE(plane().damage.empty());
    ASSERT_EQ(show(0, moved, VK_PRESENT_MODE_FIFO_KHR, {&little, 1}), VK_SUCCESS);
    EXPECT_TRUE(plane().damage.empty()) << "of this buffer the kernel knows another part";
    ASSERT_EQ(show(1, moved, VK_PRESENT_MODE_FIFO_KHR, {&little, 1}), VK_SUCCESS);
    EXPECT_TRUE(plane().damage.empty());
    ASSERT_EQ(show(0, moved, VK_PRESENT_MODE_FIFO_KHR, {&little, 1}), VK_SUCCESS);
    EXPECT_FALSE(plane().damage.empty());
}

TEST_F(Regions, ThatChangeDoNotTear)
{
    kernel.asyncFlip = true;
    ASSERT_EQ(make(&target, 2, {1400, 900}), VK_SUCCESS);
    showAll(2);
    ASSERT_EQ(show(0, region(whole, whole)), VK_SUCCESS);
    EXPECT_TRUE(kernel.lastFlags() & DRM_MODE_PAGE_FLIP_ASYNC);
    ASSERT_EQ(show(1, region({{100, 50}, {1280, 800}}, whole)), VK_SUCCESS);
    EXPECT_FALSE(kernel.lastFlags() & DRM_MODE_PAGE_FLIP_ASYNC) << "such a flip cannot move anything";
    EXPECT_EQ(plane().source[0], fixed(100));
}

TEST_F(Regions, OfAnotherSizeThanTheDisplayFillIt)
{
    ASSERT_EQ(make(&target, 2, {640, 400}), VK_SUCCESS);
    ASSERT_EQ(present(0), VK_SUCCESS);
    ASSERT_TRUE(told(1));
    EXPECT_TRUE(composed());
}

TEST_F(Regions, NeedMemory)
{
    ASSERT_EQ(make(&target, 2), VK_SUCCESS);
    kernel.fail("CREATE_DUMB", ENOMEM);
    const FrameRegion part = region({{0, 0}, {640, 400}}, whole);
    EXPECT_EQ(present(0, VK_PRESENT_MODE_FIFO_KHR, {}, &part), VK_ERROR_OUT_OF_HOST_MEMORY);
}

TEST_F(Regions, OnLegacyKmsArePutTogether)
{
    kernel.atomic = false;
    ASSERT_EQ(make(&target, 2, {1400, 900}), VK_SUCCESS);
    showAll(2);
    ASSERT_EQ(show(0, region({{100, 50}, {1280, 800}}, whole)), VK_SUCCESS);
    EXPECT_TRUE(composed());
}

TEST_F(Regions, ComeBackAfterTheConsole)
{
    ASSERT_EQ(make(&target, 2), VK_SUCCESS);
    showAll(2);
    ASSERT_EQ(show(0, region({{0, 0}, {640, 400}}, whole)), VK_SUCCESS);
    registry->device()->yieldToConsole();
    ASSERT_EQ(present(1), VK_SUCCESS);
    const Nanoseconds limit = monotonicNow() + 3000 * kMillisecond;
    while (kernel.crtc(40).framebuffer == 7u && monotonicNow() < limit)
        ASSERT_EQ(target->wait(-1, monotonicNow() + 10 * kMillisecond), VK_SUCCESS);
    EXPECT_EQ(plane().framebuffer, own[1]);
}

TEST_F(Regions, MustLieInImageAndDisplay)
{
    const Surface& on = surface(0);
    const VkExtent2D image{640, 400};
    const VkRect2D all{{0, 0}, image};
    EXPECT_TRUE(on.accepts(region(all, whole), image));
    EXPECT_TRUE(on.accepts(region({{639, 399}, {1, 1}}, {{1279, 799}, {1, 1}}), image));
    EXPECT_FALSE(on.accepts(region({{1, 0}, image}, whole), image));
    EXPECT_FALSE(on.accepts(region({{-1, 0}, {10, 10}}, whole), image));
    EXPECT_FALSE(on.accepts(region({{0, 0}, {0, 10}}, whole), image));
    EXPECT_FALSE(on.accepts(region({{5, 5}, {UINT32_MAX, 10}}, whole), image));
    EXPECT_FALSE(on.accepts(region(all, {{0, 1}, {1280, 800}}), image));
    EXPECT_FALSE(on.accepts(region(all, {{0, 0}, {1280, 0}}), image));
}

class Composer : public Regions {
protected:
    static constexpr uint32_t kXr24 = 0x34325258;
    std::shared_ptr<drm::DumbBuffer> frame;

    /// A frame whose pixels tell where they are: 0xYYXX.
    void makeFrame(uint32_t width, uint32_t height)
    {
        ASSERT_EQ(drm::DumbBuffer::create(registry->device(), width, height, kXr24, 4, &frame), 0);
        for (uint32_t y = 0; y < height; ++y)
            for (uint32_t x = 0; x < width; ++x)
                pixel(*frame, x, y) = 1u << 24 | y << 8 | x;
    }
    static uint32_t& pixel(const drm::DumbBuffer& buffer, uint32_t x, uint32_t y)
    {
        return *reinterpret_cast<uint32_t*>(static_cast<char*>(buffer.data()) + size_t{y} * buffer.stride() + x * 4);
    }
    static uint32_t at(uint32_t x, uint32_t y) { return 1u << 24 | y << 8 | x; }

    void TearDown() override
    {
        frame.reset();
        Regions::TearDown();
    }
};

TEST_F(Composer, CopiesAPartOnBlack)
{
    makeFrame(16, 16);
    FrameComposer composer(registry->device(), kXr24, 4);
    std::shared_ptr<drm::DumbBuffer> shown;
    ASSERT_EQ(composer.compose(*frame, {4, 5, 3, 2}, {10, 11, 3, 2}, {20, 20}, &shown), 0);
    for (uint32_t y = 0; y < 20; ++y)
        for (uint32_t x = 0; x < 20; ++x) {
            const bool inside = x >= 10 && x < 13 && y >= 11 && y < 13;
            ASSERT_EQ(pixel(*shown, x, y), inside ? at(x - 6, y - 6) : 0u) << x << ", " << y;
        }
    ASSERT_EQ(composer.compose(*frame, {4, 5, 3, 2}, {0, 0, 3, 2}, {20, 20}, &shown), 0);
    EXPECT_EQ(pixel(*shown, 11, 12), 0u) << "nothing of the place before";
    EXPECT_EQ(pixel(*shown, 2, 1), at(6, 6));
}

TEST_F(Composer, Scales)
{
    makeFrame(8, 8);
    FrameComposer composer(registry->device(), kXr24, 4);
    std::shared_ptr<drm::DumbBuffer> shown;
    ASSERT_EQ(composer.compose(*frame, {2, 2, 4, 4}, {0, 0, 8, 12}, {8, 12}, &shown), 0);
    for (uint32_t y = 0; y < 12; ++y)
        for (uint32_t x = 0; x < 8; ++x)
            ASSERT_EQ(pixel(*shown, x, y), at(2 + x / 2, 2 + y / 3)) << x << ", " << y;
    composer.shown();
    ASSERT_EQ(composer.compose(*frame, {0, 0, 8, 8}, {0, 0, 2, 2}, {8, 12}, &shown), 0);
    EXPECT_EQ(pixel(*shown, 0, 0), at(2, 2)) << "the middle of four";
    EXPECT_EQ(pixel(*shown, 1, 1), at(6, 6));
}

TEST_F(Composer, LeavesOutWhatIsNotOnTheCanvas)
{
    makeFrame(8, 8);
    FrameComposer composer(registry->device(), kXr24, 4);
    std::shared_ptr<drm::DumbBuffer> shown;
    ASSERT_EQ(composer.compose(*frame, {0, 0, 8, 8}, {-4, -2, 8, 8}, {6, 5}, &shown), 0);
    EXPECT_EQ(pixel(*shown, 0, 0), at(4, 2));
    EXPECT_EQ(pixel(*shown, 3, 4), at(7, 6));
    EXPECT_EQ(pixel(*shown, 4, 0), 0u);
    ASSERT_EQ(composer.compose(*frame, {0, 0, 8, 8}, {100, 0, 8, 8}, {6, 5}, &shown), 0);
    EXPECT_EQ(pixel(*shown, 0, 0), 0u);
}

} // namespace
