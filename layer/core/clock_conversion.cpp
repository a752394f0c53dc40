#include "core/clock_conversion.h"

namespace vwsi {

namespace {

bool readClock(clockid_t clock, Nanoseconds* now)
{
    timespec ts{};
    if (clock_gettime(clock, &ts) != 0)
        return false;
    *now = static_cast<Nanoseconds>(ts.tv_sec) * 1'000'000'000u + static_cast<Nanoseconds>(ts.tv_nsec);
    return true;
}

} // namespace

Nanoseconds toMonotonic(Nanoseconds when, clockid_t from)
{
    if (from == CLOCK_MONOTONIC)
        return when;
    const Nanoseconds here = monotonicNow();
    Nanoseconds there = 0;
    if (!readClock(from, &there))
        return here;
    const Nanoseconds ago = there - when; // wraps for a moment ahead, and so does the next line
    const Nanoseconds result = here - ago;
    return static_cast<int64_t>(result) < 0 ? here : result;
}

Nanoseconds fromMonotonic(Nanoseconds when, clockid_t to)
{
    if (to == CLOCK_MONOTONIC)
        return when;
    Nanoseconds there = 0;
    if (!readClock(to, &there))
        return when;
    return there + (when - monotonicNow());
}

} // namespace vwsi
