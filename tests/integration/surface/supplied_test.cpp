// What README's tables promise of a window system, on a real surface of it: extensions, present modes, and that frames
// go out in each of them.
#include "frame_loop.h"
#include "harness/readme_table.h"
#include "window_surface.h"
#include "xcb_window.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <string>
#include <thread>

namespace {

using namespace std::chrono_literals;

const std::map<std::string, VkPresentModeKHR> kModes = {
    {"IMMEDIATE", VK_PRESENT_MODE_IMMEDIATE_KHR},
    {"MAILBOX", VK_PRESENT_MODE_MAILBOX_KHR},
    {"FIFO", VK_PRESENT_MODE_FIFO_KHR},
    {"FIFO_RELAXED", VK_PRESENT_MODE_FIFO_RELAXED_KHR},
    {"SHARED_DEMAND_REFRESH", VK_PRESENT_MODE_SHARED_DEMAND_REFRESH_KHR},
    {"SHARED_CONTINUOUS_REFRESH", VK_PRESENT_MODE_SHARED_CONTINUOUS_REFRESH_KHR},
    {"FIFO_LATEST_READY", VK_PRESENT_MODE_FIFO_LATEST_READY_EXT},
};

bool isShared(VkPresentModeKHR mode)
{
    return mode == VK_PRESENT_MODE_SHARED_DEMAND_REFRESH_KHR || mode == VK_PRESENT_MODE_SHARED_CONTINUOUS_REFRESH_KHR;
}

class Supplied : public testing::Test {
protected:
    void SetUp() override
    {
        window = TestWindow::open();
        m_feature = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_MODE_FIFO_LATEST_READY_FEATURES_EXT, nullptr, VK_TRUE};
        client::ContextWishes wishes;
        wishes.instanceExtensions = {"VK_KHR_surface",
                                     "VK_KHR_get_surface_capabilities2",
                                     "VK_EXT_surface_maintenance1",
                                     "VK_KHR_surface_protected_capabilities",
                                     "VK_EXT_swapchain_colorspace",
                                     window->extension()};
        wishes.deviceExtensions = {"VK_KHR_swapchain", "VK_KHR_shared_presentable_image",
                                   "VK_EXT_present_mode_fifo_latest_ready", "VK_EXT_hdr_metadata"};
        wishes.deviceChain = &m_feature;
        context = std::make_unique<client::VulkanContext>(wishes);
        surface = window->createSurface(context->instance());
    }

    void TearDown() override
    {
        if (context && surface)
            vkDestroySurfaceKHR(context->instance(), surface, nullptr);
    }

    std::set<VkPresentModeKHR> modes() const
    {
        VkPresentModeKHR list[16]{};
        uint32_t count = std::size(list);
        client::check(vkGetPhysicalDeviceSurfacePresentModesKHR(context->physicalDevice(), surface, &count, list),
                      "vkGetPhysicalDeviceSurfacePresentModesKHR");
        return {list, list + count};
    }

    VkSurfaceCapabilitiesKHR capabilities(VkPresentModeKHR mode, void* next) const
    {
        const VkSurfacePresentModeEXT asked{VK_STRUCTURE_TYPE_SURFACE_PRESENT_MODE_EXT, nullptr, mode};
        const VkPhysicalDeviceSurfaceInfo2KHR info{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SURFACE_INFO_2_KHR, &asked,
                                                   surface};
        VkSurfaceCapabilities2KHR result{VK_STRUCTURE_TYPE_SURFACE_CAPABILITIES_2_KHR, next, {}};
        const auto query = reinterpret_cast<PFN_vkGetPhysicalDeviceSurfaceCapabilities2KHR>(
            vkGetInstanceProcAddr(context->instance(), "vkGetPhysicalDeviceSurfaceCapabilities2KHR"));
        client::check(query(context->physicalDevice(), &info, &result), "vkGetPhysicalDeviceSurfaceCapabilities2KHR");
        return result.surfaceCapabilities;
    }

