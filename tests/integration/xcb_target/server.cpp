#include "server.h"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

/// libxcb cannot unregister a special event queue of a connection that is dead.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions()
{
    return "leak:xcb_register_for_special_xge";
}

namespace vwsi::xcbtest {

namespace {

constexpr int kStartTimeoutMs = 20'000;

} // namespace

Server::Server(const char* screen, std::initializer_list<const char*> options)
{
    int pipe[2];
    if (pipe2(pipe, O_CLOEXEC) != 0)
        return;
    const std::string descriptor = std::to_string(pipe[1]);
    std::vector<const char*> arguments{"Xvfb", "-displayfd", descriptor.c_str(), "-screen", "0",
                                       screen, "-noreset",   "-nolisten",        "tcp"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    arguments.push_back(nullptr);

    m_pid = fork();
    if (m_pid == 0) {
        fcntl(pipe[1], F_SETFD, 0);
        if (!getenv("XCB_TARGET_SERVER_LOG")) {
            const int null = open("/dev/null", O_WRONLY);
            dup2(null, STDERR_FILENO);
        }
        execvp("Xvfb", const_cast<char* const*>(arguments.data()));
        _exit(127);
    }
    close(pipe[1]);
    std::string number;
    pollfd answered{pipe[0], POLLIN, 0};
    char letter = 0;
    while (poll(&answered, 1, kStartTimeoutMs) > 0 && read(pipe[0], &letter, 1) == 1 && letter != '\n')
        number += letter;
    close(pipe[0]);
    if (letter == '\n')
        m_display = ":" + number;
    else
        ADD_FAILURE() << "Xvfb " << screen << " did not start";
}

Server::~Server()
{
    if (m_pid > 0) {
        ::kill(m_pid, SIGCONT);
        ::kill(m_pid, SIGTERM);
        waitpid(m_pid, nullptr, 0);
    }
}

void Server::kill()
{
    ::kill(m_pid, SIGKILL);
    waitpid(m_pid, nullptr, 0);
    m_pid = -1;
    // A killed server leaves its files behind.
    unlink(("/tmp/.X11-unix/X" + m_display.substr(1)).c_str());
    unlink(("/tmp/.X" + m_display.substr(1) + "-lock").c_str());
}

void Server::stop()
{
    ::kill(m_pid, SIGSTOP);
}

void Server::resume()
{
    ::kill(m_pid, SIGCONT);
}

Client::Client(const std::string& display) : m_connection(xcb_connect(display.c_str(), nullptr))
{
    start();
}

Client::Client(xcb_connection_t* connection) : m_connection(connection)
{
    start();
}

void Client::start()
{
    if (xcb_connection_has_error(m_connection))
        ADD_FAILURE() << "no connection to the server";
    else
        m_screen = xcb_setup_roots_iterator(xcb_get_setup(m_connection)).data;
}

Client::~Client()
{
    xcb_disconnect(m_connection);
}

xcb_window_t Client::createWindow(uint16_t width, uint16_t height, uint8_t depth, xcb_visualid_t visual)
{
    if (!visual) {
        depth = m_screen->root_depth;
        visual = m_screen->root_visual;
    }
    const xcb_colormap_t colormap = xcb_generate_id(m_connection);
    xcb_create_colormap(m_connection, XCB_COLORMAP_ALLOC_NONE, colormap, m_screen->root, visual);
    const xcb_window_t window = xcb_generate_id(m_connection);
    const uint32_t values[] = {0, 0, 1, colormap};
    xcb_create_window(m_connection, depth, window, m_screen->root, 0, 0, width, height, 0,
                      XCB_WINDOW_CLASS_INPUT_OUTPUT, visual,
                      XCB_CW_BACK_PIXEL | XCB_CW_BORDER_PIXEL | XCB_CW_OVERRIDE_REDIRECT | XCB_CW_COLORMAP, values);
    xcb_map_window(m_connection, window);
    // On purpose not flushed: the code under test must not depend on it.
    return window;
}

void Client::resize(xcb_window_t window, uint16_t width, uint16_t height)
{
    const uint32_t values[] = {width, height};
    xcb_configure_window(m_connection, window, XCB_CONFIG_WINDOW_WIDTH | XCB_CONFIG_WINDOW_HEIGHT, values);
    sync();
}

void Client::destroy(xcb_window_t window)
{
    xcb_destroy_window(m_connection, window);
    sync();
}

void Client::sync()
{
    free(xcb_get_input_focus_reply(m_connection, xcb_get_input_focus(m_connection), nullptr));
}

std::vector<uint32_t> Client::pixels(xcb_window_t window, int16_t x, int16_t y, uint16_t width, uint16_t height)
{
    std::vector<uint32_t> result;
    const auto cookie = xcb_get_image(m_connection, XCB_IMAGE_FORMAT_Z_PIXMAP, window, x, y, width, height, ~0u);
    xcb_generic_error_t* error = nullptr;
    auto* reply = xcb_get_image_reply(m_connection, cookie, &error);
    free(error);
    if (reply) {
        result.resize(size_t{width} * height);
        if (static_cast<size_t>(xcb_get_image_data_length(reply)) >= result.size() * 4)
            memcpy(result.data(), xcb_get_image_data(reply), result.size() * 4);
        free(reply);
    }
    return result;
}

xcb_visualid_t Client::visualOf(uint8_t depth, uint8_t visualClass) const
{
    for (auto d = xcb_screen_allowed_depths_iterator(m_screen); d.rem; xcb_depth_next(&d)) {
        for (auto v = xcb_depth_visuals_iterator(d.data); v.rem; xcb_visualtype_next(&v)) {
            if (d.data->depth == depth && v.data->_class == visualClass)
                return v.data->visual_id;
        }
    }
    return 0;
}

bool Client::hasExtension(const char* name)
{
    const auto cookie = xcb_query_extension(m_connection, static_cast<uint16_t>(strlen(name)), name);
    auto* reply = xcb_query_extension_reply(m_connection, cookie, nullptr);
    const bool has = reply && reply->present;
    free(reply);
    return has;
}

unsigned Client::eventCount()
{
    unsigned count = 0;
    while (xcb_generic_event_t* event = xcb_poll_for_event(m_connection)) {
        ++count;
        free(event);
    }
    return count;
}

} // namespace vwsi::xcbtest
