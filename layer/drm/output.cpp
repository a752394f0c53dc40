#include "drm/output.h"

#include "core/log.h"
#include "drm/api.h"
#include "drm/device.h"
#include "drm/mode.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <unistd.h>
#include <utility>

namespace vwsi::drm {

namespace {

// Unique in the process, so that an event's ticket is of one flip of one output.
uint64_t nextTicket()
{
    static std::atomic<uint64_t> last{0};
    return ++last;
}

} // namespace

Output::Output(Device& device, const Connector& connector, const Crtc& crtc)
    : m_device(device), m_connector(connector.id), m_properties(connector.properties), m_crtc(crtc)
{
    saveConsole(connector);
}

Output::~Output() = default;

void Output::expect(const drmModeModeInfo& mode)
{
    m_mode = mode;
    m_period.store(refreshPeriod(mode), std::memory_order_relaxed);
}

void Output::saveConsole(const Connector& connector)
{
    m_consoleSignal = currentSignal(m_device.fd(), m_properties);
    expect(preferredMode(connector));
    const std::unique_ptr<drmModeCrtc, Releaser<&Api::drmModeFreeCrtc>> crtc(
        api().drmModeGetCrtc(m_device.fd(), m_crtc.id));
    if (!crtc || !crtc->mode_valid || crtc->buffer_id == 0)
        return;
    m_consoleOn = true;
    m_consoleMode = crtc->mode;
    expect(crtc->mode);
    m_consoleFramebuffer = crtc->buffer_id;
    m_consoleX = crtc->x;
    m_consoleY = crtc->y;
    std::vector<Connector> all;
    if (readConnectors(m_device.fd(), false, &all) == 0) {
        for (const Connector& one : all) {
            if (one.currentCrtc == m_crtc.id)
                m_consoleConnectors.push_back(one.id);
        }
    }
    if (m_consoleConnectors.empty())
        m_consoleConnectors.push_back(connector.id);
}

void Output::restoreConsole()
{
    const std::scoped_lock lock(m_commitMutex);
    if (!m_touched)
        return;
    const int fd = m_device.fd();
    std::vector<const Plane*> overlays;
    {
        const std::scoped_lock flipLock(m_flipMutex);
        for (const Shown& shown : m_shown) {
            if (shown.plane->type == PlaneType::Overlay && shown.current)
                overlays.push_back(shown.plane);
        }
    }
    for (const Plane* plane : overlays)
        m_device.kms().disable(*plane, m_crtc);
    restoreSignal();
    if (!m_powered && m_properties.dpms)
        api().drmModeConnectorSetProperty(fd, m_connector, m_properties.dpms.id, DRM_MODE_DPMS_ON);

    int result = 0;
    if (m_consoleOn) {
        std::vector<uint32_t> connectors = m_consoleConnectors;
        drmModeModeInfo mode = m_consoleMode;
        result = api().drmModeSetCrtc(fd, m_crtc.id, m_consoleFramebuffer, m_consoleX, m_consoleY, connectors.data(),
                                      static_cast<int>(connectors.size()), &mode);
    } else {
        result = api().drmModeSetCrtc(fd, m_crtc.id, 0, 0, 0, nullptr, 0, nullptr);
    }
    // The framebuffer of a display server that has ended since is gone; the kernel's console then comes by
    // itself when the device is closed.
    if (const int error = errorOf(result))
        VWSI_DEBUG("display %u: the previous picture cannot be restored: %s", m_connector, strerror(error));
    m_modeSet = false;
    if (m_consoleOn)
        expect(m_consoleMode);
    m_touched = false;
}

void Output::restoreSignal()
{
    const std::optional<ColorSignal> ours = std::exchange(m_signal, {});
    if (!ours || *ours == m_consoleSignal)
        return;
    if (const int error = m_device.kms().signal(m_connector, m_properties, m_consoleSignal))
        VWSI_DEBUG("display %u: its previous colours cannot be restored: %s", m_connector, strerror(error));
}

Output::Shown& Output::shownOf(const Plane& plane)
{
    for (Shown& shown : m_shown) {
        if (shown.plane == &plane)
            return shown;
    }
    return m_shown.emplace_back(Shown{.plane = &plane, .current = {}, .next = {}, .uses = {}});
}

uint64_t Output::addPlaneUser(const Plane& plane, const void* owner)
{
    const std::scoped_lock lock(m_flipMutex);
    shownOf(plane).uses.push_back({++m_lastUse, owner});
    return m_lastUse;
}

bool Output::usedByAnother(const Plane& plane, const void* owner)
{
    const std::scoped_lock lock(m_flipMutex);
    const std::vector<Use>& uses = shownOf(plane).uses;
    return std::any_of(uses.begin(), uses.end(), [&](const Use& use) { return use.owner && use.owner != owner; });
}

void Output::lose(const Plane& plane, uint64_t number)
{
    const std::scoped_lock lock(m_commitMutex);
    m_modeSet = false;
    const std::scoped_lock flipLock(m_flipMutex);
    for (Use& use : shownOf(plane).uses) {
        if (use.number == number)
            use.owner = nullptr;
    }
}

void Output::removePlaneUser(const Plane& plane, uint64_t number)
{
    const std::scoped_lock lock(m_commitMutex);
    std::shared_ptr<DumbBuffer> dropped, droppedNext;
    {
        const std::scoped_lock flipLock(m_flipMutex);
        Shown& shown = shownOf(plane);
        std::erase_if(shown.uses, [number](const Use& use) { return use.number == number; });
        if (!shown.uses.empty() || plane.type != PlaneType::Overlay || !(shown.current || shown.next))
            return;
        dropped = std::move(shown.current);
        // Its flip may be under way.
        droppedNext = std::move(shown.next);
    }
    m_device.kms().disable(plane, m_crtc);
}

bool Output::unused()
{
    const std::scoped_lock lock(m_flipMutex);
    return std::all_of(m_shown.begin(), m_shown.end(), [](const Shown& shown) { return shown.uses.empty(); });
}

// Planes that whoever was master before left on this CRTC, a mouse pointer for one.
std::vector<const Plane*> Output::foreignPlanes(const Plane& wanted)
{
    std::vector<const Plane*> result;
    if (!m_device.atomic())
        return result;
    std::vector<const Plane*> ours;
    {
        const std::scoped_lock lock(m_flipMutex);
        for (const Shown& shown : m_shown) {
            if (!shown.uses.empty())
                ours.push_back(shown.plane);
        }
    }
    for (const Plane& plane : m_device.resources().planes) {
        if (std::find(ours.begin(), ours.end(), &plane) != ours.end() || &plane == &wanted ||
            !(plane.possibleCrtcs & 1u << m_crtc.index))
            continue;
        const std::unique_ptr<drmModePlane, Releaser<&Api::drmModeFreePlane>> state(
            api().drmModeGetPlane(m_device.fd(), plane.id));
        if (state && state->crtc_id == m_crtc.id)
            result.push_back(&plane);
    }
    return result;
}

Commit Output::describe(const Update& update, const drmModeModeInfo* mode, std::span<const Plane* const> disable)
{
    Commit commit;
    commit.connector = m_connector;
    commit.connectorProperties = &m_properties;
    commit.crtc = &m_crtc;
    commit.mode = mode;
    commit.plane = {update.plane, update.buffer->framebuffer(), update.source, update.destination, update.zpos,
                    update.damage};
    commit.disable = disable;
    if (update.signal && (mode || m_signal != *update.signal))
        commit.signal = update.signal;
    commit.tearing = update.tearing && !mode && !commit.signal && m_device.asyncFlip() && !m_asyncRefused;
    const std::scoped_lock lock(m_flipMutex);
    commit.shownAlready = shownOf(*update.plane).current == update.buffer;
    return commit;
}

int Output::test(const Update& update, const drmModeModeInfo& mode)
{
    const std::scoped_lock lock(m_commitMutex);
    const std::vector<const Plane*> foreign = foreignPlanes(*update.plane);
    return m_device.kms().test(describe(update, &mode, foreign));
}

int Output::apply(const Update& update, const drmModeModeInfo& mode, bool modeset, uint64_t ticket, bool* pending)
{
    const std::vector<const Plane*> foreign = modeset ? foreignPlanes(*update.plane) : std::vector<const Plane*>{};
    Commit commit = describe(update, modeset ? &mode : nullptr, foreign);
    commit.ticket = static_cast<uintptr_t>(ticket);
    int error = m_device.kms().apply(commit, pending);
    if (error == EINVAL && commit.tearing) {
        m_asyncRefused = true;
        commit.tearing = false;
        error = m_device.kms().apply(commit, pending);
    }
    // Legacy drivers may refuse to flip between framebuffers that differ; a CRTC may have been turned off; and most
    // drivers tell a display something else only with a modeset.
    if (error == EINVAL && !modeset) {
        const std::vector<const Plane*> others = foreignPlanes(*update.plane);
        commit.mode = &mode;
        commit.disable = others;
        error = m_device.kms().apply(commit, pending);
        if (error == EINVAL && commit.signal) {
            commit.mode = nullptr;
            commit.disable = {};
        }
    }
    if (error == EINVAL && commit.signal)
        error = applyWithoutSignal(commit, pending);
    // One that was refused is not tried again with each frame.
    if (error == 0 && update.signal)
        m_signal = *update.signal;
    return error;
}

int Output::applyWithoutSignal(Commit& commit, bool* pending)
{
    commit.signal = nullptr;
    const int error = m_device.kms().apply(commit, pending);
    if (error == 0 && !m_signalRefused) {
        VWSI_WARN("the driver of %s refuses to tell display %u of HDR metadata or colours; frames go on without",
                  m_device.path().c_str(), m_connector);
        m_signalRefused = true;
    }
    return error;
}

Outcome Output::show(const Update& update, const drmModeModeInfo& mode, uint64_t* ticket, int* error)
{
    const std::scoped_lock lock(m_commitMutex);
    *error = 0;
    abandonOverdueFlip();
    if (!m_device.master().held())
        return Outcome::NoMaster;
    if (!m_powered)
        return Outcome::Off;

    const uint32_t generation = m_device.master().generation();
    const bool modeset = !m_modeSet || m_generation != generation || !sameTimings(m_mode, mode);
    {
        const std::scoped_lock flipLock(m_flipMutex);
        Shown& shown = shownOf(*update.plane);
        if (update.use < shown.latest)
            return Outcome::Superseded;
        if (m_flip.pending)
            return Outcome::Busy;
        // Before the call: the event may be read by another thread before this one is back.
        m_flip.pending = true;
        m_flipDeadline = monotonicNow() + kFlipTimeout;
        *ticket = m_lastTicket = nextTicket();
        shown.next = update.buffer;
    }
    bool pending = false;
    try {
        *error = apply(update, mode, modeset, *ticket, &pending);
    } catch (const std::bad_alloc&) {
        *error = ENOMEM;
    }
    if (*error != 0) {
        const std::scoped_lock flipLock(m_flipMutex);
        m_flip.pending = false;
        shownOf(*update.plane).next.reset();
        if (*error == EBUSY)
            return Outcome::Busy;
        if (*error != EACCES && *error != EPERM)
            return Outcome::Failed;
        m_device.masterLost();
        return Outcome::NoMaster;
    }
    {
        const std::scoped_lock flipLock(m_flipMutex);
        shownOf(*update.plane).latest = update.use;
    }
    m_touched = true;
    m_modeSet = true;
    expect(mode);
    m_generation = generation;
    if (pending)
        return Outcome::Pending;
    settle(*ticket, monotonicNow(), 0);
    return Outcome::Shown;
}

void Output::settle(uint64_t ticket, Nanoseconds when, uint32_t sequence)
{
    std::vector<std::shared_ptr<DumbBuffer>> released;
    {
        const std::scoped_lock lock(m_flipMutex);
        if (!m_flip.pending || m_lastTicket != ticket)
            return;
        m_flip = {ticket, when, sequence, false};
        for (Shown& shown : m_shown) {
            if (!shown.next)
                continue;
            released.push_back(std::move(shown.current));
            shown.current = std::move(shown.next);
        }
    }
    notify();
}

void Output::flipDone(uintptr_t told, Nanoseconds when, uint32_t sequence)
{
    uint64_t ticket = 0;
    {
        const std::scoped_lock lock(m_flipMutex);
        ticket = m_lastTicket;
    }
    if (static_cast<uintptr_t>(ticket) == told)
        settle(ticket, when, sequence);
}

void Output::abandonFlip(uint64_t ticket)
{
    {
        const std::scoped_lock lock(m_flipMutex);
        if (!m_flip.pending || m_lastTicket != ticket)
            return;
        if (!m_flipTimeoutLogged)
            VWSI_WARN("the driver of %s did not tell the end of a page flip within a second; see the kernel log",
                      m_device.path().c_str());
        m_flipTimeoutLogged = true;
    }
    settle(ticket, monotonicNow(), 0);
}

// Whoever waited for the flip may be gone.
void Output::abandonOverdueFlip()
{
    uint64_t overdue = 0;
    {
        const std::scoped_lock lock(m_flipMutex);
        if (m_flip.pending && monotonicNow() >= m_flipDeadline)
            overdue = m_lastTicket;
    }
    if (overdue)
        abandonFlip(overdue);
}

FlipStatus Output::flipStatus()
{
    const std::scoped_lock lock(m_flipMutex);
    return m_flip;
}

int Output::vblankCount(uint64_t* count, Nanoseconds* when)
{
    const int error = errorOf(api().drmCrtcGetSequence(m_device.fd(), m_crtc.id, count, when));
    if (error == 0)
        m_vblanks.store(*count, std::memory_order_relaxed);
    return error;
}

Nanoseconds Output::nextRefresh()
{
    const Nanoseconds period = m_period.load(std::memory_order_relaxed);
    uint64_t count = 0;
    Nanoseconds last = 0;
    if (vblankCount(&count, &last) != 0)
        last = flipStatus().when;
    // After the question, as who asks at every vertical blank asks when the next answer is due.
    const Nanoseconds now = monotonicNow();
    // The time of a vertical blank is that of its end, which may be to come.
    if (last > now && last - now < period)
        return last;
    // Who asks in a loop before the first frame is there is not to spin either.
    if (last == 0 || last > now)
        return now + period;
    return last + ((now - last) / period + 1) * period;
}

int Output::setPower(bool on)
{
    {
        const std::scoped_lock lock(m_commitMutex);
        if (!m_properties.dpms)
            return EOPNOTSUPP;
        // Before the first frame it may have been off already.
        if (on == m_powered && m_modeSet)
            return 0;
        const int error = errorOf(api().drmModeConnectorSetProperty(m_device.fd(), m_connector, m_properties.dpms.id,
                                                                    on ? DRM_MODE_DPMS_ON : DRM_MODE_DPMS_OFF));
        if (error)
            return error;
        m_powered = on;
        m_modeSet = false;
        m_touched = true;
    }
    notify();
    return 0;
}

bool Output::powered()
{
    const std::scoped_lock lock(m_commitMutex);
    return m_powered;
}

void Output::addListener(int eventFd)
{
    const std::scoped_lock lock(m_flipMutex);
    m_listeners.push_back(eventFd);
}

void Output::removeListener(int eventFd)
{
    const std::scoped_lock lock(m_flipMutex);
    std::erase(m_listeners, eventFd);
}

void Output::notify()
{
    const std::scoped_lock lock(m_flipMutex);
    const uint64_t one = 1;
    for (const int listener : m_listeners) {
        // Full only when nobody has listened for 2^64 flips.
        [[maybe_unused]] const ssize_t written = write(listener, &one, sizeof(one));
    }
}

OutputHandle::OutputHandle(std::shared_ptr<Device> device, Output* output, const Plane* plane, uint64_t use)
    : m_device(std::move(device)), m_output(output), m_plane(plane), m_use(use)
{
}

OutputHandle::~OutputHandle()
{
    if (m_output)
        m_device->releaseOutput(m_output, *m_plane, m_use);
}

} // namespace vwsi::drm