    std::unique_ptr<TestWindow> window;
    std::unique_ptr<client::VulkanContext> context;
    VkSurfaceKHR surface = VK_NULL_HANDLE;

private:
    VkPhysicalDevicePresentModeFifoLatestReadyFeaturesEXT m_feature{};
};

/// A swapchain of one image that stays with the application.
class SharedSwapchain {
public:
    SharedSwapchain(client::VulkanContext& context, VkSurfaceKHR surface, VkPresentModeKHR mode) : m_context(context)
    {
        VkSurfaceCapabilitiesKHR capabilities;
        client::check(vkGetPhysicalDeviceSurfaceCapabilitiesKHR(context.physicalDevice(), surface, &capabilities),
                      "vkGetPhysicalDeviceSurfaceCapabilitiesKHR");
        VkSwapchainCreateInfoKHR info{};
        info.sType = VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR;
        info.surface = surface;
        info.minImageCount = 1;
        info.imageFormat = VK_FORMAT_B8G8R8A8_UNORM;
        info.imageExtent =
            capabilities.currentExtent.width == UINT32_MAX ? VkExtent2D{96, 64} : capabilities.currentExtent;
        info.imageArrayLayers = 1;
        info.imageUsage = VK_IMAGE_USAGE_TRANSFER_DST_BIT;
        info.preTransform = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR;
        info.compositeAlpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR;
        info.presentMode = mode;
        client::check(vkCreateSwapchainKHR(context.device(), &info, nullptr, &m_swapchain), "vkCreateSwapchainKHR");
        uint32_t count = 1;
        client::check(vkGetSwapchainImagesKHR(context.device(), m_swapchain, &count, &m_image),
                      "vkGetSwapchainImagesKHR");
        const VkCommandPoolCreateInfo pool{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO, nullptr,
                                           VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT, context.family()};
        client::check(vkCreateCommandPool(context.device(), &pool, nullptr, &m_pool), "vkCreateCommandPool");
        const VkCommandBufferAllocateInfo command{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, nullptr, m_pool,
                                                  VK_COMMAND_BUFFER_LEVEL_PRIMARY, 1};
        client::check(vkAllocateCommandBuffers(context.device(), &command, &m_command), "vkAllocateCommandBuffers");
        const VkFenceCreateInfo fence{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO, nullptr, 0};
        client::check(vkCreateFence(context.device(), &fence, nullptr, &m_fence), "vkCreateFence");
        uint32_t index = 7;
        client::check(vkAcquireNextImageKHR(context.device(), m_swapchain, UINT64_MAX, VK_NULL_HANDLE, m_fence, &index),
                      "vkAcquireNextImageKHR");
        wait();
    }

    ~SharedSwapchain()
    {
        vkQueueWaitIdle(queue());
        vkDestroySwapchainKHR(m_context.device(), m_swapchain, nullptr);
        vkDestroyFence(m_context.device(), m_fence, nullptr);
        vkDestroyCommandPool(m_context.device(), m_pool, nullptr);
    }

    /// Draws frame `number` into the image, complete on return.
    void draw(uint32_t number)
    {
        const VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO, nullptr,
                                             VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT, nullptr};
        client::check(vkBeginCommandBuffer(m_command, &begin), "vkBeginCommandBuffer");
        client::recordFrame(m_command, m_image, number, VK_IMAGE_LAYOUT_SHARED_PRESENT_KHR);
        client::check(vkEndCommandBuffer(m_command), "vkEndCommandBuffer");
        VkSubmitInfo submit{};
        submit.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
        submit.commandBufferCount = 1;
        submit.pCommandBuffers = &m_command;
        client::check(vkQueueSubmit(queue(), 1, &submit, m_fence), "vkQueueSubmit");
        wait();
    }

    VkResult present() const
    {
        const uint32_t index = 0;
        const VkPresentInfoKHR info{
            VK_STRUCTURE_TYPE_PRESENT_INFO_KHR, nullptr, 0, nullptr, 1, &m_swapchain, &index, nullptr};
        return vkQueuePresentKHR(queue(), &info);
    }

    VkResult status() const
    {
        const auto query = reinterpret_cast<PFN_vkGetSwapchainStatusKHR>(
            vkGetDeviceProcAddr(m_context.device(), "vkGetSwapchainStatusKHR"));
        return query(m_context.device(), m_swapchain);
    }

