// Threads: what the layer does on its own must never meet the application on a queue (design rule 2). The mock reports
// two threads in one queue; thread-sanitizer builds watch the layer's own state.
#include "harness/layer_test.h"

#include <atomic>
#include <thread>

namespace vwsi::testing {

namespace {

using namespace std::chrono_literals;

class Concurrency : public LayerTest {
protected:
    /// `frames` frames of a window of its own on one queue.
    void render(TestDevice& on, uint32_t queue, unsigned frames, std::atomic<int>* failures)
    {
        Window window(on);
        for (unsigned i = 0; i < frames; ++i) {
            if (window.frame({{0.5f, 0.5f, 0.5f, 1}}, queue) != VK_SUCCESS)
                ++*failures;
        }
        on.vk.QueueWaitIdle(on.queues[queue]);
    }

    TestDevice& startWithRelease()
    {
        VkPhysicalDeviceSwapchainMaintenance1FeaturesEXT feature{
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SWAPCHAIN_MAINTENANCE_1_FEATURES_EXT, nullptr, VK_TRUE};
        DeviceOptions options;
        options.extensions = {"VK_KHR_swapchain", "VK_EXT_swapchain_maintenance1"};
        options.next = &feature;
        return makeDevice(options);
    }

    /// Acquires images with a fence, waits for it and gives them back; the number of calls that failed.
    static int acquireAndRelease(const Window& window, int times)
    {
        TestDevice& d = window.device;
        const VkFence fence = d.fence();
        int failures = 0;
        for (int i = 0; i < times; ++i) {
            uint32_t index = 0;
            failures += window.acquire(&index, VK_NULL_HANDLE, fence) != VK_SUCCESS;
            failures += !d.wait(fence);
            d.vk.ResetFences(d.handle, 1, &fence);
            const VkReleaseSwapchainImagesInfoEXT release{VK_STRUCTURE_TYPE_RELEASE_SWAPCHAIN_IMAGES_INFO_EXT, nullptr,
                                                          window.swapchain, 1, &index};
            failures += d.vk.ReleaseSwapchainImagesEXT(d.handle, &release) != VK_SUCCESS;
        }
        return failures;
    }
};

} // namespace

TEST_F(Concurrency, TwoThreadsOnTwoQueues)
{
    TestDevice& shared = device();
    driver.setDwell(50us);
    std::atomic<int> failures{0};
    // Helper objects of a TestDevice are for one thread, so each thread has a device object of its own queue's work:
    // two devices of one instance, and below two queues of one device.
    TestDevice second(instance());
    std::thread other([&] { render(second, 0, 60, &failures); });
    render(shared, 1, 60, &failures);
    other.join();
    EXPECT_EQ(failures, 0);
}

TEST_F(Concurrency, TwoQueuesOfOneDevice)
{
    TestDevice& d = device();
    Window first(d);
    Window second(d);
    constexpr unsigned kFrames = 60;
    // Everything that needs the shared helpers is made before the threads start.
    struct Lane {
        Window* window;
        uint32_t queue;
        std::vector<VkSemaphore> ready;
        std::vector<VkSemaphore> done;
        std::vector<std::vector<VkCommandBuffer>> commands;
    };
    std::vector<Lane> lanes;
    for (Window* window : {&first, &second}) {
        Lane lane{window, static_cast<uint32_t>(lanes.size()), {}, {}, {}};
        for (unsigned i = 0; i < kFrames; ++i) {
            lane.ready.push_back(d.semaphore());
            lane.done.push_back(d.semaphore());
            lane.commands.emplace_back();
            for (VkImage image : window->images)
                lane.commands.back().push_back(window->recordClear(image, {{0, 1, 1, 1}}));
        }
        lanes.push_back(std::move(lane));
    }
    driver.setCompletion(mock::Completion::Threaded, 50us);
    driver.setDwell(20us);
    std::atomic<int> failures{0};
    const auto run = [&](const Lane& lane) {
        for (unsigned i = 0; i < kFrames; ++i) {
            uint32_t index = 0;
            if (lane.window->acquire(&index, lane.ready[i]) != VK_SUCCESS ||
                d.submit({lane.ready[i]}, {lane.commands[i][index]}, {lane.done[i]}, VK_NULL_HANDLE, lane.queue) !=
                    VK_SUCCESS ||
                lane.window->present(index, {lane.done[i]}, nullptr, lane.queue) != VK_SUCCESS)
                ++failures;
        }
    };
    std::thread other([&] { run(lanes[1]); });
    run(lanes[0]);
    other.join();
    d.vk.DeviceWaitIdle(d.handle);
    EXPECT_EQ(failures, 0);
    driver.setCompletion(mock::Completion::Immediate);
}

TEST_F(Concurrency, AcquireFencesDoNotRaceWithSubmissions)
{
    TestDevice& d = startWithRelease();
    Window window(d);
    driver.setDwell(200us);
    std::atomic<bool> stop{false};
    std::atomic<int> failures{0};
    // One thread has both queues to itself, the other only acquires: the application keeps all rules.
    std::thread submitter([&] {
        while (!stop) {
            for (uint32_t queue = 0; queue < 2; ++queue)
                failures += d.submit({}, {}, {}, VK_NULL_HANDLE, queue) != VK_SUCCESS;
        }
    });
    failures += acquireAndRelease(window, 50);
    stop = true;
    submitter.join();
    EXPECT_EQ(failures, 0);
}

TEST_F(Concurrency, AcquireFencesDoNotRaceWithWaitIdle)
{
    TestDevice& d = startWithRelease();
    Window window(d);
    driver.setDwell(200us);
    std::atomic<bool> stop{false};
    std::thread waiter([&] {
        while (!stop) {
            d.vk.DeviceWaitIdle(d.handle);
            d.vk.QueueWaitIdle(d.queues[0]);
            d.vk.QueueWaitIdle(d.queues[1]);
        }
    });
    const int failures = acquireAndRelease(window, 50);
    stop = true;
    waiter.join();
    EXPECT_EQ(failures, 0);
}

TEST_F(Concurrency, PresenterThreadsLeaveQueuesAlone)
{
    Window window(device());
    driver.setCompletion(mock::Completion::Threaded, 200us);
    driver.setDwell(100us);
    for (int i = 0; i < 60; ++i) {
        ASSERT_EQ(window.frame(), VK_SUCCESS);
        ASSERT_EQ(device().submit({}), VK_SUCCESS);
    }
    device().vk.DeviceWaitIdle(device().handle);
    driver.setCompletion(mock::Completion::Immediate);
}

TEST_F(Concurrency, WaitIdleUnderLoad)
{
    Window first(device());
    Window second(device());
    driver.setCompletion(mock::Completion::Threaded, 200us);
    for (int i = 0; i < 40; ++i) {
        ASSERT_EQ(first.frame(), VK_SUCCESS);
        ASSERT_EQ(second.frame({{0, 0, 0, 1}}, 1), VK_SUCCESS);
        ASSERT_EQ(device().vk.DeviceWaitIdle(device().handle), VK_SUCCESS);
        ASSERT_EQ(device().vk.QueueWaitIdle(device().queue()), VK_SUCCESS);
    }
    driver.setCompletion(mock::Completion::Immediate);
}

TEST_F(Concurrency, FourSwapchainsInTurn)
{
    std::vector<std::unique_ptr<Window>> windows;
    for (int i = 0; i < 4; ++i)
        windows.push_back(std::make_unique<Window>(device()));
    driver.setCompletion(mock::Completion::Threaded, 100us);
    for (int i = 0; i < 20; ++i) {
        for (const auto& window : windows)
            ASSERT_EQ(window->frame(), VK_SUCCESS);
    }
    device().vk.DeviceWaitIdle(device().handle);
    windows.clear();
    driver.setCompletion(mock::Completion::Immediate);
}

TEST_F(Concurrency, SemaphoresComeAndGoBesideFrames)
{
    TestDevice& d = device();
    Window window(d);
    std::atomic<bool> stop{false};
    std::thread churner([&] {
        const VkSemaphoreCreateInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, nullptr, 0};
        while (!stop) {
            VkSemaphore semaphore = VK_NULL_HANDLE;
            d.vk.CreateSemaphore(d.handle, &info, nullptr, &semaphore);
            d.vk.DestroySemaphore(d.handle, semaphore, nullptr);
        }
    });
    int failures = 0;
    for (int i = 0; i < 80; ++i)
        failures += window.frame() != VK_SUCCESS;
    stop = true;
    churner.join();
    EXPECT_EQ(failures, 0);
}

