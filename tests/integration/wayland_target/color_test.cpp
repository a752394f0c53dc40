// Colour spaces and HDR metadata: what is offered, what the compositor hears of it, and when.

#include "client.h"

#include "venus-wsi-color-management-v1-client.h"

#include <algorithm>
#include <limits>

namespace vwsi::testing {
namespace {

constexpr uint32_t kXr30 = 0x30335258, kAr30 = 0x30335241;
constexpr uint32_t kXb4h = 0x48344258, kAb4h = 0x48344241;
constexpr uint32_t kSrgbPrimaries = 1, kBt2020 = 6, kXyz = 7, kDisplayP3 = 9, kAdobe = 10;
constexpr uint32_t kBt1886 = 1, kGamma22 = 2, kLinear = 5, kSrgbCurve = 9, kPq = 11, kSt428 = 12, kHlg = 13;
constexpr uint32_t kParametric = 1, kMastering = 5, kExtendedVolume = 6;
constexpr VkColorSpaceKHR kSrgb = VK_COLOR_SPACE_SRGB_NONLINEAR_KHR;
constexpr VkColorSpaceKHR kPass = VK_COLOR_SPACE_PASS_THROUGH_EXT;
constexpr VkColorSpaceKHR kHdr10 = VK_COLOR_SPACE_HDR10_ST2084_EXT;
constexpr VkFormat kTenBits = VK_FORMAT_A2R10G10B10_UNORM_PACK32;
constexpr VkFormat kFloats = VK_FORMAT_R16G16B16A16_SFLOAT;
using Spaces = std::vector<VkColorSpaceKHR>;

CompositorOptions managing(std::vector<uint32_t> features = {kParametric, kMastering})
{
    CompositorOptions options;
    options.formats = {0, 1, kXr30, kAr30, kXb4h, kAb4h};
    options.color = true;
    options.colorFeatures = std::move(features);
    options.colorTransfers = {kBt1886, kGamma22, kLinear, kSrgbCurve, kPq, kSt428, kHlg};
    options.colorPrimaries = {kSrgbPrimaries, kBt2020, kXyz, kDisplayP3, kAdobe};
    return options;
}

Spaces spacesOf(Client& client, VkFormat format)
{
    Spaces spaces;
    EXPECT_EQ(client.surface().colorSpaces(*findPixelFormat(format), &spaces), VK_SUCCESS);
    return spaces;
}

TestPresenter::Options in(VkColorSpaceKHR space, VkFormat format = kTenBits)
{
    return {.mode = VK_PRESENT_MODE_MAILBOX_KHR, .format = format, .space = space};
}

VkHdrMetadataEXT metadata()
{
    VkHdrMetadataEXT result{};
    result.sType = VK_STRUCTURE_TYPE_HDR_METADATA_EXT;
    result.displayPrimaryRed = {0.68f, 0.32f};
    result.displayPrimaryGreen = {0.265f, 0.69f};
    result.displayPrimaryBlue = {0.15f, 0.06f};
    result.whitePoint = {0.3127f, 0.329f};
    result.maxLuminance = 1000;
    result.minLuminance = 0.01f;
    result.maxContentLightLevel = 900;
    result.maxFrameAverageLightLevel = 400;
    return result;
}

ImageDescription plain(uint32_t transfer, uint32_t primaries)
{
    ImageDescription description;
    description.transfer = transfer;
    description.primaries = primaries;
    return description;
}

/// The description in force at the last commit.
std::optional<ImageDescription> lastDescription(TestCompositor& compositor)
{
    const std::vector<Commit> commits = compositor.commits();
    return commits.empty() ? std::nullopt : commits.back().description;
}

/// Shows a frame and lets the compositor come to it.
void showOn(TestPresenter& presenter, Client& client)
{
    ASSERT_EQ(presenter.show(0xff336699), VK_SUCCESS);
    ASSERT_GE(wl_display_roundtrip(client.display()), 0) << "a protocol error";
}

unsigned count(TestCompositor& compositor, const char* request)
{
    const auto requests = compositor.requests();
    const auto found = requests.find(request);
    return found == requests.end() ? 0 : found->second;
}

constexpr const char* kGetSurface = "wp_color_manager_v1.get_surface";
constexpr const char* kDestroy = "wp_color_management_surface_v1.destroy";

TEST(WaylandColor, WithoutAManagerOnlyPassThrough)
{
    TestCompositor compositor({.formats = {0, 1, kXr30, kAr30}});
    Client client(compositor.connect());
    EXPECT_EQ(spacesOf(client, kTenBits), (Spaces{kSrgb, kPass}));
}

TEST(WaylandColor, WithoutParametricDescriptionsOnlyPassThrough)
{
    TestCompositor compositor(managing({}));
    Client client(compositor.connect());
    EXPECT_EQ(spacesOf(client, kTenBits), (Spaces{kSrgb, kPass}));
}

TEST(WaylandColor, SpacesFitTheFormat)
{
    TestCompositor compositor(managing());
    Client client(compositor.connect());
    const Spaces eight = {kSrgb, kPass, VK_COLOR_SPACE_DISPLAY_P3_NONLINEAR_EXT, VK_COLOR_SPACE_BT709_NONLINEAR_EXT,
                          VK_COLOR_SPACE_ADOBERGB_NONLINEAR_EXT};
    EXPECT_EQ(spacesOf(client, VK_FORMAT_B8G8R8A8_UNORM), eight);
    EXPECT_EQ(spacesOf(client, VK_FORMAT_B8G8R8A8_SRGB),
              (Spaces{kSrgb, kPass, VK_COLOR_SPACE_DISPLAY_P3_NONLINEAR_EXT}))
        << "the format makes the curve of sRGB";
    EXPECT_EQ(spacesOf(client, kTenBits),
              (Spaces{kSrgb, kPass, kHdr10, VK_COLOR_SPACE_HDR10_HLG_EXT, VK_COLOR_SPACE_DISPLAY_P3_NONLINEAR_EXT,
                      VK_COLOR_SPACE_BT709_NONLINEAR_EXT, VK_COLOR_SPACE_ADOBERGB_NONLINEAR_EXT,
                      VK_COLOR_SPACE_DCI_P3_NONLINEAR_EXT}));
    const Spaces floats = spacesOf(client, kFloats);
    for (const VkColorSpaceKHR linear :
         {VK_COLOR_SPACE_EXTENDED_SRGB_LINEAR_EXT, VK_COLOR_SPACE_DISPLAY_P3_LINEAR_EXT,
          VK_COLOR_SPACE_BT709_LINEAR_EXT, VK_COLOR_SPACE_BT2020_LINEAR_EXT, VK_COLOR_SPACE_ADOBERGB_LINEAR_EXT})
        EXPECT_EQ(std::ranges::count(floats, linear), 1) << linear;
}

TEST(WaylandColor, SpacesAreThoseOfTheCompositor)
{
    CompositorOptions options = managing();
    options.colorTransfers = {kPq};
    options.colorPrimaries = {kBt2020, kDisplayP3};
    TestCompositor compositor(options);
    Client client(compositor.connect());
    EXPECT_EQ(spacesOf(client, kTenBits), (Spaces{kSrgb, kPass, kHdr10}));
}

TEST(WaylandColor, EverySpaceThatIsOfferedIsDescribed)
{
    TestCompositor compositor(managing());
    Client client(compositor.connect());
    for (const VkFormat format : {kTenBits, kFloats, VK_FORMAT_B8G8R8A8_UNORM}) {
        for (const VkColorSpaceKHR space : spacesOf(client, format)) {
            SCOPED_TRACE(space);
            TestPresenter presenter(client.surface(), in(space, format));
            ASSERT_EQ(presenter.createResult(), VK_SUCCESS);
            if (format == kFloats) // the presenter here draws four bytes a pixel
                continue;
            showOn(presenter, client);
            EXPECT_EQ(lastDescription(compositor).has_value(), space != kSrgb && space != kPass);
        }
    }
}

TEST(WaylandColor, TheFirstFrameIsDescribed)
{
    TestCompositor compositor(managing());
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), in(kHdr10));
    showOn(presenter, client);
    EXPECT_EQ(compositor.commits().size(), 1u);
    EXPECT_EQ(lastDescription(compositor), plain(kPq, kBt2020));
}

