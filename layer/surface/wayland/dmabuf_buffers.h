#pragma once

#include "surface/dma_buf.h"
#include "surface/wayland/dmabuf_feedback.h"
#include "surface/wayland/surface_link.h"

#include <memory>
#include <optional>
#include <vector>

namespace vwsi {

/// The buffers of one swapchain in the driver's own memory: a wl_buffer for each dma-buf (zwp_linux_dmabuf_v1).
///
/// A compositor may refuse them, after which this window's frames go another way for good.
class DmaBufBuffers {
public:
    /// `queue` and `surface`, a wrapper on it, outlive this.
    DmaBufBuffers(EventQueue& queue, std::shared_ptr<SurfaceLink> link, wl_surface* surface, VkExtent2D extent,
                  uint32_t fourcc);
    ~DmaBufBuffers();
    DmaBufBuffers(const DmaBufBuffers&) = delete;
    DmaBufBuffers& operator=(const DmaBufBuffers&) = delete;

    /// See DmaBufTaker.
    const char* obstacle() const;
    VkResult offer(DmaBufOffer* offer);
    VkResult take(std::span<const DmaBuf> images, std::vector<ProxyPtr<wl_buffer>>* proxies);

    /// Frames go another way: what the compositor says of dma-bufs from now on is of no use.
    void decline() { m_feedback.reset(); }

    /// Nobody reads or writes buffer `index` any more: also not a compositor's GPU, whose work may go on after
    /// wl_buffer.release.
    bool quiet(uint32_t index) const;

    /// The compositor prefers other buffers by now; once.
    bool outlived();

private:
    struct Request;

    VkResult request(const DmaBuf& image, Request& request);
    VkResult await(std::span<const Request> requests);
    VkResult refuse();
    void closeDescriptors();

    EventQueue& m_queue;
    std::shared_ptr<SurfaceLink> m_link;
    wl_surface* m_surface;
    VkExtent2D m_extent;
    uint32_t m_fourcc;
    std::optional<DmaBufFeedback> m_feedback;
    unsigned m_answersSeen = 0;
    uint64_t m_modifier = kUnknownModifier;
    std::vector<int> m_descriptors;
};

} // namespace vwsi
