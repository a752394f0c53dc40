// The mock driver must notice what it is there to notice: each test misuses Vulkan without a layer in between.
#include "harness/layer_test.h"
#include "mock/heap_probe.h"
#include "mock/host_allocations.h"

#include <thread>

namespace vwsi::testing {

namespace {

using ::testing::Contains;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class MockTest : public LayerTest {
protected:
    void SetUp() override
    {
        add(mock::DeviceSpec::venus().withSynchronization2());
        InstanceOptions options;
        options.via = Via::Driver;
        makeInstance(options);
        DeviceOptions device;
        device.extensions.clear();
        makeDevice(device);
    }

    void expectError(const char* text) { EXPECT_THAT(driver.takeErrors(), Contains(HasSubstr(text))); }
};

} // namespace

TEST_F(MockTest, AcceptsAnOrdinarySubmission)
{
    const VkFence fence = device().fence();
    EXPECT_EQ(device().submit({}, {}, {}, fence), VK_SUCCESS);
    EXPECT_TRUE(device().wait(fence));
    EXPECT_THAT(driver.errors(), IsEmpty());
}

TEST_F(MockTest, ReportsWaitForSemaphoreThatNothingSignals)
{
    driver.setCompletion(mock::Completion::Stalled);
    EXPECT_EQ(device().submit({device().semaphore()}), VK_SUCCESS);
    expectError("host stuck");
    driver.loseDevices();
}

TEST_F(MockTest, BinarySemaphoreOrdersTwoQueues)
{
    driver.setCompletion(mock::Completion::Manual);
    const VkSemaphore semaphore = device().semaphore();
    device().submit({}, {}, {semaphore}, VK_NULL_HANDLE, 0);
    device().submit({semaphore}, {}, {}, VK_NULL_HANDLE, 1);
    EXPECT_EQ(driver.pendingSubmissions(), 2u);
    EXPECT_TRUE(driver.completeNext());
    EXPECT_TRUE(driver.semaphoreSignalled(semaphore));
    EXPECT_TRUE(driver.completeNext());
    EXPECT_FALSE(driver.semaphoreSignalled(semaphore));
    EXPECT_FALSE(driver.completeNext());
}

TEST_F(MockTest, ReportsSignalOfSignalledSemaphore)
{
    const VkSemaphore semaphore = device().semaphore();
    device().submit({}, {}, {semaphore});
    device().submit({}, {}, {semaphore});
    expectError("signalled already");
}

TEST_F(MockTest, ReportsDestructionOfObjectInUse)
{
    driver.setCompletion(mock::Completion::Stalled);
    const VkFence fence = device().fence();
    device().submit({}, {}, {}, fence);
    device().destroyFence(fence);
    expectError("has not completed uses this VkFence");
    driver.loseDevices();
}

TEST_F(MockTest, ReportsLeaksAtDeviceDestruction)
{
    const VkFenceCreateInfo info{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO, nullptr, 0};
    VkFence fence = VK_NULL_HANDLE;
    device().vk.CreateFence(device().handle, &info, nullptr, &fence);
    destroyDevice();
    expectError("a VkFence");
}

TEST_F(MockTest, ReportsStaleHandles)
{
    const VkFence fence = device().fence();
    device().destroyFence(fence);
    device().vk.GetFenceStatus(device().handle, fence);
    expectError("unknown or destroyed");
}

TEST_F(MockTest, ReportsPresentLayoutWithoutSwapchainExtension)
{
    const VkCommandBuffer buffer = device().begin();
    VkImageMemoryBarrier barrier{};
    barrier.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER;
    barrier.newLayout = VK_IMAGE_LAYOUT_PRESENT_SRC_KHR;
    device().vk.CmdPipelineBarrier(buffer, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0,
                                   nullptr, 0, nullptr, 1, &barrier);
    expectError("VK_KHR_swapchain");
}

TEST_F(MockTest, ReportsChainedStructOfMissingExtension)
{
    const VkImageSwapchainCreateInfoKHR extra{VK_STRUCTURE_TYPE_IMAGE_SWAPCHAIN_CREATE_INFO_KHR, nullptr, {}};
    VkImageCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO;
    info.pNext = &extra;
    info.extent = {4, 4, 1};
    info.format = VK_FORMAT_B8G8R8A8_UNORM;
    info.arrayLayers = 1;
    VkImage image = VK_NULL_HANDLE;
    device().vk.CreateImage(device().handle, &info, nullptr, &image);
    device().vk.DestroyImage(device().handle, image, nullptr);
    expectError("VkImageSwapchainCreateInfoKHR");
}

TEST_F(MockTest, ReportsTwoThreadsOnOneQueue)
{
    driver.setDwell(std::chrono::milliseconds(20));
    std::thread other([&] { device().submit({}); });
    device().submit({});
    device().submit({});
    other.join();
    expectError("two threads use the same VkQueue");
}

TEST_F(MockTest, ReportsWaitIdleDuringSubmission)
{
    driver.setDwell(std::chrono::milliseconds(50));
    std::thread other([&] { device().submit({}); });
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    device().vk.DeviceWaitIdle(device().handle);
    other.join();
    expectError("two threads use the same VkQueue");
}

TEST_F(MockTest, ReportsDescriptorsOfAHostWithoutThem)
{
    EXPECT_EQ(device().proc("vkImportSemaphoreFdKHR"), nullptr);
    add(mock::DeviceSpec::venus().withDmaBuf());
    InstanceOptions options;
    options.via = Via::Driver;
    TestInstance second(options);
    DeviceOptions with;
    with.physicalDevice = 1;
    with.extensions = {"VK_KHR_external_semaphore_fd"};
    const TestDevice capable(second, with);
    const auto import = reinterpret_cast<PFN_vkImportSemaphoreFdKHR>(capable.proc("vkImportSemaphoreFdKHR"));
    ASSERT_NE(import, nullptr);
    const VkImportSemaphoreFdInfoKHR info{VK_STRUCTURE_TYPE_IMPORT_SEMAPHORE_FD_INFO_KHR, nullptr, VK_NULL_HANDLE, 0,
                                          VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT,  -1};
    import(capable.handle, &info);
    expectError("sync_fd");
}

TEST_F(MockTest, ReportsUnknownExtensionAtDeviceCreation)
{
    DeviceOptions options;
    options.extensions = {"VK_KHR_swapchain"};
    const TestDevice second(instance(), options);
    EXPECT_EQ(second.result, VK_ERROR_EXTENSION_NOT_PRESENT);
    expectError("VK_KHR_swapchain");
}

TEST_F(MockTest, FailsTheNthCall)
{
    driver.failNth("vkCreateFence", 2, VK_ERROR_OUT_OF_HOST_MEMORY);
    const VkFenceCreateInfo info{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO, nullptr, 0};
    VkFence fences[2]{};
    EXPECT_EQ(device().vk.CreateFence(device().handle, &info, nullptr, &fences[0]), VK_SUCCESS);
    EXPECT_EQ(device().vk.CreateFence(device().handle, &info, nullptr, &fences[1]), VK_ERROR_OUT_OF_HOST_MEMORY);
    EXPECT_TRUE(driver.faultWasHit());
    device().vk.DestroyFence(device().handle, fences[0], nullptr);
}

TEST_F(MockTest, CopiesImagesIntoMappedMemory)
{
    VkImageCreateInfo imageInfo{};
    imageInfo.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO;
    imageInfo.imageType = VK_IMAGE_TYPE_2D;
    imageInfo.format = VK_FORMAT_B8G8R8A8_UNORM;
    imageInfo.extent = {3, 2, 1};
    imageInfo.mipLevels = 1;
    imageInfo.arrayLayers = 1;
    imageInfo.usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;
    VkBufferCreateInfo bufferInfo{};
    bufferInfo.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
    bufferInfo.size = 24;
    bufferInfo.usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT;
    const auto& vk = device().vk;
    const VkDevice handle = device().handle;
    VkImage image = VK_NULL_HANDLE;
    VkBuffer buffer = VK_NULL_HANDLE;
    VkDeviceMemory memory[2]{};
    ASSERT_EQ(vk.CreateImage(handle, &imageInfo, nullptr, &image), VK_SUCCESS);
    ASSERT_EQ(vk.CreateBuffer(handle, &bufferInfo, nullptr, &buffer), VK_SUCCESS);
    for (uint32_t i = 0; i < 2; ++i) {
        const VkMemoryAllocateInfo allocate{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, nullptr, 256, i};
        ASSERT_EQ(vk.AllocateMemory(handle, &allocate, nullptr, &memory[i]), VK_SUCCESS);
    }
    ASSERT_EQ(vk.BindImageMemory(handle, image, memory[0], 0), VK_SUCCESS);
    ASSERT_EQ(vk.BindBufferMemory(handle, buffer, memory[1], 0), VK_SUCCESS);
    void* mapped = nullptr;
    ASSERT_EQ(vk.MapMemory(handle, memory[1], 0, VK_WHOLE_SIZE, 0, &mapped), VK_SUCCESS);

    const VkImageSubresourceRange range{VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
    const VkClearColorValue red{{1.0f, 0.0f, 0.0f, 1.0f}};
    const VkCommandBuffer commands = device().begin();
    VkImageMemoryBarrier barrier{};
    barrier.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER;
    barrier.newLayout = VK_IMAGE_LAYOUT_GENERAL;
    barrier.image = image;
    vk.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, nullptr, 0,
                          nullptr, 1, &barrier);
    vk.CmdClearColorImage(commands, image, VK_IMAGE_LAYOUT_GENERAL, &red, 1, &range);
    VkBufferImageCopy copy{};
    copy.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
    copy.imageExtent = {3, 2, 1};
    vk.CmdCopyImageToBuffer(commands, image, VK_IMAGE_LAYOUT_GENERAL, buffer, 1, &copy);
    vk.EndCommandBuffer(commands);
    EXPECT_EQ(device().submit({}, {commands}), VK_SUCCESS);
    const auto* pixels = static_cast<const uint32_t*>(mapped);
    for (int i = 0; i < 6; ++i)
        EXPECT_EQ(pixels[i], 0xffff0000u);
    vk.UnmapMemory(handle, memory[1]);
    vk.DestroyBuffer(handle, buffer, nullptr);
    vk.DestroyImage(handle, image, nullptr);
    for (VkDeviceMemory block : memory)
        vk.FreeMemory(handle, block, nullptr);
}

TEST_F(MockTest, ReportsLayoutThatTheImageDoesNotHave)
{
    const VkFence fence = device().fence();
    VkImageCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO;
    info.format = VK_FORMAT_B8G8R8A8_UNORM;
    info.extent = {4, 4, 1};
    info.arrayLayers = 1;
    VkImage image = VK_NULL_HANDLE;
    device().vk.CreateImage(device().handle, &info, nullptr, &image);
    VkImageMemoryBarrier barrier{};
    barrier.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER;
    barrier.oldLayout = VK_IMAGE_LAYOUT_GENERAL;
    barrier.newLayout = VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL;
    barrier.image = image;
    const VkCommandBuffer buffer = device().begin();
    device().vk.CmdPipelineBarrier(buffer, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0,
                                   nullptr, 0, nullptr, 1, &barrier);
    device().vk.EndCommandBuffer(buffer);
    device().submit({}, {buffer}, {}, fence);
    EXPECT_TRUE(device().wait(fence));
    expectError("is in layout");
    device().vk.DestroyImage(device().handle, image, nullptr);
}

TEST_F(MockTest, ThreadedCompletionSignalsFences)
{
    driver.setCompletion(mock::Completion::Threaded, std::chrono::milliseconds(2));
    const VkFence fence = device().fence();
    EXPECT_EQ(device().submit({}, {}, {}, fence), VK_SUCCESS);
    EXPECT_TRUE(device().wait(fence));
    device().vk.DeviceWaitIdle(device().handle);
}

TEST_F(MockTest, HostAllocationsAreWatched)
{
    mock::HostAllocations allocations;
    const VkFenceCreateInfo info{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO, nullptr, 0};
    VkFence fence = VK_NULL_HANDLE;
    device().vk.CreateFence(device().handle, &info, allocations.callbacks(), &fence);
    EXPECT_EQ(allocations.live(), 1u);
    device().vk.DestroyFence(device().handle, fence, nullptr);
    expectError("created with an allocator is destroyed without one");
    EXPECT_EQ(allocations.live(), 1u);
    allocations.failNth(1);
    EXPECT_EQ(device().vk.CreateFence(device().handle, &info, allocations.callbacks(), &fence),
              VK_ERROR_OUT_OF_HOST_MEMORY);
}

TEST_F(MockTest, HeapProbeCountsAndFails)
{
    const mock::HeapProbe::Counter counter;
    auto first = std::make_unique<int>(1);
    EXPECT_EQ(counter.allocations(), 1u);
    {
        const mock::HeapProbe::Pause pause;
        first = std::make_unique<int>(2);
    }
    EXPECT_EQ(counter.allocations(), 1u);
    void* failing = nullptr;
    {
        const mock::HeapProbe::Failure failure(1);
        failing = operator new(16, std::nothrow);
        EXPECT_TRUE(failure.wasHit());
    }
    EXPECT_EQ(failing, nullptr);
}

TEST_F(MockTest, ChildProcessHasItsOwnEnvironment)
{
    IN_PROCESS_WITH({"VWSI_TEST_MARK", "seen"});
    EXPECT_STREQ(getenv("VWSI_TEST_MARK"), "seen");
}

} // namespace vwsi::testing
