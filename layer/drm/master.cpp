#include "drm/master.h"

#include "core/log.h"
#include "drm/api.h"
#include "drm/device.h"

#include <cerrno>

namespace vwsi::drm {

int Master::acquire()
{
    if (m_users == 0) {
        if (const int error = take())
            return error;
    }
    ++m_users;
    return 0;
}

void Master::release()
{
    if (--m_users > 0)
        return;
    // Nobody has buffers of the open file any more that are shown.
    if (m_held.exchange(false) && !m_device.adopted() && !drop())
        reopen(false);
}

void Master::yield()
{
    if (m_device.adopted() || drop() || m_keptLogged)
        return;
    m_keptLogged = true;
    VWSI_WARN("the kernel leaves this process the DRM master of %s, so that no display server can start on another VT "
              "(before Linux 6.7 only one thread may give it back); the text console works",
              m_device.path().c_str());
}

int Master::dropFirst()
{
    return drop() ? 0 : reopen(false);
}

// Without CAP_SYS_ADMIN the kernel lets only the thread that opened the file give the right back (before 6.4), or only
// the main thread (before 6.7).
bool Master::drop()
{
    const Api& drm = api();
    return drm.drmDropMaster(m_device.fd()) == 0 || !drm.drmIsMaster(m_device.fd());
}

int Master::regain()
{
    if (held() || m_users == 0)
        return 0;
    // Buffers belong to the open file, so a new one is no way out here.
    const int error = set();
    if (error == 0) {
        m_generation.fetch_add(1);
        m_held.store(true, std::memory_order_release);
    }
    return error;
}

int Master::set()
{
    const Api& drm = api();
    if (m_device.adopted())
        return drm.drmIsMaster(m_device.fd()) ? 0 : EACCES;
    const int error = errorOf(drm.drmSetMaster(m_device.fd()));
    // Who may not give it back may not ask for it either, but has it.
    return error != 0 && drm.drmIsMaster(m_device.fd()) ? 0 : error;
}

int Master::take()
{
    int error = set();
    if ((error == EACCES || error == EPERM) && !m_device.adopted())
        error = takeByOpening();
    if (error == 0) {
        m_generation.fetch_add(1);
        m_held.store(true, std::memory_order_release);
    }
    return error;
}

// Without CAP_SYS_ADMIN only a file that has been master before may become it again; but the kernel makes
// whoever opens a node that has no master its master.
int Master::takeByOpening()
{
    return reopen(true);
}

/// Puts a newly opened file in the place of the device's, if it is, or is not, the master.
int Master::reopen(bool asMaster)
{
    const Api& drm = api();
    errno = 0;
    const int fresh = drm.system.open(m_device.path().c_str());
    if (fresh < 0)
        return errorOf(-1);
    int error = EACCES;
    if (drm.drmIsMaster(fresh) == (asMaster ? 1 : 0)) {
        m_device.setClientCapabilities(fresh);
        error = errorOf(drm.system.replace(fresh, m_device.fd()) < 0 ? -1 : 0);
    }
    drm.system.close(fresh);
    return error;
}

} // namespace vwsi::drm
