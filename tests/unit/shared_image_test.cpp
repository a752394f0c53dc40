// VK_KHR_shared_presentable_image: one image that the application keeps, shown when it is presented or at every
// refresh.
#include "harness/frame_files.h"
#include "harness/layer_test.h"
#include "harness/mode_queries.h"

#include <atomic>
#include <thread>

namespace vwsi::testing {

namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr VkPresentModeKHR kDemand = VK_PRESENT_MODE_SHARED_DEMAND_REFRESH_KHR;
constexpr VkPresentModeKHR kContinuous = VK_PRESENT_MODE_SHARED_CONTINUOUS_REFRESH_KHR;

class SharedImage : public LayerTest {
protected:
    TestDevice& sharedDevice()
    {
        m_maintenance = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SWAPCHAIN_MAINTENANCE_1_FEATURES_EXT, nullptr, VK_TRUE};
        m_id = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_ID_FEATURES_KHR, &m_maintenance, VK_TRUE};
        m_wait = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_WAIT_FEATURES_KHR, &m_id, VK_TRUE};
        DeviceOptions options;
        options.extensions = {"VK_KHR_swapchain",           "VK_EXT_swapchain_maintenance1",
                              "VK_KHR_incremental_present", "VK_KHR_shared_presentable_image",
                              "VK_KHR_present_id",          "VK_KHR_present_wait"};
        options.next = &m_wait;
        return makeDevice(options);
    }

    static WindowOptions shared(VkPresentModeKHR mode)
    {
        WindowOptions options;
        options.presentMode = mode;
        options.minImageCount = 1;
        return options;
    }

    /// Gives the image a colour whose red is `number`, without presenting it.
    void draw(const Window& window, uint32_t number)
    {
        ASSERT_EQ(window.draw(0, numbered(number), VK_NULL_HANDLE, VK_NULL_HANDLE), VK_SUCCESS);
    }

    VkResult status(const Window& window)
    {
        return device().vk.GetSwapchainStatusKHR(device().handle, window.swapchain);
    }

    VkResult release(const Window& window)
    {
        const uint32_t index = 0;
        const VkReleaseSwapchainImagesInfoEXT info{VK_STRUCTURE_TYPE_RELEASE_SWAPCHAIN_IMAGES_INFO_EXT, nullptr,
                                                   window.swapchain, 1, &index};
        return device().vk.ReleaseSwapchainImagesEXT(device().handle, &info);
    }

    static std::vector<uint32_t> numbers(size_t count)
    {
        std::vector<uint32_t> result;
        for (const ShownFrame& frame : waitForFrames(childFolder(), count))
            result.push_back(frame.flat() >> 16);
        return result;
    }

    /// Waits until the last frame shown is this one.
    static bool comesOut(uint32_t number)
    {
        const auto limit = std::chrono::steady_clock::now() + 5s;
        while (std::chrono::steady_clock::now() < limit) {
            const auto frames = shownFrames(childFolder());
            if (!frames.empty() && frames.back().flat() >> 16 == number)
                return true;
            std::this_thread::sleep_for(5ms);
        }
        return false;
    }

private:
    VkPhysicalDeviceSwapchainMaintenance1FeaturesEXT m_maintenance{};
    VkPhysicalDevicePresentIdFeaturesKHR m_id{};
    VkPhysicalDevicePresentWaitFeaturesKHR m_wait{};
};

class SharedImageInEachMode : public SharedImage, public ::testing::WithParamInterface<VkPresentModeKHR> {};

} // namespace

INSTANTIATE_TEST_SUITE_P(Modes, SharedImageInEachMode, ::testing::Values(kDemand, kContinuous),
                         [](const auto& info) { return info.param == kDemand ? "Demand" : "Continuous"; });

TEST_F(SharedImage, IsListed)
{
    EXPECT_TRUE(instance().hasDeviceExtension("VK_KHR_shared_presentable_image"));
}

TEST_F(SharedImage, TheCommandNeedsTheExtension)
{
    EXPECT_EQ(device().proc("vkGetSwapchainStatusKHR"), nullptr);
    EXPECT_NE(sharedDevice().proc("vkGetSwapchainStatusKHR"), nullptr);
}