private:
    VkQueue queue() const { return m_context.queues()[0]; }
    void wait()
    {
        client::check(vkWaitForFences(m_context.device(), 1, &m_fence, VK_TRUE, UINT64_MAX), "vkWaitForFences");
        client::check(vkResetFences(m_context.device(), 1, &m_fence), "vkResetFences");
    }

    client::VulkanContext& m_context;
    VkSwapchainKHR m_swapchain = VK_NULL_HANDLE;
    VkImage m_image = VK_NULL_HANDLE;
    VkCommandPool m_pool = VK_NULL_HANDLE;
    VkCommandBuffer m_command = VK_NULL_HANDLE;
    VkFence m_fence = VK_NULL_HANDLE;
};

/// Waits until an X11 window is all of this colour; true at once where nothing can be read.
bool shows(const TestWindow& window, uint32_t colour)
{
    if (!window.readable())
        return true;
    client::WindowReader reader(window.readable());
    const auto limit = std::chrono::steady_clock::now() + 10s;
    while (std::chrono::steady_clock::now() < limit) {
        const auto picture = reader.read(64, 48);
        if (picture && picture->whole && picture->colour == colour)
            return true;
        std::this_thread::sleep_for(10ms);
    }
    return false;
}

} // namespace

TEST_F(Supplied, EveryExtensionOfTheColumnIsThere)
{
    uint32_t count = 0;
    std::set<std::string> there;
    vkEnumerateInstanceExtensionProperties(nullptr, &count, nullptr);
    std::vector<VkExtensionProperties> list(count);
    vkEnumerateInstanceExtensionProperties(nullptr, &count, list.data());
    for (const VkExtensionProperties& each : list)
        there.insert(each.extensionName);
    vkEnumerateDeviceExtensionProperties(context->physicalDevice(), nullptr, &count, nullptr);
    list.resize(count);
    vkEnumerateDeviceExtensionProperties(context->physicalDevice(), nullptr, &count, list.data());
    for (const VkExtensionProperties& each : list)
        there.insert(each.extensionName);

    size_t checked = 0;
    for (const char* const title : {"instance extension", "device extension"}) {
        for (const vwsi::testing::SuppliedRow& row : vwsi::testing::readmeTable(VWSI_README, title)) {
            const bool byLoader = row.remark.find("where the Vulkan loader knows it") != std::string::npos;
            if (!row.on[window->column()] || row.newerHeaders || byLoader)
                continue;
            // What adds to an extension of the driver's comes with that one.
            const size_t base = row.remark.find("where the driver has `");
            if (base != std::string::npos) {
                const size_t from = row.remark.find('`', base) + 1;
                EXPECT_EQ(there.count(row.name), there.count(row.remark.substr(from, row.remark.rfind('`') - from)));
            } else {
                EXPECT_TRUE(there.count(row.name)) << row.name;
            }
            ++checked;
        }
    }
    EXPECT_GT(checked, 15u);
}

TEST_F(Supplied, ThePresentModesAreThoseOfTheColumn)
{
    const std::set<VkPresentModeKHR> there = modes();
    std::set<VkPresentModeKHR> told;
    for (const vwsi::testing::SuppliedRow& row : vwsi::testing::readmeTable(VWSI_README, "present mode")) {
        ASSERT_TRUE(kModes.count(row.name)) << row.name;
        const VkPresentModeKHR mode = kModes.at(row.name);
        // A remark names what the window system must have for it.
        const bool optional =
            window->column() == vwsi::testing::Wayland && row.remark.find("Wayland") != std::string::npos;
        if (row.on[window->column()] && (!optional || there.count(mode)))
            told.insert(mode);
    }
    EXPECT_EQ(there, told);
}

