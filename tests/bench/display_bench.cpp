// One measurement for tests/bench/display: frames of one size to the first display that has such a mode, or offscreen.
// Prints one line of NAME=VALUE words.

#include "frame_loop.h"
#include "offscreen_loop.h"
#include "process_time.h"
#include "vulkan_context.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

using namespace client;
using Clock = std::chrono::steady_clock;

namespace {

constexpr uint32_t kWarmUp = 30;

/// What one of the enumerations of VK_KHR_display lists.
template <typename Element, typename Enumerate> std::vector<Element> list(Enumerate&& enumerate)
{
    uint32_t count = 0;
    check(enumerate(&count, nullptr), "counting");
    std::vector<Element> elements(count);
    check(enumerate(&count, elements.data()), "listing");
    elements.resize(count);
    return elements;
}

uint32_t planeOf(VkPhysicalDevice device, VkDisplayKHR display)
{
    const auto planes = list<VkDisplayPlanePropertiesKHR>([&](uint32_t* count, VkDisplayPlanePropertiesKHR* out) {
        return vkGetPhysicalDeviceDisplayPlanePropertiesKHR(device, count, out);
    });
    for (uint32_t plane = 0; plane < planes.size(); ++plane) {
        const auto displays = list<VkDisplayKHR>([&](uint32_t* count, VkDisplayKHR* out) {
            return vkGetDisplayPlaneSupportedDisplaysKHR(device, plane, count, out);
        });
        if (std::find(displays.begin(), displays.end(), display) != displays.end())
            return plane;
    }
    throw std::runtime_error("the display has no plane");
}

VkSurfaceKHR createSurface(const VulkanContext& context, VkExtent2D size)
{
    const VkPhysicalDevice device = context.physicalDevice();
    for (const VkDisplayPropertiesKHR& display :
         list<VkDisplayPropertiesKHR>([&](uint32_t* count, VkDisplayPropertiesKHR* out) {
             return vkGetPhysicalDeviceDisplayPropertiesKHR(device, count, out);
         })) {
        for (const VkDisplayModePropertiesKHR& mode :
             list<VkDisplayModePropertiesKHR>([&](uint32_t* count, VkDisplayModePropertiesKHR* out) {
                 return vkGetDisplayModePropertiesKHR(device, display.display, count, out);
             })) {
            const VkExtent2D& visible = mode.parameters.visibleRegion;
            if (visible.width != size.width || visible.height != size.height)
                continue;
            VkDisplaySurfaceCreateInfoKHR info{};
            info.sType = VK_STRUCTURE_TYPE_DISPLAY_SURFACE_CREATE_INFO_KHR;
            info.displayMode = mode.displayMode;
            info.planeIndex = planeOf(device, display.display);
            info.transform = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR;
            info.alphaMode = VK_DISPLAY_PLANE_ALPHA_OPAQUE_BIT_KHR;
            info.imageExtent = size;
            VkSurfaceKHR surface = VK_NULL_HANDLE;
            check(vkCreateDisplayPlaneSurfaceKHR(context.instance(), &info, nullptr, &surface),
                  "vkCreateDisplayPlaneSurfaceKHR");
            return surface;
        }
    }
    throw std::runtime_error("no display has a mode of this size");
}

double quantile(std::vector<double>& sorted, double part)
{
    return sorted[static_cast<size_t>(part * static_cast<double>(sorted.size() - 1))];
}

void measureDisplay(VkPresentModeKHR mode, VkExtent2D size, uint32_t frames)
{
    ContextWishes wishes;
    wishes.instanceExtensions = {"VK_KHR_surface", "VK_KHR_display"};
    wishes.deviceExtensions = {"VK_KHR_swapchain"};
    VulkanContext context(wishes);
    const VkSurfaceKHR surface = createSurface(context, size);
    {
        FrameLoopWishes loopWishes;
        loopWishes.mode = mode;
        FrameLoop loop(context, context.queues()[0], surface, loopWishes);
        while (loop.frames() < kWarmUp)
            check(loop.frame(), "frame");
        std::vector<double> calls(frames);
        const double before = processTime(getpid());
        const auto begin = Clock::now();
        for (double& call : calls) {
            uint32_t index = 0;
            check(loop.begin(&index), "begin");
            const auto presented = Clock::now();
            check(loop.present(index), "vkQueuePresentKHR");
            call = std::chrono::duration<double>(Clock::now() - presented).count();
        }
        const double took = std::chrono::duration<double>(Clock::now() - begin).count();
        std::sort(calls.begin(), calls.end());
        printf("fps=%.2f call_p50_us=%.1f call_p99_us=%.1f client_us=%.0f frames=%u\n", frames / took,
               quantile(calls, 0.5) * 1e6, quantile(calls, 0.99) * 1e6, (processTime(getpid()) - before) / frames * 1e6,
               loop.frames());
    }
    vkDestroySurfaceKHR(context.instance(), surface, nullptr);
}

void measureOffscreen(VkExtent2D size, uint32_t frames)
{
    VulkanContext context({});
    OffscreenLoop loop(context, size);
    for (uint32_t i = 0; i < kWarmUp; ++i)
        loop.frame();
    loop.finish();
    const auto begin = Clock::now();
    for (uint32_t i = 0; i < frames; ++i)
        loop.frame();
    loop.finish();
    printf("fps=%.2f frames=%u\n", frames / std::chrono::duration<double>(Clock::now() - begin).count(), frames);
}

} // namespace

int main(int argc, char** argv)
{
    try {
        const std::string what = argc > 1 ? argv[1] : "";
        VkExtent2D size{};
        unsigned frames = 0;
        if (argc != 4 || sscanf(argv[2], "%ux%u", &size.width, &size.height) != 2 ||
            sscanf(argv[3], "%u", &frames) != 1 || frames == 0)
            throw std::runtime_error("usage: display_bench immediate|mailbox|fifo|offscreen WIDTHxHEIGHT FRAMES");
        if (what == "immediate")
            measureDisplay(VK_PRESENT_MODE_IMMEDIATE_KHR, size, frames);
        else if (what == "mailbox")
            measureDisplay(VK_PRESENT_MODE_MAILBOX_KHR, size, frames);
        else if (what == "fifo")
            measureDisplay(VK_PRESENT_MODE_FIFO_KHR, size, frames);
        else if (what == "offscreen")
            measureOffscreen(size, frames);
        else
            throw std::runtime_error("nothing is called " + what);
        return 0;
    } catch (const std::exception& error) {
        fprintf(stderr, "display_bench: %s\n", error.what());
        return 1;
    }
}
