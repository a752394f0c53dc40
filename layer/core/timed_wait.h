#pragma once

#include "core/clock.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace vwsi {

/// Sleeps until `condition` is notified or `deadline` has passed; may wake early, as conditions do.
inline void sleepUntil(std::condition_variable& condition, std::unique_lock<std::mutex>& lock, Nanoseconds deadline)
{
    if (isFar(deadline))
        condition.wait(lock);
    else
        condition.wait_until(lock, std::chrono::steady_clock::time_point(std::chrono::nanoseconds(deadline)));
}

} // namespace vwsi
