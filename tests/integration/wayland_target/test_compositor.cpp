#include "test_compositor_state.h"

#include "presentation-time-server.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <stdexcept>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace vwsi::testing {

TestCompositor::PoolMemory::~PoolMemory()
{
    if (address)
        munmap(address, size);
    close(descriptor);
}

bool TestCompositor::PoolMemory::map(size_t length)
{
    if (address)
        munmap(address, size);
    address = mmap(nullptr, length, PROT_READ, MAP_SHARED, descriptor, 0);
    if (address == MAP_FAILED)
        address = nullptr;
    size = length;
    return address != nullptr;
}

Shown TestCompositor::Buffer::read() const
{
    Shown shown{0, true, monotonicNow()};
    if (!memory->address)
        return {0, false, shown.when};
    const char* const pixels = static_cast<const char*>(memory->address) + offset;
    memcpy(&shown.pixel, pixels, sizeof(shown.pixel));
    for (int32_t row = 0; row < height; ++row) {
        for (int32_t column = 0; column < width; ++column) {
            uint32_t pixel = 0;
            memcpy(&pixel, pixels + static_cast<ptrdiff_t>(row) * stride + static_cast<ptrdiff_t>(column) * 4, 4);
            shown.whole = shown.whole && pixel == shown.pixel;
        }
    }
    return shown;
}

TestCompositor::TestCompositor(const CompositorOptions& options)
    : m_options(options), m_display(wl_display_create()), m_wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      m_tranches(options.tranches)
{
    m_logger = wl_display_add_protocol_logger(m_display, onRequest, this);
    CompositorProtocol::offer(*this, m_display);
    m_thread = std::thread([this] { run(); });
}

TestCompositor::~TestCompositor()
{
    {
        const std::lock_guard lock(m_mutex);
        m_stop = true;
    }
    eventfd_write(m_wake, 1);
    m_thread.join();
    wl_display_destroy_clients(m_display);
    wl_protocol_logger_destroy(m_logger);
    wl_display_destroy(m_display);
    close(m_wake);
}

int TestCompositor::connect()
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        throw std::runtime_error("socketpair");
    const std::lock_guard lock(m_mutex);
    wl_client_create(m_display, ends[0]);
    eventfd_write(m_wake, 1);
    return ends[1];
}

void TestCompositor::run()
{
    wl_event_loop* const loop = wl_display_get_event_loop(m_display);
    Nanoseconds next = monotonicNow() + m_options.refresh;
    for (;;) {
        pollfd descriptors[2] = {{m_wake, POLLIN, 0}, {wl_event_loop_get_fd(loop), POLLIN, 0}};
        const Nanoseconds before = monotonicNow();
        const Nanoseconds left = next > before ? next - before : 0;
        const timespec limit{0, static_cast<long>(std::min<Nanoseconds>(left, 999'999'999))};
        bool frozen = false;
        {
            const std::lock_guard lock(m_mutex);
            frozen = m_frozen;
        }
        ppoll(descriptors, frozen ? 1 : 2, &limit, nullptr);
        eventfd_t count = 0;
        eventfd_read(m_wake, &count);

        const std::lock_guard lock(m_mutex);
        if (m_stop)
            return;
        const bool due = monotonicNow() >= next;
        if (due)
            next += m_options.refresh;
        if (m_frozen)
            continue;
        wl_event_loop_dispatch(loop, 0);
        if (due)
            repaint();
        wl_display_flush_clients(m_display);
    }
}

Nanoseconds TestCompositor::presentationNow() const
{
    timespec ts{};
    clock_gettime(m_options.clock, &ts);
    return static_cast<Nanoseconds>(ts.tv_sec) * 1'000'000'000 + static_cast<Nanoseconds>(ts.tv_nsec);
}

