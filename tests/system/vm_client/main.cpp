// Drives VK_KHR_display in ways no ready-made client does, for the tests in the virtual machine.
//
// vm-client list                      displays and modes, one a line
// vm-client show DISPLAY MODE COLOUR [FRAMES]
//                                     a colour (rrggbb) on a display; until told to end when there is no FRAMES. Prints
//                                     "shown" when the third frame is presented, "ended: RESULT" at the end
// vm-client modes DISPLAY [COUNT]     three frames in each mode, or in the first COUNT
// vm-client both COLOUR COLOUR        two displays at once, until told to end
// vm-client shared COLOUR              two displays show the images of shared swapchains, until told to end
// vm-client part COLOUR X Y W H       a colour on a part of the first display, until told to end
// vm-client vblank DISPLAY N          N first-pixel-out fences of VK_EXT_display_control; prints their mean distance
//                                     and what a third of them stayed within
// vm-client pace DISPLAY N            N FIFO frames against the vertical blanks counted meanwhile; fails where there
//                                     were more frames than blanks, or the blanks do not come at the mode's rate
// vm-client crc WIDTH HEIGHT COLOUR [X Y W H]
//                                     the CRC that the kernel's vkms computes for a display of this colour, or black
//                                     with it on a part
// vm-client hotplug                   waits at most 20 s for the hot-plug fence of VK_EXT_display_control
// DISPLAY and MODE are indices of "list". Exit status 0: done; 1: an error, which is named; 2: bad usage.
#include "screen.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

using Colour = std::array<float, 3>;
using Clock = std::chrono::steady_clock;

static volatile std::sig_atomic_t told = 0;

static void tell(int)
{
    told = 1;
}

[[noreturn]] static void misuse(const std::string& what)
{
    std::cerr << "vm-client: " << what << std::endl;
    std::exit(2);
}

static Colour colourOf(const std::string& text)
{
    if (text.size() != 6 || text.find_first_not_of("0123456789abcdef") != std::string::npos) {
        misuse("a colour is six hexadecimal digits, got " + text);
    }
    const unsigned long value = std::stoul(text, nullptr, 16);
    return {static_cast<float>(value >> 16 & 255) / 255, static_cast<float>(value >> 8 & 255) / 255,
            static_cast<float>(value & 255) / 255};
}

static const Display& pick(const std::vector<Display>& displays, size_t wanted)
{
    if (wanted >= displays.size()) {
        std::cerr << "there is no display " << wanted << ", only " << displays.size() << std::endl;
        std::exit(1);
    }
    return displays[wanted];
}

static void listDisplays(const Vulkan& vulkan)
{
    std::cout << "device " << vulkan.deviceName << '\n';
    const auto displays = displaysOf(vulkan);
    for (size_t number = 0; number < displays.size(); number++) {
        const auto& properties = displays[number].properties;
        std::cout << "display " << number << " \"" << (properties.displayName ? properties.displayName : "") << "\" "
                  << properties.physicalDimensions.width << "x" << properties.physicalDimensions.height << " mm, "
                  << properties.physicalResolution.width << "x" << properties.physicalResolution.height << '\n';
        for (size_t mode = 0; mode < displays[number].modes.size(); mode++) {
            const auto& parameters = displays[number].modes[mode].parameters;
            std::cout << "mode " << number << ' ' << mode << ' ' << parameters.visibleRegion.width << 'x'
                      << parameters.visibleRegion.height << ' ' << parameters.refreshRate << " mHz\n";
        }
    }
}

// Presents until told to end, the frames are over or a call fails.
static int present(const std::vector<std::unique_ptr<Screen>>& screens, const std::vector<Colour>& colours, long frames)
{
    VkResult result = VK_SUCCESS;
    const auto begin = Clock::now();
    long shown = 0;
    for (; !told && result >= 0 && (frames == 0 || shown < frames); shown++) {
        for (size_t index = 0; index < screens.size() && result >= 0; index++) {
            result = screens[index]->show(colours[index]);
        }
        if (shown == 3) {
            std::cout << "shown" << std::endl;
        }
    }
    const std::chrono::duration<double> spent = Clock::now() - begin;
    std::cout << "ended: " << resultName(result) << " after " << shown << " frames, " << std::fixed
              << std::setprecision(1) << static_cast<double>(shown) / spent.count() << " a second" << std::endl;
    return result < 0 ? 1 : 0;
}

static void showModes(const Vulkan& vulkan, const Display& display, size_t count)
{
    for (size_t mode = 0; mode < std::min(count, display.modes.size()); mode++) {
        const auto& parameters = display.modes[mode].parameters;
        Screen screen(vulkan, display, display.modes[mode]);
        for (int frame = 0; frame < 3; frame++) {
            check(screen.show({0, 0, 1}), "a frame");
        }
        std::cout << "mode " << mode << ' ' << parameters.visibleRegion.width << 'x' << parameters.visibleRegion.height
                  << " shown" << std::endl;
        if (told) {
            break;
        }
    }
}

