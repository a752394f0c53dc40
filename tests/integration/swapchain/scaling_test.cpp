// A window that changes its size under a swapchain with present scaling: every frame is accepted, and the window shows
// the image where the scaling and the gravity put it, with black beside it.

#include "frame_loop.h"
#include "vulkan_context.h"
#include "xcb_window.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <memory>
#include <thread>

using namespace client;
using namespace std::chrono_literals;

namespace {

constexpr VkExtent2D kImage{160, 100};
constexpr uint32_t kQuarters[] = {0xe01010, 0x10e010, 0x1010e0, 0xe0e010};
/// The corner of each picture that tells its number.
constexpr uint32_t kMark = 8;

constexpr VkPresentScalingFlagsEXT kOneToOne = VK_PRESENT_SCALING_ONE_TO_ONE_BIT_EXT;
constexpr VkPresentScalingFlagsEXT kAspect = VK_PRESENT_SCALING_ASPECT_RATIO_STRETCH_BIT_EXT;
constexpr VkPresentScalingFlagsEXT kStretch = VK_PRESENT_SCALING_STRETCH_BIT_EXT;
constexpr VkPresentGravityFlagsEXT kGravities[] = {VK_PRESENT_GRAVITY_MIN_BIT_EXT, VK_PRESENT_GRAVITY_MAX_BIT_EXT,
                                                   VK_PRESENT_GRAVITY_CENTERED_BIT_EXT};

const VkPhysicalDeviceSwapchainMaintenance1FeaturesEXT kFeature{
    VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SWAPCHAIN_MAINTENANCE_1_FEATURES_EXT, nullptr, VK_TRUE};

ContextWishes scalingWishes()
{
    ContextWishes wishes;
    wishes.instanceExtensions = {"VK_KHR_surface", "VK_KHR_xcb_surface", "VK_KHR_get_surface_capabilities2",
                                 "VK_EXT_surface_maintenance1"};
    wishes.deviceExtensions = {"VK_KHR_swapchain", "VK_EXT_swapchain_maintenance1", "VK_KHR_incremental_present"};
    wishes.deviceChain = const_cast<VkPhysicalDeviceSwapchainMaintenance1FeaturesEXT*>(&kFeature);
    return wishes;
}

/// A picture in memory that frames are copied from.
class Canvas {
public:
    explicit Canvas(VulkanContext& context) : m_context(context)
    {
        const VkBufferCreateInfo buffer{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                        nullptr,
                                        0,
                                        kImage.width * kImage.height * 4,
                                        VK_BUFFER_USAGE_TRANSFER_SRC_BIT,
                                        VK_SHARING_MODE_EXCLUSIVE,
                                        0,
                                        nullptr};
        check(vkCreateBuffer(context.device(), &buffer, nullptr, &m_buffer), "vkCreateBuffer");
        VkMemoryRequirements requirements;
        vkGetBufferMemoryRequirements(context.device(), m_buffer, &requirements);
        VkPhysicalDeviceMemoryProperties memory;
        vkGetPhysicalDeviceMemoryProperties(context.physicalDevice(), &memory);
        constexpr VkMemoryPropertyFlags kWanted =
            VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
        uint32_t type = 0;
        while (!(requirements.memoryTypeBits & 1u << type) ||
               (memory.memoryTypes[type].propertyFlags & kWanted) != kWanted)
            ++type;
        const VkMemoryAllocateInfo allocate{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, nullptr, requirements.size, type};
        check(vkAllocateMemory(context.device(), &allocate, nullptr, &m_memory), "vkAllocateMemory");
        check(vkBindBufferMemory(context.device(), m_buffer, m_memory, 0), "vkBindBufferMemory");
        void* pixels = nullptr;
        check(vkMapMemory(context.device(), m_memory, 0, VK_WHOLE_SIZE, 0, &pixels), "vkMapMemory");
        m_pixels = static_cast<uint32_t*>(pixels);
        for (uint32_t y = 0; y < kImage.height; ++y) {
            for (uint32_t x = 0; x < kImage.width; ++x)
                at(x, y) = kQuarters[(x >= kImage.width / 2 ? 1 : 0) + (y >= kImage.height / 2 ? 2 : 0)];
        }
    }

    ~Canvas()
    {
        vkDestroyBuffer(m_context.device(), m_buffer, nullptr);
        vkFreeMemory(m_context.device(), m_memory, nullptr);
    }
    Canvas(const Canvas&) = delete;
    Canvas& operator=(const Canvas&) = delete;

    uint32_t& at(uint32_t x, uint32_t y) { return m_pixels[y * kImage.width + x]; }

