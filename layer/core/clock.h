#pragma once

#include <cstdint>
#include <ctime>

namespace vwsi {

/// A moment of CLOCK_MONOTONIC in nanoseconds.
using Nanoseconds = uint64_t;

constexpr Nanoseconds kForever = UINT64_MAX;

inline Nanoseconds monotonicNow()
{
    timespec ts{};
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return static_cast<Nanoseconds>(ts.tv_sec) * 1'000'000'000u + static_cast<Nanoseconds>(ts.tv_nsec);
}

/// More than thirty years ahead: nobody lives to see it, and system and library interfaces whose numbers are signed or
/// have 32 bits would take it for the past.
constexpr bool isFar(Nanoseconds deadline)
{
    return deadline > kForever / 16;
}

/// `now + timeout` that saturates at kForever.
inline Nanoseconds deadlineAfter(Nanoseconds timeout)
{
    const Nanoseconds now = monotonicNow();
    return timeout > kForever - now ? kForever : now + timeout;
}

} // namespace vwsi
