#include "surface/xcb/xcb_target.h"

#include "core/log.h"
#include "core/poll.h"
#include "core/settings.h"
#include "surface/xcb/sigpipe_guard.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <sys/eventfd.h>
#include <unistd.h>

namespace vwsi {

namespace {

/// Longest time for which a frame that waits for its refresh may overtake the first one of the next target.
constexpr Nanoseconds kQueuedFrameLife = 50'000'000;

/// On the application's connection another thread may take events off the socket without this one's waking.
constexpr Nanoseconds kBorrowedPoll = 1'000'000;

constexpr uint8_t kResponseTypeMask = 0x7f; ///< the top bit tells events sent by other clients

} // namespace

VkResult XcbTarget::create(xcb_connection_t* application, xcb_window_t window, const XcbVisual& visual,
                           std::shared_ptr<XcbWindowState> state, const TargetInfo& info,
                           std::unique_ptr<Target>* target)
{
    const SigpipeGuard guard;
    std::unique_ptr<XcbConnection> connection = state->take(application, window);
    if (!connection)
        return VK_ERROR_SURFACE_LOST_KHR;
    std::unique_ptr<XcbTarget> made(new (std::nothrow)
                                        XcbTarget(std::move(connection), window, visual, std::move(state), info));
    if (!made)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    const VkResult result = made->start();
    if (result == VK_SUCCESS)
        *target = std::move(made);
    return result;
}

XcbTarget::XcbTarget(std::unique_ptr<XcbConnection> connection, xcb_window_t window, const XcbVisual& visual,
                     std::shared_ptr<XcbWindowState> state, const TargetInfo& info)
    : m_connection(std::move(connection)), m_window(window), m_visual(visual), m_state(std::move(state)),
      m_number(m_state->enter()), m_extent(info.extent), m_follows(info.follows), m_buffers(info.imageCount)
{
}

VkResult XcbTarget::start()
{
    m_elsewhere = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (m_elsewhere < 0) {
        VWSI_ERROR("X11: no descriptor is left for a window (eventfd: %s); raise the limit of open files",
                   strerror(errno));
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    }

    const std::string& wanted = settings().x11;
    const XcbConnection::Extensions& can = m_connection->extensions();
    if (wanted == "put")
        m_transport = XcbBuffer::Transport::Socket;
    m_immediateByPresent = wanted == "present";

    const XcbApi& api = m_connection->api();
    xcb_connection_t* c = m_connection->get();
    if (m_connection->isPrivate()) {
        const uint32_t events = XCB_EVENT_MASK_STRUCTURE_NOTIFY;
        api.xcb_change_window_attributes(c, m_window, XCB_CW_EVENT_MASK, &events);
    }
    m_gc = api.xcb_generate_id(c);
    const uint32_t noExposures = 0;
    m_connection->settle(api.xcb_create_gc(c, m_gc, m_window, XCB_GC_GRAPHICS_EXPOSURES, &noExposures));
    if (can.present && wanted != "shm")
        m_present.emplace(*m_connection, m_window);
    m_copy.emplace(*m_connection, m_window, m_connection->refreshInterval(m_window));

    const auto count = static_cast<uint32_t>(m_buffers.size());
    m_copy->reserve(count);
    if (m_present)
        m_present->reserve(count);

    // From here on events tell of every change of size.
    xcb_generic_error_t* error = nullptr;
    const XcbReply<xcb_get_geometry_reply_t> geometry(
        api.xcb_get_geometry_reply(c, api.xcb_get_geometry(c, m_window), &error));
    free(error);
    if (!geometry)
        return VK_ERROR_SURFACE_LOST_KHR;
    m_windowExtent = VkExtent2D{geometry->width, geometry->height};
    return VK_SUCCESS;
}

XcbTarget::~XcbTarget()
{
    const SigpipeGuard guard;
    m_copy.reset();
    m_present.reset();
    m_buffers.clear();
    for (xcb_generic_event_t* event : m_taken)
        free(event);
    if (m_gc != XCB_NONE)
        m_connection->settle(m_connection->api().xcb_free_gc(m_connection->get(), m_gc));
    m_connection->api().xcb_flush(m_connection->get());
    if (m_elsewhere >= 0)
        close(m_elsewhere);
    m_state->give(std::move(m_connection));
}

VkResult XcbTarget::allocate(uint32_t index, const BufferLayout& layout, TargetBuffer* buffer)
{
    const SigpipeGuard guard;
    const VkExtent2D extent = layout.extent.width ? layout.extent : m_extent;
    std::unique_ptr<XcbBuffer> made;
    const VkResult result = XcbBuffer::create(*m_connection, m_window, m_visual, extent, layout, m_transport, &made);
    // The replies waited for may have brought events along.
    wakePresenter();
    if (result != VK_SUCCESS) {
        if (result == VK_ERROR_OUT_OF_DEVICE_MEMORY)
            VWSI_ERROR("X11: the server has no memory for %ux%u pixels: use fewer or smaller images", extent.width,
                       extent.height);
        return result;
    }
    *buffer = made->mapping();
    {
        const std::lock_guard lock(m_buffersMutex);
        std::swap(m_buffers[index], made);
    }
    if (index == 0 && !made) {
        static constexpr const char* kNames[] = {"shared pixmaps", "shared images", "the socket"};
        VWSI_INFO("X11: window 0x%x, %ux%u, depth %u: frames go by %s, paced by %s, over %s connection", m_window,
                  extent.width, extent.height, m_visual.depth,
                  kNames[static_cast<unsigned>(m_buffers[index]->transport())], m_present ? "Present" : "a timer",
                  m_connection->isPrivate() ? "a private" : "the application's");
    }
    return VK_SUCCESS;
}

void XcbTarget::setEvents(TargetEvents* events)
{
    m_events = events;
    const Nanoseconds interval = m_connection->refreshInterval(m_window);
    if (m_present)
        m_present->setRefresh(interval);
    events->refreshKnown(interval, m_present.has_value());
}

bool XcbTarget::usesPresent(VkPresentModeKHR mode) const
{
    return m_present && (mode != VK_PRESENT_MODE_IMMEDIATE_KHR || m_immediateByPresent);
}

Nanoseconds XcbTarget::readyAt(VkPresentModeKHR mode)
{
    if (m_result < 0)
        return 0;
    if (m_present && m_present->waiting())
        return kForever;
    if (usesPresent(mode))
        return m_present->readyAt(mode);
    const Nanoseconds ready = m_copy->readyAt(mode);
    return m_shown ? ready : std::max(ready, m_state->queuedUntil.load(std::memory_order_relaxed));
}

VkResult XcbTarget::present(const Frame& frame)
{
    if (m_connection->dead())
        fail(VK_ERROR_SURFACE_LOST_KHR);
    if (m_result >= 0 && !m_state->claim(m_number))
        fail(VK_ERROR_OUT_OF_DATE_KHR);
    if (m_result < 0)
        return m_result;
    const SigpipeGuard guard;
    XcbBuffer& buffer = *m_buffers[frame.buffer];
    setRectangles(frame.damage, buffer.extent());
    buffer.upload(m_gc, m_rectangles);
    if (usesPresent(frame.mode)) {
        m_present->show(buffer, frame, buffer.region(m_rectangles, frame.damage.empty()));
        if (m_present->waiting())
            m_state->queuedUntil.store(monotonicNow() + kQueuedFrameLife, std::memory_order_relaxed);
    } else {
        m_copy->show(buffer, frame, m_gc, m_rectangles);
    }
    m_shown = true;
    m_connection->api().xcb_flush(m_connection->get());
    if (m_connection->dead())
        fail(VK_ERROR_SURFACE_LOST_KHR);
    return status();
}

void XcbTarget::setRectangles(std::span<const VkRect2D> damage, VkExtent2D extent)
{
    m_rectangles.clear();
    const VkRect2D all{{0, 0}, extent};
    if (damage.empty())
        damage = {&all, 1};
    for (const VkRect2D& rect : damage) {
        const int64_t left = std::clamp<int64_t>(rect.offset.x, 0, extent.width);
        const int64_t top = std::clamp<int64_t>(rect.offset.y, 0, extent.height);
        const int64_t right = std::clamp<int64_t>(int64_t{rect.offset.x} + rect.extent.width, left, extent.width);
        const int64_t bottom = std::clamp<int64_t>(int64_t{rect.offset.y} + rect.extent.height, top, extent.height);
        if (right > left && bottom > top)
            m_rectangles.push_back({static_cast<int16_t>(left), static_cast<int16_t>(top),
                                    static_cast<uint16_t>(right - left), static_cast<uint16_t>(bottom - top)});
    }
}

VkResult XcbTarget::status() const
{
    if (m_result < 0)
        return m_result;
    const VkExtent2D window = m_windowExtent.load(std::memory_order_relaxed);
    const bool fits = m_follows || (window.width == m_extent.width && window.height == m_extent.height);
    return fits ? VK_SUCCESS : VK_SUBOPTIMAL_KHR;
}

void XcbTarget::fail(VkResult result)
{
    if (m_result >= 0)
        m_result = result;
}

VkResult XcbTarget::wait(int wake, Nanoseconds deadline)
{
    for (bool woken = deadline == 0;; woken = sleep(wake, deadline)) {
        const bool heard = drain();
        if (m_result < 0 || heard || woken)
            return status();
    }
}

void XcbTarget::wakePresenter()
{
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(m_elsewhere, &one, sizeof(one));
}

xcb_generic_event_t* XcbTarget::pollEvent(bool read)
{
    const XcbApi& api = m_connection->api();
    auto* const event =
        read ? api.xcb_poll_for_event(m_connection->get()) : api.xcb_poll_for_queued_event(m_connection->get());
    if (event && (event->response_type & kResponseTypeMask) == XCB_CONFIGURE_NOTIFY) {
        const auto& configure = reinterpret_cast<const xcb_configure_notify_event_t&>(*event);
        if (configure.window == m_window)
            m_windowExtent = VkExtent2D{configure.width, configure.height};
    }
    return event;
}

xcb_generic_event_t* XcbTarget::nextEvent(bool read)
{
    if (!m_follows)
        return pollEvent(read);
    const std::lock_guard lock(m_eventsMutex);
    if (m_taken.empty())
        return pollEvent(read);
    xcb_generic_event_t* const event = m_taken.front();
    m_taken.pop_front();
    return event;
}

VkExtent2D XcbTarget::surfaceExtent(VkExtent2D)
{
    // An application that draws once for a new size has seen the event, so the socket has this connection's, but the
    // presenter thread may be slower.
    if (m_connection->isPrivate()) {
        const SigpipeGuard guard;
        const bool arrived = pollDescriptors(m_connection->descriptor(), -1, 0) != 0;
        const std::lock_guard lock(m_eventsMutex);
        while (xcb_generic_event_t* const event = pollEvent(arrived))
            m_taken.push_back(event);
        // Replies that the presenter thread sleeps for may have come along.
        if (arrived || !m_taken.empty())
            wakePresenter();
    }
    return m_windowExtent.load(std::memory_order_relaxed);
}

bool XcbTarget::drain()
{
    const XcbApi& api = m_connection->api();
    xcb_connection_t* c = m_connection->get();
    m_heard = false;
    if (m_connection->isPrivate()) {
        // The first call reads all that the socket has.
        for (auto* event = nextEvent(true); event; event = nextEvent(false)) {
            handle(*event);
            free(event);
        }
    } else if (m_present) {
        while (auto* event = api.xcb_poll_for_special_event(c, m_present->specialQueue())) {
            handle(*event);
            free(event);
        }
    }
    collect(false);
    if (m_connection->dead())
        fail(VK_ERROR_SURFACE_LOST_KHR);
    return m_heard;
}

void XcbTarget::collect(bool block)
{
    const CopyPacer::Heard heard = m_copy->collect(*m_events, block);
    m_heard |= heard.any;
    if (heard.windowLost)
        fail(VK_ERROR_SURFACE_LOST_KHR);
    else if (heard.any && !m_connection->isPrivate()) // where events tell, a reply may be older than they are
        m_windowExtent = heard.windowExtent;
}

void XcbTarget::handle(const xcb_generic_event_t& event)
{
    switch (event.response_type & kResponseTypeMask) {
    case 0:
        handleError(reinterpret_cast<const xcb_generic_error_t&>(event));
        break;
    case XCB_CONFIGURE_NOTIFY: {
        if (reinterpret_cast<const xcb_configure_notify_event_t&>(event).window == m_window)
            m_heard = true;
        break;
    }
    case XCB_DESTROY_NOTIFY:
        if (reinterpret_cast<const xcb_destroy_notify_event_t&>(event).window == m_window)
            fail(VK_ERROR_SURFACE_LOST_KHR);
        break;
    case XCB_GE_GENERIC: {
        const auto& generic = reinterpret_cast<const xcb_present_generic_event_t&>(event);
        if (!m_present || generic.extension != m_connection->extensions().presentOpcode)
            break;
        const auto bufferOf = [this](xcb_pixmap_t pixmap) {
            const std::lock_guard lock(m_buffersMutex);
            const auto found = std::find_if(m_buffers.begin(), m_buffers.end(),
                                            [&](const auto& buffer) { return buffer && buffer->pixmap() == pixmap; });
            return found == m_buffers.end() ? -1 : static_cast<int>(found - m_buffers.begin());
        };
        const PresentPacer::Heard heard = m_present->handle(generic, *m_events, bufferOf);
        m_heard |= heard.any;
        if (heard.any && !m_present->waiting())
            m_state->queuedUntil.store(0, std::memory_order_relaxed);
        if (heard.windowLost)
            fail(VK_ERROR_SURFACE_LOST_KHR);
        else if (heard.resized)
            m_windowExtent = heard.windowExtent;
        break;
    }
    default:
        break;
    }
}

void XcbTarget::handleError(const xcb_generic_error_t& error)
{
    const bool windowGone =
        (error.error_code == XCB_WINDOW || error.error_code == XCB_DRAWABLE) && error.resource_id == m_window;
    if (!windowGone && m_result >= 0)
        VWSI_ERROR("X11: the server refused a frame (X error %u, request %u.%u): the swapchain is out of date",
                   error.error_code, error.major_code, error.minor_code);
    fail(windowGone ? VK_ERROR_SURFACE_LOST_KHR : VK_ERROR_OUT_OF_DATE_KHR);
}

/// Sleeps until the server, allocate() or `wake` has something; true when it was `wake`, or the deadline has
/// passed.
bool XcbTarget::sleep(int wake, Nanoseconds deadline)
{
    const bool outstanding = !m_copy->idle() || (m_present && !m_present->idle());
    int socket = m_connection->descriptor();
    Nanoseconds until = deadline;
    if (!m_connection->isPrivate()) {
        if (!m_present && outstanding) {
            // Without a queue of its own events there is no call that reads the socket without taking the
            // application's events; the reply is a moment away.
            collect(true);
            return true;
        }
        socket = -1;
        if (outstanding)
            until = std::min(deadline, monotonicNow() + kBorrowedPoll);
    }

    pollfd descriptors[] = {{socket, POLLIN, 0}, {wake, POLLIN, 0}, {m_elsewhere, POLLIN, 0}};
    const int ready = pollUntil(descriptors, until);
    if (ready == 0)
        return until == deadline;
    if (descriptors[2].revents) {
        uint64_t count;
        [[maybe_unused]] const ssize_t got = read(m_elsewhere, &count, sizeof(count));
    }
    return ready > 0 && descriptors[1].revents;
}

} // namespace vwsi
