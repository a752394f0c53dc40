// Every kernel call of a swapchain's life fails once, with every error that matters: nothing may leak, crash
// or hang, and the layer must work again afterwards.

#include "drm/device.h"
#include "fake_libdrm/fake_kms.h"
#include "surface/display/display_surface.h"
#include "surface/display/display_target.h"

#include <algorithm>
#include <cerrno>
#include <gtest/gtest.h>

using namespace vwsi;
namespace fake = vwsi::drm::fake;

namespace {

struct Events final : TargetEvents {
    void bufferIdle(uint32_t) override { ++idle; }
    void framePresented(uint64_t, Nanoseconds) override { ++presented; }
    int idle = 0, presented = 0;
};

/// Looks for displays, makes a swapchain's target and shows three frames. Whatever fails, ends it. True: all
/// shown.
bool liveOnce()
{
    DisplayRegistry registry(nullptr, {});
    uint32_t count = 1;
    VkDisplayPropertiesKHR display{};
    if (registry.displayProperties(&count, &display) < 0 || count == 0)
        return false;
    VkDisplayModePropertiesKHR mode{};
    count = 1;
    if (registry.modeProperties(display.display, &count, &mode) < 0 || count == 0)
        return false;
    VkDisplaySurfaceCreateInfoKHR info{};
    info.sType = VK_STRUCTURE_TYPE_DISPLAY_SURFACE_CREATE_INFO_KHR;
    info.displayMode = mode.displayMode;
    info.transform = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR;
    info.alphaMode = VK_DISPLAY_PLANE_ALPHA_OPAQUE_BIT_KHR;
    info.imageExtent = mode.parameters.visibleRegion;
    std::unique_ptr<Surface> surface;
    if (createDisplaySurface(registry, info, &surface) != VK_SUCCESS)
        return false;
    const TargetInfo targetInfo{info.imageExtent,
                                findPixelFormat(VK_FORMAT_B8G8R8A8_UNORM),
                                VK_COLOR_SPACE_SRGB_NONLINEAR_KHR,
                                VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR,
                                VK_PRESENT_MODE_IMMEDIATE_KHR,
                                2,
                                nullptr};
    std::unique_ptr<Target> target;
    if (surface->createTarget(targetInfo, &target) != VK_SUCCESS)
        return false;
    Events events;
    target->setEvents(&events);
    for (uint32_t i = 0; i < 2; ++i) {
        TargetBuffer buffer;
        if (target->allocate(i, {}, &buffer) != VK_SUCCESS)
            return false;
    }
    for (uint64_t serial = 1; serial <= 3; ++serial) {
        const VkRect2D damage{{0, 0}, {10, 10}};
        Frame frame;
        frame.buffer = static_cast<uint32_t>(serial % 2);
        frame.serial = serial;
        frame.mode = VK_PRESENT_MODE_IMMEDIATE_KHR;
        frame.damage = {&damage, 1};
        if (target->present(frame) < 0)
            return false;
        const Nanoseconds limit = monotonicNow() + 3'000'000'000;
        while (events.presented < static_cast<int>(serial) && monotonicNow() < limit) {
            if (target->wait(-1, monotonicNow() + 10'000'000) < 0)
                return false;
        }
        if (events.presented < static_cast<int>(serial))
            ADD_FAILURE() << "frame " << serial << " was never told of";
    }
    return true;
}

struct FaultCase {
    const char* name;
    int error;
    bool atomic;
};

class EveryCall : public ::testing::TestWithParam<FaultCase> {};

INSTANTIATE_TEST_SUITE_P(
    Fails, EveryCall,
    ::testing::Values(FaultCase{"AtomicEacces", EACCES, true}, FaultCase{"AtomicEbusy", EBUSY, true},
                      FaultCase{"AtomicEinval", EINVAL, true}, FaultCase{"AtomicEnomem", ENOMEM, true},
                      FaultCase{"AtomicEnodev", ENODEV, true}, FaultCase{"AtomicEnospc", ENOSPC, true},
                      FaultCase{"LegacyEacces", EACCES, false}, FaultCase{"LegacyEbusy", EBUSY, false},
                      FaultCase{"LegacyEinval", EINVAL, false}, FaultCase{"LegacyEnomem", ENOMEM, false}),
    [](const auto& info) { return info.param.name; });

TEST_P(EveryCall, LeavesNothingBehindWhenItFails)
{
    int n = 1;
    for (;; ++n) {
        fake::Kernel kernel(1);
        kernel.atomic = GetParam().atomic;
        kernel.failNth(n, GetParam().error);
        const bool shown = liveOnce();
        const std::string failed = kernel.failed();
        if (failed.empty()) {
            EXPECT_TRUE(shown);
            break;
        }
        // A destruction that the kernel refuses leaves its object, and there is nothing to be done about it.
        if (failed != "drmModeRmFB" && failed != "DESTROY_DUMB" && failed != "drmModeDestroyPropertyBlob") {
            EXPECT_EQ(kernel.leaks(), "") << "call " << n << ", " << failed;
        }
        EXPECT_FALSE(kernel.hasMaster() && failed != "drmDropMaster") << "call " << n << ", " << failed;
        // The next attempt works.
        kernel.failNth(0, 0);
        EXPECT_TRUE(liveOnce()) << "after call " << n << ", " << failed;
        ASSERT_LT(n, 500);
    }
    EXPECT_GT(n, 60) << "the walk must have met every call";
}

TEST(Faults, LogNamesCauseAndRemedy)
{
    ::testing::internal::CaptureStderr();
    drm::logFailure("cannot become the DRM master", "/dev/dri/card0", EACCES);
    const std::string line = ::testing::internal::GetCapturedStderr();
    EXPECT_NE(line.find("/dev/dri/card0"), std::string::npos);
    EXPECT_NE(line.find("Permission denied"), std::string::npos);
    EXPECT_NE(line.find("group"), std::string::npos);
    EXPECT_NE(line.find("seat"), std::string::npos);
    EXPECT_NE(line.find("VT"), std::string::npos);
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
}

} // namespace
