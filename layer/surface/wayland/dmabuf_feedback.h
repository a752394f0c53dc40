#pragma once

#include "surface/dma_buf.h"
#include "surface/wayland/event_queue.h"

#include <vector>

namespace vwsi {

/// A format with one layout that a compositor takes as a dma-buf.
struct DmaBufFormat {
    uint32_t fourcc;
    uint64_t modifier;
};

/// What the compositor says of dma-bufs for one window (zwp_linux_dmabuf_feedback_v1), and goes on saying when that
/// changes, as when the window fills a display.
class DmaBufFeedback {
public:
    /// Asks on `queue`; answers are of interest for `fourcc` only. `dmaBuf` is of version 4 or later.
    DmaBufFeedback(const EventQueue& queue, zwp_linux_dmabuf_v1* dmaBuf, wl_surface* surface, uint32_t fourcc);
    ~DmaBufFeedback();
    DmaBufFeedback(const DmaBufFeedback&) = delete;
    DmaBufFeedback& operator=(const DmaBufFeedback&) = delete;

    /// False when the object could not be made.
    bool valid() const { return m_proxy != nullptr; }
    /// The latest complete answer; empty before the first.
    const DmaBufOffer& offer() const { return m_offer; }
    /// Complete answers so far.
    unsigned answers() const { return m_answers; }

private:
    static void onDone(void* data, zwp_linux_dmabuf_feedback_v1*);
    static void onFormatTable(void* data, zwp_linux_dmabuf_feedback_v1*, int32_t descriptor, uint32_t size);
    static void onMainDevice(void* data, zwp_linux_dmabuf_feedback_v1*, wl_array* device);
    static void onTrancheDone(void* data, zwp_linux_dmabuf_feedback_v1*);
    static void onTrancheFormats(void* data, zwp_linux_dmabuf_feedback_v1*, wl_array* indices);

    uint32_t m_fourcc;
    std::vector<DmaBufFormat> m_table; ///< stays until the compositor sends another
    DmaBufOffer m_pending;
    std::vector<uint64_t> m_tranche;
    DmaBufOffer m_offer;
    unsigned m_answers = 0;
    ProxyPtr<zwp_linux_dmabuf_feedback_v1> m_proxy;
};

} // namespace vwsi
