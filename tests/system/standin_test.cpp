// The rig's host against what is known of macOS hosts: stock Venus on it has no swapchain and no
// synchronization2, yet its memory, submissions and fences work.

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>
#include <vector>
#include <vulkan/vulkan.h>

namespace {

constexpr VkDeviceSize bufferSize = 1 << 20;
constexpr uint64_t second = 1'000'000'000;

class Standin : public testing::Test {
protected:
    void SetUp() override
    {
        VkApplicationInfo app = {};
        app.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
        app.apiVersion = VK_API_VERSION_1_3;
        VkInstanceCreateInfo info = {};
        info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
        info.pApplicationInfo = &app;
        ASSERT_EQ(vkCreateInstance(&info, nullptr, &m_instance), VK_SUCCESS);
        uint32_t count = 1;
        ASSERT_EQ(vkEnumeratePhysicalDevices(m_instance, &count, &m_physical), VK_SUCCESS);
        ASSERT_EQ(count, 1u);
    }

    void TearDown() override
    {
        if (m_device) {
            vkDestroyFence(m_device, m_fence, nullptr);
            vkDestroyCommandPool(m_device, m_pool, nullptr);
            vkDestroyBuffer(m_device, m_buffer, nullptr);
            vkFreeMemory(m_device, m_memory, nullptr);
            vkDestroyDevice(m_device, nullptr);
        }
        if (m_instance)
            vkDestroyInstance(m_instance, nullptr);
    }

    std::vector<std::string> extensions() const
    {
        uint32_t count = 0;
        vkEnumerateDeviceExtensionProperties(m_physical, nullptr, &count, nullptr);
        std::vector<VkExtensionProperties> properties(count);
        vkEnumerateDeviceExtensionProperties(m_physical, nullptr, &count, properties.data());
        std::vector<std::string> names;
        names.reserve(count);
        for (const auto& p : properties)
            names.emplace_back(p.extensionName);
        return names;
    }

    bool has(const char* extension) const
    {
        const auto names = extensions();
        return std::find(names.begin(), names.end(), extension) != names.end();
    }

    void makeDevice()
    {
        const float priority = 1;
        VkDeviceQueueCreateInfo queue = {};
        queue.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
        queue.queueCount = 1;
        queue.pQueuePriorities = &priority;
        VkDeviceCreateInfo info = {};
        info.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
        info.queueCreateInfoCount = 1;
        info.pQueueCreateInfos = &queue;
        ASSERT_EQ(vkCreateDevice(m_physical, &info, nullptr, &m_device), VK_SUCCESS);
        vkGetDeviceQueue(m_device, 0, 0, &m_queue);

        VkBufferCreateInfo buffer = {};
        buffer.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
        buffer.size = bufferSize;
        buffer.usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT;
        ASSERT_EQ(vkCreateBuffer(m_device, &buffer, nullptr, &m_buffer), VK_SUCCESS);
        VkMemoryRequirements needs = {};
        vkGetBufferMemoryRequirements(m_device, m_buffer, &needs);
        VkMemoryAllocateInfo memory = {};
        memory.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
        memory.allocationSize = needs.size;
        memory.memoryTypeIndex = hostVisibleType(needs.memoryTypeBits);
        ASSERT_EQ(vkAllocateMemory(m_device, &memory, nullptr, &m_memory), VK_SUCCESS);
        ASSERT_EQ(vkBindBufferMemory(m_device, m_buffer, m_memory, 0), VK_SUCCESS);
        void* mapped = nullptr;
        ASSERT_EQ(vkMapMemory(m_device, m_memory, 0, VK_WHOLE_SIZE, 0, &mapped), VK_SUCCESS);
        m_words = static_cast<uint32_t*>(mapped);

        VkCommandPoolCreateInfo pool = {};
        pool.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
        ASSERT_EQ(vkCreateCommandPool(m_device, &pool, nullptr, &m_pool), VK_SUCCESS);
        VkFenceCreateInfo fence = {};
        fence.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO;
        ASSERT_EQ(vkCreateFence(m_device, &fence, nullptr, &m_fence), VK_SUCCESS);
    }

