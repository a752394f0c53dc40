// VK_IMAGE_LAYOUT_PRESENT_SRC_KHR never reaches a driver that was not given VK_KHR_swapchain; the mock reports it where
// it does, and it checks that every barrier names the layout that the image is in.
#include "harness/layer_test.h"

namespace vwsi::testing {

namespace {

using ::testing::Contains;
using ::testing::Not;

constexpr VkImageLayout kPresent = VK_IMAGE_LAYOUT_PRESENT_SRC_KHR;

class Layouts : public LayerTest {
protected:
    TestDevice& startWithSynchronization2()
    {
        add(mock::DeviceSpec::venus().withSynchronization2());
        VkPhysicalDeviceSynchronization2Features feature{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SYNCHRONIZATION_2_FEATURES,
                                                         nullptr, VK_TRUE};
        DeviceOptions options;
        options.extensions = {"VK_KHR_swapchain", "VK_KHR_synchronization2"};
        options.next = &feature;
        return makeDevice(options);
    }

    static VkImageMemoryBarrier barrier(VkImage image, VkImageLayout from, VkImageLayout to)
    {
        VkImageMemoryBarrier b{};
        b.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER;
        b.oldLayout = from;
        b.newLayout = to;
        b.srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
        b.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
        b.image = image;
        b.subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
        return b;
    }

    static VkImageMemoryBarrier2 barrier2(VkImage image, VkImageLayout from, VkImageLayout to)
    {
        VkImageMemoryBarrier2 b{};
        b.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER_2;
        b.oldLayout = from;
        b.newLayout = to;
        b.srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
        b.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
        b.image = image;
        b.subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
        return b;
    }

    /// Submits the commands for an acquired image and presents it.
    void finish(Window& window, uint32_t index, VkCommandBuffer commands)
    {
        ASSERT_EQ(device().vk.EndCommandBuffer(commands), VK_SUCCESS);
        ASSERT_EQ(device().submit({}, {commands}), VK_SUCCESS);
        ASSERT_EQ(window.present(index), VK_SUCCESS);
        EXPECT_THAT(driver.layouts(), Not(Contains(kPresent)));
    }
};

} // namespace

TEST_F(Layouts, PipelineBarriersAreRewritten)
{
    Window window(device());
    const uint32_t index = window.acquireNow();
    const VkImageMemoryBarrier list[] = {
        barrier(window.images[index], VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_GENERAL),
        barrier(window.images[index], VK_IMAGE_LAYOUT_GENERAL, kPresent)};
    const Snapshot bytes(list);
    const VkCommandBuffer commands = device().begin();
    device().vk.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0,
                                   nullptr, 0, nullptr, 2, list);
    EXPECT_TRUE(bytes.unchanged());
    finish(window, index, commands);
}

TEST_F(Layouts, TheImageComesBackInItsLayout)
{
    Window window(device());
    // From the second round on, the application may name the layout that it presented in.
    for (size_t i = 0; i < window.images.size() * 2; ++i) {
        const uint32_t index = window.acquireNow();
        const bool first = i < window.images.size();
        const VkImageMemoryBarrier list[] = {
            barrier(window.images[index], first ? VK_IMAGE_LAYOUT_UNDEFINED : kPresent,
                    VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL),
            barrier(window.images[index], VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, kPresent)};
        const VkCommandBuffer commands = device().begin();
        for (const VkImageMemoryBarrier& one : list)
            device().vk.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0,
                                           0, nullptr, 0, nullptr, 1, &one);
        finish(window, index, commands);
    }
}

TEST_F(Layouts, PipelineBarriers2AreRewritten)
{
    startWithSynchronization2();
    Window window(device());
    const uint32_t index = window.acquireNow();
    const VkImageMemoryBarrier2 list[] = {
        barrier2(window.images[index], VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_GENERAL),
        barrier2(window.images[index], VK_IMAGE_LAYOUT_GENERAL, kPresent)};
    VkDependencyInfo info{};
    info.sType = VK_STRUCTURE_TYPE_DEPENDENCY_INFO;
    info.imageMemoryBarrierCount = 2;
    info.pImageMemoryBarriers = list;
    const Snapshot bytes(list);
    const Snapshot infoBytes(info);
    const VkCommandBuffer commands = device().begin();
    device().vk.CmdPipelineBarrier2KHR(commands, &info);
    EXPECT_TRUE(bytes.unchanged());
    EXPECT_TRUE(infoBytes.unchanged());
    finish(window, index, commands);
}

TEST_F(Layouts, EventsAreRewritten)
{
    Window window(device());
    const uint32_t index = window.acquireNow();
    const VkEventCreateInfo eventInfo{VK_STRUCTURE_TYPE_EVENT_CREATE_INFO, nullptr, 0};
    VkEvent event = VK_NULL_HANDLE;
    ASSERT_EQ(device().vk.CreateEvent(device().handle, &eventInfo, nullptr, &event), VK_SUCCESS);
    const VkImageMemoryBarrier one = barrier(window.images[index], VK_IMAGE_LAYOUT_UNDEFINED, kPresent);
    const Snapshot bytes(one);
    const VkCommandBuffer commands = device().begin();
    device().vk.CmdSetEvent(commands, event, VK_PIPELINE_STAGE_TRANSFER_BIT);
    device().vk.CmdWaitEvents(commands, 1, &event, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0,
                              nullptr, 0, nullptr, 1, &one);
    EXPECT_TRUE(bytes.unchanged());
    finish(window, index, commands);
    device().vk.DeviceWaitIdle(device().handle);
    device().vk.DestroyEvent(device().handle, event, nullptr);
}