TEST_P(SharedImageInEachMode, IsAModeOfTheSurface)
{
    const VkSurfaceKHR surface = instance().createSurface();
    VkPresentModeKHR list[16]{};
    uint32_t count = std::size(list);
    EXPECT_EQ(
        instance().vk.GetPhysicalDeviceSurfacePresentModesKHR(instance().physicalDevices[0], surface, &count, list),
        VK_SUCCESS);
    EXPECT_THAT(std::vector(list, list + count), Contains(GetParam()));
    instance().vk.DestroySurfaceKHR(instance().handle, surface, nullptr);
}

TEST_P(SharedImageInEachMode, HasExactlyOneImage)
{
    const VkSurfaceCapabilitiesKHR capabilities = capabilitiesOf(instance(), GetParam());
    EXPECT_EQ(capabilities.minImageCount, 1u);
    EXPECT_EQ(capabilities.maxImageCount, 1u);
    Window window(sharedDevice(), shared(GetParam()));
    ASSERT_EQ(window.result, VK_SUCCESS);
    ASSERT_EQ(window.images.size(), 1u);
    VkImage list[2]{};
    uint32_t count = 2;
    EXPECT_EQ(device().vk.GetSwapchainImagesKHR(device().handle, window.swapchain, &count, list), VK_SUCCESS);
    EXPECT_EQ(count, 1u);
    count = 0;
    EXPECT_EQ(device().vk.GetSwapchainImagesKHR(device().handle, window.swapchain, &count, list), VK_INCOMPLETE);
}

TEST_P(SharedImageInEachMode, OneDriverImageIsMade)
{
    sharedDevice();
    driver.resetRecords();
    const Window window(device(), shared(GetParam()));
    EXPECT_EQ(driver.count("vkCreateImage"), 1u);
}

TEST_P(SharedImageInEachMode, UsageIsToldApart)
{
    VkSharedPresentSurfaceCapabilitiesKHR usage{VK_STRUCTURE_TYPE_SHARED_PRESENT_SURFACE_CAPABILITIES_KHR, nullptr, 0};
    const VkSurfaceCapabilitiesKHR capabilities = capabilitiesOf(instance(), GetParam(), &usage);
    EXPECT_TRUE(usage.sharedPresentSupportedUsageFlags & VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT);
    EXPECT_EQ(usage.sharedPresentSupportedUsageFlags & ~capabilities.supportedUsageFlags, 0u);
    WindowOptions options = shared(GetParam());
    options.usage = usage.sharedPresentSupportedUsageFlags;
    EXPECT_EQ(Window(sharedDevice(), options).result, VK_SUCCESS);
}

TEST_P(SharedImageInEachMode, GoesWithTheOtherSharedModeOnly)
{
    EXPECT_THAT(compatibleWith(instance(), GetParam()), UnorderedElementsAre(kDemand, kContinuous));
}

TEST_F(SharedImage, OtherModesDoNotGoWithIt)
{
    EXPECT_THAT(compatibleWith(instance(), VK_PRESENT_MODE_FIFO_KHR), Not(Contains(kDemand)));
    EXPECT_THAT(compatibleWith(instance(), VK_PRESENT_MODE_MAILBOX_KHR), Not(Contains(kContinuous)));
}

TEST_P(SharedImageInEachMode, IsAcquiredOnce)
{
    Window window(sharedDevice(), shared(GetParam()));
    EXPECT_EQ(window.acquireNow(), 0u);
    uint32_t index = 7;
    EXPECT_EQ(window.acquire(&index, device().semaphore(), VK_NULL_HANDLE, 0), VK_NOT_READY);
    EXPECT_EQ(window.acquire(&index, device().semaphore(), VK_NULL_HANDLE, 20'000'000), VK_TIMEOUT);
    draw(window, 1);
    ASSERT_EQ(window.present(0), VK_SUCCESS);
    EXPECT_EQ(window.acquire(&index, device().semaphore(), VK_NULL_HANDLE, 0), VK_NOT_READY)
        << "it stays with the application";
}

TEST_P(SharedImageInEachMode, IsPresentedAgainAndAgain)
{
    Window window(sharedDevice(), shared(GetParam()));
    window.acquireNow();
    for (uint32_t i = 0; i < 50; ++i) {
        draw(window, i);
        ASSERT_EQ(window.present(0), VK_SUCCESS);
    }
    EXPECT_EQ(status(window), VK_SUCCESS);
}

