// Extensions that say more of surfaces and swapchains: colour spaces, protected surfaces, HDR metadata, compression.
#include "harness/frame_files.h"
#include "harness/layer_test.h"

#include <algorithm>

namespace vwsi::testing {

namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::Not;

constexpr const char* kCompression = "VK_EXT_image_compression_control";
constexpr const char* kCompressionSwapchain = "VK_EXT_image_compression_control_swapchain";

class SurfaceExtensions : public LayerTest {
protected:
    void TearDown() override
    {
        if (m_surface)
            instance().vk.DestroySurfaceKHR(instance().handle, m_surface, nullptr);
        LayerTest::TearDown();
    }

    TestInstance& instanceWith(const char* extension)
    {
        InstanceOptions options;
        options.extensions.push_back(extension);
        add(mock::DeviceSpec::venus());
        return makeInstance(options);
    }

    VkSurfaceKHR surface()
    {
        if (!m_surface)
            m_surface = instance().createSurface();
        return m_surface;
    }

    std::vector<VkSurfaceFormatKHR> formats()
    {
        uint32_t count = 0;
        const VkPhysicalDevice physical = instance().physicalDevices[0];
        EXPECT_EQ(instance().vk.GetPhysicalDeviceSurfaceFormatsKHR(physical, surface(), &count, nullptr), VK_SUCCESS);
        std::vector<VkSurfaceFormatKHR> list(count);
        EXPECT_EQ(instance().vk.GetPhysicalDeviceSurfaceFormatsKHR(physical, surface(), &count, list.data()),
                  VK_SUCCESS);
        return list;
    }

    VkImageCompressionPropertiesEXT compressionOf(VkFormat format)
    {
        const VkPhysicalDeviceSurfaceInfo2KHR info{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SURFACE_INFO_2_KHR, nullptr,
                                                   surface()};
        const VkPhysicalDevice physical = instance().physicalDevices[0];
        uint32_t count = 0;
        EXPECT_EQ(instance().vk.GetPhysicalDeviceSurfaceFormats2KHR(physical, &info, &count, nullptr), VK_SUCCESS);
        std::vector<VkImageCompressionPropertiesEXT> properties(
            count, {VK_STRUCTURE_TYPE_IMAGE_COMPRESSION_PROPERTIES_EXT, nullptr, 0x77, 0x77});
        std::vector<VkSurfaceFormat2KHR> list;
        for (VkImageCompressionPropertiesEXT& each : properties)
            list.push_back({VK_STRUCTURE_TYPE_SURFACE_FORMAT_2_KHR, &each, {}});
        EXPECT_EQ(instance().vk.GetPhysicalDeviceSurfaceFormats2KHR(physical, &info, &count, list.data()), VK_SUCCESS);
        const auto found = std::find_if(list.begin(), list.end(), [&](const VkSurfaceFormat2KHR& each) {
            return each.surfaceFormat.format == format;
        });
        EXPECT_NE(found, list.end());
        return properties[static_cast<size_t>(found - list.begin())];
    }

    VkBool32 compressionFeature()
    {
        VkPhysicalDeviceImageCompressionControlSwapchainFeaturesEXT feature{
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_COMPRESSION_CONTROL_SWAPCHAIN_FEATURES_EXT, nullptr, 7};
        VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &feature, {}};
        instance().vk.GetPhysicalDeviceFeatures2(instance().physicalDevices[0], &features);
        return feature.imageCompressionControlSwapchain;
    }

    TestDevice& deviceWith(std::vector<const char*> extensions)
    {
        DeviceOptions options;
        options.extensions = std::move(extensions);
        options.extensions.push_back("VK_KHR_swapchain");
        return makeDevice(options);
    }

