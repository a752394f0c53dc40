// What displays are told of HDR: who offers it, the InfoFrame's bytes, refusals, and what is left behind.

#include "drm/display_frames.h"
#include "surface/display/hdr_signal.h"

#include <algorithm>
#include <cmath>
#include <drm_fourcc.h>
#include <limits>
#include <sys/eventfd.h>

using namespace vwsi;

namespace {

constexpr uint8_t kSdr = 1, kPq = 4, kHlg = 8;
constexpr uint8_t kBt2020 = 0x80;
constexpr VkColorSpaceKHR kSrgb = VK_COLOR_SPACE_SRGB_NONLINEAR_KHR;
constexpr VkColorSpaceKHR kPass = VK_COLOR_SPACE_PASS_THROUGH_EXT;
constexpr VkColorSpaceKHR kHdr10 = VK_COLOR_SPACE_HDR10_ST2084_EXT;
constexpr VkColorSpaceKHR kHdrHlg = VK_COLOR_SPACE_HDR10_HLG_EXT;
using Spaces = std::vector<VkColorSpaceKHR>;

drm::SinkColors sinkOf(std::vector<uint8_t> edid)
{
    return drm::parseSinkColors(edid);
}

TEST(SinkColors, AreReadFromTheCtaBlock)
{
    const drm::SinkColors colors = sinkOf(fake::hdrEdid(kSdr | kPq | kHlg, kBt2020));
    EXPECT_TRUE(colors.pq);
    EXPECT_TRUE(colors.hlg);
    EXPECT_TRUE(colors.bt2020Rgb);
}

TEST(SinkColors, AreToldApart)
{
    EXPECT_FALSE(sinkOf(fake::hdrEdid(kSdr | kHlg, kBt2020)).pq);
    EXPECT_FALSE(sinkOf(fake::hdrEdid(kSdr | kPq, kBt2020)).hlg);
    EXPECT_FALSE(sinkOf(fake::hdrEdid(kPq, static_cast<uint8_t>(~kBt2020))).bt2020Rgb);
}

TEST(SinkColors, AreNoneWithoutTheBlock)
{
    const drm::SinkColors colors = sinkOf(fake::edid("RHT", "QEMU Monitor", 325, 203));
    EXPECT_FALSE(colors.pq || colors.hlg || colors.bt2020Rgb);
    EXPECT_FALSE(sinkOf({}).pq);
}

TEST(SinkColors, OfDamagedBlocksAreNone)
{
    std::vector<uint8_t> edid = fake::hdrEdid(kPq, kBt2020);
    edid[200] ^= 1;
    EXPECT_FALSE(sinkOf(edid).pq) << "the sum is wrong";
    edid = fake::hdrEdid(kPq, kBt2020);
    edid.pop_back();
    EXPECT_FALSE(sinkOf(edid).pq) << "the block is cut off";
}

TEST(SinkColors, StayWithinTheBlock)
{
    for (int length = 0; length < 32; ++length) {
        for (const uint8_t end : {0, 4, 5, 10, 127, 128, 255}) {
            std::vector<uint8_t> edid = fake::hdrEdid(kPq, kBt2020);
            edid[128 + 127] = static_cast<uint8_t>(edid[255] + edid[130] + edid[132]);
            edid[130] = end;
            edid[132] = static_cast<uint8_t>(0xe0 | length);
            edid[255] = static_cast<uint8_t>(edid[255] - edid[130] - edid[132]);
            sinkOf(edid); // the sanitizers judge
        }
    }
}

TEST(InfoFrame, HasTheStandardsUnits)
{
    VkHdrMetadataEXT metadata{};
    metadata.displayPrimaryRed = {0.708f, 0.292f};
    metadata.displayPrimaryGreen = {0.170f, 0.797f};
    metadata.displayPrimaryBlue = {0.131f, 0.046f};
    metadata.whitePoint = {0.3127f, 0.3290f};
    metadata.maxLuminance = 1000;
    metadata.minLuminance = 0.0005f;
    metadata.maxContentLightLevel = 999.6f;
    metadata.maxFrameAverageLightLevel = 400;
    const drm::HdrBlob expected = {
        0,    0,    0,    0,    2,    0,                            // type, PQ, type
        0x48, 0x8a, 0x08, 0x39,                                     // 35400, 14600
        0x34, 0x21, 0xaa, 0x9b,                                     // 8500, 39850
        0x96, 0x19, 0xfc, 0x08,                                     // 6550, 2300
        0x13, 0x3d, 0x42, 0x40,                                     // 15635, 16450
        0xe8, 0x03, 0x05, 0x00, 0xe8, 0x03, 0x90, 0x01, 0x00, 0x00, // 1000, 5, 1000, 400, padding
    };
    EXPECT_EQ(drm::toBlob(drm::Eotf::Pq, toInfoFrame(metadata)), expected);
    EXPECT_EQ(drm::toBlob(drm::Eotf::Hlg, toInfoFrame(metadata))[4], 3);
}

TEST(InfoFrame, BringsAnyNumberIntoRange)
{
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float infinite = std::numeric_limits<float>::infinity();
    VkHdrMetadataEXT metadata{};
    metadata.displayPrimaryRed = {nan, -0.5f};
    metadata.displayPrimaryGreen = {1.5f, infinite};
    metadata.whitePoint = {-infinite, 1};
    metadata.maxLuminance = 1e30f;
    metadata.minLuminance = 100;
    metadata.maxContentLightLevel = -1;
    metadata.maxFrameAverageLightLevel = nan;
    const hdr_metadata_infoframe frame = toInfoFrame(metadata);
    EXPECT_EQ(frame.display_primaries[0].x, 0);
    EXPECT_EQ(frame.display_primaries[0].y, 0);
    EXPECT_EQ(frame.display_primaries[1].x, 50000);
    EXPECT_EQ(frame.display_primaries[1].y, 50000);
    EXPECT_EQ(frame.white_point.x, 0);
    EXPECT_EQ(frame.white_point.y, 50000);
    EXPECT_EQ(frame.max_display_mastering_luminance, 65535);
    EXPECT_EQ(frame.min_display_mastering_luminance, 65535);
    EXPECT_EQ(frame.max_cll, 0);
    EXPECT_EQ(frame.max_fall, 0);
}

/// Frames on a display with a 10-bit plane that takes PQ and HLG, and a kernel that can tell it so.
class DisplayColors : public DisplayFrames {
protected:
    void SetUp() override
    {
        DisplayFrames::SetUp();
        for (uint32_t i = 0; i < 2; ++i)
            kernel.plane(30 + i).formats = {DRM_FORMAT_XRGB8888, DRM_FORMAT_XRGB2101010};
        tellingConnector().edid = fake::hdrEdid(kSdr | kPq | kHlg, kBt2020);
        tellingConnector().colorProperties = {"HDR_OUTPUT_METADATA", "Colorspace", "max bpc"};
    }

