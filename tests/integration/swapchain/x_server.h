#pragma once

#include <string>
#include <sys/types.h>

/// An Xvfb of a test's own, so that the test can end it.
class XServer {
public:
    XServer();
    ~XServer();
    XServer(const XServer&) = delete;
    XServer& operator=(const XServer&) = delete;

    /// ":N"
    const std::string& display() const { return m_display; }
    void kill();

private:
    pid_t m_pid = -1;
    std::string m_display;
};
