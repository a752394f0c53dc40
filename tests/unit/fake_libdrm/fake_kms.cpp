#include "fake_libdrm/fake_kms.h"

#include "fake_libdrm/kernel_state.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <ctime>
#include <drm_fourcc.h>
#include <unistd.h>

namespace vwsi::drm::fake {

namespace {

Kernel* g_kernel = nullptr;

constexpr uint32_t kConsoleFramebuffer = 7;

template <typename Object> Object& byId(std::vector<Object>& objects, uint32_t id)
{
    const auto found = std::find_if(objects.begin(), objects.end(), [id](const Object& one) { return one.id == id; });
    assert(found != objects.end());
    return *found;
}

} // namespace

Kernel::State& current()
{
    assert(g_kernel);
    return g_kernel->state();
}

drmModeModeInfo mode(uint32_t width, uint32_t height, uint32_t clockKHz, uint32_t type)
{
    drmModeModeInfo info{};
    info.clock = clockKHz;
    info.hdisplay = static_cast<uint16_t>(width);
    info.hsync_start = static_cast<uint16_t>(width + 64);
    info.hsync_end = static_cast<uint16_t>(width + 128);
    info.htotal = static_cast<uint16_t>(width + 160);
    info.vdisplay = static_cast<uint16_t>(height);
    info.vsync_start = static_cast<uint16_t>(height + 3);
    info.vsync_end = static_cast<uint16_t>(height + 9);
    info.vtotal = static_cast<uint16_t>(height + 23);
    info.vrefresh = clockKHz * 1000 / info.htotal / info.vtotal;
    info.type = type;
    snprintf(info.name, sizeof(info.name), "%ux%u", width, height);
    return info;
}

void fixChecksum(std::vector<uint8_t>& edid)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < 127; ++i)
        sum = static_cast<uint8_t>(sum + edid[i]);
    edid[127] = static_cast<uint8_t>(-sum);
}

std::vector<uint8_t> edid(const char* maker, const char* name, uint32_t widthMm, uint32_t heightMm)
{
    std::vector<uint8_t> bytes(128);
    std::fill(bytes.begin() + 1, bytes.begin() + 7, uint8_t{0xff});
    const unsigned packed = static_cast<unsigned>(maker[0] - '@') << 10 | static_cast<unsigned>(maker[1] - '@') << 5 |
                            static_cast<unsigned>(maker[2] - '@');
    bytes[8] = static_cast<uint8_t>(packed >> 8);
    bytes[9] = static_cast<uint8_t>(packed);
    bytes[18] = 1;
    bytes[19] = 4;
    bytes[21] = static_cast<uint8_t>(widthMm / 10);
    bytes[22] = static_cast<uint8_t>(heightMm / 10);
    // A detailed timing, of which only the size matters here.
    bytes[54] = 1;
    bytes[54 + 12] = static_cast<uint8_t>(widthMm);
    bytes[54 + 13] = static_cast<uint8_t>(heightMm);
    bytes[54 + 14] = static_cast<uint8_t>((widthMm >> 8) << 4 | heightMm >> 8);
    bytes[72 + 3] = 0xfc;
    memset(&bytes[72 + 5], ' ', 13);
    const size_t length = std::min<size_t>(strlen(name), 13);
    memcpy(&bytes[72 + 5], name, length);
    if (length < 13)
        bytes[72 + 5 + length] = '\n';
    fixChecksum(bytes);
    return bytes;
}

std::vector<uint8_t> hdrEdid(uint8_t transferFunctions, uint8_t colorimetry)
{
    std::vector<uint8_t> bytes = edid("RHT", "HDR Monitor", 325, 203);
    bytes[126] = 1;
    fixChecksum(bytes);
    // A video and a speaker data block around the two that matter here; detailed timings follow at offset 18.
    std::vector<uint8_t> block = {
        0x02, 0x03, 18, 0, 0x41, 16, 0xe3, 0x05, colorimetry, 0, 0xe3, 0x06, transferFunctions, 1, 0x83, 1, 0, 0};
    block.resize(128);
    uint8_t sum = 0;
    for (const uint8_t byte : block)
        sum = static_cast<uint8_t>(sum + byte);
    block[127] = static_cast<uint8_t>(-sum);
    bytes.insert(bytes.end(), block.begin(), block.end());
    return bytes;
}

