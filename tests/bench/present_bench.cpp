// One measurement: numbered frames to a window, offscreen, or plain memcpy of as many bytes. Prints one line of
// NAME=VALUE words; tests/bench/run makes the table.

#include "frame_loop.h"
#include "offscreen_loop.h"
#include "process_time.h"
#include "shown_window.h"
#include "vulkan_context.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

using namespace client;
using Clock = std::chrono::steady_clock;

namespace {

struct Options {
    std::string what = "xcb"; ///< xcb, wayland, offscreen or memcpy
    VkPresentModeKHR mode = VK_PRESENT_MODE_IMMEDIATE_KHR;
    uint16_t width = 1280;
    uint16_t height = 800;
    uint32_t frames = 300;
};

constexpr uint32_t kWarmUp = 30;
constexpr uint32_t kLatencyFrames = 60;

double seconds(Clock::duration duration)
{
    return std::chrono::duration<double>(duration).count();
}

double quantile(std::vector<double> values, double part)
{
    if (values.empty())
        return 0;
    const auto at = static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), values.begin() + at, values.end());
    return values[static_cast<size_t>(at)];
}

void measurePresent(const Options& options)
{
    const std::unique_ptr<ShownWindow> window = options.what == "wayland"
                                                    ? makeWaylandWindow(options.width, options.height)
                                                    : makeXcbWindow(options.width, options.height);
    if (!window)
        throw std::runtime_error("this build has no " + options.what);
    ContextWishes wishes;
    wishes.instanceExtensions = {"VK_KHR_surface", window->surfaceExtension()};
    wishes.deviceExtensions = {"VK_KHR_swapchain"};
    VulkanContext context(wishes);
    const VkSurfaceKHR surface = window->createSurface(context.instance());
    const pid_t serverPid = window->server();
    {
        FrameLoopWishes loopWishes;
        loopWishes.extent = {options.width, options.height};
        loopWishes.mode = options.mode;
        FrameLoop loop(context, context.queues()[0], surface, loopWishes);
        while (loop.frames() < kWarmUp) {
            if (loop.frames() == kWarmUp - 1)
                window->announce();
            check(loop.frame(), "frame");
        }
        if (!window->waitVisible(loop.frames()))
            throw std::runtime_error("the warm-up's last frame never became visible");

        std::vector<double> calls(options.frames);
        const double clientBefore = processTime(getpid());
        const double serverBefore = processTime(serverPid);
        const auto begin = Clock::now();
        for (double& call : calls) {
            uint32_t index = 0;
            check(loop.begin(&index), "begin");
            if (&call == &calls.back())
                window->announce();
            const auto presented = Clock::now();
            check(loop.present(index), "vkQueuePresentKHR");
            call = seconds(Clock::now() - presented);
        }
        // A frame counts when its bytes are at the server. The last one stands for all: X11's are in order, and a
        // compositor has the bytes of those that it skips, too.
        const auto visible = window->waitVisible(loop.frames());
        if (!visible)
            throw std::runtime_error("the last frame never became visible");
        const double took = seconds(*visible - begin);
        const double clientTime = processTime(getpid()) - clientBefore;
        const double serverTime = processTime(serverPid) - serverBefore;

        std::vector<double> latencies;
        for (uint32_t i = 0; i < kLatencyFrames; ++i) {
            uint32_t index = 0;
            check(loop.begin(&index), "begin");
            window->announce();
            const auto presented = Clock::now();
            check(loop.present(index), "vkQueuePresentKHR");
            if (const auto seen = window->waitVisible(loop.frames()))
                latencies.push_back(seconds(*seen - presented));
        }
        printf("fps=%.1f call_p50_us=%.1f call_p99_us=%.1f latency_p50_us=%.0f latency_p99_us=%.0f client_us=%.0f "
               "server_us=%.0f frames=%u\n",
               options.frames / took, quantile(calls, 0.5) * 1e6, quantile(calls, 0.99) * 1e6,
               quantile(latencies, 0.5) * 1e6, quantile(latencies, 0.99) * 1e6, clientTime / options.frames * 1e6,
               serverTime / options.frames * 1e6, loop.frames());
    }
    vkDestroySurfaceKHR(context.instance(), surface, nullptr);
}

void measureOffscreen(const Options& options)
{
    VulkanContext context({});
    OffscreenLoop loop(context, {options.width, options.height});
    for (uint32_t i = 0; i < kWarmUp; ++i)
        loop.frame();
    loop.finish();
    const auto begin = Clock::now();
    for (uint32_t i = 0; i < options.frames; ++i)
        loop.frame();
    loop.finish();
    printf("fps=%.1f frames=%u\n", options.frames / seconds(Clock::now() - begin), options.frames);
}

void measureMemcpy(const Options& options)
{
    const size_t bytes = size_t{options.width} * options.height * 4;
    std::vector<unsigned char> source(bytes, 1);
    std::vector<unsigned char> target(bytes, 2);
    const auto begin = Clock::now();
    for (uint32_t i = 0; i < options.frames; ++i) {
        memcpy(target.data(), source.data(), bytes);
        // The compiler must take every copy for needed.
        asm volatile("" : : "r"(target.data()) : "memory");
    }
    printf("fps=%.1f frames=%u\n", options.frames / seconds(Clock::now() - begin), options.frames);
}

Options parse(int argc, char** argv)
{
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (word == "xcb" || word == "wayland" || word == "offscreen" || word == "memcpy")
            options.what = word;
        else if (word == "immediate")
            options.mode = VK_PRESENT_MODE_IMMEDIATE_KHR;
        else if (word == "mailbox")
            options.mode = VK_PRESENT_MODE_MAILBOX_KHR;
        else if (word == "fifo")
            options.mode = VK_PRESENT_MODE_FIFO_KHR;
        else if (word.find('x') == std::string::npos && sscanf(word.c_str(), "%u", &options.frames) == 1)
            continue;
        else if (sscanf(word.c_str(), "%hux%hu", &options.width, &options.height) != 2)
            throw std::runtime_error(
                "usage: present_bench xcb|wayland|offscreen|memcpy immediate|mailbox|fifo WxH FRAMES");
    }
    return options;
}

} // namespace

int main(int argc, char** argv)
{
    try {
        const Options options = parse(argc, argv);
        if (options.what == "offscreen")
            measureOffscreen(options);
        else if (options.what == "memcpy")
            measureMemcpy(options);
        else
            measurePresent(options);
        return 0;
    } catch (const std::exception& error) {
        fprintf(stderr, "present_bench: %s\n", error.what());
        return 1;
    }
}