TEST_F(Concurrency, InstancesAndDevicesOnFourThreads)
{
    add(mock::DeviceSpec::venus());
    std::vector<std::thread> threads;
    std::atomic<int> failures{0};
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 5; ++i) {
                TestInstance own;
                TestDevice ownDevice(own);
                Window window(ownDevice);
                for (int j = 0; j < 5; ++j)
                    failures += window.frame() != VK_SUCCESS;
                ownDevice.vk.DeviceWaitIdle(ownDevice.handle);
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(failures, 0);
}

TEST_F(Concurrency, QueriesBesideFrames)
{
    Window window(device());
    std::atomic<bool> stop{false};
    std::thread asker([&] {
        const auto& vk = instance().vk;
        while (!stop) {
            VkSurfaceCapabilitiesKHR capabilities{};
            vk.GetPhysicalDeviceSurfaceCapabilitiesKHR(instance().physicalDevices[0], window.surface, &capabilities);
            uint32_t count = 0;
            vk.EnumerateDeviceExtensionProperties(instance().physicalDevices[0], nullptr, &count, nullptr);
        }
    });
    int failures = 0;
    for (int i = 0; i < 50; ++i)
        failures += window.frame() != VK_SUCCESS;
    stop = true;
    asker.join();
    EXPECT_EQ(failures, 0);
}

} // namespace vwsi::testing
