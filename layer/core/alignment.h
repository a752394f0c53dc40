#pragma once

#include <concepts>
#include <type_traits>

namespace vwsi {

/// The least multiple of `alignment` that is not less than `value`; 0 counts as 1.
template <std::unsigned_integral Number> constexpr Number alignUp(Number value, std::type_identity_t<Number> alignment)
{
    return alignment ? (value + alignment - 1) / alignment * alignment : value;
}

} // namespace vwsi