TEST(WaylandColor, FramesCostNothingOnceDescribed)
{
    TestCompositor compositor(managing());
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), in(kHdr10));
    for (int i = 0; i < 8; ++i)
        showOn(presenter, client);
    EXPECT_EQ(count(compositor, kGetSurface), 1u);
    EXPECT_EQ(count(compositor, "wp_color_management_surface_v1.set_image_description"), 1u);
    EXPECT_EQ(count(compositor, "wp_color_manager_v1.create_parametric_creator"), 1u);
}

TEST(WaylandColor, SrgbAndPassThroughLeaveTheSurfaceToTheApplication)
{
    TestCompositor compositor(managing());
    Client client(compositor.connect());
    for (const VkColorSpaceKHR space : {kSrgb, kPass}) {
        TestPresenter presenter(client.surface(), in(space));
        presenter.target().setHdrMetadata(metadata());
        showOn(presenter, client);
    }
    EXPECT_EQ(count(compositor, kGetSurface), 0u);
    EXPECT_EQ(count(compositor, "wp_color_manager_v1.create_parametric_creator"), 0u);
}

TEST(WaylandColor, TheNextFrameHasTheMetadata)
{
    TestCompositor compositor(managing());
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), in(kHdr10));
    presenter.target().setHdrMetadata(metadata());
    showOn(presenter, client);
    ImageDescription expected = plain(kPq, kBt2020);
    expected.mastering = {680000, 320000, 265000, 690000, 150000, 60000, 312700, 329000};
    expected.luminance = {100, 1000};
    expected.maxCll = 900;
    expected.maxFall = 400;
    EXPECT_EQ(lastDescription(compositor), expected);
    EXPECT_EQ(compositor.commits().size(), 1u);

    VkHdrMetadataEXT brighter = metadata();
    brighter.maxLuminance = 2000;
    presenter.target().setHdrMetadata(brighter);
    showOn(presenter, client);
    expected.luminance = {100, 2000};
    EXPECT_EQ(lastDescription(compositor), expected);
}

