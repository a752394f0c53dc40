#pragma once

#include "core/clock.h"
#include "surface/wayland/wayland_client.h"

#include <vulkan/vulkan.h>

namespace vwsi {

/// A queue of events of our own on the application's connection, whose own queues are never dispatched from
/// here.
///
/// Reading follows the library's prepare/read protocol, so other threads may read the same connection at any
/// time. A connection that has failed stays failed: every method then answers VK_ERROR_SURFACE_LOST_KHR.
class EventQueue {
public:
    explicit EventQueue(wl_display* display);
    /// Sends what the objects of the queue said when they went, as far as the socket takes it.
    ~EventQueue();
    EventQueue(const EventQueue&) = delete;
    EventQueue& operator=(const EventQueue&) = delete;

    /// False when the queue could not be allocated.
    bool valid() const { return m_queue != nullptr; }
    wl_display* display() const { return m_display; }

    /// A wrapper of `proxy` whose new objects report to this queue; null without memory.
    template <typename T> WrapperPtr<T> wrap(T* proxy) const
    {
        WrapperPtr<T> wrapper(static_cast<T*>(wl_proxy_create_wrapper(proxy)));
        if (wrapper)
            wl_proxy_set_queue(reinterpret_cast<wl_proxy*>(wrapper.get()), m_queue.get());
        return wrapper;
    }

    /// Sends what is buffered as far as the socket takes it, without blocking.
    VkResult flush();

    /// Handles this queue's events. When there are none, waits for some until `deadline` (0: don't wait) or
    /// until the descriptor `wake` (-1: none) is readable; may return early.
    VkResult dispatch(int wake, Nanoseconds deadline);

    /// Waits until the compositor has handled everything sent so far; VK_ERROR_SURFACE_LOST_KHR after
    /// `timeout`.
    VkResult roundTrip(Nanoseconds timeout);

    /// VK_SUCCESS, or VK_ERROR_SURFACE_LOST_KHR with one log line on the first call.
    VkResult status();

private:
    /// How long to wait before looking for events that another thread has read, and for how long after a silence.
    static constexpr Nanoseconds kFirstSlice = 2'000'000;
    static constexpr Nanoseconds kLastSlice = 128'000'000;

    /// Reads the connection if it is `readable`, and handles this queue's events; whether there was something.
    bool read(bool readable);

    wl_display* m_display;
    std::unique_ptr<wl_event_queue, QueueDeleter> m_queue;
    bool m_unsent = false;
    bool m_lost = false;
};

} // namespace vwsi
