// Showing buffers: modes, flips, damage, power, and the console afterwards.

#include "core/clock.h"
#include "drm/device.h"
#include "drm/mode.h"
#include "fake_libdrm/fake_kms.h"

#include <cerrno>
#include <drm_fourcc.h>
#include <gtest/gtest.h>

using namespace vwsi;
using namespace vwsi::drm;

namespace {

class DrmOutput : public ::testing::TestWithParam<bool> {
protected:
    fake::Kernel kernel{2};
    std::shared_ptr<Device> device;
    const Plane* plane = nullptr;
    OutputHandle output;
    std::vector<std::shared_ptr<DumbBuffer>> buffers;
    uint64_t ticket = 0;
    int error = 0;

    void SetUp() override
    {
        kernel.atomic = GetParam();
        ASSERT_EQ(Device::open("/dev/dri/card0", &device), 0);
        plane = device->resources().plane(30);
        ASSERT_EQ(device->acquireOutput(20, *plane, nullptr, &output), 0);
        for (int i = 0; i < 3; ++i)
            buffers.push_back(make(1280, 800));
    }

    void TearDown() override
    {
        buffers.clear();
        output = OutputHandle();
        device.reset();
        EXPECT_EQ(kernel.leaks(), "");
        EXPECT_FALSE(kernel.hasMaster());
    }

    std::shared_ptr<DumbBuffer> make(uint32_t width, uint32_t height)
    {
        std::shared_ptr<DumbBuffer> buffer;
        EXPECT_EQ(DumbBuffer::create(device, width, height, DRM_FORMAT_XRGB8888, 4, &buffer), 0);
        return buffer;
    }

    Output::Update update(size_t index, std::span<const drm_mode_rect> damage = {}) const
    {
        const Rectangle whole{0, 0, buffers[index]->width(), buffers[index]->height()};
        return {.plane = plane,
                .buffer = buffers[index],
                .source = whole,
                .destination = whole,
                .zpos = {},
                .damage = damage};
    }

    const drmModeModeInfo& preferred() const { return kernel.connectors[0].modes[1]; }

    Outcome show(size_t index) { return output->show(update(index), preferred(), &ticket, &error); }

    bool done()
    {
        device->dispatch();
        return output->flipStatus().ticket >= ticket;
    }

