#pragma once

#include <string>

namespace vwsi::drm {

/// Follows which virtual terminal is shown (/sys/class/tty/tty0/active), without taking part in switching: an
/// application's own terminal mode and signals stay as they are.
class VtWatch {
public:
    /// `home` is this process's VT ("tty2"). Empty: its controlling terminal when that is a VT, else the VT
    /// shown now.
    explicit VtWatch(std::string home, const char* path = "/sys/class/tty/tty0/active");
    ~VtWatch();
    VtWatch(const VtWatch&) = delete;
    VtWatch& operator=(const VtWatch&) = delete;

    /// Reports EPOLLPRI at each switch; -1 on systems without VTs.
    int descriptor() const { return m_fd; }
    const std::string& home() const { return m_home; }

    /// Reads which VT is shown; true when that is the home VT, or when there are none.
    bool atHome() const;

private:
    std::string read() const;

    int m_fd = -1;
    std::string m_home;
};

/// Name of the VT that a /proc/PID/stat line gives as the controlling terminal; empty when that is none.
std::string vtOfStatLine(const std::string& line);

} // namespace vwsi::drm
