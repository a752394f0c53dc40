// vkCreateSharedSwapchainsKHR (VK_KHR_display_swapchain): swapchains of one set of images, all or none.
#include "harness/frame_files.h"
#include "harness/layer_test.h"
#include "mock/objects.h"

#include <set>
#include <thread>

namespace vwsi::testing {

namespace {

using ::testing::Each;
using ::testing::SizeIs;

class Shared : public LayerTest {
protected:
    /// Late, because a process's settings are read with its first instance.
    void open()
    {
        DeviceOptions options;
        options.extensions = {"VK_KHR_swapchain", "VK_KHR_display_swapchain"};
        makeDevice(options);
        m_create = reinterpret_cast<PFN_vkCreateSharedSwapchainsKHR>(device().proc("vkCreateSharedSwapchainsKHR"));
        ASSERT_NE(m_create, nullptr);
        addSurface();
        addSurface();
    }

    void TearDown() override
    {
        for (VkSwapchainKHR swapchain : swapchains)
            device().vk.DestroySwapchainKHR(device().handle, swapchain, nullptr);
        for (VkSurfaceKHR surface : surfaces)
            instance().vk.DestroySurfaceKHR(instance().handle, surface, nullptr);
        LayerTest::TearDown();
    }

    void addSurface()
    {
        surfaces.push_back(instance().createSurface());
        VkSwapchainCreateInfoKHR info{};
        info.sType = VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR;
        info.surface = surfaces.back();
        info.minImageCount = 3;
        info.imageFormat = VK_FORMAT_B8G8R8A8_UNORM;
        info.imageExtent = {16, 16};
        info.imageArrayLayers = 1;
        info.imageUsage = VK_IMAGE_USAGE_TRANSFER_DST_BIT;
        info.preTransform = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR;
        info.compositeAlpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR;
        info.presentMode = VK_PRESENT_MODE_IMMEDIATE_KHR;
        infos.push_back(info);
    }

    VkResult create()
    {
        if (!m_create)
            open();
        swapchains.assign(infos.size(), mock::cooked<VkSwapchainKHR>(1));
        return m_create(device().handle, static_cast<uint32_t>(infos.size()), infos.data(), nullptr, swapchains.data());
    }

    std::vector<VkImage> images(size_t swapchain)
    {
        uint32_t count = 0;
        device().vk.GetSwapchainImagesKHR(device().handle, swapchains[swapchain], &count, nullptr);
        std::vector<VkImage> list(count);
        device().vk.GetSwapchainImagesKHR(device().handle, swapchains[swapchain], &count, list.data());
        return list;
    }

    uint32_t acquire(size_t swapchain)
    {
        const VkFence fence = device().fence();
        uint32_t index = UINT32_MAX;
        EXPECT_EQ(device().vk.AcquireNextImageKHR(device().handle, swapchains[swapchain], 5'000'000'000, VK_NULL_HANDLE,
                                                  fence, &index),
                  VK_SUCCESS);
        EXPECT_TRUE(device().wait(fence));
        device().destroyFence(fence);
        return index;
    }

    VkResult present(const std::vector<size_t>& which, uint32_t index, const void* next = nullptr)
    {
        std::vector<VkSwapchainKHR> handles;
        for (const size_t swapchain : which)
            handles.push_back(swapchains[swapchain]);
        const std::vector<uint32_t> indices(which.size(), index);
        results.assign(which.size(), VK_ERROR_UNKNOWN);
        const VkPresentInfoKHR info{VK_STRUCTURE_TYPE_PRESENT_INFO_KHR,
                                    next,
                                    0,
                                    nullptr,
                                    static_cast<uint32_t>(handles.size()),
                                    handles.data(),
                                    indices.data(),
                                    results.data()};
        return device().vk.QueuePresentKHR(device().queue(), &info);
    }

