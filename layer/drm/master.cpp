#include "drm/master.h"

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
    if (m_held.exchange(false) && !m_device.adopted())
        api().drmDropMaster(m_device.fd());
}

void Master::yield()
{
    if (m_held.exchange(false) && !m_device.adopted())
        api().drmDropMaster(m_device.fd());
}

int Master::regain()
{
    if (held() || m_users == 0)
        return 0;
    // Buffers belong to the open file, so a new one is no way out here.
    int error = 0;
    if (m_device.adopted())
        error = api().drmIsMaster(m_device.fd()) ? 0 : EACCES;
    else
        error = errorOf(api().drmSetMaster(m_device.fd()));
    if (error == 0) {
        m_generation.fetch_add(1);
        m_held.store(true, std::memory_order_release);
    }
    return error;
}

int Master::take()
{
    const Api& drm = api();
    int error = 0;
    if (m_device.adopted()) {
        error = drm.drmIsMaster(m_device.fd()) ? 0 : EACCES;
    } else {
        error = errorOf(drm.drmSetMaster(m_device.fd()));
        if (error == EACCES || error == EPERM)
            error = takeByOpening();
    }
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
    const Api& drm = api();
    errno = 0;
    const int fresh = drm.system.open(m_device.path().c_str());
    if (fresh < 0)
        return errorOf(-1);
    int error = EACCES;
    if (drm.drmIsMaster(fresh)) {
        m_device.setClientCapabilities(fresh);
        error = errorOf(drm.system.replace(fresh, m_device.fd()) < 0 ? -1 : 0);
    }
    drm.system.close(fresh);
    return error;
}

} // namespace vwsi::drm
