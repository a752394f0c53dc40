#include "surface/xcb/xcb_connection.h"

#include "core/log.h"
#include "core/settings.h"
#include "surface/xcb/peer_address.h"
#include "surface/xcb/refresh_rate.h"

#include <new>
#include <string>

namespace vwsi {

namespace {

/// Connects to the server that the application talks to, by that server's address or by $DISPLAY; null when
/// neither leads there.
xcb_connection_t* connectLike(const XcbApi& api, xcb_connection_t* application)
{
    const int peer = api.xcb_get_file_descriptor(application);
    const std::string address = displayAtPeer(peer);
    for (const char* name : {address.empty() ? nullptr : address.c_str(), static_cast<const char*>(nullptr)}) {
        xcb_connection_t* connection = api.xcb_connect(name, nullptr);
        if (!api.xcb_connection_has_error(connection) && samePeer(peer, api.xcb_get_file_descriptor(connection)))
            return connection;
        api.xcb_disconnect(connection);
    }
    return nullptr;
}

} // namespace

std::unique_ptr<XcbConnection> XcbConnection::open(xcb_connection_t* application, xcb_window_t window)
{
    const XcbApi* api = xcbApi();
    xcb_connection_t* own = api ? connectLike(*api, application) : nullptr;
    if (!own)
        return nullptr;
    std::unique_ptr<XcbConnection> result(new (std::nothrow) XcbConnection(*api, own, true));
    if (!result) {
        api->xcb_disconnect(own);
        return nullptr;
    }
    if (!result->windowExists(window))
        return nullptr;
    result->queryExtensions();
    return result;
}

std::unique_ptr<XcbConnection> XcbConnection::borrow(xcb_connection_t* application)
{
    const XcbApi* api = xcbApi();
    if (!api || api->xcb_connection_has_error(application))
        return nullptr;
    std::unique_ptr<XcbConnection> result(new (std::nothrow) XcbConnection(*api, application, false));
    if (result)
        result->queryExtensions();
    return result;
}

XcbConnection::XcbConnection(const XcbApi& api, xcb_connection_t* connection, bool isPrivate)
    : m_api(api), m_connection(connection), m_private(isPrivate)
{
}

XcbConnection::~XcbConnection()
{
    if (m_private)
        m_api.xcb_disconnect(m_connection);
}

uint8_t XcbConnection::check(xcb_void_cookie_t cookie) const
{
    const XcbReply<xcb_generic_error_t> error(m_api.xcb_request_check(m_connection, cookie));
    if (dead())
        return kDeadConnection;
    return error ? error->error_code : 0;
}

bool XcbConnection::windowExists(xcb_window_t window) const
{
    xcb_generic_error_t* error = nullptr;
    const XcbReply<xcb_get_geometry_reply_t> geometry(
        m_api.xcb_get_geometry_reply(m_connection, m_api.xcb_get_geometry(m_connection, window), &error));
    free(error);
    return geometry != nullptr;
}

bool XcbConnection::recycle(xcb_window_t window)
{
    windowExists(window);
    if (!m_private)
        return !dead();
    while (xcb_generic_event_t* event = m_api.xcb_poll_for_event(m_connection))
        free(event);
    return !dead();
}

void XcbConnection::queryExtensions()
{
    xcb_connection_t* c = m_connection;
    xcb_extension_t* const ids[] = {m_api.shmId, m_api.presentId, m_api.xfixesId, m_api.randrId};
    for (xcb_extension_t* id : ids) {
        if (id)
            m_api.xcb_prefetch_extension_data(c, id);
    }
    const auto find = [&](xcb_extension_t* id) {
        const xcb_query_extension_reply_t* reply = id ? m_api.xcb_get_extension_data(c, id) : nullptr;
        return reply && reply->present ? reply : nullptr;
    };
    const auto* shm = isUnixSocket(descriptor()) ? find(m_api.shmId) : nullptr;
    const auto* present = find(m_api.presentId);
    const auto* xfixes = find(m_api.xfixesId);
    // RandR's version is a property of the client, and changes the events that an application gets.
    const auto* randr = m_private ? find(m_api.randrId) : nullptr;

    // All version requests travel together.
    xcb_shm_query_version_cookie_t shmCookie{};
    xcb_present_query_version_cookie_t presentCookie{};
    xcb_xfixes_query_version_cookie_t xfixesCookie{};
    xcb_randr_query_version_cookie_t randrCookie{};
    if (shm)
        shmCookie = m_api.xcb_shm_query_version(c);
    if (present)
        presentCookie = m_api.xcb_present_query_version(c, 1, 0);
    // The highest version: asking for less than the application did would take requests away from it.
    if (xfixes)
        xfixesCookie = m_api.xcb_xfixes_query_version(c, 6, 0);
    if (randr)
        randrCookie = m_api.xcb_randr_query_version(c, 1, 3);

    if (shm) {
        if (const XcbReply<xcb_shm_query_version_reply_t> reply(
                m_api.xcb_shm_query_version_reply(c, shmCookie, nullptr));
            reply) {
            m_extensions.shm = true;
            m_extensions.shmFd = reply->major_version > 1 || (reply->major_version == 1 && reply->minor_version >= 2);
            m_extensions.sharedPixmaps = reply->shared_pixmaps && reply->pixmap_format == XCB_IMAGE_FORMAT_Z_PIXMAP;
        }
    }
    bool hasPresent = false;
    if (present)
        hasPresent = XcbReply<xcb_present_query_version_reply_t>(
                         m_api.xcb_present_query_version_reply(c, presentCookie, nullptr)) != nullptr;
    bool hasRegions = false;
    if (xfixes) {
        const XcbReply<xcb_xfixes_query_version_reply_t> reply(
            m_api.xcb_xfixes_query_version_reply(c, xfixesCookie, nullptr));
        hasRegions = reply && reply->major_version >= 2;
    }
    if (randr) {
        const XcbReply<xcb_randr_query_version_reply_t> reply(
            m_api.xcb_randr_query_version_reply(c, randrCookie, nullptr));
        m_extensions.randr = reply && (reply->major_version > 1 || reply->minor_version >= 3);
    }
    m_extensions.present = hasPresent && hasRegions;
    m_extensions.presentOpcode = present ? present->major_opcode : 0;
}

Nanoseconds XcbConnection::refreshInterval(xcb_window_t window)
{
    if (m_refreshInterval == 0) {
        const uint64_t milliHz = m_extensions.randr ? outputMilliHz(*this, window) : 0;
        m_refreshInterval = milliHz ? 1'000'000'000'000 / milliHz : settings().refreshInterval();
    }
    return m_refreshInterval;
}

bool XcbWindowState::claim(uint32_t number)
{
    uint32_t shown = m_shownTarget.load(std::memory_order_relaxed);
    while (shown < number && !m_shownTarget.compare_exchange_weak(shown, number, std::memory_order_relaxed)) {
    }
    return shown <= number;
}

std::unique_ptr<XcbConnection> XcbWindowState::take(xcb_connection_t* application, xcb_window_t window)
{
    std::unique_ptr<XcbConnection> connection;
    bool refused;
    {
        const std::lock_guard lock(m_mutex);
        connection = std::move(m_spare);
        refused = m_refused;
    }
    if (connection && connection->recycle(window))
        return connection;
    if (!refused) {
        connection = XcbConnection::open(application, window);
        if (connection)
            return connection;
    }
    connection = XcbConnection::borrow(application);
    if (connection && !refused) {
        VWSI_WARN("X11: the server accepts no second connection; frames go over the application's own, more "
                  "slowly (check $DISPLAY and $XAUTHORITY)");
        const std::lock_guard lock(m_mutex);
        m_refused = true;
    }
    return connection;
}

void XcbWindowState::give(std::unique_ptr<XcbConnection> connection)
{
    if (!connection || connection->dead())
        return;
    const std::lock_guard lock(m_mutex);
    m_spare = std::move(connection);
}

} // namespace vwsi
