#pragma once

#include <csignal>
#include <ctime>

namespace vwsi {

/// While one lives, a write to the socket of a server that has gone gives an error instead of ending the
/// process: libxcb writes without MSG_NOSIGNAL.
class SigpipeGuard {
public:
    SigpipeGuard()
    {
        sigset_t pipe;
        sigemptyset(&pipe);
        sigaddset(&pipe, SIGPIPE);
        sigset_t before;
        m_unblock = pthread_sigmask(SIG_BLOCK, &pipe, &before) == 0 && !sigismember(&before, SIGPIPE);
    }

    ~SigpipeGuard()
    {
        if (!m_unblock)
            return;
        sigset_t pipe;
        sigemptyset(&pipe);
        sigaddset(&pipe, SIGPIPE);
        const timespec none{0, 0};
        while (sigtimedwait(&pipe, nullptr, &none) == SIGPIPE) {
        }
        pthread_sigmask(SIG_UNBLOCK, &pipe, nullptr);
    }

    SigpipeGuard(const SigpipeGuard&) = delete;
    SigpipeGuard& operator=(const SigpipeGuard&) = delete;

private:
    bool m_unblock = false;
};

} // namespace vwsi