    void record(VkCommandBuffer command, VkImage image) const
    {
        const VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO, nullptr,
                                             VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT, nullptr};
        check(vkBeginCommandBuffer(command, &begin), "vkBeginCommandBuffer");
        VkImageMemoryBarrier barrier{VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
                                     nullptr,
                                     0,
                                     VK_ACCESS_TRANSFER_WRITE_BIT,
                                     VK_IMAGE_LAYOUT_UNDEFINED,
                                     VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                                     VK_QUEUE_FAMILY_IGNORED,
                                     VK_QUEUE_FAMILY_IGNORED,
                                     image,
                                     {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
        vkCmdPipelineBarrier(command, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, nullptr, 0,
                             nullptr, 1, &barrier);
        const VkBufferImageCopy region{
            0, 0, 0, {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1}, {0, 0, 0}, {kImage.width, kImage.height, 1}};
        vkCmdCopyBufferToImage(command, m_buffer, image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &region);
        barrier.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
        barrier.dstAccessMask = 0;
        barrier.oldLayout = VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL;
        barrier.newLayout = VK_IMAGE_LAYOUT_PRESENT_SRC_KHR;
        vkCmdPipelineBarrier(command, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0, 0,
                             nullptr, 0, nullptr, 1, &barrier);
        check(vkEndCommandBuffer(command), "vkEndCommandBuffer");
    }

private:
    VulkanContext& m_context;
    VkBuffer m_buffer = VK_NULL_HANDLE;
    VkDeviceMemory m_memory = VK_NULL_HANDLE;
    uint32_t* m_pixels = nullptr;
};

/// Where a pixel of the window lies in the image, along one axis.
struct Axis {
    double scale;
    double start;
    uint32_t image;
    uint32_t window;

    Axis(uint32_t imageLength, uint32_t windowLength, double shown, VkPresentGravityFlagsEXT gravity)
        : scale(shown / imageLength), image(imageLength), window(windowLength)
    {
        const double room = windowLength - shown;
        start = gravity == VK_PRESENT_GRAVITY_MAX_BIT_EXT        ? room
                : gravity == VK_PRESENT_GRAVITY_CENTERED_BIT_EXT ? room / 2
                                                                 : 0;
    }
    double at(uint32_t pixel) const { return (pixel + 0.5 - start) / scale; }
    bool inside(double position) const { return position > 0 && position < image; }
    /// Too near to an edge of the image or of a quarter for rounding and filters to be told apart.
    bool near(double position) const
    {
        const double reach = std::max(1.5, 2 / scale);
        return std::abs(position) < reach || std::abs(position - image) < reach ||
               std::abs(position - image / 2.0) < reach;
    }
};

/// The first pixel of a window of this size that is not as it should be; empty when all are.
std::string difference(const std::vector<uint32_t>& pixels, VkExtent2D window,
                       const VkSwapchainPresentScalingCreateInfoEXT& scaling)
{
    if (pixels.size() < size_t{window.width} * window.height)
        return "the window cannot be read";
    double width = kImage.width;
    double height = kImage.height;
    if (scaling.scalingBehavior == kStretch) {
        width = window.width;
        height = window.height;
    } else if (scaling.scalingBehavior == kAspect) {
        const double ratio = std::min(window.width / width, window.height / height);
        width *= ratio;
        height *= ratio;
    }
    const Axis across(kImage.width, window.width, width, scaling.presentGravityX);
    const Axis down(kImage.height, window.height, height, scaling.presentGravityY);
    for (uint32_t y = 0; y < window.height; ++y) {
        for (uint32_t x = 0; x < window.width; ++x) {
            const double u = across.at(x);
            const double v = down.at(y);
            if (across.near(u) || down.near(v))
                continue;
            const bool inside = across.inside(u) && down.inside(v);
            const uint32_t quarter = (u > kImage.width / 2 ? 1 : 0) + (v > kImage.height / 2 ? 2 : 0);
            const uint32_t expected = inside ? kQuarters[quarter] : 0;
            if (const uint32_t seen = pixels[size_t{y} * window.width + x]; seen != expected) {
                char text[80];
                snprintf(text, sizeof(text), "%06x instead of %06x at %u,%u", seen, expected, x, y);
                return text;
            }
        }
    }
    return {};
}

/// A window, its swapchain with images of kImage, and what they show.
struct Stage {
    Stage(VkPresentModeKHR mode, VkPresentScalingFlagsEXT behavior, VkPresentGravityFlagsEXT x,
          VkPresentGravityFlagsEXT y, VulkanContext& shared)
        : context(shared), canvas(context), window(kImage.width, kImage.height), reader(window.window()),
          scaling{VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_SCALING_CREATE_INFO_EXT, nullptr, behavior, x, y},
          surface(window.createSurface(context.instance()))
    {
        FrameLoopWishes wishes;
        wishes.mode = mode;
        wishes.extent = kImage;
        wishes.askSurface = false;
        wishes.chain = &scaling;
        wishes.record = [this](VkCommandBuffer command, VkImage image, uint32_t) { canvas.record(command, image); };
        loop = std::make_unique<FrameLoop>(context, context.queues()[0], surface, wishes);
    }

