// Present scaling (VK_EXT_surface_maintenance1, VK_EXT_swapchain_maintenance1): what is offered, where images land on a
// surface of another size, and what that costs.
#include "harness/frame_files.h"
#include "harness/images.h"
#include "harness/layer_test.h"
#include "harness/mode_queries.h"

#include <algorithm>
#include <array>
#include <filesystem>

namespace vwsi::testing {

namespace {

using ::testing::Contains;
using ::testing::Not;
using ::testing::SizeIs;

constexpr VkPresentScalingFlagsEXT kOneToOne = VK_PRESENT_SCALING_ONE_TO_ONE_BIT_EXT;
constexpr VkPresentScalingFlagsEXT kAspect = VK_PRESENT_SCALING_ASPECT_RATIO_STRETCH_BIT_EXT;
constexpr VkPresentScalingFlagsEXT kStretch = VK_PRESENT_SCALING_STRETCH_BIT_EXT;
constexpr VkPresentGravityFlagsEXT kMin = VK_PRESENT_GRAVITY_MIN_BIT_EXT;
constexpr VkPresentGravityFlagsEXT kMax = VK_PRESENT_GRAVITY_MAX_BIT_EXT;
constexpr VkPresentGravityFlagsEXT kCentered = VK_PRESENT_GRAVITY_CENTERED_BIT_EXT;

/// The surface of these tests, wider than high and odd enough for rounding to show.
#define SURFACE_SIZE {"VENUS_WSI_HEADLESS_SIZE", "61x40"}
constexpr VkExtent2D kSurface{61, 40};

/// The quarters of a picture, as 0xRRGGBB: top left, top right, bottom left, bottom right.
constexpr std::array<uint32_t, 4> kQuarters{0xff0000, 0x00ff00, 0x0000ff, 0xffff00};

VkClearColorValue colorOf(uint32_t rgb)
{
    return {{float(rgb >> 16 & 0xff) / 255, float(rgb >> 8 & 0xff) / 255, float(rgb & 0xff) / 255, 1}};
}

VkSwapchainPresentScalingCreateInfoEXT scalingInfo(VkPresentScalingFlagsEXT scaling, VkPresentGravityFlagsEXT x,
                                                   VkPresentGravityFlagsEXT y)
{
    return {VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_SCALING_CREATE_INFO_EXT, nullptr, scaling, x, y};
}

/// Along one axis: the pixel of the image that a pixel of the surface shows, or -1.
struct Axis {
    double scale; ///< pixels of the surface for one of the image
    double start; ///< pixel of the surface where the image starts; negative when it is cut off
    uint32_t image;

    Axis(uint32_t imageLength, uint32_t surfaceLength, uint32_t shownLength, VkPresentGravityFlagsEXT gravity)
        : scale(double(shownLength) / imageLength), image(imageLength)
    {
        const int room = int(surfaceLength) - int(shownLength);
        start = gravity == kMax ? room : gravity == kCentered ? (room < 0 ? -(-room / 2) : room / 2) : 0;
    }

    double at(uint32_t pixel) const
    {
        const double position = (pixel + 0.5 - start) / scale;
        return position < 0 || position > image ? -1 : position;
    }
};

class Scaling : public LayerTest {
protected:
    void SetUp() override
    {
        m_feature.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SWAPCHAIN_MAINTENANCE_1_FEATURES_EXT;
        m_feature.swapchainMaintenance1 = VK_TRUE;
    }

    void makeDeviceOf(const mock::DeviceSpec& spec)
    {
        add(spec);
        DeviceOptions options;
        options.extensions = {"VK_KHR_swapchain", "VK_EXT_swapchain_maintenance1", "VK_KHR_incremental_present"};
        options.next = &m_feature;
        makeDevice(options);
        for (size_t i = 0; i < kQuarters.size(); ++i)
            m_paint[i] = paint(kQuarters[i]);
    }

    void TearDown() override
    {
        for (const Paint& paint : m_paint) {
            if (paint.image)
                device().vk.DestroyImage(device().handle, paint.image, nullptr);
            if (paint.memory)
                device().vk.FreeMemory(device().handle, paint.memory, nullptr);
        }
        LayerTest::TearDown();
    }

