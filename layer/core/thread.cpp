#include "core/thread.h"

#include "core/log.h"

#include <csignal>
#include <cstring>

namespace vwsi {

namespace {

/// Enough for the window-system libraries, and for submissions through the driver; musl's default of 128 KiB is not.
constexpr size_t kStackSize = 512 * 1024;

} // namespace

bool startThread(pthread_t* thread, const char* name, void* (*body)(void*), void* argument)
{
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error == 0) {
        pthread_attr_setstacksize(&attributes, kStackSize);
        // The application's signals are for the application's threads.
        sigset_t all;
        sigset_t before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        error = pthread_create(thread, &attributes, body, argument);
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        pthread_attr_destroy(&attributes);
    }
    if (error) {
        VWSI_ERROR("the thread %s could not be started (%s); the process has too many threads", name, strerror(error));
        return false;
    }
    pthread_setname_np(*thread, name);
    return true;
}

} // namespace vwsi