Kernel::Kernel(int outputs) : m_state(std::make_unique<State>(*this))
{
    assert(!g_kernel);
    g_kernel = this;
    nodes = {{.path = "/dev/dri/card0",
              .number = {226, 0},
              .renderPath = "/dev/dri/renderD128",
              .renderNumber = {226, 128}}};
    for (int i = 0; i < outputs; ++i) {
        const auto index = static_cast<uint32_t>(i);
        const uint32_t mask = 1u << index;
        crtcs.push_back({.id = 40 + index, .mode = {}});
        planes.push_back(
            {.id = 30 + index, .possibleCrtcs = mask, .formats = {DRM_FORMAT_XRGB8888}, .zpos = {}, .damage = {}});
        planes.push_back({.id = 35 + index,
                          .type = DRM_PLANE_TYPE_CURSOR,
                          .possibleCrtcs = mask,
                          .formats = {DRM_FORMAT_ARGB8888},
                          .zpos = {},
                          .damage = {}});
        connectors.push_back(
            {.id = 20 + index,
             .typeIndex = index + 1,
             .widthMm = 325,
             .heightMm = 203,
             .modes = {mode(1024, 768, 65000), mode(1280, 800, 71000, DRM_MODE_TYPE_DRIVER | DRM_MODE_TYPE_PREFERRED),
                       mode(640, 480, 24144)},
             .encoders = {{50 + index, mask}},
             .edid = edid("RHT", "QEMU Monitor", 325, 203),
             .colorProperties = {},
             .hdrMetadata = {}});
    }
    if (outputs > 0) {
        // The kernel's console, as it is after booting.
        m_state->framebuffers[kConsoleFramebuffer] = {0, 1280, 800, DRM_FORMAT_XRGB8888};
        connectors[0].crtc = crtcs[0].id;
        crtcs[0].active = true;
        crtcs[0].mode = connectors[0].modes[1];
        crtcs[0].framebuffer = kConsoleFramebuffer;
        planes[0].crtc = crtcs[0].id;
        planes[0].framebuffer = kConsoleFramebuffer;
        planes[0].source[2] = uint64_t{1280} << 16;
        planes[0].source[3] = uint64_t{800} << 16;
        planes[0].destination[2] = 1280;
        planes[0].destination[3] = 800;
    }
    testing::replaceApi(&fakeApi());
}

Kernel::~Kernel()
{
    testing::replaceApi(nullptr);
    // A test that leaked must not leave descriptors behind for the next one.
    for (const auto& [fd, file] : m_state->files)
        ::close(fd);
    g_kernel = nullptr;
}

Connector& Kernel::connector(uint32_t id)
{
    return byId(connectors, id);
}

Crtc& Kernel::crtc(uint32_t id)
{
    return byId(crtcs, id);
}

Plane& Kernel::plane(uint32_t id)
{
    return byId(planes, id);
}

void Kernel::fail(const std::string& function, int error, int skip, int times)
{
    const std::scoped_lock lock(m_state->mutex);
    m_state->faults[function] = {error, skip, times};
}

void Kernel::failNth(int n, int error)
{
    const std::scoped_lock lock(m_state->mutex);
    m_state->failCountdown = n;
    m_state->failError = error;
    m_state->failedName.clear();
}

std::string Kernel::failed() const
{
    const std::scoped_lock lock(m_state->mutex);
    return m_state->failedName;
}

void Kernel::completeFlip(uint32_t crtc)
{
    const std::scoped_lock lock(m_state->mutex);
    m_state->sendFlip(crtc);
}

bool Kernel::flipPending(uint32_t crtc) const
{
    const std::scoped_lock lock(m_state->mutex);
    return m_state->flips.count(crtc) != 0;
}

void Kernel::revokeMaster()
{
    const std::scoped_lock lock(m_state->mutex);
    m_state->master.reset();
}

bool Kernel::hasMaster() const
{
    const std::scoped_lock lock(m_state->mutex);
    return !m_state->master.expired();
}

int Kernel::calls(const std::string& function) const
{
    const std::scoped_lock lock(m_state->mutex);
    const auto found = m_state->counts.find(function);
    return found == m_state->counts.end() ? 0 : found->second;
}

std::string Kernel::leaks() const
{
    const std::scoped_lock lock(m_state->mutex);
    std::string text;
    const auto add = [&](size_t count, const std::string& what) {
        if (count)
            text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + what;
    };
    add(m_state->files.size(), "descriptor");
    add(static_cast<size_t>(std::count_if(m_state->framebuffers.begin(), m_state->framebuffers.end(),
                                          [](const auto& entry) { return entry.second.file != 0; })),
        "framebuffer");
    add(m_state->blobs.size(), "blob");
    add(m_state->mappings.size(), "mapping");
    for (const auto& [kind, count] : m_state->objects)
        add(static_cast<size_t>(count), kind);
    return text;
}

