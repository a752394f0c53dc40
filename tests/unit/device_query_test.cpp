// vkEnumerateDeviceExtensionProperties and the feature queries for served and unserved devices.
#include "harness/layer_test.h"

namespace vwsi::testing {

namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Not;

constexpr const char* kLayer = "VK_LAYER_VENUS_wsi";

class DeviceQuery : public LayerTest {
protected:
    VkPhysicalDevice physical(uint32_t i = 0) { return instance().physicalDevices[i]; }

    VkResult enumerate(const char* layer, uint32_t* count, VkExtensionProperties* properties)
    {
        return instance().vk.EnumerateDeviceExtensionProperties(physical(), layer, count, properties);
    }

    static VkPhysicalDeviceSwapchainMaintenance1FeaturesEXT maintenance()
    {
        return {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SWAPCHAIN_MAINTENANCE_1_FEATURES_EXT, nullptr, VK_FALSE};
    }
};

constexpr const char* kSupplied[] = {"VK_KHR_swapchain", "VK_KHR_swapchain_mutable_format",
                                     "VK_KHR_incremental_present", "VK_EXT_swapchain_maintenance1"};

} // namespace

TEST_F(DeviceQuery, ServedDevicesHaveTheSwapchainFamily)
{
    for (const char* name : kSupplied)
        EXPECT_TRUE(instance().hasDeviceExtension(name)) << name;
}

TEST_F(DeviceQuery, ServedDevicesKeepTheirOwnExtensions)
{
    for (const std::string& name : mock::DeviceSpec::venus().extensions)
        EXPECT_TRUE(instance().hasDeviceExtension(name.c_str())) << name;
}

TEST_F(DeviceQuery, NoExtensionIsListedTwice)
{
    add(mock::DeviceSpec::venus().withNativeSwapchain());
    std::vector<std::string> names;
    for (const VkExtensionProperties& extension : instance().deviceExtensions())
        names.emplace_back(extension.extensionName);
    for (const std::string& name : names)
        EXPECT_EQ(std::count(names.begin(), names.end(), name), 1) << name;
}

TEST_F(DeviceQuery, SwapchainIsRevision70)
{
    for (const VkExtensionProperties& extension : instance().deviceExtensions()) {
        if (!strcmp(extension.extensionName, "VK_KHR_swapchain")) {
            EXPECT_EQ(extension.specVersion, 70u);
        }
    }
}

TEST_F(DeviceQuery, UnservedDevicesGainNothing)
{
    add(mock::DeviceSpec::lavapipe());
    EXPECT_FALSE(instance().hasDeviceExtension("VK_EXT_swapchain_maintenance1"));
    EXPECT_EQ(instance().deviceExtensions().size(), mock::DeviceSpec::lavapipe().extensions.size());
}

TEST_F(DeviceQuery, AShortArrayIsIncomplete)
{
    uint32_t all = 0;
    ASSERT_EQ(enumerate(nullptr, &all, nullptr), VK_SUCCESS);
    for (const uint32_t given : {0u, 1u, all - 1}) {
        std::vector<VkExtensionProperties> list(all + 1);
        list[given].specVersion = 4711;
        uint32_t count = given;
        EXPECT_EQ(enumerate(nullptr, &count, list.data()), VK_INCOMPLETE);
        EXPECT_EQ(count, given);
        EXPECT_EQ(list[given].specVersion, 4711u) << "written past the array";
    }
}

TEST_F(DeviceQuery, ALongArrayIsFilledAsFarAsNeeded)
{
    uint32_t all = 0;
    ASSERT_EQ(enumerate(nullptr, &all, nullptr), VK_SUCCESS);
    std::vector<VkExtensionProperties> list(all + 10);
    uint32_t count = all + 10;
    EXPECT_EQ(enumerate(nullptr, &count, list.data()), VK_SUCCESS);
    EXPECT_EQ(count, all);
}

TEST_F(DeviceQuery, TheLayersOwnNameListsWhatItAdds)
{
    uint32_t count = 0;
    ASSERT_EQ(enumerate(kLayer, &count, nullptr), VK_SUCCESS);
    std::vector<VkExtensionProperties> list(count);
    ASSERT_EQ(enumerate(kLayer, &count, list.data()), VK_SUCCESS);
    std::vector<std::string> names;
    for (const VkExtensionProperties& extension : list)
        names.emplace_back(extension.extensionName);
    for (const char* name : kSupplied)
        EXPECT_THAT(names, Contains(name));
    EXPECT_THAT(names, Not(Contains("VK_KHR_timeline_semaphore")));
}

