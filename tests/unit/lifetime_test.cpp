// Retirement of swapchains and their destruction in every state, which must be prompt (issue: "never a timed wait").
#include "harness/layer_test.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace vwsi::testing {

namespace {

using namespace std::chrono_literals;

class Lifetime : public LayerTest {
protected:
    /// Acquires and draws; gives the image that is ready to be presented.
    static uint32_t drawn(Window& window, VkSemaphore done)
    {
        const VkSemaphore ready = window.device.semaphore();
        uint32_t index = 0;
        EXPECT_EQ(window.acquire(&index, ready), VK_SUCCESS);
        EXPECT_EQ(window.draw(index, {{0, 1, 0, 1}}, ready, done), VK_SUCCESS);
        return index;
    }

    /// The layer's own threads; a sanitizer has some, too.
    static size_t threadCount()
    {
        size_t count = 0;
        for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
            std::string name;
            std::getline(std::ifstream(task.path() / "comm"), name);
            count += name.starts_with("venus-wsi") ? 1 : 0;
        }
        return count;
    }

    /// Who joins a thread may still see it for a moment.
    static bool threadsEnd()
    {
        const Stopwatch watch;
        while (threadCount() > 0 && watch.elapsed() < 2s)
            std::this_thread::sleep_for(1ms);
        return threadCount() == 0;
    }

    static bool shown(VkResult result) { return result == VK_SUCCESS || result == VK_SUBOPTIMAL_KHR; }

    VkResult presentOn(VkSwapchainKHR swapchain, uint32_t index, VkSemaphore wait)
    {
        VkPresentInfoKHR info{};
        info.sType = VK_STRUCTURE_TYPE_PRESENT_INFO_KHR;
        info.waitSemaphoreCount = wait ? 1 : 0;
        info.pWaitSemaphores = &wait;
        info.swapchainCount = 1;
        info.pSwapchains = &swapchain;
        info.pImageIndices = &index;
        return device().vk.QueuePresentKHR(device().queue(), &info);
    }
};

} // namespace

TEST_F(Lifetime, ARetiredSwapchainGivesNoImages)
{
    Window window(device());
    const VkSwapchainKHR old = window.swapchain;
    ASSERT_EQ(window.recreate(), VK_SUCCESS);
    uint32_t index = 0;
    EXPECT_EQ(device().vk.AcquireNextImageKHR(device().handle, old, 0, device().semaphore(), VK_NULL_HANDLE, &index),
              VK_ERROR_OUT_OF_DATE_KHR);
    EXPECT_EQ(window.frame(), VK_SUCCESS);
}

TEST_F(Lifetime, ImagesOfARetiredSwapchainCanBePresented)
{
    Window window(device());
    const VkSemaphore done = device().semaphore();
    const uint32_t index = drawn(window, done);
    const VkSwapchainKHR old = window.swapchain;
    ASSERT_EQ(window.recreate(), VK_SUCCESS);
    EXPECT_TRUE(shown(presentOn(old, index, done)));
    EXPECT_FALSE(driver.semaphoreSignalled(done)) << "the wait is consumed";
    EXPECT_EQ(window.frame(), VK_SUCCESS);
}

TEST_F(Lifetime, PresentingOldAfterNewStillConsumesItsWait)
{
    Window window(device());
    const VkSemaphore done = device().semaphore();
    const uint32_t index = drawn(window, done);
    const VkSwapchainKHR old = window.swapchain;
    ASSERT_EQ(window.recreate(), VK_SUCCESS);
    ASSERT_EQ(window.frame(), VK_SUCCESS);
    const VkResult result = presentOn(old, index, done);
    EXPECT_TRUE(shown(result) || result == VK_ERROR_OUT_OF_DATE_KHR) << result;
    device().vk.DeviceWaitIdle(device().handle);
    EXPECT_FALSE(driver.semaphoreSignalled(done));
}

TEST_F(Lifetime, AcquireSemaphoresOfTheOldSwapchainStaySatisfied)
{
    Window window(device());
    const VkSemaphore ready = device().semaphore();
    const VkSemaphore done = device().semaphore();
    uint32_t index = 0;
    ASSERT_EQ(window.acquire(&index, ready), VK_SUCCESS);
    const VkSwapchainKHR old = window.swapchain;
    const std::vector<VkImage> images = window.images;
    ASSERT_EQ(window.recreate(), VK_SUCCESS);
    EXPECT_EQ(device().submit({ready}, {window.recordClear(images[index], {{0, 0, 1, 1}})}, {done}), VK_SUCCESS);
    EXPECT_TRUE(shown(presentOn(old, index, done)));
}