    void draw(uint32_t index, const VkClearColorValue& color)
    {
        const VkImageSubresourceRange range{VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
        const VkCommandBuffer buffer = device().begin();
        VkImageMemoryBarrier barrier{};
        barrier.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER;
        barrier.newLayout = VK_IMAGE_LAYOUT_PRESENT_SRC_KHR;
        barrier.image = images(0)[index];
        barrier.subresourceRange = range;
        device().vk.CmdPipelineBarrier(buffer, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0,
                                       nullptr, 0, nullptr, 1, &barrier);
        device().vk.CmdClearColorImage(buffer, images(0)[index], VK_IMAGE_LAYOUT_GENERAL, &color, 1, &range);
        EXPECT_EQ(device().vk.EndCommandBuffer(buffer), VK_SUCCESS);
        EXPECT_EQ(device().submit({}, {buffer}), VK_SUCCESS);
    }

    /// One frame for all swapchains: the image is acquired of each, cleared and presented to all.
    VkResult frame(const VkClearColorValue& color)
    {
        const uint32_t index = acquire(0);
        std::vector<size_t> all{0};
        for (size_t i = 1; i < swapchains.size(); ++i) {
            EXPECT_EQ(acquire(i), index);
            all.push_back(i);
        }
        draw(index, color);
        return present(all, index);
    }

    size_t objects() const { return driver.liveObjects().size(); }

    std::vector<VkSurfaceKHR> surfaces;
    std::vector<VkSwapchainCreateInfoKHR> infos;
    std::vector<VkSwapchainKHR> swapchains;
    std::vector<VkResult> results;

private:
    PFN_vkCreateSharedSwapchainsKHR m_create = nullptr;
};

} // namespace

TEST_F(Shared, SwapchainsHaveTheSameImages)
{
    ASSERT_EQ(create(), VK_SUCCESS);
    EXPECT_NE(swapchains[0], swapchains[1]);
    ASSERT_THAT(images(0), SizeIs(3));
    EXPECT_EQ(images(0), images(1));
}

TEST_F(Shared, AFrameIsShownOnAllSurfaces)
{
    IN_PROCESS_WITH({"VENUS_WSI_LOG", "info"});
    setenv("VENUS_WSI_HEADLESS_DIR", childFolder().c_str(), 1);
    ASSERT_EQ(create(), VK_SUCCESS);
    const uint32_t first = acquire(0);
    draw(first, {{1, 0, 0, 1}});
    ASSERT_EQ(present({0}, first), VK_SUCCESS);
    ASSERT_THAT(waitForFrames(childFolder(), 1), SizeIs(1));
    ASSERT_EQ(frame({{0, 0, 1, 1}}), VK_SUCCESS);
    EXPECT_THAT(results, Each(VK_SUCCESS));
    // Frames are named by their number on their surface: this is the second one's first, and the first one's second.
    auto frames = waitForFrames(childFolder(), 2);
    for (int i = 0; i < 500 && frames[0].flat() != 0x0000ffu; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        frames = waitForFrames(childFolder(), 2);
    }
    ASSERT_THAT(frames, SizeIs(2));
    EXPECT_EQ(frames[0].flat(), 0x0000ffu);
    EXPECT_EQ(frames[1].flat(), 0x0000ffu);
}

TEST_F(Shared, AllGoOnTogether)
{
    ASSERT_EQ(create(), VK_SUCCESS);
    for (int i = 0; i < 20; ++i)
        ASSERT_EQ(frame({{0, 1, 0, 1}}), VK_SUCCESS);
}

TEST_F(Shared, TheImageThatOneHasIsAcquiredOfTheOther)
{
    ASSERT_EQ(create(), VK_SUCCESS);
    // The second one's images are free in another order.
    const uint32_t early = acquire(1);
    draw(early, {{1, 0, 0, 1}});
    ASSERT_EQ(present({1}, early), VK_SUCCESS);
    for (int i = 0; i < 3; ++i) {
        const uint32_t index = acquire(0);
        EXPECT_EQ(acquire(1), index);
    }
}

TEST_F(Shared, EachIsAcquiredAndPresentedForItself)
{
    ASSERT_EQ(create(), VK_SUCCESS);
    std::set<uint32_t> seen;
    for (int i = 0; i < 10; ++i) {
        const uint32_t index = acquire(1);
        seen.insert(index);
        draw(index, {{1, 0, 0, 1}});
        ASSERT_EQ(present({1}, index), VK_SUCCESS);
    }
    EXPECT_LT(acquire(0), 3u);
}

TEST_F(Shared, ImagesStayUntilTheLastSwapchainGoes)
{
    ASSERT_EQ(create(), VK_SUCCESS);
    ASSERT_EQ(frame({{0, 0, 1, 1}}), VK_SUCCESS);
    device().vk.DestroySwapchainKHR(device().handle, swapchains[0], nullptr);
    swapchains.erase(swapchains.begin());
    for (int i = 0; i < 5; ++i)
        ASSERT_EQ(frame({{0, 0, 1, 1}}), VK_SUCCESS);
}

TEST_F(Shared, OneAloneIsAnOrdinarySwapchain)
{
    open();
    infos.resize(1);
    ASSERT_EQ(create(), VK_SUCCESS);
    for (int i = 0; i < 5; ++i)
        ASSERT_EQ(frame({{1, 1, 1, 1}}), VK_SUCCESS);
}

TEST_F(Shared, AllOrNone)
{
    open();
    const Window other(device());
    const size_t before = objects();
    // The last one's surface is taken.
    infos.push_back(infos[1]);
    infos.back().surface = other.surface;
    EXPECT_EQ(create(), VK_ERROR_INCOMPATIBLE_DISPLAY_KHR);
    EXPECT_THAT(swapchains, Each(VkSwapchainKHR{}));
    EXPECT_EQ(objects(), before);
    infos.pop_back();
    EXPECT_EQ(create(), VK_SUCCESS) << "the other surfaces are free";
}

TEST_F(Shared, DifferentImagesCannotBeShared)
{
    open();
    const VkSwapchainCreateInfoKHR good = infos[1];
    const auto refused = [&] {
        const bool is = create() == VK_ERROR_INCOMPATIBLE_DISPLAY_KHR;
        infos[1] = good;
        return is;
    };
    infos[1].imageExtent = {17, 16};
    EXPECT_TRUE(refused());
    infos[1].imageFormat = VK_FORMAT_R8G8B8A8_UNORM;
    EXPECT_TRUE(refused());
    infos[1].minImageCount = 4;
    EXPECT_TRUE(refused());
    infos[1].imageUsage |= VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT;
    EXPECT_TRUE(refused());
    EXPECT_EQ(create(), VK_SUCCESS);
}

TEST_F(Shared, HaveAsManyImagesAsTheHungriestNeeds)
{
    open();
    for (VkSwapchainCreateInfoKHR& info : infos)
        info.minImageCount = 2;
    infos[1].presentMode = VK_PRESENT_MODE_MAILBOX_KHR;
    ASSERT_EQ(create(), VK_SUCCESS);
    EXPECT_GT(images(0).size(), 2u);
    EXPECT_EQ(images(0), images(1));
}

TEST_F(Shared, OldSwapchainsAreRetiredEvenOnFailure)
{
    ASSERT_EQ(create(), VK_SUCCESS);
    const std::vector<VkSwapchainKHR> old = swapchains;
    infos[0].oldSwapchain = old[0];
    infos[1].oldSwapchain = old[1];
    infos[1].imageExtent = {17, 16};
    EXPECT_EQ(create(), VK_ERROR_INCOMPATIBLE_DISPLAY_KHR);
    uint32_t index = 0;
    for (VkSwapchainKHR retired : old)
        EXPECT_EQ(
            device().vk.AcquireNextImageKHR(device().handle, retired, 0, device().semaphore(), VK_NULL_HANDLE, &index),
            VK_ERROR_OUT_OF_DATE_KHR);
    infos[1].imageExtent = {16, 16};
    infos[0].oldSwapchain = infos[1].oldSwapchain = VK_NULL_HANDLE;
    EXPECT_EQ(create(), VK_SUCCESS);
    for (VkSwapchainKHR retired : old)
        device().vk.DestroySwapchainKHR(device().handle, retired, nullptr);
}

TEST_F(Shared, WantOfMemoryLeavesNothing)
{
    ASSERT_EQ(create(), VK_SUCCESS);
    for (VkSwapchainKHR swapchain : swapchains)
        device().vk.DestroySwapchainKHR(device().handle, swapchain, nullptr);
    const size_t before = objects();
    for (unsigned n = 1;; ++n) {
        ASSERT_LT(n, 500u);
        driver.failNthAllocation(n, VK_ERROR_OUT_OF_DEVICE_MEMORY);
        const VkResult result = create();
        const bool hit = driver.faultWasHit();
        driver.clearFaults();
        if (!hit) {
            EXPECT_EQ(result, VK_SUCCESS);
            break;
        }
        EXPECT_EQ(result, VK_ERROR_OUT_OF_DEVICE_MEMORY) << "allocation " << n;
        EXPECT_THAT(swapchains, Each(VkSwapchainKHR{}));
        ASSERT_EQ(objects(), before) << "allocation " << n;
    }
}

} // namespace vwsi::testing
