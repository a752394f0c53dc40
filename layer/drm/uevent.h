#pragma once

#include "drm/api.h"

#include <span>
#include <string>

namespace vwsi::drm {

/// A kernel message about a device (NETLINK_KOBJECT_UEVENT).
struct Uevent {
    std::string action; ///< "change", "add", "remove", ...
    std::string subsystem;
    NodeNumber number;
    bool hasNumber = false;
    bool hotplug = false; ///< HOTPLUG=1: a connector's state may have changed
};

/// Reads a message of the form `ACTION@PATH\0KEY=VALUE\0...`; false for anything else.
bool parseUevent(std::span<const char> message, Uevent* event);

/// Hears of plugged and unplugged displays from the kernel itself; no device daemon is needed.
class UeventMonitor {
public:
    /// Starts to listen. In network namespaces of containers nothing may ever arrive; descriptor() is -1 on
    /// failure.
    UeventMonitor();
    /// Listens to an existing socket, which it then owns.
    explicit UeventMonitor(int fd) : m_fd(fd), m_fromKernelOnly(false) {}
    ~UeventMonitor();
    UeventMonitor(const UeventMonitor&) = delete;
    UeventMonitor& operator=(const UeventMonitor&) = delete;

    int descriptor() const { return m_fd; }

    struct Changes {
        bool connectors = false; ///< connectors of the device may have changed
        bool removed = false;    ///< the device itself is gone
    };
    /// Reads what has arrived about one device.
    Changes drain(NodeNumber device) const;

private:
    int m_fd = -1;
    bool m_fromKernelOnly = true;
};

} // namespace vwsi::drm