TEST_F(Lifetime, AFailedRecreationStillRetires)
{
    Window window(device());
    const VkSwapchainKHR old = window.swapchain;
    driver.failNth("vkCreateImage", 1, VK_ERROR_OUT_OF_DEVICE_MEMORY);
    EXPECT_EQ(window.recreate(), VK_ERROR_OUT_OF_DEVICE_MEMORY);
    uint32_t index = 0;
    EXPECT_EQ(device().vk.AcquireNextImageKHR(device().handle, old, 0, device().semaphore(), VK_NULL_HANDLE, &index),
              VK_ERROR_OUT_OF_DATE_KHR);
}

TEST_F(Lifetime, TheOldSwapchainMayBeDestroyedAtOnce)
{
    Window window(device());
    ASSERT_EQ(window.frame(), VK_SUCCESS);
    const VkSwapchainKHR old = window.swapchain;
    WindowOptions options;
    options.surface = window.surface;
    options.oldSwapchain = old;
    Window next(device(), options);
    ASSERT_EQ(next.result, VK_SUCCESS);
    window.destroySwapchain();
    EXPECT_EQ(next.frame(), VK_SUCCESS);
}

TEST_F(Lifetime, AChainOfRecreationsWorks)
{
    Window window(device());
    for (uint32_t i = 0; i < 12; ++i) {
        window.options.extent = {16 + i, 16 + 2 * i};
        ASSERT_EQ(window.recreate(), VK_SUCCESS);
        ASSERT_EQ(window.frame(), VK_SUCCESS);
        ASSERT_EQ(window.frame(), VK_SUCCESS);
    }
}

TEST_F(Lifetime, TheSurfaceTakesANewSwapchainAfterTheLast)
{
    Window window(device());
    ASSERT_EQ(window.frame(), VK_SUCCESS);
    window.destroySwapchain();
    WindowOptions options;
    options.surface = window.surface;
    Window second(device(), options);
    ASSERT_EQ(second.result, VK_SUCCESS);
    EXPECT_EQ(second.frame(), VK_SUCCESS);
}

TEST_F(Lifetime, DestroyingANullSwapchainIsNothing)
{
    device().vk.DestroySwapchainKHR(device().handle, VK_NULL_HANDLE, nullptr);
    instance().vk.DestroySurfaceKHR(instance().handle, VK_NULL_HANDLE, nullptr);
}

TEST_F(Lifetime, DestroyWhenFresh)
{
    Window window(device());
    const Stopwatch watch;
    window.destroySwapchain();
    EXPECT_LT(watch.elapsed(), 1s);
}

TEST_F(Lifetime, DestroyWithAcquiredImages)
{
    Window window(device());
    uint32_t index = 0;
    ASSERT_EQ(window.acquire(&index, device().semaphore()), VK_SUCCESS);
    ASSERT_NE(window.acquireNow(), UINT32_MAX);
    const Stopwatch watch;
    window.destroySwapchain();
    EXPECT_LT(watch.elapsed(), 1s);
}

TEST_F(Lifetime, DestroyRightAfterPresent)
{
    Window window(device());
    ASSERT_EQ(window.frame(), VK_SUCCESS);
    device().vk.DeviceWaitIdle(device().handle);
    const Stopwatch watch;
    window.destroySwapchain();
    EXPECT_LT(watch.elapsed(), 1s);
}

TEST_F(Lifetime, DestroyWhileTheCopyIsOnItsWay)
{
    Window window(device());
    driver.setCompletion(mock::Completion::Threaded, 100ms);
    ASSERT_EQ(window.frame(), VK_SUCCESS);
    ASSERT_EQ(window.frame(), VK_SUCCESS);
    // Objects that the device still uses must not go; the mock reports it if they do.
    window.destroySwapchain();
    device().vk.DeviceWaitIdle(device().handle);
}

TEST_F(Lifetime, DestroyIsPromptWhenFramesAreQueued)
{
    IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "1000"});
    WindowOptions options;
    options.presentMode = VK_PRESENT_MODE_FIFO_KHR;
    options.minImageCount = 4;
    Window window(device(), options);
    for (int i = 0; i < 3; ++i)
        ASSERT_EQ(window.frame(), VK_SUCCESS);
    device().vk.DeviceWaitIdle(device().handle);
    const Stopwatch watch;
    window.destroySwapchain();
    EXPECT_LT(watch.elapsed(), 700ms) << "a second is one frame of this display";
}