    /// Makes a swapchain that wishes for four bits a component, and tells how many driver images got the wish.
    size_t compressedImages(Window** made = nullptr)
    {
        m_rate = VK_IMAGE_COMPRESSION_FIXED_RATE_4BPC_BIT_EXT;
        const VkImageCompressionControlEXT control{VK_STRUCTURE_TYPE_IMAGE_COMPRESSION_CONTROL_EXT, nullptr,
                                                   VK_IMAGE_COMPRESSION_FIXED_RATE_EXPLICIT_EXT, 1, &m_rate};
        WindowOptions options;
        options.next = &control;
        driver.resetRecords();
        m_window = std::make_unique<Window>(device(), options);
        EXPECT_EQ(m_window->result, VK_SUCCESS);
        if (made)
            *made = m_window.get();
        return imagesWithCompression();
    }

    size_t imagesWithCompression()
    {
        const auto images = driver.images();
        return static_cast<size_t>(std::count_if(images.begin(), images.end(), [](const mock::ImageRecord& image) {
            return std::count(image.chain.begin(), image.chain.end(), VK_STRUCTURE_TYPE_IMAGE_COMPRESSION_CONTROL_EXT);
        }));
    }

    void closeWindow() { m_window.reset(); }

private:
    VkSurfaceKHR m_surface = VK_NULL_HANDLE;
    VkImageCompressionFixedRateFlagsEXT m_rate = 0;
    std::unique_ptr<Window> m_window;
};

} // namespace

// VK_EXT_swapchain_colorspace

TEST_F(SurfaceExtensions, OtherColourSpacesNeedTheExtension)
{
    for (const VkSurfaceFormatKHR& format : formats())
        EXPECT_EQ(format.colorSpace, VK_COLOR_SPACE_SRGB_NONLINEAR_KHR);
}

TEST_F(SurfaceExtensions, EveryFormatCanPassThrough)
{
    instanceWith("VK_EXT_swapchain_colorspace");
    const auto list = formats();
    ASSERT_GT(list.size(), 2u);
    EXPECT_EQ(list[0].colorSpace, VK_COLOR_SPACE_SRGB_NONLINEAR_KHR) << "the usual one comes first";
    for (const VkSurfaceFormatKHR& format : list) {
        const bool passes = std::any_of(list.begin(), list.end(), [&](const VkSurfaceFormatKHR& other) {
            return other.format == format.format && other.colorSpace == VK_COLOR_SPACE_PASS_THROUGH_EXT;
        });
        EXPECT_TRUE(passes) << format.format;
    }
}

TEST_F(SurfaceExtensions, NoColourSpaceIsPromisedThatNobodyShows)
{
    instanceWith("VK_EXT_swapchain_colorspace");
    for (const VkSurfaceFormatKHR& format : formats()) {
        EXPECT_TRUE(format.colorSpace == VK_COLOR_SPACE_SRGB_NONLINEAR_KHR ||
                    format.colorSpace == VK_COLOR_SPACE_PASS_THROUGH_EXT)
            << format.colorSpace;
    }
}

TEST_F(SurfaceExtensions, PassThroughLeavesTheBytesAlone)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "100000"});
    instanceWith("VK_EXT_swapchain_colorspace");
    WindowOptions options;
    options.colorSpace = VK_COLOR_SPACE_PASS_THROUGH_EXT;
    Window window(device(), options);
    ASSERT_EQ(window.result, VK_SUCCESS);
    ASSERT_EQ(window.frame({{0x21 / 255.0f, 0x42 / 255.0f, 0x63 / 255.0f, 1}}), VK_SUCCESS);
    const auto frames = waitForFrames(childFolder(), 1);
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(frames[0].flat(), 0x214263u);
}

TEST_F(SurfaceExtensions, ColourSpacesThatWereNotOfferedAreRefused)
{
    WindowOptions options;
    options.colorSpace = VK_COLOR_SPACE_PASS_THROUGH_EXT;
    device();
    ::testing::internal::CaptureStderr();
    Window window(device(), options);
    EXPECT_THAT(::testing::internal::GetCapturedStderr(), ::testing::HasSubstr("colour space 1000104013"));
    EXPECT_EQ(window.result, VK_ERROR_INITIALIZATION_FAILED) << "the extension is not enabled";
}

