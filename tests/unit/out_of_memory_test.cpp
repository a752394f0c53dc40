// Memory that runs out at every point of swapchain creation and of the other calls that make something: an honest
// result, nothing left behind, and a next try that works.
#include "harness/layer_test.h"
#include "mock/heap_probe.h"
#include "mock/host_allocations.h"

#include <algorithm>

namespace vwsi::testing {

namespace {

using ::testing::IsEmpty;

constexpr unsigned kFar = 2000; ///< more allocations than any call makes; a loop that gets there does not end

class OutOfMemory : public LayerTest {
protected:
    mock::HostAllocations allocations;

    void TearDown() override
    {
        LayerTest::TearDown();
        EXPECT_THAT(allocations.errors(), IsEmpty());
        EXPECT_EQ(allocations.live(), 0u);
    }

    /// Objects that exist on the device. What the layer keeps there for all swapchains must exist already, so a window
    /// has to come and go first.
    size_t objects() const { return driver.liveObjects().size(); }

    void warmUp()
    {
        const Window window(device());
        ASSERT_EQ(window.result, VK_SUCCESS);
    }

    /// Creates swapchains on what `deviceFor` gives, each time with another heap allocation failing, until none fails;
    /// the number of creations that ran out of memory.
    template <typename DeviceFor> unsigned failCreations(DeviceFor&& deviceFor)
    {
        const VkSurfaceKHR surface = instance().createSurface();
        VkSwapchainCreateInfoKHR info{};
        info.sType = VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR;
        info.surface = surface;
        info.minImageCount = 3;
        info.imageFormat = VK_FORMAT_B8G8R8A8_UNORM;
        info.imageExtent = {16, 16};
        info.imageArrayLayers = 1;
        info.imageUsage = VK_IMAGE_USAGE_TRANSFER_DST_BIT;
        info.preTransform = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR;
        info.compositeAlpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR;
        info.presentMode = VK_PRESENT_MODE_FIFO_KHR;
        unsigned failures = 0;
        bool hit = true;
        for (unsigned n = 1; hit && n < kFar; ++n) {
            TestDevice& on = deviceFor();
            VkSwapchainKHR swapchain = VK_NULL_HANDLE;
            VkResult result = VK_SUCCESS;
            {
                const mock::HeapProbe::Failure failure(n);
                result = on.vk.CreateSwapchainKHR(on.handle, &info, nullptr, &swapchain);
                hit = failure.wasHit();
            }
            EXPECT_TRUE(result == VK_SUCCESS || outOfMemory(result)) << "allocation " << n << " result " << result;
            if (result == VK_SUCCESS)
                on.vk.DestroySwapchainKHR(on.handle, swapchain, nullptr);
            failures += outOfMemory(result) ? 1 : 0;
            auto kinds = driver.liveObjects();
            for (const char* kind : {"VkImage", "VkBuffer", "VkDeviceMemory"})
                EXPECT_EQ(std::count(kinds.begin(), kinds.end(), kind), 0) << kind << ", allocation " << n;
            if (HasFailure())
                break;
        }
        instance().vk.DestroySurfaceKHR(instance().handle, surface, nullptr);
        return failures;
    }

