// What reaches the driver's vkCreateInstance and vkCreateDevice, and what happens to the application's own structs.
#include "harness/layer_test.h"
#include "mock/pretended_kernel.h"

namespace vwsi::testing {

namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

class CreateDevice : public LayerTest {
protected:
    VkPhysicalDeviceSwapchainMaintenance1FeaturesEXT maintenance{
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SWAPCHAIN_MAINTENANCE_1_FEATURES_EXT, nullptr, VK_TRUE};
    VkPhysicalDeviceTimelineSemaphoreFeatures timeline{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES,
                                                       nullptr, VK_TRUE};
    VkPhysicalDevicePrivateDataFeatures privateData{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRIVATE_DATA_FEATURES, nullptr,
                                                    VK_TRUE};
    DeviceOptions options{0, {"VK_KHR_swapchain", "VK_EXT_swapchain_maintenance1", "VK_EXT_private_data"}};

    /// Creates a device with `chain` and gives the types that reached the driver, without the loader's.
    std::vector<VkStructureType> createWith(const void* chain)
    {
        options.next = chain;
        makeDevice(options);
        std::vector<VkStructureType> types = driver.devices().at(0).chain;
        std::erase(types, VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO);
        return types;
    }
};

class CreateInstance : public LayerTest {};

} // namespace

TEST_F(CreateDevice, TheLayersExtensionsAreStripped)
{
    options.extensions = {"VK_KHR_swapchain",
                          "VK_KHR_timeline_semaphore",
                          "VK_KHR_swapchain_mutable_format",
                          "VK_EXT_swapchain_maintenance1",
                          "VK_EXT_private_data",
                          "VK_KHR_incremental_present"};
    createWith(nullptr);
    const auto extensions = driver.devices().at(0).extensions;
    EXPECT_THAT(extensions, IsSupersetOf({"VK_KHR_timeline_semaphore", "VK_EXT_private_data"}));
    for (const char* name : {"VK_KHR_swapchain", "VK_KHR_swapchain_mutable_format", "VK_EXT_swapchain_maintenance1",
                             "VK_KHR_incremental_present"})
        EXPECT_THAT(extensions, Not(Contains(name)));
}

TEST_F(CreateDevice, TheMaintenanceFeatureIsCutWhenAlone)
{
    EXPECT_THAT(createWith(&maintenance), Not(Contains(maintenance.sType)));
}

TEST_F(CreateDevice, TheMaintenanceFeatureIsCutAtTheHead)
{
    maintenance.pNext = &timeline;
    timeline.pNext = &privateData;
    EXPECT_THAT(createWith(&maintenance), ElementsAre(timeline.sType, privateData.sType));
}

TEST_F(CreateDevice, TheMaintenanceFeatureIsCutInTheMiddle)
{
    timeline.pNext = &maintenance;
    maintenance.pNext = &privateData;
    EXPECT_THAT(createWith(&timeline), ElementsAre(timeline.sType, privateData.sType));
}

TEST_F(CreateDevice, TheMaintenanceFeatureIsCutAtTheTail)
{
    timeline.pNext = &privateData;
    privateData.pNext = &maintenance;
    EXPECT_THAT(createWith(&timeline), ElementsAre(timeline.sType, privateData.sType));
}

TEST_F(CreateDevice, TheApplicationsStructsAreNotWritten)
{
    timeline.pNext = &maintenance;
    maintenance.pNext = &privateData;
    const Snapshot first(timeline);
    const Snapshot second(maintenance);
    const Snapshot third(privateData);
    const auto names = options.extensions;
    createWith(&timeline);
    EXPECT_TRUE(first.unchanged());
    EXPECT_TRUE(second.unchanged());
    EXPECT_TRUE(third.unchanged());
    EXPECT_EQ(names, options.extensions);
}

TEST_F(CreateDevice, UnknownStructsSurvive)
{
    UnknownStruct unknown;
    maintenance.pNext = &unknown;
    const Snapshot bytes(unknown);
    EXPECT_THAT(createWith(&maintenance), ElementsAre(UnknownStruct::kType));
    EXPECT_TRUE(bytes.unchanged());
}