    fake::Connector& tellingConnector() { return kernel.connectors[0]; }

    Spaces spaces(VkFormat format = VK_FORMAT_A2R10G10B10_UNORM_PACK32)
    {
        Spaces result;
        EXPECT_EQ(surface(0).colorSpaces(*findPixelFormat(format), &result), VK_SUCCESS);
        return result;
    }

    VkResult makeIn(VkColorSpaceKHR space, VkFormat format = VK_FORMAT_A2R10G10B10_UNORM_PACK32)
    {
        const TargetInfo info{
            {1280, 800}, findPixelFormat(format), space, VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR, VK_PRESENT_MODE_FIFO_KHR, 3,
            nullptr};
        if (const VkResult result = surface(0).createTarget(info, &target); result != VK_SUCCESS)
            return result;
        target->setEvents(&events);
        buffers.resize(3);
        for (uint32_t i = 0; i < 3; ++i) {
            if (const VkResult result = target->allocate(i, {}, &buffers[i]); result != VK_SUCCESS)
                return result;
        }
        return VK_SUCCESS;
    }

    void frame()
    {
        ASSERT_EQ(present(static_cast<uint32_t>(serial % 3)), VK_SUCCESS);
        ASSERT_TRUE(told(serial));
    }

    void tell(float maxLuminance)
    {
        VkHdrMetadataEXT metadata{};
        metadata.sType = VK_STRUCTURE_TYPE_HDR_METADATA_EXT;
        metadata.maxLuminance = maxLuminance;
        target->setHdrMetadata(metadata);
    }

