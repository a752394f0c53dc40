#pragma once

#include <cstddef>
#include <cstdint>

namespace vwsi::mock {

/// Sees the process's heap allocations, except those made inside the mock driver and the test helpers.
///
/// malloc itself is replaced; with sanitizers, where that is not possible, operator new is.
class HeapProbe {
public:
    /// Counts the allocations of all threads between construction and destruction.
    class Counter {
    public:
        Counter();
        ~Counter();
        Counter(const Counter&) = delete;
        Counter& operator=(const Counter&) = delete;
        uint64_t allocations() const;
        uint64_t bytes() const;
    };

    /// Makes the n-th allocation of this thread fail (1 is the next).
    class Failure {
    public:
        explicit Failure(unsigned n);
        ~Failure();
        Failure(const Failure&) = delete;
        Failure& operator=(const Failure&) = delete;
        bool wasHit() const;
    };

    /// Allocations of this thread are not seen as long as this lives.
    class Pause {
    public:
        Pause();
        ~Pause();
        Pause(const Pause&) = delete;
        Pause& operator=(const Pause&) = delete;
    };

    /// True when malloc itself is seen, false when only operator new is.
    static bool seesMalloc();
};

} // namespace vwsi::mock
