// Which physical devices the layer takes over (VENUS_WSI_POLICY; design rule 6).
#include "harness/layer_test.h"

#include <fstream>
#include <sstream>

namespace vwsi::testing {

namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class PolicyTest : public LayerTest {
protected:
    /// The revision of VK_KHR_swapchain that a device shows; the mock's own is 69, the layer's 70, none is 0.
    uint32_t swapchainRevision(uint32_t device = 0)
    {
        for (const VkExtensionProperties& extension : instance().deviceExtensions(device)) {
            if (!strcmp(extension.extensionName, "VK_KHR_swapchain"))
                return extension.specVersion;
        }
        return 0;
    }
    bool served(uint32_t device = 0) { return swapchainRevision(device) == 70; }
};

} // namespace

TEST_F(PolicyTest, AutoServesVenusWithoutSwapchain)
{
    add(mock::DeviceSpec::venus());
    EXPECT_TRUE(served());
}

TEST_F(PolicyTest, AutoServesVenusWithSwapchainButWithoutDmaBuf)
{
    add(mock::DeviceSpec::venus().withNativeSwapchain());
    EXPECT_TRUE(served());
}

TEST_F(PolicyTest, AutoLeavesVenusThatHasSwapchainAndDmaBuf)
{
    add(mock::DeviceSpec::venus().withNativeSwapchain().withDmaBuf());
    EXPECT_EQ(swapchainRevision(), 69u);
}

TEST_F(PolicyTest, AutoLeavesLavapipe)
{
    add(mock::DeviceSpec::lavapipe());
    EXPECT_EQ(swapchainRevision(), 69u);
}

TEST_F(PolicyTest, AutoLeavesOtherDrivers)
{
    add(mock::DeviceSpec::other(VK_DRIVER_ID_INTEL_OPEN_SOURCE_MESA, "Intel (Mock)"));
    EXPECT_EQ(swapchainRevision(), 69u);
}

TEST_F(PolicyTest, AutoLeavesOtherDriversWithoutSwapchain)
{
    add(mock::DeviceSpec::other(VK_DRIVER_ID_MESA_DOZEN, "Compute only (Mock)").withoutExtension("VK_KHR_swapchain"));
    EXPECT_EQ(swapchainRevision(), 0u);
}

TEST_F(PolicyTest, DevicesOfOneInstanceAreDecidedOneByOne)
{
    add(mock::DeviceSpec::lavapipe());
    add(mock::DeviceSpec::venus());
    add(mock::DeviceSpec::other(VK_DRIVER_ID_MESA_RADV, "RADV (Mock)"));
    EXPECT_EQ(swapchainRevision(0), 69u);
    EXPECT_TRUE(served(1));
    EXPECT_EQ(swapchainRevision(2), 69u);
}

TEST_F(PolicyTest, ServedAndUnservedDevicesWorkInOneProcess)
{
    add(mock::DeviceSpec::venus());
    add(mock::DeviceSpec::lavapipe());
    Window ours(device());
    EXPECT_EQ(ours.frame(), VK_SUCCESS);
    EXPECT_EQ(driver.count("vkCreateSwapchainKHR"), 0u);

    DeviceOptions options;
    options.physicalDevice = 1;
    TestDevice other(instance(), options);
    WindowOptions native;
    native.presentMode = VK_PRESENT_MODE_FIFO_KHR;
    Window theirs(other, native);
    ASSERT_EQ(theirs.result, VK_SUCCESS);
    EXPECT_EQ(theirs.images.size(), 7u);
    EXPECT_EQ(theirs.frame(), VK_SUCCESS);
    EXPECT_EQ(driver.count("vkCreateSwapchainKHR"), 1u);
    EXPECT_EQ(driver.count("vkQueuePresentKHR"), 1u);
    EXPECT_EQ(ours.frame(), VK_SUCCESS);
    EXPECT_EQ(driver.count("vkQueuePresentKHR"), 1u);
}

