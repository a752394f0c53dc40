// How the presenter learns that a copy is done (VENUS_WSI_COMPLETION), what it shows then, and what happens when the
// host never finishes (VENUS_WSI_TIMEOUT_MS).
#include "harness/frame_files.h"
#include "harness/layer_test.h"

#include <csignal>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace vwsi::testing {

namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::SizeIs;

uint32_t shownNumber(const ShownFrame& frame)
{
    return frame.flat() == UINT32_MAX ? UINT32_MAX : frame.flat() >> 16;
}

class Completing : public LayerTest {
protected:
    /// Presents `count` numbered frames in FIFO, so that none may be dropped, and checks what was shown.
    void presentAndCheck(const mock::DeviceSpec& spec, uint32_t count, std::chrono::microseconds delay,
                         VkFormat format = VK_FORMAT_B8G8R8A8_UNORM)
    {
        add(spec);
        device();
        driver.setCompletion(mock::Completion::Threaded, delay);
        WindowOptions options;
        options.presentMode = VK_PRESENT_MODE_FIFO_KHR;
        options.extent = {37, 19};
        options.format = format;
        {
            Window window(device(), options);
            ASSERT_EQ(window.result, VK_SUCCESS);
            for (uint32_t i = 1; i <= count; ++i)
                ASSERT_EQ(window.frame(numbered(i)), VK_SUCCESS);
            const auto frames = waitForFrames(childFolder(), count);
            ASSERT_THAT(frames, SizeIs(count));
            for (uint32_t i = 0; i < count; ++i) {
                EXPECT_EQ(frames[i].width, 37u);
                EXPECT_EQ(frames[i].height, 19u);
                EXPECT_EQ(shownNumber(frames[i]), i + 1) << frames[i].name;
                EXPECT_EQ(frames[i].flat() & 0xff, 0xffu) << "blue";
            }
            device().vk.DeviceWaitIdle(device().handle);
        }
        driver.setCompletion(mock::Completion::Immediate);
    }

    std::string dumpFolder() { return childFolder(); }
};

} // namespace

TEST_F(Completing, WordShowsWholeFramesInOrder)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_COMPLETION", "word"});
    presentAndCheck(mock::DeviceSpec::venus(), 40, 500us);
}

TEST_F(Completing, FenceShowsWholeFramesInOrder)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_COMPLETION", "fence"});
    presentAndCheck(mock::DeviceSpec::venus(), 40, 500us);
}

TEST_F(Completing, WordOnNonCoherentMemory)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_COMPLETION", "word"});
    presentAndCheck(mock::DeviceSpec::venus().withNonCoherentMemory(), 10, 500us);
}

TEST_F(Completing, FenceOnNonCoherentMemory)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_COMPLETION", "fence"});
    presentAndCheck(mock::DeviceSpec::venus().withNonCoherentMemory(), 10, 500us);
}

TEST_F(Completing, SlowHosts)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_COMPLETION", "word"});
    presentAndCheck(mock::DeviceSpec::venus(), 5, 40ms);
}

TEST_F(Completing, CopiedWithStaging)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_COPY", "staged"});
    presentAndCheck(mock::DeviceSpec::venus().withExternalMemoryHost(), 10, 500us);
}

TEST_F(Completing, CopiedIntoImportedMemory)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_COPY", "import"});
    presentAndCheck(mock::DeviceSpec::venus().withExternalMemoryHost(), 10, 500us);
}

TEST_F(Completing, CopyModeImportWithoutTheExtensionFallsBack)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_COPY", "import"});
    presentAndCheck(mock::DeviceSpec::venus(), 10, 500us);
}

TEST_F(Completing, CopyModeDirect)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_COPY", "direct"});
    mock::DeviceSpec spec = mock::DeviceSpec::venus().withExternalMemoryHost();
    spec.linearColorAttachments = true;
    presentAndCheck(spec, 10, 500us);
}

TEST_F(Completing, CopyModeAutoWithHostMemoryImport)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_COPY", "auto"});
    mock::DeviceSpec spec = mock::DeviceSpec::venus().withExternalMemoryHost();
    spec.linearColorAttachments = true;
    presentAndCheck(spec, 10, 500us);
}

TEST_F(Completing, RgbaIsNotMistakenForBgra)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_COMPLETION", "word"});
    presentAndCheck(mock::DeviceSpec::venus(), 5, 500us, VK_FORMAT_R8G8B8A8_UNORM);
}

