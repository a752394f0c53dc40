#include "drm/uevent.h"

#include "core/log.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <linux/netlink.h>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

namespace vwsi::drm {

namespace {

bool number(std::string_view text, uint32_t* value)
{
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
    return error == std::errc() && end == text.data() + text.size();
}

} // namespace

bool parseUevent(std::span<const char> message, Uevent* event)
{
    *event = {};
    const std::string_view all(message.data(), message.size());
    if (all.substr(0, all.find('\0')).find('@') == std::string_view::npos)
        return false;
    bool major = false;
    bool minor = false;
    for (size_t start = 0; start < all.size();) {
        size_t end = all.find('\0', start);
        if (end == std::string_view::npos)
            end = all.size();
        const std::string_view line = all.substr(start, end - start);
        start = end + 1;
        const size_t equals = line.find('=');
        if (equals == std::string_view::npos)
            continue;
        const std::string_view key = line.substr(0, equals);
        const std::string_view value = line.substr(equals + 1);
        if (key == "ACTION")
            event->action = value;
        else if (key == "SUBSYSTEM")
            event->subsystem = value;
        else if (key == "HOTPLUG")
            event->hotplug = value == "1";
        else if (key == "MAJOR")
            major = number(value, &event->number.major);
        else if (key == "MINOR")
            minor = number(value, &event->number.minor);
    }
    event->hasNumber = major && minor;
    return !event->action.empty();
}

UeventMonitor::UeventMonitor()
    : m_fd(socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT))
{
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = 1; // the kernel's own messages, not those that a device daemon repeats
    if (m_fd >= 0 && bind(m_fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
        close(m_fd);
        m_fd = -1;
    }
    if (m_fd < 0)
        VWSI_INFO("plugged and unplugged displays will not be noticed: no uevent socket (%s)", strerror(errno));
}

UeventMonitor::~UeventMonitor()
{
    if (m_fd >= 0)
        close(m_fd);
}

UeventMonitor::Changes UeventMonitor::drain(NodeNumber device) const
{
    Changes changes;
    char buffer[8192];
    for (;;) {
        sockaddr_nl sender{};
        iovec part{buffer, sizeof(buffer)};
        msghdr header{};
        header.msg_name = &sender;
        header.msg_namelen = sizeof(sender);
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        const ssize_t length = recvmsg(m_fd, &header, MSG_DONTWAIT);
        if (length < 0 && errno == EINTR)
            continue;
        // Messages were lost: look at everything.
        if (length < 0 && errno == ENOBUFS) {
            changes.connectors = true;
            continue;
        }
        if (length <= 0)
            return changes;
        // Any process may send to a netlink socket.
        if (m_fromKernelOnly && sender.nl_pid != 0)
            continue;
        Uevent event;
        if (!parseUevent({buffer, static_cast<size_t>(length)}, &event) || event.subsystem != "drm" ||
            !event.hasNumber || event.number != device)
            continue;
        if (event.action == "remove")
            changes.removed = true;
        else if (event.hotplug || event.action != "change") // leases change as well
            changes.connectors = true;
    }
}

} // namespace vwsi::drm