TEST_F(PolicyTest, UnservedDevicesGetTheDriversOwnFunctions)
{
    add(mock::DeviceSpec::lavapipe());
    TestDevice& d = device();
    const auto below = reinterpret_cast<PFN_vkGetDeviceProcAddr>(
        mock::Driver::getInstanceProcAddr(instance().handle, "vkGetDeviceProcAddr"));
    for (const char* name :
         {"vkQueueSubmit", "vkQueueSubmit2", "vkQueuePresentKHR", "vkAcquireNextImageKHR", "vkCmdPipelineBarrier",
          "vkCmdPipelineBarrier2", "vkCreateImage", "vkWaitForFences", "vkCreateSwapchainKHR", "vkDestroySemaphore"})
        EXPECT_EQ(d.proc(name), below(d.handle, name)) << name;
}

TEST_F(PolicyTest, UnservedDevicesAreCreatedUnchanged)
{
    add(mock::DeviceSpec::lavapipe());
    VkPhysicalDeviceTimelineSemaphoreFeatures features{};
    features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES;
    DeviceOptions options;
    options.next = &features;
    options.extensions = {"VK_KHR_swapchain", "VK_KHR_swapchain_mutable_format"};
    makeDevice(options);
    const auto records = driver.devices();
    ASSERT_EQ(records.size(), 1u);
    EXPECT_THAT(records[0].extensions, ::testing::ElementsAre("VK_KHR_swapchain", "VK_KHR_swapchain_mutable_format"));
    EXPECT_THAT(records[0].chain, Contains(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES));
}

TEST_F(PolicyTest, SurfaceQueriesOfUnservedDevicesReachTheDriver)
{
    add(mock::DeviceSpec::lavapipe());
    const VkSurfaceKHR surface = instance().createSurface();
    VkSurfaceCapabilitiesKHR capabilities{};
    EXPECT_EQ(
        instance().vk.GetPhysicalDeviceSurfaceCapabilitiesKHR(instance().physicalDevices[0], surface, &capabilities),
        VK_SUCCESS);
    EXPECT_EQ(capabilities.currentExtent.width, 77u);
    instance().vk.DestroySurfaceKHR(instance().handle, surface, nullptr);
}

TEST_F(PolicyTest, AlwaysServesLavapipe)
{
    IN_PROCESS_WITH({"VENUS_WSI_POLICY", "always"});
    add(mock::DeviceSpec::lavapipe());
    EXPECT_TRUE(served());
    Window window(device());
    EXPECT_EQ(window.frame(), VK_SUCCESS);
    EXPECT_EQ(driver.count("vkCreateSwapchainKHR"), 0u);
    EXPECT_EQ(driver.count("vkQueuePresentKHR"), 0u);
}

TEST_F(PolicyTest, AlwaysStripsTheDriversOwnSwapchain)
{
    IN_PROCESS_WITH({"VENUS_WSI_POLICY", "always"});
    add(mock::DeviceSpec::lavapipe());
    DeviceOptions options;
    options.extensions = {"VK_KHR_swapchain", "VK_KHR_synchronization2", "VK_KHR_incremental_present"};
    makeDevice(options);
    const auto records = driver.devices();
    ASSERT_EQ(records.size(), 1u);
    EXPECT_THAT(records[0].extensions, Not(Contains("VK_KHR_swapchain")));
    EXPECT_THAT(records[0].extensions, Not(Contains("VK_KHR_incremental_present")));
    EXPECT_THAT(records[0].extensions, Contains("VK_KHR_synchronization2"));
}

TEST_F(PolicyTest, AutoIsTheNamedDefault)
{
    IN_PROCESS_WITH({"VENUS_WSI_POLICY", "auto"});
    add(mock::DeviceSpec::venus());
    add(mock::DeviceSpec::lavapipe());
    EXPECT_TRUE(served(0));
    EXPECT_FALSE(served(1));
}

TEST_F(PolicyTest, NeverShowsTheDriversOwnExtensions)
{
    IN_PROCESS_WITH({"VENUS_WSI_POLICY", "never"});
    add(mock::DeviceSpec::venus());
    add(mock::DeviceSpec::lavapipe());
    EXPECT_EQ(swapchainRevision(0), 0u);
    EXPECT_EQ(swapchainRevision(1), 69u);
    EXPECT_EQ(instance().deviceExtensions(0).size(), mock::DeviceSpec::venus().extensions.size());
}

