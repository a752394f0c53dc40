// VK_IMAGE_LAYOUT_PRESENT_SRC_KHR never reaches a driver that was not given VK_KHR_swapchain; the mock reports it where
// it does, and it checks that every barrier names the layout that the image is in.
#include "harness/images.h"
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
        layoutChange(window.images[index], VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_GENERAL),
        layoutChange(window.images[index], VK_IMAGE_LAYOUT_GENERAL, kPresent)};
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
            layoutChange(window.images[index], first ? VK_IMAGE_LAYOUT_UNDEFINED : kPresent,
                         VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL),
            layoutChange(window.images[index], VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, kPresent)};
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
        layoutChange<VkImageMemoryBarrier2>(window.images[index], VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_GENERAL),
        layoutChange<VkImageMemoryBarrier2>(window.images[index], VK_IMAGE_LAYOUT_GENERAL, kPresent)};
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
    const VkImageMemoryBarrier one = layoutChange(window.images[index], VK_IMAGE_LAYOUT_UNDEFINED, kPresent);
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
    const VkImageMemoryBarrier2 one =
        layoutChange<VkImageMemoryBarrier2>(window.images[index], VK_IMAGE_LAYOUT_UNDEFINED, kPresent);
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
        layoutChange(window.images[index], VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL);
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
            list.push_back(layoutChange(image, VK_IMAGE_LAYOUT_UNDEFINED, kPresent));
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

// The layout of VK_KHR_shared_presentable_image, which images keep while they are used.

class SharedLayouts : public Layouts {
protected:
    static constexpr VkImageLayout kShared = VK_IMAGE_LAYOUT_SHARED_PRESENT_KHR;
    static constexpr VkImageSubresourceLayers kLayers{VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};

    void SetUp() override
    {
        DeviceOptions options;
        options.extensions = {"VK_KHR_swapchain", "VK_KHR_shared_presentable_image"};
        makeDevice(options);
        WindowOptions wishes;
        wishes.presentMode = VK_PRESENT_MODE_SHARED_DEMAND_REFRESH_KHR;
        wishes.minImageCount = 1;
        wishes.usage |= VK_IMAGE_USAGE_TRANSFER_SRC_BIT;
        m_window = std::make_unique<Window>(device(), wishes);
        ASSERT_EQ(m_window->acquireNow(), 0u);
        m_commands = device().begin();
        const VkImageMemoryBarrier b = layoutChange(image(), VK_IMAGE_LAYOUT_UNDEFINED, kShared);
        device().vk.CmdPipelineBarrier(m_commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0,
                                       0, nullptr, 0, nullptr, 1, &b);
    }

    /// Whatever was recorded is executed, presented, and has come to the driver without the layout.
    void TearDown() override
    {
        finish(*m_window, 0, m_commands);
        EXPECT_THAT(driver.layouts(), Not(Contains(kShared)));
        EXPECT_THAT(driver.layouts(), Contains(VK_IMAGE_LAYOUT_GENERAL));
        device().vk.DeviceWaitIdle(device().handle);
        m_window.reset();
        Layouts::TearDown();
    }

    VkImage image() const { return m_window->images[0]; }
    VkCommandBuffer commands() const { return m_commands; }

private:
    std::unique_ptr<Window> m_window;
    VkCommandBuffer m_commands = VK_NULL_HANDLE;
};

TEST_F(SharedLayouts, Barriers)
{
    const VkImageMemoryBarrier b = layoutChange(image(), kShared, kShared);
    device().vk.CmdPipelineBarrier(commands(), VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0,
                                   nullptr, 0, nullptr, 1, &b);
}