TEST_F(SurfaceExtensions, ColourSpacesThatNobodyShowsAreRefused)
{
    instanceWith("VK_EXT_swapchain_colorspace");
    WindowOptions options;
    options.colorSpace = VK_COLOR_SPACE_HDR10_ST2084_EXT;
    Window window(device(), options);
    EXPECT_EQ(window.result, VK_ERROR_INITIALIZATION_FAILED) << "a headless surface has no display";
}

// VK_KHR_surface_protected_capabilities

TEST_F(SurfaceExtensions, SurfacesAreNotProtected)
{
    instanceWith("VK_KHR_surface_protected_capabilities");
    VkSurfaceProtectedCapabilitiesKHR protectedness{VK_STRUCTURE_TYPE_SURFACE_PROTECTED_CAPABILITIES_KHR, nullptr, 7};
    const VkPhysicalDeviceSurfaceInfo2KHR info{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SURFACE_INFO_2_KHR, nullptr,
                                               surface()};
    VkSurfaceCapabilities2KHR capabilities{VK_STRUCTURE_TYPE_SURFACE_CAPABILITIES_2_KHR, &protectedness, {}};
    ASSERT_EQ(
        instance().vk.GetPhysicalDeviceSurfaceCapabilities2KHR(instance().physicalDevices[0], &info, &capabilities),
        VK_SUCCESS);
    EXPECT_EQ(protectedness.supportsProtected, VK_FALSE);
}

// VK_EXT_hdr_metadata

TEST_F(SurfaceExtensions, HdrMetadataIsListed)
{
    EXPECT_TRUE(instance().hasDeviceExtension("VK_EXT_hdr_metadata"));
    EXPECT_EQ(device().proc("vkSetHdrMetadataEXT"), nullptr) << "not enabled";
}

TEST_F(SurfaceExtensions, HdrMetadataIsTakenAtAnyTime)
{
    deviceWith({"VK_EXT_hdr_metadata"});
    Window one(device());
    Window other(device());
    VkHdrMetadataEXT metadata[2]{};
    for (VkHdrMetadataEXT& each : metadata) {
        each.sType = VK_STRUCTURE_TYPE_HDR_METADATA_EXT;
        each.maxLuminance = 1000;
        each.minLuminance = 0.01f;
    }
    const VkSwapchainKHR swapchains[] = {one.swapchain, other.swapchain};
    driver.resetRecords();
    for (int i = 0; i < 3; ++i) {
        device().vk.SetHdrMetadataEXT(device().handle, 2, swapchains, metadata);
        EXPECT_EQ(driver.submissionCount(), 0u);
        EXPECT_EQ(one.frame(), VK_SUCCESS);
        EXPECT_EQ(other.frame(), VK_SUCCESS);
        device().vk.DeviceWaitIdle(device().handle);
        driver.resetRecords();
    }
    EXPECT_THAT(driver.devices(),
                Each(::testing::Field(&mock::DeviceRecord::extensions, Not(Contains("VK_EXT_hdr_metadata")))));
}

// VK_EXT_image_compression_control_swapchain

TEST_F(SurfaceExtensions, CompressionNeedsTheDriversExtension)
{
    EXPECT_FALSE(instance().hasDeviceExtension(kCompressionSwapchain));
    EXPECT_EQ(compressionFeature(), VK_FALSE);
}

TEST_F(SurfaceExtensions, CompressionComesWithTheDriversExtension)
{
    add(mock::DeviceSpec::venus().withExtension(kCompression));
    EXPECT_TRUE(instance().hasDeviceExtension(kCompressionSwapchain));
    EXPECT_EQ(compressionFeature(), VK_TRUE);
}

