#pragma once

#include <pthread.h>

namespace vwsi {

/// Starts a thread of the layer's own, named `name` (15 characters at most), with all signals blocked and room for the
/// window-system libraries on its stack. Logs why when it cannot.
bool startThread(pthread_t* thread, const char* name, void* (*body)(void*), void* argument);

} // namespace vwsi
