// A frame is visible when the window's first pixel has its colour.

#include "frame_loop.h"
#include "shown_window.h"
#include "xcb_window.h"

#include <cstdlib>

namespace {

class ShownXcbWindow final : public ShownWindow {
public:
    ShownXcbWindow(uint16_t width, uint16_t height) : m_window(width, height), m_reader(m_window.window()) {}

    const char* surfaceExtension() const override { return "VK_KHR_xcb_surface"; }
    VkSurfaceKHR createSurface(VkInstance instance) override { return m_window.createSurface(instance); }

    pid_t server() const override
    {
        const char* const pid = getenv("RIG_XVFB_PID");
        return pid ? atoi(pid) : 0;
    }

    std::optional<Clock::time_point> waitVisible(uint32_t number) override
    {
        const auto limit = Clock::now() + std::chrono::seconds(2);
        while (Clock::now() < limit) {
            const auto picture = m_reader.read(1, 1);
            if (picture && picture->colour == client::colourOf(number))
                return Clock::now();
        }
        return std::nullopt;
    }

private:
    client::XcbWindow m_window;
    client::WindowReader m_reader;
};

} // namespace

std::unique_ptr<ShownWindow> makeXcbWindow(uint16_t width, uint16_t height)
{
    return std::make_unique<ShownXcbWindow>(width, height);
}