void TestCompositor::finish(Update& update, bool presented)
{
    const Nanoseconds now = presentationNow();
    const uint64_t seconds = now / 1'000'000'000;
    for (wl_resource* feedback : std::exchange(update.feedbacks, {})) {
        if (presented) {
            wp_presentation_feedback_send_presented(
                feedback, static_cast<uint32_t>(seconds >> 32), static_cast<uint32_t>(seconds),
                static_cast<uint32_t>(now % 1'000'000'000), static_cast<uint32_t>(m_options.refresh), 0, 0, 0);
        } else {
            wp_presentation_feedback_send_discarded(feedback);
        }
        wl_resource_destroy(feedback);
    }
}

void TestCompositor::use(Surface& surface, Update&& update)
{
    if (update.commit.attached) {
        Buffer* const old = surface.current.buffer.get();
        if (old && old->resource && old != update.buffer.get())
            wl_buffer_send_release(old->resource);
        finish(surface.current, false);
        surface.fresh = true;
    } else {
        update.buffer = surface.current.buffer;
    }
    update.callbacks.insert(update.callbacks.begin(), surface.current.callbacks.begin(),
                            surface.current.callbacks.end());
    surface.barrier = surface.barrier || update.commit.setsBarrier;
    surface.current = std::move(update);
}

void TestCompositor::apply(Surface& surface)
{
    while (!surface.queue.empty()) {
        const Commit& next = surface.queue.front().commit;
        if (m_visible && next.waitsForBarrier && surface.barrier)
            return;
        if (next.time && *next.time > presentationNow())
            return;
        Update update = std::move(surface.queue.front());
        surface.queue.pop_front();
        use(surface, std::move(update));
    }
}

void TestCompositor::repaint()
{
    for (const auto& surface : m_surfaces) {
        apply(*surface);
        if (m_visible) {
            if (surface->fresh && surface->current.buffer)
                m_shown.push_back(surface->current.buffer->read());
            surface->fresh = false;
            finish(surface->current, true);
            for (wl_resource* callback : std::exchange(surface->current.callbacks, {})) {
                wl_callback_send_done(callback, static_cast<uint32_t>(monotonicNow() / 1'000'000));
                wl_resource_destroy(callback);
            }
        }
        surface->barrier = false;
        apply(*surface);
    }
}

void TestCompositor::onRequest(void* data, wl_protocol_logger_type type, const wl_protocol_logger_message* message)
{
    if (type != WL_PROTOCOL_LOGGER_REQUEST)
        return;
    auto* self = static_cast<TestCompositor*>(data);
    ++self->m_requests[std::string(wl_resource_get_class(message->resource)) + "." + message->message->name];
}

void TestCompositor::setVisible(bool visible)
{
    const std::lock_guard lock(m_mutex);
    m_visible = visible;
}

void TestCompositor::setFrozen(bool frozen)
{
    const std::lock_guard lock(m_mutex);
    m_frozen = frozen;
    eventfd_write(m_wake, 1);
}

void TestCompositor::disconnectClients()
{
    const std::lock_guard lock(m_mutex);
    wl_display_destroy_clients(m_display);
}

void TestCompositor::postError()
{
    const std::lock_guard lock(m_mutex);
    for (const auto& surface : m_surfaces)
        wl_resource_post_error(surface->resource, 7, "a mistake of the application");
    wl_display_flush_clients(m_display);
}

std::vector<Commit> TestCompositor::commits()
{
    const std::lock_guard lock(m_mutex);
    return m_commits;
}

std::vector<Shown> TestCompositor::shown()
{
    const std::lock_guard lock(m_mutex);
    return m_shown;
}

uint32_t TestCompositor::lastPixel()
{
    const std::lock_guard lock(m_mutex);
    return m_shown.empty() ? 0 : m_shown.back().pixel;
}

std::vector<PoolRecord> TestCompositor::pools()
{
    const std::lock_guard lock(m_mutex);
    return m_pools;
}

size_t TestCompositor::poolMemory(size_t index)
{
    const std::lock_guard lock(m_mutex);
    const auto memory = m_memory.at(index).lock();
    struct stat status = {};
    return memory && fstat(memory->descriptor, &status) == 0 ? static_cast<size_t>(status.st_blocks) * 512 : 0;
}

int TestCompositor::poolSeals(size_t index)
{
    const std::lock_guard lock(m_mutex);
    const auto memory = m_memory.at(index).lock();
    return memory ? fcntl(memory->descriptor, F_GET_SEALS) : -1;
}

std::map<std::string, unsigned> TestCompositor::requests()
{
    const std::lock_guard lock(m_mutex);
    return m_requests;
}

unsigned TestCompositor::resources()
{
    const std::lock_guard lock(m_mutex);
    unsigned count = 0;
    wl_client* client = nullptr;
    wl_client_for_each(client, wl_display_get_client_list(m_display))
    {
        wl_client_for_each_resource(
            client,
            [](wl_resource*, void* data) {
                ++*static_cast<unsigned*>(data);
                return WL_ITERATOR_CONTINUE;
            },
            &count);
    }
    return count;
}

} // namespace vwsi::testing
