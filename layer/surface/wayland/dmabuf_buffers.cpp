#include "surface/wayland/dmabuf_buffers.h"

#include "core/log.h"
#include "core/settings.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace vwsi {

namespace {

/// Requests that are under way together; a connection holds few descriptors before it has to be flushed.
constexpr size_t kBatch = 4;

} // namespace

/// One buffer being made.
struct DmaBufBuffers::Request {
    ProxyPtr<zwp_linux_buffer_params_v1> params;
    ProxyPtr<wl_buffer> buffer;
    bool answered = false;
};

DmaBufBuffers::DmaBufBuffers(EventQueue& queue, std::shared_ptr<SurfaceLink> link, wl_surface* surface,
                             VkExtent2D extent, uint32_t fourcc)
    : m_queue(queue), m_link(std::move(link)), m_surface(surface), m_extent(extent), m_fourcc(fourcc)
{
}

DmaBufBuffers::~DmaBufBuffers()
{
    closeDescriptors();
}

void DmaBufBuffers::closeDescriptors()
{
    for (const int descriptor : m_descriptors)
        close(descriptor);
    m_descriptors.clear();
}

const char* DmaBufBuffers::obstacle() const
{
    if (settings().wayland == "shm")
        return "VENUS_WSI_WAYLAND=shm";
    if (!m_link->connection().globals().dmaBuf)
        return "the compositor has no zwp_linux_dmabuf_v1 of version 3 or later";
    return m_link->dmaBufsRefused() ? "the compositor has refused dma-bufs of this window before" : nullptr;
}

VkResult DmaBufBuffers::offer(DmaBufOffer* offer)
{
    const WaylandGlobals& globals = m_link->connection().globals();
    if (globals.dmaBufVersion < ZWP_LINUX_DMABUF_V1_GET_SURFACE_FEEDBACK_SINCE_VERSION) {
        std::vector<uint64_t> modifiers;
        for (const DmaBufFormat& format : globals.dmaBufFormats) {
            if (format.fourcc == m_fourcc)
                modifiers.push_back(format.modifier);
        }
        *offer = {};
        if (!modifiers.empty())
            offer->tranches.push_back(std::move(modifiers));
        return VK_SUCCESS;
    }
    m_feedback.emplace(m_queue, globals.dmaBuf.get(), m_surface, m_fourcc);
    if (!m_feedback->valid())
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    // The first answer comes with the request; a compositor that has none ready offers nothing.
    if (const VkResult result = m_queue.roundTrip(WaylandConnection::kAnswerTimeout); result != VK_SUCCESS)
        return result;
    *offer = m_feedback->offer();
    m_answersSeen = m_feedback->answers();
    return VK_SUCCESS;
}

VkResult DmaBufBuffers::request(const DmaBuf& image, Request& request)
{
    const WrapperPtr<zwp_linux_dmabuf_v1> dmaBuf = m_queue.wrap(m_link->connection().globals().dmaBuf.get());
    if (dmaBuf)
        request.params.reset(zwp_linux_dmabuf_v1_create_params(dmaBuf.get()));
    if (!request.params)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    static constexpr zwp_linux_buffer_params_v1_listener kListener = {
        .created =
            [](void* data, zwp_linux_buffer_params_v1*, wl_buffer* buffer) {
                static_cast<Request*>(data)->buffer.reset(buffer);
                static_cast<Request*>(data)->answered = true;
            },
        .failed = [](void* data, zwp_linux_buffer_params_v1*) { static_cast<Request*>(data)->answered = true; },
    };
    zwp_linux_buffer_params_v1* const params = request.params.get();
    zwp_linux_buffer_params_v1_add_listener(params, &kListener, &request);
    for (uint32_t plane = 0; plane < image.planeCount; ++plane) {
        zwp_linux_buffer_params_v1_add(params, image.descriptor, plane, image.planes[plane].offset,
                                       image.planes[plane].stride, static_cast<uint32_t>(image.modifier >> 32),
                                       static_cast<uint32_t>(image.modifier));
    }
    // Not create_immed: a compositor may end the connection of a client whose buffer it cannot use.
    zwp_linux_buffer_params_v1_create(params, static_cast<int32_t>(m_extent.width),
                                      static_cast<int32_t>(m_extent.height), m_fourcc, 0);
    return m_queue.status();
}

VkResult DmaBufBuffers::await(std::span<const Request> requests)
{
    const Nanoseconds deadline = deadlineAfter(WaylandConnection::kAnswerTimeout);
    const auto answered = [&] {
        return std::ranges::all_of(requests, [](const Request& request) { return request.answered; });
    };
    while (!answered()) {
        if (const VkResult result = m_queue.dispatch(-1, deadline); result != VK_SUCCESS)
            return result;
        if (!answered() && monotonicNow() >= deadline) {
            VWSI_ERROR("the Wayland compositor did not say within %llu ms whether it takes a dma-buf: is it stopped?",
                       static_cast<unsigned long long>(WaylandConnection::kAnswerTimeout / 1'000'000));
            return VK_ERROR_SURFACE_LOST_KHR;
        }
    }
    return VK_SUCCESS;
}

VkResult DmaBufBuffers::take(std::span<const DmaBuf> images, std::vector<ProxyPtr<wl_buffer>>* proxies)
{
    std::vector<Request> requests(images.size());
    for (size_t begin = 0; begin < images.size(); begin += kBatch) {
        const size_t count = std::min(kBatch, images.size() - begin);
        for (size_t i = begin; i < begin + count; ++i) {
            if (const VkResult result = request(images[i], requests[i]); result != VK_SUCCESS)
                return result;
        }
        if (const VkResult result = await(std::span(requests).subspan(begin, count)); result != VK_SUCCESS)
            return result;
        if (std::ranges::any_of(std::span(requests).subspan(begin, count),
                                [](const Request& one) { return one.buffer == nullptr; }))
            return refuse();
    }
    m_descriptors.reserve(images.size());
    for (const DmaBuf& image : images) {
        const int duplicate = fcntl(image.descriptor, F_DUPFD_CLOEXEC, 0);
        if (duplicate < 0) {
            VWSI_WARN("no descriptor is left for a dma-buf (%s); raise the limit of open files", strerror(errno));
            closeDescriptors();
            return VK_ERROR_FORMAT_NOT_SUPPORTED;
        }
        m_descriptors.push_back(duplicate);
    }
    m_modifier = images[0].modifier;
    for (size_t i = 0; i < images.size(); ++i)
        (*proxies)[i] = std::move(requests[i].buffer);
    return VK_SUCCESS;
}

VkResult DmaBufBuffers::refuse()
{
    m_feedback.reset();
    m_link->refuseDmaBufs();
    return VK_ERROR_FORMAT_NOT_SUPPORTED;
}

bool DmaBufBuffers::quiet(uint32_t index) const
{
    // All fences of a dma-buf must have signalled before it is writable (Linux, Documentation/driver-api/dma-buf.rst).
    // Whatever cannot be asked has none.
    pollfd descriptor{m_descriptors[index], POLLOUT, 0};
    return poll(&descriptor, 1, 0) != 0;
}

bool DmaBufBuffers::outlived()
{
    if (!m_feedback || m_descriptors.empty() || m_feedback->answers() == m_answersSeen)
        return false;
    m_answersSeen = m_feedback->answers();
    const auto& tranches = m_feedback->offer().tranches;
    if (!tranches.empty() && std::ranges::find(tranches[0], m_modifier) != tranches[0].end())
        return false;
    m_feedback.reset();
    return true;
}

} // namespace vwsi