TEST_F(SurfaceExtensions, EachDeviceHasItsOwnAnswer)
{
    add(mock::DeviceSpec::venus());
    add(mock::DeviceSpec::venus().withExtension(kCompression));
    EXPECT_FALSE(instance().hasDeviceExtension(kCompressionSwapchain, 0));
    EXPECT_TRUE(instance().hasDeviceExtension(kCompressionSwapchain, 1));
}

TEST_F(SurfaceExtensions, CompressionOfAFormatIsTheDrivers)
{
    add(mock::DeviceSpec::venus().withExtension(kCompression));
    const VkImageCompressionPropertiesEXT compressed = compressionOf(VK_FORMAT_B8G8R8A8_UNORM);
    EXPECT_EQ(compressed.imageCompressionFlags, VK_IMAGE_COMPRESSION_FIXED_RATE_EXPLICIT_EXT);
    EXPECT_EQ(compressed.imageCompressionFixedRateFlags, VK_IMAGE_COMPRESSION_FIXED_RATE_4BPC_BIT_EXT);
    const VkImageCompressionPropertiesEXT plain = compressionOf(VK_FORMAT_R8G8B8A8_UNORM);
    EXPECT_EQ(plain.imageCompressionFlags, VK_IMAGE_COMPRESSION_DISABLED_EXT);
    EXPECT_EQ(plain.imageCompressionFixedRateFlags, VK_IMAGE_COMPRESSION_FIXED_RATE_NONE_EXT);
}

TEST_F(SurfaceExtensions, NothingIsCompressedWithoutTheDriversExtension)
{
    const VkImageCompressionPropertiesEXT plain = compressionOf(VK_FORMAT_B8G8R8A8_UNORM);
    EXPECT_EQ(plain.imageCompressionFlags, VK_IMAGE_COMPRESSION_DISABLED_EXT);
    EXPECT_EQ(plain.imageCompressionFixedRateFlags, VK_IMAGE_COMPRESSION_FIXED_RATE_NONE_EXT);
}

TEST_F(SurfaceExtensions, TheWishReachesEveryImage)
{
    add(mock::DeviceSpec::venus().withExtension(kCompression));
    deviceWith({kCompression, kCompressionSwapchain});
    Window* window = nullptr;
    const size_t compressed = compressedImages(&window);
    EXPECT_EQ(compressed, window->images.size());
    EXPECT_EQ(window->frame(), VK_SUCCESS);
    closeWindow();
}

TEST_F(SurfaceExtensions, TheWishIsNotHeardWithoutTheExtension)
{
    add(mock::DeviceSpec::venus().withExtension(kCompression));
    deviceWith({kCompression});
    EXPECT_EQ(compressedImages(), 0u);
    closeWindow();
}

TEST_F(SurfaceExtensions, AliasesAreCompressedAlike)
{
    add(mock::DeviceSpec::venus().withExtension(kCompression));
    deviceWith({kCompression, kCompressionSwapchain});
    Window* window = nullptr;
    compressedImages(&window);
    driver.resetRecords();
    const VkImage alias = window->makeAlias();
    EXPECT_EQ(imagesWithCompression(), 1u);
    device().vk.DestroyImage(device().handle, alias, nullptr);
    closeWindow();
}

TEST_F(SurfaceExtensions, TheWishStandsBesideDirectRendering)
{
    IN_PROCESS_WITH({"VENUS_WSI_COPY", "direct"});
    mock::DeviceSpec spec = mock::DeviceSpec::venus().withExternalMemoryHost().withExtension(kCompression);
    spec.linearColorAttachments = true;
    add(spec);
    deviceWith({kCompression, kCompressionSwapchain});
    Window* window = nullptr;
    const size_t compressed = compressedImages(&window);
    EXPECT_EQ(compressed, window->images.size());
    EXPECT_EQ(window->frame(), VK_SUCCESS);
    closeWindow();
}

} // namespace vwsi::testing
