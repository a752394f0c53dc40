#pragma once

#include "core/clock.h"

namespace vwsi {

/// A moment `when` of the clock `from` on CLOCK_MONOTONIC. A clock that cannot be
/// read here, or lies so far off that the result would be negative, gives the present moment.
Nanoseconds toMonotonic(Nanoseconds when, clockid_t from);

/// A moment of CLOCK_MONOTONIC on the clock `to`; unchanged when that clock cannot be read here.
Nanoseconds fromMonotonic(Nanoseconds when, clockid_t to);

} // namespace vwsi
