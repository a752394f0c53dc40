#include "surface/wayland/wayland_target.h"

#include "core/log.h"
#include "core/settings.h"

#include <algorithm>

namespace vwsi {

namespace {

uint32_t fourccFor(const TargetInfo& info)
{
    const bool alpha =
        info.compositeAlpha == VK_COMPOSITE_ALPHA_PRE_MULTIPLIED_BIT_KHR && info.format->fourccAlpha != 0;
    return alpha ? info.format->fourccAlpha : info.format->fourccOpaque;
}

/// The wrapper of a global that may be absent.
template <typename T> WrapperPtr<T> wrapIfThere(const EventQueue& queue, const ProxyPtr<T>& global)
{
    return global ? queue.wrap(global.get()) : nullptr;
}

} // namespace

VkResult WaylandTarget::create(const TargetInfo& info, std::shared_ptr<SurfaceLink> link, wl_surface* surface,
                               std::unique_ptr<Target>* target)
{
    auto made = std::make_unique<WaylandTarget>(info, std::move(link), surface);
    if (!made->complete())
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    if (const VkResult result = made->m_queue.status(); result != VK_SUCCESS)
        return result;
#ifdef VWSI_HAVE_WP_COLOR_MANAGEMENT
    if (const VkResult result = made->m_color.start(); result != VK_SUCCESS)
        return result;
#endif
    *target = std::move(made);
    return VK_SUCCESS;
}

WaylandTarget::WaylandTarget(const TargetInfo& info, std::shared_ptr<SurfaceLink> link, wl_surface* surface)
    : m_queue(link->connection().display()), m_link(std::move(link)), m_surface(m_queue.wrap(surface)),
      m_extent(info.extent), m_number(m_link->enter()),
#ifdef VWSI_HAVE_WP_COLOR_MANAGEMENT
      m_color(m_queue, *m_link, info.colorSpace),
#endif
      m_tracker(wrapIfThere(m_queue, m_link->connection().globals().presentation),
                m_link->connection().globals().clock),
      m_memory(wrapIfThere(m_queue, m_link->connection().globals().shm), info.extent, shmFormatOf(fourccFor(info)),
               info.format->bytesPerPixel, info.imageCount),
      m_dmaBufs(m_queue, m_link, m_surface.get(), info.extent, fourccFor(info)), m_buffers(info.imageCount)
{
    for (Buffer& buffer : m_buffers)
        buffer.target = this;
    VWSI_DEBUG("wayland: target %u, %ux%u, %u buffers", m_number, m_extent.width, m_extent.height, info.imageCount);
}

bool WaylandTarget::complete() const
{
    return m_queue.valid() && m_surface && m_memory.valid();
}

VkResult WaylandTarget::allocate(uint32_t index, const BufferLayout& layout, TargetBuffer* buffer)
{
    if (index >= m_buffers.size() || m_buffers[index].proxy)
        return VK_ERROR_UNKNOWN;
    m_dmaBufs.decline();
    ProxyPtr<wl_buffer> proxy;
    if (const VkResult result = m_memory.allocate(layout, buffer, &proxy); result != VK_SUCCESS)
        return result;
    adopt(index, std::move(proxy));
    return VK_SUCCESS;
}

void WaylandTarget::adopt(uint32_t index, ProxyPtr<wl_buffer> proxy)
{
    static constexpr wl_buffer_listener kListener = {.release = onRelease};
    wl_buffer_add_listener(proxy.get(), &kListener, &m_buffers[index]);
    m_buffers[index].proxy = std::move(proxy);
}

bool WaylandTarget::insists() const
{
    return settings().wayland == "dmabuf";
}

VkResult WaylandTarget::take(std::span<const DmaBuf> images)
{
    if (images.size() != m_buffers.size())
        return VK_ERROR_UNKNOWN;
    std::vector<ProxyPtr<wl_buffer>> proxies(images.size());
    if (const VkResult result = m_dmaBufs.take(images, &proxies); result != VK_SUCCESS)
        return result;
    for (uint32_t i = 0; i < proxies.size(); ++i)
        adopt(i, std::move(proxies[i]));
    m_takesDmaBufs = true;
    return VK_SUCCESS;
}

void WaylandTarget::setEvents(TargetEvents* events)
{
    m_events = events;
    m_tracker.setEvents(events);
}

void WaylandTarget::onRelease(void* data, wl_buffer*)
{
    auto& buffer = *static_cast<Buffer*>(data);
    WaylandTarget& target = *buffer.target;
    const auto index = static_cast<uint32_t>(&buffer - target.m_buffers.data());
    if (target.m_takesDmaBufs && !target.m_dmaBufs.quiet(index)) {
        buffer.draining = true;
        ++target.m_draining;
    } else if (target.m_events) {
        target.m_events->bufferIdle(index);
    }
}

void WaylandTarget::drain()
{
    for (uint32_t i = 0; m_draining > 0 && i < m_buffers.size(); ++i) {
        if (!m_buffers[i].draining || !m_dmaBufs.quiet(i))
            continue;
        m_buffers[i].draining = false;
        --m_draining;
        if (m_events)
            m_events->bufferIdle(i);
    }
}

Nanoseconds WaylandTarget::readyAt(VkPresentModeKHR mode)
{
    if (m_held.pending)
        return std::max<Nanoseconds>(m_held.frame.desiredTime, 1);
    switch (mode) {
    case VK_PRESENT_MODE_MAILBOX_KHR:
    case VK_PRESENT_MODE_IMMEDIATE_KHR:
        return 0;
    case VK_PRESENT_MODE_FIFO_KHR:
    default:
        return m_tracker.readyAt(m_link->connection().canFifo());
    }
}

VkResult WaylandTarget::present(const Frame& frame)
{
    if (const VkResult result = m_queue.status(); result != VK_SUCCESS)
        return result;
    if (frame.buffer >= m_buffers.size() || !m_buffers[frame.buffer].proxy)
        return VK_ERROR_UNKNOWN;
    if (m_held.pending) {
        m_held.pending = false;
        if (const VkResult result = commit(m_held.frame); result != VK_SUCCESS)
            return result;
    }
    if (frame.desiredTime > monotonicNow() && !m_link->connection().canSchedule()) {
        hold(frame);
        return VK_SUCCESS;
    }
    return commit(frame);
}

void WaylandTarget::hold(const Frame& frame)
{
    m_held.frame = frame;
    m_held.frame.damage = {};
    if (frame.damage.size() <= kDamageLimit) {
        std::ranges::copy(frame.damage, m_held.damage.begin());
        m_held.frame.damage = std::span(m_held.damage).first(frame.damage.size());
    }
    m_held.pending = true;
}

void WaylandTarget::sendDamage(std::span<const VkRect2D> damage)
{
    if (wl_proxy_get_version(reinterpret_cast<wl_proxy*>(m_surface.get())) < WL_SURFACE_DAMAGE_BUFFER_SINCE_VERSION) {
        // Older surfaces take damage in their own coordinates only, which the application scales.
        wl_surface_damage(m_surface.get(), 0, 0, INT32_MAX, INT32_MAX);
        return;
    }
    const auto width = static_cast<int64_t>(m_extent.width);
    const auto height = static_cast<int64_t>(m_extent.height);
    if (!m_shown || damage.empty() || damage.size() > kDamageLimit) {
        wl_surface_damage_buffer(m_surface.get(), 0, 0, static_cast<int32_t>(width), static_cast<int32_t>(height));
        return;
    }
    for (const VkRect2D& rect : damage) {
        const int64_t left = std::clamp<int64_t>(rect.offset.x, 0, width);
        const int64_t top = std::clamp<int64_t>(rect.offset.y, 0, height);
        const int64_t right = std::clamp<int64_t>(int64_t{rect.offset.x} + rect.extent.width, left, width);
        const int64_t bottom = std::clamp<int64_t>(int64_t{rect.offset.y} + rect.extent.height, top, height);
        if (right > left && bottom > top) {
            wl_surface_damage_buffer(m_surface.get(), static_cast<int32_t>(left), static_cast<int32_t>(top),
                                     static_cast<int32_t>(right - left), static_cast<int32_t>(bottom - top));
        }
    }
}

VkResult WaylandTarget::commit(const Frame& frame)
{
#ifdef VWSI_HAVE_WP_COLOR_MANAGEMENT
    if (const VkResult result = m_color.settle(); result != VK_SUCCESS)
        return result;
#endif
    const std::lock_guard lock(m_link->mutex());
    if (!m_link->claim(m_number))
        return VK_ERROR_OUT_OF_DATE_KHR;
#ifdef VWSI_HAVE_WP_COLOR_MANAGEMENT
    m_color.apply();
#endif
    const bool paced = frame.mode != VK_PRESENT_MODE_MAILBOX_KHR && frame.mode != VK_PRESENT_MODE_IMMEDIATE_KHR;
    wl_surface* const surface = m_surface.get();
    wl_surface_attach(surface, m_buffers[frame.buffer].proxy.get(), 0, 0);
    sendDamage(frame.damage);
    m_link->setQueued(paced);
    m_link->setTearing(frame.mode == VK_PRESENT_MODE_IMMEDIATE_KHR ||
                       (frame.mode == VK_PRESENT_MODE_FIFO_RELAXED_KHR && m_tracker.late()));
    if (frame.desiredTime > monotonicNow())
        m_link->setTime(frame.desiredTime);
    m_tracker.track(surface, frame.serial, paced, frame.desiredTime);
    wl_surface_commit(surface);
    m_shown = true;
    return m_queue.flush();
}

VkResult WaylandTarget::wait(int wake, Nanoseconds deadline)
{
    Nanoseconds limit = std::min(deadline, m_tracker.nextExpiry());
    if (m_held.pending)
        limit = std::min(limit, m_held.frame.desiredTime);
    if (m_draining > 0)
        limit = std::min(limit, monotonicNow() + kDrainPause);
    if (const VkResult result = m_queue.dispatch(wake, limit); result != VK_SUCCESS)
        return result;
    const Nanoseconds now = monotonicNow();
    m_tracker.expire(now);
    drain();
    if (m_held.pending && m_held.frame.desiredTime <= now) {
        m_held.pending = false;
        if (const VkResult result = commit(m_held.frame); result != VK_SUCCESS)
            return result;
    }
    return m_dmaBufs.outlived() ? VK_SUBOPTIMAL_KHR : VK_SUCCESS;
}

} // namespace vwsi
