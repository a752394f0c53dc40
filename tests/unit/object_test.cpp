// Handles that only the layer knows must stay in the layer: private data, names and tags of swapchains; images that the
// application makes for swapchain memory.
#include "harness/images.h"
#include "harness/layer_test.h"

namespace vwsi::testing {

namespace {

class Objects : public LayerTest {
protected:
    TestDevice& startWithPrivateData()
    {
        VkPhysicalDevicePrivateDataFeatures feature{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRIVATE_DATA_FEATURES, nullptr,
                                                    VK_TRUE};
        DeviceOptions options;
        options.extensions = {"VK_KHR_swapchain", "VK_EXT_private_data"};
        options.next = &feature;
        return makeDevice(options);
    }

    VkPrivateDataSlot slot()
    {
        const VkPrivateDataSlotCreateInfo info{VK_STRUCTURE_TYPE_PRIVATE_DATA_SLOT_CREATE_INFO, nullptr, 0};
        VkPrivateDataSlot made = VK_NULL_HANDLE;
        EXPECT_EQ(device().vk.CreatePrivateDataSlotEXT(device().handle, &info, nullptr, &made), VK_SUCCESS);
        return made;
    }

    void destroy(VkPrivateDataSlot made) { device().vk.DestroyPrivateDataSlotEXT(device().handle, made, nullptr); }

    static uint64_t number(VkSwapchainKHR swapchain) { return (uint64_t)swapchain; }

    VkResult set(VkSwapchainKHR swapchain, VkPrivateDataSlot in, uint64_t value)
    {
        return device().vk.SetPrivateDataEXT(device().handle, VK_OBJECT_TYPE_SWAPCHAIN_KHR, number(swapchain), in,
                                             value);
    }

