// VK_KHR_present_mode_fifo_latest_ready and its EXT form: of the frames that are complete at a refresh the latest is
// shown, and only frames of the same mode are dropped for it.
#include "harness/frame_files.h"
#include "harness/layer_test.h"
#include "harness/mode_queries.h"

#include <thread>

#ifdef VK_EXT_present_mode_fifo_latest_ready

namespace vwsi::testing {

namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

constexpr VkPresentModeKHR kLatestReady = VK_PRESENT_MODE_FIFO_LATEST_READY_EXT;

class LatestReady : public LayerTest {
protected:
    /// A device with the extension under this name, and all that lets modes change.
    void useExtension(const char* name)
    {
        m_maintenance = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SWAPCHAIN_MAINTENANCE_1_FEATURES_EXT, nullptr, VK_TRUE};
        m_feature = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_MODE_FIFO_LATEST_READY_FEATURES_EXT, &m_maintenance,
                     VK_TRUE};
        DeviceOptions options;
        options.extensions = {"VK_KHR_swapchain", "VK_EXT_swapchain_maintenance1", "VK_KHR_incremental_present", name};
        options.next = &m_feature;
        makeDevice(options);
    }

    /// Presents a frame whose red is its number; the work stays with the mock's host until it is told to complete it.
    void present(Window& window, uint32_t number, VkPresentModeKHR mode, const void* next = nullptr)
    {
        uint32_t index = 0;
        const VkSemaphore ready = device().semaphore();
        ASSERT_EQ(window.acquire(&index, ready, VK_NULL_HANDLE, 5'000'000'000), VK_SUCCESS);
        const VkSemaphore done = device().semaphore();
        ASSERT_EQ(window.draw(index, numbered(number), ready, done), VK_SUCCESS);
        const VkSwapchainPresentModeInfoEXT info{VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_MODE_INFO_EXT, next, 1, &mode};
        ASSERT_EQ(window.present(index, {done}, &info), VK_SUCCESS);
    }

    /// What has been shown once `count` frames have been, by their numbers.
    static std::vector<uint32_t> numbers(size_t count)
    {
        std::vector<uint32_t> result;
        for (const ShownFrame& frame : waitForFrames(childFolder(), count))
            result.push_back(frame.at(31, 23) >> 16);
        return result;
    }

    /// What is shown of frames 2, 3, … in these modes, which become complete together, long after the refresh that
    /// follows frame 1.
    std::vector<uint32_t> shownOf(const std::vector<VkPresentModeKHR>& modes, size_t expected)
    {
        useExtension("VK_EXT_present_mode_fifo_latest_ready");
        const std::vector<VkPresentModeKHR> all = compatibleWith(instance(), kLatestReady);
        const VkSwapchainPresentModesCreateInfoEXT create{VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_MODES_CREATE_INFO_EXT,
                                                          nullptr, static_cast<uint32_t>(all.size()), all.data()};
        WindowOptions options;
        options.presentMode = kLatestReady;
        options.minImageCount = 6;
        options.next = &create;
        Window window(device(), options);
        EXPECT_EQ(window.result, VK_SUCCESS);
        present(window, 1, kLatestReady);
        EXPECT_THAT(numbers(1), ElementsAre(1u));
        driver.setCompletion(mock::Completion::Manual);
        uint32_t number = 2;
        for (const VkPresentModeKHR mode : modes)
            present(window, number++, mode);
        std::this_thread::sleep_for(60ms);
        driver.completeAll();
        driver.setCompletion(mock::Completion::Immediate);
        numbers(expected + 1);
        // What should not be shown has time to be.
        std::this_thread::sleep_for(120ms);
        std::vector<uint32_t> shown = numbers(expected + 1);
        shown.erase(shown.begin());
        device().vk.DeviceWaitIdle(device().handle);
        return shown;
    }

    VkPhysicalDevicePresentModeFifoLatestReadyFeaturesEXT m_feature{};
    VkPhysicalDeviceSwapchainMaintenance1FeaturesEXT m_maintenance{};
};

} // namespace