TEST_F(Lifetime, RecreationIsPromptWhenFramesAreQueued)
{
    IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "1000"});
    WindowOptions options;
    options.presentMode = VK_PRESENT_MODE_FIFO_KHR;
    options.minImageCount = 4;
    Window window(device(), options);
    for (int i = 0; i < 3; ++i)
        ASSERT_EQ(window.frame(), VK_SUCCESS);
    const Stopwatch watch;
    ASSERT_EQ(window.recreate(), VK_SUCCESS);
    EXPECT_LT(watch.elapsed(), 700ms);
}

TEST_F(Lifetime, DestroyOnALostDevice)
{
    Window window(device());
    driver.setCompletion(mock::Completion::Manual);
    ASSERT_EQ(window.frame(), VK_SUCCESS);
    driver.loseDevices();
    const Stopwatch watch;
    window.destroySwapchain();
    EXPECT_LT(watch.elapsed(), 2s);
}

TEST_F(Lifetime, ALostDeviceGetsNoSwapchain)
{
    Window window(device());
    ASSERT_EQ(window.frame(), VK_SUCCESS);
    driver.loseDevices();
    uint32_t index = 0;
    ASSERT_EQ(window.acquire(&index, VK_NULL_HANDLE, device().fence()), VK_ERROR_DEVICE_LOST);
    EXPECT_EQ(window.recreate(), VK_ERROR_DEVICE_LOST);
}

TEST_F(Lifetime, TimeThatNobodyHadIsNotCountedAtTheEnd)
{
    IN_PROCESS_WITH({"VENUS_WSI_TIMEOUT_MS", "800"});
    Window window(device());
    driver.setCompletion(mock::Completion::Manual);
    ASSERT_EQ(window.frame(), VK_SUCCESS);
    std::thread stopper([&] {
        std::this_thread::sleep_for(100ms);
        stopFor(1s);
        std::this_thread::sleep_for(50ms);
        driver.completeAll();
        driver.setCompletion(mock::Completion::Immediate);
    });
    window.destroySwapchain();
    stopper.join();
    Window next(device());
    EXPECT_EQ(next.result, VK_SUCCESS) << "the device is not lost";
    EXPECT_EQ(next.frame(), VK_SUCCESS);
}

TEST_F(Lifetime, ADeviceThatEndsBeforeItsSwapchainsEndsTheirThreads)
{
    IN_PROCESS_WITH({});
    DeviceOptions options;
    auto leaking = std::make_unique<TestDevice>(instance(), options);
    WindowOptions fifo;
    fifo.presentMode = VK_PRESENT_MODE_FIFO_KHR;
    auto* const window = new Window(*leaking, fifo); // NOLINT(cppcoreguidelines-owning-memory): leaked on purpose
    for (int i = 0; i < 3; ++i)
        ASSERT_EQ(window->frame(), VK_SUCCESS);
    ASSERT_GT(threadCount(), 0u);
    leaking.reset();
    EXPECT_TRUE(threadsEnd()) << "frames that were under way are nobody's any more";
    endHere();
}

TEST_F(Lifetime, AnInstanceThatEndsBeforeItsDeviceEndsItsThreads)
{
    IN_PROCESS_WITH({});
    add(mock::DeviceSpec::venus());
    auto ending = std::make_unique<TestInstance>();
    auto* const leaked = new TestDevice(*ending); // NOLINT(cppcoreguidelines-owning-memory): leaked on purpose
    auto* const window = new Window(*leaked);     // NOLINT(cppcoreguidelines-owning-memory): leaked on purpose
    ASSERT_EQ(window->frame(), VK_SUCCESS);
    ASSERT_GT(threadCount(), 0u);
    ending.reset();
    EXPECT_TRUE(threadsEnd());
    // What the leaked device belonged to is no more, and another one's end is nothing to it.
    {
        const TestInstance next;
    }
    endHere();
}

TEST_F(Lifetime, NoDeviceIsDestroyedThroughItsInstanceEither)
{
    const auto destroy = reinterpret_cast<PFN_vkDestroyDevice>(instance().proc("vkDestroyDevice"));
    ASSERT_NE(destroy, nullptr);
    destroy(VK_NULL_HANDLE, nullptr);
}