    uint32_t hostVisibleType(uint32_t allowed) const
    {
        VkPhysicalDeviceMemoryProperties properties = {};
        vkGetPhysicalDeviceMemoryProperties(m_physical, &properties);
        for (uint32_t i = 0; i < properties.memoryTypeCount; i++) {
            constexpr VkMemoryPropertyFlags wanted =
                VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
            if ((allowed >> i & 1) && (properties.memoryTypes[i].propertyFlags & wanted) == wanted)
                return i;
        }
        ADD_FAILURE() << "no host-visible memory type";
        return 0;
    }

    template <typename Record> void submit(Record record)
    {
        VkCommandBufferAllocateInfo allocate = {};
        allocate.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
        allocate.commandPool = m_pool;
        allocate.commandBufferCount = 1;
        VkCommandBuffer commands = VK_NULL_HANDLE;
        ASSERT_EQ(vkAllocateCommandBuffers(m_device, &allocate, &commands), VK_SUCCESS);
        VkCommandBufferBeginInfo begin = {};
        begin.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
        ASSERT_EQ(vkBeginCommandBuffer(commands, &begin), VK_SUCCESS);
        record(commands);
        VkMemoryBarrier barrier = {VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr, VK_ACCESS_TRANSFER_WRITE_BIT,
                                   VK_ACCESS_HOST_READ_BIT};
        vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0,
                             nullptr, 0, nullptr);
        ASSERT_EQ(vkEndCommandBuffer(commands), VK_SUCCESS);
        VkSubmitInfo info = {};
        info.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
        info.commandBufferCount = 1;
        info.pCommandBuffers = &commands;
        ASSERT_EQ(vkQueueSubmit(m_queue, 1, &info, m_fence), VK_SUCCESS);
    }

    VkResult waitFence(uint64_t nanoseconds) { return vkWaitForFences(m_device, 1, &m_fence, VK_TRUE, nanoseconds); }

    VkInstance m_instance = VK_NULL_HANDLE;
    VkPhysicalDevice m_physical = VK_NULL_HANDLE;
    VkDevice m_device = VK_NULL_HANDLE;
    VkQueue m_queue = VK_NULL_HANDLE;
    VkBuffer m_buffer = VK_NULL_HANDLE;
    VkDeviceMemory m_memory = VK_NULL_HANDLE;
    VkCommandPool m_pool = VK_NULL_HANDLE;
    VkFence m_fence = VK_NULL_HANDLE;
    uint32_t* m_words = nullptr;
};

TEST_F(Standin, IsVenusCappedAtVulkan12)
{
    VkPhysicalDeviceDriverProperties driver = {};
    driver.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES;
    VkPhysicalDeviceProperties2 properties = {};
    properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
    properties.pNext = &driver;
    vkGetPhysicalDeviceProperties2(m_physical, &properties);
    EXPECT_EQ(driver.driverID, VK_DRIVER_ID_MESA_VENUS);
    EXPECT_EQ(VK_API_VERSION_MAJOR(properties.properties.apiVersion), 1u);
    EXPECT_EQ(VK_API_VERSION_MINOR(properties.properties.apiVersion), 2u);
}

TEST_F(Standin, HasNoSwapchain)
{
    EXPECT_FALSE(has(VK_KHR_SWAPCHAIN_EXTENSION_NAME));
}

TEST_F(Standin, HasNoSynchronization2)
{
    EXPECT_FALSE(has(VK_KHR_SYNCHRONIZATION_2_EXTENSION_NAME));
}

