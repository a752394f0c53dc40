#include "core/ring_waker.h"

#include "core/device.h"
#include "core/thread.h"
#include "core/timed_wait.h"

namespace vwsi {

namespace {

constexpr Nanoseconds kFirstSilence = 100'000'000;
constexpr uint32_t kNudges = 5;

} // namespace

void RingWaker::stop()
{
    if (!m_started)
        return;
    {
        const std::lock_guard lock(m_mutex);
        m_ending = true;
    }
    m_wake.notify_one();
    pthread_join(m_thread, nullptr);
    m_started = false;
}

void RingWaker::start()
{
    m_started = startThread(&m_thread, "venus-wsi-ring", &threadMain, this);
}

void* RingWaker::threadMain(void* self)
{
    static_cast<RingWaker*>(self)->run();
    return nullptr;
}

void RingWaker::startOver()
{
    if (m_heard.exchange(true) || !m_sleepsLong.load())
        return;
    {
        // Not between the thread's last look at what it waits for and its sleep.
        const std::lock_guard lock(m_mutex);
    }
    m_wake.notify_one();
}

void RingWaker::run()
{
    std::unique_lock lock(m_mutex);
    uint32_t nudges = 0;
    Nanoseconds next = monotonicNow() + kFirstSilence;
    while (!m_ending) {
        const Nanoseconds now = monotonicNow();
        if (nudges > 0 && m_heard.load()) {
            nudges = 0;
            next = now + kFirstSilence;
        } else if (now >= next && m_heard.exchange(false)) {
            next = now + kFirstSilence;
        } else if (now >= next) {
            lock.unlock();
            m_device.nudge();
            lock.lock();
            ++nudges;
            next = nudges < kNudges ? now + (kFirstSilence << (2 * nudges)) : kForever;
        }
        m_sleepsLong.store(nudges > 0);
        if (!m_ending && !(nudges > 0 && m_heard.load()))
            sleepUntil(m_wake, lock, next);
    }
}

} // namespace vwsi