    /// A frame with its quarters in four colours.
    VkResult frame(Window& window, const void* next = nullptr)
    {
        const uint32_t index = window.acquireNow();
        if (index == UINT32_MAX)
            return VK_NOT_READY;
        const VkImage image = window.images[index];
        const VkCommandBuffer command = device().begin();
        change(command, image, VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
        const VkExtent2D extent = window.options.extent;
        const uint32_t halfWidth = extent.width / 2;
        const uint32_t halfHeight = extent.height / 2;
        for (uint32_t i = 0; i < 4; ++i) {
            const uint32_t x = i % 2 ? halfWidth : 0;
            const uint32_t y = i / 2 ? halfHeight : 0;
            const VkImageCopy region{
                {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
                {0, 0, 0},
                {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
                {int32_t(x), int32_t(y), 0},
                {i % 2 ? extent.width - halfWidth : halfWidth, i / 2 ? extent.height - halfHeight : halfHeight, 1}};
            device().vk.CmdCopyImage(command, m_paint[i].image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, image,
                                     VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &region);
        }
        change(command, image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_IMAGE_LAYOUT_PRESENT_SRC_KHR);
        EXPECT_EQ(device().vk.EndCommandBuffer(command), VK_SUCCESS);
        const VkResult submitted = device().submit({}, {command});
        return submitted == VK_SUCCESS ? window.present(index, {}, next) : submitted;
    }

    /// Presents quarters with the given scaling and checks every pixel of the surface but those at edges.
    void presentAndCheck(VkExtent2D image, const VkSwapchainPresentScalingCreateInfoEXT& scaling, uint32_t frames = 1)
    {
        SCOPED_TRACE(::testing::Message()
                     << image.width << "x" << image.height << " scaling " << scaling.scalingBehavior << " gravity "
                     << scaling.presentGravityX << "," << scaling.presentGravityY);
        forgetFrames();
        WindowOptions options;
        options.extent = image;
        options.next = &scaling;
        Window window(device(), options);
        ASSERT_EQ(window.result, VK_SUCCESS);
        for (uint32_t i = 0; i < frames; ++i)
            ASSERT_EQ(frame(window), VK_SUCCESS);
        const auto shown = waitForFrames(childFolder(), frames);
        ASSERT_THAT(shown, SizeIs(frames));
        for (const ShownFrame& picture : shown)
            check(picture, image, scaling);
    }

    void check(const ShownFrame& picture, VkExtent2D image, const VkSwapchainPresentScalingCreateInfoEXT& scaling)
    {
        ASSERT_EQ(picture.width, kSurface.width);
        ASSERT_EQ(picture.height, kSurface.height);
        VkExtent2D shown = image;
        if (scaling.scalingBehavior == kStretch)
            shown = kSurface;
        if (scaling.scalingBehavior == kAspect) {
            const double ratio = std::min(double(kSurface.width) / image.width, double(kSurface.height) / image.height);
            shown = {uint32_t(image.width * ratio + 0.5), uint32_t(image.height * ratio + 0.5)};
        }
        const Axis across(image.width, kSurface.width, shown.width, scaling.presentGravityX);
        const Axis down(image.height, kSurface.height, shown.height, scaling.presentGravityY);
        for (uint32_t y = 0; y < kSurface.height; ++y) {
            for (uint32_t x = 0; x < kSurface.width; ++x) {
                const double u = across.at(x);
                const double v = down.at(y);
                if (u >= 0 && v >= 0 && (std::abs(u - image.width / 2) < 1 || std::abs(v - image.height / 2) < 1))
                    continue; // the edge between two quarters: a filter's business
                const uint32_t quarter = (u > image.width / 2 ? 1 : 0) + (v > image.height / 2 ? 2 : 0);
                ASSERT_EQ(picture.at(x, y), u < 0 || v < 0 ? 0u : kQuarters[quarter])
                    << std::hex << " at " << std::dec << x << "," << y;
            }
        }
    }

    /// Images smaller, larger, wider and higher than the surface, in every way of scaling and with every gravity.
    void presentInAllWays(const mock::DeviceSpec& spec)
    {
        makeDeviceOf(spec);
        driver.setCompletion(mock::Completion::Threaded);
        for (const VkExtent2D image :
             {VkExtent2D{61, 40}, VkExtent2D{30, 20}, VkExtent2D{97, 66}, VkExtent2D{80, 20}, VkExtent2D{20, 80}}) {
            for (const VkPresentScalingFlagsEXT scaling : {kOneToOne, kAspect, kStretch}) {
                for (const VkPresentGravityFlagsEXT x : {kMin, kMax, kCentered}) {
                    for (const VkPresentGravityFlagsEXT y : {kMin, kMax, kCentered}) {
                        presentAndCheck(image, scalingInfo(scaling, x, y));
                        if (HasFatalFailure())
                            return;
                    }
                }
            }
        }
        device().vk.DeviceWaitIdle(device().handle);
        driver.setCompletion(mock::Completion::Immediate);
    }

    VkSurfacePresentScalingCapabilitiesEXT capabilities(VkSurfaceCapabilitiesKHR* plain = nullptr,
                                                        VkPresentModeKHR mode = VK_PRESENT_MODE_FIFO_KHR)
    {
        VkSurfacePresentScalingCapabilitiesEXT scaling{};
        scaling.sType = VK_STRUCTURE_TYPE_SURFACE_PRESENT_SCALING_CAPABILITIES_EXT;
        const VkSurfaceCapabilitiesKHR answer = capabilitiesOf(instance(), mode, &scaling);
        if (plain)
            *plain = answer;
        return scaling;
    }

    static void forgetFrames()
    {
        for (const auto& entry : std::filesystem::directory_iterator(childFolder())) {
            if (entry.path().extension() == ".ppm")
                std::filesystem::remove(entry.path());
        }
    }

private:
    struct Paint {
        VkImage image = VK_NULL_HANDLE;
        VkDeviceMemory memory = VK_NULL_HANDLE;
    };

    void change(VkCommandBuffer command, VkImage image, VkImageLayout from, VkImageLayout to)
    {
        VkImageMemoryBarrier barrier = layoutChange(image, from, to);
        barrier.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
        barrier.dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
        device().vk.CmdPipelineBarrier(command, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0,
                                       nullptr, 0, nullptr, 1, &barrier);
    }

    /// An image of one colour, large enough for a quarter of any picture.
    Paint paint(uint32_t rgb)
    {
        Paint made;
        const VkImageCreateInfo info =
            imageInfo({128, 128}, VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT);
        EXPECT_EQ(device().vk.CreateImage(device().handle, &info, nullptr, &made.image), VK_SUCCESS);
        VkMemoryRequirements requirements;
        device().vk.GetImageMemoryRequirements(device().handle, made.image, &requirements);
        const VkMemoryAllocateInfo allocate{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, nullptr, requirements.size, 0};
        EXPECT_EQ(device().vk.AllocateMemory(device().handle, &allocate, nullptr, &made.memory), VK_SUCCESS);
        EXPECT_EQ(device().vk.BindImageMemory(device().handle, made.image, made.memory, 0), VK_SUCCESS);
        const VkCommandBuffer command = device().begin();
        const VkClearColorValue color = colorOf(rgb);
        change(command, made.image, VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
        device().vk.CmdClearColorImage(command, made.image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, &color, 1,
                                       &kWholeImage);
        change(command, made.image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL);
        EXPECT_EQ(device().vk.EndCommandBuffer(command), VK_SUCCESS);
        EXPECT_EQ(device().submit({}, {command}), VK_SUCCESS);
        return made;
    }

    VkPhysicalDeviceSwapchainMaintenance1FeaturesEXT m_feature{};
    std::array<Paint, 4> m_paint{};
};

} // namespace

// The folder of the child is only known in it, so these tests set the variable there, before the layer is loaded.
#define SCALED_IN_PROCESS_WITH(...)                                                                                    \
    IN_PROCESS_WITH(SURFACE_SIZE, __VA_ARGS__);                                                                        \
    setenv("VENUS_WSI_HEADLESS_DIR", childFolder().c_str(), 1)

TEST_F(Scaling, EveryPixelIsWhereItBelongsWhenStaged)
{
    SCALED_IN_PROCESS_WITH({"VENUS_WSI_COPY", "staged"});
    presentInAllWays(mock::DeviceSpec::venus());
}

TEST_F(Scaling, EveryPixelIsWhereItBelongsOnNonCoherentMemory)
{
    SCALED_IN_PROCESS_WITH({"VENUS_WSI_COPY", "staged"});
    presentInAllWays(mock::DeviceSpec::venus().withNonCoherentMemory());
}

TEST_F(Scaling, EveryPixelIsWhereItBelongsInImportedMemory)
{
    SCALED_IN_PROCESS_WITH({"VENUS_WSI_COPY", "import"});
    presentInAllWays(mock::DeviceSpec::venus().withExternalMemoryHost());
}

TEST_F(Scaling, EveryPixelIsWhereItBelongsWhereFramesCouldBeDirect)
{
    SCALED_IN_PROCESS_WITH({"VENUS_WSI_COPY", "direct"});
    mock::DeviceSpec spec = mock::DeviceSpec::venus().withExternalMemoryHost();
    spec.linearColorAttachments = true;
    presentInAllWays(spec);
}

TEST_F(Scaling, DamageShowsWhereTheImageDoes)
{
    SCALED_IN_PROCESS_WITH({"VENUS_WSI_COPY", "staged"});
    makeDeviceOf(mock::DeviceSpec::venus());
    driver.setCompletion(mock::Completion::Threaded);
    const auto scaling = scalingInfo(kAspect, kMax, kCentered);
    WindowOptions options;
    options.extent = {97, 66};
    options.next = &scaling;
    options.presentMode = VK_PRESENT_MODE_FIFO_KHR;
    {
        Window window(device(), options);
        ASSERT_EQ(window.result, VK_SUCCESS);
        // Each buffer starts with another colour; then the quarters come, one damaged rectangle a frame.
        for (size_t i = 0; i < window.images.size(); ++i)
            ASSERT_EQ(window.frame(colorOf(0x808080)), VK_SUCCESS);
        const VkRectLayerKHR quarters[] = {
            {{0, 0}, {48, 33}, 0}, {{48, 0}, {49, 33}, 0}, {{0, 33}, {48, 33}, 0}, {{48, 33}, {49, 33}, 0}};
        for (const VkRectLayerKHR& rect : quarters) {
            const VkPresentRegionKHR region{1, &rect};
            const VkPresentRegionsKHR regions{VK_STRUCTURE_TYPE_PRESENT_REGIONS_KHR, nullptr, 1, &region};
            ASSERT_EQ(frame(window, &regions), VK_SUCCESS);
        }
        const size_t count = window.images.size() + 4;
        const auto shown = waitForFrames(childFolder(), count);
        ASSERT_THAT(shown, SizeIs(count));
        check(shown.back(), options.extent, scaling);
        // The third of them goes to a buffer that has missed three damaged quarters, and nothing else is copied.
        EXPECT_EQ(shown[window.images.size() + 2].at(55, 35), 0x808080u);
        EXPECT_EQ(shown[window.images.size() + 2].at(10, 35), kQuarters[2]);
        device().vk.DeviceWaitIdle(device().handle);
    }
    driver.setCompletion(mock::Completion::Immediate);
}

TEST_F(Scaling, NothingIsMadePerFrame)
{
    IN_PROCESS_WITH(SURFACE_SIZE);
    makeDeviceOf(mock::DeviceSpec::venus());
    const auto scaling = scalingInfo(kStretch, kMin, kMin);
    WindowOptions options;
    options.next = &scaling;
    Window window(device(), options);
    ASSERT_EQ(window.result, VK_SUCCESS);
    driver.resetRecords();
    for (int i = 0; i < 20; ++i)
        ASSERT_EQ(frame(window), VK_SUCCESS);
    EXPECT_EQ(driver.count("vkAllocateMemory"), 0u);
    EXPECT_EQ(driver.count("vkCreateImage"), 0u);
    EXPECT_EQ(driver.count("vkCreateBuffer"), 0u);
    EXPECT_EQ(driver.count("vkCmdBlitImage"), 0u) << "commands are recorded once";
    // Each frame of this test draws and acquires with a fence, and presents once.
    EXPECT_EQ(driver.submissionCount(), 60u);
}

TEST_F(Scaling, ImagesOfTheRightSizeAreNotBlitted)
{
    IN_PROCESS_WITH(SURFACE_SIZE);
    makeDeviceOf(mock::DeviceSpec::venus());
    for (const VkPresentScalingFlagsEXT behavior : {kOneToOne, kAspect, kStretch}) {
        const auto scaling = scalingInfo(behavior, kMin, kMin);
        WindowOptions options;
        options.extent = kSurface;
        options.next = &scaling;
        driver.resetRecords();
        Window window(device(), options);
        ASSERT_EQ(window.result, VK_SUCCESS);
        EXPECT_EQ(frame(window), VK_SUCCESS);
        EXPECT_EQ(driver.count("vkCmdBlitImage"), 0u);
    }
}

TEST_F(Scaling, WithoutTheStructNothingIsScaled)
{
    SCALED_IN_PROCESS_WITH({"VENUS_WSI_COPY", "auto"});
    makeDeviceOf(mock::DeviceSpec::venus());
    for (const bool zero : {false, true}) {
        forgetFrames();
        const auto scaling = scalingInfo(0, 0, 0);
        WindowOptions options;
        options.extent = {30, 20};
        options.next = zero ? &scaling : nullptr;
        driver.resetRecords();
        Window window(device(), options);
        ASSERT_EQ(window.result, VK_SUCCESS);
        ASSERT_EQ(frame(window), VK_SUCCESS);
        EXPECT_EQ(driver.count("vkCmdBlitImage"), 0u);
        const auto shown = waitForFrames(childFolder(), 1);
        ASSERT_THAT(shown, SizeIs(1));
        EXPECT_EQ(shown[0].width, 30u);
    }
}

TEST_F(Scaling, AllIsOfferedOnASurfaceWithASize)
{
    IN_PROCESS_WITH(SURFACE_SIZE);
    add(mock::DeviceSpec::venus());
    VkSurfaceCapabilitiesKHR plain;
    const auto scaling = capabilities(&plain);
    EXPECT_EQ(plain.currentExtent.width, kSurface.width);
    EXPECT_EQ(plain.currentExtent.height, kSurface.height);
    EXPECT_EQ(scaling.supportedPresentScaling, kOneToOne | kAspect | kStretch);
    EXPECT_EQ(scaling.supportedPresentGravityX, kMin | kMax | kCentered);
    EXPECT_EQ(scaling.supportedPresentGravityY, kMin | kMax | kCentered);
    EXPECT_LE(scaling.minScaledImageExtent.width, plain.minImageExtent.width);
    EXPECT_LE(scaling.minScaledImageExtent.height, plain.minImageExtent.height);
    EXPECT_GE(scaling.maxScaledImageExtent.width, plain.maxImageExtent.width);
    EXPECT_GE(scaling.maxScaledImageExtent.height, plain.maxImageExtent.height);
}

TEST_F(Scaling, AllIsOfferedWhereTheSwapchainDeterminesTheSize)
{
    mock::DeviceSpec spec = mock::DeviceSpec::venus();
    spec.formatWithoutBlits = VK_FORMAT_B8G8R8A8_UNORM; // never needed there
    makeDeviceOf(spec);
    VkSurfaceCapabilitiesKHR plain;
    const auto offered = capabilities(&plain);
    EXPECT_EQ(plain.currentExtent.width, UINT32_MAX);
    EXPECT_EQ(offered.supportedPresentScaling, kOneToOne | kAspect | kStretch);
    EXPECT_GE(offered.maxScaledImageExtent.width, plain.maxImageExtent.width);
    for (const VkPresentScalingFlagsEXT behavior : {kOneToOne, kAspect, kStretch}) {
        const auto scaling = scalingInfo(behavior, kCentered, kCentered);
        WindowOptions options;
        options.next = &scaling;
        Window window(device(), options);
        ASSERT_EQ(window.result, VK_SUCCESS);
        EXPECT_EQ(frame(window), VK_SUCCESS);
    }
    EXPECT_EQ(driver.count("vkCmdBlitImage"), 0u);
}

TEST_F(Scaling, AFormatWithoutBlitsLeavesOneToOne)
{
    IN_PROCESS_WITH(SURFACE_SIZE);
    mock::DeviceSpec spec = mock::DeviceSpec::venus();
    spec.formatWithoutBlits = VK_FORMAT_R5G6B5_UNORM_PACK16;
    makeDeviceOf(spec);
    EXPECT_EQ(capabilities().supportedPresentScaling, kOneToOne);
    WindowOptions options;
    const auto possible = scalingInfo(kOneToOne, kMin, kMin);
    options.next = &possible;
    options.format = VK_FORMAT_R5G6B5_UNORM_PACK16;
    {
        Window window(device(), options);
        ASSERT_EQ(window.result, VK_SUCCESS);
        EXPECT_EQ(window.frame(), VK_SUCCESS);
    }
    const auto impossible = scalingInfo(kStretch, kMin, kMin);
    options.next = &impossible;
    EXPECT_EQ(Window(device(), options).result, VK_ERROR_INITIALIZATION_FAILED);
}

TEST_F(Scaling, QueuesThatCannotBlitLeaveOneToOne)
{
    IN_PROCESS_WITH(SURFACE_SIZE);
    add(mock::DeviceSpec::venus().withQueueFamily(VK_QUEUE_TRANSFER_BIT, 1));
    EXPECT_EQ(capabilities().supportedPresentScaling, kOneToOne);
}

TEST_F(Scaling, CompatibleModesScaleAlike)
{
    IN_PROCESS_WITH(SURFACE_SIZE);
    add(mock::DeviceSpec::venus());
    const auto fifo = capabilities();
    for (const VkPresentModeKHR mode : {VK_PRESENT_MODE_MAILBOX_KHR, VK_PRESENT_MODE_IMMEDIATE_KHR}) {
        const auto other = capabilities(nullptr, mode);
        EXPECT_EQ(other.supportedPresentScaling, fifo.supportedPresentScaling);
        EXPECT_EQ(other.supportedPresentGravityX, fifo.supportedPresentGravityX);
        EXPECT_EQ(other.supportedPresentGravityY, fifo.supportedPresentGravityY);
    }
}

TEST_F(Scaling, DeferredImagesAreScaledToo)
{
    SCALED_IN_PROCESS_WITH({"VENUS_WSI_COPY", "auto"});
    makeDeviceOf(mock::DeviceSpec::venus());
    const auto scaling = scalingInfo(kStretch, kMin, kMin);
    WindowOptions options;
    options.extent = {30, 20};
    options.next = &scaling;
    options.flags = VK_SWAPCHAIN_CREATE_DEFERRED_MEMORY_ALLOCATION_BIT_EXT;
    Window window(device(), options);
    ASSERT_EQ(window.result, VK_SUCCESS);
    for (size_t i = 0; i < window.images.size(); ++i)
        ASSERT_EQ(frame(window), VK_SUCCESS);
    const auto shown = waitForFrames(childFolder(), window.images.size());
    ASSERT_THAT(shown, SizeIs(window.images.size()));
    for (const ShownFrame& picture : shown)
        check(picture, options.extent, scaling);
}

TEST_F(Scaling, MemoryMayRunOutAtEveryPoint)
{
    IN_PROCESS_WITH(SURFACE_SIZE);
    makeDeviceOf(mock::DeviceSpec::venus().withExternalMemoryHost());
    const auto scaling = scalingInfo(kStretch, kMin, kMin);
    WindowOptions options;
    options.next = &scaling;
    options.surface = instance().createSurface();
    { // what the layer keeps for all swapchains comes with the first
        const Window first(device(), options);
        ASSERT_EQ(first.result, VK_SUCCESS);
    }
    const size_t before = driver.liveObjects().size();
    unsigned failures = 0;
    bool hit = true;
    for (unsigned n = 1; hit && n < 200; ++n) {
        driver.failNthAllocation(n, VK_ERROR_OUT_OF_DEVICE_MEMORY);
        {
            Window window(device(), options);
            hit = driver.faultWasHit();
            driver.clearFaults();
            if (window.result == VK_SUCCESS)
                EXPECT_EQ(frame(window), VK_SUCCESS);
            else
                EXPECT_EQ(window.result, VK_ERROR_OUT_OF_DEVICE_MEMORY) << n;
            failures += window.result != VK_SUCCESS;
        }
        // Fences stay in their pool.
        const auto objects = driver.liveObjects();
        const auto fences = std::count(objects.begin(), objects.end(), "VkFence");
        EXPECT_LE(objects.size(), before + static_cast<size_t>(fences)) << "allocation " << n;
    }
    EXPECT_GT(failures, 10u);
    instance().vk.DestroySurfaceKHR(instance().handle, options.surface, nullptr);
}

} // namespace vwsi::testing