TEST(WaylandColor, MasteringIsLeftOutWhereTheCompositorTakesNone)
{
    TestCompositor compositor(managing({kParametric}));
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), in(kHdr10));
    presenter.target().setHdrMetadata(metadata());
    showOn(presenter, client);
    ImageDescription expected = plain(kPq, kBt2020);
    expected.maxCll = 900;
    expected.maxFall = 400;
    EXPECT_EQ(lastDescription(compositor), expected);
}

TEST(WaylandColor, MetadataBeyondTheProtocolsRulesHarmsNobody)
{
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float infinite = std::numeric_limits<float>::infinity();
    const float numbers[] = {0, nan, infinite, -infinite, -1, 1e-9f, 1e30f, 0.004f, 0.3f, 100, 9999, 20000};
    for (const std::vector<uint32_t>& features :
         {std::vector{kParametric, kMastering}, std::vector{kParametric, kMastering, kExtendedVolume},
          std::vector{kParametric}}) {
        TestCompositor compositor(managing(features));
        Client client(compositor.connect());
        TestPresenter presenter(client.surface(), in(kHdr10));
        for (size_t i = 0; i < std::size(numbers); ++i) {
            for (size_t j = 0; j < std::size(numbers); ++j) {
                const auto number = [&](size_t k) { return numbers[k % std::size(numbers)]; };
                VkHdrMetadataEXT wild = metadata();
                wild.displayPrimaryGreen = {number(i), number(j)};
                wild.maxLuminance = number(i);
                wild.minLuminance = number(j);
                wild.maxContentLightLevel = number(i + j);
                wild.maxFrameAverageLightLevel = number(i + 2 * j + 1);
                presenter.target().setHdrMetadata(wild);
            }
            showOn(presenter, client);
        }
    }
}

TEST(WaylandColor, UnknownMetadataIsNotToldOf)
{
    TestCompositor compositor(managing());
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), in(kHdr10));
    presenter.target().setHdrMetadata(VkHdrMetadataEXT{});
    showOn(presenter, client);
    EXPECT_EQ(lastDescription(compositor), plain(kPq, kBt2020));
}

TEST(WaylandColor, ARefusalIsReportedOnceAndFramesGoOn)
{
    TestCompositor compositor(managing());
    compositor.setColorAnswer(ColorAnswer::Failed);
    Client client(compositor.connect());
    ::testing::internal::CaptureStderr();
    TestPresenter presenter(client.surface(), in(kHdr10));
    EXPECT_EQ(presenter.createResult(), VK_SUCCESS);
    showOn(presenter, client);
    presenter.target().setHdrMetadata(metadata());
    showOn(presenter, client);
    const std::string log = ::testing::internal::GetCapturedStderr();
    EXPECT_EQ(std::ranges::count(log, '\n'), 1) << log;
    EXPECT_NE(log.find("not these colours"), std::string::npos) << log;
    EXPECT_EQ(lastDescription(compositor), std::nullopt);
    EXPECT_EQ(compositor.commits().size(), 2u);
}