int Kernel::State::enter(const char* function)
{
    ++counts[function];
    if (failCountdown > 0 && --failCountdown == 0) {
        failedName = function;
        return failError;
    }
    const auto fault = faults.find(function);
    if (fault == faults.end())
        return 0;
    if (fault->second.skip > 0) {
        --fault->second.skip;
        return 0;
    }
    const int error = fault->second.error;
    if (--fault->second.times <= 0)
        faults.erase(fault);
    return error;
}

std::shared_ptr<File> Kernel::State::file(int fd) const
{
    const auto found = files.find(fd);
    return found == files.end() ? nullptr : found->second;
}

bool Kernel::State::isMaster(const File& file) const
{
    return master.lock().get() == &file;
}

void Kernel::State::removeFramebuffer(uint32_t id)
{
    framebuffers.erase(id);
    for (Plane& plane : kernel.planes) {
        if (plane.framebuffer != id)
            continue;
        // The kernel turns off what showed a framebuffer that goes away.
        for (Crtc& crtc : kernel.crtcs) {
            if (crtc.id == plane.crtc && plane.type == DRM_PLANE_TYPE_PRIMARY) {
                crtc.active = false;
                crtc.framebuffer = 0;
            }
        }
        plane.framebuffer = 0;
        plane.crtc = 0;
    }
}

void Kernel::State::release(File& file)
{
    if (isMaster(file))
        master.reset();
    std::vector<uint32_t> mine;
    for (const auto& [id, framebuffer] : framebuffers) {
        if (framebuffer.file == file.id)
            mine.push_back(id);
    }
    for (const uint32_t id : mine)
        removeFramebuffer(id);
    for (const uint32_t blob : file.blobs)
        blobs.erase(blob);
    ::close(file.eventWriter);
}

void Kernel::State::startFlip(uint32_t crtc, const std::shared_ptr<File>& file, void* userData)
{
    flips[crtc] = {file, userData};
    if (kernel.autoFlip)
        sendFlip(crtc);
}

void Kernel::State::sendFlip(uint32_t crtc)
{
    const auto flip = flips.find(crtc);
    if (flip == flips.end())
        return;
    const std::shared_ptr<File> file = flip->second.file.lock();
    void* const userData = flip->second.userData;
    flips.erase(flip);
    if (!file)
        return;
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    drm_event_vblank event{};
    event.base.type = DRM_EVENT_FLIP_COMPLETE;
    event.base.length = sizeof(event);
    event.tv_sec = static_cast<uint32_t>(now.tv_sec);
    event.tv_usec = static_cast<uint32_t>(now.tv_nsec / 1000);
    event.sequence = kernel.realVblank ? ++sequence : 0;
    event.crtc_id = crtc;
    event.user_data = reinterpret_cast<uintptr_t>(userData);
    [[maybe_unused]] const ssize_t written = write(file->eventWriter, &event, sizeof(event));
}

int Kernel::State::checkPlane(const Plane& plane) const
{
    if ((plane.framebuffer == 0) != (plane.crtc == 0))
        return EINVAL;
    if (plane.framebuffer == 0)
        return 0;
    const auto framebuffer = framebuffers.find(plane.framebuffer);
    if (framebuffer == framebuffers.end())
        return ENOENT;
    if (std::find(plane.formats.begin(), plane.formats.end(), framebuffer->second.format) == plane.formats.end())
        return EINVAL;
    for (size_t i = 0; i < kernel.crtcs.size(); ++i) {
        const Crtc& crtc = kernel.crtcs[i];
        if (crtc.id != plane.crtc)
            continue;
        if (!(plane.possibleCrtcs & 1u << i))
            return EINVAL;
        const bool covers = crtc.mode && plane.destination[0] == 0 && plane.destination[1] == 0 &&
                            plane.destination[2] == crtc.mode->hdisplay && plane.destination[3] == crtc.mode->vdisplay;
        if (plane.type == DRM_PLANE_TYPE_PRIMARY && crtc.active && !covers)
            return EINVAL;
    }
    if (plane.source[0] + plane.source[2] > static_cast<uint64_t>(framebuffer->second.width) << 16 ||
        plane.source[1] + plane.source[3] > static_cast<uint64_t>(framebuffer->second.height) << 16)
        return ENOSPC;
    const bool scaled = plane.source[2] != static_cast<uint64_t>(plane.destination[2]) << 16 ||
                        plane.source[3] != static_cast<uint64_t>(plane.destination[3]) << 16;
    if (scaled && !kernel.scalingPlanes)
        return ERANGE;
    return 0;
}

} // namespace vwsi::drm::fake
