#include "client.h"

#include "surface/dma_buf.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <sys/mman.h>
#include <unistd.h>

namespace vwsi::testing {

Client::Client(int socket) : m_display(wl_display_connect_to_fd(socket))
{
    wl_registry* const registry = wl_display_get_registry(m_display);
    static constexpr wl_registry_listener kListener = {
        .global =
            [](void* data, wl_registry* source, uint32_t name, const char* interface, uint32_t version) {
                if (strcmp(interface, "wl_compositor") == 0) {
                    static_cast<Client*>(data)->m_compositor = static_cast<wl_compositor*>(
                        wl_registry_bind(source, name, &wl_compositor_interface, std::min(version, 4u)));
                }
            },
        .global_remove = [](void*, wl_registry*, uint32_t) {},
    };
    wl_registry_add_listener(registry, &kListener, this);
    wl_display_roundtrip(m_display);
    wl_registry_destroy(registry);
    if (!m_compositor)
        throw std::runtime_error("no wl_compositor");
    m_window = wl_compositor_create_surface(m_compositor);
    wl_display_roundtrip(m_display);
    makeSurface();
}

Client::~Client()
{
    m_surface.reset();
    destroyWindow();
    wl_compositor_destroy(m_compositor);
    wl_display_disconnect(m_display);
}

void Client::makeSurface()
{
    if (createWaylandSurface(m_display, m_window, &m_surface) != VK_SUCCESS)
        throw std::runtime_error("createWaylandSurface");
}

void Client::destroyWindow()
{
    if (m_window)
        wl_surface_destroy(m_window);
    m_window = nullptr;
}

TestPresenter::TestPresenter(Surface& surface, const Options& options)
    : m_mode(options.mode), m_extent(options.extent), m_buffers(options.images), m_idle(options.images, true)
{
    const TargetInfo info{
        options.extent, findPixelFormat(options.format), options.space, options.alpha, options.mode, options.images,
        nullptr};
    m_createResult = surface.createTarget(info, &m_target);
    if (m_createResult != VK_SUCCESS)
        return;
    m_target->setEvents(this);
    for (uint32_t index = 0; options.allocate && index < options.images; ++index)
        m_createResult = std::min(m_createResult, allocate(index, options.layout));
}

VkResult TestPresenter::allocate(uint32_t index, const BufferLayout& layout)
{
    return m_target->allocate(index, layout, &m_buffers[index]);
}

TestPresenter::~TestPresenter()
{
    for (const TargetBuffer& buffer : m_exported)
        munmap(buffer.data, buffer.size);
}

VkResult TestPresenter::takeDmaBufs(uint64_t modifier, uint32_t planes, int descriptor)
{
    constexpr uint32_t kPlaneBytes = 4096;
    const uint32_t stride = (m_extent.width * 4 + 255) / 256 * 256;
    const size_t size = size_t{stride} * m_extent.height + size_t{planes - 1} * kPlaneBytes;
    std::vector<DmaBuf> images(m_buffers.size());
    for (uint32_t i = 0; i < images.size(); ++i) {
        images[i].descriptor = descriptor >= 0 ? dup(descriptor) : memfd_create("test-dma-buf", MFD_CLOEXEC);
        images[i].modifier = modifier;
        images[i].planeCount = planes;
        images[i].planes[0] = {0, stride};
        for (uint32_t plane = 1; plane < planes; ++plane)
            images[i].planes[plane] = {stride * m_extent.height + (plane - 1) * kPlaneBytes, 128};
        const bool shared = descriptor < 0;
        if (shared && ftruncate(images[i].descriptor, static_cast<off_t>(size)) != 0)
            return VK_ERROR_OUT_OF_HOST_MEMORY;
        void* const bytes =
            mmap(nullptr, size, PROT_READ | PROT_WRITE, shared ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS,
                 shared ? images[i].descriptor : -1, 0);
        m_exported.push_back({bytes, size, stride, false});
    }
    const VkResult result = m_target->dmaBufTaker()->take(images);
    for (uint32_t i = 0; i < images.size(); ++i) {
        close(images[i].descriptor);
        if (result == VK_SUCCESS)
            m_buffers[i] = m_exported[i];
    }
    return result;
}

void TestPresenter::note(VkResult result)
{
    if (result > 0)
        m_status = result;
    else
        m_result = result;
}

VkResult TestPresenter::show(uint32_t pixel, VkPresentModeKHR mode, std::span<const VkRect2D> damage,
                             Nanoseconds desiredTime, Nanoseconds patience)
{
    const auto freeBuffer = [this] {
        for (uint32_t index = 0; index < m_idle.size(); ++index) {
            if (m_idle[index] && m_buffers[index].data)
                return static_cast<int>(index);
        }
        return -1;
    };
    const Nanoseconds end = deadlineAfter(patience);
    if (!until([&] { return freeBuffer() >= 0; }, patience))
        return m_result != VK_SUCCESS ? m_result : VK_NOT_READY;
    const auto index = static_cast<uint32_t>(freeBuffer());
    TargetBuffer& buffer = m_buffers[index];
    for (uint32_t row = 0; row < m_extent.height; ++row) {
        auto* const begin = reinterpret_cast<uint32_t*>(static_cast<char*>(buffer.data) + size_t{row} * buffer.stride);
        std::fill_n(begin, m_extent.width, pixel);
    }
    for (;;) {
        const Nanoseconds ready = m_target->readyAt(mode);
        const Nanoseconds now = monotonicNow();
        if (ready <= now)
            break;
        if (now >= end)
            return VK_TIMEOUT;
        note(m_target->wait(-1, std::min(ready, end)));
        if (m_result != VK_SUCCESS)
            return m_result;
    }
    m_idle[index] = false;
    m_result = m_target->present({index, ++m_serial, mode, damage, desiredTime});
    return m_result;
}

const TestPresenter::Report* TestPresenter::find(uint64_t serial) const
{
    const auto found = std::ranges::find(m_reports, serial, &Report::serial);
    return found == m_reports.end() ? nullptr : &*found;
}

unsigned TestPresenter::idleBuffers() const
{
    return static_cast<unsigned>(std::ranges::count(m_idle, true));
}

void TestPresenter::bufferIdle(uint32_t index)
{
    EXPECT_FALSE(m_idle.at(index)) << "buffer " << index << " released twice";
    m_idle.at(index) = true;
}

void TestPresenter::framePresented(uint64_t serial, Nanoseconds when)
{
    EXPECT_EQ(find(serial), nullptr) << "frame " << serial << " reported twice";
    m_reports.push_back({serial, when, monotonicNow()});
}

} // namespace vwsi::testing
