// VK_EXT_swapchain_maintenance1 beyond present fences: modes that change, images given back, memory allocated late; and
// the create infos that swapchains may carry.
#include "harness/layer_test.h"
#include "harness/mode_queries.h"

#include <set>

namespace vwsi::testing {

namespace {

class Maintenance1 : public LayerTest {
protected:
    void SetUp() override
    {
        VkPhysicalDeviceSwapchainMaintenance1FeaturesEXT feature{
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SWAPCHAIN_MAINTENANCE_1_FEATURES_EXT, nullptr, VK_TRUE};
        DeviceOptions options;
        options.extensions = {"VK_KHR_swapchain", "VK_EXT_swapchain_maintenance1", "VK_KHR_swapchain_mutable_format"};
        options.next = &feature;
        makeDevice(options);
    }

    VkResult release(const Window& window, const std::vector<uint32_t>& indices)
    {
        const VkReleaseSwapchainImagesInfoEXT info{VK_STRUCTURE_TYPE_RELEASE_SWAPCHAIN_IMAGES_INFO_EXT, nullptr,
                                                   window.swapchain, static_cast<uint32_t>(indices.size()),
                                                   indices.data()};
        return device().vk.ReleaseSwapchainImagesEXT(device().handle, &info);
    }

    /// A frame whose present carries `next`.
    VkResult frameWith(Window& window, const void* next)
    {
        const VkSemaphore ready = device().semaphore();
        const VkSemaphore done = device().semaphore();
        uint32_t index = 0;
        const VkResult acquired = window.acquire(&index, ready, VK_NULL_HANDLE, 5'000'000'000);
        if (acquired != VK_SUCCESS)
            return acquired;
        EXPECT_EQ(window.draw(index, {{0, 0, 0, 1}}, ready, done), VK_SUCCESS);
        return window.present(index, {done}, next);
    }
};

} // namespace

TEST_F(Maintenance1, ReleasedImagesComeBack)
{
    Window window(device());
    std::vector<uint32_t> all;
    for (size_t i = 0; i < window.images.size(); ++i)
        all.push_back(window.acquireNow());
    uint32_t index = 0;
    const VkSemaphore semaphore = device().semaphore();
    ASSERT_EQ(window.acquire(&index, semaphore, VK_NULL_HANDLE, 0), VK_NOT_READY);
    ASSERT_EQ(release(window, {all[1]}), VK_SUCCESS);
    EXPECT_EQ(window.acquire(&index, semaphore, VK_NULL_HANDLE, 0), VK_SUCCESS);
    EXPECT_EQ(index, all[1]);
}

TEST_F(Maintenance1, SeveralImagesAreReleasedAtOnce)
{
    Window window(device());
    std::vector<uint32_t> all;
    for (size_t i = 0; i < window.images.size(); ++i)
        all.push_back(window.acquireNow());
    ASSERT_EQ(release(window, all), VK_SUCCESS);
    std::set<uint32_t> again;
    for (size_t i = 0; i < window.images.size(); ++i)
        again.insert(window.acquireNow());
    EXPECT_EQ(again, std::set<uint32_t>(all.begin(), all.end()));
}

TEST_F(Maintenance1, ReleaseSubmitsNothing)
{
    Window window(device());
    const uint32_t index = window.acquireNow();
    driver.resetRecords();
    ASSERT_EQ(release(window, {index}), VK_SUCCESS);
    EXPECT_EQ(driver.submissionCount(), 0u);
}

TEST_F(Maintenance1, ImagesOfARetiredSwapchainCanBeReleased)
{
    Window window(device());
    const uint32_t index = window.acquireNow();
    const VkSwapchainKHR old = window.swapchain;
    ASSERT_EQ(window.recreate(), VK_SUCCESS);
    const VkReleaseSwapchainImagesInfoEXT info{VK_STRUCTURE_TYPE_RELEASE_SWAPCHAIN_IMAGES_INFO_EXT, nullptr, old, 1,
                                               &index};
    EXPECT_EQ(device().vk.ReleaseSwapchainImagesEXT(device().handle, &info), VK_SUCCESS);
    EXPECT_EQ(window.frame(), VK_SUCCESS);
}

TEST_F(Maintenance1, ThePresentModeMayChangeWithEveryFrame)
{
    // Every mode that is said to be compatible with FIFO must then work beside it.
    const std::vector<VkPresentModeKHR> list = compatibleWith(instance(), VK_PRESENT_MODE_FIFO_KHR);
    ASSERT_FALSE(list.empty());
    const VkSwapchainPresentModesCreateInfoEXT create{VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_MODES_CREATE_INFO_EXT,
                                                      nullptr, static_cast<uint32_t>(list.size()), list.data()};
    WindowOptions options;
    options.presentMode = VK_PRESENT_MODE_FIFO_KHR;
    options.next = &create;
    Window window(device(), options);
    ASSERT_EQ(window.result, VK_SUCCESS);
    for (uint32_t i = 0; i < 12; ++i) {
        const VkPresentModeKHR mode = list[i % list.size()];
        const VkSwapchainPresentModeInfoEXT next{VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_MODE_INFO_EXT, nullptr, 1, &mode};
        EXPECT_EQ(frameWith(window, &next), VK_SUCCESS);
    }
}

TEST_F(Maintenance1, ASwapchainThatMayBecomeAMailboxHasTheImagesForOne)
{
    WindowOptions options;
    options.presentMode = VK_PRESENT_MODE_MAILBOX_KHR;
    options.minImageCount = 1;
    const size_t needed = Window(device(), options).images.size();
    const VkPresentModeKHR modes[] = {VK_PRESENT_MODE_FIFO_KHR, VK_PRESENT_MODE_MAILBOX_KHR};
    const VkSwapchainPresentModesCreateInfoEXT create{VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_MODES_CREATE_INFO_EXT,
                                                      nullptr, 2, modes};
    options.presentMode = VK_PRESENT_MODE_FIFO_KHR;
    EXPECT_LT(Window(device(), options).images.size(), needed);
    options.next = &create;
    EXPECT_EQ(Window(device(), options).images.size(), needed);
}

TEST_F(Maintenance1, DeferredMemoryComesWithTheImages)
{
    WindowOptions eager;
    driver.resetRecords();
    {
        const Window window(device(), eager);
        ASSERT_EQ(window.result, VK_SUCCESS);
    }
    const unsigned usual = driver.count("vkAllocateMemory");
    WindowOptions options;
    options.flags = VK_SWAPCHAIN_CREATE_DEFERRED_MEMORY_ALLOCATION_BIT_EXT;
    driver.resetRecords();
    Window window(device(), options);
    ASSERT_EQ(window.result, VK_SUCCESS);
    EXPECT_LE(driver.count("vkAllocateMemory"), usual);
    for (int i = 0; i < 6; ++i)
        EXPECT_EQ(window.frame(), VK_SUCCESS);
}

TEST_F(Maintenance1, DeferredMemoryMayRunOutAtAcquire)
{
    WindowOptions options;
    options.flags = VK_SWAPCHAIN_CREATE_DEFERRED_MEMORY_ALLOCATION_BIT_EXT;
    Window window(device(), options);
    ASSERT_EQ(window.result, VK_SUCCESS);
    driver.failNth("vkAllocateMemory", 1, VK_ERROR_OUT_OF_DEVICE_MEMORY);
    uint32_t index = 0;
    const VkSemaphore semaphore = device().semaphore();
    const VkResult result = window.acquire(&index, semaphore, VK_NULL_HANDLE, 1'000'000'000);
    if (driver.faultWasHit()) {
        EXPECT_EQ(result, VK_ERROR_OUT_OF_DEVICE_MEMORY);
        driver.clearFaults();
        EXPECT_EQ(window.acquire(&index, semaphore, VK_NULL_HANDLE, 1'000'000'000), VK_SUCCESS);
    } else {
        EXPECT_EQ(result, VK_SUCCESS);
    }
}

TEST_F(Maintenance1, AnImageThatCouldNotBeBoundIsTriedAnew)
{
    IN_PROCESS_WITH({"VENUS_WSI_COPY", "staged"});
    WindowOptions options;
    options.flags = VK_SWAPCHAIN_CREATE_DEFERRED_MEMORY_ALLOCATION_BIT_EXT;
    Window window(device(), options);
    ASSERT_EQ(window.result, VK_SUCCESS);
    // The first has its memory already.
    ASSERT_EQ(window.frame(), VK_SUCCESS);
    driver.failNth("vkBindImageMemory", 1, VK_ERROR_OUT_OF_DEVICE_MEMORY);
    uint32_t index = 0;
    const VkSemaphore semaphore = device().semaphore();
    EXPECT_EQ(window.acquire(&index, semaphore), VK_ERROR_OUT_OF_DEVICE_MEMORY);
    EXPECT_TRUE(driver.faultWasHit());
    driver.clearFaults();
    for (size_t i = 0; i < 2 * window.images.size(); ++i)
        EXPECT_EQ(window.frame(), VK_SUCCESS);
}

TEST_F(Maintenance1, ScalingStructsAreAccepted)
{
    const VkSwapchainPresentScalingCreateInfoEXT scaling{VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_SCALING_CREATE_INFO_EXT,
                                                         nullptr, 0, 0, 0};
    WindowOptions options;
    options.next = &scaling;
    Window window(device(), options);
    ASSERT_EQ(window.result, VK_SUCCESS);
    EXPECT_EQ(window.frame(), VK_SUCCESS);
}

TEST_F(Maintenance1, DeviceGroupSwapchainsAreAccepted)
{
    const VkDeviceGroupSwapchainCreateInfoKHR group{VK_STRUCTURE_TYPE_DEVICE_GROUP_SWAPCHAIN_CREATE_INFO_KHR, nullptr,
                                                    VK_DEVICE_GROUP_PRESENT_MODE_LOCAL_BIT_KHR};
    WindowOptions options;
    options.next = &group;
    Window window(device(), options);
    ASSERT_EQ(window.result, VK_SUCCESS);
    EXPECT_EQ(window.frame(), VK_SUCCESS);
}

TEST_F(Maintenance1, MutableFormatImagesTakeOtherViews)
{
    const VkFormat list[] = {VK_FORMAT_B8G8R8A8_UNORM, VK_FORMAT_B8G8R8A8_SRGB};
    const VkImageFormatListCreateInfo formats{VK_STRUCTURE_TYPE_IMAGE_FORMAT_LIST_CREATE_INFO, nullptr, 2, list};
    WindowOptions options;
    options.flags = VK_SWAPCHAIN_CREATE_MUTABLE_FORMAT_BIT_KHR;
    options.next = &formats;
    driver.resetRecords();
    Window window(device(), options);
    ASSERT_EQ(window.result, VK_SUCCESS);
    bool listed = false;
    for (const mock::ImageRecord& image : driver.images()) {
        for (const VkStructureType type : image.chain)
            listed = listed || type == VK_STRUCTURE_TYPE_IMAGE_FORMAT_LIST_CREATE_INFO;
    }
    EXPECT_TRUE(listed) << "the format list reaches the driver";
    for (const VkFormat format : list) {
        VkImageViewCreateInfo info{};
        info.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO;
        info.image = window.images[0];
        info.viewType = VK_IMAGE_VIEW_TYPE_2D;
        info.format = format;
        info.subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
        VkImageView view = VK_NULL_HANDLE;
        EXPECT_EQ(device().vk.CreateImageView(device().handle, &info, nullptr, &view), VK_SUCCESS);
        device().vk.DestroyImageView(device().handle, view, nullptr);
    }
    EXPECT_EQ(window.frame(), VK_SUCCESS);
}

TEST_F(Maintenance1, SwapchainImagesAreCountedInTwoCalls)
{
    Window window(device());
    EXPECT_GE(window.images.size(), 3u);
    const auto all = static_cast<uint32_t>(window.images.size());
    std::vector<VkImage> list(all + 2);
    uint32_t count = all - 1;
    EXPECT_EQ(device().vk.GetSwapchainImagesKHR(device().handle, window.swapchain, &count, list.data()), VK_INCOMPLETE);
    EXPECT_EQ(count, all - 1);
    EXPECT_EQ(list[all - 1], VkImage{});
    count = all + 2;
    EXPECT_EQ(device().vk.GetSwapchainImagesKHR(device().handle, window.swapchain, &count, list.data()), VK_SUCCESS);
    EXPECT_EQ(count, all);
    EXPECT_EQ(list[0], window.images[0]);
}

TEST_F(Maintenance1, KhronosNamesDoTheSame)
{
    InstanceOptions names;
    names.extensions = {"VK_KHR_surface", "VK_EXT_headless_surface", "VK_KHR_get_surface_capabilities2",
                        "VK_KHR_surface_maintenance1"};
    TestInstance second(names);
    ASSERT_EQ(second.result, VK_SUCCESS);
    VkPhysicalDeviceSwapchainMaintenance1FeaturesEXT feature{
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SWAPCHAIN_MAINTENANCE_1_FEATURES_EXT, nullptr, VK_FALSE};
    VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &feature, {}};
    second.vk.GetPhysicalDeviceFeatures2(second.physicalDevices[0], &features);
    EXPECT_TRUE(feature.swapchainMaintenance1);
    ASSERT_TRUE(second.hasDeviceExtension("VK_KHR_swapchain_maintenance1"));

    DeviceOptions options;
    options.extensions = {"VK_KHR_swapchain", "VK_KHR_swapchain_maintenance1"};
    options.next = &feature;
    TestDevice khronos(second, options);
    ASSERT_EQ(khronos.result, VK_SUCCESS);
    EXPECT_EQ(khronos.proc("vkReleaseSwapchainImagesEXT"), nullptr) << "belongs to the other extension";
    EXPECT_EQ(device().proc("vkReleaseSwapchainImagesKHR"), nullptr);
    Window window(khronos);
    const uint32_t index = window.acquireNow();
    const VkReleaseSwapchainImagesInfoEXT info{VK_STRUCTURE_TYPE_RELEASE_SWAPCHAIN_IMAGES_INFO_EXT, nullptr,
                                               window.swapchain, 1, &index};
    const auto release = reinterpret_cast<PFN_vkReleaseSwapchainImagesEXT>(khronos.proc("vkReleaseSwapchainImagesKHR"));
    ASSERT_NE(release, nullptr);
    EXPECT_EQ(release(khronos.handle, &info), VK_SUCCESS);
    for (int i = 0; i < 4; ++i)
        EXPECT_EQ(window.frame(), VK_SUCCESS);
}

} // namespace vwsi::testing