TEST_F(Lifetime, ASwapchainThatOutlivesItsSurfaceDoesNoHarm)
{
    // The application's mistake, and a common one.
    WindowOptions options;
    options.surface = instance().createSurface();
    Window window(device(), options);
    ASSERT_EQ(window.frame(), VK_SUCCESS);
    ASSERT_EQ(window.recreate(), VK_SUCCESS);
    ASSERT_EQ(window.frame(), VK_SUCCESS);
    instance().vk.DestroySurfaceKHR(instance().handle, options.surface, nullptr);
    EXPECT_EQ(window.frame(), VK_SUCCESS);
    window.destroySwapchain();
}

TEST_F(Lifetime, AFailedSwapchainCostsNothing)
{
    IN_PROCESS_WITH({"VENUS_WSI_TIMEOUT_MS", "50"});
    Window window(device());
    driver.setCompletion(mock::Completion::Stalled);
    ASSERT_EQ(window.frame(), VK_SUCCESS);
    uint32_t index = 0;
    VkResult result = VK_SUCCESS;
    while (result == VK_SUCCESS)
        result = window.acquire(&index, device().semaphore());
    ASSERT_EQ(result, VK_ERROR_DEVICE_LOST);
    // Retiring wakes the swapchain's thread, which has nothing to do any more.
    window.recreate();
    const uint64_t before = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
    std::this_thread::sleep_for(500ms);
    EXPECT_LT(nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - before, 5'000'000u)
        << "a busy machine leaves little to a loop, too";
    driver.loseDevices();
}

TEST_F(Lifetime, ASwapchainWithoutPixelsIsRefused)
{
    for (const VkExtent2D extent : {VkExtent2D{0, 16}, VkExtent2D{16, 0}}) {
        device();
        driver.resetRecords();
        WindowOptions options;
        options.extent = extent;
        const Window window(device(), options);
        EXPECT_EQ(window.result, VK_ERROR_INITIALIZATION_FAILED);
        EXPECT_EQ(driver.count("vkCreateImage"), 0u);
    }
}

TEST_F(Lifetime, SurfacesMayOutliveTheDevice)
{
    const VkSurfaceKHR surface = instance().createSurface();
    WindowOptions options;
    options.surface = surface;
    {
        Window window(device(), options);
        ASSERT_EQ(window.frame(), VK_SUCCESS);
    }
    destroyDevice();
    VkSurfaceCapabilitiesKHR capabilities{};
    EXPECT_EQ(
        instance().vk.GetPhysicalDeviceSurfaceCapabilitiesKHR(instance().physicalDevices[0], surface, &capabilities),
        VK_SUCCESS);
    instance().vk.DestroySurfaceKHR(instance().handle, surface, nullptr);
}

TEST_F(Lifetime, ASwapchainLeavesNothingBehind)
{
    // The layer may keep objects of the device (fences, a pool) for the next swapchain; they must not add up.
    TestDevice& d = device();
    for (int i = 0; i < 3; ++i) {
        Window window(d);
        ASSERT_EQ(window.frame(), VK_SUCCESS);
        ASSERT_NE(window.acquireNow(), UINT32_MAX);
    }
    d.vk.DeviceWaitIdle(d.handle);
    auto kinds = driver.liveObjects();
    std::sort(kinds.begin(), kinds.end());
    const auto layers = std::count(kinds.begin(), kinds.end(), "VkImage") +
                        std::count(kinds.begin(), kinds.end(), "VkDeviceMemory") +
                        std::count(kinds.begin(), kinds.end(), "VkBuffer");
    EXPECT_EQ(layers, 0) << "what belongs to one swapchain goes with it";
    // Each round, the test's own window makes two semaphores and a fence that live as long as the device.
    // The layer's own store may still find its level, but must not grow with every round.
    constexpr size_t kOwn = 3;
    constexpr size_t kSlack = 8;
    for (size_t round = 1; round <= 40; ++round) {
        {
            Window window(d);
            ASSERT_EQ(window.frame(), VK_SUCCESS);
            ASSERT_NE(window.acquireNow(), UINT32_MAX);
        }
        d.vk.DeviceWaitIdle(d.handle);
        ASSERT_LE(driver.liveObjects().size(), kinds.size() + kSlack + kOwn * round) << round;
    }
}

} // namespace vwsi::testing
