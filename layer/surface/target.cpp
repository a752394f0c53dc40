#include "surface/target.h"

#include "core/poll.h"

namespace vwsi {

unsigned pollDescriptors(int first, int second, Nanoseconds deadline)
{
    pollfd descriptors[2] = {{first, POLLIN, 0}, {second, POLLIN, 0}};
    if (pollUntil(descriptors, deadline) <= 0)
        return 0;
    return (descriptors[0].revents ? 1u : 0u) | (descriptors[1].revents ? 2u : 0u);
}

} // namespace vwsi