    static bool outOfMemory(VkResult result)
    {
        return result == VK_ERROR_OUT_OF_HOST_MEMORY || result == VK_ERROR_OUT_OF_DEVICE_MEMORY;
    }
};

} // namespace

TEST_F(OutOfMemory, TheApplicationsAllocatorIsUsedAndEmptied)
{
    const VkSurfaceKHR surface = instance().createSurface(allocations.callbacks());
    WindowOptions options;
    options.surface = surface;
    options.allocator = allocations.callbacks();
    {
        Window window(device(), options);
        ASSERT_EQ(window.result, VK_SUCCESS);
        EXPECT_GT(allocations.live(), 0u);
        for (int i = 0; i < 5; ++i)
            EXPECT_EQ(window.frame(), VK_SUCCESS);
        ASSERT_EQ(window.recreate(), VK_SUCCESS);
        EXPECT_EQ(window.frame(), VK_SUCCESS);
    }
    instance().vk.DestroySurfaceKHR(instance().handle, surface, allocations.callbacks());
    EXPECT_EQ(allocations.live(), 0u);
}

TEST_F(OutOfMemory, ScopesAreThoseOfTheSpec)
{
    WindowOptions options;
    options.allocator = allocations.callbacks();
    const Window window(device(), options);
    ASSERT_EQ(window.result, VK_SUCCESS);
    EXPECT_EQ(allocations.count(VK_SYSTEM_ALLOCATION_SCOPE_DEVICE), 0u) << "a swapchain is an object";
    EXPECT_EQ(allocations.count(VK_SYSTEM_ALLOCATION_SCOPE_INSTANCE), 0u);
    EXPECT_GT(allocations.count(VK_SYSTEM_ALLOCATION_SCOPE_OBJECT), 0u);
}

TEST_F(OutOfMemory, SwapchainCreationAtEveryHostAllocation)
{
    warmUp();
    unsigned failures = 0;
    for (unsigned n = 1; n < kFar; ++n) {
        const VkSurfaceKHR surface = instance().createSurface();
        const size_t before = objects();
        allocations.failNth(n);
        VkResult result = VK_SUCCESS;
        {
            WindowOptions options;
            options.surface = surface;
            options.allocator = allocations.callbacks();
            const Window window(device(), options);
            result = window.result;
        }
        const bool hit = allocations.faultWasHit();
        allocations.failNth(0);
        instance().vk.DestroySurfaceKHR(instance().handle, surface, nullptr);
        ASSERT_EQ(allocations.live(), 0u) << "allocation " << n;
        ASSERT_EQ(objects(), before) << "allocation " << n;
        if (!hit) {
            EXPECT_EQ(result, VK_SUCCESS);
            break;
        }
        ASSERT_EQ(result, VK_ERROR_OUT_OF_HOST_MEMORY) << "allocation " << n;
        ++failures;
    }
    EXPECT_GT(failures, 0u);
    EXPECT_LT(failures, kFar - 2);
}

TEST_F(OutOfMemory, SwapchainCreationAtEveryDriverCall)
{
    warmUp();
    for (const VkResult wanted : {VK_ERROR_OUT_OF_DEVICE_MEMORY, VK_ERROR_OUT_OF_HOST_MEMORY}) {
        unsigned failures = 0;
        for (unsigned n = 1; n < kFar; ++n) {
            const VkSurfaceKHR surface = instance().createSurface();
            const size_t before = objects();
            driver.failNthAllocation(n, wanted);
            VkResult result = VK_SUCCESS;
            {
                WindowOptions options;
                options.surface = surface;
                const Window window(device(), options);
                result = window.result;
            }
            const bool hit = driver.faultWasHit();
            driver.clearFaults();
            instance().vk.DestroySurfaceKHR(instance().handle, surface, nullptr);
            ASSERT_EQ(objects(), before) << "call " << n;
            if (!hit)
                break;
            // A layer may do without what it wanted for speed alone; otherwise the result is the driver's.
            ASSERT_TRUE(result == VK_SUCCESS || result == wanted) << "call " << n << " result " << result;
            failures += result == wanted ? 1 : 0;
        }
        EXPECT_GT(failures, 5u);
    }
    Window window(device());
    EXPECT_EQ(window.frame(), VK_SUCCESS);
}

TEST_F(OutOfMemory, TheFirstSwapchainAtEveryDriverCall)
{
    // As above, but what the layer makes once per device has to be made each time.
    WindowOptions options;
    options.surface = instance().createSurface();
    bool hit = true;
    for (unsigned n = 1; hit && n < kFar; ++n) {
        TestDevice fresh(instance());
        driver.failNthAllocation(n, VK_ERROR_OUT_OF_DEVICE_MEMORY);
        const Window window(fresh, options);
        hit = driver.faultWasHit();
        driver.clearFaults();
        ASSERT_TRUE(window.result == VK_SUCCESS || outOfMemory(window.result)) << "call " << n;
    }
    instance().vk.DestroySurfaceKHR(instance().handle, options.surface, nullptr);
}

TEST_F(OutOfMemory, SwapchainCreationAtEveryHeapAllocation)
{
    warmUp();
    EXPECT_GT(failCreations([this]() -> TestDevice& { return device(); }), 0u);
}

TEST_F(OutOfMemory, TheFirstSwapchainAtEveryHeapAllocation)
{
    std::unique_ptr<TestDevice> fresh;
    EXPECT_GT(failCreations([&]() -> TestDevice& {
                  fresh = std::make_unique<TestDevice>(instance());
                  return *fresh;
              }),
              0u);
}

TEST_F(OutOfMemory, FramesAtEveryDriverCall)
{
    Window window(device());
    ASSERT_EQ(window.frame(), VK_SUCCESS);
    // Acquire and present may fail, but neither may lose the image for good or leave something behind.
    for (unsigned n = 1; n < 40; ++n) {
        const VkSemaphore ready = device().semaphore();
        uint32_t index = 0;
        driver.failNthAllocation(n, VK_ERROR_OUT_OF_DEVICE_MEMORY);
        VkResult result = window.acquire(&index, ready, VK_NULL_HANDLE, 5'000'000'000);
        driver.clearFaults();
        ASSERT_TRUE(result == VK_SUCCESS || outOfMemory(result)) << result;
        if (result != VK_SUCCESS)
            continue;
        ASSERT_EQ(window.draw(index, {{0, 0, 0, 1}}, ready, VK_NULL_HANDLE), VK_SUCCESS);
        driver.failNthAllocation(n, VK_ERROR_OUT_OF_DEVICE_MEMORY);
        result = window.present(index);
        driver.clearFaults();
        ASSERT_TRUE(result == VK_SUCCESS || outOfMemory(result)) << result;
        if (result != VK_SUCCESS) {
            ASSERT_EQ(window.present(index), VK_SUCCESS);
        }
    }
    EXPECT_EQ(window.frame(), VK_SUCCESS);
}

TEST_F(OutOfMemory, AcquireWithFenceAtEveryDriverCall)
{
    Window window(device());
    for (unsigned n = 1; n < 10; ++n) {
        const VkFence fence = device().fence();
        uint32_t index = 0;
        driver.failNthAllocation(n, VK_ERROR_OUT_OF_DEVICE_MEMORY);
        VkResult result = window.acquire(&index, VK_NULL_HANDLE, fence, 1'000'000'000);
        driver.clearFaults();
        if (result != VK_SUCCESS) {
            ASSERT_TRUE(outOfMemory(result)) << result;
            ASSERT_EQ(device().vk.GetFenceStatus(device().handle, fence), VK_NOT_READY);
            ASSERT_EQ(window.acquire(&index, VK_NULL_HANDLE, fence, 1'000'000'000), VK_SUCCESS);
        }
        ASSERT_TRUE(device().wait(fence));
        ASSERT_EQ(window.draw(index, {{0, 0, 0, 1}}, VK_NULL_HANDLE, VK_NULL_HANDLE), VK_SUCCESS);
        ASSERT_EQ(window.present(index), VK_SUCCESS);
    }
}

TEST_F(OutOfMemory, InstanceCreationAtEveryHeapAllocation)
{
    add(mock::DeviceSpec::venus());
    {
        const TestInstance warm;
    }
    unsigned failures = 0;
    for (unsigned n = 1; n < kFar; ++n) {
        InstanceOptions options;
        options.failHeapAt = n;
        const TestInstance tried(options);
        if (!tried.heapFailureHit)
            break;
        ASSERT_TRUE(tried.result == VK_SUCCESS || tried.result == VK_ERROR_OUT_OF_HOST_MEMORY) << n;
        failures += tried.result == VK_SUCCESS ? 0 : 1;
    }
    EXPECT_GT(failures, 0u);
}

TEST_F(OutOfMemory, DeviceCreationAtEveryHeapAllocation)
{
    instance();
    unsigned failures = 0;
    for (unsigned n = 1; n < kFar; ++n) {
        DeviceOptions options;
        options.failHeapAt = n;
        const TestDevice tried(instance(), options);
        if (!tried.heapFailureHit)
            break;
        ASSERT_TRUE(tried.result == VK_SUCCESS || tried.result == VK_ERROR_OUT_OF_HOST_MEMORY) << n;
        failures += tried.result == VK_SUCCESS ? 0 : 1;
    }
    EXPECT_GT(failures, 0u);
    EXPECT_EQ(Window(device()).frame(), VK_SUCCESS);
}

TEST_F(OutOfMemory, SurfaceCreationAtEveryHeapAllocation)
{
    instance();
    unsigned failures = 0;
    for (unsigned n = 1; n < kFar; ++n) {
        const VkHeadlessSurfaceCreateInfoEXT info{VK_STRUCTURE_TYPE_HEADLESS_SURFACE_CREATE_INFO_EXT, nullptr, 0};
        VkSurfaceKHR surface = VK_NULL_HANDLE;
        bool hit = false;
        VkResult result = VK_SUCCESS;
        {
            const mock::HeapProbe::Failure failure(n);
            result = instance().vk.CreateHeadlessSurfaceEXT(instance().handle, &info, nullptr, &surface);
            hit = failure.wasHit();
        }
        if (result == VK_SUCCESS)
            instance().vk.DestroySurfaceKHR(instance().handle, surface, nullptr);
        if (!hit)
            break;
        ASSERT_TRUE(result == VK_SUCCESS || result == VK_ERROR_OUT_OF_HOST_MEMORY) << n << " result " << result;
        failures += result == VK_SUCCESS ? 0 : 1;
    }
    EXPECT_GT(failures, 0u);
}

TEST_F(OutOfMemory, SubmissionAtEveryHeapAllocation)
{
    WindowOptions options;
    options.minImageCount = 4;
    Window window(device(), options);
    std::vector<VkSemaphore> waits(64, VK_NULL_HANDLE);
    for (VkSemaphore& wait : waits) {
        wait = device().semaphore();
        ASSERT_EQ(device().submit({}, {}, {wait}), VK_SUCCESS);
    }
    uint32_t index = 0;
    waits.push_back(device().semaphore());
    ASSERT_EQ(window.acquire(&index, waits.back()), VK_SUCCESS);
    const std::vector<VkPipelineStageFlags> stages(waits.size(), VK_PIPELINE_STAGE_TRANSFER_BIT);
    const VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO,
                            nullptr,
                            static_cast<uint32_t>(waits.size()),
                            waits.data(),
                            stages.data(),
                            0,
                            nullptr,
                            0,
                            nullptr};
    VkResult result = VK_SUCCESS;
    for (unsigned n = 1; n < kFar; ++n) {
        const mock::HeapProbe::Failure failure(n);
        result = device().vk.QueueSubmit(device().queue(), 1, &info, VK_NULL_HANDLE);
        if (result == VK_SUCCESS)
            break;
        ASSERT_EQ(result, VK_ERROR_OUT_OF_HOST_MEMORY) << n;
    }
    EXPECT_EQ(result, VK_SUCCESS);
}

TEST_F(OutOfMemory, AQueryThatCannotFailDoesNotThrow)
{
    // The first one makes the layer's record of the physical device.
    instance();
    bool hit = true;
    for (unsigned n = 1; hit && n < kFar; ++n) {
        VkPhysicalDeviceSwapchainMaintenance1FeaturesEXT feature{
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SWAPCHAIN_MAINTENANCE_1_FEATURES_EXT, nullptr, VK_FALSE};
        VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &feature, {}};
        const mock::HeapProbe::Failure failure(n);
        instance().vk.GetPhysicalDeviceFeatures2(instance().physicalDevices[0], &features);
        hit = failure.wasHit();
        EXPECT_EQ(feature.swapchainMaintenance1, hit ? VK_FALSE : VK_TRUE) << "allocation " << n;
    }
    EXPECT_FALSE(hit);
}

} // namespace vwsi::testing
