// What comes between a swapchain and its display: other swapchains, drivers that fall silent, cables.

#include "drm/display_frames.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <set>

using namespace vwsi;

namespace {

std::set<int> openDescriptors()
{
    std::set<int> result;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        const int fd = std::stoi(entry.path().filename().string());
        if (fcntl(fd, F_GETFD) >= 0)
            result.insert(fd);
    }
    return result;
}

class Interruptions : public DisplayFrames {
protected:
    /// A second surface on the plane of the first one.
    std::unique_ptr<Surface> another(uint32_t modeIndex = 0)
    {
        VkDisplayPropertiesKHR display{};
        uint32_t count = 1;
        EXPECT_GE(registry->displayProperties(&count, &display), 0);
        std::vector<VkDisplayModePropertiesKHR> modes(8);
        count = 8;
        EXPECT_EQ(registry->modeProperties(display.display, &count, modes.data()), VK_SUCCESS);
        EXPECT_LT(modeIndex, count);
        VkDisplaySurfaceCreateInfoKHR info{};
        info.sType = VK_STRUCTURE_TYPE_DISPLAY_SURFACE_CREATE_INFO_KHR;
        info.displayMode = modes[modeIndex].displayMode;
        info.transform = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR;
        info.alphaMode = VK_DISPLAY_PLANE_ALPHA_OPAQUE_BIT_KHR;
        info.imageExtent = modes[modeIndex].parameters.visibleRegion;
        std::unique_ptr<Surface> made;
        EXPECT_EQ(createDisplaySurface(*registry, info, &made), VK_SUCCESS);
        return made;
    }

    VkResult makeOn(Surface& surface, std::unique_ptr<Target>* made)
    {
        SurfaceState state;
        EXPECT_EQ(surface.state(&state), VK_SUCCESS);
        const TargetInfo info{state.currentExtent,
                              findPixelFormat(VK_FORMAT_B8G8R8A8_UNORM),
                              VK_COLOR_SPACE_SRGB_NONLINEAR_KHR,
                              VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR,
                              VK_PRESENT_MODE_FIFO_KHR,
                              2,
                              nullptr};
        if (const VkResult result = surface.createTarget(info, made); result != VK_SUCCESS)
            return result;
        (*made)->setEvents(&events);
        for (uint32_t i = 0; i < 2; ++i) {
            TargetBuffer buffer;
            if (const VkResult result = (*made)->allocate(i, {}, &buffer); result != VK_SUCCESS)
                return result;
        }
        return VK_SUCCESS;
    }

    bool waitFor(const std::function<bool()>& condition)
    {
        const Nanoseconds limit = monotonicNow() + 5000 * kMillisecond;
        while (!condition() && monotonicNow() < limit) {
            if (target->wait(-1, monotonicNow() + 10 * kMillisecond) < 0)
                return false;
        }
        return condition();
    }
};

TEST_F(Interruptions, ALateEventOfAFlipThatWasGivenUpEndsNoOther)
{
    kernel.autoFlip = false;
    ASSERT_EQ(make(&target), VK_SUCCESS);
    ASSERT_EQ(present(0), VK_SUCCESS);
    ASSERT_TRUE(told(1)) << "given up after its time";
    // Its event is there, unread, when the next one is on its way.
    kernel.completeFlip(40);
    ASSERT_EQ(present(1), VK_SUCCESS);
    ASSERT_TRUE(kernel.flipPending(40));
    ASSERT_EQ(target->wait(-1, monotonicNow() + 30 * kMillisecond), VK_SUCCESS);
    EXPECT_EQ(events.presented.size(), 1u) << "the second frame is not on the screen yet";
    kernel.completeFlip(40);
    EXPECT_TRUE(told(2));
}

TEST_F(Interruptions, AFlipWithoutAnEndIsReportedOnce)
{
    kernel.autoFlip = false;
    ASSERT_EQ(make(&target), VK_SUCCESS);
    ::testing::internal::CaptureStderr();
    ASSERT_EQ(present(0), VK_SUCCESS);
    ASSERT_TRUE(told(1));
    kernel.completeFlip(40);
    ASSERT_EQ(present(1), VK_SUCCESS);
    ASSERT_TRUE(told(2));
    const std::string lines = ::testing::internal::GetCapturedStderr();
    EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 1) << lines;
}

