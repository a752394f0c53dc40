// Data formats: mode timings, EDIDs, uevents, stat lines.

#include "core/dynamic_library.h"
#include "drm/edid.h"
#include "drm/mode.h"
#include "drm/uevent.h"
#include "drm/vt.h"
#include "fake_libdrm/fake_kms.h"
#include "surface/display/flip_clock.h"

#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#ifdef VWSI_HAVE_DISPLAY_INFO
extern "C" {
#include <libdisplay-info/cvt.h>
}
#endif

using namespace vwsi;
using namespace vwsi::drm;

namespace {

drmModeModeInfo timings(uint32_t clock, uint16_t htotal, uint16_t vtotal, uint32_t flags = 0)
{
    drmModeModeInfo mode{};
    mode.clock = clock;
    mode.htotal = htotal;
    mode.vtotal = vtotal;
    mode.flags = flags;
    return mode;
}

TEST(Refresh, IsExactToAMilliHertz)
{
    // CEA 1920x1080 at 59.94 Hz, which the kernel rounds to 60.
    EXPECT_EQ(refreshMilliHz(timings(148352, 2200, 1125)), 59940u);
    EXPECT_EQ(refreshMilliHz(timings(148500, 2200, 1125)), 60000u);
}

TEST(Refresh, CountsTheFieldsOfInterlacedModes)
{
    EXPECT_EQ(refreshMilliHz(timings(74250, 2200, 1125, DRM_MODE_FLAG_INTERLACE)), 60000u);
}

TEST(Refresh, CountsDoubledAndRepeatedLines)
{
    EXPECT_EQ(refreshMilliHz(timings(148500, 2200, 1125, DRM_MODE_FLAG_DBLSCAN)), 30000u);
    drmModeModeInfo tripled = timings(148500, 2200, 1125);
    tripled.vscan = 3;
    EXPECT_EQ(refreshMilliHz(tripled), 20000u);
}

TEST(Refresh, FallsBackToTheKernelsHertzWithoutTimings)
{
    drmModeModeInfo bare{};
    bare.vrefresh = 75;
    EXPECT_EQ(refreshMilliHz(bare), 75000u);
    EXPECT_EQ(refreshPeriod(drmModeModeInfo{}), 16'666'667u);
}

TEST(Timings, DifferByEverySignalPropertyButNotByName)
{
    const drmModeModeInfo a = fake::mode(1280, 800, 71107);
    drmModeModeInfo b = a;
    strcpy(b.name, "other");
    b.type = 0;
    b.vscan = 1;
    EXPECT_TRUE(sameTimings(a, b));
    b.clock += 1;
    EXPECT_FALSE(sameTimings(a, b));
    b = a;
    b.flags = DRM_MODE_FLAG_INTERLACE;
    EXPECT_FALSE(sameTimings(a, b));
}

struct CvtCase {
    uint32_t width, height;
    CvtBlanking blanking;
    uint32_t clock;
    uint16_t horizontal[3], vertical[3]; // sync start, sync end, total
};

class Cvt : public ::testing::TestWithParam<CvtCase> {};

// Published modelines of VESA's spreadsheet for 60 Hz.
INSTANTIATE_TEST_SUITE_P(
    Published, Cvt,
    ::testing::Values(CvtCase{1024, 768, CvtBlanking::Standard, 63500, {1072, 1176, 1328}, {771, 775, 798}},
                      CvtCase{1280, 800, CvtBlanking::Standard, 83500, {1352, 1480, 1680}, {803, 809, 831}},
                      CvtCase{1920, 1080, CvtBlanking::Standard, 173000, {2048, 2248, 2576}, {1083, 1088, 1120}},
                      CvtCase{1280, 800, CvtBlanking::ReducedV1, 71000, {1328, 1360, 1440}, {803, 809, 823}},
                      CvtCase{1920, 1080, CvtBlanking::ReducedV1, 138500, {1968, 2000, 2080}, {1083, 1088, 1111}},
                      CvtCase{1920, 1080, CvtBlanking::ReducedV2, 133320, {1928, 1960, 2000}, {1097, 1105, 1111}}));

TEST_P(Cvt, MatchesTheStandard)
{
    const CvtCase& wanted = GetParam();
    drmModeModeInfo mode{};
    ASSERT_TRUE(makeCvtMode(wanted.width, wanted.height, 60000, wanted.blanking, &mode));
    EXPECT_EQ(mode.clock, wanted.clock);
    EXPECT_EQ(mode.hdisplay, wanted.width);
    EXPECT_EQ(mode.hsync_start, wanted.horizontal[0]);
    EXPECT_EQ(mode.hsync_end, wanted.horizontal[1]);
    EXPECT_EQ(mode.htotal, wanted.horizontal[2]);
    EXPECT_EQ(mode.vdisplay, wanted.height);
    EXPECT_EQ(mode.vsync_start, wanted.vertical[0]);
    EXPECT_EQ(mode.vsync_end, wanted.vertical[1]);
    EXPECT_EQ(mode.vtotal, wanted.vertical[2]);
}

#ifdef VWSI_HAVE_DISPLAY_INFO
TEST(CvtRange, AgreesWithLibdisplayInfo)
{
    DynamicLibrary library("libdisplay-info.so.2");
    decltype(&di_cvt_compute) compute = nullptr;
    if (!library.bind(compute, "di_cvt_compute"))
        GTEST_SKIP() << "libdisplay-info.so.2 is not installed";
    constexpr uint32_t kSizes[][2] = {{640, 480},   {800, 600},   {1024, 768},  {1280, 720},  {1280, 1024}, {1360, 768},
                                      {1400, 1050}, {1680, 1050}, {1920, 1200}, {2560, 1440}, {3840, 2160}};
    for (const auto& [width, height] : kSizes) {
        for (const uint32_t rate : {50000u, 60000u, 75000u}) {
            for (const CvtBlanking blanking : {CvtBlanking::Standard, CvtBlanking::ReducedV1, CvtBlanking::ReducedV2}) {
                SCOPED_TRACE(std::to_string(width) + "x" + std::to_string(height) + "@" + std::to_string(rate) +
                             " blanking " + std::to_string(static_cast<int>(blanking)));
                di_cvt_options options{};
                options.red_blank_ver = blanking == CvtBlanking::Standard    ? DI_CVT_REDUCED_BLANKING_NONE
                                        : blanking == CvtBlanking::ReducedV1 ? DI_CVT_REDUCED_BLANKING_V1
                                                                             : DI_CVT_REDUCED_BLANKING_V2;
                options.h_pixels = static_cast<int32_t>(width);
                options.v_lines = static_cast<int32_t>(height);
                options.ip_freq_rqd = rate / 1000.0;
                di_cvt_timing judge{};
                compute(&judge, &options);
                drmModeModeInfo mode{};
                ASSERT_TRUE(makeCvtMode(width, height, rate, blanking, &mode));
                EXPECT_NEAR(mode.clock, judge.act_pixel_freq * 1000, 1);
                EXPECT_EQ(mode.hsync_start - mode.hdisplay, judge.h_front_porch);
                EXPECT_EQ(mode.hsync_end - mode.hsync_start, judge.h_sync);
                EXPECT_EQ(mode.htotal - mode.hsync_end, judge.h_back_porch);
                EXPECT_EQ(mode.vsync_start - mode.vdisplay, judge.v_front_porch);
                EXPECT_EQ(mode.vsync_end - mode.vsync_start, judge.v_sync);
                EXPECT_EQ(mode.vtotal - mode.vsync_end, judge.v_back_porch);
            }
        }
    }
}
#endif

TEST(CvtRange, HitsAnyRateWithReducedBlankingVersion2)
{
    for (const uint32_t rate : {24000u, 50000u, 59940u, 60000u, 75000u, 119880u, 144000u}) {
        drmModeModeInfo mode{};
        ASSERT_TRUE(makeCvtMode(1280, 800, rate, CvtBlanking::ReducedV2, &mode));
        EXPECT_NEAR(refreshMilliHz(mode), rate, 2) << rate;
    }
}

TEST(CvtRange, RefusesWhatTimingsCannotHold)
{
    drmModeModeInfo mode{};
    EXPECT_FALSE(makeCvtMode(0, 0, 60000, CvtBlanking::ReducedV2, &mode));
    EXPECT_FALSE(makeCvtMode(1280, 800, 0, CvtBlanking::ReducedV2, &mode));
    EXPECT_FALSE(makeCvtMode(1280, 800, UINT32_MAX, CvtBlanking::ReducedV2, &mode));
    EXPECT_FALSE(makeCvtMode(100000, 800, 60000, CvtBlanking::ReducedV2, &mode));
    EXPECT_FALSE(makeCvtMode(1281, 800, 60000, CvtBlanking::Standard, &mode));
}

TEST(Edid, TellsMakerModelAndSize)
{
    const EdidInfo info = parseEdidBaseBlock(fake::edid("RHT", "QEMU Monitor", 325, 203));
    EXPECT_EQ(info.name, "RHT QEMU Monitor");
    EXPECT_EQ(info.widthMm, 325u);
    EXPECT_EQ(info.heightMm, 203u);
}

TEST(Edid, LibraryAndOwnParserAgreeOnTheSize)
{
    const std::vector<uint8_t> bytes = fake::edid("DEL", "DELL U2415", 518, 324);
    const EdidInfo info = parseEdid(bytes);
    EXPECT_NE(info.name.find("U2415"), std::string::npos) << info.name;
    EXPECT_EQ(info.widthMm, 518u);
}

TEST(Edid, TakesCentimetresWhenTheTimingsHaveNoSize)
{
    std::vector<uint8_t> bytes = fake::edid("ABC", "Wall", 0, 0);
    bytes[21] = 52;
    bytes[22] = 32;
    fake::fixChecksum(bytes);
    EXPECT_EQ(parseEdidBaseBlock(bytes).widthMm, 520u);
    EXPECT_EQ(parseEdidBaseBlock(bytes).heightMm, 320u);
}

TEST(Edid, DoesNotTakeAnAspectRatioForASize)
{
    std::vector<uint8_t> bytes = fake::edid("ABC", "Beamer", 0, 0);
    bytes[21] = 79;
    fake::fixChecksum(bytes);
    EXPECT_EQ(parseEdidBaseBlock(bytes).widthMm, 0u);
    EXPECT_EQ(parseEdidBaseBlock(bytes).heightMm, 0u);
}

TEST(Edid, IgnoresWhatIsDamaged)
{
    std::vector<uint8_t> bytes = fake::edid("RHT", "QEMU Monitor", 325, 203);
    bytes[60] ^= 1;
    EXPECT_EQ(parseEdid(bytes).name, "");
    EXPECT_EQ(parseEdid(bytes).widthMm, 0u);
    EXPECT_EQ(parseEdid({}).name, "");
    bytes.resize(64);
    EXPECT_EQ(parseEdid(bytes).name, "");
}

TEST(Edid, ReplacesControlCharactersAndBadMakers)
{
    std::vector<uint8_t> bytes = fake::edid("RHT", "a\x1b[31mb", 10, 10);
    bytes[8] = bytes[9] = 0;
    fake::fixChecksum(bytes);
    EXPECT_EQ(parseEdidBaseBlock(bytes).name, "a?[31mb");
}

TEST(Edid, ReadsANameOfFullLength)
{
    EXPECT_EQ(parseEdidBaseBlock(fake::edid("RHT", "1234567890123", 10, 10)).name, "RHT 1234567890123");
}

std::string_view message(std::string_view text)
{
    return text;
}

TEST(Uevent, IsReadInFull)
{
    using namespace std::string_view_literals;
    const auto text = message("change@/devices/pci0000:00/drm/card0\0ACTION=change\0SUBSYSTEM=drm\0HOTPLUG=1\0"
                              "MAJOR=226\0MINOR=0\0"sv);
    Uevent event;
    ASSERT_TRUE(parseUevent({text.data(), text.size()}, &event));
    EXPECT_EQ(event.action, "change");
    EXPECT_EQ(event.subsystem, "drm");
    EXPECT_TRUE(event.hotplug);
    EXPECT_TRUE(event.hasNumber);
    EXPECT_EQ(event.number, (NodeNumber{226, 0}));
}

TEST(Uevent, RefusesWhatDeviceDaemonsSendAndGarbage)
{
    using namespace std::string_view_literals;
    Uevent event;
    const auto daemon = "libudev\0\xfe\xed\xca\xfe\0\0\0\0"sv;
    EXPECT_FALSE(parseUevent({daemon.data(), daemon.size()}, &event));
    EXPECT_FALSE(parseUevent({}, &event));
    const auto bad = "change@/x\0ACTION=change\0MAJOR=99999999999999\0MINOR=x\0"sv;
    EXPECT_TRUE(parseUevent({bad.data(), bad.size()}, &event));
    EXPECT_FALSE(event.hasNumber);
}

TEST(Uevent, MonitorTellsItsDeviceFromOthers)
{
    using namespace std::string_view_literals;
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
    const UeventMonitor monitor(ends[0]);
    const auto send = [&](std::string_view text) {
        ASSERT_EQ(write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    };
    EXPECT_FALSE(monitor.drain({226, 0}).connectors);
    send("change@/x\0ACTION=change\0SUBSYSTEM=drm\0MAJOR=226\0MINOR=1\0"sv);
    send("change@/x\0ACTION=change\0SUBSYSTEM=usb\0MAJOR=226\0MINOR=0\0"sv);
    EXPECT_FALSE(monitor.drain({226, 0}).connectors);
    // drm_sysfs.c names leases in the same kind of event.
    send("change@/x\0ACTION=change\0SUBSYSTEM=drm\0LEASE=1\0MAJOR=226\0MINOR=0\0"sv);
    EXPECT_FALSE(monitor.drain({226, 0}).connectors);
    send("change@/x\0ACTION=change\0SUBSYSTEM=drm\0HOTPLUG=1\0MAJOR=226\0MINOR=0\0"sv);
    EXPECT_TRUE(monitor.drain({226, 0}).connectors);
    send("remove@/x\0ACTION=remove\0SUBSYSTEM=drm\0MAJOR=226\0MINOR=0\0"sv);
    EXPECT_TRUE(monitor.drain({226, 0}).removed);
    close(ends[1]);
}

TEST(Vt, IsReadFromStatLines)
{
    EXPECT_EQ(vtOfStatLine("12 (vk cube) S) S 1 12 12 1026 12 4194304 0"), "tty2"); // major 4, minor 2
    EXPECT_EQ(vtOfStatLine("12 (x) S 1 12 12 34816 12"), "");                       // a pseudo terminal
    EXPECT_EQ(vtOfStatLine("12 (x) S 1 12 12 1088 12"), "");                        // a serial line, ttyS0
    EXPECT_EQ(vtOfStatLine("12 (x) S 1 12 12 0 -1"), "");
    EXPECT_EQ(vtOfStatLine("garbage"), "");
}

TEST(Vt, WatchTellsHomeFromAway)
{
    const std::string path = ::testing::TempDir() + "vwsi-active-vt";
    std::ofstream(path) << "tty3\n";
    const VtWatch watch("tty3", path.c_str());
    EXPECT_TRUE(watch.atHome());
    std::ofstream(path) << "tty4\n";
    EXPECT_FALSE(watch.atHome());
    std::ofstream(path) << "tty3\n";
    EXPECT_TRUE(watch.atHome());
    unlink(path.c_str());
}

TEST(Vt, SystemsWithoutVtsAreAlwaysHome)
{
    const VtWatch watch("", "/nonexistent");
    EXPECT_EQ(watch.descriptor(), -1);
    EXPECT_TRUE(watch.atHome());
}

TEST(FlipClock, KeepsItsGridWhenFramesAreALittleLate)
{
    FlipClock clock(100);
    EXPECT_EQ(clock.nextTick(), 0u);
    clock.tick(1000);
    EXPECT_EQ(clock.nextTick(), 1100u);
    clock.tick(1130);
    EXPECT_EQ(clock.nextTick(), 1200u);
    clock.tick(1450);
    EXPECT_EQ(clock.nextTick(), 1550u);
}

TEST(FlipClock, MeasuresThePeriodOfRealBlanks)
{
    FlipClock clock(100);
    for (uint32_t i = 0; i < 100; ++i)
        clock.observe(1000 + i * 110, i);
    EXPECT_EQ(clock.measuredPeriod(), 110u);
    clock.observe(1000000000, 101);
    EXPECT_EQ(clock.measuredPeriod(), 110u);
}

} // namespace
