#pragma once

#include "harness/layer_test.h"

#include <ctime>

namespace vwsi::testing {

/// CLOCK_MONOTONIC in nanoseconds.
inline uint64_t clockNow()
{
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

/// Acquires, draws and presents a frame whose present carries `next`.
inline VkResult presentDrawn(Window& window, const void* next)
{
    const uint32_t index = window.acquireNow();
    if (index == UINT32_MAX)
        return VK_TIMEOUT;
    EXPECT_EQ(window.draw(index, {{0, 0, 0, 1}}, VK_NULL_HANDLE, VK_NULL_HANDLE), VK_SUCCESS);
    return window.present(index, {}, next);
}

} // namespace vwsi::testing
