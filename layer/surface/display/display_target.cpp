#include "surface/display/display_target.h"

#include "core/log.h"
#include "drm/mode.h"
#include "surface/display/display_registry.h"
#include "surface/display/hdr_signal.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace vwsi {

namespace {

constexpr Nanoseconds kMillisecond = 1'000'000;
constexpr Nanoseconds kMasterRetry = 250 * kMillisecond;
/// How long a display server on another VT has for becoming master before the console is taken to be what is shown
/// there.
constexpr Nanoseconds kConsoleGrace = 100 * kMillisecond;
/// Beyond this, one upload of everything is cheaper than the kernel's walk over the list.
constexpr size_t kMaxDamage = 32;

} // namespace

DisplayTarget::DisplayTarget(std::shared_ptr<drm::Device> device, const drm::Plane& plane, const DisplayMode& mode,
                             uint32_t stackIndex, const void* owner, const TargetInfo& info)
    : m_device(std::move(device)), m_plane(plane), m_connector(mode.display->connector), m_mode(mode.info),
      m_stackIndex(stackIndex), m_owner(owner), m_extent(info.extent), m_format(*info.format),
      m_eotf(eotfOf(info.colorSpace)), m_buffers(info.imageCount), m_clock(drm::refreshPeriod(mode.info)),
      m_wholeImage{{0, 0, info.extent.width, info.extent.height}, visibleRegion()},
      m_composer(m_device, m_format.fourccOpaque, m_format.bytesPerPixel), m_frontPlacement(m_wholeImage)
{
}

DisplayTarget::~DisplayTarget()
{
    abandon();
    if (m_flipEvent >= 0)
        close(m_flipEvent);
    if (m_epoll >= 0)
        close(m_epoll);
}

// A console that somebody wants to switch to must not hang on an application that does nothing about a failure.
void DisplayTarget::abandon()
{
    const std::scoped_lock lock(m_outputMutex);
    if (m_output && m_flipEvent >= 0)
        m_output->removeListener(m_flipEvent);
    m_output = drm::OutputHandle();
}

VkResult DisplayTarget::start()
{
    if (const int error = m_device->acquireOutput(m_connector, m_plane, m_owner, &m_output))
        return vkResultOf(error);
    if (m_eotf && (!m_device->atomic() || !m_output->properties().bt2020Rgb)) {
        VWSI_ERROR("the descriptor given to vkAcquireDrmDisplayEXT cannot set colours; use an sRGB swapchain");
        return VK_ERROR_INITIALIZATION_FAILED;
    }
    if (m_eotf)
        m_signal = drm::bt2020Signal(m_output->properties(), *m_eotf);
    if (!openDescriptors()) {
        VWSI_ERROR("no descriptor is left for a display swapchain: %s; raise the limit of open files (ulimit -n)",
                   strerror(errno));
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    }
    m_output->addListener(m_flipEvent);
    m_off = !m_output->powered();
    uint64_t count = 0;
    Nanoseconds when = 0;
    m_realVblank = m_output->vblankCount(&count, &when) == 0;
    if (m_vt)
        followVt();
    return VK_SUCCESS;
}

