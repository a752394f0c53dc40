#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>
#include <xcb/xcb.h>

namespace vwsi::xcbtest {

/// An Xvfb of a test's own.
class Server {
public:
    /// Starts Xvfb with one screen ("800x600x24") and further options, and waits until it answers.
    explicit Server(const char* screen, std::initializer_list<const char*> options = {});
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    const std::string& display() const { return m_display; }
    void kill(); ///< as by a crash
    void stop(); ///< keeps its sockets but answers nothing
    void resume();

private:
    pid_t m_pid = -1;
    std::string m_display;
};

/// The application's side of an X connection: windows, and what they show.
class Client {
public:
    explicit Client(const std::string& display);
    explicit Client(xcb_connection_t* connection);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    xcb_connection_t* connection() const { return m_connection; }
    xcb_screen_t* screen() const { return m_screen; }

    /// A mapped window with a black background; `visual` 0: the screen's own.
    xcb_window_t createWindow(uint16_t width, uint16_t height, uint8_t depth = 0, xcb_visualid_t visual = 0);
    void resize(xcb_window_t window, uint16_t width, uint16_t height);
    void destroy(xcb_window_t window);
    /// Waits until the server has done all of this connection's requests.
    void sync();

    /// 32-bit pixels of a rectangle of the window; empty when there are none to be had.
    std::vector<uint32_t> pixels(xcb_window_t window, int16_t x, int16_t y, uint16_t width, uint16_t height);

    /// A visual of the first screen with this depth and class, or 0.
    xcb_visualid_t visualOf(uint8_t depth, uint8_t visualClass = XCB_VISUAL_CLASS_TRUE_COLOR) const;

    /// Whether the server has an extension.
    bool hasExtension(const char* name);

    /// Events and errors that lie in the application's queue now.
    unsigned eventCount();

private:
    void start();
    xcb_connection_t* m_connection;
    xcb_screen_t* m_screen = nullptr;
};

} // namespace vwsi::xcbtest
