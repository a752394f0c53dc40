#include "surface/xcb/xcb_buffer.h"

#include "core/alignment.h"
#include "core/log.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <unistd.h>

namespace vwsi {

namespace {

constexpr uint32_t kMostPixmapPixels = 32767; ///< width and height of a pixmap are signed 16-bit numbers inside servers
constexpr size_t kPackedBytes = 256u << 10;   ///< rows packed for one PutImage
constexpr size_t kMostRequestBytes = 1u << 20; ///< a longer PutImage only keeps the server from others
constexpr size_t kPutImageHeader = sizeof(xcb_put_image_request_t) + sizeof(uint32_t);

/// What a failed request of buffer creation means. BadAlloc is the server's memory, everything else a lost
/// window.
VkResult resultOf(uint8_t error)
{
    if (error == 0)
        return VK_SUCCESS;
    return error == XCB_ALLOC ? VK_ERROR_OUT_OF_DEVICE_MEMORY : VK_ERROR_SURFACE_LOST_KHR;
}

} // namespace

VkResult XcbBuffer::create(XcbConnection& connection, xcb_window_t window, const XcbVisual& visual, VkExtent2D extent,
                           const BufferLayout& layout, Transport best, std::unique_ptr<XcbBuffer>* buffer)
{
    std::unique_ptr<XcbBuffer> made(new (std::nothrow) XcbBuffer(connection, window, visual, extent));
    if (!made)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    if (extent.width > kMostPixmapPixels || extent.height > kMostPixmapPixels)
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    made->layOut(layout);

    const XcbConnection::Extensions& can = connection.extensions();
    VkResult result = VK_ERROR_SURFACE_LOST_KHR;
    for (const Transport transport : {Transport::SharedPixmap, Transport::SharedImage}) {
        if (transport < best || (transport == Transport::SharedPixmap && !can.sharedPixmaps))
            continue;
        for (const bool byDescriptor : {true, false}) {
            if (byDescriptor ? !can.shmFd : !can.shm)
                continue;
            result = made->createShared(transport, byDescriptor);
            if (result == VK_SUCCESS || connection.dead())
                break;
        }
        if (result == VK_SUCCESS)
            break;
    }
    if (result != VK_SUCCESS && !connection.dead())
        result = made->createForSocket();
    if (result != VK_SUCCESS)
        return connection.dead() ? VK_ERROR_SURFACE_LOST_KHR : result;
    *buffer = std::move(made);
    return VK_SUCCESS;
}

XcbBuffer::~XcbBuffer()
{
    const XcbApi& api = m_connection.api();
    xcb_connection_t* c = m_connection.get();
    if (m_region != XCB_NONE)
        m_connection.settle(api.xcb_xfixes_destroy_region(c, m_region));
    if (m_pixmap != XCB_NONE)
        m_connection.settle(api.xcb_free_pixmap(c, m_pixmap));
    if (m_segment != XCB_NONE)
        m_connection.settle(api.xcb_shm_detach(c, m_segment));
}

void XcbBuffer::layOut(const BufferLayout& layout)
{
    const uint32_t pixel = m_visual.bitsPerPixel / 8u;
    const uint32_t least = static_cast<uint32_t>(alignUp(size_t{m_extent.width} * pixel, sizeof(uint32_t)));
    // A pixmap's rows are as long as its width says, so the driver's pitch becomes a wider pixmap.
    const bool fits = layout.stride >= least && layout.stride % pixel == 0 && layout.stride % sizeof(uint32_t) == 0 &&
                      layout.stride / pixel <= kMostPixmapPixels;
    m_mapping.stride = fits ? layout.stride : least;
    m_strideInPixels = static_cast<uint16_t>(m_mapping.stride / pixel);
    m_alignment = std::max(layout.alignment, pageSize());
    m_mapping.size = alignUp(std::max(layout.size, size_t{m_mapping.stride} * m_extent.height), m_alignment);
}

VkResult XcbBuffer::attach(bool byDescriptor, bool readOnly, uint8_t* error)
{
    const XcbApi& api = m_connection.api();
    xcb_connection_t* c = m_connection.get();
    m_segment = api.xcb_generate_id(c);
    *error = 0;
    if (byDescriptor) {
        int descriptor = -1;
        if (!m_memory.createFile(m_mapping.size, m_alignment, &descriptor))
            return VK_ERROR_OUT_OF_HOST_MEMORY;
        // libxcb closes the descriptor once it is sent.
        *error = m_connection.check(api.xcb_shm_attach_fd_checked(c, m_segment, descriptor, readOnly));
        m_mapping.importable = true;
        return resultOf(*error);
    }
    int id = -1;
    if (!m_memory.createSegment(m_mapping.size, &id))
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    *error = m_connection.check(api.xcb_shm_attach_checked(c, m_segment, static_cast<uint32_t>(id), readOnly));
    // Gone from the system's list as soon as both sides have it, so that a crash leaves nothing behind.
    SharedMemory::removeSegment(id);
    m_mapping.importable = m_alignment == pageSize();
    return resultOf(*error);
}

VkResult XcbBuffer::createShared(Transport transport, bool byDescriptor)
{
    const XcbApi& api = m_connection.api();
    xcb_connection_t* c = m_connection.get();
    const bool sharedPixmap = transport == Transport::SharedPixmap;

    uint8_t error = 0;
    VkResult result = attach(byDescriptor, !sharedPixmap, &error);
    const bool attached = result == VK_SUCCESS;
    if (attached && sharedPixmap) {
        m_pixmap = api.xcb_generate_id(c);
        error = m_connection.check(api.xcb_shm_create_pixmap_checked(c, m_pixmap, m_window, m_strideInPixels,
                                                                     static_cast<uint16_t>(m_extent.height),
                                                                     m_visual.depth, m_segment, 0));
        result = resultOf(error);
        if (result != VK_SUCCESS)
            m_pixmap = XCB_NONE;
    } else if (attached) {
        result = createServerPixmap();
    }
    if (result == VK_SUCCESS) {
        m_transport = transport;
        m_mapping.data = m_memory.data();
        return result;
    }
    VWSI_INFO("X11: a %s buffer was refused (X error %u); trying the next way",
              byDescriptor ? "memory-file" : "System V", error);
    if (attached && error != XcbConnection::kDeadConnection)
        m_connection.settle(api.xcb_shm_detach(c, m_segment));
    m_segment = XCB_NONE;
    m_memory.reset();
    return result;
}

VkResult XcbBuffer::createServerPixmap()
{
    const XcbApi& api = m_connection.api();
    m_pixmap = api.xcb_generate_id(m_connection.get());
    const uint8_t error = m_connection.check(
        api.xcb_create_pixmap_checked(m_connection.get(), m_visual.depth, m_pixmap, m_window,
                                      static_cast<uint16_t>(m_extent.width), static_cast<uint16_t>(m_extent.height)));
    if (error != 0)
        m_pixmap = XCB_NONE;
    return resultOf(error);
}

VkResult XcbBuffer::createForSocket()
{
    if (!m_memory.createPrivate(m_mapping.size, m_alignment))
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    const size_t longest = size_t{m_connection.api().xcb_get_maximum_request_length(m_connection.get())} * 4;
    if (longest <= kPutImageHeader)
        return VK_ERROR_SURFACE_LOST_KHR;
    m_requestBytes = std::min(longest - kPutImageHeader, kMostRequestBytes);
    m_rowsBytes = std::min(m_requestBytes, kPackedBytes);
    m_rows.reset(new (std::nothrow) uint8_t[m_rowsBytes]);
    if (!m_rows)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    m_transport = Transport::Socket;
    m_mapping.data = m_memory.data();
    m_mapping.importable = true;
    return createServerPixmap();
}

xcb_xfixes_region_t XcbBuffer::region(std::span<const xcb_rectangle_t> rectangles, bool whole)
{
    // Columns between the image's width and the pitch are no pixels of the frame.
    const bool padded = m_transport == Transport::SharedPixmap && m_strideInPixels != m_extent.width;
    if (whole && !padded)
        return XCB_NONE;
    if (whole && m_regionIsExtent)
        return m_region;
    const XcbApi& api = m_connection.api();
    xcb_connection_t* c = m_connection.get();
    const auto count = static_cast<uint32_t>(rectangles.size());
    if (m_region == XCB_NONE) {
        m_region = api.xcb_generate_id(c);
        m_connection.settle(api.xcb_xfixes_create_region(c, m_region, count, rectangles.data()));
    } else {
        m_connection.settle(api.xcb_xfixes_set_region(c, m_region, count, rectangles.data()));
    }
    m_regionIsExtent = whole;
    return m_region;
}

void XcbBuffer::upload(xcb_gcontext_t gc, std::span<const xcb_rectangle_t> rectangles)
{
    if (m_transport == Transport::SharedPixmap)
        return;
    const XcbApi& api = m_connection.api();
    for (const xcb_rectangle_t& r : rectangles) {
        if (m_transport == Transport::Socket) {
            putRectangle(gc, r);
            continue;
        }
        m_connection.settle(api.xcb_shm_put_image(m_connection.get(), m_pixmap, gc, m_strideInPixels,
                                                  static_cast<uint16_t>(m_extent.height), static_cast<uint16_t>(r.x),
                                                  static_cast<uint16_t>(r.y), r.width, r.height, r.x, r.y,
                                                  m_visual.depth, XCB_IMAGE_FORMAT_Z_PIXMAP, false, m_segment, 0));
    }
}

void XcbBuffer::putRectangle(xcb_gcontext_t gc, const xcb_rectangle_t& r)
{
    const XcbApi& api = m_connection.api();
    const size_t pixel = m_visual.bitsPerPixel / 8u;
    const size_t packed = alignUp(r.width * pixel, sizeof(uint32_t));
    const bool contiguous = r.x == 0 && packed == m_mapping.stride;
    const size_t rowsAtOnce = std::max<size_t>(1, (contiguous ? m_requestBytes : m_rowsBytes) / packed);
    const auto* source = static_cast<const uint8_t*>(m_mapping.data) + size_t{m_mapping.stride} * r.y + r.x * pixel;

    for (size_t done = 0; done < r.height;) {
        const size_t rows = std::min(rowsAtOnce, r.height - done);
        const uint8_t* bytes = source;
        if (!contiguous) {
            for (size_t row = 0; row < rows; ++row)
                memcpy(m_rows.get() + row * packed, source + row * m_mapping.stride, r.width * pixel);
            bytes = m_rows.get();
        }
        m_connection.settle(api.xcb_put_image(m_connection.get(), XCB_IMAGE_FORMAT_Z_PIXMAP, m_pixmap, gc, r.width,
                                              static_cast<uint16_t>(rows), r.x, static_cast<int16_t>(r.y + done), 0,
                                              m_visual.depth, static_cast<uint32_t>(rows * packed), bytes));
        source += rows * m_mapping.stride;
        done += rows;
    }
}

} // namespace vwsi
