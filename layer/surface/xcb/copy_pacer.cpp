#include "surface/xcb/copy_pacer.h"

namespace vwsi {

CopyPacer::~CopyPacer()
{
    for (const Pending& pending : m_pending)
        m_connection.api().xcb_discard_reply(m_connection.get(), pending.marker.sequence);
}

Nanoseconds CopyPacer::readyAt(VkPresentModeKHR mode) const
{
    if (mode == VK_PRESENT_MODE_IMMEDIATE_KHR)
        return 0;
    // A server that is behind is not given more.
    return m_pending.empty() ? m_timer.nextSlot() : kForever;
}

void CopyPacer::show(const XcbBuffer& buffer, const Frame& frame, xcb_gcontext_t gc,
                     std::span<const xcb_rectangle_t> rectangles)
{
    const XcbApi& api = m_connection.api();
    xcb_connection_t* c = m_connection.get();
    for (const xcb_rectangle_t& r : rectangles)
        m_connection.settle(api.xcb_copy_area(c, buffer.pixmap(), m_window, gc, r.x, r.y, r.x, r.y, r.width, r.height));
    m_pending.push_back({api.xcb_get_geometry(c, m_window), frame.buffer, frame.serial});
    m_timer.take(monotonicNow());
}

CopyPacer::Heard CopyPacer::collect(TargetEvents& events, bool block)
{
    const XcbApi& api = m_connection.api();
    Heard heard;
    size_t done = 0;
    for (; done < m_pending.size(); ++done) {
        const Pending& pending = m_pending[done];
        void* reply = nullptr;
        xcb_generic_error_t* error = nullptr;
        if (block && done == 0)
            reply = api.xcb_get_geometry_reply(m_connection.get(), pending.marker, &error);
        else if (!api.xcb_poll_for_reply(m_connection.get(), pending.marker.sequence, &reply, &error))
            break;
        const XcbReply<xcb_get_geometry_reply_t> geometry(static_cast<xcb_get_geometry_reply_t*>(reply));
        free(error);
        heard.any = true;
        if (!geometry) {
            heard.windowLost = true;
            break;
        }
        heard.windowExtent = {geometry->width, geometry->height};
        events.framePresented(pending.serial, monotonicNow());
        events.bufferIdle(pending.buffer);
    }
    m_pending.erase(m_pending.begin(),
                    m_pending.begin() + static_cast<std::ptrdiff_t>(heard.windowLost ? done + 1 : done));
    return heard;
}

} // namespace vwsi
