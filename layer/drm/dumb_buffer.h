#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace vwsi::drm {

class Device;

/// A dumb buffer with its mapping and its framebuffer object (DRM_IOCTL_MODE_CREATE_DUMB, ADDFB2).
///
/// Destruction removes the framebuffer, which turns a plane that still shows it off.
class DumbBuffer {
public:
    /// Makes a zero-filled buffer. `bytesPerPixel` belongs to `fourcc`. 0 or an errno, after one log line.
    static int create(std::shared_ptr<Device> device, uint32_t width, uint32_t height, uint32_t fourcc,
                      uint32_t bytesPerPixel, std::shared_ptr<DumbBuffer>* buffer);
    ~DumbBuffer();
    DumbBuffer(const DumbBuffer&) = delete;
    DumbBuffer& operator=(const DumbBuffer&) = delete;

    uint32_t framebuffer() const { return m_framebuffer; }
    uint32_t width() const { return m_width; }
    uint32_t height() const { return m_height; }
    void* data() const { return m_data; }
    size_t size() const { return m_size; }
    uint32_t stride() const { return m_stride; }

private:
    explicit DumbBuffer(std::shared_ptr<Device> device);
    int allocate(uint32_t bytesPerPixel);
    int addFramebuffer(uint32_t fourcc);

    std::shared_ptr<Device> m_device;
    uint32_t m_width = 0, m_height = 0;
    uint32_t m_handle = 0;
    uint32_t m_framebuffer = 0;
    uint32_t m_stride = 0;
    size_t m_size = 0;
    void* m_data = nullptr;
};

} // namespace vwsi::drm
