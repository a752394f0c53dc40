#include "surface/target.h"

#include <algorithm>
#include <poll.h>

namespace vwsi {

unsigned pollDescriptors(int first, int second, Nanoseconds deadline)
{
    pollfd descriptors[2] = {{first, POLLIN, 0}, {second, POLLIN, 0}};
    const Nanoseconds now = deadline == 0 || deadline == kForever ? 0 : monotonicNow();
    const Nanoseconds left = deadline > now ? deadline - now : 0;
    const timespec limit{static_cast<time_t>(left / 1'000'000'000), static_cast<long>(left % 1'000'000'000)};
    if (ppoll(descriptors, 2, deadline == kForever ? nullptr : &limit, nullptr) <= 0)
        return 0;
    return (descriptors[0].revents ? 1u : 0u) | (descriptors[1].revents ? 2u : 0u);
}

} // namespace vwsi