TEST_F(Standin, HasNoSyncFilesAndNoModifiers)
{
    EXPECT_FALSE(has(VK_KHR_EXTERNAL_SEMAPHORE_FD_EXTENSION_NAME));
    EXPECT_FALSE(has(VK_KHR_EXTERNAL_FENCE_FD_EXTENSION_NAME));
    EXPECT_FALSE(has(VK_EXT_IMAGE_DRM_FORMAT_MODIFIER_EXTENSION_NAME));
    EXPECT_FALSE(has(VK_EXT_QUEUE_FAMILY_FOREIGN_EXTENSION_NAME));
}

TEST_F(Standin, KeepsTimelineSemaphores)
{
    VkPhysicalDeviceVulkan12Features vulkan12 = {};
    vulkan12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
    VkPhysicalDeviceFeatures2 features = {};
    features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
    features.pNext = &vulkan12;
    vkGetPhysicalDeviceFeatures2(m_physical, &features);
    EXPECT_TRUE(vulkan12.timelineSemaphore);
}

TEST_F(Standin, SubmissionWritesMappedMemoryAndSignalsTheFence)
{
    ASSERT_NO_FATAL_FAILURE(makeDevice());
    std::memset(m_words, 0, bufferSize);
    EXPECT_EQ(vkGetFenceStatus(m_device, m_fence), VK_NOT_READY);
    submit([&](VkCommandBuffer c) { vkCmdFillBuffer(c, m_buffer, 0, bufferSize, 0xc0ffee42); });
    ASSERT_EQ(waitFence(5 * second), VK_SUCCESS);
    const auto right = std::count(m_words, m_words + bufferSize / 4, 0xc0ffee42u);
    EXPECT_EQ(right, static_cast<ptrdiff_t>(bufferSize / 4));
}

TEST_F(Standin, SubmissionReadsWhatTheGuestWrote)
{
    ASSERT_NO_FATAL_FAILURE(makeDevice());
    constexpr size_t half = bufferSize / 8;
    for (size_t i = 0; i < half; i++) {
        m_words[i] = static_cast<uint32_t>(i * 2654435761u);
        m_words[half + i] = 0;
    }
    submit([&](VkCommandBuffer c) {
        const VkBufferCopy region = {0, half * 4, half * 4};
        vkCmdCopyBuffer(c, m_buffer, m_buffer, 1, &region);
    });
    ASSERT_EQ(waitFence(5 * second), VK_SUCCESS);
    EXPECT_TRUE(std::equal(m_words, m_words + half, m_words + half));
}

using StuckHost = Standin;

TEST_F(StuckHost, NeverSignalsWhileStalledAndWorksBeforeAndAfter)
{
    const char* file = std::getenv("STANDIN_STALL_FILE");
    ASSERT_TRUE(file) << "run this through with-venus with STANDIN_STALL_FILE set";
    unlink(file);
    ASSERT_NO_FATAL_FAILURE(makeDevice());
    submit([&](VkCommandBuffer c) { vkCmdFillBuffer(c, m_buffer, 0, bufferSize, 1); });
    ASSERT_EQ(waitFence(5 * second), VK_SUCCESS);

    vkResetFences(m_device, 1, &m_fence);
    std::ofstream(file).put('x');
    submit([&](VkCommandBuffer c) { vkCmdFillBuffer(c, m_buffer, 0, bufferSize, 2); });
    EXPECT_EQ(waitFence(second / 3), VK_TIMEOUT);
    EXPECT_EQ(m_words[0], 1u);

    unlink(file);
    vkDestroyFence(m_device, m_fence, nullptr);
    VkFenceCreateInfo fence = {};
    fence.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO;
    ASSERT_EQ(vkCreateFence(m_device, &fence, nullptr, &m_fence), VK_SUCCESS);
    submit([&](VkCommandBuffer c) { vkCmdFillBuffer(c, m_buffer, 0, bufferSize, 3); });
    ASSERT_EQ(waitFence(5 * second), VK_SUCCESS);
    EXPECT_EQ(m_words[0], 3u);
}

} // namespace
