// The questions of VK_KHR_display and its family, in Vulkan's terms.

#include "core/outarray.h"
#include "core/settings.h"
#include "drm/mode.h"
#include "fake_libdrm/fake_kms.h"
#include "surface/display/display_surface.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <drm_fourcc.h>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace vwsi;
namespace fake = vwsi::drm::fake;

namespace {

class Registry : public ::testing::Test {
protected:
    fake::Kernel kernel{2};
    std::unique_ptr<DisplayRegistry> registry = std::make_unique<DisplayRegistry>(nullptr, drm::NodeRequest{});

    std::vector<VkDisplayPropertiesKHR> displays()
    {
        uint32_t count = 0;
        EXPECT_EQ(registry->displayProperties(&count, nullptr), VK_SUCCESS);
        std::vector<VkDisplayPropertiesKHR> list(count);
        EXPECT_EQ(registry->displayProperties(&count, list.data()), VK_SUCCESS);
        return list;
    }

    std::vector<VkDisplayModePropertiesKHR> modes(VkDisplayKHR display)
    {
        uint32_t count = 0;
        EXPECT_EQ(registry->modeProperties(display, &count, nullptr), VK_SUCCESS);
        std::vector<VkDisplayModePropertiesKHR> list(count);
        EXPECT_EQ(registry->modeProperties(display, &count, list.data()), VK_SUCCESS);
        return list;
    }

    std::vector<VkDisplayPlanePropertiesKHR> planes()
    {
        uint32_t count = 0;
        EXPECT_EQ(registry->planeProperties(&count, nullptr), VK_SUCCESS);
        std::vector<VkDisplayPlanePropertiesKHR> list(count);
        EXPECT_EQ(registry->planeProperties(&count, list.data()), VK_SUCCESS);
        return list;
    }

    VkResult create(VkDisplayKHR display, uint32_t width, uint32_t height, uint32_t milliHz, VkDisplayModeKHR* mode)
    {
        VkDisplayModeCreateInfoKHR info{};
        info.sType = VK_STRUCTURE_TYPE_DISPLAY_MODE_CREATE_INFO_KHR;
        info.parameters = {{width, height}, milliHz};
        return registry->createMode(display, info, mode);
    }

    VkDisplaySurfaceCreateInfoKHR surfaceInfo(size_t display = 0)
    {
        VkDisplaySurfaceCreateInfoKHR info{};
        info.sType = VK_STRUCTURE_TYPE_DISPLAY_SURFACE_CREATE_INFO_KHR;
        info.displayMode = modes(displays()[display].display)[0].displayMode;
        info.planeIndex = static_cast<uint32_t>(display);
        info.transform = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR;
        info.alphaMode = VK_DISPLAY_PLANE_ALPHA_OPAQUE_BIT_KHR;
        info.imageExtent = {1280, 800};
        return info;
    }