TEST_F(PolicyTest, NeverIsAPurePassThrough)
{
    IN_PROCESS_WITH({"VENUS_WSI_POLICY", "never"});
    add(mock::DeviceSpec::venus());
    DeviceOptions options;
    options.extensions = {"VK_KHR_timeline_semaphore"};
    TestDevice& d = makeDevice(options);
    const auto below = reinterpret_cast<PFN_vkGetDeviceProcAddr>(
        mock::Driver::getInstanceProcAddr(instance().handle, "vkGetDeviceProcAddr"));
    for (const char* name : {"vkQueueSubmit", "vkQueueBindSparse", "vkCmdPipelineBarrier", "vkCreateImage",
                             "vkDestroySemaphore", "vkDeviceWaitIdle", "vkQueueWaitIdle", "vkGetDeviceQueue"})
        EXPECT_EQ(d.proc(name), below(d.handle, name)) << name;
    EXPECT_EQ(d.proc("vkCreateSwapchainKHR"), nullptr);
}

TEST_F(PolicyTest, NeverIsLogged)
{
    IN_PROCESS_WITH({"VENUS_WSI_POLICY", "never"}, {"VENUS_WSI_LOG", "info"});
    add(mock::DeviceSpec::venus());
    instance();
    EXPECT_THAT(childLog(), HasSubstr("no device is served (policy never)"));
}

TEST_F(PolicyTest, NeverPassesSurfacesThrough)
{
    IN_PROCESS_WITH({"VENUS_WSI_POLICY", "never"});
    add(mock::DeviceSpec::lavapipe());
    WindowOptions options;
    options.presentMode = VK_PRESENT_MODE_FIFO_KHR;
    Window window(device(), options);
    EXPECT_EQ(window.images.size(), 7u);
    EXPECT_EQ(window.frame(), VK_SUCCESS);
    EXPECT_EQ(driver.count("vkQueuePresentKHR"), 1u);
}

TEST_F(PolicyTest, ABadValueIsReportedAndMeansAuto)
{
    IN_PROCESS_WITH({"VENUS_WSI_POLICY", "sometimes"});
    add(mock::DeviceSpec::venus());
    add(mock::DeviceSpec::lavapipe());
    EXPECT_TRUE(served(0));
    EXPECT_FALSE(served(1));
    EXPECT_THAT(childLog(), HasSubstr("VENUS_WSI_POLICY"));
    EXPECT_THAT(childLog(), HasSubstr("sometimes"));
}

TEST_F(PolicyTest, DecisionsAreLogged)
{
    IN_PROCESS_WITH({"VENUS_WSI_LOG", "info"});
    add(mock::DeviceSpec::venus());
    add(mock::DeviceSpec::lavapipe());
    EXPECT_TRUE(served(0));
    EXPECT_FALSE(served(1));
    EXPECT_THAT(childLog(), HasSubstr("Virtio-GPU Venus (Mock)"));
    EXPECT_THAT(childLog(), HasSubstr("llvmpipe (Mock)"));
}

TEST_F(PolicyTest, ALogFileThatCannotBeOpenedIsReportedAndMeansStandardError)
{
    IN_PROCESS_WITH({"VENUS_WSI_LOG_FILE", "/nowhere/log"}, {"VENUS_WSI_LOG", "info"});
    add(mock::DeviceSpec::venus());
    EXPECT_TRUE(served(0));
    std::ostringstream said;
    said << std::ifstream(childFolder() + "/output").rdbuf();
    EXPECT_THAT(said.str(), HasSubstr("VENUS_WSI_LOG_FILE=/nowhere/log cannot be opened (No such file or directory)"));
    EXPECT_THAT(said.str(), HasSubstr("Virtio-GPU Venus (Mock)"));
}

TEST_F(PolicyTest, ItIsSilentByDefault)
{
    IN_PROCESS_WITH({"VENUS_WSI_POLICY", "auto"});
    add(mock::DeviceSpec::venus());
    Window window(device());
    EXPECT_EQ(window.frame(), VK_SUCCESS);
    EXPECT_EQ(childLog(), "");
}

} // namespace vwsi::testing