TEST_F(DeviceQuery, AnotherLayersNameIsPassedDown)
{
    uint32_t count = 0;
    EXPECT_EQ(enumerate("VK_LAYER_other", &count, nullptr), VK_ERROR_LAYER_NOT_PRESENT);
}

TEST_F(DeviceQuery, ADriverThatFailsOnceIsAskedAgain)
{
    // Wherever the layer asks the driver first: a failure there must not be taken for an answer.
    instance();
    driver.failNth("vkEnumerateDeviceExtensionProperties", 1, VK_ERROR_OUT_OF_HOST_MEMORY);
    uint32_t count = 0;
    const VkResult result = enumerate(nullptr, &count, nullptr);
    if (driver.faultWasHit()) {
        EXPECT_EQ(result, VK_ERROR_OUT_OF_HOST_MEMORY);
    }
    driver.clearFaults();
    for (const std::string& name : mock::DeviceSpec::venus().extensions)
        EXPECT_TRUE(instance().hasDeviceExtension(name.c_str())) << name;
    EXPECT_TRUE(instance().hasDeviceExtension("VK_KHR_swapchain"));
}

TEST_F(DeviceQuery, ServedDevicesHaveTheMaintenanceFeature)
{
    auto feature = maintenance();
    VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &feature, {}};
    instance().vk.GetPhysicalDeviceFeatures2(physical(), &features);
    EXPECT_EQ(feature.swapchainMaintenance1, VK_TRUE);
}

TEST_F(DeviceQuery, TheFeatureIsFoundAnywhereInTheChain)
{
    auto feature = maintenance();
    VkPhysicalDeviceTimelineSemaphoreFeatures timeline{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES,
                                                       &feature, VK_FALSE};
    VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &timeline, {}};
    instance().vk.GetPhysicalDeviceFeatures2(physical(), &features);
    EXPECT_EQ(feature.swapchainMaintenance1, VK_TRUE);
    EXPECT_EQ(timeline.timelineSemaphore, VK_TRUE) << "the driver's own answer";
    EXPECT_EQ(features.pNext, &timeline);
    EXPECT_EQ(timeline.pNext, &feature);
    EXPECT_EQ(feature.pNext, nullptr);
}

TEST_F(DeviceQuery, UnservedDevicesHaveNoMaintenanceFeature)
{
    add(mock::DeviceSpec::lavapipe());
    auto feature = maintenance();
    VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &feature, {}};
    instance().vk.GetPhysicalDeviceFeatures2(physical(), &features);
    EXPECT_EQ(feature.swapchainMaintenance1, VK_FALSE);
}

TEST_F(DeviceQuery, TheAliasGivesTheSameFeatures)
{
    add(mock::DeviceSpec::venus());
    InstanceOptions options;
    options.extensions.push_back("VK_KHR_get_physical_device_properties2");
    makeInstance(options);
    ASSERT_NE(instance().vk.GetPhysicalDeviceFeatures2KHR, nullptr);
    auto feature = maintenance();
    VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &feature, {}};
    instance().vk.GetPhysicalDeviceFeatures2KHR(physical(), &features);
    EXPECT_EQ(feature.swapchainMaintenance1, VK_TRUE);
}

TEST_F(DeviceQuery, PropertiesStayTheDrivers)
{
    VkPhysicalDeviceProperties properties{};
    instance().vk.GetPhysicalDeviceProperties(physical(), &properties);
    EXPECT_EQ(properties.apiVersion, VK_API_VERSION_1_2);
    EXPECT_STREQ(properties.deviceName, "Virtio-GPU Venus (Mock)");
    VkPhysicalDeviceDriverProperties driverProperties{};
    driverProperties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES;
    VkPhysicalDeviceProperties2 properties2{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &driverProperties, {}};
    instance().vk.GetPhysicalDeviceProperties2(physical(), &properties2);
    EXPECT_EQ(driverProperties.driverID, VK_DRIVER_ID_MESA_VENUS);
}

TEST_F(DeviceQuery, QueriesDoNotTouchTheHostTwice)
{
    instance();
    driver.resetRecords();
    auto feature = maintenance();
    VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &feature, {}};
    instance().vk.GetPhysicalDeviceFeatures2(physical(), &features);
    EXPECT_EQ(driver.count("vkGetPhysicalDeviceFeatures2"), 1u);
}

} // namespace vwsi::testing
