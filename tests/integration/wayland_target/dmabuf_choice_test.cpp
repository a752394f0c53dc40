// Which frames go out as dma-bufs: the whole layer between the mock driver and the test compositor. The mock exports
// memfds, which the compositor maps like any dma-buf.

#include "harness/layer_test.h"
#include "open_descriptors.h"
#include "test_compositor.h"

#include <sys/sysmacros.h>
#include <thread>
#include <vulkan/vulkan_wayland.h>
#include <wayland-client.h>

namespace vwsi::testing {

namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::SizeIs;

constexpr uint32_t kXr24 = 0x34325258;
constexpr uint64_t kTiled = 0x0100000000000002;
constexpr uint64_t kCompressed = 0x0200000000000007;
constexpr VkClearColorValue kColor{{0.25f, 0.5f, 0.75f, 1.0f}};
constexpr uint32_t kPixel = 0xff4080bf;

mock::DeviceSpec exporting()
{
    return mock::DeviceSpec::venus().withDmaBuf().withExtension("VK_KHR_sampler_ycbcr_conversion");
}

/// A connection with a window.
class Client {
public:
    explicit Client(int socket) : display(wl_display_connect_to_fd(socket))
    {
        static constexpr wl_registry_listener kListener = {
            .global =
                [](void* data, wl_registry* registry, uint32_t name, const char* interface, uint32_t) {
                    if (strcmp(interface, "wl_compositor") == 0)
                        static_cast<Client*>(data)->m_compositor =
                            static_cast<wl_compositor*>(wl_registry_bind(registry, name, &wl_compositor_interface, 4));
                },
            .global_remove = [](void*, wl_registry*, uint32_t) {},
        };
        wl_registry* const registry = wl_display_get_registry(display);
        wl_registry_add_listener(registry, &kListener, this);
        wl_display_roundtrip(display);
        wl_registry_destroy(registry);
        window = wl_compositor_create_surface(m_compositor);
    }
    ~Client()
    {
        wl_surface_destroy(window);
        wl_compositor_destroy(m_compositor);
        wl_display_disconnect(display);
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    wl_display* display = nullptr;
    wl_surface* window = nullptr;

private:
    wl_compositor* m_compositor = nullptr;
};

class DmaBufChoice : public LayerTest {
protected:
    void TearDown() override
    {
        m_window.reset();
        if (m_surface)
            instance().vk.DestroySurfaceKHR(instance().handle, m_surface, nullptr);
        m_surface = VK_NULL_HANDLE;
        LayerTest::TearDown();
        m_client.reset();
        m_compositor.reset();
    }

    CompositorOptions compositorOptions{.dmaBufVersion = 4};
    InstanceOptions instanceOptions{.extensions = {"VK_KHR_surface", "VK_KHR_wayland_surface"}};
    WindowOptions windowOptions;

    /// A window of a device like `spec` under a compositor of `compositorOptions`.
    Window& open(const mock::DeviceSpec& spec)
    {
        add(spec);
        m_compositor = std::make_unique<TestCompositor>(compositorOptions);
        m_client = std::make_unique<Client>(m_compositor->connect());
        makeInstance(instanceOptions);
        device();
        const VkWaylandSurfaceCreateInfoKHR info{VK_STRUCTURE_TYPE_WAYLAND_SURFACE_CREATE_INFO_KHR, nullptr, 0,
                                                 m_client->display, m_client->window};
        const auto create =
            reinterpret_cast<PFN_vkCreateWaylandSurfaceKHR>(instance().proc("vkCreateWaylandSurfaceKHR"));
        EXPECT_EQ(create(instance().handle, &info, nullptr, &m_surface), VK_SUCCESS);
        windowOptions.surface = m_surface;
        windowOptions.presentMode = VK_PRESENT_MODE_FIFO_KHR;
        m_window = std::make_unique<Window>(device(), windowOptions);
        EXPECT_EQ(m_window->result, VK_SUCCESS);
        return *m_window;
    }

    TestCompositor& compositor() { return *m_compositor; }
    wl_display* display() const { return m_client->display; }

    /// The mock's images that were made for the swapchain, the last ones.
    std::vector<mock::ImageRecord> images()
    {
        std::vector<mock::ImageRecord> all = driver.images();
        return {all.end() - static_cast<ptrdiff_t>(m_window->images.size()), all.end()};
    }