TEST_F(LatestReady, BothNamesAreListed)
{
    EXPECT_TRUE(instance().hasDeviceExtension("VK_KHR_present_mode_fifo_latest_ready"));
    EXPECT_TRUE(instance().hasDeviceExtension("VK_EXT_present_mode_fifo_latest_ready"));
}

TEST_F(LatestReady, TheFeatureIsReported)
{
    VkPhysicalDevicePresentModeFifoLatestReadyFeaturesEXT feature{
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_MODE_FIFO_LATEST_READY_FEATURES_EXT, nullptr, 7};
    VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &feature, {}};
    instance().vk.GetPhysicalDeviceFeatures2(instance().physicalDevices[0], &features);
    EXPECT_EQ(feature.presentModeFifoLatestReady, VK_TRUE);
}

TEST_F(LatestReady, TheFeatureStaysAboveTheDriver)
{
    useExtension("VK_KHR_present_mode_fifo_latest_ready");
    const auto devices = driver.devices();
    ASSERT_EQ(devices.size(), 1u);
    EXPECT_THAT(devices[0].chain,
                Not(Contains(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_MODE_FIFO_LATEST_READY_FEATURES_EXT)));
    EXPECT_THAT(devices[0].extensions, Not(Contains("VK_KHR_present_mode_fifo_latest_ready")));
}

TEST_F(LatestReady, IsCompatibleWithTheOtherModesBothWays)
{
    const std::vector<VkPresentModeKHR> others = {VK_PRESENT_MODE_FIFO_KHR, VK_PRESENT_MODE_FIFO_RELAXED_KHR,
                                                  VK_PRESENT_MODE_MAILBOX_KHR, VK_PRESENT_MODE_IMMEDIATE_KHR};
    EXPECT_THAT(compatibleWith(instance(), kLatestReady), ::testing::IsSupersetOf(others));
    for (const VkPresentModeKHR other : others)
        EXPECT_THAT(compatibleWith(instance(), other), Contains(kLatestReady));
}

TEST_F(LatestReady, NeedsNoMoreImagesThanFifo)
{
    EXPECT_EQ(capabilitiesOf(instance(), kLatestReady).minImageCount,
              capabilitiesOf(instance(), VK_PRESENT_MODE_FIFO_KHR).minImageCount);
}

TEST_F(LatestReady, GoesOnWithTheFewestImages)
{
    useExtension("VK_KHR_present_mode_fifo_latest_ready");
    WindowOptions options;
    options.presentMode = kLatestReady;
    options.minImageCount = capabilitiesOf(instance(), kLatestReady).minImageCount;
    Window window(device(), options);
    ASSERT_EQ(window.result, VK_SUCCESS);
    EXPECT_EQ(window.images.size(), options.minImageCount);
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(window.frame(), VK_SUCCESS);
}

TEST_F(LatestReady, KeepsTheApplicationAtTheRefreshRate)
{
    IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "20000"});
    useExtension("VK_EXT_present_mode_fifo_latest_ready");
    WindowOptions options;
    options.presentMode = kLatestReady;
    options.minImageCount = 2;
    Window window(device(), options);
    driver.setCompletion(mock::Completion::Threaded, 45ms);
    const Stopwatch watch;
    // A host that is as slow as the display leaves nothing to drop.
    for (int i = 0; i < 6; ++i)
        ASSERT_EQ(window.frame(), VK_SUCCESS);
    EXPECT_GE(watch.elapsed(), 180ms);
    device().vk.DeviceWaitIdle(device().handle);
    driver.setCompletion(mock::Completion::Immediate);
}

TEST_F(LatestReady, DropsFramesThatALaterOneHasOvertaken)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "25000"}, {"VENUS_WSI_COMPLETION", "fence"});
    EXPECT_THAT(shownOf({kLatestReady, kLatestReady, kLatestReady}, 1), ElementsAre(4u));
}