TEST_F(Interruptions, AFlipThatItsSwapchainDidNotSeeTheEndOfHoldsUpNoOther)
{
    kernel.autoFlip = false;
    ASSERT_EQ(make(&target), VK_SUCCESS);
    std::unique_ptr<Target> next;
    ASSERT_EQ(make(&next), VK_SUCCESS);
    ASSERT_EQ(present(0), VK_SUCCESS);
    target = std::move(next);
    ASSERT_EQ(present(0), VK_SUCCESS);
    EXPECT_EQ(kernel.calls("drmModeAtomicCommit"), 1);
    ASSERT_TRUE(waitFor([&] { return kernel.calls("drmModeAtomicCommit") >= 2; })) << "given up after its time";
    kernel.completeFlip(40);
    ASSERT_TRUE(waitFor([&] { return kernel.flipPending(40); }));
    kernel.completeFlip(40);
    EXPECT_TRUE(told(1));
}

TEST_F(Interruptions, ADriverThatStaysBusyIsAFailureAfterAWhile)
{
    ASSERT_EQ(make(&target), VK_SUCCESS);
    registry->device()->setPatience(100 * kMillisecond);
    kernel.fail("drmModeAtomicCommit", EBUSY, 0, 1'000'000);
    ::testing::internal::CaptureStderr();
    VkResult result = present(0);
    const Nanoseconds begin = monotonicNow();
    while (result == VK_SUCCESS && monotonicNow() - begin < 5000 * kMillisecond)
        result = target->wait(-1, monotonicNow() + 10 * kMillisecond);
    const std::string lines = ::testing::internal::GetCapturedStderr();
    EXPECT_EQ(result, VK_ERROR_OUT_OF_DATE_KHR);
    EXPECT_GE(monotonicNow() - begin, 90 * kMillisecond);
    EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 1) << lines;
    kernel.fail("drmModeAtomicCommit", 0, 0, 0);
    kernel.failNth(0, 0);
}

TEST_F(Interruptions, ADisplayThatWasOffDuringAFlipNeedsNoEventOfIt)
{
    kernel.autoFlip = false;
    ASSERT_EQ(make(&target), VK_SUCCESS);
    ASSERT_EQ(present(0), VK_SUCCESS);
    ASSERT_TRUE(kernel.flipPending(40));
    ASSERT_EQ(registry->device()->setPower(20, false), 0);
    ASSERT_EQ(target->wait(-1, monotonicNow() + 10 * kMillisecond), VK_SUCCESS);
    ASSERT_EQ(present(1), VK_SUCCESS);
    EXPECT_EQ(events.presented.size(), 2u) << "both discarded";
    ASSERT_EQ(registry->device()->setPower(20, true), 0);
    EXPECT_TRUE(waitFor([&] { return kernel.calls("drmModeAtomicCommit") >= 2; }));
}

TEST_F(Interruptions, APlaneBelongsToOneSurface)
{
    ASSERT_EQ(make(&target), VK_SUCCESS);
    const std::unique_ptr<Surface> other = another();
    std::unique_ptr<Target> second;
    EXPECT_EQ(makeOn(*other, &second), VK_ERROR_NATIVE_WINDOW_IN_USE_KHR);
    EXPECT_FALSE(second);
    ASSERT_EQ(present(0), VK_SUCCESS);
    EXPECT_TRUE(told(1)) << "the first one is not disturbed";
    target.reset();
    EXPECT_EQ(makeOn(*other, &target), VK_SUCCESS);
}

TEST_F(Interruptions, AModeIsChangedWhileAFlipIsUnderWay)
{
    kernel.autoFlip = false;
    ASSERT_EQ(make(&target), VK_SUCCESS);
    ASSERT_EQ(present(0), VK_SUCCESS);
    ASSERT_EQ(present(1), VK_SUCCESS);
    target.reset();
    const std::unique_ptr<Surface> other = another(1);
    ASSERT_EQ(makeOn(*other, &target), VK_SUCCESS);
    kernel.autoFlip = true;
    const size_t before = events.presented.size();
    ASSERT_EQ(present(0), VK_SUCCESS);
    ASSERT_TRUE(told(before + 1));
    SurfaceState state;
    ASSERT_EQ(other->state(&state), VK_SUCCESS);
    EXPECT_EQ(kernel.crtc(40).mode->hdisplay, state.currentExtent.width);
}