TEST_F(CreateDevice, UnknownStructsBeforeTheLayersDoNotHurt)
{
    UnknownStruct unknown;
    unknown.pNext = &timeline;
    const Snapshot bytes(unknown);
    EXPECT_THAT(createWith(&unknown), ElementsAre(UnknownStruct::kType, timeline.sType));
    EXPECT_TRUE(bytes.unchanged());
}

TEST_F(CreateDevice, Features2KeepsItsPlace)
{
    VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &maintenance, {}};
    EXPECT_THAT(createWith(&features), ElementsAre(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2));
}

TEST_F(CreateDevice, AnExtensionThatNobodyHasFails)
{
    instance();
    options.extensions = {"VK_KHR_swapchain", "VK_KHR_ray_query"};
    const TestDevice failing(instance(), options);
    EXPECT_EQ(failing.result, VK_ERROR_EXTENSION_NOT_PRESENT);
    EXPECT_THAT(driver.takeErrors(), Contains(::testing::HasSubstr("VK_KHR_ray_query")));
}

TEST_F(CreateDevice, TheDriversFailureIsTheResult)
{
    instance();
    driver.failNth("vkCreateDevice", 1, VK_ERROR_TOO_MANY_OBJECTS);
    const TestDevice failing(instance());
    EXPECT_EQ(failing.result, VK_ERROR_TOO_MANY_OBJECTS);
}

TEST_F(CreateDevice, ADeviceWithoutSwapchainNeedsNothing)
{
    options.extensions = {"VK_KHR_timeline_semaphore"};
    createWith(nullptr);
    EXPECT_THAT(driver.devices().at(0).extensions, Contains("VK_KHR_timeline_semaphore"));
    EXPECT_EQ(device().submit({}), VK_SUCCESS);
    EXPECT_THAT(driver.liveObjects(), ElementsAre("VkCommandPool")) << "only the test's own pool";
}

TEST_F(CreateDevice, TwoDevicesOfOnePhysicalDevice)
{
    Window first(device());
    TestDevice second(instance());
    Window other(second);
    EXPECT_EQ(first.frame(), VK_SUCCESS);
    EXPECT_EQ(other.frame(), VK_SUCCESS);
    EXPECT_EQ(first.frame(), VK_SUCCESS);
}

TEST_F(CreateDevice, Queues2AreKnownToo)
{
    VkDeviceQueueInfo2 info{};
    info.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_INFO_2;
    VkQueue queue = VK_NULL_HANDLE;
    device().vk.GetDeviceQueue2(device().handle, &info, &queue);
    EXPECT_EQ(queue, device().queue());
}

TEST_F(CreateInstance, Vulkan10WithoutProperties2IsServed)
{
    add(mock::DeviceSpec::venus());
    InstanceOptions options;
    options.apiVersion = VK_API_VERSION_1_0;
    options.extensions = {"VK_KHR_surface", "VK_EXT_headless_surface"};
    makeInstance(options);
    EXPECT_TRUE(instance().hasDeviceExtension("VK_KHR_swapchain"));
    Window window(device());
    EXPECT_EQ(window.frame(), VK_SUCCESS);
}

TEST_F(CreateInstance, NoApplicationInfoMeansVulkan10)
{
    add(mock::DeviceSpec::venus());
    InstanceOptions options;
    options.applicationInfo = false;
    options.extensions = {"VK_KHR_surface", "VK_EXT_headless_surface"};
    makeInstance(options);
    EXPECT_TRUE(instance().hasDeviceExtension("VK_KHR_swapchain"));
    Window window(device());
    EXPECT_EQ(window.frame(), VK_SUCCESS);
}

TEST_F(CreateInstance, Vulkan10OnLavapipeIsLeftAlone)
{
    add(mock::DeviceSpec::lavapipe());
    InstanceOptions options;
    options.apiVersion = VK_API_VERSION_1_0;
    options.extensions = {"VK_KHR_surface", "VK_EXT_headless_surface"};
    makeInstance(options);
    EXPECT_FALSE(instance().hasDeviceExtension("VK_EXT_swapchain_maintenance1"));
}