TEST_F(Completing, DamagedFramesAreWholeToo)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_COMPLETION", "word"});
    DeviceOptions options;
    options.extensions = {"VK_KHR_swapchain", "VK_KHR_incremental_present"};
    makeDevice(options);
    WindowOptions fifo;
    fifo.presentMode = VK_PRESENT_MODE_FIFO_KHR;
    Window window(device(), fifo);
    // Everything is redrawn every time, but only a corner is said to have changed after the first frame: the shown
    // corner must be new; the rest may be of any earlier frame.
    const VkRectLayerKHR rect{{4, 4}, {8, 8}, 0};
    const VkPresentRegionKHR region{1, &rect};
    const VkPresentRegionsKHR regions{VK_STRUCTURE_TYPE_PRESENT_REGIONS_KHR, nullptr, 1, &region};
    constexpr uint32_t kFrames = 9;
    for (uint32_t i = 1; i <= kFrames; ++i) {
        const uint32_t index = window.acquireNow();
        ASSERT_NE(index, UINT32_MAX);
        ASSERT_EQ(window.draw(index, numbered(i), VK_NULL_HANDLE, VK_NULL_HANDLE), VK_SUCCESS);
        ASSERT_EQ(window.present(index, {}, i == 1 ? nullptr : &regions), VK_SUCCESS);
    }
    const auto frames = waitForFrames(childFolder(), kFrames);
    ASSERT_THAT(frames, SizeIs(kFrames));
    for (uint32_t i = 0; i < kFrames; ++i) {
        EXPECT_EQ(frames[i].at(4, 4) >> 16, i + 1);
        EXPECT_EQ(frames[i].at(11, 11) >> 16, i + 1);
        EXPECT_GE(frames[i].at(0, 0) >> 16, 1u);
        EXPECT_LE(frames[i].at(0, 0) >> 16, i + 1);
    }
}

TEST_F(Completing, MailboxShowsTheNewestFrame)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_REFRESH_MHZ", "10000"});
    WindowOptions options;
    options.presentMode = VK_PRESENT_MODE_MAILBOX_KHR;
    options.minImageCount = 4;
    Window window(device(), options);
    for (uint32_t i = 1; i <= 60; ++i)
        ASSERT_EQ(window.frame(numbered(i)), VK_SUCCESS);
    // The last frame must come out in the end, and no frame after a newer one.
    const auto limit = std::chrono::steady_clock::now() + 5s;
    std::vector<ShownFrame> frames;
    do {
        std::this_thread::sleep_for(50ms);
        frames = shownFrames(childFolder());
    } while ((frames.empty() || shownNumber(frames.back()) != 60) && std::chrono::steady_clock::now() < limit);
    ASSERT_FALSE(frames.empty());
    EXPECT_EQ(shownNumber(frames.back()), 60u);
    for (size_t i = 1; i < frames.size(); ++i)
        EXPECT_GT(shownNumber(frames[i]), shownNumber(frames[i - 1]));
}

TEST_F(Completing, AliasedImagesAreShown)
{
    SHOWN_IN_PROCESS_WITH({"VENUS_WSI_COPY", "staged"});
    Window window(device());
    const VkImage alias = window.makeAlias();
    const uint32_t index = window.acquireNow();
    ASSERT_EQ(window.bindAlias(alias, index), VK_SUCCESS);
    ASSERT_EQ(device().submit({}, {window.recordClear(window.images[index], {{0, 0, 0, 1}}),
                                   window.recordClear(alias, numbered(77))}),
              VK_SUCCESS);
    ASSERT_EQ(window.present(index), VK_SUCCESS);
    const auto frames = waitForFrames(childFolder(), 1);
    ASSERT_THAT(frames, SizeIs(1));
    EXPECT_EQ(shownNumber(frames[0]), 77u);
    device().vk.DeviceWaitIdle(device().handle);
    device().vk.DestroyImage(device().handle, alias, nullptr);
}