TEST_P(SharedImageInEachMode, PresentsWithoutEndDoNotBlock)
{
    IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "1000"});
    Window window(sharedDevice(), shared(GetParam()));
    window.acquireNow();
    driver.setCompletion(mock::Completion::Manual);
    draw(window, 1);
    const Stopwatch watch;
    for (int i = 0; i < 1000; ++i)
        ASSERT_EQ(window.present(0), VK_SUCCESS);
    EXPECT_LT(watch.elapsed(), 2s);
    driver.completeAll();
    driver.setCompletion(mock::Completion::Immediate);
}

TEST_P(SharedImageInEachMode, WaitSemaphoresAreConsumed)
{
    Window window(sharedDevice(), shared(GetParam()));
    const VkSemaphore ready = device().semaphore();
    const VkSemaphore done = device().semaphore();
    uint32_t index = 7;
    ASSERT_EQ(window.acquire(&index, ready), VK_SUCCESS);
    for (int i = 0; i < 5; ++i) {
        ASSERT_EQ(window.draw(0, {{1, 0, 0, 1}}, i == 0 ? ready : VK_NULL_HANDLE, done), VK_SUCCESS);
        ASSERT_EQ(window.present(0, {done}), VK_SUCCESS);
        EXPECT_FALSE(driver.semaphoreSignalled(done));
    }
}

TEST_P(SharedImageInEachMode, PresentFencesSignal)
{
    Window window(sharedDevice(), shared(GetParam()));
    window.acquireNow();
    draw(window, 1);
    for (int i = 0; i < 3; ++i) {
        const VkFence fence = device().fence();
        const VkSwapchainPresentFenceInfoEXT fences{VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_FENCE_INFO_EXT, nullptr, 1,
                                                    &fence};
        ASSERT_EQ(window.present(0, {}, &fences), VK_SUCCESS);
        EXPECT_TRUE(device().wait(fence));
    }
}

TEST_P(SharedImageInEachMode, IdsAreReached)
{
    Window window(sharedDevice(), shared(GetParam()));
    window.acquireNow();
    draw(window, 1);
    for (uint64_t id = 1; id <= 40; ++id) {
        const VkPresentIdKHR ids{VK_STRUCTURE_TYPE_PRESENT_ID_KHR, nullptr, 1, &id};
        ASSERT_EQ(window.present(0, {}, &ids), VK_SUCCESS);
    }
    EXPECT_EQ(device().vk.WaitForPresentKHR(device().handle, window.swapchain, 40, 5'000'000'000), VK_SUCCESS);
}

TEST_P(SharedImageInEachMode, AReleasedImageIsAcquiredAnew)
{
    Window window(sharedDevice(), shared(GetParam()));
    for (uint32_t i = 0; i < 3; ++i) {
        EXPECT_EQ(window.acquireNow(), 0u);
        draw(window, i);
        ASSERT_EQ(window.present(0), VK_SUCCESS);
        ASSERT_EQ(release(window), VK_SUCCESS);
    }
}

TEST_P(SharedImageInEachMode, StandsBesideAnotherSwapchainInOnePresent)
{
    Window one(sharedDevice(), shared(GetParam()));
    Window other(device());
    one.acquireNow();
    draw(one, 1);
    for (int i = 0; i < 5; ++i) {
        const uint32_t index = other.acquireNow();
        ASSERT_EQ(other.draw(index, {{0, 1, 0, 1}}, VK_NULL_HANDLE, VK_NULL_HANDLE), VK_SUCCESS);
        const VkSwapchainKHR swapchains[] = {one.swapchain, other.swapchain};
        const uint32_t indices[] = {0, index};
        VkResult results[] = {VK_ERROR_UNKNOWN, VK_ERROR_UNKNOWN};
        const VkPresentInfoKHR info{
            VK_STRUCTURE_TYPE_PRESENT_INFO_KHR, nullptr, 0, nullptr, 2, swapchains, indices, results};
        ASSERT_EQ(device().vk.QueuePresentKHR(device().queue(), &info), VK_SUCCESS);
        EXPECT_THAT(results, Each(VK_SUCCESS));
    }
}

TEST_P(SharedImageInEachMode, ItsSuccessorTakesOver)
{
    Window window(sharedDevice(), shared(GetParam()));
    window.acquireNow();
    draw(window, 1);
    ASSERT_EQ(window.present(0), VK_SUCCESS);
    const VkSwapchainKHR old = window.swapchain;
    ASSERT_EQ(window.recreate(), VK_SUCCESS);
    // What the application still has of the old one may be presented.
    const uint32_t index = 0;
    const VkPresentInfoKHR info{VK_STRUCTURE_TYPE_PRESENT_INFO_KHR, nullptr, 0, nullptr, 1, &old, &index, nullptr};
    const VkResult result = device().vk.QueuePresentKHR(device().queue(), &info);
    EXPECT_TRUE(result == VK_SUCCESS || result == VK_ERROR_OUT_OF_DATE_KHR) << result;
    EXPECT_EQ(window.acquireNow(), 0u);
    draw(window, 2);
    EXPECT_EQ(window.present(0), VK_SUCCESS);
}

TEST_P(SharedImageInEachMode, ALostDeviceIsTold)
{
    Window window(sharedDevice(), shared(GetParam()));
    window.acquireNow();
    draw(window, 1);
    ASSERT_EQ(window.present(0), VK_SUCCESS);
    EXPECT_EQ(status(window), VK_SUCCESS);
    driver.loseDevices();
    EXPECT_EQ(device().vk.DeviceWaitIdle(device().handle), VK_ERROR_DEVICE_LOST);
    EXPECT_EQ(status(window), VK_ERROR_DEVICE_LOST);
}

TEST_P(SharedImageInEachMode, WantOfMemoryIsReportedAndNothingLeaks)
{
    sharedDevice();
    WindowOptions options = shared(GetParam());
    options.surface = instance().createSurface();
    bool hit = true;
    for (unsigned n = 1; hit && n < 200; ++n) {
        driver.failNthAllocation(n, VK_ERROR_OUT_OF_DEVICE_MEMORY);
        const Window window(device(), options);
        hit = driver.faultWasHit();
        driver.clearFaults();
        if (!hit) {
            EXPECT_EQ(window.result, VK_SUCCESS);
            EXPECT_GT(n, 3u);
            break;
        }
        EXPECT_TRUE(window.result == VK_ERROR_OUT_OF_DEVICE_MEMORY || window.result == VK_ERROR_OUT_OF_HOST_MEMORY)
            << window.result;
    }
    EXPECT_FALSE(hit);
    instance().vk.DestroySurfaceKHR(instance().handle, options.surface, nullptr);
}

TEST_P(SharedImageInEachMode, ShowsWhatWasPresented)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "100000"});
    Window window(sharedDevice(), shared(GetParam()));
    window.acquireNow();
    for (const uint32_t number : {11u, 22u, 33u}) {
        draw(window, number);
        ASSERT_EQ(window.present(0), VK_SUCCESS);
        EXPECT_TRUE(comesOut(number));
    }
}