    /// Shows some frames and says whether the compositor read them from dma-bufs, each with the right pixels.
    bool showsDmaBufs(Window& window)
    {
        for (int i = 0; i < 6; ++i)
            EXPECT_EQ(window.frame(kColor), VK_SUCCESS);
        const auto seen = [&] { return !compositor().shown().empty(); };
        for (int i = 0; i < 5000 && !seen(); ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        EXPECT_TRUE(seen());
        for (const Shown& shown : compositor().shown()) {
            EXPECT_EQ(shown.pixel, kPixel);
            EXPECT_TRUE(shown.whole);
        }
        const std::vector<Commit> commits = compositor().commits();
        EXPECT_FALSE(commits.empty());
        const auto fromDmaBuf = [](const Commit& commit) { return commit.dmaBuf; };
        const bool all = std::all_of(commits.begin(), commits.end(), fromDmaBuf);
        EXPECT_TRUE(all || std::none_of(commits.begin(), commits.end(), fromDmaBuf));
        EXPECT_EQ(compositor().pools().empty(), all);
        return all;
    }

private:
    std::unique_ptr<TestCompositor> m_compositor;
    std::unique_ptr<Client> m_client;
    std::unique_ptr<Window> m_window;
    VkSurfaceKHR m_surface = VK_NULL_HANDLE;
};

} // namespace

TEST_F(DmaBufChoice, ImagesGoOutAsTheyAre)
{
    compositorOptions.tranches = {{{kXr24, kTiled}, {kXr24, 0}}};
    Window& window = open(exporting().withModifier(0).withModifier(kTiled));
    EXPECT_TRUE(showsDmaBufs(window));
    const auto records = images();
    EXPECT_THAT(records[0].modifiers, ElementsAre(kTiled, 0)) << "the driver chooses among what both take";
    for (const mock::ImageRecord& record : records) {
        EXPECT_EQ(record.info.tiling, VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT);
        EXPECT_THAT(record.chain, IsSupersetOf({VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO,
                                                VK_STRUCTURE_TYPE_IMAGE_DRM_FORMAT_MODIFIER_LIST_CREATE_INFO_EXT}));
    }
    EXPECT_THAT(records[1].modifiers, ElementsAre(kTiled)) << "all like the first";
    ASSERT_THAT(compositor().dmaBufs(), SizeIs(3));
    const DmaBufRecord exported = compositor().dmaBufs()[2];
    EXPECT_EQ(exported.modifier, kTiled);
    EXPECT_EQ(exported.format, kXr24);
    EXPECT_EQ(exported.planes.at(0).stride, 128u);
    EXPECT_EQ(driver.count("vkCmdCopyImageToBuffer"), 0u);
}

TEST_F(DmaBufChoice, Version3CompositorsDoToo)
{
    compositorOptions.dmaBufVersion = 3;
    Window& window = open(exporting().withModifier(0));
    EXPECT_TRUE(showsDmaBufs(window));
}

TEST_F(DmaBufChoice, ImagesAreReleasedToReadersOutside)
{
    Window& window = open(exporting().withModifier(0));
    EXPECT_TRUE(showsDmaBufs(window));
    EXPECT_EQ(driver.handOvers(), 6u);
}

TEST_F(DmaBufChoice, WithoutForeignQueuesNothingIsReleased)
{
    Window& window = open(exporting().withModifier(0).withoutExtension("VK_EXT_queue_family_foreign"));
    EXPECT_TRUE(showsDmaBufs(window));
    EXPECT_EQ(driver.handOvers(), 0u);
}

TEST_F(DmaBufChoice, WhatIsNeededIsEnabledBelow)
{
    open(exporting().withModifier(0));
    EXPECT_THAT(driver.devices().at(0).extensions,
                IsSupersetOf({"VK_KHR_external_memory_fd", "VK_EXT_external_memory_dma_buf",
                              "VK_EXT_image_drm_format_modifier", "VK_EXT_queue_family_foreign"}));
}

TEST_F(DmaBufChoice, Vulkan10ApplicationsGetAllThatItDependsOn)
{
    instanceOptions.apiVersion = VK_API_VERSION_1_0;
    Window& window = open(exporting().withModifier(0));
    EXPECT_TRUE(showsDmaBufs(window));
    EXPECT_THAT(driver.devices().at(0).extensions,
                IsSupersetOf({"VK_KHR_external_memory", "VK_KHR_dedicated_allocation",
                              "VK_KHR_get_memory_requirements2", "VK_KHR_bind_memory2", "VK_KHR_maintenance1",
                              "VK_KHR_sampler_ycbcr_conversion", "VK_KHR_image_format_list"}));
}

TEST_F(DmaBufChoice, APartThatIsMissingLeavesSharedMemory)
{
    instanceOptions.apiVersion = VK_API_VERSION_1_0;
    Window& window = open(exporting().withModifier(0).withoutExtension("VK_KHR_sampler_ycbcr_conversion"));
    EXPECT_FALSE(showsDmaBufs(window));
    EXPECT_THAT(driver.devices().at(0).extensions, Not(Contains("VK_EXT_image_drm_format_modifier")));
}

TEST_F(DmaBufChoice, ApplicationsWithoutWaylandGetNothing)
{
    add(exporting().withModifier(0));
    Window window(device());
    EXPECT_THAT(driver.devices().at(0).extensions, Each(Not(HasSubstr("dma_buf"))));
}

TEST_F(DmaBufChoice, SharedMemoryOnDemand)
{
    IN_PROCESS_WITH({"VENUS_WSI_WAYLAND", "shm"}, {"VENUS_WSI_LOG", "info"});
    Window& window = open(exporting().withModifier(0));
    EXPECT_FALSE(showsDmaBufs(window));
    EXPECT_THAT(driver.devices().at(0).extensions, Each(Not(HasSubstr("dma_buf"))));
    EXPECT_THAT(childLog(), HasSubstr("frames go through wl_shm: VENUS_WSI_WAYLAND=shm"));
}

TEST_F(DmaBufChoice, TheLogSaysHowFramesTravel)
{
    IN_PROCESS_WITH({"VENUS_WSI_LOG", "info"});
    Window& window = open(exporting().withModifier(kCompressed, 2).withModifier(0));
    EXPECT_TRUE(showsDmaBufs(window));
    EXPECT_THAT(childLog(), HasSubstr("frames go out as dma-bufs, modifier 0x0, 1 plane of 128 bytes a row"));
}

TEST_F(DmaBufChoice, AnotherWayOfCopyingIsRespected)
{
    IN_PROCESS_WITH({"VENUS_WSI_COPY", "staged"}, {"VENUS_WSI_LOG", "info"});
    EXPECT_FALSE(showsDmaBufs(open(exporting().withModifier(0))));
    EXPECT_THAT(childLog(), HasSubstr("frames go through wl_shm: VENUS_WSI_COPY"));
}

TEST_F(DmaBufChoice, AHostWithoutDmaBufsIsNoReasonToAsk)
{
    IN_PROCESS_WITH({"VENUS_WSI_LOG", "info"});
    EXPECT_FALSE(showsDmaBufs(open(mock::DeviceSpec::venus())));
    EXPECT_THAT(childLog(), HasSubstr("frames go through wl_shm: the driver exports no dma-bufs"));
    EXPECT_FALSE(compositor().requests().contains("zwp_linux_dmabuf_v1.get_surface_feedback"));
}

TEST_F(DmaBufChoice, ACompositorWithoutDmaBufs)
{
    IN_PROCESS_WITH({"VENUS_WSI_LOG", "info"});
    compositorOptions.dmaBufVersion = 0;
    EXPECT_FALSE(showsDmaBufs(open(exporting().withModifier(0))));
    EXPECT_THAT(childLog(), HasSubstr("frames go through wl_shm: the compositor has no zwp_linux_dmabuf_v1"));
}

TEST_F(DmaBufChoice, DriversOnTheCpuRenderIntoSharedMemoryAnyway)
{
    mock::DeviceSpec spec = exporting().withModifier(0).withExternalMemoryHost();
    spec.type = VK_PHYSICAL_DEVICE_TYPE_CPU;
    EXPECT_FALSE(showsDmaBufs(open(spec)));
}

TEST_F(DmaBufChoice, DriversOnTheCpuThatCannotDoThatExport)
{
    mock::DeviceSpec spec = exporting().withModifier(0);
    spec.type = VK_PHYSICAL_DEVICE_TYPE_CPU;
    EXPECT_TRUE(showsDmaBufs(open(spec)));
}

TEST_F(DmaBufChoice, TheUserMayInsist)
{
    IN_PROCESS_WITH({"VENUS_WSI_WAYLAND", "dmabuf"});
    mock::DeviceSpec spec = exporting().withModifier(0).withExternalMemoryHost();
    spec.type = VK_PHYSICAL_DEVICE_TYPE_CPU;
    compositorOptions.mainDevice = makedev(226, 129);
    EXPECT_TRUE(showsDmaBufs(open(spec)));
}

TEST_F(DmaBufChoice, WhoInsistsInVainIsTold)
{
    IN_PROCESS_WITH({"VENUS_WSI_WAYLAND", "dmabuf"}, {"VENUS_WSI_LOG", "warn"});
    EXPECT_FALSE(showsDmaBufs(open(mock::DeviceSpec::venus())));
    EXPECT_THAT(childLog(), HasSubstr("VENUS_WSI_WAYLAND=dmabuf: frames go through wl_shm: the driver exports no"));
}

TEST_F(DmaBufChoice, TheCompositorsOwnDeviceReadsThem)
{
    compositorOptions.mainDevice = makedev(226, 128);
    EXPECT_TRUE(showsDmaBufs(open(exporting().withModifier(0).withRenderNode(128))));
}

TEST_F(DmaBufChoice, AnotherDeviceDoesNot)
{
    compositorOptions.mainDevice = makedev(226, 129);
    EXPECT_FALSE(showsDmaBufs(open(exporting().withModifier(0).withRenderNode(128))));
}

TEST_F(DmaBufChoice, ADeviceThatNobodyKnowsIsAnother)
{
    compositorOptions.mainDevice = makedev(226, 128);
    EXPECT_FALSE(showsDmaBufs(open(exporting().withModifier(0))));
}

TEST_F(DmaBufChoice, TheFirstTrancheWithAMatchDecides)
{
    compositorOptions.tranches = {{{kXr24, 77}}, {{kXr24, kCompressed}}, {{kXr24, kTiled}, {kXr24, 0}}};
    open(exporting().withModifier(0).withModifier(kTiled).withModifier(kCompressed, 2));
    EXPECT_THAT(images()[0].modifiers, ElementsAre(kCompressed));
    const DmaBufRecord exported = compositor().dmaBufs().at(0);
    ASSERT_THAT(exported.planes, SizeIs(2));
    EXPECT_EQ(exported.planes[1].offset, 128u * 24);
    EXPECT_EQ(exported.planes[1].stride, 128u);
}

TEST_F(DmaBufChoice, NothingInCommonLeavesSharedMemory)
{
    compositorOptions.tranches = {{{kXr24, 77}, {kXr24, 78}}};
    EXPECT_FALSE(showsDmaBufs(open(exporting().withModifier(0))));
    EXPECT_THAT(compositor().dmaBufs(), IsEmpty());
}

TEST_F(DmaBufChoice, OtherFormatsAreNoMatch)
{
    compositorOptions.tranches = {{{0x34325241, 0}}};
    EXPECT_FALSE(showsDmaBufs(open(exporting().withModifier(0)))) << "XRGB, not ARGB";
}

TEST_F(DmaBufChoice, LayoutsThatCanDoLessThanOptimalImagesAreLeftOut)
{
    compositorOptions.tranches = {{{kXr24, kTiled}, {kXr24, 0}}};
    open(exporting().withModifier(kTiled, 1, VK_FORMAT_FEATURE_COLOR_ATTACHMENT_BLEND_BIT).withModifier(0));
    EXPECT_THAT(images()[0].modifiers, ElementsAre(0u));
}

TEST_F(DmaBufChoice, DedicatedMemoryWhereItMustBe)
{
    mock::DeviceSpec spec = exporting().withModifier(0);
    spec.exportsDedicatedOnly = true;
    EXPECT_TRUE(showsDmaBufs(open(spec)));
}

TEST_F(DmaBufChoice, DriversWithoutModifiersKeepTheirTiling)
{
    mock::DeviceSpec spec = exporting().withoutExtension("VK_EXT_image_drm_format_modifier");
    spec.linearColorAttachments = true;
    EXPECT_FALSE(showsDmaBufs(open(spec)));
}

TEST_F(DmaBufChoice, OnDemandTheirImagesAreLinear)
{
    IN_PROCESS_WITH({"VENUS_WSI_WAYLAND", "dmabuf"});
    mock::DeviceSpec spec = exporting().withoutExtension("VK_EXT_image_drm_format_modifier");
    spec.linearColorAttachments = true;
    spec.linearRowAlignment = 512;
    compositorOptions.tranches = {{{kXr24, 0x00ffffffffffffff}, {kXr24, 0}}};
    EXPECT_TRUE(showsDmaBufs(open(spec)));
    EXPECT_EQ(images()[0].info.tiling, VK_IMAGE_TILING_LINEAR);
    EXPECT_EQ(compositor().dmaBufs().at(0).modifier, 0u);
    EXPECT_EQ(compositor().dmaBufs().at(0).planes.at(0).stride, 512u);
}

TEST_F(DmaBufChoice, ImplicitModifiersWhereTheCompositorKnowsNoOther)
{
    IN_PROCESS_WITH({"VENUS_WSI_WAYLAND", "dmabuf"});
    mock::DeviceSpec spec = exporting().withoutExtension("VK_EXT_image_drm_format_modifier");
    spec.linearColorAttachments = true;
    compositorOptions.tranches = {{{kXr24, 0x00ffffffffffffff}}};
    EXPECT_TRUE(showsDmaBufs(open(spec)));
    EXPECT_EQ(compositor().dmaBufs().at(0).modifier, 0x00ffffffffffffffu);
}

TEST_F(DmaBufChoice, LinearImagesThatCanDoLessAreNotExported)
{
    IN_PROCESS_WITH({"VENUS_WSI_WAYLAND", "dmabuf"});
    EXPECT_FALSE(showsDmaBufs(open(exporting().withoutExtension("VK_EXT_image_drm_format_modifier"))));
}

TEST_F(DmaBufChoice, WhateverFailsFramesAreShown)
{
    const struct {
        const char* call;
        unsigned nth;
        VkResult result;
    } faults[] = {{"vkCreateImage", 2, VK_ERROR_OUT_OF_DEVICE_MEMORY},
                  {"vkAllocateMemory", 1, VK_ERROR_OUT_OF_DEVICE_MEMORY},
                  {"vkAllocateMemory", 3, VK_ERROR_INVALID_EXTERNAL_HANDLE},
                  {"vkBindImageMemory", 2, VK_ERROR_OUT_OF_DEVICE_MEMORY},
                  {"vkGetMemoryFdKHR", 1, VK_ERROR_TOO_MANY_OBJECTS},
                  {"vkGetMemoryFdKHR", 3, VK_ERROR_OUT_OF_HOST_MEMORY},
                  {"vkGetImageDrmFormatModifierPropertiesEXT", 1, VK_ERROR_OUT_OF_HOST_MEMORY}};
    Window& window = open(exporting().withModifier(0));
    window.destroySwapchain();
    const size_t before = openDescriptors();
    for (const auto& fault : faults) {
        for (int i = 0; i < 3; ++i) {
            driver.failNth(fault.call, fault.nth, fault.result);
            Window next(device(), windowOptions);
            EXPECT_EQ(next.result, VK_SUCCESS) << fault.call;
            EXPECT_EQ(next.frame(kColor), VK_SUCCESS);
            EXPECT_EQ(next.frame(kColor), VK_SUCCESS);
            driver.clearFaults();
        }
        // The compositor lets go of what it has shown, all but the last. Its thread opens some for a moment.
        size_t left = openDescriptors();
        for (int i = 0; i < 1000 && left > before + 1; ++i) {
            wl_display_roundtrip(display());
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            left = openDescriptors();
        }
        EXPECT_LE(left, before + 1) << fault.call;
    }
    EXPECT_FALSE(compositor().pools().empty());
}

TEST_F(DmaBufChoice, AFailureIsLoggedWithItsStep)
{
    IN_PROCESS_WITH({"VENUS_WSI_LOG", "warn"});
    driver.failNth("vkGetMemoryFdKHR", 2, VK_ERROR_TOO_MANY_OBJECTS);
    EXPECT_FALSE(showsDmaBufs(open(exporting().withModifier(0))));
    EXPECT_THAT(childLog(), HasSubstr("frames go through wl_shm: exporting memory as a dma-buf failed (-10)"));
}

TEST_F(DmaBufChoice, ACompositorThatRefusesGetsSharedMemory)
{
    compositorOptions.acceptedDmaBufs = 2;
    Window& window = open(exporting().withModifier(0));
    EXPECT_FALSE(showsDmaBufs(window));
    const size_t asked = compositor().dmaBufs().size();
    EXPECT_EQ(window.recreate(), VK_SUCCESS);
    EXPECT_EQ(window.frame(kColor), VK_SUCCESS);
    EXPECT_EQ(compositor().dmaBufs().size(), asked) << "it is not asked again for this window";
}

TEST_F(DmaBufChoice, ResizedWindowsGoOnWithDmaBufs)
{
    Window& window = open(exporting().withModifier(0));
    EXPECT_TRUE(showsDmaBufs(window));
    window.options.extent = {100, 60};
    EXPECT_EQ(window.recreate(), VK_SUCCESS);
    EXPECT_TRUE(showsDmaBufs(window));
    EXPECT_EQ(compositor().dmaBufs().back().width, 100);
}

TEST_F(DmaBufChoice, DeferredMemoryIsShared)
{
    windowOptions.flags = VK_SWAPCHAIN_CREATE_DEFERRED_MEMORY_ALLOCATION_BIT_EXT;
    EXPECT_FALSE(showsDmaBufs(open(exporting().withModifier(0))));
}

TEST_F(DmaBufChoice, MutableFormatsComeWithTheirList)
{
    const VkFormat formats[] = {VK_FORMAT_B8G8R8A8_UNORM, VK_FORMAT_B8G8R8A8_SRGB};
    const VkImageFormatListCreateInfo list{VK_STRUCTURE_TYPE_IMAGE_FORMAT_LIST_CREATE_INFO, nullptr, 2, formats};
    windowOptions.flags = VK_SWAPCHAIN_CREATE_MUTABLE_FORMAT_BIT_KHR;
    windowOptions.next = &list;
    EXPECT_TRUE(showsDmaBufs(open(exporting().withModifier(0))));
    EXPECT_THAT(images()[1].chain, Contains(VK_STRUCTURE_TYPE_IMAGE_FORMAT_LIST_CREATE_INFO));
}

TEST_F(DmaBufChoice, ImagesThatShareMemoryAreLaidOutAlike)
{
    compositorOptions.tranches = {{{kXr24, kTiled}, {kXr24, 0}}};
    const Window& window = open(exporting().withModifier(0).withModifier(kTiled));
    const VkImageSwapchainCreateInfoKHR swapchain{VK_STRUCTURE_TYPE_IMAGE_SWAPCHAIN_CREATE_INFO_KHR, nullptr,
                                                  window.swapchain};
    VkImageCreateInfo info = driver.images().back().info;
    info.pNext = &swapchain;
    info.tiling = VK_IMAGE_TILING_OPTIMAL;
    VkImage alias = VK_NULL_HANDLE;
    ASSERT_EQ(device().vk.CreateImage(device().handle, &info, nullptr, &alias), VK_SUCCESS);
    EXPECT_EQ(driver.images().back().info.tiling, VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT);
    EXPECT_THAT(driver.images().back().modifiers, ElementsAre(kTiled));
    const VkBindImageMemorySwapchainInfoKHR which{VK_STRUCTURE_TYPE_BIND_IMAGE_MEMORY_SWAPCHAIN_INFO_KHR, nullptr,
                                                  window.swapchain, 1};
    const VkBindImageMemoryInfo bind{VK_STRUCTURE_TYPE_BIND_IMAGE_MEMORY_INFO, &which, alias, VK_NULL_HANDLE, 0};
    EXPECT_EQ(device().vk.BindImageMemory2(device().handle, 1, &bind), VK_SUCCESS);
    device().vk.DestroyImage(device().handle, alias, nullptr);
}

TEST_F(DmaBufChoice, OtherPreferencesMakeTheSwapchainSuboptimal)
{
    Window& window = open(exporting().withModifier(0));
    EXPECT_TRUE(showsDmaBufs(window));
    compositor().setTranches({{{kXr24, kTiled}}, {{kXr24, 0}}});
    VkResult result = VK_SUCCESS;
    for (int i = 0; i < 500 && result == VK_SUCCESS; ++i)
        result = window.frame(kColor);
    EXPECT_EQ(result, VK_SUBOPTIMAL_KHR);
}

TEST_F(DmaBufChoice, ACompositorThatIsGoneLosesTheSurface)
{
    Window& window = open(exporting().withModifier(0));
    EXPECT_TRUE(showsDmaBufs(window));
    compositor().disconnectClients();
    EXPECT_EQ(window.recreate(), VK_ERROR_SURFACE_LOST_KHR);
}

} // namespace vwsi::testing
