// Loader interface: negotiation, exported symbols, and which names the layer answers (Vulkan spec, "Command Function
// Pointers"; loader's LoaderLayerInterface.md).
#include "harness/elf_file.h"
#include "harness/layer_library.h"
#include "harness/layer_test.h"

namespace vwsi::testing {

namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Not;
using ::testing::StartsWith;

VkNegotiateLayerInterface request(uint32_t version)
{
    return {LAYER_NEGOTIATE_INTERFACE_STRUCT, nullptr, version, nullptr, nullptr, nullptr};
}

class Negotiation : public LayerTest {
protected:
    LayerLibrary& layer = LayerLibrary::instance();

    PFN_vkVoidFunction instanceProc(const char* name) { return instance().proc(name); }
    PFN_vkVoidFunction deviceProc(const char* name) { return device().proc(name); }
};

} // namespace

TEST_F(Negotiation, AcceptsVersionTwo)
{
    VkNegotiateLayerInterface interface = request(2);
    EXPECT_EQ(layer.negotiate(&interface), VK_SUCCESS);
    EXPECT_EQ(interface.loaderLayerInterfaceVersion, 2u);
    EXPECT_NE(interface.pfnGetInstanceProcAddr, nullptr);
    EXPECT_NE(interface.pfnGetDeviceProcAddr, nullptr);
}

TEST_F(Negotiation, LowersAFutureVersionToItsOwn)
{
    VkNegotiateLayerInterface interface = request(9);
    EXPECT_EQ(layer.negotiate(&interface), VK_SUCCESS);
    EXPECT_EQ(interface.loaderLayerInterfaceVersion, 2u);
    EXPECT_NE(interface.pfnGetInstanceProcAddr, nullptr);
}

TEST_F(Negotiation, RefusesVersionsBeforeNegotiationExisted)
{
    VkNegotiateLayerInterface interface = request(1);
    EXPECT_EQ(layer.negotiate(&interface), VK_ERROR_INITIALIZATION_FAILED);
}

TEST_F(Negotiation, RefusesAnotherStruct)
{
    VkNegotiateLayerInterface interface = request(2);
    interface.sType = LAYER_NEGOTIATE_UNINTIALIZED;
    EXPECT_EQ(layer.negotiate(&interface), VK_ERROR_INITIALIZATION_FAILED);
}

TEST_F(Negotiation, RefusesANullStruct)
{
    EXPECT_EQ(layer.negotiate(nullptr), VK_ERROR_INITIALIZATION_FAILED);
}

TEST_F(Negotiation, ExportsNothingElse)
{
    const ElfFile file(LayerLibrary::path());
    EXPECT_THAT(file.exports, ElementsAre("vkNegotiateLoaderLayerInterfaceVersion"));
}

TEST_F(Negotiation, LinksNoWindowSystemLibrary)
{
    const ElfFile file(LayerLibrary::path());
    EXPECT_THAT(file.needed, Not(::testing::IsEmpty()));
    for (const char* foreign : {"libxcb", "libX11", "libwayland", "libdrm", "libvulkan"})
        EXPECT_THAT(file.needed, Each(Not(StartsWith(foreign))));
}

TEST_F(Negotiation, GivesGlobalCommandsWithoutInstance)
{
    EXPECT_NE(layer.getInstanceProcAddr(VK_NULL_HANDLE, "vkCreateInstance"), nullptr);
    EXPECT_NE(layer.getInstanceProcAddr(VK_NULL_HANDLE, "vkGetInstanceProcAddr"), nullptr);
}

/// As MangoHud asks from above.
TEST_F(Negotiation, GivesDeviceCreationWithoutInstance)
{
    EXPECT_NE(layer.getInstanceProcAddr(VK_NULL_HANDLE, "vkCreateDevice"), nullptr);
}

TEST_F(Negotiation, GivesNoInstanceCommandsWithoutInstance)
{
    EXPECT_EQ(layer.getInstanceProcAddr(VK_NULL_HANDLE, "vkDestroyInstance"), nullptr);
    EXPECT_EQ(layer.getInstanceProcAddr(VK_NULL_HANDLE, "vkCreateHeadlessSurfaceEXT"), nullptr);
    EXPECT_EQ(layer.getInstanceProcAddr(VK_NULL_HANDLE, "vkQueueSubmit"), nullptr);
}