TEST_F(LatestReady, IsNotDroppedForAFifoFrame)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "25000"}, {"VENUS_WSI_COMPLETION", "fence"});
    EXPECT_THAT(shownOf({kLatestReady, kLatestReady, VK_PRESENT_MODE_FIFO_KHR}, 2), ElementsAre(3u, 4u));
}

TEST_F(LatestReady, IsNotDroppedForAMailboxFrame)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "25000"}, {"VENUS_WSI_COMPLETION", "fence"});
    EXPECT_THAT(shownOf({kLatestReady, VK_PRESENT_MODE_MAILBOX_KHR}, 2), ElementsAre(2u, 3u));
}

TEST_F(LatestReady, TakesThePlaceOfAMailboxFrame)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "25000"}, {"VENUS_WSI_COMPLETION", "fence"});
    EXPECT_THAT(shownOf({VK_PRESENT_MODE_MAILBOX_KHR, kLatestReady}, 1), ElementsAre(3u));
}

TEST_F(LatestReady, LeavesFifoFramesBeforeIt)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "25000"}, {"VENUS_WSI_COMPLETION", "fence"});
    EXPECT_THAT(shownOf({VK_PRESENT_MODE_FIFO_KHR, kLatestReady, kLatestReady}, 2), ElementsAre(2u, 4u));
}

TEST_F(LatestReady, AFrameThatIsNotReadyHoldsNoneBack)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "50000"}, {"VENUS_WSI_COMPLETION", "fence"});
    useExtension("VK_EXT_present_mode_fifo_latest_ready");
    WindowOptions options;
    options.presentMode = kLatestReady;
    options.minImageCount = 4;
    Window window(device(), options);
    driver.setCompletion(mock::Completion::Manual);
    present(window, 1, kLatestReady);
    present(window, 2, kLatestReady);
    // The drawing and the copy of the first frame.
    EXPECT_TRUE(driver.completeNext());
    EXPECT_TRUE(driver.completeNext());
    EXPECT_THAT(numbers(1), ElementsAre(1u));
    driver.completeAll();
    EXPECT_THAT(numbers(2), ElementsAre(1u, 2u));
    driver.setCompletion(mock::Completion::Immediate);
}

TEST_F(LatestReady, DamageOfDroppedFramesIsKept)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "25000"}, {"VENUS_WSI_COMPLETION", "fence"});
    useExtension("VK_EXT_present_mode_fifo_latest_ready");
    WindowOptions options;
    options.presentMode = kLatestReady;
    options.minImageCount = 4;
    Window window(device(), options);
    for (uint32_t i = 1; i <= 4; ++i) {
        present(window, i, kLatestReady);
        numbers(i);
    }
    // The dropped frame says that its corner changed, the one that is shown says the same of another corner.
    driver.setCompletion(mock::Completion::Manual);
    const VkRectLayerKHR dropped{{24, 16}, {8, 8}, 0};
    const VkRectLayerKHR shown{{0, 0}, {8, 8}, 0};
    for (const VkRectLayerKHR* const rect : {&dropped, &shown}) {
        const VkPresentRegionKHR region{1, rect};
        const VkPresentRegionsKHR regions{VK_STRUCTURE_TYPE_PRESENT_REGIONS_KHR, nullptr, 1, &region};
        present(window, 9, kLatestReady, &regions);
    }
    std::this_thread::sleep_for(60ms);
    driver.completeAll();
    driver.setCompletion(mock::Completion::Immediate);
    const auto frames = waitForFrames(childFolder(), 5);
    ASSERT_EQ(frames.size(), 5u);
    EXPECT_EQ(frames[4].at(0, 0) >> 16, 9u);
    EXPECT_EQ(frames[4].at(31, 23) >> 16, 9u);
}

} // namespace vwsi::testing

#endif