    uint64_t get(VkSwapchainKHR swapchain, VkPrivateDataSlot from)
    {
        uint64_t value = 4711;
        device().vk.GetPrivateDataEXT(device().handle, VK_OBJECT_TYPE_SWAPCHAIN_KHR, number(swapchain), from, &value);
        return value;
    }
};

} // namespace

TEST_F(Objects, PrivateDataOfASwapchainStartsAtZero)
{
    startWithPrivateData();
    Window window(device());
    const VkPrivateDataSlot made = slot();
    EXPECT_EQ(get(window.swapchain, made), 0u);
    destroy(made);
}

TEST_F(Objects, PrivateDataIsKeptPerSwapchainAndSlot)
{
    startWithPrivateData();
    Window first(device());
    Window second(device());
    const VkPrivateDataSlot one = slot();
    const VkPrivateDataSlot two = slot();
    EXPECT_EQ(set(first.swapchain, one, 11), VK_SUCCESS);
    EXPECT_EQ(set(first.swapchain, two, 12), VK_SUCCESS);
    EXPECT_EQ(set(second.swapchain, one, 21), VK_SUCCESS);
    EXPECT_EQ(get(first.swapchain, one), 11u);
    EXPECT_EQ(get(first.swapchain, two), 12u);
    EXPECT_EQ(get(second.swapchain, one), 21u);
    EXPECT_EQ(get(second.swapchain, two), 0u);
    EXPECT_EQ(set(first.swapchain, one, 13), VK_SUCCESS);
    EXPECT_EQ(get(first.swapchain, one), 13u);
    EXPECT_EQ(driver.count("vkSetPrivateData"), 0u);
    destroy(one);
    destroy(two);
}

TEST_F(Objects, PrivateDataGoesWithItsSlot)
{
    startWithPrivateData();
    driver.setHandleReuse(true);
    Window window(device());
    const VkPrivateDataSlot first = slot();
    EXPECT_EQ(set(window.swapchain, first, 99), VK_SUCCESS);
    destroy(first);
    const VkPrivateDataSlot second = slot();
    ASSERT_EQ(first, second) << "the mock must give the handle again";
    EXPECT_EQ(get(window.swapchain, second), 0u);
    destroy(second);
}

TEST_F(Objects, PrivateDataOfOtherObjectsIsTheDrivers)
{
    startWithPrivateData();
    const VkPrivateDataSlot made = slot();
    const VkFence fence = device().fence();
    driver.resetRecords();
    EXPECT_EQ(device().vk.SetPrivateDataEXT(device().handle, VK_OBJECT_TYPE_FENCE, (uint64_t)fence, made, 5),
              VK_SUCCESS);
    uint64_t value = 0;
    device().vk.GetPrivateDataEXT(device().handle, VK_OBJECT_TYPE_FENCE, (uint64_t)fence, made, &value);
    EXPECT_EQ(driver.count("vkSetPrivateData"), 1u);
    EXPECT_EQ(driver.count("vkGetPrivateData"), 1u);
    destroy(made);
}

TEST_F(Objects, NamesAndTagsOfSwapchainsStayInTheLayer)
{
    Window window(device());
    ASSERT_NE(device().vk.SetDebugUtilsObjectNameEXT, nullptr);
    const VkDebugUtilsObjectNameInfoEXT name{VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_NAME_INFO_EXT, nullptr,
                                             VK_OBJECT_TYPE_SWAPCHAIN_KHR, number(window.swapchain), "main window"};
    EXPECT_EQ(device().vk.SetDebugUtilsObjectNameEXT(device().handle, &name), VK_SUCCESS);
    const char bytes[] = "tag";
    const VkDebugUtilsObjectTagInfoEXT tag{VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_TAG_INFO_EXT,
                                           nullptr,
                                           VK_OBJECT_TYPE_SWAPCHAIN_KHR,
                                           number(window.swapchain),
                                           1,
                                           sizeof(bytes),
                                           bytes};
    EXPECT_EQ(device().vk.SetDebugUtilsObjectTagEXT(device().handle, &tag), VK_SUCCESS);
    EXPECT_EQ(driver.count("vkSetDebugUtilsObjectNameEXT"), 0u);
    EXPECT_EQ(driver.count("vkSetDebugUtilsObjectTagEXT"), 0u);
}

TEST_F(Objects, NamesOfOtherObjectsReachTheDriver)
{
    Window window(device());
    const VkDebugUtilsObjectNameInfoEXT name{VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_NAME_INFO_EXT, nullptr,
                                             VK_OBJECT_TYPE_IMAGE, (uint64_t)window.images[0], "first image"};
    EXPECT_EQ(device().vk.SetDebugUtilsObjectNameEXT(device().handle, &name), VK_SUCCESS);
    EXPECT_EQ(driver.count("vkSetDebugUtilsObjectNameEXT"), 1u);
}

TEST_F(Objects, SwapchainImagesCanBeAliased)
{
    Window window(device());
    const VkImage alias = window.makeAlias();
    const uint32_t index = window.acquireNow();
    EXPECT_EQ(window.bindAlias(alias, index), VK_SUCCESS);
    // Layouts belong to images, so the swapchain's own image gets its transition, the alias its clear.
    EXPECT_EQ(device().submit({}, {window.recordClear(window.images[index], {{0, 0, 0, 1}}),
                                   window.recordClear(alias, {{0, 1, 0, 1}})}),
              VK_SUCCESS);
    EXPECT_EQ(window.present(index), VK_SUCCESS);
    device().vk.DeviceWaitIdle(device().handle);
    device().vk.DestroyImage(device().handle, alias, nullptr);
}

TEST_F(Objects, StructsOfAliasesAreNotWritten)
{
    Window window(device());
    const VkImageSwapchainCreateInfoKHR of{VK_STRUCTURE_TYPE_IMAGE_SWAPCHAIN_CREATE_INFO_KHR, nullptr,
                                           window.swapchain};
    VkImageCreateInfo info = imageInfo(window.options.extent, window.options.usage);
    info.pNext = &of;
    const Snapshot infoBytes(info);
    const Snapshot ofBytes(of);
    VkImage alias = VK_NULL_HANDLE;
    EXPECT_EQ(device().vk.CreateImage(device().handle, &info, nullptr, &alias), VK_SUCCESS);
    EXPECT_TRUE(infoBytes.unchanged());
    EXPECT_TRUE(ofBytes.unchanged());
    const VkBindImageMemorySwapchainInfoKHR to{VK_STRUCTURE_TYPE_BIND_IMAGE_MEMORY_SWAPCHAIN_INFO_KHR, nullptr,
                                               window.swapchain, 0};
    const VkBindImageMemoryInfo bind{VK_STRUCTURE_TYPE_BIND_IMAGE_MEMORY_INFO, &to, alias, VK_NULL_HANDLE, 0};
    const Snapshot bindBytes(bind);
    const Snapshot toBytes(to);
    EXPECT_EQ(device().vk.BindImageMemory2(device().handle, 1, &bind), VK_SUCCESS);
    EXPECT_TRUE(bindBytes.unchanged());
    EXPECT_TRUE(toBytes.unchanged());
    device().vk.DestroyImage(device().handle, alias, nullptr);
}

TEST_F(Objects, OrdinaryBindsMixWithSwapchainBinds)
{
    Window window(device());
    const VkImage alias = window.makeAlias();
    const VkImageCreateInfo info = imageInfo({8, 8});
    VkImage ordinary = VK_NULL_HANDLE;
    ASSERT_EQ(device().vk.CreateImage(device().handle, &info, nullptr, &ordinary), VK_SUCCESS);
    const VkMemoryAllocateInfo allocate{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, nullptr, 4096, 0};
    VkDeviceMemory memory = VK_NULL_HANDLE;
    ASSERT_EQ(device().vk.AllocateMemory(device().handle, &allocate, nullptr, &memory), VK_SUCCESS);
    const VkBindImageMemorySwapchainInfoKHR to{VK_STRUCTURE_TYPE_BIND_IMAGE_MEMORY_SWAPCHAIN_INFO_KHR, nullptr,
                                               window.swapchain, 0};
    const VkBindImageMemoryInfo binds[] = {
        {VK_STRUCTURE_TYPE_BIND_IMAGE_MEMORY_INFO, nullptr, ordinary, memory, 0},
        {VK_STRUCTURE_TYPE_BIND_IMAGE_MEMORY_INFO, &to, alias, VK_NULL_HANDLE, 0},
    };
    EXPECT_EQ(device().vk.BindImageMemory2(device().handle, 2, binds), VK_SUCCESS);
    EXPECT_EQ(
        device().submit({}, {window.recordClear(ordinary, {{1, 1, 1, 1}}), window.recordClear(alias, {{0, 1, 0, 1}})}),
        VK_SUCCESS);
    device().vk.DeviceWaitIdle(device().handle);
    device().vk.DestroyImage(device().handle, alias, nullptr);
    device().vk.DestroyImage(device().handle, ordinary, nullptr);
    device().vk.FreeMemory(device().handle, memory, nullptr);
}

TEST_F(Objects, ASwapchainNeverReachesTheDriver)
{
    // Nobody can copy a struct of unknown size, so that what stands behind it stays.
    Window window(device());
    const VkImageSwapchainCreateInfoKHR of{VK_STRUCTURE_TYPE_IMAGE_SWAPCHAIN_CREATE_INFO_KHR, nullptr,
                                           window.swapchain};
    UnknownStruct unknown;
    unknown.pNext = &of;
    VkImageCreateInfo info = imageInfo(window.options.extent, window.options.usage);
    info.pNext = &unknown;
    driver.resetRecords();
    VkImage image = VK_NULL_HANDLE;
    EXPECT_EQ(device().vk.CreateImage(device().handle, &info, nullptr, &image), VK_ERROR_OUT_OF_HOST_MEMORY);
    EXPECT_EQ(driver.count("vkCreateImage"), 0u);
}

TEST_F(Objects, ANullSwapchainInTheChainIsAnOrdinaryImage)
{
    device();
    const VkImageSwapchainCreateInfoKHR of{VK_STRUCTURE_TYPE_IMAGE_SWAPCHAIN_CREATE_INFO_KHR, nullptr, VK_NULL_HANDLE};
    VkImageCreateInfo info = imageInfo({8, 8});
    info.pNext = &of;
    VkImage image = VK_NULL_HANDLE;
    EXPECT_EQ(device().vk.CreateImage(device().handle, &info, nullptr, &image), VK_SUCCESS);
    device().vk.DestroyImage(device().handle, image, nullptr);
}

} // namespace vwsi::testing
