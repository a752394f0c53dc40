// What a headless surface can do, as the physical-device queries say it.
#include "harness/layer_test.h"

#include <set>

namespace vwsi::testing {

namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAreArray;
using ::testing::IsSupersetOf;

class SurfaceQuery : public LayerTest {
protected:
    void TearDown() override
    {
        if (m_surface)
            instance().vk.DestroySurfaceKHR(instance().handle, m_surface, nullptr);
        LayerTest::TearDown();
    }

    VkSurfaceKHR surface()
    {
        if (!m_surface)
            m_surface = instance().createSurface();
        return m_surface;
    }

    VkPhysicalDevice physical() { return instance().physicalDevices[0]; }

    VkSurfaceCapabilitiesKHR capabilities()
    {
        VkSurfaceCapabilitiesKHR result{};
        EXPECT_EQ(instance().vk.GetPhysicalDeviceSurfaceCapabilitiesKHR(physical(), surface(), &result), VK_SUCCESS);
        return result;
    }

    std::vector<VkSurfaceFormatKHR> formats()
    {
        uint32_t count = 0;
        EXPECT_EQ(instance().vk.GetPhysicalDeviceSurfaceFormatsKHR(physical(), surface(), &count, nullptr), VK_SUCCESS);
        std::vector<VkSurfaceFormatKHR> list(count);
        EXPECT_EQ(instance().vk.GetPhysicalDeviceSurfaceFormatsKHR(physical(), surface(), &count, list.data()),
                  VK_SUCCESS);
        return list;
    }

    std::vector<VkPresentModeKHR> modes()
    {
        uint32_t count = 0;
        EXPECT_EQ(instance().vk.GetPhysicalDeviceSurfacePresentModesKHR(physical(), surface(), &count, nullptr),
                  VK_SUCCESS);
        std::vector<VkPresentModeKHR> list(count);
        EXPECT_EQ(instance().vk.GetPhysicalDeviceSurfacePresentModesKHR(physical(), surface(), &count, list.data()),
                  VK_SUCCESS);
        return list;
    }

    /// The modes in which every frame has an image of its own; shared_image_test.cpp has the others.
    std::vector<VkPresentModeKHR> frameModes()
    {
        std::vector<VkPresentModeKHR> list = modes();
        std::erase(list, VK_PRESENT_MODE_SHARED_DEMAND_REFRESH_KHR);
        std::erase(list, VK_PRESENT_MODE_SHARED_CONTINUOUS_REFRESH_KHR);
        return list;
    }

    VkSurfaceCapabilities2KHR capabilities2(void* next, const void* infoNext = nullptr)
    {
        const VkPhysicalDeviceSurfaceInfo2KHR info{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SURFACE_INFO_2_KHR, infoNext,
                                                   surface()};
        VkSurfaceCapabilities2KHR result{VK_STRUCTURE_TYPE_SURFACE_CAPABILITIES_2_KHR, next, {}};
        EXPECT_EQ(instance().vk.GetPhysicalDeviceSurfaceCapabilities2KHR(physical(), &info, &result), VK_SUCCESS);
        return result;
    }

private:
    VkSurfaceKHR m_surface = VK_NULL_HANDLE;
};

} // namespace

TEST_F(SurfaceQuery, EveryQueueFamilyCanPresent)
{
    add(mock::DeviceSpec::venus().withQueueFamily(VK_QUEUE_TRANSFER_BIT, 1).withQueueFamily(VK_QUEUE_COMPUTE_BIT, 1));
    for (uint32_t family = 0; family < 3; ++family) {
        VkBool32 supported = VK_FALSE;
        EXPECT_EQ(instance().vk.GetPhysicalDeviceSurfaceSupportKHR(physical(), family, surface(), &supported),
                  VK_SUCCESS);
        EXPECT_EQ(supported, VK_TRUE) << "family " << family;
    }
}

TEST_F(SurfaceQuery, AFamilyThatCannotCopyCannotPresent)
{
    add(mock::DeviceSpec::venus().withQueueFamily(VK_QUEUE_SPARSE_BINDING_BIT, 1));
    VkBool32 supported = VK_TRUE;
    EXPECT_EQ(instance().vk.GetPhysicalDeviceSurfaceSupportKHR(physical(), 1, surface(), &supported), VK_SUCCESS);
    EXPECT_EQ(supported, VK_FALSE);
}

