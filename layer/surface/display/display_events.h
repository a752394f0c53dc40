#pragma once

#include "core/clock.h"
#include "drm/uevent.h"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <pthread.h>
#include <vector>

namespace vwsi {

/// Waits for moments and for plugged displays on behalf of VK_EXT_display_control, on a thread that exists
/// from the first wish on.
class DisplayEvents {
public:
    /// `device` is the one whose connectors count.
    explicit DisplayEvents(drm::NodeNumber device) : m_device(device) {}
    /// With a monitor to hear from instead of the kernel's.
    DisplayEvents(drm::NodeNumber device, std::unique_ptr<drm::UeventMonitor> monitor);
    ~DisplayEvents();
    DisplayEvents(const DisplayEvents&) = delete;
    DisplayEvents& operator=(const DisplayEvents&) = delete;

    /// Calls back once: at a moment, or when a display has been plugged or unplugged. False when there is no
    /// thread or descriptor to be had.
    bool at(Nanoseconds moment, std::function<void()> callback, uint64_t* id);
    bool onHotplug(std::function<void()> callback, uint64_t* id);

    /// Takes a wish back; when this returns, its callback is not running and will not run, unless called from
    /// it. False when it has run.
    bool cancel(uint64_t id);

private:
    struct Wish {
        uint64_t id;
        Nanoseconds moment; ///< kForever: hot-plug
        std::function<void()> callback;
    };

    bool add(Wish wish, uint64_t* id);
    bool start();
    static void* threadMain(void* self);
    void run();
    /// Moves the wishes that have come true out of the list; returns the next moment to wake at.
    Nanoseconds takeDue(bool hotplug, std::vector<Wish>* due);
    void call(std::vector<Wish>& due);

    const drm::NodeNumber m_device;
    std::unique_ptr<drm::UeventMonitor> m_monitor;
    int m_wake = -1;
    pthread_t m_thread{};
    bool m_started = false;

    std::mutex m_mutex;
    std::condition_variable m_called;
    std::vector<Wish> m_wishes;
    std::vector<uint64_t> m_due; ///< being called
    uint64_t m_lastId = 0;
    bool m_stop = false;
};

} // namespace vwsi