TEST_F(Negotiation, UnknownNamesAreNull)
{
    EXPECT_EQ(instanceProc("vkNoSuchCommand"), nullptr);
    EXPECT_EQ(instanceProc(""), nullptr);
    EXPECT_EQ(deviceProc("vkNoSuchCommand"), nullptr);
}

TEST_F(Negotiation, SurfaceCommandsNeedTheirExtension)
{
    add(mock::DeviceSpec::venus());
    InstanceOptions options;
    options.extensions = {"VK_KHR_surface"};
    makeInstance(options);
    EXPECT_EQ(instanceProc("vkCreateHeadlessSurfaceEXT"), nullptr);
    EXPECT_EQ(instanceProc("vkCreateXcbSurfaceKHR"), nullptr);
    EXPECT_EQ(instanceProc("vkCreateWaylandSurfaceKHR"), nullptr);
    EXPECT_EQ(instanceProc("vkGetPhysicalDeviceSurfaceCapabilities2KHR"), nullptr);
    EXPECT_NE(instanceProc("vkGetPhysicalDeviceSurfaceCapabilitiesKHR"), nullptr);
}

TEST_F(Negotiation, SurfaceCommandsComeWithTheirExtension)
{
    EXPECT_NE(instanceProc("vkCreateHeadlessSurfaceEXT"), nullptr);
    EXPECT_NE(instanceProc("vkGetPhysicalDeviceSurfaceCapabilities2KHR"), nullptr);
    EXPECT_NE(instanceProc("vkGetPhysicalDeviceSurfaceFormats2KHR"), nullptr);
    EXPECT_NE(instanceProc("vkDestroySurfaceKHR"), nullptr);
}

TEST_F(Negotiation, InstanceWithoutSurfaceHasNoSurfaceCommands)
{
    add(mock::DeviceSpec::venus());
    InstanceOptions options;
    options.extensions = {};
    makeInstance(options);
    EXPECT_EQ(instanceProc("vkDestroySurfaceKHR"), nullptr);
    EXPECT_EQ(instanceProc("vkGetPhysicalDeviceSurfaceSupportKHR"), nullptr);
}

TEST_F(Negotiation, InstanceKnowsDeviceCommands)
{
    EXPECT_NE(instanceProc("vkCreateDevice"), nullptr);
    EXPECT_NE(instanceProc("vkCreateSwapchainKHR"), nullptr);
    EXPECT_NE(instanceProc("vkQueuePresentKHR"), nullptr);
    EXPECT_NE(instanceProc("vkQueueSubmit"), nullptr);
}

TEST_F(Negotiation, DeviceCommandsOfTheInstanceWorkOnEveryDevice)
{
    add(mock::DeviceSpec::venus());
    add(mock::DeviceSpec::lavapipe());
    Window ours(device());
    DeviceOptions options;
    options.physicalDevice = 1;
    TestDevice other(instance(), options);
    const auto submit = reinterpret_cast<PFN_vkQueueSubmit>(instanceProc("vkQueueSubmit"));
    const auto acquire = reinterpret_cast<PFN_vkAcquireNextImageKHR>(instanceProc("vkAcquireNextImageKHR"));
    ASSERT_NE(submit, nullptr);
    ASSERT_NE(acquire, nullptr);

    const VkSemaphore semaphore = device().semaphore();
    uint32_t index = 0;
    ASSERT_EQ(acquire(device().handle, ours.swapchain, UINT64_MAX, semaphore, VK_NULL_HANDLE, &index), VK_SUCCESS);
    const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_TRANSFER_BIT;
    const VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO, nullptr, 1, &semaphore, &stage, 0, nullptr, 0, nullptr};
    driver.resetRecords();
    EXPECT_EQ(submit(device().queue(), 1, &info, VK_NULL_HANDLE), VK_SUCCESS);
    EXPECT_TRUE(driver.submits().at(0).batches.at(0).waits.empty()) << "struck here too";
    EXPECT_EQ(submit(other.queue(), 0, nullptr, VK_NULL_HANDLE), VK_SUCCESS);
}

