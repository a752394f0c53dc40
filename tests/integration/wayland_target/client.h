#pragma once

#include "surface/wayland/wayland_surface.h"
#include "test_compositor.h"

#include <gtest/gtest.h>
#include <memory>
#include <thread>
#include <vector>
#include <wayland-client.h>

namespace vwsi::testing {

constexpr VkExtent2D kSize{64, 48};

/// An application: its connection, its window, and the layer's surface on it.
class Client {
public:
    explicit Client(int socket);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    wl_display* display() const { return m_display; }
    wl_surface* window() const { return m_window; }
    Surface& surface() { return *m_surface; }
    /// Drops the VkSurfaceKHR's side, or puts a new one on the same window.
    void dropSurface() { m_surface.reset(); }
    void makeSurface();
    void destroyWindow();
    /// Another window on the same connection.
    wl_surface* newWindow() { return wl_compositor_create_surface(m_compositor); }

private:
    wl_display* m_display = nullptr;
    wl_compositor* m_compositor = nullptr;
    wl_surface* m_window = nullptr;
    std::unique_ptr<Surface> m_surface;
};

/// A swapchain's presenter, on the test's own thread: fills free buffers with one colour each and hands them
/// over.
class TestPresenter final : public TargetEvents {
public:
    struct Options {
        VkPresentModeKHR mode = VK_PRESENT_MODE_FIFO_KHR;
        uint32_t images = 3;
        VkExtent2D extent = kSize;
        VkFormat format = VK_FORMAT_B8G8R8A8_UNORM;
        VkCompositeAlphaFlagBitsKHR alpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR;
        bool allocate = true;
        BufferLayout layout{};
        VkColorSpaceKHR space = VK_COLOR_SPACE_SRGB_NONLINEAR_KHR;
    };
    struct Report {
        uint64_t serial;
        Nanoseconds when;  ///< what the target said
        Nanoseconds heard; ///< when it said so
    };

    TestPresenter(Surface& surface, const Options& options);
    explicit TestPresenter(Surface& surface, VkPresentModeKHR mode) : TestPresenter(surface, Options{.mode = mode}) {}

    ~TestPresenter();

    VkResult allocate(uint32_t index, const BufferLayout& layout);
    /// Makes all buffers of memory of its own, in the way of a driver that exports; memfds, or `descriptor` for each.
    VkResult takeDmaBufs(uint64_t modifier, uint32_t planes = 1, int descriptor = -1);

    /// Shows one frame of one colour when the target and a buffer are ready for it; gives up after
    /// `patience`.
    VkResult show(uint32_t pixel, VkPresentModeKHR mode, std::span<const VkRect2D> damage = {},
                  Nanoseconds desiredTime = 0, Nanoseconds patience = 5'000'000'000);
    VkResult show(uint32_t pixel) { return show(pixel, m_mode); }

    /// Handles events until `done` says so or `patience` is over; whether it did.
    template <typename Condition> bool until(Condition done, Nanoseconds patience = 5'000'000'000)
    {
        const Nanoseconds end = deadlineAfter(patience);
        while (!done()) {
            if (monotonicNow() >= end || m_result != VK_SUCCESS)
                return done();
            note(m_target->wait(-1, std::min(end, monotonicNow() + 2'000'000)));
        }
        return true;
    }
    bool untilReported(uint64_t serial, Nanoseconds patience = 5'000'000'000)
    {
        return until([this, serial] { return find(serial) != nullptr; }, patience);
    }

    /// What the target's waiting last said that was no error.
    VkResult status() const { return m_status; }

    const Report* find(uint64_t serial) const;
    Target& target() { return *m_target; }
    const std::vector<Report>& reports() const { return m_reports; }
    const std::vector<TargetBuffer>& buffers() const { return m_buffers; }
    unsigned idleBuffers() const;
    uint64_t lastSerial() const { return m_serial; }
    VkResult createResult() const { return m_createResult; }

private:
    void note(VkResult result);
    void bufferIdle(uint32_t index) override;
    void framePresented(uint64_t serial, Nanoseconds when) override;

    VkPresentModeKHR m_mode;
    VkExtent2D m_extent;
    VkResult m_createResult = VK_SUCCESS;
    VkResult m_result = VK_SUCCESS;
    VkResult m_status = VK_SUCCESS;
    std::unique_ptr<Target> m_target;
    std::vector<TargetBuffer> m_exported;
    std::vector<TargetBuffer> m_buffers;
    std::vector<bool> m_idle;
    std::vector<Report> m_reports;
    uint64_t m_serial = 0;
};

/// Waits on the test's thread until `done`, at most `patience`.
template <typename Condition> bool eventually(Condition done, Nanoseconds patience = 5'000'000'000)
{
    const Nanoseconds end = deadlineAfter(patience);
    while (!done()) {
        if (monotonicNow() >= end)
            return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

} // namespace vwsi::testing