TEST_F(SurfaceQuery, CapabilitiesAreSound)
{
    const VkSurfaceCapabilitiesKHR c = capabilities();
    EXPECT_GE(c.minImageCount, 1u);
    EXPECT_TRUE(c.maxImageCount == 0 || c.maxImageCount >= c.minImageCount);
    EXPECT_GE(c.maxImageArrayLayers, 1u);
    EXPECT_EQ(c.supportedTransforms,
              VkFlags{VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR | VK_SURFACE_TRANSFORM_INHERIT_BIT_KHR});
    EXPECT_TRUE(c.supportedTransforms & c.currentTransform);
    EXPECT_NE(c.supportedCompositeAlpha, 0u);
    EXPECT_TRUE(c.supportedUsageFlags & VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT);
    EXPECT_TRUE(c.supportedUsageFlags & VK_IMAGE_USAGE_TRANSFER_DST_BIT);
    EXPECT_LE(c.minImageExtent.width, c.maxImageExtent.width);
    EXPECT_LE(c.minImageExtent.height, c.maxImageExtent.height);
}

TEST_F(SurfaceQuery, AHeadlessSurfaceHasTheSwapchainsSize)
{
    const VkSurfaceCapabilitiesKHR c = capabilities();
    EXPECT_EQ(c.currentExtent.width, UINT32_MAX);
    EXPECT_EQ(c.currentExtent.height, UINT32_MAX);
}

TEST_F(SurfaceQuery, TheSizeLimitIsTheDevices)
{
    EXPECT_LE(capabilities().maxImageExtent.width, 16384u);
    EXPECT_LE(capabilities().maxImageExtent.height, 16384u);
    EXPECT_GE(capabilities().maxImageExtent.width, 4096u);
}

TEST_F(SurfaceQuery, EveryOfferedUsageWorks)
{
    const VkImageUsageFlags all = capabilities().supportedUsageFlags;
    for (VkImageUsageFlags bit = 1; bit && bit <= all; bit <<= 1) {
        if (!(all & bit))
            continue;
        WindowOptions options;
        options.usage = bit;
        const Window window(device(), options);
        EXPECT_EQ(window.result, VK_SUCCESS) << "usage " << bit;
    }
}

TEST_F(SurfaceQuery, FormatsHaveTheCommonOnes)
{
    std::set<VkFormat> have;
    for (const VkSurfaceFormatKHR& format : formats()) {
        EXPECT_EQ(format.colorSpace, VK_COLOR_SPACE_SRGB_NONLINEAR_KHR);
        have.insert(format.format);
    }
    EXPECT_THAT(have, IsSupersetOf({VK_FORMAT_B8G8R8A8_UNORM, VK_FORMAT_B8G8R8A8_SRGB, VK_FORMAT_R8G8B8A8_UNORM,
                                    VK_FORMAT_R8G8B8A8_SRGB}));
    EXPECT_EQ(have.size(), formats().size()) << "no format twice";
}

TEST_F(SurfaceQuery, EveryFormatWorks)
{
    for (const VkSurfaceFormatKHR& format : formats()) {
        WindowOptions options;
        options.format = format.format;
        Window window(device(), options);
        ASSERT_EQ(window.result, VK_SUCCESS) << format.format;
        EXPECT_EQ(window.frame(), VK_SUCCESS) << format.format;
    }
}

TEST_F(SurfaceQuery, AShortFormatArrayIsIncomplete)
{
    const size_t all = formats().size();
    ASSERT_GT(all, 1u);
    std::vector<VkSurfaceFormatKHR> list(all, {VK_FORMAT_UNDEFINED, VK_COLOR_SPACE_MAX_ENUM_KHR});
    uint32_t count = 1;
    EXPECT_EQ(instance().vk.GetPhysicalDeviceSurfaceFormatsKHR(physical(), surface(), &count, list.data()),
              VK_INCOMPLETE);
    EXPECT_EQ(count, 1u);
    EXPECT_EQ(list[1].colorSpace, VK_COLOR_SPACE_MAX_ENUM_KHR);
}

TEST_F(SurfaceQuery, Formats2AreTheSame)
{
    const VkPhysicalDeviceSurfaceInfo2KHR info{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SURFACE_INFO_2_KHR, nullptr,
                                               surface()};
    uint32_t count = 0;
    ASSERT_EQ(instance().vk.GetPhysicalDeviceSurfaceFormats2KHR(physical(), &info, &count, nullptr), VK_SUCCESS);
    std::vector<VkSurfaceFormat2KHR> list(count, {VK_STRUCTURE_TYPE_SURFACE_FORMAT_2_KHR, nullptr, {}});
    ASSERT_EQ(instance().vk.GetPhysicalDeviceSurfaceFormats2KHR(physical(), &info, &count, list.data()), VK_SUCCESS);
    const auto plain = formats();
    ASSERT_EQ(list.size(), plain.size());
    for (size_t i = 0; i < plain.size(); ++i) {
        EXPECT_EQ(list[i].surfaceFormat.format, plain[i].format);
        EXPECT_EQ(list[i].sType, VK_STRUCTURE_TYPE_SURFACE_FORMAT_2_KHR);
    }
    count = 1;
    EXPECT_EQ(instance().vk.GetPhysicalDeviceSurfaceFormats2KHR(physical(), &info, &count, list.data()), VK_INCOMPLETE);
}

