#pragma once

#include <cstdint>

namespace vwsi {

/// The least multiple of `alignment` that is not less than `value`; 0 counts as 1.
constexpr uint64_t alignUp(uint64_t value, uint64_t alignment)
{
    return alignment ? (value + alignment - 1) / alignment * alignment : value;
}

} // namespace vwsi
