#pragma once

#include "core/clock.h"
#include "surface/xcb/xcb_api.h"

#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>

namespace vwsi {

/// Frees what libxcb hands out with malloc.
struct XcbFree {
    void operator()(void* memory) const { free(memory); }
};

template <typename Reply> using XcbReply = std::unique_ptr<Reply, XcbFree>;

/// The line to the X server that a target talks on.
///
/// It is a connection of the layer's own, so that no event, error or reply of the layer's ever meets the
/// application's. Where a second connection is refused, the application's is borrowed: then errors are
/// discarded and only Present's events, which libxcb keeps in a queue of their own, are heard.
class XcbConnection {
public:
    /// What the server and the client libraries can do together.
    struct Extensions {
        bool shm = false;           ///< System V segments
        bool shmFd = false;         ///< segments by passed descriptor
        bool sharedPixmaps = false; ///< pixmaps in segments
        bool present = false;       ///< Present with XFixes regions for damage
        bool randr = false;         ///< RandR 1.3
        uint8_t presentOpcode = 0;
    };

    /// A private connection to the server that `application` talks to; null when the server refuses or is
    /// gone.
    static std::unique_ptr<XcbConnection> open(xcb_connection_t* application, xcb_window_t window);

    /// The application's own connection; null when it is dead.
    static std::unique_ptr<XcbConnection> borrow(xcb_connection_t* application);

    ~XcbConnection();
    XcbConnection(const XcbConnection&) = delete;
    XcbConnection& operator=(const XcbConnection&) = delete;

    const XcbApi& api() const { return m_api; }
    xcb_connection_t* get() const { return m_connection; }
    bool isPrivate() const { return m_private; }
    bool dead() const { return m_api.xcb_connection_has_error(m_connection) != 0; }
    int descriptor() const { return m_api.xcb_get_file_descriptor(m_connection); }
    const Extensions& extensions() const { return m_extensions; }

    /// To be called on each unchecked request: keeps its error from the application's event queue.
    void settle(xcb_void_cookie_t cookie) const
    {
        if (!m_private)
            m_api.xcb_discard_reply(m_connection, cookie.sequence);
    }

    /// What check() answers on a dead connection; no error of a server has this code.
    static constexpr uint8_t kDeadConnection = 255;

    /// Waits for a checked request; its error code (0: none), or kDeadConnection.
    uint8_t check(xcb_void_cookie_t cookie) const;

    /// Throws away what an earlier target left behind; false when the connection is dead.
    bool recycle(xcb_window_t window);

    /// Time between two refreshes of the output that shows the middle of `window` (RandR), else by the
    /// settings.
    Nanoseconds refreshInterval(xcb_window_t window);

private:
    XcbConnection(const XcbApi& api, xcb_connection_t* connection, bool isPrivate);
    bool windowExists(xcb_window_t window) const;
    void queryExtensions();

    const XcbApi& m_api;
    xcb_connection_t* m_connection;
    bool m_private;
    Extensions m_extensions;
    Nanoseconds m_refreshInterval = 0;
};

/// What successive targets of one window share.
struct XcbWindowState {
    /// Until when a queued frame of an earlier target may still become visible (CLOCK_MONOTONIC).
    std::atomic<Nanoseconds> queuedUntil{0};

    /// A new target's number.
    uint32_t enter() { return ++m_lastTarget; }
    /// Whether target `number` may still show frames, which ends when a newer one has shown its first.
    bool claim(uint32_t number);

    /// A connection left by a target that has ended, a new one, or the application's when that is refused;
    /// null when the application's is dead.
    std::unique_ptr<XcbConnection> take(xcb_connection_t* application, xcb_window_t window);
    void give(std::unique_ptr<XcbConnection> connection);

private:
    std::atomic<uint32_t> m_lastTarget{0};
    std::atomic<uint32_t> m_shownTarget{0};
    std::mutex m_mutex;
    std::unique_ptr<XcbConnection> m_spare;
    bool m_refused = false; ///< a new one was refused once
};

} // namespace vwsi