    ~Stage()
    {
        loop.reset();
        vkDestroySurfaceKHR(context.instance(), surface, nullptr);
    }
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    /// Presents until the window shows the picture in its new size; each present carries `chain`.
    testing::AssertionResult shows(VkExtent2D size, const void* chain = nullptr)
    {
        const auto limit = std::chrono::steady_clock::now() + 5s;
        std::string last;
        while (std::chrono::steady_clock::now() < limit) {
            uint32_t index = 0;
            VkResult result = loop->begin(&index);
            if (result == VK_SUCCESS)
                result = loop->present(index, chain);
            if (result != VK_SUCCESS)
                return testing::AssertionFailure() << "a frame gave " << result;
            last = difference(reader.pixels(uint16_t(size.width), uint16_t(size.height)), size, scaling);
            if (last.empty())
                return testing::AssertionSuccess();
        }
        return testing::AssertionFailure() << size.width << "x" << size.height << ": " << last;
    }

    VulkanContext& context;
    Canvas canvas;
    XcbWindow window;
    WindowReader reader;
    VkSwapchainPresentScalingCreateInfoEXT scaling;
    VkSurfaceKHR surface;
    std::unique_ptr<FrameLoop> loop;
};

class Scaling : public testing::TestWithParam<VkPresentModeKHR> {};

TEST_P(Scaling, AResizedWindowShowsEveryFrame)
{
    VulkanContext context(scalingWishes());
    for (const VkPresentScalingFlagsEXT behavior : {kOneToOne, kAspect, kStretch}) {
        for (const VkPresentGravityFlagsEXT x : kGravities) {
            for (const VkPresentGravityFlagsEXT y : kGravities) {
                SCOPED_TRACE(testing::Message() << "scaling " << behavior << ", gravity " << x << "," << y);
                Stage stage(GetParam(), behavior, x, y, context);
                ASSERT_TRUE(stage.shows(kImage));
                for (const VkExtent2D size : {VkExtent2D{320, 200}, VkExtent2D{90, 60}, VkExtent2D{301, 77},
                                              VkExtent2D{83, 219}, VkExtent2D{160, 100}}) {
                    stage.window.resize(uint16_t(size.width), uint16_t(size.height));
                    ASSERT_TRUE(stage.shows(size));
                }
            }
        }
    }
}

TEST_P(Scaling, AStormOfSizesEndsWithTheRightPicture)
{
    VulkanContext context(scalingWishes());
    Stage stage(GetParam(), kStretch, 0, 0, context);
    const VkSwapchainKHR swapchain = stage.loop->swapchain();
    VkExtent2D size = kImage;
    for (uint32_t i = 0; i < 60; ++i) {
        size = {100 + i * 37 % 300, 80 + i * 53 % 250};
        stage.window.resize(uint16_t(size.width), uint16_t(size.height));
        for (int frame = 0; frame < 3; ++frame)
            ASSERT_EQ(stage.loop->frame(), VK_SUCCESS) << "resize " << i;
    }
    EXPECT_TRUE(stage.shows(size));
    EXPECT_EQ(stage.loop->swapchain(), swapchain) << "the first one did for all sizes";
}

/// An application that draws only when something changed gives one frame for a new size, right after it heard of it.
TEST_P(Scaling, TheFirstFrameAfterAResizeHasItsSize)
{
    VulkanContext context(scalingWishes());
    Stage stage(GetParam(), kStretch, 0, 0, context);
    ASSERT_TRUE(stage.shows(kImage));
    for (uint32_t i = 0; i < 60; ++i) {
        const VkExtent2D size{100 + i * 37 % 300, 80 + i * 53 % 250};
        vkQueueWaitIdle(context.queues()[0]);
        stage.window.takeEvents();
        stage.window.resize(uint16_t(size.width), uint16_t(size.height));
        while (stage.window.takeEvents() == 0)
            std::this_thread::yield();
        // The server tells one client after the other; once it answers a third, the layer's connection has been told.
        stage.reader.pixels(1, 1);
        ASSERT_EQ(stage.loop->frame(), VK_SUCCESS);
        const auto limit = std::chrono::steady_clock::now() + 5s;
        std::string wrong;
        do {
            std::this_thread::sleep_for(1ms);
            wrong = difference(stage.reader.pixels(uint16_t(size.width), uint16_t(size.height)), size, stage.scaling);
        } while (!wrong.empty() && std::chrono::steady_clock::now() < limit);
        ASSERT_EQ(wrong, "") << "resize " << i;
    }
}

INSTANTIATE_TEST_SUITE_P(Modes, Scaling, testing::Values(VK_PRESENT_MODE_FIFO_KHR, VK_PRESENT_MODE_IMMEDIATE_KHR));

/// Damage of the image, in pixels of the window: too little of it would leave old pixels beside the change.
TEST(ScaledDamage, ShowsWhatAWholeFrameShows)
{
    VulkanContext context(scalingWishes());
    const VkExtent2D sizes[] = {{437, 271}, {120, 71}, {200, 300}};
    for (const VkPresentScalingFlagsEXT behavior : {kOneToOne, kAspect, kStretch}) {
        Stage stage(VK_PRESENT_MODE_IMMEDIATE_KHR, behavior, VK_PRESENT_GRAVITY_MIN_BIT_EXT,
                    VK_PRESENT_GRAVITY_MIN_BIT_EXT, context);
        for (const VkExtent2D size : sizes) {
            stage.window.resize(uint16_t(size.width), uint16_t(size.height));
            ASSERT_EQ(stage.loop->frame(), VK_SUCCESS);
            uint32_t seed = 1;
            const auto random = [&](uint32_t below) {
                seed = seed * 1664525 + 1013904223;
                return (seed >> 8) % below;
            };
            // Writes the number of the next frame into the corner, presents, and waits for it.
            const auto show = [&](const VkPresentRegionsKHR* regions) {
                vkQueueWaitIdle(context.queues()[0]);
                const uint32_t mark = 0x404040 + (stage.loop->frames() * 0x070305 & 0x3f3f3f);
                for (uint32_t y = 0; y < kMark; ++y) {
                    for (uint32_t x = 0; x < kMark; ++x)
                        stage.canvas.at(x, y) = mark;
                }
                uint32_t index = 0;
                EXPECT_EQ(stage.loop->begin(&index), VK_SUCCESS);
                EXPECT_EQ(stage.loop->present(index, regions), VK_SUCCESS);
                std::vector<uint32_t> pixels;
                for (int i = 0; i < 400 && (pixels.empty() || pixels[0] != mark); ++i) {
                    std::this_thread::sleep_for(2ms);
                    pixels = stage.reader.pixels(uint16_t(size.width), uint16_t(size.height));
                }
                EXPECT_EQ(pixels.empty() ? 0 : pixels[0], mark);
                // The mark is another one each time.
                for (uint32_t y = 0; y < size.height && !pixels.empty(); ++y)
                    std::fill_n(pixels.begin() + y * size.width, y < size.height / 4 ? size.width / 4 : 0, 0u);
                return pixels;
            };
            show(nullptr);
            for (int i = 0; i < 12 && !testing::Test::HasFailure(); ++i) {
                const uint32_t x = 40 + random(100);
                const uint32_t y = 30 + random(50);
                const VkRectLayerKHR rects[] = {{{0, 0}, {kMark, kMark}, 0},
                                                {{int32_t(x), int32_t(y)}, {1 + random(19), 1 + random(19)}, 0}};
                for (uint32_t row = 0; row < rects[1].extent.height; ++row) {
                    for (uint32_t column = 0; column < rects[1].extent.width; ++column)
                        stage.canvas.at(x + column, y + row) = random(0xffffff);
                }
                const VkPresentRegionKHR region{2, rects};
                const VkPresentRegionsKHR regions{VK_STRUCTURE_TYPE_PRESENT_REGIONS_KHR, nullptr, 1, &region};
                const auto damaged = show(&regions);
                const auto whole = show(nullptr);
                EXPECT_EQ(damaged == whole, true) << "scaling " << behavior << ", change " << i;
            }
        }
    }
}

TEST(ScaledDamage, AFrameOfAnotherSizeIsShownWhole)
{
    VulkanContext context(scalingWishes());
    const VkRectLayerKHR pixel{{70, 40}, {1, 1}, 0};
    const VkPresentRegionKHR region{1, &pixel};
    const VkPresentRegionsKHR regions{VK_STRUCTURE_TYPE_PRESENT_REGIONS_KHR, nullptr, 1, &region};
    // In the corner that all sizes have in common the image keeps its place.
    for (const auto& [behavior, gravity] : {std::pair{kAspect, VK_PRESENT_GRAVITY_CENTERED_BIT_EXT},
                                            std::pair{kOneToOne, VK_PRESENT_GRAVITY_MIN_BIT_EXT}}) {
        Stage stage(VK_PRESENT_MODE_IMMEDIATE_KHR, behavior, gravity, gravity, context);
        ASSERT_TRUE(stage.shows(kImage));
        for (const VkExtent2D size : {VkExtent2D{320, 200}, VkExtent2D{340, 220}, VkExtent2D{300, 90},
                                      VkExtent2D{300, 120}, VkExtent2D{90, 300}}) {
            stage.window.resize(uint16_t(size.width), uint16_t(size.height));
            EXPECT_TRUE(stage.shows(size, &regions)) << behavior;
        }
    }
}

} // namespace
