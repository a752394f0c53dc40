#pragma once

#include "surface/target.h"
#include "surface/xcb/shared_memory.h"
#include "surface/xcb/xcb_connection.h"
#include "surface/xcb/xcb_visual.h"

#include <span>

namespace vwsi {

/// One frame's pixels: memory of this process, and a pixmap of the server's that shows them.
///
/// Where the server shares pixmaps the two are the same bytes. Elsewhere upload() moves them, by shared
/// segment or through the socket, into a pixmap first, so that what becomes visible is always a whole frame.
class XcbBuffer {
public:
    enum class Transport {
        SharedPixmap, ///< the pixmap lies in the memory
        SharedImage,  ///< ShmPutImage
        Socket,       ///< PutImage
    };

    /// Makes memory and pixmap for images of `extent`, with the best transport that works from `best` on.
    /// VK_ERROR_SURFACE_LOST_KHR, VK_ERROR_OUT_OF_HOST_MEMORY, VK_ERROR_OUT_OF_DEVICE_MEMORY. One round trip.
    static VkResult create(XcbConnection& connection, xcb_window_t window, const XcbVisual& visual, VkExtent2D extent,
                           const BufferLayout& layout, Transport best, std::unique_ptr<XcbBuffer>* buffer);
    ~XcbBuffer();
    XcbBuffer(const XcbBuffer&) = delete;
    XcbBuffer& operator=(const XcbBuffer&) = delete;

    TargetBuffer mapping() const { return m_mapping; }
    Transport transport() const { return m_transport; }
    xcb_pixmap_t pixmap() const { return m_pixmap; }
    VkExtent2D extent() const { return m_extent; }

    /// The region (XFixes) of the given rectangles, or XCB_NONE when it is all of the pixmap.
    xcb_xfixes_region_t region(std::span<const xcb_rectangle_t> rectangles, bool whole);

    /// Brings the rectangles from memory to the pixmap.
    void upload(xcb_gcontext_t gc, std::span<const xcb_rectangle_t> rectangles);

private:
    XcbBuffer(XcbConnection& connection, xcb_window_t window, const XcbVisual& visual, VkExtent2D extent)
        : m_connection(connection), m_window(window), m_visual(visual), m_extent(extent)
    {
    }

    void layOut(const BufferLayout& layout);
    VkResult createShared(Transport transport, bool byDescriptor);
    VkResult createForSocket();
    VkResult createServerPixmap();
    VkResult attach(bool byDescriptor, bool readOnly, uint8_t* error);
    void putRectangle(xcb_gcontext_t gc, const xcb_rectangle_t& rectangle);

    XcbConnection& m_connection;
    xcb_window_t m_window;
    XcbVisual m_visual;
    VkExtent2D m_extent;
    Transport m_transport = Transport::Socket;
    SharedMemory m_memory;
    TargetBuffer m_mapping;
    size_t m_alignment = 0;
    uint16_t m_strideInPixels = 0;
    xcb_shm_seg_t m_segment = XCB_NONE;
    xcb_pixmap_t m_pixmap = XCB_NONE;
    xcb_xfixes_region_t m_region = XCB_NONE;
    bool m_regionIsExtent = false;
    std::unique_ptr<uint8_t[]> m_rows; ///< rows packed for PutImage
    size_t m_rowsBytes = 0;
    size_t m_requestBytes = 0; ///< most bytes of pixels in one PutImage
};

} // namespace vwsi