TEST_F(Supplied, FramesGoOutInEveryMode)
{
    for (const VkPresentModeKHR mode : modes()) {
        if (isShared(mode))
            continue;
        client::FrameLoopWishes wishes;
        wishes.mode = mode;
        wishes.extent = {96, 64};
        client::FrameLoop loop(*context, context->queues()[0], surface, wishes);
        for (int i = 0; i < 8; ++i)
            EXPECT_EQ(loop.frame(), VK_SUCCESS) << "mode " << mode;
        EXPECT_TRUE(shows(*window, client::colourOf(loop.frames()))) << "mode " << mode;
    }
}

TEST_F(Supplied, ASharedImageShowsWhatIsPresented)
{
    for (const VkPresentModeKHR mode :
         {VK_PRESENT_MODE_SHARED_DEMAND_REFRESH_KHR, VK_PRESENT_MODE_SHARED_CONTINUOUS_REFRESH_KHR}) {
        SharedSwapchain swapchain(*context, surface, mode);
        for (const uint32_t number : {0x112233u, 0x445566u, 0x778899u}) {
            swapchain.draw(number);
            EXPECT_EQ(swapchain.present(), VK_SUCCESS);
            EXPECT_TRUE(shows(*window, number)) << "mode " << mode;
            EXPECT_EQ(swapchain.status(), VK_SUCCESS);
        }
    }
}

TEST_F(Supplied, AContinuouslySharedImageShowsWhatIsDrawn)
{
    SharedSwapchain swapchain(*context, surface, VK_PRESENT_MODE_SHARED_CONTINUOUS_REFRESH_KHR);
    swapchain.draw(0x010203);
    ASSERT_EQ(swapchain.present(), VK_SUCCESS);
    EXPECT_TRUE(shows(*window, 0x010203));
    for (const uint32_t number : {0x112233u, 0x445566u, 0x778899u}) {
        swapchain.draw(number);
        EXPECT_TRUE(shows(*window, number));
    }
    EXPECT_EQ(swapchain.status(), VK_SUCCESS);
}

TEST_F(Supplied, CapabilitiesTellOfEveryExtension)
{
    VkSharedPresentSurfaceCapabilitiesKHR usage{VK_STRUCTURE_TYPE_SHARED_PRESENT_SURFACE_CAPABILITIES_KHR, nullptr, 0};
    VkSurfaceProtectedCapabilitiesKHR protectedness{VK_STRUCTURE_TYPE_SURFACE_PROTECTED_CAPABILITIES_KHR, &usage, 7};
    const VkSurfaceCapabilitiesKHR shared = capabilities(VK_PRESENT_MODE_SHARED_DEMAND_REFRESH_KHR, &protectedness);
    EXPECT_EQ(shared.minImageCount, 1u);
    EXPECT_EQ(shared.maxImageCount, 1u);
    EXPECT_TRUE(usage.sharedPresentSupportedUsageFlags & VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT);
    EXPECT_EQ(protectedness.supportsProtected, VK_FALSE);
    EXPECT_EQ(capabilities(VK_PRESENT_MODE_FIFO_LATEST_READY_EXT, nullptr).minImageCount,
              capabilities(VK_PRESENT_MODE_FIFO_KHR, nullptr).minImageCount);
}

TEST_F(Supplied, FormatsPassThrough)
{
    uint32_t count = 0;
    client::check(vkGetPhysicalDeviceSurfaceFormatsKHR(context->physicalDevice(), surface, &count, nullptr),
                  "vkGetPhysicalDeviceSurfaceFormatsKHR");
    std::vector<VkSurfaceFormatKHR> formats(count);
    client::check(vkGetPhysicalDeviceSurfaceFormatsKHR(context->physicalDevice(), surface, &count, formats.data()),
                  "vkGetPhysicalDeviceSurfaceFormatsKHR");
    std::map<VkFormat, std::set<VkColorSpaceKHR>> spaces;
    for (const VkSurfaceFormatKHR& format : formats)
        spaces[format.format].insert(format.colorSpace);
    for (const auto& [format, of] : spaces)
        EXPECT_EQ(of, (std::set{VK_COLOR_SPACE_SRGB_NONLINEAR_KHR, VK_COLOR_SPACE_PASS_THROUGH_EXT})) << format;
}
