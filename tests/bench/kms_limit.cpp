// How many frames a second the display can take at most: a ready frame is copied into dumb buffers and flipped, without
// Vulkan. What a swapchain on the same display reaches is measured against this.
//
// kms_limit [--node PATH] [--size WIDTHxHEIGHT] [--seconds N] [--buffers N] [--legacy] [--no-copy] [--fifo]
// Prints one line of key=value pairs. Exit status 0: done; 1: an error, which is named; 2: bad usage.

#include "drm/device.h"
#include "drm/mode.h"
#include "drm/node.h"
#include "surface/display/flip_clock.h"
#include "surface/target.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <drm_fourcc.h>
#include <string>
#include <sys/resource.h>
#include <vector>

namespace {

using namespace vwsi;

struct Options {
    std::string node;
    uint32_t width = 0, height = 0; ///< 0: the preferred mode
    unsigned seconds = 5, buffers = 3;
    bool legacy = false, copy = true, fifo = false;
};

[[noreturn]] void misuse(const char* what)
{
    fprintf(stderr, "kms_limit: %s\n", what);
    exit(2);
}

[[noreturn]] void fail(const char* what)
{
    fprintf(stderr, "kms_limit: %s\n", what);
    exit(1);
}

unsigned number(const char* text)
{
    char* end = nullptr;
    const unsigned long value = strtoul(text, &end, 10);
    if (end == text || *end || value == 0 || value > 10000)
        misuse("a number between 1 and 10000 is wanted");
    return static_cast<unsigned>(value);
}

Options parse(int count, char** arguments)
{
    Options options;
    for (int i = 1; i < count; ++i) {
        const std::string name = arguments[i];
        const char* const value = i + 1 < count ? arguments[i + 1] : nullptr;
        if (name == "--legacy")
            options.legacy = true;
        else if (name == "--no-copy")
            options.copy = false;
        else if (name == "--fifo")
            options.fifo = true;
        else if (!value)
            misuse(("unknown option or missing value: " + name).c_str());
        else if (++i; name == "--node")
            options.node = value;
        else if (name == "--seconds")
            options.seconds = number(value);
        else if (name == "--buffers")
            options.buffers = std::max(2u, number(value));
        else if (name != "--size")
            misuse(("unknown option: " + name).c_str());
        else if (sscanf(value, "%ux%u", &options.width, &options.height) != 2)
            misuse("a size looks like 1280x800");
    }
    return options;
}

const drmModeModeInfo* chooseMode(const drm::Connector& connector, const Options& options)
{
    const drmModeModeInfo* best = nullptr;
    for (const drmModeModeInfo& mode : connector.modes) {
        if (options.width ? mode.hdisplay == options.width && mode.vdisplay == options.height
                          : (mode.type & DRM_MODE_TYPE_PREFERRED) != 0)
            return &mode;
        if (!best)
            best = &mode;
    }
    return options.width ? nullptr : best;
}

const drm::Plane* choosePlane(const drm::Device& device, const drm::Connector& connector)
{
    const drm::Crtc* const current = device.resources().crtc(connector.currentCrtc);
    const uint32_t wanted = current ? 1u << current->index : connector.possibleCrtcs;
    for (const drm::Plane& plane : device.resources().planes) {
        if (plane.type == drm::PlaneType::Primary && plane.possibleCrtcs & wanted)
            return &plane;
    }
    return nullptr;
}

/// Something that cannot be told from a real frame by the memory system.
std::vector<unsigned char> drawFrame(uint32_t stride, uint32_t height)
{
    std::vector<unsigned char> frame(static_cast<size_t>(stride) * height);
    for (size_t i = 0; i < frame.size(); ++i)
        frame[i] = static_cast<unsigned char>((i / stride) ^ (i * 7));
    return frame;
}

double processorSeconds()
{
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

} // namespace

int main(int count, char** arguments)
{
    const Options options = parse(count, arguments);
    std::string path;
    std::shared_ptr<drm::Device> device;
    if (drm::findNode({}, options.node, &path) != 0 ||
        drm::Device::open(path, &device,
                          options.legacy ? drm::Device::Interface::Legacy : drm::Device::Interface::Best) != 0)
        return 1;
    std::vector<drm::Connector> connectors;
    device->connectors(&connectors);
    const auto connector = std::find_if(connectors.begin(), connectors.end(),
                                        [](const drm::Connector& one) { return one.connected && !one.modes.empty(); });
    if (connector == connectors.end())
        fail("no display is connected");
    const drmModeModeInfo* const mode = chooseMode(*connector, options);
    const drm::Plane* const plane = choosePlane(*device, *connector);
    if (!mode || !plane)
        fail(mode ? "the display has no primary plane" : "the display has no mode of this size");

    drm::OutputHandle output;
    if (device->acquireOutput(connector->id, *plane, nullptr, &output) != 0)
        return 1;
    std::vector<std::shared_ptr<drm::DumbBuffer>> buffers(options.buffers);
    for (auto& buffer : buffers) {
        if (drm::DumbBuffer::create(device, mode->hdisplay, mode->vdisplay, DRM_FORMAT_XRGB8888, 4, &buffer) != 0)
            return 1;
    }
    const std::vector<unsigned char> frame = drawFrame(buffers[0]->stride(), mode->vdisplay);

    const drm::Rectangle whole{0, 0, mode->hdisplay, mode->vdisplay};
    FlipClock clock(drm::refreshPeriod(*mode));
    std::vector<double> flips;
    double copying = 0;
    unsigned frames = 0;
    const double processorBefore = processorSeconds();
    const Nanoseconds begin = monotonicNow();
    const Nanoseconds end = begin + options.seconds * 1'000'000'000ull;
    while (monotonicNow() < end) {
        const auto& buffer = buffers[frames % buffers.size()];
        const Nanoseconds before = monotonicNow();
        if (options.copy)
            memcpy(buffer->data(), frame.data(), frame.size());
        const Nanoseconds copied = monotonicNow();
        copying += static_cast<double>(copied - before) * 1e-6;
        while (options.fifo && monotonicNow() < clock.nextTick())
            pollDescriptors(-1, -1, clock.nextTick());
        const Nanoseconds shown = monotonicNow();
        uint64_t ticket = 0;
        int error = 0;
        drm::Outcome outcome = drm::Outcome::Busy;
        while (outcome == drm::Outcome::Busy) {
            outcome = output->show(
                {.plane = plane, .buffer = buffer, .source = whole, .destination = whole, .zpos = {}, .damage = {}},
                *mode, &ticket, &error);
            if (outcome == drm::Outcome::Busy)
                pollDescriptors(device->fd(), -1, monotonicNow() + 1'000'000);
            device->dispatch();
        }
        if (outcome != drm::Outcome::Shown && outcome != drm::Outcome::Pending)
            fail("a frame could not be shown");
        clock.tick(shown);
        while (output->flipStatus().ticket < ticket) {
            if (!pollDescriptors(device->fd(), -1, monotonicNow() + 2'000'000'000))
                fail("a page flip did not end within two seconds");
            device->dispatch();
        }
        flips.push_back(static_cast<double>(monotonicNow() - shown) * 1e-6);
        ++frames;
    }
    const double seconds = static_cast<double>(monotonicNow() - begin) * 1e-9;
    const double processor = processorSeconds() - processorBefore;
    std::sort(flips.begin(), flips.end());
    printf("size=%ux%u interface=%s refresh=%.3f frames=%u seconds=%.3f fps=%.2f copy_ms=%.3f flip_ms_p50=%.3f "
           "flip_ms_p99=%.3f cpu_ms=%.3f\n",
           mode->hdisplay, mode->vdisplay, device->atomic() ? "atomic" : "legacy", drm::refreshMilliHz(*mode) / 1000.0,
           frames, seconds, frames / seconds, copying / frames, flips[flips.size() / 2], flips[flips.size() * 99 / 100],
           processor * 1000 / frames);
    return 0;
}