TEST_F(Completing, AStuckHostIsALostDevice)
{
    IN_PROCESS_WITH({"VENUS_WSI_TIMEOUT_MS", "300"});
    Window window(device());
    driver.setCompletion(mock::Completion::Stalled);
    const VkSemaphore ready = device().semaphore();
    const VkSemaphore done = device().semaphore();
    uint32_t index = 0;
    ASSERT_EQ(window.acquire(&index, ready), VK_SUCCESS);
    ASSERT_EQ(window.draw(index, numbered(1), ready, done), VK_SUCCESS);
    ASSERT_EQ(window.present(index, {done}), VK_SUCCESS);
    const Stopwatch watch;
    VkResult result = VK_SUCCESS;
    // The other images are free; then the application waits for the one that never comes back.
    for (size_t i = 0; i < window.images.size() + 1 && result == VK_SUCCESS; ++i)
        result = window.acquire(&index, device().semaphore());
    EXPECT_EQ(result, VK_ERROR_DEVICE_LOST);
    EXPECT_GE(watch.elapsed(), 200ms);
    EXPECT_LT(watch.elapsed(), 5s);
    const std::string log = childLog();
    EXPECT_THAT(log, HasSubstr("error"));
    EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 1) << log;
    driver.loseDevices();
}

TEST_F(Completing, AStuckHostEndsTheFenceWaitToo)
{
    IN_PROCESS_WITH({"VENUS_WSI_TIMEOUT_MS", "300"}, {"VENUS_WSI_COMPLETION", "fence"});
    Window window(device());
    driver.setCompletion(mock::Completion::Stalled);
    const VkSemaphore ready = device().semaphore();
    const VkSemaphore done = device().semaphore();
    uint32_t index = 0;
    ASSERT_EQ(window.acquire(&index, ready), VK_SUCCESS);
    ASSERT_EQ(window.draw(index, numbered(1), ready, done), VK_SUCCESS);
    ASSERT_EQ(window.present(index, {done}), VK_SUCCESS);
    VkResult result = VK_SUCCESS;
    for (size_t i = 0; i < window.images.size() + 1 && result == VK_SUCCESS; ++i)
        result = window.acquire(&index, device().semaphore());
    EXPECT_EQ(result, VK_ERROR_DEVICE_LOST);
    EXPECT_THAT(childLog(), HasSubstr("error"));
    driver.loseDevices();
}

TEST_F(Completing, APresentOnAStuckHostReportsIt)
{
    IN_PROCESS_WITH({"VENUS_WSI_TIMEOUT_MS", "200"});
    Window window(device());
    driver.setCompletion(mock::Completion::Stalled);
    const uint32_t first = 0;
    uint32_t index = 0;
    ASSERT_EQ(window.acquire(&index, device().semaphore()), VK_SUCCESS);
    ASSERT_EQ(window.draw(index, numbered(1), VK_NULL_HANDLE, VK_NULL_HANDLE), VK_SUCCESS);
    ASSERT_EQ(window.present(index), VK_SUCCESS);
    uint32_t second = 0;
    ASSERT_EQ(window.acquire(&second, device().semaphore()), VK_SUCCESS);
    std::this_thread::sleep_for(1s);
    ASSERT_EQ(window.draw(second, numbered(2), VK_NULL_HANDLE, VK_NULL_HANDLE), VK_SUCCESS);
    EXPECT_EQ(window.present(second), VK_ERROR_DEVICE_LOST) << first;
    driver.loseDevices();
}

TEST_F(Completing, AHostThatIsOnlySlowIsNotLost)
{
    IN_PROCESS_WITH({"VENUS_WSI_TIMEOUT_MS", "3000"});
    Window window(device());
    driver.setCompletion(mock::Completion::Threaded, 150ms);
    for (uint32_t i = 1; i <= 4; ++i)
        ASSERT_EQ(window.frame(numbered(i)), VK_SUCCESS);
    device().vk.DeviceWaitIdle(device().handle);
    driver.setCompletion(mock::Completion::Immediate);
    EXPECT_EQ(window.frame(numbered(5)), VK_SUCCESS);
    EXPECT_EQ(childLog(), "");
}

TEST_F(Completing, TimeThatNobodyHadIsNotCounted)
{
    // A process that was stopped, or a machine that was, finds the limit long gone when it goes on.
    IN_PROCESS_WITH({"VENUS_WSI_TIMEOUT_MS", "800"});
    Window window(device());
    driver.setCompletion(mock::Completion::Manual);
    ASSERT_EQ(window.frame(numbered(1)), VK_SUCCESS);
    std::this_thread::sleep_for(100ms);
    stopFor(1s);
    std::this_thread::sleep_for(50ms);
    driver.completeAll();
    driver.setCompletion(mock::Completion::Immediate);
    for (size_t i = 0; i < window.images.size() + 1; ++i)
        EXPECT_EQ(window.frame(numbered(2)), VK_SUCCESS);
    EXPECT_EQ(childLog(), "");
}

} // namespace vwsi::testing
