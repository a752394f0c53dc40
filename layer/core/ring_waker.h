#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <pthread.h>

namespace vwsi {

class Device;

/// Wakes commands that fell asleep on their way to the host.
///
/// Venus notifies its renderer once a millisecond at most. A notification that comes while the renderer is still awake
/// counts, too, though the renderer ignores it (Mesa up to 26.2, vn_ring_submit_internal); what is submitted within
/// that millisecond stays in the ring until somebody sends another command. On a busy machine that happens, and who
/// waits for an answer sends none. So a thread looks whether the application has fallen silent, and breaks the silence
/// with a command that changes nothing: after a tenth of a second, and then each time after four times as long. After
/// half a minute it sleeps until the application is heard again.
///
/// Pipelines have rings of their own, one for each thread, which nobody else can wake.
class RingWaker {
public:
    explicit RingWaker(const Device& device) : m_device(device) {}
    ~RingWaker() { stop(); }
    RingWaker(const RingWaker&) = delete;
    RingWaker& operator=(const RingWaker&) = delete;

    /// Starts the thread. Where there can be none, commands are left to sleep.
    void start();
    void stop();

    /// The application has sent something. May be called on any thread; costs a load while it goes on doing so.
    void heard()
    {
        if (!m_heard.load(std::memory_order_relaxed))
            startOver();
    }

private:
    static void* threadMain(void* self);
    void run();
    void startOver();

    const Device& m_device;
    pthread_t m_thread{};
    bool m_started = false;
    std::atomic<bool> m_heard{true};
    std::atomic<bool> m_sleepsLong{false}; ///< until a moment that what is heard now makes come sooner
    std::mutex m_mutex;
    std::condition_variable m_wake;
    bool m_ending = false;
};

} // namespace vwsi
