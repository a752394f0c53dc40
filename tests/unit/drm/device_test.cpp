// Finding and opening nodes, reading what they have, and the DRM master right.

#include "drm/device.h"
#include "drm/node.h"
#include "fake_libdrm/fake_kms.h"

#include <cerrno>
#include <drm_fourcc.h>
#include <functional>
#include <gtest/gtest.h>
#include <thread>

using namespace vwsi;
using namespace vwsi::drm;

namespace {

class DrmDevice : public ::testing::Test {
protected:
    fake::Kernel kernel{2};

    std::shared_ptr<Device> open()
    {
        std::shared_ptr<Device> device;
        EXPECT_EQ(Device::open("/dev/dri/card0", &device), 0);
        return device;
    }

    std::string find(const NodeRequest& request, const std::string& named = "")
    {
        std::string path;
        error = findNode(request, named, &path);
        return path;
    }

    int error = 0;

    void TearDown() override { EXPECT_EQ(kernel.leaks(), ""); }
};

TEST_F(DrmDevice, IsFoundByItsPrimaryNumber)
{
    kernel.nodes.push_back(
        {.path = "/dev/dri/card1", .number = {226, 1}, .renderPath = "", .renderNumber = {}, .driver = "i915"});
    EXPECT_EQ(find({.primary = NodeNumber{226, 1}, .render = {}}), "/dev/dri/card1");
    EXPECT_EQ(error, 0);
}

TEST_F(DrmDevice, IsFoundByItsRenderNumber)
{
    kernel.nodes.insert(kernel.nodes.begin(),
                        {.path = "/dev/dri/card1", .number = {226, 1}, .renderPath = "", .renderNumber = {}});
    EXPECT_EQ(find({.primary = {}, .render = NodeNumber{226, 128}}), "/dev/dri/card0");
}

TEST_F(DrmDevice, IsTheVirtioGpuWithoutNumbers)
{
    kernel.nodes.insert(
        kernel.nodes.begin(),
        {.path = "/dev/dri/card1", .number = {226, 1}, .renderPath = "", .renderNumber = {}, .driver = "vkms"});
    EXPECT_EQ(find({}), "/dev/dri/card0");
    EXPECT_FALSE(kernel.hasMaster()) << "searching must not leave this process the master";
}

TEST_F(DrmDevice, IsTheVirtioGpuWhenNumbersNameNone)
{
    EXPECT_EQ(find({.primary = NodeNumber{226, 9}, .render = {}}), "/dev/dri/card0");
}

TEST_F(DrmDevice, IsTheOneTheUserNamed)
{
    EXPECT_EQ(find({.primary = NodeNumber{226, 0}, .render = {}}, "/dev/dri/card7"), "/dev/dri/card7");
}

TEST_F(DrmDevice, IsNotFoundWithoutNodes)
{
    kernel.nodes.clear();
    EXPECT_EQ(find({}), "");
    EXPECT_EQ(error, ENODEV);
}

TEST_F(DrmDevice, SkipsVirtioGpusWithoutDisplays)
{
    kernel.nodes[0].hasKms = false;
    EXPECT_EQ(find({}), "");
    EXPECT_EQ(error, ENODEV);
}

TEST_F(DrmDevice, TellsThatItMayNotBeOpened)
{
    kernel.nodes[0].openError = EACCES;
    EXPECT_EQ(find({}), "");
    EXPECT_EQ(error, EACCES);
    std::shared_ptr<Device> device;
    EXPECT_EQ(Device::open("/dev/dri/card0", &device), EACCES);
    EXPECT_EQ(device, nullptr);
}

TEST_F(DrmDevice, OpensOncePerProcess)
{
    const std::shared_ptr<Device> one = open();
    const std::shared_ptr<Device> two = open();
    EXPECT_EQ(one, two);
    EXPECT_EQ(kernel.calls("open"), 1);
}

TEST_F(DrmDevice, OpensAnewAfterTheLastUser)
{
    open().reset();
    EXPECT_EQ(kernel.leaks(), "");
    EXPECT_NE(open(), nullptr);
    EXPECT_EQ(kernel.calls("open"), 2);
}

TEST_F(DrmDevice, DoesNotBecomeMasterByLooking)
{
    const std::shared_ptr<Device> device = open();
    std::vector<Connector> connectors;
    EXPECT_EQ(device->connectors(&connectors), 0);
    EXPECT_EQ(connectors.size(), 2u);
    EXPECT_FALSE(kernel.hasMaster());
    EXPECT_EQ(kernel.calls("drmSetMaster"), 0);
}

TEST_F(DrmDevice, ProbesConnectorsThatNobodyHasLookedAt)
{
    kernel.connectors[1].probed = false;
    const std::shared_ptr<Device> device = open();
    Connector connector;
    EXPECT_EQ(device->connector(21, &connector), 0);
    EXPECT_EQ(connector.modes.size(), 3u);
    EXPECT_FALSE(kernel.hasMaster());
}

TEST_F(DrmDevice, RefusesNodesWithoutDumbBuffers)
{
    kernel.dumbBuffers = false;
    std::shared_ptr<Device> device;
    EXPECT_EQ(Device::open("/dev/dri/card0", &device), EOPNOTSUPP);
}

TEST_F(DrmDevice, RefusesNodesWithoutModeSetting)
{
    kernel.nodes[0].hasKms = false;
    std::shared_ptr<Device> device;
    EXPECT_NE(Device::open("/dev/dri/card0", &device), 0);
}

TEST_F(DrmDevice, ReadsConnectors)
{
    const std::shared_ptr<Device> device = open();
    Connector connector;
    ASSERT_EQ(device->connector(20, &connector), 0);
    EXPECT_EQ(connector.name, "Virtual-1");
    EXPECT_TRUE(connector.connected);
    EXPECT_EQ(connector.possibleCrtcs, 1u);
    EXPECT_EQ(connector.currentCrtc, 40u);
    EXPECT_EQ(connector.edid.size(), 128u);
    EXPECT_EQ(connector.modes.size(), 3u);
    EXPECT_EQ(device->connector(99, &connector), ENOENT);
}

TEST_F(DrmDevice, ReadsPlanes)
{
    const std::shared_ptr<Device> device = open();
    ASSERT_EQ(device->resources().planes.size(), 4u);
    const Plane& plane = *device->resources().plane(30);
    EXPECT_EQ(plane.type, PlaneType::Primary);
    EXPECT_TRUE(plane.supports(DRM_FORMAT_XRGB8888));
    EXPECT_FALSE(plane.supports(DRM_FORMAT_ARGB8888));
    EXPECT_EQ(device->resources().plane(35)->type, PlaneType::Cursor);
    EXPECT_EQ(device->resources().plane(77), nullptr);
}

TEST_F(DrmDevice, StacksPlanesByZpos)
{
    kernel.planes[0].zpos = 1;
    kernel.planes.push_back(
        {.id = 60, .type = DRM_PLANE_TYPE_OVERLAY, .possibleCrtcs = 1, .formats = {}, .zpos = 0, .damage = {}});
    kernel.planes.push_back(
        {.id = 61, .type = DRM_PLANE_TYPE_OVERLAY, .possibleCrtcs = 1, .formats = {}, .zpos = 2, .damage = {}});
    const std::shared_ptr<Device> device = open();
    const Resources& resources = device->resources();
    EXPECT_EQ(resources.stackPosition(*resources.plane(60)), 0u);
    EXPECT_EQ(resources.stackPosition(*resources.plane(30)), 1u);
    EXPECT_EQ(resources.stackPosition(*resources.plane(61)), 2u);
    EXPECT_EQ(resources.stackPosition(*resources.plane(31)), 0u) << "on another CRTC";
}

TEST_F(DrmDevice, StacksPlanesByTypeWithoutZpos)
{
    kernel.planes.insert(
        kernel.planes.begin(),
        {.id = 60, .type = DRM_PLANE_TYPE_OVERLAY, .possibleCrtcs = 1, .formats = {}, .zpos = {}, .damage = {}});
    kernel.planes.push_back(
        {.id = 61, .type = DRM_PLANE_TYPE_OVERLAY, .possibleCrtcs = 1, .formats = {}, .zpos = {}, .damage = {}});
    const std::shared_ptr<Device> device = open();
    const Resources& resources = device->resources();
    EXPECT_EQ(resources.stackPosition(*resources.plane(30)), 0u);
    EXPECT_EQ(resources.stackPosition(*resources.plane(60)), 1u);
    EXPECT_EQ(resources.stackPosition(*resources.plane(61)), 2u);
}

TEST_F(DrmDevice, DoesWithoutAtomicAndUniversalPlanes)
{
    kernel.atomic = false;
    {
        const std::shared_ptr<Device> device = open();
        EXPECT_FALSE(device->atomic());
        EXPECT_EQ(device->resources().planes.size(), 4u);
    }
    kernel.universalPlanes = false;
    const std::shared_ptr<Device> device = open();
    ASSERT_EQ(device->resources().planes.size(), 2u);
    EXPECT_EQ(device->resources().planes[1].type, PlaneType::Primary);
    EXPECT_TRUE(device->resources().planes[1].supports(DRM_FORMAT_XRGB8888));
}

class DrmMaster : public DrmDevice {
protected:
    /// Takes the output of the first or second connector.
    int acquire(Device& device, int index, OutputHandle* output)
    {
        const auto offset = static_cast<uint32_t>(index);
        return device.acquireOutput(20 + offset, *device.resources().plane(30 + offset), nullptr, output);
    }
};

TEST_F(DrmMaster, IsTakenWithTheFirstOutputAndGivenBackWithTheLast)
{
    const std::shared_ptr<Device> device = open();
    OutputHandle first;
    OutputHandle second;
    ASSERT_EQ(acquire(*device, 0, &first), 0);
    EXPECT_TRUE(kernel.hasMaster());
    ASSERT_EQ(acquire(*device, 1, &second), 0);
    EXPECT_EQ(kernel.calls("drmSetMaster"), 1);
    first = OutputHandle();
    EXPECT_TRUE(kernel.hasMaster());
    second = OutputHandle();
    EXPECT_FALSE(kernel.hasMaster());
}

TEST_F(DrmMaster, IsRefusedWhileAnotherProgramHasIt)
{
    kernel.foreignMaster = true;
    kernel.privileged = true;
    const std::shared_ptr<Device> device = open();
    OutputHandle output;
    EXPECT_EQ(acquire(*device, 0, &output), EBUSY);
    EXPECT_FALSE(output);
}

TEST_F(DrmMaster, IsRefusedToTheUnprivileged)
{
    kernel.foreignMaster = true;
    const std::shared_ptr<Device> device = open();
    OutputHandle output;
    EXPECT_EQ(acquire(*device, 0, &output), EACCES);
}

TEST_F(DrmMaster, ComesByOpeningAnewOnceTheOtherProgramHasEnded)
{
    kernel.foreignMaster = true;
    const std::shared_ptr<Device> device = open();
    kernel.foreignMaster = false;
    const int before = device->fd();
    OutputHandle output;
    ASSERT_EQ(acquire(*device, 0, &output), 0);
    EXPECT_EQ(device->fd(), before);
    EXPECT_TRUE(kernel.hasMaster());
    EXPECT_EQ(kernel.calls("replace"), 1);
}

/// Threads that the kernel takes for strangers: none, all but the opening one, all but the main one.
class DrmMasterThreads : public DrmMaster, public ::testing::WithParamInterface<fake::MasterRule> {
protected:
    void SetUp() override { kernel.masterRule = GetParam(); }
    static void elsewhere(const std::function<void()>& what) { std::thread(what).join(); }
};
INSTANTIATE_TEST_SUITE_P(Rules, DrmMasterThreads,
                         ::testing::Values(fake::MasterRule::Process, fake::MasterRule::MainThread,
                                           fake::MasterRule::Opener));

TEST_P(DrmMasterThreads, LookingTakesNoneOnAnyOfThem)
{
    std::shared_ptr<Device> device;
    elsewhere([&] { device = open(); });
    EXPECT_FALSE(kernel.hasMaster());
    OutputHandle output;
    ASSERT_EQ(acquire(*device, 0, &output), 0);
    EXPECT_TRUE(kernel.hasMaster());
}

TEST_P(DrmMasterThreads, OneOfThemComesBackFromTheConsole)
{
    const std::shared_ptr<Device> device = open();
    OutputHandle output;
    ASSERT_EQ(acquire(*device, 0, &output), 0);
    for (int i = 0; i < 2; ++i) {
        elsewhere([&] {
            device->standAside();
            EXPECT_FALSE(device->master().held());
            device->yieldToConsole();
            EXPECT_FALSE(device->master().held());
            EXPECT_EQ(device->regain(), 0);
        });
        EXPECT_TRUE(device->master().held());
        EXPECT_TRUE(kernel.hasMaster());
    }
}

TEST_P(DrmMasterThreads, AnyOfThemGivesItBackAndTakesItAgain)
{
    const std::shared_ptr<Device> device = open();
    for (int i = 0; i < 2; ++i) {
        elsewhere([&] {
            OutputHandle output;
            ASSERT_EQ(acquire(*device, 0, &output), 0);
            EXPECT_TRUE(kernel.hasMaster());
        });
        EXPECT_FALSE(kernel.hasMaster());
        OutputHandle output;
        ASSERT_EQ(acquire(*device, 0, &output), 0);
        elsewhere([&] { output = OutputHandle(); });
        EXPECT_FALSE(kernel.hasMaster());
    }
}

TEST_F(DrmMaster, IsNotTakenForDisplaysThatAreUnplugged)
{
    kernel.connectors[0].connected = false;
    const std::shared_ptr<Device> device = open();
    OutputHandle output;
    EXPECT_EQ(acquire(*device, 0, &output), ENODEV);
    EXPECT_FALSE(kernel.hasMaster());
}

TEST_F(DrmMaster, NeedsAFreeCrtc)
{
    kernel.connectors[1].encoders = kernel.connectors[0].encoders;
    kernel.planes[2].possibleCrtcs = 1;
    const std::shared_ptr<Device> device = open();
    OutputHandle first;
    OutputHandle second;
    ASSERT_EQ(acquire(*device, 0, &first), 0);
    EXPECT_EQ(acquire(*device, 1, &second), EBUSY);
    EXPECT_TRUE(kernel.hasMaster()) << "the first output still needs it";
}

TEST_F(DrmMaster, PrefersTheCrtcThatAlreadyDrivesTheDisplay)
{
    kernel.connectors[0].crtc = 41;
    kernel.connectors[0].encoders[0].possibleCrtcs = 3;
    kernel.planes[0].possibleCrtcs = 3;
    const std::shared_ptr<Device> device = open();
    OutputHandle output;
    ASSERT_EQ(acquire(*device, 0, &output), 0);
    EXPECT_EQ(output->crtc().id, 41u);
}

TEST_F(DrmMaster, AdoptedDescriptorsKeepTheirOwn)
{
    const int mine = api().system.open("/dev/dri/card0");
    ASSERT_GE(mine, 0);
    std::shared_ptr<Device> device;
    ASSERT_EQ(Device::adopt(mine, &device), 0);
    {
        OutputHandle output;
        ASSERT_EQ(acquire(*device, 0, &output), 0);
    }
    device.reset();
    EXPECT_TRUE(kernel.hasMaster()) << "the application's right is not the layer's to give back";
    EXPECT_EQ(kernel.calls("drmDropMaster"), 0);
    api().system.close(mine);
}

TEST_F(DrmMaster, AdoptedDescriptorsMustHaveIt)
{
    kernel.foreignMaster = true;
    const int mine = api().system.open("/dev/dri/card0");
    std::shared_ptr<Device> device;
    EXPECT_EQ(Device::adopt(mine, &device), EACCES);
    api().system.close(mine);
}

TEST(DrmApi, ReadsBothWaysOfReturningErrors)
{
    errno = EBUSY;
    EXPECT_EQ(errorOf(-1), EBUSY);
    EXPECT_EQ(errorOf(-EINVAL), EINVAL);
    EXPECT_EQ(errorOf(0), 0);
    EXPECT_EQ(errorOf(7), 0);
    errno = 0;
    EXPECT_EQ(errorOf(-1), EPERM);
}

TEST(DrmApi, LoadsTheRealLibrary)
{
    const Api* real = loadApi();
    if (!real)
        GTEST_SKIP() << "libdrm.so.2 is not installed";
    EXPECT_NE(real->drmModeAtomicCommit, nullptr);
    EXPECT_EQ(real->system.open("/nonexistent"), -1);
    EXPECT_EQ(errno, ENOENT);
    NodeNumber number;
    EXPECT_EQ(real->system.pathNumber("/dev/null", &number), 0);
    EXPECT_EQ(number, (NodeNumber{1, 3}));
    EXPECT_EQ(real->system.pathNumber("/", &number), -1);
}

} // namespace