TEST_F(CreateInstance, NothingIsEnabledTwice)
{
    add(mock::DeviceSpec::venus());
    InstanceOptions options;
    options.apiVersion = VK_API_VERSION_1_0;
    options.extensions = {"VK_KHR_surface",
                          "VK_EXT_headless_surface",
                          "VK_KHR_get_physical_device_properties2",
                          "VK_KHR_external_memory_capabilities",
                          "VK_KHR_external_semaphore_capabilities",
                          "VK_KHR_external_fence_capabilities",
                          "VK_KHR_device_group_creation"};
    makeInstance(options);
    EXPECT_THAT(driver.instanceExtensions(), IsSupersetOf({"VK_KHR_get_physical_device_properties2"}));
}

TEST_F(CreateInstance, TheApplicationsVersionIsKept)
{
    add(mock::DeviceSpec::venus());
    InstanceOptions options;
    options.apiVersion = VK_API_VERSION_1_0;
    makeInstance(options);
    EXPECT_EQ(driver.instanceApiVersion(), VK_API_VERSION_1_0);
}

TEST_F(CreateInstance, ChainedStructsArriveUnwritten)
{
    add(mock::DeviceSpec::venus());
    VkDebugUtilsMessengerCreateInfoEXT messenger{};
    messenger.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT;
    const Snapshot bytes(messenger);
    InstanceOptions options;
    options.apiVersion = VK_API_VERSION_1_0;
    options.next = &messenger;
    makeInstance(options);
    EXPECT_TRUE(bytes.unchanged());
}

TEST_F(CreateInstance, TheDriversFailureIsTheResult)
{
    driver.failNth("vkCreateInstance", 1, VK_ERROR_INCOMPATIBLE_DRIVER);
    const TestInstance failing;
    EXPECT_EQ(failing.result, VK_ERROR_INCOMPATIBLE_DRIVER);
    driver.clearFaults();
    EXPECT_EQ(instance().result, VK_SUCCESS);
}

TEST_F(CreateInstance, PagesTooSmallForTheHostAreNamed)
{
    IN_PROCESS_WITH({"VENUS_WSI_LOG", "warn"});
    driver.failNth("vkCreateInstance", 1, VK_ERROR_OUT_OF_HOST_MEMORY);
    const mock::PretendedKernel kernel("aarch64", 4096);
    const TestInstance failing;
    EXPECT_EQ(failing.result, VK_ERROR_OUT_OF_HOST_MEMORY);
    EXPECT_THAT(childLog(), HasSubstr("4096-byte pages"));
    EXPECT_THAT(childLog(), HasSubstr("16384-byte pages"));
}

TEST_F(CreateInstance, PagesTooSmallForTheHostAreNamedBeforeTheDriverHangs)
{
    IN_PROCESS_WITH({"VENUS_WSI_LOG", "info"});
    // The driver answers nothing more here; what it takes to understand that must be in the log already.
    driver.failNth("vkCreateInstance", 1, VK_ERROR_INCOMPATIBLE_DRIVER);
    const mock::PretendedKernel kernel("aarch64", 4096);
    const TestInstance failing;
    EXPECT_THAT(childLog(), HasSubstr("4096-byte pages"));
}

TEST_F(CreateInstance, PagesThatFitAreNotNamed)
{
    IN_PROCESS_WITH({"VENUS_WSI_LOG", "info"});
    for (const auto& [machine, pageSize] : {std::pair("aarch64", 16384L), {"aarch64", 65536L}, {"x86_64", 4096L}}) {
        driver.failNth("vkCreateInstance", 1, VK_ERROR_OUT_OF_HOST_MEMORY);
        const mock::PretendedKernel kernel(machine, pageSize);
        const TestInstance failing;
        EXPECT_EQ(failing.result, VK_ERROR_OUT_OF_HOST_MEMORY);
    }
    EXPECT_THAT(childLog(), Not(HasSubstr("-byte pages")));
}

TEST_F(CreateInstance, ManyInstancesComeAndGo)
{
    add(mock::DeviceSpec::venus());
    for (int i = 0; i < 20; ++i) {
        TestInstance one;
        TestInstance two;
        ASSERT_EQ(one.result, VK_SUCCESS);
        ASSERT_EQ(two.result, VK_SUCCESS);
        TestDevice device(two);
        Window window(device);
        EXPECT_EQ(window.frame(), VK_SUCCESS);
    }
}

} // namespace vwsi::testing