    /// The greatest luminance that the display is told, or -1 without an InfoFrame.
    int toldLuminance()
    {
        const std::vector<uint8_t>& blob = tellingConnector().hdrMetadata;
        return blob.empty() ? -1 : blob.at(22) | blob.at(23) << 8;
    }
};

TEST_F(DisplayColors, AreOfferedInTenBits)
{
    EXPECT_EQ(spaces(), (Spaces{kSrgb, kPass, kHdr10, kHdrHlg}));
    EXPECT_EQ(spaces(VK_FORMAT_B8G8R8A8_UNORM), (Spaces{kSrgb, kPass}));
}

TEST_F(DisplayColors, AreThoseThatTheDisplayTakes)
{
    tellingConnector().edid = fake::hdrEdid(kSdr | kPq, kBt2020);
    EXPECT_EQ(spaces(), (Spaces{kSrgb, kPass, kHdr10}));
}

TEST_F(DisplayColors, AreNotOfferedToDisplaysWithout)
{
    tellingConnector().edid = fake::hdrEdid(kSdr, kBt2020);
    EXPECT_EQ(spaces(), (Spaces{kSrgb, kPass}));
}

TEST_F(DisplayColors, NeedTheWideGamut)
{
    tellingConnector().edid = fake::hdrEdid(kPq, 0);
    EXPECT_EQ(spaces(), (Spaces{kSrgb, kPass}));
}

TEST_F(DisplayColors, NeedTheKernelsMetadata)
{
    tellingConnector().colorProperties = {"Colorspace", "max bpc"};
    EXPECT_EQ(spaces(), (Spaces{kSrgb, kPass}));
}

TEST_F(DisplayColors, NeedTheKernelsColorspace)
{
    tellingConnector().colorProperties = {"HDR_OUTPUT_METADATA", "max bpc"};
    EXPECT_EQ(spaces(), (Spaces{kSrgb, kPass}));
}

TEST_F(DisplayColors, NeedAColorspaceThatKnowsBt2020)
{
    tellingConnector().bt2020 = false;
    EXPECT_EQ(spaces(), (Spaces{kSrgb, kPass}));
}

TEST_F(DisplayColors, NeedAtomicRequests)
{
    kernel.atomic = false;
    EXPECT_EQ(spaces(), (Spaces{kSrgb, kPass}));
}

TEST_F(DisplayColors, AreToldWithTheMode)
{
    ASSERT_EQ(makeIn(kHdr10), VK_SUCCESS);
    EXPECT_TRUE(tellingConnector().hdrMetadata.empty()) << "the first frame sets the mode";
    frame();
    std::vector<uint8_t> expected(32);
    expected[4] = 2;
    EXPECT_EQ(tellingConnector().hdrMetadata, expected) << "PQ; all else is unknown";
    EXPECT_EQ(tellingConnector().colorspace, fake::kBt2020Rgb);
    EXPECT_EQ(tellingConnector().maxBpc, 10u);
    EXPECT_EQ(kernel.calls("drmModeAtomicCommit"), 1) << "with the mode and the frame";
}

TEST_F(DisplayColors, TellHybridLogGamma)
{
    ASSERT_EQ(makeIn(kHdrHlg), VK_SUCCESS);
    frame();
    ASSERT_EQ(tellingConnector().hdrMetadata.size(), 32u);
    EXPECT_EQ(tellingConnector().hdrMetadata[4], 3);
}

TEST_F(DisplayColors, DoWithoutALimitOfBits)
{
    tellingConnector().colorProperties = {"HDR_OUTPUT_METADATA", "Colorspace"};
    ASSERT_EQ(makeIn(kHdr10), VK_SUCCESS);
    frame();
    EXPECT_EQ(tellingConnector().colorspace, fake::kBt2020Rgb);
}

TEST_F(DisplayColors, LeaveAHigherLimitOfBits)
{
    tellingConnector().maxBpc = 12;
    ASSERT_EQ(makeIn(kHdr10), VK_SUCCESS);
    frame();
    EXPECT_EQ(tellingConnector().maxBpc, 12u);
}

TEST_F(DisplayColors, ComeWithTheMetadataBeforeTheFirstFrame)
{
    ASSERT_EQ(makeIn(kHdr10), VK_SUCCESS);
    tell(600);
    frame();
    EXPECT_EQ(toldLuminance(), 600);
}

TEST_F(DisplayColors, ChangeWithAFlipWhereTheDriverCan)
{
    kernel.colorsNeedModeset = false;
    ASSERT_EQ(makeIn(kHdr10), VK_SUCCESS);
    frame();
    tell(800);
    EXPECT_EQ(toldLuminance(), 0) << "with the next frame";
    frame();
    EXPECT_EQ(toldLuminance(), 800);
    EXPECT_FALSE(kernel.lastFlags() & DRM_MODE_ATOMIC_ALLOW_MODESET);
}

TEST_F(DisplayColors, ChangeWithAModesetWhereTheDriverMust)
{
    ASSERT_EQ(makeIn(kHdr10), VK_SUCCESS);
    frame();
    tell(800);
    frame();
    EXPECT_EQ(toldLuminance(), 800);
    EXPECT_TRUE(kernel.lastFlags() & DRM_MODE_ATOMIC_ALLOW_MODESET);
    frame();
    EXPECT_FALSE(kernel.lastFlags() & DRM_MODE_ATOMIC_ALLOW_MODESET) << "once";
}

TEST_F(DisplayColors, CostNothingWhileTheyStay)
{
    ASSERT_EQ(makeIn(kHdr10), VK_SUCCESS);
    tell(800);
    frame();
    const int blobs = kernel.calls("drmModeCreatePropertyBlob");
    const int commits = kernel.calls("drmModeAtomicCommit");
    tell(800);
    for (int i = 0; i < 6; ++i)
        frame();
    EXPECT_EQ(kernel.calls("drmModeAtomicCommit"), commits + 6);
    EXPECT_EQ(kernel.calls("drmModeCreatePropertyBlob"), blobs);
}

TEST_F(DisplayColors, ThatTheDriverRefusesAreReportedOnceAndFramesGoOn)
{
    ASSERT_EQ(makeIn(kHdr10), VK_SUCCESS);
    frame();
    kernel.acceptsColors = [](const fake::Connector& connector) {
        return connector.hdrMetadata.size() < 32 || (connector.hdrMetadata[22] | connector.hdrMetadata[23] << 8) < 700;
    };
    ::testing::internal::CaptureStderr();
    tell(800);
    frame();
    const int commits = kernel.calls("drmModeAtomicCommit");
    frame();
    EXPECT_EQ(kernel.calls("drmModeAtomicCommit"), commits + 1) << "a refusal is not asked for again";
    tell(900);
    frame();
    const std::string log = ::testing::internal::GetCapturedStderr();
    EXPECT_EQ(toldLuminance(), 0) << "the last one that was taken";
    EXPECT_NE(log.find("refuses to tell display"), std::string::npos) << log;
    EXPECT_EQ(std::ranges::count(log, '\n'), 1) << log;
    tell(600);
    frame();
    EXPECT_EQ(toldLuminance(), 600);
}

TEST_F(DisplayColors, ThatTheDriverNeverTakesMakeNoSwapchain)
{
    kernel.acceptsColors = [](const fake::Connector& connector) { return connector.hdrMetadata.empty(); };
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(makeIn(kHdr10), VK_ERROR_INITIALIZATION_FAILED);
    EXPECT_NE(::testing::internal::GetCapturedStderr().find("in HDR10"), std::string::npos);
    target.reset();
    ASSERT_EQ(makeIn(kSrgb), VK_SUCCESS);
    frame();
}

TEST_F(DisplayColors, OfStandardRangeIgnoreMetadata)
{
    for (const VkColorSpaceKHR space : {kSrgb, kPass}) {
        ASSERT_EQ(makeIn(space), VK_SUCCESS);
        tell(800);
        serial = 0;
        events.presented.clear();
        frame();
        EXPECT_EQ(toldLuminance(), -1);
        EXPECT_EQ(tellingConnector().colorspace, 0u);
        EXPECT_EQ(tellingConnector().maxBpc, 8u);
        target.reset();
    }
}

TEST_F(DisplayColors, AreTakenBackInTheEnd)
{
    ASSERT_EQ(makeIn(kHdr10), VK_SUCCESS);
    tell(800);
    frame();
    target.reset();
    EXPECT_EQ(toldLuminance(), -1);
    EXPECT_EQ(tellingConnector().colorspace, 0u);
    EXPECT_EQ(tellingConnector().maxBpc, 8u);
}

TEST_F(DisplayColors, OfWhoWasThereBeforeAreOverriddenAndPutBack)
{
    std::vector<uint8_t> before(32);
    before[4] = 2;
    before[22] = 77;
    tellingConnector().hdrMetadata = before;
    tellingConnector().colorspace = fake::kBt2020Rgb;
    tellingConnector().maxBpc = 12;
    ASSERT_EQ(makeIn(kSrgb, VK_FORMAT_B8G8R8A8_UNORM), VK_SUCCESS);
    frame();
    EXPECT_EQ(toldLuminance(), -1) << "sRGB pixels are no PQ";
    EXPECT_EQ(tellingConnector().colorspace, 0u);
    EXPECT_EQ(tellingConnector().maxBpc, 12u);
    target.reset();
    EXPECT_EQ(tellingConnector().hdrMetadata, before);
    EXPECT_EQ(tellingConnector().colorspace, fake::kBt2020Rgb);
    EXPECT_EQ(tellingConnector().maxBpc, 12u);
}

TEST_F(DisplayColors, ArePutBackForTheConsoleAndToldAgainAfterIt)
{
    ASSERT_EQ(makeIn(kHdr10), VK_SUCCESS);
    tell(800);
    frame();
    registry->device()->yieldToConsole();
    EXPECT_EQ(toldLuminance(), -1);
    EXPECT_EQ(tellingConnector().colorspace, 0u);
    ASSERT_EQ(registry->device()->regain(), 0);
    frame();
    EXPECT_EQ(toldLuminance(), 800);
    EXPECT_EQ(tellingConnector().colorspace, fake::kBt2020Rgb);
}

TEST_F(DisplayColors, FollowTheSwapchainThatIsShown)
{
    ASSERT_EQ(makeIn(kHdr10), VK_SUCCESS);
    tell(800);
    frame();
    const std::unique_ptr<Target> retired = std::move(target);
    ASSERT_EQ(makeIn(kSrgb, VK_FORMAT_B8G8R8A8_UNORM), VK_SUCCESS);
    frame();
    EXPECT_EQ(toldLuminance(), -1);
    EXPECT_EQ(tellingConnector().colorspace, 0u);
    EXPECT_EQ(tellingConnector().maxBpc, 8u);
}

TEST_F(DisplayColors, AreLeftAloneWhereNobodyHasThem)
{
    tellingConnector().colorProperties.clear();
    ASSERT_EQ(makeIn(kSrgb, VK_FORMAT_B8G8R8A8_UNORM), VK_SUCCESS);
    frame();
    target.reset();
    EXPECT_EQ(tellingConnector().maxBpc, 8u);
    EXPECT_EQ(kernel.calls("drmModeAtomicCommit"), 1) << "nothing is put back";
}

} // namespace
