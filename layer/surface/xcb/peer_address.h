#pragma once

#include <string>

namespace vwsi {

/// The X display at the other end of a connected socket, as xcb_connect() takes it (":0", "10.0.0.2:1",
/// "[::1]:0", or a socket's path); empty when the socket tells none.
std::string displayAtPeer(int descriptor);

/// False when the two sockets certainly lead to different processes.
bool samePeer(int first, int second);

/// True when the socket stays on this machine and can carry descriptors.
bool isUnixSocket(int descriptor);

} // namespace vwsi