TEST_P(SharedImageInEachMode, ShowsWhatWasPresentedByImport)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "100000"}, {"VENUS_WSI_COPY", "import"});
    add(mock::DeviceSpec::venus().withExternalMemoryHost());
    Window window(sharedDevice(), shared(GetParam()));
    window.acquireNow();
    for (const uint32_t number : {11u, 22u, 33u, 44u, 55u}) {
        draw(window, number);
        ASSERT_EQ(window.present(0), VK_SUCCESS);
        EXPECT_TRUE(comesOut(number));
    }
}

TEST_P(SharedImageInEachMode, ShowsWhatWasPresentedWhereDirectIsWished)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "100000"}, {"VENUS_WSI_COPY", "direct"});
    mock::DeviceSpec spec = mock::DeviceSpec::venus().withExternalMemoryHost();
    spec.linearColorAttachments = true;
    add(spec);
    Window window(sharedDevice(), shared(GetParam()));
    window.acquireNow();
    for (const uint32_t number : {11u, 22u, 33u, 44u, 55u}) {
        draw(window, number);
        ASSERT_EQ(window.present(0), VK_SUCCESS);
        EXPECT_TRUE(comesOut(number));
    }
}

TEST_P(SharedImageInEachMode, AFloodEndsWithTheLatest)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "50000"});
    Window window(sharedDevice(), shared(GetParam()));
    window.acquireNow();
    for (uint32_t i = 1; i <= 200; ++i) {
        draw(window, i);
        ASSERT_EQ(window.present(0), VK_SUCCESS);
    }
    EXPECT_TRUE(comesOut(200));
}