TEST_F(Interruptions, ARetiredSwapchainsFrameDoesNotReplaceItsSuccessors)
{
    ASSERT_EQ(make(&target), VK_SUCCESS);
    ASSERT_EQ(present(0), VK_SUCCESS);
    ASSERT_TRUE(told(1));
    std::unique_ptr<Target> successor;
    ASSERT_EQ(make(&successor), VK_SUCCESS);
    ASSERT_EQ(present(1), VK_SUCCESS);
    ASSERT_TRUE(told(2));
    EXPECT_NE(events.presented.back().when, 0u) << "as long as there is nothing newer";
    target.swap(successor);
    ASSERT_EQ(present(0), VK_SUCCESS);
    ASSERT_TRUE(told(3));
    const uint32_t shown = kernel.crtc(40).framebuffer;
    target.swap(successor);
    ASSERT_EQ(present(0), VK_SUCCESS);
    ASSERT_TRUE(told(4));
    EXPECT_EQ(events.presented.back().when, 0u);
    EXPECT_EQ(kernel.crtc(40).framebuffer, shown);
    successor.reset();
}

TEST_F(Interruptions, ADisplayThatWasAwayGetsItsModeAnew)
{
    ASSERT_EQ(make(&target), VK_SUCCESS);
    ASSERT_EQ(present(0), VK_SUCCESS);
    ASSERT_TRUE(told(1));
    kernel.connectors[0].connected = false;
    kernel.fail("drmModeAtomicCommit", EINVAL, 0, 2);
    ASSERT_EQ(present(1), VK_ERROR_SURFACE_LOST_KHR);
    kernel.connectors[0].connected = true;
    // The lost swapchain is still there, as applications destroy late.
    const std::unique_ptr<Surface> other = another();
    std::unique_ptr<Target> next;
    ASSERT_EQ(makeOn(*other, &next), VK_SUCCESS);
    target.swap(next);
    ASSERT_EQ(present(0), VK_SUCCESS);
    ASSERT_TRUE(told(2));
    EXPECT_TRUE(kernel.lastFlags() & DRM_MODE_ATOMIC_ALLOW_MODESET);
    next.reset();
    EXPECT_NE(kernel.crtc(40).framebuffer, 7u) << "the console does not come between";
}

TEST_F(Interruptions, VerticalBlanksDoNotPassWhileTheDisplayIsOff)
{
    kernel.realVblank = true;
    ASSERT_EQ(make(&target), VK_SUCCESS);
    ASSERT_EQ(present(0), VK_SUCCESS);
    ASSERT_TRUE(told(1));
    uint64_t before = 0;
    ASSERT_EQ(registry->device()->vblankCount(20, &before), 0);
    kernel.fail("drmCrtcGetSequence", EINVAL);
    uint64_t count = 0;
    EXPECT_EQ(registry->device()->vblankCount(20, &count), 0);
    EXPECT_EQ(count, before);
}

TEST_F(Interruptions, DescriptorsAreNotInheritedAndAllAreClosed)
{
    const std::set<int> before = openDescriptors();
    for (int round = 0; round < 3; ++round) {
        ASSERT_EQ(make(&target), VK_SUCCESS);
        ASSERT_EQ(present(0), VK_SUCCESS);
        ASSERT_TRUE(told(static_cast<size_t>(round) + 1));
        uint64_t event = 0;
        ASSERT_EQ(registry->registerDeviceEvent(VK_DEVICE_EVENT_TYPE_DISPLAY_HOTPLUG_EXT, [] {}, &event), VK_SUCCESS);
        for (const int fd : openDescriptors()) {
            if (!before.count(fd)) {
                EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC)
                    << std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd));
            }
        }
        registry->cancelEvent(event);
        target.reset();
    }
    surfaces.clear();
    registry.reset();
    EXPECT_EQ(openDescriptors(), before);
}

} // namespace
