#include "surface/xcb/peer_address.h"

#include <arpa/inet.h>
#include <cstddef>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace vwsi {

namespace {

constexpr int kFirstTcpPort = 6000; ///< X.Org's TCP port of display 0

std::string tcpDisplay(const char* host, uint16_t networkPort)
{
    const int number = ntohs(networkPort) - kFirstTcpPort;
    return number >= 0 ? std::string(host) + ":" + std::to_string(number) : std::string();
}

std::string unixDisplay(const sockaddr_un& address, socklen_t length)
{
    const size_t offset = offsetof(sockaddr_un, sun_path);
    if (length <= offset + 1)
        return {};
    const bool abstract = address.sun_path[0] == '\0';
    const char* start = address.sun_path + (abstract ? 1 : 0);
    const std::string path(start, strnlen(start, length - offset - (abstract ? 1 : 0)));

    static constexpr char kFolder[] = "/tmp/.X11-unix/X";
    if (path.starts_with(kFolder)) {
        const std::string number = path.substr(sizeof(kFolder) - 1);
        if (!number.empty() && number.find_first_not_of("0123456789") == std::string::npos)
            return ":" + number;
    }
    return abstract ? std::string() : path;
}

} // namespace

std::string displayAtPeer(int descriptor)
{
    sockaddr_storage storage{};
    socklen_t length = sizeof(storage);
    if (getpeername(descriptor, reinterpret_cast<sockaddr*>(&storage), &length) != 0)
        return {};
    char host[INET6_ADDRSTRLEN];
    switch (storage.ss_family) {
    case AF_UNIX:
        return unixDisplay(reinterpret_cast<const sockaddr_un&>(storage), length);
    case AF_INET: {
        const auto& address = reinterpret_cast<const sockaddr_in&>(storage);
        inet_ntop(AF_INET, &address.sin_addr, host, sizeof(host));
        return tcpDisplay(host, address.sin_port);
    }
    case AF_INET6: {
        const auto& address = reinterpret_cast<const sockaddr_in6&>(storage);
        inet_ntop(AF_INET6, &address.sin6_addr, host, sizeof(host));
        return tcpDisplay(("[" + std::string(host) + "]").c_str(), address.sin6_port);
    }
    default:
        return {};
    }
}

bool samePeer(int first, int second)
{
    ucred one{};
    ucred two{};
    socklen_t length = sizeof(one);
    if (!isUnixSocket(first) || !isUnixSocket(second))
        return isUnixSocket(first) == isUnixSocket(second);
    if (getsockopt(first, SOL_SOCKET, SO_PEERCRED, &one, &length) != 0 ||
        getsockopt(second, SOL_SOCKET, SO_PEERCRED, &two, &length) != 0)
        return true;
    return one.pid == two.pid;
}

bool isUnixSocket(int descriptor)
{
    sockaddr_storage storage{};
    socklen_t length = sizeof(storage);
    return getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &length) == 0 && storage.ss_family == AF_UNIX;
}

} // namespace vwsi
