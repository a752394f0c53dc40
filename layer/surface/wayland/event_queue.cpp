#include "surface/wayland/event_queue.h"

#include "core/log.h"
#include "core/poll.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace vwsi {

namespace {

struct Seen {
    short events; ///< of the connection
    bool woken;
};

/// Waits until `descriptor` has one of `events`, `wake` is readable or `deadline` passed.
Seen pollConnection(int descriptor, short events, int wake, Nanoseconds deadline)
{
    pollfd descriptors[2] = {{descriptor, events, 0}, {wake, POLLIN, 0}};
    if (pollUntil(descriptors, deadline) <= 0)
        return {0, false};
    return {descriptors[0].revents, descriptors[1].revents != 0};
}

} // namespace

EventQueue::EventQueue(wl_display* display) : m_display(display), m_queue(wl_display_create_queue(display)) {}

EventQueue::~EventQueue()
{
    wl_display_flush(m_display);
}

VkResult EventQueue::status()
{
    if (m_lost)
        return VK_ERROR_SURFACE_LOST_KHR;
    const int error = wl_display_get_error(m_display);
    if (error == 0)
        return VK_SUCCESS;
    m_lost = true;
    // EINVAL: an error on wl_display itself, such as a request to an object that is gone.
    if (error == EPROTO || error == EINVAL) {
        const wl_interface* interface = nullptr;
        uint32_t object = 0;
        const uint32_t code = wl_display_get_protocol_error(m_display, &interface, &object);
        VWSI_ERROR("the Wayland compositor ended the connection with protocol error %u on %s#%u, so its windows are "
                   "lost: run the program with WAYLAND_DEBUG=1 to see the request",
                   code, interface ? interface->name : "object", object);
    } else {
        VWSI_ERROR("the connection to the Wayland compositor is lost (%s), and its windows with it: connect "
                   "again and "
                   "make new surfaces",
                   strerror(error));
    }
    return VK_ERROR_SURFACE_LOST_KHR;
}

VkResult EventQueue::flush()
{
    // A closed connection (EPIPE) is no failure yet: what the compositor said last is still to be read.
    m_unsent = wl_display_flush(m_display) < 0 && errno == EAGAIN;
    return status();
}

bool EventQueue::read(bool readable)
{
    bool handled = false;
    while (wl_display_prepare_read_queue(m_display, m_queue.get()) != 0) {
        if (wl_display_dispatch_queue_pending(m_display, m_queue.get()) < 0)
            return true;
        handled = true;
    }
    // Looked at again with the intent to read: bytes that are there now nobody else can take, so all other readers come
    // too and wl_display_read_events() doesn't wait for them in vain.
    if (readable && pollConnection(wl_display_get_fd(m_display), POLLIN, -1, 0).events)
        wl_display_read_events(m_display);
    else
        wl_display_cancel_read(m_display);
    return wl_display_dispatch_queue_pending(m_display, m_queue.get()) != 0 || handled;
}

VkResult EventQueue::dispatch(int wake, Nanoseconds deadline)
{
    bool done = read(false);
    if (flush() != VK_SUCCESS)
        return VK_ERROR_SURFACE_LOST_KHR;
    if (done)
        deadline = 0;
    // While a thread holds its intent to read, wl_display_read_events() blocks in every other thread, so an application
    // that draws in between would wait for this one: waiting is done without. Another thread may then read this
    // queue's events off the connection in the moment before poll(), which the next slice finds.
    for (Nanoseconds slice = kFirstSlice;; slice = std::min(2 * slice, kLastSlice)) {
        const short events = static_cast<short>(m_unsent ? POLLIN | POLLOUT : POLLIN);
        const Nanoseconds end = deadline == 0 ? 0 : std::min(deadline, monotonicNow() + slice);
        const Seen seen = pollConnection(wl_display_get_fd(m_display), events, wake, end);
        if (seen.events & POLLOUT)
            flush();
        done = read((seen.events & ~POLLOUT) != 0);
        if (status() != VK_SUCCESS || done || seen.woken || deadline == 0 || monotonicNow() >= deadline)
            return status();
    }
}

VkResult EventQueue::roundTrip(Nanoseconds timeout)
{
    const WrapperPtr<wl_display> display = wrap(m_display);
    const ProxyPtr<wl_callback> done(display ? wl_display_sync(display.get()) : nullptr);
    if (!done)
        return status() == VK_SUCCESS ? VK_ERROR_OUT_OF_HOST_MEMORY : VK_ERROR_SURFACE_LOST_KHR;

    bool answered = false;
    static constexpr wl_callback_listener kListener = {
        .done = [](void* data, wl_callback*, uint32_t) { *static_cast<bool*>(data) = true; },
    };
    wl_callback_add_listener(done.get(), &kListener, &answered);
    const Nanoseconds deadline = deadlineAfter(timeout);
    while (!answered) {
        if (dispatch(-1, deadline) != VK_SUCCESS)
            return VK_ERROR_SURFACE_LOST_KHR;
        if (!answered && monotonicNow() >= deadline) {
            VWSI_ERROR("the Wayland compositor did not answer within %llu ms: is it stopped?",
                       static_cast<unsigned long long>(timeout / 1'000'000));
            return VK_ERROR_SURFACE_LOST_KHR;
        }
    }
    return VK_SUCCESS;
}

} // namespace vwsi