TEST_F(SharedImage, DemandShowsNothingWithoutAPresent)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "100000"});
    Window window(sharedDevice(), shared(kDemand));
    window.acquireNow();
    draw(window, 1);
    ASSERT_EQ(window.present(0), VK_SUCCESS);
    EXPECT_TRUE(comesOut(1));
    draw(window, 2);
    std::this_thread::sleep_for(100ms);
    EXPECT_THAT(numbers(1), ElementsAre(1u));
}

TEST_F(SharedImage, DemandIsPacedByTheDisplay)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "10000"});
    Window window(sharedDevice(), shared(kDemand));
    window.acquireNow();
    draw(window, 1);
    const Stopwatch watch;
    while (watch.elapsed() < 450ms) {
        ASSERT_EQ(window.present(0), VK_SUCCESS);
        std::this_thread::sleep_for(2ms);
    }
    EXPECT_LE(shownFrames(childFolder()).size(), 6u);
    EXPECT_GE(shownFrames(childFolder()).size(), 3u);
}

TEST_F(SharedImage, ContinuousShowsNothingBeforeTheFirstPresent)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "100000"});
    Window window(sharedDevice(), shared(kContinuous));
    window.acquireNow();
    draw(window, 1);
    std::this_thread::sleep_for(80ms);
    EXPECT_TRUE(shownFrames(childFolder()).empty());
}

TEST_F(SharedImage, ContinuousShowsChangesWithoutAPresent)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "50000"});
    Window window(sharedDevice(), shared(kContinuous));
    window.acquireNow();
    draw(window, 1);
    ASSERT_EQ(window.present(0), VK_SUCCESS);
    EXPECT_TRUE(comesOut(1));
    for (const uint32_t number : {2u, 3u, 4u}) {
        draw(window, number);
        EXPECT_TRUE(comesOut(number));
    }
}

TEST_F(SharedImage, ContinuousKeepsToTheRefreshRate)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "20000"});
    Window window(sharedDevice(), shared(kContinuous));
    window.acquireNow();
    draw(window, 1);
    ASSERT_EQ(window.present(0), VK_SUCCESS);
    numbers(1);
    std::this_thread::sleep_for(500ms);
    const size_t shown = shownFrames(childFolder()).size();
    EXPECT_GE(shown, 6u);
    EXPECT_LE(shown, 13u);
}

TEST_F(SharedImage, ContinuousEndsWithItsSwapchain)
{
    sharedDevice();
    Window window(device(), shared(kContinuous));
    window.acquireNow();
    draw(window, 1);
    ASSERT_EQ(window.present(0), VK_SUCCESS);
    std::this_thread::sleep_for(50ms);
    EXPECT_GT(driver.submissionCount(), 2u);
    window.destroySwapchain();
    driver.resetRecords();
    std::this_thread::sleep_for(80ms);
    EXPECT_EQ(driver.submissionCount(), 0u);
}

TEST_F(SharedImage, ContinuousEndsWhenItIsRetired)
{
    sharedDevice();
    Window window(device(), shared(kContinuous));
    window.acquireNow();
    draw(window, 1);
    ASSERT_EQ(window.present(0), VK_SUCCESS);
    std::this_thread::sleep_for(50ms);
    ASSERT_EQ(window.recreate(), VK_SUCCESS);
    std::this_thread::sleep_for(50ms);
    driver.resetRecords();
    std::this_thread::sleep_for(80ms);
    EXPECT_EQ(driver.submissionCount(), 0u);
}

TEST_F(SharedImage, TheModeMayChange)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "50000"});
    sharedDevice();
    const VkPresentModeKHR both[] = {kDemand, kContinuous};
    const VkSwapchainPresentModesCreateInfoEXT create{VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_MODES_CREATE_INFO_EXT,
                                                      nullptr, 2, both};
    WindowOptions options = shared(kDemand);
    options.next = &create;
    Window window(device(), options);
    ASSERT_EQ(window.result, VK_SUCCESS);
    window.acquireNow();
    draw(window, 1);
    const VkSwapchainPresentModeInfoEXT toContinuous{VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_MODE_INFO_EXT, nullptr, 1,
                                                     &kContinuous};
    ASSERT_EQ(window.present(0, {}, &toContinuous), VK_SUCCESS);
    EXPECT_TRUE(comesOut(1));
    draw(window, 2);
    EXPECT_TRUE(comesOut(2));
    draw(window, 3);
    const VkSwapchainPresentModeInfoEXT toDemand{VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_MODE_INFO_EXT, nullptr, 1,
                                                 &kDemand};
    ASSERT_EQ(window.present(0, {}, &toDemand), VK_SUCCESS);
    EXPECT_TRUE(comesOut(3));
    std::this_thread::sleep_for(60ms);
    draw(window, 4);
    std::this_thread::sleep_for(80ms);
    EXPECT_FALSE(numbers(1).back() == 4u);
}