TEST_F(Layouts, Events2AreRewritten)
{
    startWithSynchronization2();
    Window window(device());
    const uint32_t index = window.acquireNow();
    const VkEventCreateInfo eventInfo{VK_STRUCTURE_TYPE_EVENT_CREATE_INFO, nullptr, 0};
    VkEvent event = VK_NULL_HANDLE;
    ASSERT_EQ(device().vk.CreateEvent(device().handle, &eventInfo, nullptr, &event), VK_SUCCESS);
    const VkImageMemoryBarrier2 one = barrier2(window.images[index], VK_IMAGE_LAYOUT_UNDEFINED, kPresent);
    VkDependencyInfo info{};
    info.sType = VK_STRUCTURE_TYPE_DEPENDENCY_INFO;
    info.imageMemoryBarrierCount = 1;
    info.pImageMemoryBarriers = &one;
    const VkCommandBuffer commands = device().begin();
    device().vk.CmdSetEvent2KHR(commands, event, &info);
    device().vk.CmdWaitEvents2KHR(commands, 1, &event, &info);
    finish(window, index, commands);
    device().vk.DeviceWaitIdle(device().handle);
    device().vk.DestroyEvent(device().handle, event, nullptr);
}

TEST_F(Layouts, RenderPassesAreRewritten)
{
    VkAttachmentDescription attachment{};
    attachment.format = VK_FORMAT_B8G8R8A8_UNORM;
    attachment.initialLayout = kPresent;
    attachment.finalLayout = kPresent;
    const VkAttachmentReference reference{0, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL};
    VkSubpassDescription subpass{};
    subpass.colorAttachmentCount = 1;
    subpass.pColorAttachments = &reference;
    VkRenderPassCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO;
    info.attachmentCount = 1;
    info.pAttachments = &attachment;
    info.subpassCount = 1;
    info.pSubpasses = &subpass;
    const Snapshot bytes(attachment);
    driver.resetRecords();
    VkRenderPass renderPass = VK_NULL_HANDLE;
    ASSERT_EQ(device().vk.CreateRenderPass(device().handle, &info, nullptr, &renderPass), VK_SUCCESS);
    EXPECT_THAT(driver.layouts(), Not(Contains(kPresent)));
    EXPECT_THAT(driver.layouts(), Contains(VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL));
    EXPECT_TRUE(bytes.unchanged());
    device().vk.DestroyRenderPass(device().handle, renderPass, nullptr);
}

TEST_F(Layouts, RenderPasses2AreRewritten)
{
    VkAttachmentDescription2 attachments[2]{};
    for (VkAttachmentDescription2& attachment : attachments) {
        attachment.sType = VK_STRUCTURE_TYPE_ATTACHMENT_DESCRIPTION_2;
        attachment.format = VK_FORMAT_B8G8R8A8_UNORM;
        attachment.finalLayout = VK_IMAGE_LAYOUT_GENERAL;
    }
    attachments[1].finalLayout = kPresent;
    VkRenderPassCreateInfo2 info{};
    info.sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO_2;
    info.attachmentCount = 2;
    info.pAttachments = attachments;
    const Snapshot bytes(attachments);
    driver.resetRecords();
    VkRenderPass renderPass = VK_NULL_HANDLE;
    ASSERT_EQ(device().vk.CreateRenderPass2(device().handle, &info, nullptr, &renderPass), VK_SUCCESS);
    EXPECT_THAT(driver.layouts(), Not(Contains(kPresent)));
    EXPECT_TRUE(bytes.unchanged());
    device().vk.DestroyRenderPass(device().handle, renderPass, nullptr);
}

TEST_F(Layouts, OtherLayoutsPassUntouched)
{
    Window window(device());
    const uint32_t index = window.acquireNow();
    driver.resetRecords();
    const VkImageMemoryBarrier one =
        barrier(window.images[index], VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL);
    const VkCommandBuffer commands = device().begin();
    device().vk.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0,
                                   nullptr, 0, nullptr, 1, &one);
    EXPECT_THAT(driver.layouts(),
                ::testing::ElementsAre(VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL));
}

TEST_F(Layouts, ManyBarriersAtOnceAreRewritten)
{
    WindowOptions options;
    options.minImageCount = 8;
    Window window(device(), options);
    std::vector<VkImageMemoryBarrier> list;
    for (int round = 0; round < 6; ++round) {
        for (VkImage image : window.images)
            list.push_back(barrier(image, VK_IMAGE_LAYOUT_UNDEFINED, kPresent));
    }
    driver.resetRecords();
    const VkCommandBuffer commands = device().begin();
    device().vk.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0,
                                   nullptr, 0, nullptr, static_cast<uint32_t>(list.size()), list.data());
    EXPECT_EQ(driver.layouts().size(), list.size() * 2);
    EXPECT_THAT(driver.layouts(), Not(Contains(kPresent)));
}

TEST_F(Layouts, DriversWithSwapchainSeeTheRealLayout)
{
    add(mock::DeviceSpec::lavapipe());
    WindowOptions options;
    options.presentMode = VK_PRESENT_MODE_FIFO_KHR;
    Window window(device(), options);
    driver.resetRecords();
    ASSERT_EQ(window.frame(), VK_SUCCESS);
    EXPECT_THAT(driver.layouts(), Contains(kPresent));
}

} // namespace vwsi::testing