bool DisplayTarget::watch(int fd, uint32_t events)
{
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    return epoll_ctl(m_epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

bool DisplayTarget::openDescriptors()
{
    m_epoll = epoll_create1(EPOLL_CLOEXEC);
    m_flipEvent = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (m_epoll < 0 || m_flipEvent < 0 || !watch(m_device->fd(), EPOLLIN) || !watch(m_flipEvent, EPOLLIN))
        return false;
    m_uevents = std::make_unique<drm::UeventMonitor>();
    if (m_uevents->descriptor() >= 0)
        watch(m_uevents->descriptor(), EPOLLIN);
    // With a descriptor of the application's, switching VTs is the application's business as well.
    if (m_device->adopted())
        return true;
    auto vt = std::make_unique<drm::VtWatch>(m_device->homeVt());
    if (vt->descriptor() >= 0 && watch(vt->descriptor(), EPOLLPRI | EPOLLERR)) {
        m_device->setHomeVt(vt->home());
        m_vt = std::move(vt);
    }
    return true;
}

VkResult DisplayTarget::allocate(uint32_t index, const BufferLayout& layout, TargetBuffer* buffer)
{
    static_cast<void>(layout); // the kernel chooses the pitch of dumb buffers
    Buffer& mine = m_buffers[index];
    if (const int error = drm::DumbBuffer::create(m_device, m_extent.width, m_extent.height, m_format.fourccOpaque,
                                                  m_format.bytesPerPixel, &mine.memory))
        return error == ENOMEM || error == ENOSPC ? VK_ERROR_OUT_OF_DEVICE_MEMORY : VK_ERROR_INITIALIZATION_FAILED;
    if (const VkResult result = index == 0 ? testFirst() : VK_SUCCESS; result != VK_SUCCESS)
        return result;
    *buffer = {mine.memory->data(), mine.memory->size(), mine.memory->stride(), false};
    return VK_SUCCESS;
}

// A mode that the driver refuses is told when the swapchain is made, not with its first frame.
VkResult DisplayTarget::testFirst()
{
    const std::scoped_lock lock(m_outputMutex);
    if (!m_output || !m_device->master().held())
        return VK_SUCCESS;
    Waiting frame{};
    frame.placement = m_wholeImage;
    frame.mode = VK_PRESENT_MODE_FIFO_KHR;
    drm::Output::Update update = describe(0, m_wholeImage, frame.mode);
    int error = planeTakes(0, m_wholeImage) ? 0 : compose(frame, &update);
    if (error == 0)
        error = m_output->test(update, m_mode);
    m_composed.reset();
    if (error != EINVAL && error != ERANGE && error != ENOSPC)
        return VK_SUCCESS;
    VWSI_ERROR("the driver of %s refuses %ux%u pixels%s on plane %u in mode %s (%ux%u); choose another mode%s",
               m_device->path().c_str(), m_extent.width, m_extent.height, m_eotf ? " in HDR10" : "", m_plane.id,
               m_mode.name, m_mode.hdisplay, m_mode.vdisplay, m_eotf ? " or sRGB" : "");
    return VK_ERROR_INITIALIZATION_FAILED;
}

drm::Rectangle DisplayTarget::visibleRegion() const
{
    return {0, 0, m_mode.hdisplay, m_mode.vdisplay};
}

drm::Output::Update DisplayTarget::describe(uint32_t index, const PlaneRegion& placement, VkPresentModeKHR mode)
{
    Buffer& buffer = m_buffers[index];
    drm::Output::Update update;
    update.plane = &m_plane;
    update.buffer = buffer.memory;
    update.source = placement.source;
    update.destination = placement.destination;
    if (m_plane.properties.zpos && !m_plane.properties.zpos.immutable)
        update.zpos = m_stackIndex;
    if (!buffer.everything && buffer.seen == placement.source)
        update.damage = buffer.damage;
    // Overlays are mixed with what lies below them, whose colours count.
    if (m_plane.type == drm::PlaneType::Primary)
        update.signal = &m_signal;
    // A flip that tears can change nothing but the buffer.
    update.tearing = mode == VK_PRESENT_MODE_IMMEDIATE_KHR && m_shown == placement;
    update.use = m_output.use();
    return update;
}

// Asked once for each placement: applications move and scale now and then, not with each frame.
bool DisplayTarget::planeTakes(uint32_t index, const PlaneRegion& placement)
{
    if (m_tried == placement)
        return m_planeTakesIt;
    const drm::Rectangle all = visibleRegion();
    const bool primary = m_plane.type == drm::PlaneType::Primary;
    int error = 0;
    if (!(placement == PlaneRegion{all, all}))
        error = m_output->test(describe(index, placement, VK_PRESENT_MODE_FIFO_KHR), m_mode);
    // Who lost the master right will hear of it when the frame is shown.
    if (error == EACCES || error == EPERM)
        return true;
    m_tried = placement;
    // Before atomic requests there is nothing to ask, and page flips cannot move what is shown.
    m_planeTakesIt = error == 0 || (error == EOPNOTSUPP && !primary);
    return m_planeTakesIt;
}

int DisplayTarget::compose(const Waiting& frame, drm::Output::Update* update)
{
    // An overlay is moved by its plane; a primary plane has to cover the display.
    const bool primary = m_plane.type == drm::PlaneType::Primary;
    const drm::Rectangle on = primary ? visibleRegion() : frame.placement.destination;
    drm::Rectangle within = frame.placement.destination;
    if (!primary)
        within.x = within.y = 0;
    if (!m_composed) {
        const int error = m_composer.compose(*m_buffers[frame.buffer].memory, frame.placement.source, within,
                                             {on.width, on.height}, &m_composed);
        if (error)
            return error;
    }
    update->buffer = m_composed;
    update->source = {0, 0, on.width, on.height};
    update->destination = on;
    update->damage = {};
    return 0;
}

void DisplayTarget::addDamage(const Frame& frame)
{
    const auto clamp = [](int64_t value, uint32_t limit) {
        return static_cast<int32_t>(std::clamp<int64_t>(value, 0, limit));
    };
    for (Buffer& buffer : m_buffers) {
        buffer.everything |= frame.damage.empty() || buffer.damage.size() + frame.damage.size() > kMaxDamage;
        if (buffer.everything)
            continue;
        for (const VkRect2D& rect : frame.damage) {
            const drm_mode_rect clip{clamp(rect.offset.x, m_extent.width), clamp(rect.offset.y, m_extent.height),
                                     clamp(static_cast<int64_t>(rect.offset.x) + rect.extent.width, m_extent.width),
                                     clamp(static_cast<int64_t>(rect.offset.y) + rect.extent.height, m_extent.height)};
            if (clip.x1 < clip.x2 && clip.y1 < clip.y2)
                buffer.damage.push_back(clip);
        }
    }
}

Nanoseconds DisplayTarget::readyAt(VkPresentModeKHR mode)
{
    if (m_waiting && !m_waiting->redraw)
        return kForever;
    if (blocked())
        return m_clock.nextTick();
    if (m_flipping || m_waiting)
        return kForever;
    if (mode == VK_PRESENT_MODE_IMMEDIATE_KHR || m_realVblank)
        return 0;
    return m_clock.nextTick();
}

void DisplayTarget::setHdrMetadata(const VkHdrMetadataEXT& metadata)
{
    if (m_eotf)
        m_signal.metadata = drm::toBlob(*m_eotf, toInfoFrame(metadata));
}

DisplayTarget::PlaneRegion DisplayTarget::placementOf(const Frame& frame) const
{
    const auto rectangle = [](const VkRect2D& rect) {
        return drm::Rectangle{rect.offset.x, rect.offset.y, rect.extent.width, rect.extent.height};
    };
    return frame.region ? PlaneRegion{rectangle(frame.region->source), rectangle(frame.region->destination)}
                        : m_wholeImage;
}

VkResult DisplayTarget::present(const Frame& frame)
{
    addDamage(frame);
    if (m_waiting && !m_waiting->redraw) {
        m_events->framePresented(m_waiting->serial, 0);
        if (m_waiting->buffer != frame.buffer)
            m_events->bufferIdle(m_waiting->buffer);
    }
    m_composed.reset();
    m_waiting = {frame.buffer, frame.serial, frame.mode, frame.desiredTime, placementOf(frame), false};
    return advance();
}

VkResult DisplayTarget::advance()
{
    if (m_unplugged)
        return VK_ERROR_SURFACE_LOST_KHR;
    if (!m_waiting)
        return VK_SUCCESS;
    const Nanoseconds now = monotonicNow();
    if (m_waiting->desired > now)
        return VK_SUCCESS;
    if (blocked()) {
        skipWaiting();
        return VK_SUCCESS;
    }
    if (m_flipping || now < m_busyUntil)
        return VK_SUCCESS;
    return showWaiting();
}

VkResult DisplayTarget::showWaiting()
{
    const Waiting frame = *m_waiting;
    int error = 0;
    const Nanoseconds now = monotonicNow();
    Buffer& buffer = m_buffers[frame.buffer];
    drm::Output::Update update = describe(frame.buffer, frame.placement, frame.mode);
    const bool composed = !planeTakes(frame.buffer, frame.placement);
    if (composed && (error = compose(frame, &update)) != 0)
        return failed(error);
    switch (m_output->show(update, m_mode, &m_ticket, &error)) {
    case drm::Outcome::Shown:
    case drm::Outcome::Pending:
        buffer.everything = composed;
        buffer.seen = frame.placement.source;
        buffer.damage.clear();
        m_shown = frame.placement;
        if (composed)
            m_composer.shown();
        m_composed.reset();
        m_waiting.reset();
        m_flipping = frame;
        m_flipDeadline = now + drm::kFlipTimeout;
        m_busySince = 0;
        m_clock.tick(now);
        finishFlip();
        return VK_SUCCESS;
    case drm::Outcome::Busy:
        if (m_busySince == 0)
            m_busySince = now;
        if (now - m_busySince >= m_device->patience())
            return failed(EBUSY);
        // Another swapchain's flip on this display ends with an event; a console's or another client's does
        // not.
        m_busyUntil = now + (m_output->flipStatus().pending ? 20 : 1) * kMillisecond;
        return VK_SUCCESS;
    case drm::Outcome::NoMaster:
        m_lost = true;
        m_retryMaster = now + kMasterRetry;
        VWSI_INFO("%s is driven by another program now; frames are discarded until it is free again",
                  m_device->path().c_str());
        skipWaiting();
        return VK_SUCCESS;
    case drm::Outcome::Off:
        m_off = true;
        skipWaiting();
        return VK_SUCCESS;
    case drm::Outcome::Superseded:
        skipWaiting();
        return VK_SUCCESS;
    case drm::Outcome::Failed:
        break;
    }
    return failed(error);
}

VkResult DisplayTarget::failed(int error)
{
    if (error == ENOMEM || error == ENOSPC) {
        drm::logFailure("cannot show a frame", m_device->path().c_str(), error);
        return error == ENOMEM ? VK_ERROR_OUT_OF_HOST_MEMORY : VK_ERROR_OUT_OF_DEVICE_MEMORY;
    }
    drm::Connector connector;
    if (m_device->connector(m_connector, &connector) != 0 || !connector.connected) {
        unplug();
        VWSI_INFO("the display of a swapchain has been unplugged");
        return VK_ERROR_SURFACE_LOST_KHR;
    }
    drm::logFailure("cannot show a frame", m_device->path().c_str(), error);
    return VK_ERROR_OUT_OF_DATE_KHR;
}

void DisplayTarget::unplug()
{
    if (!m_unplugged)
        m_output->lose(m_plane, m_output.use());
    m_unplugged = true;
}

void DisplayTarget::skipWaiting()
{
    if (m_flipping) {
        if (!m_flipping->redraw)
            m_events->framePresented(m_flipping->serial, 0);
        becameFront(*m_flipping);
        m_flipping.reset();
    }
    const Waiting frame = *m_waiting;
    m_waiting.reset();
    m_busySince = 0;
    m_clock.tick(monotonicNow());
    if (!frame.redraw)
        m_events->framePresented(frame.serial, 0);
    becameFront(frame);
}

void DisplayTarget::becameFront(const Waiting& frame)
{
    const uint32_t previous = m_front;
    m_front = frame.buffer;
    m_frontPlacement = frame.placement;
    if (m_device->copiesAtFlip()) {
        // A frame that is shown again may be on its way anew already.
        if (!frame.redraw)
            m_events->bufferIdle(frame.buffer);
    } else if (previous != kNone && previous != frame.buffer) {
        m_events->bufferIdle(previous);
    }
}

void DisplayTarget::finishFlip()
{
    const drm::FlipStatus status = m_output->flipStatus();
    if (!m_flipping || status.ticket < m_ticket)
        return;
    const Waiting frame = *m_flipping;
    m_flipping.reset();
    m_busyUntil = 0;
    // Drivers without vertical blanks leave the count at zero and complete a flip as soon as its pixels are
    // through.
    const bool realVblank = status.sequence != 0;
    if (realVblank)
        m_clock.observe(status.when, status.sequence);
    if (realVblank != m_realVblank)
        m_events->refreshKnown(m_clock.measuredPeriod(), realVblank);
    m_realVblank = realVblank;
    if (!frame.redraw)
        m_events->framePresented(frame.serial, status.when);
    becameFront(frame);
}

Nanoseconds DisplayTarget::nextOwnDeadline() const
{
    Nanoseconds next = kForever;
    if (m_waiting && !m_flipping)
        next = std::min(next, std::max(m_waiting->desired, m_busyUntil));
    if (m_flipping)
        next = std::min(next, m_flipDeadline);
    if (m_lost && !m_away)
        next = std::min(next, m_retryMaster);
    return std::min(next, m_consoleAt);
}

VkResult DisplayTarget::wait(int wake, Nanoseconds deadline)
{
    const unsigned ready = pollDescriptors(wake, m_epoll, std::min(deadline, nextOwnDeadline()));
    if (ready & 2)
        handleDescriptors();
    finishFlip();
    if (m_flipping && monotonicNow() >= m_flipDeadline) {
        m_output->abandonFlip(m_ticket);
        finishFlip();
    }
    if (m_lost && !m_away && monotonicNow() >= m_retryMaster)
        retryMaster();
    if (monotonicNow() >= m_consoleAt) {
        m_consoleAt = kForever;
        m_device->yieldToConsole();
    }
    return advance();
}

void DisplayTarget::handleDescriptors()
{
    std::array<epoll_event, 4> events;
    const int count = epoll_wait(m_epoll, events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<size_t>(i)].data.fd;
        if (fd == m_device->fd()) {
            if (m_device->dispatch() != 0)
                unplug();
        } else if (fd == m_flipEvent) {
            uint64_t flips = 0;
            [[maybe_unused]] const ssize_t drained = read(m_flipEvent, &flips, sizeof(flips));
            m_busyUntil = 0;
            const bool wasOff = m_off;
            m_off = !m_output->powered();
            if (wasOff && !m_off)
                redraw();
        } else if (m_vt && fd == m_vt->descriptor()) {
            followVt();
        } else if (fd == m_uevents->descriptor()) {
            const drm::UeventMonitor::Changes changes = m_uevents->drain(m_device->number());
            drm::Connector connector;
            const bool gone =
                changes.connectors && (m_device->connector(m_connector, &connector) != 0 || !connector.connected);
            if (changes.removed || gone)
                unplug();
        }
    }
}

void DisplayTarget::followVt()
{
    const bool away = !m_vt->atHome();
    if (away && !m_away) {
        m_away = true;
        m_device->standAside();
        m_consoleAt = monotonicNow() + kConsoleGrace;
    } else if (!away && m_away) {
        m_away = false;
        m_consoleAt = kForever;
        m_lost = true;
        retryMaster();
    }
}

void DisplayTarget::retryMaster()
{
    if (m_device->regain() != 0) {
        m_retryMaster = monotonicNow() + kMasterRetry;
        return;
    }
    m_lost = false;
    redraw();
}

void DisplayTarget::redraw()
{
    if (m_front == kNone || m_waiting || m_flipping)
        return;
    m_buffers[m_front].everything = true;
    m_composed.reset();
    m_waiting = {m_front, 0, VK_PRESENT_MODE_FIFO_KHR, 0, m_frontPlacement, true};
}

} // namespace vwsi