TEST_F(SurfaceQuery, AllPresentModes)
{
    EXPECT_THAT(modes(),
                IsSupersetOf({VK_PRESENT_MODE_FIFO_KHR, VK_PRESENT_MODE_FIFO_RELAXED_KHR, VK_PRESENT_MODE_MAILBOX_KHR,
                              VK_PRESENT_MODE_IMMEDIATE_KHR, VK_PRESENT_MODE_SHARED_DEMAND_REFRESH_KHR,
                              VK_PRESENT_MODE_SHARED_CONTINUOUS_REFRESH_KHR}));
}

TEST_F(SurfaceQuery, EveryPresentModeWorks)
{
    for (const VkPresentModeKHR mode : frameModes()) {
        WindowOptions options;
        options.presentMode = mode;
        Window window(device(), options);
        ASSERT_EQ(window.result, VK_SUCCESS) << mode;
        for (int i = 0; i < 8; ++i)
            EXPECT_EQ(window.frame(), VK_SUCCESS) << mode;
    }
}

TEST_F(SurfaceQuery, AShortModeArrayIsIncomplete)
{
    VkPresentModeKHR list[] = {VK_PRESENT_MODE_MAX_ENUM_KHR, VK_PRESENT_MODE_MAX_ENUM_KHR};
    uint32_t count = 1;
    EXPECT_EQ(instance().vk.GetPhysicalDeviceSurfacePresentModesKHR(physical(), surface(), &count, list),
              VK_INCOMPLETE);
    EXPECT_EQ(count, 1u);
    EXPECT_EQ(list[1], VK_PRESENT_MODE_MAX_ENUM_KHR);
}

TEST_F(SurfaceQuery, PresentRectanglesExist)
{
    uint32_t count = 0;
    ASSERT_NE(instance().vk.GetPhysicalDevicePresentRectanglesKHR, nullptr);
    ASSERT_EQ(instance().vk.GetPhysicalDevicePresentRectanglesKHR(physical(), surface(), &count, nullptr), VK_SUCCESS);
    ASSERT_GE(count, 1u);
    std::vector<VkRect2D> rects(count);
    EXPECT_EQ(instance().vk.GetPhysicalDevicePresentRectanglesKHR(physical(), surface(), &count, rects.data()),
              VK_SUCCESS);
}

TEST_F(SurfaceQuery, Capabilities2AreTheSame)
{
    const auto plain = capabilities();
    const auto second = capabilities2(nullptr).surfaceCapabilities;
    EXPECT_EQ(memcmp(&plain, &second, sizeof(plain)), 0);
}

TEST_F(SurfaceQuery, ScalingIsReported)
{
    VkSurfacePresentScalingCapabilitiesEXT scaling{};
    scaling.sType = VK_STRUCTURE_TYPE_SURFACE_PRESENT_SCALING_CAPABILITIES_EXT;
    scaling.minScaledImageExtent = {4711, 4711};
    const VkSurfacePresentModeEXT mode{VK_STRUCTURE_TYPE_SURFACE_PRESENT_MODE_EXT, nullptr, VK_PRESENT_MODE_FIFO_KHR};
    const auto c = capabilities2(&scaling, &mode).surfaceCapabilities;
    EXPECT_LE(scaling.minScaledImageExtent.width, c.maxImageExtent.width) << "filled in";
    EXPECT_GE(scaling.maxScaledImageExtent.width, scaling.minScaledImageExtent.width);
    if (scaling.supportedPresentScaling == 0) {
        EXPECT_EQ(scaling.supportedPresentGravityX, 0u);
        EXPECT_EQ(scaling.supportedPresentGravityY, 0u);
    }
}

