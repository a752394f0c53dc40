// A swapchain's frames on a display: pacing, buffers, damage, interruptions.

#include "drm/display_frames.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/eventfd.h>
#include <unistd.h>

using namespace vwsi;

namespace {

TEST_F(DisplayFrames, GoToMappedDumbBuffers)
{
    ASSERT_EQ(make(&target), VK_SUCCESS);
    ASSERT_NE(buffers[0].data, nullptr);
    EXPECT_GE(buffers[0].stride, 1280u * 4);
    EXPECT_GE(buffers[0].size, size_t{buffers[0].stride} * 800);
    EXPECT_FALSE(buffers[0].importable);
    EXPECT_NE(buffers[0].data, buffers[1].data);
    memset(buffers[2].data, 0x5a, buffers[2].size);
}

TEST_F(DisplayFrames, AreShownInOrderAndGiveTheirBuffersBack)
{
    ASSERT_EQ(make(&target), VK_SUCCESS);
    for (uint32_t i = 0; i < 6; ++i) {
        ASSERT_EQ(present(i % 3), VK_SUCCESS);
        ASSERT_TRUE(told(i + 1));
        EXPECT_EQ(events.presented.back().serial, i + 1);
        EXPECT_NE(events.presented.back().when, 0u);
    }
    EXPECT_EQ(events.idle, (std::vector<uint32_t>{0, 1, 2, 0, 1})) << "the last one is still on the screen";
}

TEST_F(DisplayFrames, GiveTheirBuffersBackAtOnceWhereTheHostHasACopy)
{
    kernel.nodes[0].driver = "virtio_gpu";
    kernel.autoFlip = false;
    ASSERT_EQ(make(&target), VK_SUCCESS);
    ASSERT_EQ(present(0), VK_SUCCESS);
    EXPECT_TRUE(events.idle.empty());
    kernel.completeFlip(40);
    ASSERT_TRUE(told(1));
    EXPECT_EQ(events.idle, std::vector<uint32_t>{0});
    // The very buffer that is on the screen.
    ASSERT_EQ(present(0), VK_SUCCESS);
    kernel.completeFlip(40);
    ASSERT_TRUE(told(2));
    EXPECT_EQ(events.idle, (std::vector<uint32_t>{0, 0}));
    registry->device()->yieldToConsole();
    ASSERT_EQ(present(1), VK_SUCCESS);
    EXPECT_EQ(events.idle, (std::vector<uint32_t>{0, 0, 1}));
    const Nanoseconds limit = monotonicNow() + 3000 * kMillisecond;
    while (!kernel.flipPending(40) && monotonicNow() < limit)
        ASSERT_EQ(target->wait(-1, monotonicNow() + 10 * kMillisecond), VK_SUCCESS);
    kernel.completeFlip(40);
    ASSERT_EQ(target->wait(-1, monotonicNow() + 10 * kMillisecond), VK_SUCCESS);
    EXPECT_EQ(events.idle.size(), 3u) << "a frame that is only shown again gives nothing back";
}

TEST_F(DisplayFrames, ArePacedByTheModeWhereVblanksAreFake)
{
    ASSERT_EQ(make(&target), VK_SUCCESS);
    const Nanoseconds period = drm::refreshPeriod(kernel.connectors[0].modes[1]);
    const Nanoseconds begin = monotonicNow();
    constexpr int kFrames = 20;
    for (uint32_t i = 0; i < kFrames; ++i) {
        for (;;) {
            const Nanoseconds turn = target->readyAt(VK_PRESENT_MODE_FIFO_KHR);
            if (turn <= monotonicNow())
                break;
            ASSERT_EQ(target->wait(-1, turn), VK_SUCCESS);
        }
        ASSERT_EQ(present(i % 3, VK_PRESENT_MODE_FIFO_KHR), VK_SUCCESS);
    }
    ASSERT_TRUE(told(kFrames));
    const Nanoseconds spent = monotonicNow() - begin;
    EXPECT_GE(spent, (kFrames - 1) * period - period / 2);
    EXPECT_LT(spent, 5000 * kMillisecond);
}

TEST_F(DisplayFrames, ArePacedByFlipsWhereVblanksAreReal)
{
    kernel.realVblank = true;
    kernel.autoFlip = false;
    ASSERT_EQ(make(&target), VK_SUCCESS);
    ASSERT_EQ(present(0, VK_PRESENT_MODE_FIFO_KHR), VK_SUCCESS);
    EXPECT_EQ(target->readyAt(VK_PRESENT_MODE_FIFO_KHR), kForever);
    EXPECT_EQ(target->readyAt(VK_PRESENT_MODE_IMMEDIATE_KHR), kForever);
    kernel.completeFlip(40);
    ASSERT_TRUE(told(1));
    EXPECT_EQ(target->readyAt(VK_PRESENT_MODE_FIFO_KHR), 0u) << "the next flip waits for the blank by itself";
}

TEST_F(DisplayFrames, InImmediateModeNeedNoTurn)
{
    ASSERT_EQ(make(&target), VK_SUCCESS);
    ASSERT_EQ(present(0), VK_SUCCESS);
    ASSERT_TRUE(told(1));
    EXPECT_EQ(target->readyAt(VK_PRESENT_MODE_IMMEDIATE_KHR), 0u);
    EXPECT_GT(target->readyAt(VK_PRESENT_MODE_FIFO_KHR), monotonicNow());
}

TEST_F(DisplayFrames, WaitForTheFlipBeforeThem)
{
    kernel.autoFlip = false;
    ASSERT_EQ(make(&target), VK_SUCCESS);
    ASSERT_EQ(present(0), VK_SUCCESS);
    ASSERT_EQ(present(1), VK_SUCCESS);
    EXPECT_EQ(kernel.calls("drmModeAtomicCommit"), 1);
    EXPECT_TRUE(events.presented.empty());
    kernel.completeFlip(40);
    ASSERT_TRUE(told(1));
    EXPECT_EQ(kernel.calls("drmModeAtomicCommit"), 2);
    kernel.completeFlip(40);
    ASSERT_TRUE(told(2));
    EXPECT_EQ(events.idle, std::vector<uint32_t>{0});
}

TEST_F(DisplayFrames, ReplaceOneThatHasNotGoneOut)
{
    kernel.autoFlip = false;
    ASSERT_EQ(make(&target), VK_SUCCESS);
    ASSERT_EQ(present(0), VK_SUCCESS);
    ASSERT_EQ(present(1), VK_SUCCESS);
    ASSERT_EQ(present(2), VK_SUCCESS);
    ASSERT_EQ(events.presented.size(), 1u);
    EXPECT_EQ(events.presented[0].serial, 2u);
    EXPECT_EQ(events.presented[0].when, 0u) << "discarded unseen";
    EXPECT_EQ(events.idle, std::vector<uint32_t>{1});
    kernel.completeFlip(40);
    EXPECT_TRUE(told(2));
    kernel.completeFlip(40);
    EXPECT_TRUE(told(3));
}

TEST_F(DisplayFrames, AreHeldUntilTheirTime)
{
    ASSERT_EQ(make(&target), VK_SUCCESS);
    Frame frame;
    frame.serial = ++serial;
    frame.mode = VK_PRESENT_MODE_IMMEDIATE_KHR;
    frame.desiredTime = monotonicNow() + 60 * kMillisecond;
    ASSERT_EQ(target->present(frame), VK_SUCCESS);
    EXPECT_EQ(kernel.calls("drmModeAtomicCommit"), 0);
    ASSERT_TRUE(told(1));
    EXPECT_GE(events.presented[0].when + kMillisecond, frame.desiredTime);
}

TEST_F(DisplayFrames, UploadWhatChangedSinceTheirBufferWasLastShown)
{
    ASSERT_EQ(make(&target), VK_SUCCESS);
    const VkRect2D left{{0, 0}, {10, 10}};
    const VkRect2D right{{1200, 700}, {500, 500}};
    for (uint32_t i = 0; i < 3; ++i) {
        ASSERT_EQ(present(i), VK_SUCCESS);
        ASSERT_TRUE(told(i + 1));
        EXPECT_TRUE(kernel.plane(30).damage.empty()) << "buffers are whole at first";
    }
    ASSERT_EQ(present(0, VK_PRESENT_MODE_IMMEDIATE_KHR, {&left, 1}), VK_SUCCESS);
    ASSERT_TRUE(told(4));
    // Frames 1 and 2, drawn without damage, also changed since buffer 0 was shown.
    EXPECT_TRUE(kernel.plane(30).damage.empty());
    for (uint32_t i = 1; i < 3; ++i) {
        ASSERT_EQ(present(i, VK_PRESENT_MODE_IMMEDIATE_KHR, {&left, 1}), VK_SUCCESS);
        ASSERT_TRUE(told(4 + i));
    }
    ASSERT_EQ(present(0, VK_PRESENT_MODE_IMMEDIATE_KHR, {&right, 1}), VK_SUCCESS);
    ASSERT_TRUE(told(7));
    ASSERT_EQ(kernel.plane(30).damage.size(), 3u) << "those of the two frames between and its own";
    EXPECT_EQ(kernel.plane(30).damage[2].x2, 1280) << "clipped";
}

TEST_F(DisplayFrames, CountAsDamagedEverywhereBeyondAFewRectangles)
{
    ASSERT_EQ(make(&target, 2), VK_SUCCESS);
    for (uint32_t i = 0; i < 2; ++i) {
        ASSERT_EQ(present(i), VK_SUCCESS);
        ASSERT_TRUE(told(i + 1));
    }
    const std::vector<VkRect2D> many(100, VkRect2D{{0, 0}, {10, 10}});
    ASSERT_EQ(present(0, VK_PRESENT_MODE_IMMEDIATE_KHR, many), VK_SUCCESS);
    EXPECT_TRUE(kernel.plane(30).damage.empty());
}

TEST_F(DisplayFrames, AreDiscardedAtTheModesRateWhileTheMasterRightIsLost)
{
    ASSERT_EQ(make(&target), VK_SUCCESS);
    ASSERT_EQ(present(0), VK_SUCCESS);
    ASSERT_TRUE(told(1));
    kernel.revokeMaster();
    kernel.foreignMaster = true;
    ASSERT_EQ(present(1), VK_SUCCESS);
    ASSERT_EQ(events.presented.size(), 2u);
    EXPECT_EQ(events.presented[1].when, 0u);
    EXPECT_EQ(events.idle, std::vector<uint32_t>{0});
    EXPECT_GT(target->readyAt(VK_PRESENT_MODE_IMMEDIATE_KHR), monotonicNow()) << "nothing spins";
    const int commits = kernel.calls("drmModeAtomicCommit");
    for (uint32_t i = 2; i < 12; ++i)
        ASSERT_EQ(present(i % 3), VK_SUCCESS);
    EXPECT_EQ(kernel.calls("drmModeAtomicCommit"), commits);

    kernel.foreignMaster = false;
    const uint32_t latest = 11 % 3;
    const Nanoseconds limit = monotonicNow() + 3000 * kMillisecond;
    while (kernel.calls("drmModeAtomicCommit") == commits && monotonicNow() < limit)
        ASSERT_EQ(target->wait(-1, monotonicNow() + 10 * kMillisecond), VK_SUCCESS);
    ASSERT_EQ(kernel.calls("drmModeAtomicCommit"), commits + 1) << "the latest frame comes back by itself";
    EXPECT_TRUE(kernel.crtc(40).active);
    static_cast<void>(latest);
    const size_t before = events.presented.size();
    ASSERT_EQ(target->wait(-1, 0), VK_SUCCESS);
    EXPECT_EQ(events.presented.size(), before) << "a redrawn frame is not told of twice";
    ASSERT_EQ(present(0), VK_SUCCESS);
    ASSERT_TRUE(told(before + 1));
    EXPECT_NE(events.presented.back().when, 0u);
}

TEST_F(DisplayFrames, ComeBackWithAFullModesetAfterTheConsole)
{
    ASSERT_EQ(make(&target), VK_SUCCESS);
    ASSERT_EQ(present(0), VK_SUCCESS);
    ASSERT_TRUE(told(1));
    const std::shared_ptr<drm::Device> device = registry->device();
    device->yieldToConsole();
    EXPECT_EQ(kernel.crtc(40).framebuffer, 7u);
    ASSERT_EQ(present(1), VK_SUCCESS);
    EXPECT_EQ(events.presented.back().when, 0u);
    const Nanoseconds limit = monotonicNow() + 3000 * kMillisecond;
    while (kernel.crtc(40).framebuffer == 7u && monotonicNow() < limit)
        ASSERT_EQ(target->wait(-1, monotonicNow() + 10 * kMillisecond), VK_SUCCESS);
    EXPECT_NE(kernel.crtc(40).framebuffer, 7u);
}

TEST_F(DisplayFrames, LeaveADisplayServerAloneThatCameMeanwhile)
{
    ASSERT_EQ(make(&target), VK_SUCCESS);
    ASSERT_EQ(present(0), VK_SUCCESS);
    ASSERT_TRUE(told(1));
    const std::shared_ptr<drm::Device> device = registry->device();
    device->standAside();
    EXPECT_FALSE(kernel.hasMaster()) << "the server asks once";
    EXPECT_NE(kernel.crtc(40).framebuffer, 7u);
    kernel.foreignMaster = true;
    device->yieldToConsole();
    EXPECT_NE(kernel.crtc(40).framebuffer, 7u);
    EXPECT_EQ(kernel.calls("drmModeSetCrtc"), 0);
    kernel.foreignMaster = false;
    device->yieldToConsole();
    EXPECT_EQ(kernel.crtc(40).framebuffer, 7u);
    EXPECT_FALSE(kernel.hasMaster());
}

TEST_F(DisplayFrames, ThatEndOnAnotherVtRestoreTheConsoleFirst)
{
    ASSERT_EQ(make(&target), VK_SUCCESS);
    ASSERT_EQ(present(0), VK_SUCCESS);
    ASSERT_TRUE(told(1));
    registry->device()->standAside();
    target.reset();
    EXPECT_EQ(kernel.crtc(40).framebuffer, 7u);
    EXPECT_FALSE(kernel.hasMaster());
}

TEST_F(DisplayFrames, ThatFailedLeaveTheDisplayToTheConsole)
{
    ASSERT_EQ(make(&target), VK_SUCCESS);
    ASSERT_EQ(present(0), VK_SUCCESS);
    ASSERT_TRUE(told(1));
    target->abandon();
    EXPECT_EQ(kernel.crtc(40).framebuffer, 7u);
    EXPECT_FALSE(kernel.hasMaster());
    std::unique_ptr<Target> next;
    ASSERT_EQ(make(&next), VK_SUCCESS) << "while the failed one still exists";
    EXPECT_TRUE(kernel.hasMaster());
}

TEST_F(DisplayFrames, NeedPowerThatWasTakenBeforeTheFirst)
{
    ASSERT_EQ(registry->device()->setPower(20, false), 0);
    ASSERT_EQ(make(&target), VK_SUCCESS);
    ASSERT_EQ(registry->device()->setPower(20, true), 0);
    EXPECT_EQ(kernel.connector(20).dpms, static_cast<uint64_t>(DRM_MODE_DPMS_ON));
    ASSERT_EQ(registry->device()->setPower(20, false), 0);
    EXPECT_EQ(kernel.connector(20).dpms, static_cast<uint64_t>(DRM_MODE_DPMS_OFF));
    target.reset();
    EXPECT_EQ(kernel.connector(20).dpms, static_cast<uint64_t>(DRM_MODE_DPMS_ON)) << "the console is lit again";
}

TEST_F(DisplayFrames, AreDiscardedWhileTheDisplayIsOff)
{
    ASSERT_EQ(make(&target), VK_SUCCESS);
    ASSERT_EQ(present(0), VK_SUCCESS);
    ASSERT_TRUE(told(1));
    ASSERT_EQ(registry->device()->setPower(20, false), 0);
    ASSERT_EQ(present(1), VK_SUCCESS);
    EXPECT_EQ(events.presented.back().when, 0u);
    ASSERT_EQ(registry->device()->setPower(20, true), 0);
    const int commits = kernel.calls("drmModeAtomicCommit");
    ASSERT_EQ(target->wait(-1, monotonicNow() + 10 * kMillisecond), VK_SUCCESS);
    EXPECT_EQ(kernel.calls("drmModeAtomicCommit"), commits + 1) << "the latest frame comes back by itself";
    EXPECT_TRUE(kernel.crtc(40).active);
}

TEST_F(DisplayFrames, EndWithTheDisplay)
{
    ASSERT_EQ(make(&target), VK_SUCCESS);
    ASSERT_EQ(present(0), VK_SUCCESS);
    ASSERT_TRUE(told(1));
    kernel.connectors[0].connected = false;
    kernel.fail("drmModeAtomicCommit", EINVAL, 0, 2);
    EXPECT_EQ(present(1), VK_ERROR_SURFACE_LOST_KHR);
    EXPECT_EQ(target->wait(-1, 0), VK_ERROR_SURFACE_LOST_KHR);
    std::unique_ptr<Target> again;
    EXPECT_EQ(make(&again), VK_ERROR_SURFACE_LOST_KHR);
}

TEST_F(DisplayFrames, AreOutOfDateWhenTheDriverRefusesThemLater)
{
    ASSERT_EQ(make(&target), VK_SUCCESS);
    ASSERT_EQ(present(0), VK_SUCCESS);
    ASSERT_TRUE(told(1));
    kernel.fail("drmModeAtomicCommit", EINVAL, 0, 2);
    EXPECT_EQ(present(1), VK_ERROR_OUT_OF_DATE_KHR);
}

TEST_F(DisplayFrames, TryAgainWhenTheKernelIsBusy)
{
    ASSERT_EQ(make(&target), VK_SUCCESS);
    kernel.fail("drmModeAtomicCommit", EBUSY, 0, 3);
    ASSERT_EQ(present(0), VK_SUCCESS);
    EXPECT_TRUE(told(1));
    EXPECT_EQ(kernel.calls("drmModeAtomicCommit"), 4);
}

TEST_F(DisplayFrames, DoNotHangOnAnEventThatNeverComes)
{
    kernel.autoFlip = false;
    ASSERT_EQ(make(&target), VK_SUCCESS);
    ASSERT_EQ(present(0), VK_SUCCESS);
    EXPECT_TRUE(told(1));
}

TEST_F(DisplayFrames, WakeForTheCaller)
{
    ASSERT_EQ(make(&target), VK_SUCCESS);
    const int wake = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    const Nanoseconds begin = monotonicNow();
    EXPECT_EQ(target->wait(wake, kForever), VK_SUCCESS);
    EXPECT_LT(monotonicNow() - begin, 1000 * kMillisecond);
    close(wake);
}

TEST_F(DisplayFrames, NeedAModeThatTheDriverTakes)
{
    kernel.acceptsMode = [](const drmModeModeInfo&) { return false; };
    EXPECT_EQ(make(&target, 2), VK_ERROR_INITIALIZATION_FAILED);
    target.reset();
    kernel.acceptsMode = nullptr;
    EXPECT_FALSE(kernel.hasMaster());
    EXPECT_EQ(make(&target), VK_SUCCESS);
}

TEST_F(DisplayFrames, NeedTheMasterRight)
{
    kernel.foreignMaster = true;
    EXPECT_EQ(make(&target), VK_ERROR_INITIALIZATION_FAILED) << "not allowed";
    kernel.privileged = true;
    EXPECT_EQ(make(&target), VK_ERROR_NATIVE_WINDOW_IN_USE_KHR) << "in use";
}

TEST_F(DisplayFrames, NeedMemory)
{
    kernel.fail("CREATE_DUMB", ENOMEM, 1);
    EXPECT_EQ(make(&target), VK_ERROR_OUT_OF_DEVICE_MEMORY);
}

TEST_F(DisplayFrames, OfASecondSwapchainFollowWithoutTheConsoleBetween)
{
    ASSERT_EQ(make(&target), VK_SUCCESS);
    ASSERT_EQ(present(0), VK_SUCCESS);
    ASSERT_TRUE(told(1));
    std::unique_ptr<Target> old = std::move(target);
    ASSERT_EQ(make(&target), VK_SUCCESS);
    old.reset();
    EXPECT_NE(kernel.crtc(40).framebuffer, 7u);
    EXPECT_NE(kernel.crtc(40).framebuffer, 0u) << "the old one's last frame stays until the new one's first";
    ASSERT_EQ(present(1), VK_SUCCESS);
    ASSERT_TRUE(told(2));
    EXPECT_EQ(kernel.calls("drmModeSetCrtc"), 0);
    target.reset();
    EXPECT_EQ(kernel.crtc(40).framebuffer, 7u);
}

TEST_F(DisplayFrames, GoToTwoDisplaysAtOnce)
{
    ASSERT_EQ(make(&target, 2), VK_SUCCESS);
    std::unique_ptr<Target> second;
    ASSERT_EQ(make(&second, 2, {1280, 800}, 1), VK_SUCCESS);
    Events other;
    second->setEvents(&other);
    ASSERT_EQ(present(0), VK_SUCCESS);
    Frame frame;
    frame.serial = 1;
    frame.mode = VK_PRESENT_MODE_IMMEDIATE_KHR;
    ASSERT_EQ(second->present(frame), VK_SUCCESS);
    // Whichever reads the events, both hear of theirs.
    ASSERT_TRUE(told(1));
    ASSERT_EQ(second->wait(-1, monotonicNow() + 10 * kMillisecond), VK_SUCCESS);
    EXPECT_EQ(other.presented.size(), 1u);
    EXPECT_TRUE(kernel.crtc(41).active);
    target.reset();
    EXPECT_TRUE(kernel.hasMaster());
    EXPECT_EQ(kernel.crtc(40).framebuffer, 7u);
    second.reset();
    EXPECT_FALSE(kernel.hasMaster());
}

} // namespace
