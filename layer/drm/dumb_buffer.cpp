#include "drm/dumb_buffer.h"

#include "drm/api.h"
#include "drm/device.h"

#include <cerrno>
#include <sys/mman.h>

namespace vwsi::drm {

DumbBuffer::DumbBuffer(std::shared_ptr<Device> device) : m_device(std::move(device)) {}

DumbBuffer::~DumbBuffer()
{
    const Api& drm = api();
    if (m_data)
        drm.system.unmap(m_data, m_size);
    if (m_framebuffer)
        drm.drmModeRmFB(m_device->fd(), m_framebuffer);
    if (m_handle) {
        drm_mode_destroy_dumb destroy{.handle = m_handle};
        drm.drmIoctl(m_device->fd(), DRM_IOCTL_MODE_DESTROY_DUMB, &destroy);
    }
}

int DumbBuffer::create(std::shared_ptr<Device> device, uint32_t width, uint32_t height, uint32_t fourcc,
                       uint32_t bytesPerPixel, std::shared_ptr<DumbBuffer>* buffer)
{
    const std::string path = device->path();
    std::shared_ptr<DumbBuffer> made(new DumbBuffer(std::move(device)));
    made->m_width = width;
    made->m_height = height;
    const char* operation = "cannot make a dumb buffer";
    int error = made->allocate(bytesPerPixel);
    if (error == 0) {
        operation = "cannot make a framebuffer of a dumb buffer";
        error = made->addFramebuffer(fourcc);
    }
    if (error != 0) {
        logFailure(operation, path.c_str(), error);
        return error;
    }
    *buffer = std::move(made);
    return 0;
}

int DumbBuffer::allocate(uint32_t bytesPerPixel)
{
    const Api& drm = api();
    drm_mode_create_dumb make{};
    make.width = m_width;
    make.height = m_height;
    make.bpp = bytesPerPixel * 8;
    if (drm.drmIoctl(m_device->fd(), DRM_IOCTL_MODE_CREATE_DUMB, &make) != 0)
        return errorOf(-1);
    m_handle = make.handle;
    m_stride = make.pitch;

    drm_mode_map_dumb map{};
    map.handle = m_handle;
    if (drm.drmIoctl(m_device->fd(), DRM_IOCTL_MODE_MAP_DUMB, &map) != 0)
        return errorOf(-1);
    void* address = drm.system.map(m_device->fd(), static_cast<size_t>(make.size), map.offset);
    if (address == MAP_FAILED)
        return errorOf(-1);
    m_size = static_cast<size_t>(make.size);
    m_data = address;
    return 0;
}

int DumbBuffer::addFramebuffer(uint32_t fourcc)
{
    const uint32_t handles[4] = {m_handle};
    const uint32_t strides[4] = {m_stride};
    const uint32_t offsets[4] = {};
    return errorOf(
        api().drmModeAddFB2(m_device->fd(), m_width, m_height, fourcc, handles, strides, offsets, &m_framebuffer, 0));
}

} // namespace vwsi::drm