TEST_F(SurfaceQuery, CompatibleModesIncludeTheModeItself)
{
    const auto supported = modes();
    for (const VkPresentModeKHR wanted : supported) {
        VkSurfacePresentModeCompatibilityEXT compatibility{};
        compatibility.sType = VK_STRUCTURE_TYPE_SURFACE_PRESENT_MODE_COMPATIBILITY_EXT;
        const VkSurfacePresentModeEXT mode{VK_STRUCTURE_TYPE_SURFACE_PRESENT_MODE_EXT, nullptr, wanted};
        capabilities2(&compatibility, &mode);
        ASSERT_GE(compatibility.presentModeCount, 1u);
        std::vector<VkPresentModeKHR> list(compatibility.presentModeCount);
        compatibility.pPresentModes = list.data();
        capabilities2(&compatibility, &mode);
        EXPECT_EQ(compatibility.presentModeCount, list.size());
        EXPECT_THAT(list, Contains(wanted));
        EXPECT_THAT(supported, IsSupersetOf(list));
    }
}

TEST_F(SurfaceQuery, ImageCountsOfAModeAreItsOwn)
{
    for (const VkPresentModeKHR wanted : frameModes()) {
        const VkSurfacePresentModeEXT mode{VK_STRUCTURE_TYPE_SURFACE_PRESENT_MODE_EXT, nullptr, wanted};
        const auto c = capabilities2(nullptr, &mode).surfaceCapabilities;
        EXPECT_GE(c.minImageCount, 1u);
        WindowOptions options;
        options.presentMode = wanted;
        options.minImageCount = c.minImageCount;
        Window window(device(), options);
        ASSERT_EQ(window.result, VK_SUCCESS);
        EXPECT_GE(window.images.size(), c.minImageCount);
        for (int i = 0; i < 6; ++i)
            EXPECT_EQ(window.frame(), VK_SUCCESS);
    }
}

TEST_F(SurfaceQuery, QueriesSubmitNothing)
{
    surface();
    driver.resetRecords();
    capabilities();
    formats();
    modes();
    EXPECT_EQ(driver.submissionCount(), 0u);
    EXPECT_EQ(driver.count("vkAllocateMemory"), 0u);
    EXPECT_EQ(driver.count("vkCreateDevice"), 0u);
}

TEST_F(SurfaceQuery, SurfacesReachTheLoadersTerminator)
{
    instance();
    const VkSurfaceKHR one = instance().createSurface();
    const VkSurfaceKHR two = instance().createSurface();
    EXPECT_NE(one, two);
    EXPECT_EQ(driver.count("vkCreateHeadlessSurfaceEXT"), 2u);
    instance().vk.DestroySurfaceKHR(instance().handle, one, nullptr);
    instance().vk.DestroySurfaceKHR(instance().handle, two, nullptr);
    EXPECT_EQ(driver.count("vkDestroySurfaceKHR"), 2u);
}

TEST_F(SurfaceQuery, AFailedSurfaceIsTheResult)
{
    instance();
    driver.failNth("vkCreateHeadlessSurfaceEXT", 1, VK_ERROR_OUT_OF_HOST_MEMORY);
    const VkHeadlessSurfaceCreateInfoEXT info{VK_STRUCTURE_TYPE_HEADLESS_SURFACE_CREATE_INFO_EXT, nullptr, 0};
    VkSurfaceKHR failed = VK_NULL_HANDLE;
    EXPECT_EQ(instance().vk.CreateHeadlessSurfaceEXT(instance().handle, &info, nullptr, &failed),
              VK_ERROR_OUT_OF_HOST_MEMORY);
}

TEST_F(SurfaceQuery, DeviceGroupPresentIsLocal)
{
    VkDeviceGroupPresentCapabilitiesKHR group{};
    group.sType = VK_STRUCTURE_TYPE_DEVICE_GROUP_PRESENT_CAPABILITIES_KHR;
    ASSERT_EQ(device().vk.GetDeviceGroupPresentCapabilitiesKHR(device().handle, &group), VK_SUCCESS);
    EXPECT_EQ(group.presentMask[0], 1u);
    for (uint32_t i = 1; i < VK_MAX_DEVICE_GROUP_SIZE; ++i)
        EXPECT_EQ(group.presentMask[i], 0u);
    EXPECT_TRUE(group.modes & VK_DEVICE_GROUP_PRESENT_MODE_LOCAL_BIT_KHR);
    VkDeviceGroupPresentModeFlagsKHR flags = 0;
    ASSERT_EQ(device().vk.GetDeviceGroupSurfacePresentModesKHR(device().handle, surface(), &flags), VK_SUCCESS);
    EXPECT_TRUE(flags & VK_DEVICE_GROUP_PRESENT_MODE_LOCAL_BIT_KHR);
    EXPECT_EQ(driver.count("vkGetDeviceGroupPresentCapabilitiesKHR"), 0u);
}

} // namespace vwsi::testing