    void TearDown() override
    {
        registry.reset();
        EXPECT_EQ(kernel.leaks(), "");
        unsetenv("VENUS_WSI_DRM_DEVICE");
        vwsi::testing::reloadSettings();
    }
};

TEST_F(Registry, ListsConnectedDisplays)
{
    const auto list = displays();
    ASSERT_EQ(list.size(), 2u);
    EXPECT_NE(std::string(list[0].displayName).find("QEMU Monitor"), std::string::npos);
    EXPECT_STRNE(list[0].displayName, list[1].displayName);
    EXPECT_EQ(list[0].physicalDimensions.width, 325u);
    EXPECT_EQ(list[0].physicalDimensions.height, 203u);
    EXPECT_EQ(list[0].physicalResolution.width, 1280u) << "the preferred mode's";
    EXPECT_EQ(list[0].supportedTransforms, static_cast<VkFlags>(VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR));
    EXPECT_FALSE(list[0].planeReorderPossible);
}

TEST_F(Registry, NeverBecomesMasterByAnswering)
{
    displays();
    planes();
    modes(displays()[0].display);
    EXPECT_EQ(kernel.calls("drmSetMaster"), 0);
    EXPECT_FALSE(kernel.hasMaster());
}

TEST_F(Registry, NamesDisplaysWithoutEdidByTheirConnector)
{
    kernel.connectors[0].edid.clear();
    EXPECT_STREQ(displays()[0].displayName, "Virtual-1");
    EXPECT_EQ(displays()[0].physicalDimensions.width, 325u) << "as the connector tells";
}

TEST_F(Registry, LeavesOutUnpluggedDisplays)
{
    kernel.connectors[0].connected = false;
    ASSERT_EQ(displays().size(), 1u);
    EXPECT_NE(std::string(displays()[0].displayName).find("Virtual-2"), std::string::npos);
}

TEST_F(Registry, HasNoDisplaysWithoutConnectors)
{
    kernel.connectors.clear();
    EXPECT_TRUE(displays().empty());
}

TEST_F(Registry, HasNoDisplaysWithoutADevice)
{
    kernel.nodes.clear();
    EXPECT_TRUE(displays().empty());
    EXPECT_TRUE(planes().empty());
    EXPECT_EQ(kernel.calls("drmGetDevices2"), 1) << "one search, one log line";
}

TEST_F(Registry, TakesTheDeviceThatTheUserNames)
{
    setenv("VENUS_WSI_DRM_DEVICE", "/dev/dri/card5", 1);
    vwsi::testing::reloadSettings();
    kernel.nodes[0].path = "/dev/dri/card5";
    EXPECT_EQ(displays().size(), 2u);
    EXPECT_EQ(kernel.calls("drmGetDevices2"), 0);
}

TEST_F(Registry, KeepsHandlesOverUnplugAndPlug)
{
    const VkDisplayKHR first = displays()[0].display;
    const VkDisplayModeKHR mode = modes(first)[0].displayMode;
    EXPECT_EQ(displays()[0].display, first);
    kernel.connectors[0].connected = false;
    EXPECT_EQ(displays().size(), 1u);
    kernel.connectors[0].connected = true;
    EXPECT_EQ(displays()[0].display, first);
    EXPECT_EQ(modes(first)[0].displayMode, mode);
}

TEST_F(Registry, ListsTheModesOfAnotherMonitorAfterASwap)
{
    const VkDisplayKHR display = displays()[0].display;
    const VkDisplayModeKHR old = modes(display)[0].displayMode;
    kernel.connectors[0].modes = {fake::mode(1920, 1080, 148500)};
    ASSERT_EQ(modes(display).size(), 1u);
    EXPECT_NE(modes(display)[0].displayMode, old);
    EXPECT_NE(registry->findMode(old), nullptr) << "a handle stays a handle";
}

TEST_F(Registry, NamesStayReadableAfterASwap)
{
    const VkDisplayPropertiesKHR before = displays()[0];
    const std::string name = before.displayName;
    kernel.connectors[0].edid = fake::edid("DEL", "Other", 100, 100);
    displays();
    EXPECT_EQ(name, before.displayName);
    EXPECT_NE(displays()[0].displayName, name);
}

TEST_F(Registry, ListsThePreferredModeFirstWithExactRates)
{
    const auto list = modes(displays()[0].display);
    ASSERT_EQ(list.size(), 3u);
    EXPECT_EQ(list[0].parameters.visibleRegion.width, 1280u);
    EXPECT_EQ(list[1].parameters.visibleRegion.width, 1024u);
    EXPECT_EQ(list[2].parameters.visibleRegion.width, 640u);
    EXPECT_EQ(list[0].parameters.refreshRate, drm::refreshMilliHz(kernel.connectors[0].modes[1]));
    EXPECT_NE(list[0].parameters.refreshRate % 1000, 0u);
}

TEST_F(Registry, AnswersShortArraysWithIncomplete)
{
    uint32_t count = 1;
    VkDisplayPropertiesKHR one{};
    EXPECT_EQ(registry->displayProperties(&count, &one), VK_INCOMPLETE);
    EXPECT_EQ(count, 1u);
    count = 0;
    EXPECT_EQ(registry->displayProperties(&count, &one), VK_INCOMPLETE);
    count = 2;
    VkDisplayModePropertiesKHR some[2];
    EXPECT_EQ(registry->modeProperties(one.display, &count, some), VK_INCOMPLETE);
    EXPECT_EQ(count, 2u);
}

TEST_F(Registry, LeavesChainsOfTheNewerStructsAlone)
{
    uint32_t count = 2;
    VkDisplayProperties2KHR list[2] = {{VK_STRUCTURE_TYPE_DISPLAY_PROPERTIES_2_KHR, &count, {}},
                                       {VK_STRUCTURE_TYPE_DISPLAY_PROPERTIES_2_KHR, nullptr, {}}};
    ASSERT_EQ(registry->displayProperties2(&count, list), VK_SUCCESS);
    EXPECT_EQ(list[0].pNext, &count);
    EXPECT_EQ(list[0].displayProperties.display, displays()[0].display);
    VkDisplayModeProperties2KHR three[3] = {};
    count = 3;
    EXPECT_EQ(registry->modeProperties2(list[0].displayProperties.display, &count, three), VK_SUCCESS);
    EXPECT_EQ(three[0].displayModeProperties.displayMode, modes(list[0].displayProperties.display)[0].displayMode);
    VkDisplayPlaneProperties2KHR two[2] = {};
    count = 2;
    EXPECT_EQ(registry->planeProperties2(&count, two), VK_SUCCESS);
    EXPECT_EQ(two[0].displayPlaneProperties.currentDisplay, list[0].displayProperties.display);
}

TEST_F(Registry, KnowsWhichPlaneCanShowWhat)
{
    const auto shown = planes();
    ASSERT_EQ(shown.size(), 2u) << "pointer planes are no display planes";
    EXPECT_EQ(shown[0].currentDisplay, displays()[0].display);
    EXPECT_EQ(shown[1].currentDisplay, static_cast<VkDisplayKHR>(VK_NULL_HANDLE));
    for (uint32_t plane = 0; plane < 2; ++plane) {
        uint32_t count = 2;
        VkDisplayKHR list[2];
        ASSERT_EQ(registry->planeSupportedDisplays(plane, &count, list), VK_SUCCESS);
        ASSERT_EQ(count, 1u);
        EXPECT_EQ(list[0], displays()[plane].display);
    }
    uint32_t count = 2;
    EXPECT_EQ(registry->planeSupportedDisplays(9, &count, nullptr), VK_SUCCESS);
    EXPECT_EQ(count, 0u);
}

TEST_F(Registry, TellsPlaneCapabilities)
{
    kernel.planes.push_back({.id = 60,
                             .type = DRM_PLANE_TYPE_OVERLAY,
                             .possibleCrtcs = 1,
                             .formats = {DRM_FORMAT_XRGB8888},
                             .zpos = {},
                             .damage = {}});
    const VkDisplayModeKHR mode = modes(displays()[0].display)[0].displayMode;
    VkDisplayPlaneCapabilitiesKHR primary{};
    EXPECT_EQ(registry->planeCapabilities(mode, 0, &primary), VK_SUCCESS);
    EXPECT_EQ(primary.supportedAlpha, static_cast<VkFlags>(VK_DISPLAY_PLANE_ALPHA_OPAQUE_BIT_KHR));
    EXPECT_EQ(primary.minDstExtent.width, 1280u);
    EXPECT_EQ(primary.maxDstExtent.height, 800u);
    EXPECT_EQ(primary.maxDstPosition.x, 0);
    VkDisplayPlaneCapabilitiesKHR overlay{};
    EXPECT_EQ(registry->planeCapabilities(mode, 2, &overlay), VK_SUCCESS);
    EXPECT_EQ(overlay.minDstExtent.width, 1u);
}

TEST_F(Registry, FindsModesWithinTenMilliHertz)
{
    const VkDisplayKHR display = displays()[0].display;
    const auto list = modes(display);
    const uint32_t rate = list[0].parameters.refreshRate;
    VkDisplayModeKHR mode = VK_NULL_HANDLE;
    EXPECT_EQ(create(display, 1280, 800, rate + 10, &mode), VK_SUCCESS);
    EXPECT_EQ(mode, list[0].displayMode);
    EXPECT_EQ(create(display, 1280, 800, rate - 10, &mode), VK_SUCCESS);
    EXPECT_EQ(mode, list[0].displayMode);
    EXPECT_EQ(kernel.calls("test"), 0);
}

TEST_F(Registry, MakesModesThatTheDriverAccepts)
{
    const VkDisplayKHR display = displays()[0].display;
    VkDisplayModeKHR mode = VK_NULL_HANDLE;
    ASSERT_EQ(create(display, 800, 600, 72000, &mode), VK_SUCCESS);
    EXPECT_EQ(kernel.calls("test"), 1);
    EXPECT_NEAR(registry->findMode(mode)->parameters.refreshRate, 72000, 10);
    VkDisplayModeKHR again = VK_NULL_HANDLE;
    ASSERT_EQ(create(display, 800, 600, 72000, &again), VK_SUCCESS);
    EXPECT_EQ(again, mode);
    EXPECT_EQ(modes(display).size(), 3u) << "made modes are not listed";
    EXPECT_FALSE(kernel.hasMaster());
    EXPECT_EQ(kernel.crtc(40).framebuffer, 7u);
}

TEST_F(Registry, RefusesModesThatTheDriverRefuses)
{
    kernel.acceptsMode = [](const drmModeModeInfo&) { return false; };
    VkDisplayModeKHR mode = VK_NULL_HANDLE;
    EXPECT_EQ(create(displays()[0].display, 800, 600, 72000, &mode), VK_ERROR_INITIALIZATION_FAILED);
    EXPECT_EQ(create(displays()[0].display, 7, 7, 72000, &mode), VK_ERROR_INITIALIZATION_FAILED);
}

TEST_F(Registry, RefusesToMakeModesThatCannotBeTested)
{
    VkDisplayModeKHR mode = VK_NULL_HANDLE;
    const VkDisplayKHR display = displays()[0].display;
    kernel.foreignMaster = true;
    EXPECT_EQ(create(display, 800, 600, 72000, &mode), VK_ERROR_INITIALIZATION_FAILED);
    registry.reset();
    kernel.foreignMaster = false;
    kernel.atomic = false;
    registry = std::make_unique<DisplayRegistry>(nullptr, drm::NodeRequest{});
    EXPECT_EQ(create(displays()[0].display, 800, 600, 72000, &mode), VK_ERROR_INITIALIZATION_FAILED);
}

TEST_F(Registry, TakesForeignHandlesForUnknown)
{
    DisplayRegistry other(nullptr, drm::NodeRequest{});
    const VkDisplayKHR display = displays()[0].display;
    EXPECT_EQ(other.findDisplay(display), nullptr);
    uint32_t count = 3;
    EXPECT_EQ(other.modeProperties(display, &count, nullptr), VK_SUCCESS);
    EXPECT_EQ(count, 0u);
    VkDisplaySurfaceCreateInfoKHR info = surfaceInfo();
    std::unique_ptr<Surface> surface;
    EXPECT_EQ(createDisplaySurface(other, info, &surface), VK_ERROR_INITIALIZATION_FAILED);
}

TEST_F(Registry, GivesDisplaysByTheirConnector)
{
    const int fd = drm::api().system.open("/dev/dri/card0");
    VkDisplayKHR display = VK_NULL_HANDLE;
    EXPECT_EQ(registry->getDrmDisplay(fd, 21, &display), VK_SUCCESS);
    EXPECT_EQ(display, displays()[1].display);
    EXPECT_EQ(registry->getDrmDisplay(fd, 99, &display), VK_ERROR_UNKNOWN);
    EXPECT_EQ(display, static_cast<VkDisplayKHR>(VK_NULL_HANDLE));
    drm::api().system.close(fd);
    EXPECT_EQ(registry->getDrmDisplay(-1, 21, &display), VK_ERROR_UNKNOWN);
}

TEST_F(Registry, AcquiresDisplaysThroughTheApplicationsDescriptor)
{
    const VkDisplayKHR first = displays()[0].display;
    const VkDisplayKHR second = displays()[1].display;
    const int fd = drm::api().system.open("/dev/dri/card0");
    EXPECT_EQ(registry->acquireDrmDisplay(fd, first), VK_SUCCESS);
    EXPECT_EQ(registry->acquireDrmDisplay(fd, first), VK_ERROR_INITIALIZATION_FAILED) << "only once";
    EXPECT_EQ(registry->acquireDrmDisplay(fd, second), VK_SUCCESS);
    EXPECT_EQ(registry->deviceOf(*registry->findDisplay(first)), registry->deviceOf(*registry->findDisplay(second)));
    EXPECT_TRUE(registry->deviceOf(*registry->findDisplay(first))->adopted());
    EXPECT_EQ(registry->releaseDisplay(first), VK_SUCCESS);
    EXPECT_FALSE(registry->deviceOf(*registry->findDisplay(first))->adopted());
    EXPECT_TRUE(kernel.hasMaster());
    EXPECT_EQ(registry->releaseDisplay(second), VK_SUCCESS);
    drm::api().system.close(fd);
}

TEST_F(Registry, DoesNotAcquireWithoutTheMasterRight)
{
    const VkDisplayKHR display = displays()[0].display;
    kernel.foreignMaster = true;
    const int fd = drm::api().system.open("/dev/dri/card0");
    EXPECT_EQ(registry->acquireDrmDisplay(fd, display), VK_ERROR_INITIALIZATION_FAILED);
    drm::api().system.close(fd);
}

TEST_F(Registry, DoesNotAcquireThroughAnotherDevice)
{
    const VkDisplayKHR display = displays()[0].display;
    kernel.nodes.push_back({.path = "/dev/dri/card1", .number = {226, 1}, .renderPath = "", .renderNumber = {}});
    const int fd = drm::api().system.open("/dev/dri/card1");
    EXPECT_EQ(registry->acquireDrmDisplay(fd, display), VK_ERROR_UNKNOWN);
    drm::api().system.close(fd);
}

TEST_F(Registry, ControlsPower)
{
    const VkDisplayKHR display = displays()[1].display;
    EXPECT_EQ(registry->powerControl(display, VK_DISPLAY_POWER_STATE_OFF_EXT), VK_SUCCESS);
    EXPECT_EQ(kernel.connector(21).dpms, static_cast<uint64_t>(DRM_MODE_DPMS_OFF));
    EXPECT_EQ(registry->powerControl(display, VK_DISPLAY_POWER_STATE_ON_EXT), VK_SUCCESS);
    EXPECT_EQ(kernel.connector(21).dpms, static_cast<uint64_t>(DRM_MODE_DPMS_ON));
    EXPECT_FALSE(kernel.hasMaster());
}

TEST_F(Registry, TellsWhenTheFirstPixelIsOut)
{
    std::atomic<int> calls{0};
    uint64_t id = 0;
    Nanoseconds moment = 0;
    ASSERT_EQ(registry->displayEventMoment(displays()[0].display, VK_DISPLAY_EVENT_TYPE_FIRST_PIXEL_OUT_EXT, &moment),
              VK_SUCCESS);
    ASSERT_EQ(registry->registerMoment(moment, [&] { ++calls; }, &id), VK_SUCCESS);
    for (int i = 0; i < 1000 && calls == 0; ++i)
        usleep(1000);
    EXPECT_EQ(calls, 1);
    registry->cancelEvent(id);
}

TEST_F(Registry, MakesSurfacesOnItsDisplaysOnly)
{
    std::unique_ptr<Surface> surface;
    VkDisplaySurfaceCreateInfoKHR info = surfaceInfo();
    ASSERT_EQ(createDisplaySurface(*registry, info, &surface), VK_SUCCESS);
    info.planeIndex = 1;
    EXPECT_EQ(createDisplaySurface(*registry, info, &surface), VK_ERROR_INITIALIZATION_FAILED);
    info.planeIndex = 77;
    EXPECT_EQ(createDisplaySurface(*registry, info, &surface), VK_ERROR_INITIALIZATION_FAILED);
    info = surfaceInfo();
    info.transform = VK_SURFACE_TRANSFORM_ROTATE_90_BIT_KHR;
    EXPECT_EQ(createDisplaySurface(*registry, info, &surface), VK_ERROR_INITIALIZATION_FAILED);
    info = surfaceInfo();
    info.alphaMode = VK_DISPLAY_PLANE_ALPHA_PER_PIXEL_BIT_KHR;
    EXPECT_EQ(createDisplaySurface(*registry, info, &surface), VK_ERROR_INITIALIZATION_FAILED);
}

TEST_F(Registry, SurfacesListWhatThePlaneTakes)
{
    kernel.planes[0].formats = {DRM_FORMAT_XRGB8888, DRM_FORMAT_RGB565, DRM_FORMAT_ARGB8888};
    std::unique_ptr<Surface> surface;
    ASSERT_EQ(createDisplaySurface(*registry, surfaceInfo(), &surface), VK_SUCCESS);
    std::vector<const PixelFormat*> formats;
    ASSERT_EQ(surface->formats(&formats), VK_SUCCESS);
    ASSERT_EQ(formats.size(), 3u);
    EXPECT_EQ(formats[0]->format, VK_FORMAT_B8G8R8A8_UNORM);
    EXPECT_EQ(formats[2]->format, VK_FORMAT_R5G6B5_UNORM_PACK16);
    SurfaceState state;
    EXPECT_EQ(surface->state(&state), VK_SUCCESS);
    EXPECT_EQ(state.currentExtent.width, 1280u);
    EXPECT_EQ(state.compositeAlpha, static_cast<VkFlags>(VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR));
    std::vector<VkPresentModeKHR> list;
    EXPECT_EQ(surface->presentModes(&list), VK_SUCCESS);
    EXPECT_EQ(list.size(), 4u);
    kernel.connectors[0].connected = false;
    EXPECT_EQ(surface->state(&state), VK_ERROR_SURFACE_LOST_KHR);
}

TEST_F(Registry, SurfacesCountVblanksWhileTheyDriveTheDisplay)
{
    std::unique_ptr<Surface> surface;
    ASSERT_EQ(createDisplaySurface(*registry, surfaceInfo(), &surface), VK_SUCCESS);
    auto& display = static_cast<DisplaySurface&>(*surface);
    EXPECT_EQ(display.counters(), static_cast<VkFlags>(VK_SURFACE_COUNTER_VBLANK_BIT_EXT));
    uint64_t count = 0;
    EXPECT_EQ(display.vblankCount(&count), VK_ERROR_OUT_OF_DATE_KHR);
    const TargetInfo info{{1280, 800},
                          findPixelFormat(VK_FORMAT_B8G8R8A8_UNORM),
                          VK_COLOR_SPACE_SRGB_NONLINEAR_KHR,
                          VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR,
                          VK_PRESENT_MODE_FIFO_KHR,
                          2,
                          nullptr};
    std::unique_ptr<Target> target;
    ASSERT_EQ(surface->createTarget(info, &target), VK_SUCCESS);
    EXPECT_EQ(display.vblankCount(&count), VK_SUCCESS);
    usleep(100000);
    uint64_t later = 0;
    EXPECT_EQ(display.vblankCount(&later), VK_SUCCESS);
    EXPECT_GE(later, count + 4);
    kernel.realVblank = true;
    EXPECT_EQ(display.vblankCount(&count), VK_SUCCESS);
    EXPECT_EQ(count, 100u);
}

TEST(OutArray, CountsAndStopsAtTheEnd)
{
    uint32_t count = 0;
    OutArray<int> counting(&count, nullptr);
    counting.append([](int&) { FAIL(); });
    counting.append([](int&) { FAIL(); });
    EXPECT_EQ(counting.result(), VK_SUCCESS);
    EXPECT_EQ(count, 2u);
    int room[3] = {-1, -1, -1};
    count = 1;
    OutArray<int> writing(&count, room);
    for (int i = 0; i < 3; ++i)
        writing.append([i](int& element) { element = i; });
    EXPECT_EQ(writing.result(), VK_INCOMPLETE);
    EXPECT_EQ(count, 1u);
    EXPECT_EQ(room[0], 0);
    EXPECT_EQ(room[1], -1);
    count = 5;
    OutArray<int> roomy(&count, room);
    roomy.append([](int& element) { element = 7; });
    EXPECT_EQ(roomy.result(), VK_SUCCESS);
    EXPECT_EQ(count, 1u);
}

} // namespace