    uint32_t onScreen() { return kernel.crtc(40).framebuffer; }
};

INSTANTIATE_TEST_SUITE_P(Kms, DrmOutput, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Atomic" : "Legacy"; });

TEST_P(DrmOutput, SetsTheModeWithTheFirstFrameAndFlipsAfterwards)
{
    const Outcome first = show(0);
    EXPECT_TRUE(first == Outcome::Shown || first == Outcome::Pending);
    EXPECT_TRUE(done());
    EXPECT_EQ(onScreen(), buffers[0]->framebuffer());
    EXPECT_EQ(show(1), Outcome::Pending);
    EXPECT_TRUE(kernel.lastFlags() & DRM_MODE_PAGE_FLIP_EVENT);
    if (GetParam()) {
        EXPECT_TRUE(kernel.lastFlags() & DRM_MODE_ATOMIC_NONBLOCK) << "a frame must not wait for the host";
        EXPECT_FALSE(kernel.lastFlags() & DRM_MODE_ATOMIC_ALLOW_MODESET);
    }
    EXPECT_TRUE(done());
    EXPECT_EQ(onScreen(), buffers[1]->framebuffer());
}

TEST_P(DrmOutput, DoesOneFlipAtATime)
{
    show(0);
    ASSERT_TRUE(done());
    kernel.autoFlip = false;
    EXPECT_EQ(show(1), Outcome::Pending);
    EXPECT_FALSE(done());
    EXPECT_TRUE(output->flipStatus().pending);
    EXPECT_EQ(show(2), Outcome::Busy);
    kernel.completeFlip(40);
    const uint64_t second = ticket;
    EXPECT_TRUE(done());
    EXPECT_GE(output->flipStatus().ticket, second);
    EXPECT_EQ(show(2), Outcome::Pending);
}

TEST_P(DrmOutput, KeepsBuffersAliveUntilTheyLeaveTheScreen)
{
    show(0);
    ASSERT_TRUE(done());
    const uint32_t first = buffers[0]->framebuffer();
    buffers[0].reset();
    EXPECT_EQ(onScreen(), first);
    show(1);
    ASSERT_TRUE(done());
    EXPECT_EQ(onScreen(), buffers[1]->framebuffer());
}

TEST_P(DrmOutput, GivesUpFlipsWhoseEventNeverComes)
{
    show(0);
    ASSERT_TRUE(done());
    kernel.autoFlip = false;
    ASSERT_EQ(show(1), Outcome::Pending);
    output->abandonFlip(ticket);
    EXPECT_TRUE(done());
}

TEST_P(DrmOutput, TellsBusyKernelsFromFailures)
{
    show(0);
    ASSERT_TRUE(done());
    kernel.fail(GetParam() ? "drmModeAtomicCommit" : "drmModePageFlip", EBUSY);
    EXPECT_EQ(show(1), Outcome::Busy);
    EXPECT_FALSE(output->flipStatus().pending);
    EXPECT_EQ(show(1), Outcome::Pending);
}

TEST_P(DrmOutput, SetsTheModeAnewWhenAFlipIsRefused)
{
    show(0);
    ASSERT_TRUE(done());
    kernel.crtc(40).active = false; // behind the layer's back
    const Outcome outcome = show(1);
    if (GetParam())
        EXPECT_EQ(outcome, Outcome::Pending);
    else
        EXPECT_EQ(outcome, Outcome::Busy); // the old call does not tell why
    kernel.fail(GetParam() ? "drmModeAtomicCommit" : "drmModePageFlip", EINVAL);
    EXPECT_NE(show(2), Outcome::Failed);
}

TEST_P(DrmOutput, LosesTheMasterRightWithoutFailing)
{
    show(0);
    ASSERT_TRUE(done());
    kernel.revokeMaster();
    EXPECT_EQ(show(1), Outcome::NoMaster);
    EXPECT_FALSE(device->master().held());
    EXPECT_EQ(show(2), Outcome::NoMaster);
    EXPECT_EQ(device->regain(), 0);
    // Whoever was master in between may have changed anything.
    kernel.crtc(40).mode = kernel.connectors[0].modes[0];
    EXPECT_NE(show(2), Outcome::Failed);
    EXPECT_TRUE(done());
    EXPECT_EQ(kernel.crtc(40).mode->hdisplay, 1280);
}

TEST_P(DrmOutput, LosesTheMasterRightMidFrame)
{
    show(0);
    ASSERT_TRUE(done());
    kernel.autoFlip = false;
    ASSERT_EQ(show(1), Outcome::Pending);
    kernel.revokeMaster();
    kernel.completeFlip(40);
    EXPECT_TRUE(done()) << "what is on its way still completes";
    EXPECT_EQ(show(2), Outcome::NoMaster);
}

TEST_P(DrmOutput, YieldsToTheConsoleAndComesBack)
{
    show(0);
    ASSERT_TRUE(done());
    device->yieldToConsole();
    EXPECT_EQ(onScreen(), 7u);
    EXPECT_FALSE(kernel.hasMaster());
    EXPECT_EQ(show(1), Outcome::NoMaster);
    EXPECT_EQ(device->regain(), 0);
    EXPECT_NE(show(1), Outcome::Failed);
    EXPECT_TRUE(done());
    EXPECT_EQ(onScreen(), buffers[1]->framebuffer());
}

TEST_P(DrmOutput, RestoresTheConsoleAtTheEnd)
{
    ASSERT_EQ(output->show(update(0), kernel.connectors[0].modes[1], &ticket, &error) == Outcome::Failed, false);
    done();
    output = OutputHandle();
    EXPECT_EQ(onScreen(), 7u);
    EXPECT_TRUE(kernel.crtc(40).active);
    EXPECT_EQ(kernel.crtc(40).mode->hdisplay, 1280);
    EXPECT_EQ(kernel.connector(20).crtc, 40u);
}

TEST_P(DrmOutput, LeavesDisplaysDarkThatWereDark)
{
    OutputHandle second;
    const Plane& other = *device->resources().plane(31);
    ASSERT_EQ(device->acquireOutput(21, other, nullptr, &second), 0);
    Output::Update frame = update(0);
    frame.plane = &other;
    ASSERT_NE(second->show(frame, preferred(), &ticket, &error), Outcome::Failed);
    EXPECT_TRUE(kernel.crtc(41).active);
    second = OutputHandle();
    EXPECT_FALSE(kernel.crtc(41).active);
    EXPECT_EQ(kernel.connector(21).crtc, 0u);
}

TEST_P(DrmOutput, RestoresNothingWhenNothingWasShown)
{
    output = OutputHandle();
    EXPECT_EQ(kernel.calls("drmModeSetCrtc"), 0);
}

TEST_P(DrmOutput, SurvivesAConsoleThatIsGone)
{
    show(0);
    done();
    kernel.fail("drmModeSetCrtc", ENOENT);
    output = OutputHandle();
    EXPECT_FALSE(kernel.hasMaster());
}

TEST_P(DrmOutput, PowersDownAndUp)
{
    show(0);
    ASSERT_TRUE(done());
    EXPECT_EQ(output->setPower(false), 0);
    EXPECT_FALSE(kernel.crtc(40).active);
    EXPECT_EQ(show(1), Outcome::Off);
    EXPECT_EQ(output->setPower(true), 0);
    EXPECT_NE(show(1), Outcome::Failed);
    EXPECT_TRUE(done());
    EXPECT_TRUE(kernel.crtc(40).active);
}

TEST_P(DrmOutput, PowersUpForTheConsole)
{
    show(0);
    ASSERT_TRUE(done());
    ASSERT_EQ(output->setPower(false), 0);
    output = OutputHandle();
    EXPECT_TRUE(kernel.crtc(40).active);
    EXPECT_EQ(kernel.connector(20).dpms, static_cast<uint64_t>(DRM_MODE_DPMS_ON));
}

TEST_P(DrmOutput, PowersDisplaysThatAreNotInUse)
{
    EXPECT_EQ(device->setPower(21, false), 0);
    EXPECT_EQ(kernel.connector(21).dpms, static_cast<uint64_t>(DRM_MODE_DPMS_OFF));
    EXPECT_EQ(device->setPower(99, false), ENOENT);
}

TEST_P(DrmOutput, DrivesTwoDisplaysAtOnce)
{
    OutputHandle second;
    const Plane& other = *device->resources().plane(31);
    ASSERT_EQ(device->acquireOutput(21, other, nullptr, &second), 0);
    show(0);
    ASSERT_TRUE(done());
    kernel.autoFlip = false;
    Output::Update frame = update(1);
    frame.plane = &other;
    uint64_t otherTicket = 0;
    ASSERT_NE(second->show(frame, preferred(), &otherTicket, &error), Outcome::Failed);
    ASSERT_EQ(show(2), Outcome::Pending);
    kernel.completeFlip(41);
    device->dispatch();
    EXPECT_GE(second->flipStatus().ticket, otherTicket);
    EXPECT_TRUE(output->flipStatus().pending) << "the event was the other display's";
    kernel.completeFlip(40);
    EXPECT_TRUE(done());
}

TEST_P(DrmOutput, FailsOverOutOfMemory)
{
    kernel.fail(GetParam() ? "drmModeAtomicCommit" : "drmModeSetCrtc", ENOMEM);
    EXPECT_EQ(show(0), Outcome::Failed);
    EXPECT_EQ(error, ENOMEM);
    EXPECT_FALSE(output->flipStatus().pending);
    EXPECT_NE(show(0), Outcome::Failed);
}

TEST_P(DrmOutput, HasNoVblankCountWhereThereIsNone)
{
    uint64_t count = 0;
    Nanoseconds when = 0;
    EXPECT_EQ(output->vblankCount(&count, &when), EOPNOTSUPP);
    kernel.realVblank = true;
    EXPECT_EQ(output->vblankCount(&count, &when), 0);
    EXPECT_EQ(count, 100u);
}

TEST_P(DrmOutput, TellsTheRefreshAfterTheOneThatJustCame)
{
    kernel.realVblank = true;
    ASSERT_NE(show(0), Outcome::Failed);
    const Nanoseconds period = refreshPeriod(preferred());
    // The fake's last vertical blank is always this very moment.
    const Nanoseconds before = monotonicNow();
    const Nanoseconds next = output->nextRefresh();
    EXPECT_GE(next, before + period);
    EXPECT_LE(next, monotonicNow() + period);
}

TEST_P(DrmOutput, TellsARefreshToComeBeforeTheFirstFrame)
{
    const Nanoseconds period = refreshPeriod(preferred());
    for (const bool realVblank : {false, true}) {
        kernel.realVblank = realVblank;
        const Nanoseconds before = monotonicNow();
        const Nanoseconds next = output->nextRefresh();
        EXPECT_GE(next, before + period) << realVblank;
        EXPECT_LE(next, monotonicNow() + period) << realVblank;
    }
}

TEST_P(DrmOutput, TellsTheRefreshOfADisplayThatIsNotDrivenHere)
{
    const Nanoseconds period = refreshPeriod(preferred());
    const Nanoseconds before = monotonicNow();
    Nanoseconds next = device->nextRefresh(21);
    EXPECT_GE(next, before + period);
    EXPECT_LE(next, monotonicNow() + period);
    next = device->nextRefresh(99);
    EXPECT_GT(next, monotonicNow()) << "a connector that is gone";
    EXPECT_LE(next, monotonicNow() + 17'000'000);
}

TEST_P(DrmOutput, TellsARefreshThatTheDriverAnnounces)
{
    kernel.realVblank = true;
    kernel.vblankAhead = 5'000'000;
    ASSERT_NE(show(0), Outcome::Failed);
    const Nanoseconds before = monotonicNow();
    Nanoseconds next = output->nextRefresh();
    EXPECT_GE(next, before + 5'000'000);
    EXPECT_LE(next, monotonicNow() + 5'000'000);
    kernel.vblankAhead = 60'000'000'000;
    next = output->nextRefresh();
    EXPECT_LE(next, monotonicNow() + refreshPeriod(preferred())) << "a time that cannot be";
}

class AtomicOutput : public DrmOutput {};
INSTANTIATE_TEST_SUITE_P(Kms, AtomicOutput, ::testing::Values(true));

TEST_P(AtomicOutput, TellsTheKernelTheDamage)
{
    show(0);
    ASSERT_TRUE(done());
    const drm_mode_rect damage[] = {{1, 2, 30, 40}, {100, 100, 200, 200}};
    EXPECT_EQ(output->show(update(1, damage), preferred(), &ticket, &error), Outcome::Pending);
    ASSERT_EQ(kernel.plane(30).damage.size(), 2u);
    EXPECT_EQ(kernel.plane(30).damage[1].x2, 200);
    ASSERT_TRUE(done());
    EXPECT_EQ(show(2), Outcome::Pending);
    EXPECT_TRUE(kernel.plane(30).damage.empty());
}

TEST_P(AtomicOutput, ShowsFramesWithoutDamageWhenItsBlobFails)
{
    show(0);
    ASSERT_TRUE(done());
    const drm_mode_rect damage[] = {{1, 2, 30, 40}};
    kernel.fail("drmModeCreatePropertyBlob", ENOMEM);
    EXPECT_EQ(output->show(update(1, damage), preferred(), &ticket, &error), Outcome::Pending);
    EXPECT_TRUE(kernel.plane(30).damage.empty());
}

TEST_P(AtomicOutput, TurnsOffAPointerThatSomebodyLeft)
{
    kernel.plane(35).crtc = 40;
    kernel.plane(35).framebuffer = 7;
    kernel.plane(35).formats.push_back(DRM_FORMAT_XRGB8888);
    show(0);
    EXPECT_EQ(kernel.plane(35).framebuffer, 0u);
    EXPECT_EQ(kernel.plane(35).crtc, 0u);
}

TEST_P(AtomicOutput, AsksBeforeItChanges)
{
    EXPECT_EQ(output->test(update(0), preferred()), 0);
    EXPECT_EQ(onScreen(), 7u);
    buffers.push_back(make(640, 480));
    EXPECT_EQ(output->test(update(3), preferred()), EINVAL);
}

TEST_P(AtomicOutput, TearsOnlyWhereTheDriverDoes)
{
    show(0);
    ASSERT_TRUE(done());
    Output::Update frame = update(1);
    frame.tearing = true;
    ASSERT_EQ(output->show(frame, preferred(), &ticket, &error), Outcome::Pending);
    EXPECT_FALSE(kernel.lastFlags() & DRM_MODE_PAGE_FLIP_ASYNC);
}

TEST_P(AtomicOutput, TestsModes)
{
    EXPECT_EQ(device->testMode(20, preferred()), 0);
    kernel.acceptsMode = [](const drmModeModeInfo& mode) { return mode.hdisplay != 1024; };
    EXPECT_EQ(device->testMode(20, kernel.connectors[0].modes[0]), EINVAL);
    EXPECT_EQ(onScreen(), 7u);
}

class LegacyOutput : public DrmOutput {};
INSTANTIATE_TEST_SUITE_P(Kms, LegacyOutput, ::testing::Values(false));

TEST_P(LegacyOutput, MarksABufferDirtyThatIsShownAlready)
{
    show(0);
    ASSERT_TRUE(done());
    const drm_mode_rect damage[] = {{1, 2, 30, 40}};
    EXPECT_EQ(output->show(update(0, damage), preferred(), &ticket, &error), Outcome::Shown);
    EXPECT_EQ(kernel.calls("drmModeDirtyFB"), 1);
    kernel.fail("drmModeDirtyFB", ENOSYS);
    EXPECT_EQ(output->show(update(0, damage), preferred(), &ticket, &error), Outcome::Shown)
        << "drivers without a flush say ENOSYS";
}

TEST_P(LegacyOutput, CannotTellWhetherAModeWouldDo)
{
    EXPECT_EQ(output->test(update(0), preferred()), EOPNOTSUPP);
    EXPECT_EQ(device->testMode(20, preferred()), EOPNOTSUPP);
}

TEST_P(LegacyOutput, TearsWhereTheDriverDoes)
{
    buffers.clear();
    output = OutputHandle();
    device.reset();
    kernel.asyncFlip = true;
    SetUp();
    show(0);
    ASSERT_TRUE(done());
    Output::Update frame = update(1);
    frame.tearing = true;
    ASSERT_EQ(output->show(frame, preferred(), &ticket, &error), Outcome::Pending);
    EXPECT_TRUE(kernel.lastFlags() & DRM_MODE_PAGE_FLIP_ASYNC);
    ASSERT_TRUE(done());
    kernel.asyncFlip = false; // refuses after all
    frame.buffer = buffers[2];
    EXPECT_EQ(output->show(frame, preferred(), &ticket, &error), Outcome::Pending);
}

} // namespace
