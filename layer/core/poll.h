#pragma once

#include "core/clock.h"

#include <poll.h>
#include <span>

namespace vwsi {

/// ppoll() that ends at a moment: 0 looks without waiting, a far one waits for as long as it takes.
inline int pollUntil(std::span<pollfd> descriptors, Nanoseconds deadline)
{
    const Nanoseconds now = deadline == 0 ? 0 : monotonicNow();
    const Nanoseconds left = deadline > now ? deadline - now : 0;
    const timespec limit{static_cast<time_t>(left / 1'000'000'000), static_cast<long>(left % 1'000'000'000)};
    return ppoll(descriptors.data(), descriptors.size(), isFar(deadline) ? nullptr : &limit, nullptr);
}

} // namespace vwsi
