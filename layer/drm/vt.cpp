#include "drm/vt.h"

#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace vwsi::drm {

namespace {

constexpr unsigned kTtyMajor = 4; // Documentation/admin-guide/devices.txt
constexpr unsigned kLastVtMinor = 63;

std::string readAll(int fd)
{
    char text[1024];
    const ssize_t length = pread(fd, text, sizeof(text), 0);
    return length > 0 ? std::string(text, static_cast<size_t>(length)) : std::string();
}

std::string controllingVt()
{
    const int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return {};
    const std::string line = readAll(fd);
    close(fd);
    return vtOfStatLine(line);
}

} // namespace

std::string vtOfStatLine(const std::string& line)
{
    // The command name, in parentheses, may contain anything.
    const size_t end = line.rfind(')');
    unsigned number = 0;
    if (end == std::string::npos || sscanf(line.c_str() + end + 1, " %*c %*d %*d %*d %u", &number) != 1)
        return {};
    const unsigned major = number >> 8 & 0xfff;
    const unsigned minor = (number & 0xff) | (number >> 12 & 0xfff00);
    if (major != kTtyMajor || minor < 1 || minor > kLastVtMinor)
        return {};
    return "tty" + std::to_string(minor);
}

VtWatch::VtWatch(std::string home, const char* path) : m_fd(open(path, O_RDONLY | O_CLOEXEC)), m_home(std::move(home))
{
    if (m_fd >= 0 && m_home.empty())
        m_home = controllingVt();
    if (m_fd >= 0 && m_home.empty())
        m_home = read();
}

VtWatch::~VtWatch()
{
    if (m_fd >= 0)
        close(m_fd);
}

std::string VtWatch::read() const
{
    std::string name = readAll(m_fd);
    while (!name.empty() && (name.back() == '\n' || name.back() == ' '))
        name.pop_back();
    return name;
}

bool VtWatch::atHome() const
{
    if (m_fd < 0 || m_home.empty())
        return true;
    const std::string shown = read();
    return shown.empty() || shown == m_home;
}

} // namespace vwsi::drm
