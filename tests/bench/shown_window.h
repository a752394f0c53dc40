#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <sys/types.h>
#include <vulkan/vulkan.h>

/// A window of a window system that tells when a frame's bytes have arrived there.
class ShownWindow {
public:
    using Clock = std::chrono::steady_clock; ///< CLOCK_MONOTONIC, which window systems stamp with

    virtual ~ShownWindow() = default;

    virtual const char* surfaceExtension() const = 0;
    virtual VkSurfaceKHR createSurface(VkInstance instance) = 0;

    /// Process that shows the window, or 0.
    virtual pid_t server() const = 0;

    /// To be called before the present of a frame that waitVisible() is going to wait for.
    virtual void announce() {}

    /// Waits for the announced frame `number`, the last one presented; when it was visible, or nothing after two
    /// seconds.
    virtual std::optional<Clock::time_point> waitVisible(uint32_t number) = 0;
};

std::unique_ptr<ShownWindow> makeXcbWindow(uint16_t width, uint16_t height);

/// Null in builds without Wayland.
std::unique_ptr<ShownWindow> makeWaylandWindow(uint16_t width, uint16_t height);
