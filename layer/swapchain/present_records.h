#pragma once

#include "swapchain/display_timings.h"
#include "swapchain/present_ids.h"
#include "swapchain/refresh_state.h"
#include "swapchain/timing_results.h"

namespace vwsi {

/// What applications can learn of a swapchain's presents; the presenter writes it. Each part has a lock of its own.
struct PresentRecords {
    PresentIds ids;
    TimingResults results;
    DisplayTimings displayTimings;
    RefreshState refresh;
};

} // namespace vwsi