TEST_F(Negotiation, DeviceHasNoInstanceCommands)
{
    for (const char* name : {"vkCreateInstance", "vkDestroyInstance", "vkCreateDevice", "vkEnumeratePhysicalDevices",
                             "vkGetPhysicalDeviceFeatures2", "vkCreateHeadlessSurfaceEXT", "vkDestroySurfaceKHR",
                             "vkGetPhysicalDeviceSurfaceSupportKHR"})
        EXPECT_EQ(deviceProc(name), nullptr) << name;
}

TEST_F(Negotiation, SwapchainCommandsNeedTheExtension)
{
    DeviceOptions options;
    options.extensions = {};
    makeDevice(options);
    for (const char* name :
         {"vkCreateSwapchainKHR", "vkDestroySwapchainKHR", "vkGetSwapchainImagesKHR", "vkAcquireNextImageKHR",
          "vkAcquireNextImage2KHR", "vkQueuePresentKHR", "vkGetDeviceGroupPresentCapabilitiesKHR",
          "vkGetDeviceGroupSurfacePresentModesKHR", "vkReleaseSwapchainImagesEXT"})
        EXPECT_EQ(deviceProc(name), nullptr) << name;
}

TEST_F(Negotiation, SwapchainCommandsComeWithTheExtension)
{
    for (const char* name : {"vkCreateSwapchainKHR", "vkDestroySwapchainKHR", "vkGetSwapchainImagesKHR",
                             "vkAcquireNextImageKHR", "vkAcquireNextImage2KHR", "vkQueuePresentKHR",
                             "vkGetDeviceGroupPresentCapabilitiesKHR", "vkGetDeviceGroupSurfacePresentModesKHR"})
        EXPECT_NE(deviceProc(name), nullptr) << name;
}

TEST_F(Negotiation, ReleaseNeedsSwapchainMaintenance1)
{
    EXPECT_EQ(deviceProc("vkReleaseSwapchainImagesEXT"), nullptr);
    DeviceOptions options;
    options.extensions = {"VK_KHR_swapchain", "VK_EXT_swapchain_maintenance1"};
    const TestDevice second(instance(), options);
    EXPECT_NE(second.proc("vkReleaseSwapchainImagesEXT"), nullptr);
}

TEST_F(Negotiation, Submit2FollowsTheDriver)
{
    EXPECT_EQ(deviceProc("vkQueueSubmit2"), nullptr);
    EXPECT_EQ(deviceProc("vkQueueSubmit2KHR"), nullptr);
    EXPECT_EQ(deviceProc("vkCmdPipelineBarrier2KHR"), nullptr);
    EXPECT_EQ(deviceProc("vkCmdWaitEvents2KHR"), nullptr);
}

TEST_F(Negotiation, Submit2ComesWithSynchronization2)
{
    add(mock::DeviceSpec::venus().withSynchronization2());
    DeviceOptions options;
    options.extensions = {"VK_KHR_swapchain", "VK_KHR_synchronization2"};
    makeDevice(options);
    EXPECT_NE(deviceProc("vkQueueSubmit2KHR"), nullptr);
    EXPECT_NE(deviceProc("vkCmdPipelineBarrier2KHR"), nullptr);
    EXPECT_EQ(deviceProc("vkQueueSubmit2"), nullptr) << "the device is of Vulkan 1.2";
}

TEST_F(Negotiation, PrivateDataFollowsTheDriver)
{
    EXPECT_EQ(deviceProc("vkSetPrivateData"), nullptr);
    EXPECT_EQ(deviceProc("vkSetPrivateDataEXT"), nullptr);
}

TEST_F(Negotiation, TwoInstancesLiveBesideEachOther)
{
    TestInstance second;
    ASSERT_EQ(second.result, VK_SUCCESS);
    EXPECT_NE(instance().handle, second.handle);
    EXPECT_NE(instanceProc("vkCreateHeadlessSurfaceEXT"), nullptr);
}

} // namespace vwsi::testing
