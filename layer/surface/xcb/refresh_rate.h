#pragma once

#include <cstdint>
#include <xcb/randr.h>

namespace vwsi {

class XcbConnection;

/// Refresh rate of a RandR mode in mHz, 0 when it tells none (Xvfb, VNC).
uint64_t milliHzOf(const xcb_randr_mode_info_t& mode);

/// Refresh rate in mHz of the output that shows the middle of `window`, else of any lit output, else 0.
/// The server must have RandR 1.3. Two round trips.
uint64_t outputMilliHz(const XcbConnection& connection, xcb_window_t window);

} // namespace vwsi
