#pragma once

#include "surface/xcb/copy_pacer.h"
#include "surface/xcb/present_pacer.h"

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace vwsi {

/// An X11 window as the target of one swapchain.
class XcbTarget final : public Target {
public:
    /// VK_ERROR_SURFACE_LOST_KHR, VK_ERROR_OUT_OF_HOST_MEMORY. `state` is shared by all targets of the
    /// window.
    static VkResult create(xcb_connection_t* application, xcb_window_t window, const XcbVisual& visual,
                           std::shared_ptr<XcbWindowState> state, const TargetInfo& info,
                           std::unique_ptr<Target>* target);
    ~XcbTarget() override;

    VkExtent2D surfaceExtent(VkExtent2D made) override;
    VkResult allocate(uint32_t index, const BufferLayout& layout, TargetBuffer* buffer) override;
    void setEvents(TargetEvents* events) override;
    Nanoseconds readyAt(VkPresentModeKHR mode) override;
    VkResult present(const Frame& frame) override;
    VkResult wait(int wake, Nanoseconds deadline) override;

private:
    XcbTarget(std::unique_ptr<XcbConnection> connection, xcb_window_t window, const XcbVisual& visual,
              std::shared_ptr<XcbWindowState> state, const TargetInfo& info);

    VkResult start();
    bool usesPresent(VkPresentModeKHR mode) const;
    void setRectangles(std::span<const VkRect2D> damage, VkExtent2D extent);
    VkResult status() const;
    void fail(VkResult result);
    bool drain();
    /// The next event of a private connection; reads the socket if `read`.
    xcb_generic_event_t* nextEvent(bool read);
    xcb_generic_event_t* pollEvent(bool read);
    void wakePresenter();
    void collect(bool block);
    void handle(const xcb_generic_event_t& event);
    void handleError(const xcb_generic_error_t& error);
    bool sleep(int wake, Nanoseconds deadline);

    std::unique_ptr<XcbConnection> m_connection;
    xcb_window_t m_window;
    XcbVisual m_visual;
    std::shared_ptr<XcbWindowState> m_state;
    const uint32_t m_number; ///< among the targets of the window
    VkExtent2D m_extent;
    bool m_follows; ///< buffers are remade in the window's size
    std::mutex m_eventsMutex;
    std::deque<xcb_generic_event_t*> m_taken; ///< by the application's thread, for the presenter's
    std::atomic<VkExtent2D> m_windowExtent{};
    VkResult m_result = VK_SUCCESS;
    TargetEvents* m_events = nullptr;

    XcbBuffer::Transport m_transport = XcbBuffer::Transport::SharedPixmap;
    bool m_immediateByPresent = false;
    bool m_shown = false; ///< a frame was handed over
    bool m_heard = false; ///< the current drain() found something
    int m_elsewhere = -1; ///< eventfd: another thread has read events that wait() may sleep for
    xcb_gcontext_t m_gc = XCB_NONE;
    std::mutex m_buffersMutex; ///< the application's thread may replace an idle buffer while others are looked up
    std::vector<std::unique_ptr<XcbBuffer>> m_buffers;
    std::vector<xcb_rectangle_t> m_rectangles;
    std::optional<CopyPacer> m_copy;
    std::optional<PresentPacer> m_present;
};

} // namespace vwsi