static void needDisplayControl(const Vulkan& vulkan)
{
    if (!vulkan.hasDisplayControl) {
        std::cerr << "VK_EXT_display_control is missing" << std::endl;
        std::exit(1);
    }
}

static void measureVblank(const Vulkan& vulkan, const Display& display, long count)
{
    needDisplayControl(vulkan);
    const auto registerEvent = vulkan.deviceFunction<PFN_vkRegisterDisplayEventEXT>("vkRegisterDisplayEventEXT");
    Screen screen(vulkan, display, display.modes.at(0));
    check(screen.show({0, 1, 0}), "a frame");
    VkDisplayEventInfoEXT info{};
    info.sType = VK_STRUCTURE_TYPE_DISPLAY_EVENT_INFO_EXT;
    info.displayEvent = VK_DISPLAY_EVENT_TYPE_FIRST_PIXEL_OUT_EXT;
    std::vector<double> spent;
    auto before = Clock::now();
    for (long number = 0; number <= count; number++) {
        VkFence fence = VK_NULL_HANDLE;
        check(registerEvent(vulkan.device, display.properties.display, &info, nullptr, &fence),
              "vkRegisterDisplayEventEXT");
        const VkResult result = vkWaitForFences(vulkan.device, 1, &fence, VK_TRUE, 5'000'000'000);
        if (result != VK_SUCCESS) {
            std::cerr << "vkWaitForFences: " << resultName(result) << std::endl;
            std::exit(1);
        }
        vkDestroyFence(vulkan.device, fence, nullptr);
        const auto now = Clock::now();
        // The first blank comes after a part of a frame.
        if (number > 0) {
            spent.push_back(std::chrono::duration<double, std::milli>(now - before).count());
        }
        before = now;
    }
    const double mean = std::accumulate(spent.begin(), spent.end(), 0.0) / static_cast<double>(count);
    // A busy machine makes some of them late, and never one early but after a late one.
    const auto third = spent.begin() + static_cast<long>(spent.size() / 3);
    std::nth_element(spent.begin(), third, spent.end());
    std::cout << "a vertical blank every " << mean << " ms, a third of them within " << *third << " ms, the mode says "
              << 1e6 / display.modes.at(0).parameters.refreshRate << " ms" << std::endl;
}

static int measurePace(const Vulkan& vulkan, const Display& display, long count)
{
    needDisplayControl(vulkan);
    Screen screen(vulkan, display, display.modes.at(0));
    const auto show = [&](long frames) {
        for (long frame = 0; frame < frames; frame++) {
            check(screen.show({0, static_cast<float>(frame % 2), 0}), "a frame");
        }
    };
    // The first frames fill the queue without a wait.
    show(5);
    const uint64_t first = screen.vblanks();
    const auto begin = Clock::now();
    show(count);
    const auto blanks = static_cast<double>(screen.vblanks() - first);
    const std::chrono::duration<double, std::milli> spent = Clock::now() - begin;
    const double wanted = 1e6 / display.modes.at(0).parameters.refreshRate;
    std::cout << count << " frames in " << blanks << " vertical blanks, one every " << spent.count() / blanks
              << " ms; the mode says " << wanted << " ms" << std::endl;
    // One blank is cut off at either end.
    const bool steady = std::abs(spent.count() / blanks - wanted) < wanted * (0.02 + 1 / blanks);
    return static_cast<double>(count) <= blanks + 1 && steady ? 0 : 1;
}

// drivers/gpu/drm/vkms/vkms_composer.c: each pixel is four 16-bit numbers, alpha first; no inversion at either end.
static uint32_t vkmsCrc(VkExtent2D size, const Colour& colour, const VkRect2D& part)
{
    const auto wide = [](float component) { return static_cast<uint64_t>(component * 255 + 0.5F) * 257; };
    const uint64_t black = 0xffff;
    const uint64_t drawn = black | wide(colour[0]) << 16 | wide(colour[1]) << 32 | wide(colour[2]) << 48;
    const auto within = [](uint32_t at, int32_t offset, uint32_t length) {
        return at >= static_cast<uint32_t>(offset) && at - static_cast<uint32_t>(offset) < length;
    };
    std::array<uint32_t, 256> table{};
    for (uint32_t byte = 0; byte < 256; byte++) {
        table[byte] = byte;
        for (int bit = 0; bit < 8; bit++) {
            table[byte] = table[byte] >> 1 ^ (table[byte] & 1 ? 0xedb88320U : 0);
        }
    }
    uint32_t crc = 0;
    for (uint32_t y = 0; y < size.height; y++) {
        for (uint32_t x = 0; x < size.width; x++) {
            const bool inside =
                within(x, part.offset.x, part.extent.width) && within(y, part.offset.y, part.extent.height);
            const uint64_t pixel = inside ? drawn : black;
            for (int shift = 0; shift < 64; shift += 8) {
                crc = crc >> 8 ^ table[(crc ^ static_cast<uint32_t>(pixel >> shift)) & 255];
            }
        }
    }
    return crc;
}

static int awaitHotplug(const Vulkan& vulkan)
{
    needDisplayControl(vulkan);
    const auto registerEvent = vulkan.deviceFunction<PFN_vkRegisterDeviceEventEXT>("vkRegisterDeviceEventEXT");
    VkDeviceEventInfoEXT info{};
    info.sType = VK_STRUCTURE_TYPE_DEVICE_EVENT_INFO_EXT;
    info.deviceEvent = VK_DEVICE_EVENT_TYPE_DISPLAY_HOTPLUG_EXT;
    VkFence fence = VK_NULL_HANDLE;
    check(registerEvent(vulkan.device, &info, nullptr, &fence), "vkRegisterDeviceEventEXT");
    std::cout << "waiting" << std::endl;
    const VkResult result = vkWaitForFences(vulkan.device, 1, &fence, VK_TRUE, 20'000'000'000);
    vkDestroyFence(vulkan.device, fence, nullptr);
    std::cout << "ended: " << resultName(result) << ", " << displaysOf(vulkan).size() << " displays" << std::endl;
    return result == VK_SUCCESS ? 0 : 1;
}

int main(int argc, char** argv)
{
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    const std::string verb = arguments.empty() ? "" : arguments[0];
    const auto need = [&](size_t least, size_t most) {
        if (arguments.size() - 1 < least || arguments.size() - 1 > most) {
            misuse("wrong number of arguments for " + verb);
        }
    };
    if (verb == "crc") {
        need(3, 7);
        const auto number = [&](size_t index) { return static_cast<uint32_t>(std::stoul(arguments.at(index))); };
        const VkExtent2D size{number(1), number(2)};
        VkRect2D part{{0, 0}, size};
        if (arguments.size() > 4) {
            part = {{std::stoi(arguments[4]), std::stoi(arguments.at(5))}, {number(6), number(7)}};
        }
        std::cout << "0x" << std::hex << std::setw(8) << std::setfill('0')
                  << vkmsCrc(size, colourOf(arguments[3]), part) << std::endl;
        return 0;
    }
    std::signal(SIGTERM, tell);
    std::signal(SIGINT, tell);

    Vulkan vulkan;
    const auto displays = displaysOf(vulkan);
    if (verb == "list") {
        listDisplays(vulkan);
        return 0;
    }
    if (verb == "show") {
        need(3, 4);
        const Display& display = pick(displays, std::stoul(arguments[1]));
        std::vector<std::unique_ptr<Screen>> screens;
        screens.push_back(std::make_unique<Screen>(vulkan, display, display.modes.at(std::stoul(arguments[2]))));
        return present(screens, {colourOf(arguments[3])}, arguments.size() > 4 ? std::stol(arguments[4]) : 0);
    }
    if (verb == "modes") {
        need(1, 2);
        showModes(vulkan, pick(displays, std::stoul(arguments[1])),
                  arguments.size() > 2 ? std::stoul(arguments[2]) : SIZE_MAX);
        return 0;
    }
    if (verb == "both") {
        need(2, 2);
        std::vector<std::unique_ptr<Screen>> screens;
        for (const size_t index : {0, 1}) {
            const Display& display = pick(displays, index);
            screens.push_back(std::make_unique<Screen>(vulkan, display, display.modes.at(0)));
        }
        return present(screens, {colourOf(arguments[1]), colourOf(arguments[2])}, 0);
    }
    if (verb == "shared") {
        need(1, 1);
        pick(displays, 1);
        std::vector<std::unique_ptr<Screen>> screens;
        screens.push_back(std::make_unique<Screen>(vulkan, displays));
        return present(screens, {colourOf(arguments[1])}, 0);
    }
    if (verb == "part") {
        need(5, 5);
        const Display& display = pick(displays, 0);
        std::vector<std::unique_ptr<Screen>> screens;
        screens.push_back(std::make_unique<Screen>(vulkan, display, display.modes.at(0)));
        screens[0]->place(
            {{std::stoi(arguments[2]), std::stoi(arguments[3])},
             {static_cast<uint32_t>(std::stoul(arguments[4])), static_cast<uint32_t>(std::stoul(arguments[5]))}});
        return present(screens, {colourOf(arguments[1])}, 0);
    }
    if (verb == "vblank") {
        need(2, 2);
        measureVblank(vulkan, pick(displays, std::stoul(arguments[1])), std::stol(arguments[2]));
        return 0;
    }
    if (verb == "pace") {
        need(2, 2);
        return measurePace(vulkan, pick(displays, std::stoul(arguments[1])), std::stol(arguments[2]));
    }
    if (verb == "hotplug") {
        return awaitHotplug(vulkan);
    }
    misuse("unknown verb \"" + verb + "\"; the head of main.cpp lists them");
}