TEST_F(SharedLayouts, Clears)
{
    const VkClearColorValue colour{{1, 0, 0, 1}};
    const VkImageSubresourceRange range{VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
    device().vk.CmdClearColorImage(commands(), image(), kShared, &colour, 1, &range);
}

TEST_F(SharedLayouts, Copies)
{
    const VkImageCopy region{kLayers, {0, 0, 0}, kLayers, {16, 0, 0}, {8, 8, 1}};
    device().vk.CmdCopyImage(commands(), image(), kShared, image(), kShared, 1, &region);
}

TEST_F(SharedLayouts, Blits)
{
    const VkImageBlit region{kLayers, {{0, 0, 0}, {8, 8, 1}}, kLayers, {{16, 8, 0}, {32, 24, 1}}};
    device().vk.CmdBlitImage(commands(), image(), kShared, image(), kShared, 1, &region, VK_FILTER_NEAREST);
}

TEST_F(SharedLayouts, RenderPassesAndTheirSubpasses)
{
    VkAttachmentDescription attachment{};
    attachment.format = VK_FORMAT_B8G8R8A8_UNORM;
    attachment.samples = VK_SAMPLE_COUNT_1_BIT;
    attachment.initialLayout = kShared;
    attachment.finalLayout = kShared;
    const VkAttachmentReference reference{0, kShared};
    VkSubpassDescription subpass{};
    subpass.pipelineBindPoint = VK_PIPELINE_BIND_POINT_GRAPHICS;
    subpass.colorAttachmentCount = 1;
    subpass.pColorAttachments = &reference;
    VkRenderPassCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO;
    info.attachmentCount = 1;
    info.pAttachments = &attachment;
    info.subpassCount = 1;
    info.pSubpasses = &subpass;
    VkRenderPass pass = VK_NULL_HANDLE;
    EXPECT_EQ(device().vk.CreateRenderPass(device().handle, &info, nullptr, &pass), VK_SUCCESS);
    device().vk.DestroyRenderPass(device().handle, pass, nullptr);
    EXPECT_EQ(reference.layout, kShared) << "the application's struct is not written";
}

TEST_F(SharedLayouts, RenderPasses2AndTheirSubpasses)
{
    VkAttachmentDescription2 attachment{};
    attachment.sType = VK_STRUCTURE_TYPE_ATTACHMENT_DESCRIPTION_2;
    attachment.format = VK_FORMAT_B8G8R8A8_UNORM;
    attachment.samples = VK_SAMPLE_COUNT_1_BIT;
    attachment.initialLayout = kShared;
    attachment.finalLayout = kShared;
    const VkAttachmentReference2 reference{VK_STRUCTURE_TYPE_ATTACHMENT_REFERENCE_2, nullptr, 0, kShared,
                                           VK_IMAGE_ASPECT_COLOR_BIT};
    VkSubpassDescription2 subpass{};
    subpass.sType = VK_STRUCTURE_TYPE_SUBPASS_DESCRIPTION_2;
    subpass.pipelineBindPoint = VK_PIPELINE_BIND_POINT_GRAPHICS;
    subpass.inputAttachmentCount = 1;
    subpass.pInputAttachments = &reference;
    subpass.colorAttachmentCount = 1;
    subpass.pColorAttachments = &reference;
    VkRenderPassCreateInfo2 info{};
    info.sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO_2;
    info.attachmentCount = 1;
    info.pAttachments = &attachment;
    info.subpassCount = 1;
    info.pSubpasses = &subpass;
    VkRenderPass pass = VK_NULL_HANDLE;
    EXPECT_EQ(device().vk.CreateRenderPass2(device().handle, &info, nullptr, &pass), VK_SUCCESS);
    device().vk.DestroyRenderPass(device().handle, pass, nullptr);
}

TEST_F(Layouts, TransfersAreTheDriversOwnWithoutTheExtension)
{
    const PFN_vkVoidFunction plain = device().proc("vkCmdCopyImage");
    EXPECT_NE(plain, nullptr);
    destroyDevice();
    DeviceOptions options;
    options.extensions = {"VK_KHR_swapchain", "VK_KHR_shared_presentable_image"};
    EXPECT_NE(makeDevice(options).proc("vkCmdCopyImage"), plain);
}

} // namespace vwsi::testing