TEST_F(SharedImage, ContinuousKeepsOffTheApplicationsQueue)
{
    IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "1000000"});
    sharedDevice();
    driver.setDwell(50us);
    Window window(device(), shared(kContinuous));
    window.acquireNow();
    draw(window, 1);
    ASSERT_EQ(window.present(0), VK_SUCCESS);
    const Stopwatch watch;
    while (watch.elapsed() < 300ms) {
        ASSERT_EQ(device().submit({}), VK_SUCCESS);
        ASSERT_EQ(device().vk.QueueWaitIdle(device().queue()), VK_SUCCESS);
    }
    driver.setDwell(0us);
}

TEST_F(SharedImage, ContinuousIsPatientWithWorkThatIsNotToRunYet)
{
    IN_PROCESS_WITH({"VENUS_WSI_TIMEOUT_MS", "200"});
    sharedDevice();
    Window window(device(), shared(kContinuous));
    window.acquireNow();
    draw(window, 1);
    const uint64_t id = 1;
    const VkPresentIdKHR ids{VK_STRUCTURE_TYPE_PRESENT_ID_KHR, nullptr, 1, &id};
    ASSERT_EQ(window.present(0, {}, &ids), VK_SUCCESS);
    ASSERT_EQ(device().vk.WaitForPresentKHR(device().handle, window.swapchain, 1, 5'000'000'000), VK_SUCCESS);
    const VkSemaphore later = device().timeline();
    const uint64_t value = 1;
    const VkTimelineSemaphoreSubmitInfo values{
        VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO, nullptr, 1, &value, 0, nullptr};
    const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
    const VkSubmitInfo blocked{VK_STRUCTURE_TYPE_SUBMIT_INFO, &values, 1, &later, &stage, 0, nullptr, 0, nullptr};
    ASSERT_EQ(device().vk.QueueSubmit(device().queue(), 1, &blocked, VK_NULL_HANDLE), VK_SUCCESS);
    std::this_thread::sleep_for(500ms);
    EXPECT_EQ(status(window), VK_SUCCESS);
    const VkSemaphoreSignalInfo signal{VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO, nullptr, later, 1};
    ASSERT_EQ(device().vk.SignalSemaphore(device().handle, &signal), VK_SUCCESS);
    device().vk.DeviceWaitIdle(device().handle);
    EXPECT_EQ(status(window), VK_SUCCESS);
}

TEST_F(SharedImage, PresentedOnTheOtherQueueItIsCopiedThere)
{
    sharedDevice();
    Window window(device(), shared(kDemand));
    window.acquireNow();
    for (const uint32_t queue : {1u, 0u}) {
        ASSERT_EQ(window.draw(0, {{1, 0, 0, 1}}, VK_NULL_HANDLE, VK_NULL_HANDLE, queue), VK_SUCCESS);
        device().vk.DeviceWaitIdle(device().handle);
        driver.resetRecords();
        ASSERT_EQ(window.present(0, {}, nullptr, queue), VK_SUCCESS);
        const Stopwatch watch;
        while (driver.submits().empty() && watch.elapsed() < 5s)
            std::this_thread::sleep_for(1ms);
        ASSERT_FALSE(driver.submits().empty());
        EXPECT_EQ(driver.submits()[0].queue, device().queues[queue]);
    }
}

TEST_F(SharedImage, AliasesShareItsMemory)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_COPY", "staged"});
    Window window(sharedDevice(), shared(kDemand));
    window.acquireNow();
    const VkImage alias = window.makeAlias();
    ASSERT_EQ(window.bindAlias(alias, 0), VK_SUCCESS);
    ASSERT_EQ(device().submit(
                  {}, {window.recordClear(window.images[0], {{0, 0, 0, 1}}), window.recordClear(alias, numbered(77))}),
              VK_SUCCESS);
    ASSERT_EQ(window.present(0), VK_SUCCESS);
    EXPECT_TRUE(comesOut(77));
    device().vk.DeviceWaitIdle(device().handle);
    device().vk.DestroyImage(device().handle, alias, nullptr);
}

} // namespace vwsi::testing