TEST(WaylandColor, RefusedMetadataLeavesTheDescriptionBefore)
{
    TestCompositor compositor(managing());
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), in(kHdr10));
    showOn(presenter, client);
    compositor.setColorAnswer(ColorAnswer::Failed);
    presenter.target().setHdrMetadata(metadata());
    showOn(presenter, client);
    EXPECT_EQ(lastDescription(compositor), plain(kPq, kBt2020));
}

TEST(WaylandColor, ACompositorThatDoesNotAnswerHoldsNoFrameBackForLong)
{
    TestCompositor compositor(managing());
    Client client(compositor.connect());
    TestPresenter presenter(client.surface(), in(kHdr10));
    showOn(presenter, client);
    compositor.setColorAnswer(ColorAnswer::None);
    presenter.target().setHdrMetadata(metadata());
    const Nanoseconds begin = monotonicNow();
    for (int i = 0; i < 3; ++i)
        showOn(presenter, client);
    EXPECT_LT(monotonicNow() - begin, 3'000'000'000u);
    EXPECT_EQ(lastDescription(compositor), plain(kPq, kBt2020));
    compositor.setColorAnswer(ColorAnswer::Ready);
    presenter.target().setHdrMetadata(metadata());
    showOn(presenter, client);
    EXPECT_EQ(lastDescription(compositor)->maxCll, 900u) << "the latest one counts";
}

TEST(WaylandColor, TheObjectGoesWithTheSwapchain)
{
    TestCompositor compositor(managing());
    Client client(compositor.connect());
    {
        TestPresenter presenter(client.surface(), in(kHdr10));
        showOn(presenter, client);
        EXPECT_EQ(count(compositor, kDestroy), 0u);
    }
    // What the application may do with a surface that has no such swapchain.
    TestPresenter through(client.surface(), in(kPass));
    wl_display_roundtrip(client.display());
    EXPECT_EQ(count(compositor, kDestroy), 1u);
    showOn(through, client);
    EXPECT_EQ(lastDescription(compositor), std::nullopt);
    EXPECT_EQ(count(compositor, kGetSurface), 1u);
}

TEST(WaylandColor, SwapchainsOfOneSurfaceShareTheObject)
{
    TestCompositor compositor(managing());
    Client client(compositor.connect());
    auto first = std::make_unique<TestPresenter>(client.surface(), in(kHdr10));
    showOn(*first, client);
    TestPresenter second(client.surface(), in(VK_COLOR_SPACE_HDR10_HLG_EXT));
    showOn(second, client);
    EXPECT_EQ(lastDescription(compositor), plain(kHlg, kBt2020));
    first.reset();
    showOn(second, client);
    EXPECT_EQ(lastDescription(compositor), plain(kHlg, kBt2020));
    EXPECT_EQ(count(compositor, kGetSurface), 1u);
    TestPresenter third(client.surface(), in(kSrgb, VK_FORMAT_B8G8R8A8_UNORM));
    showOn(third, client);
    EXPECT_EQ(lastDescription(compositor), std::nullopt) << "sRGB frames are not PQ";
}

TEST(WaylandColor, NothingIsLeftBehind)
{
    TestCompositor compositor(managing());
    Client client(compositor.connect());
    spacesOf(client, kTenBits);
    wl_display_roundtrip(client.display());
    const unsigned before = compositor.resources();
    {
        TestPresenter presenter(client.surface(), in(kHdr10));
        presenter.target().setHdrMetadata(metadata());
        showOn(presenter, client);
    }
    wl_display_roundtrip(client.display());
    EXPECT_TRUE(eventually([&] { return compositor.resources() == before; })) << compositor.resources();
}

TEST(WaylandColor, ACompositorThatDiesWhileItIsAskedLosesTheSurface)
{
    TestCompositor compositor(managing());
    Client client(compositor.connect());
    spacesOf(client, kTenBits);
    compositor.disconnectClients();
    ::testing::internal::CaptureStderr();
    TestPresenter presenter(client.surface(), in(kHdr10));
    EXPECT_EQ(presenter.createResult(), VK_ERROR_SURFACE_LOST_KHR);
    ::testing::internal::GetCapturedStderr();
}

} // namespace
} // namespace vwsi::testing
