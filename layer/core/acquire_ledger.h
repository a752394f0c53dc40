#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vulkan/vulkan.h>

namespace vwsi {

/// Semaphores that an acquire has satisfied and nothing has waited on yet.
///
/// An image is idle when acquire returns it, so its semaphore needs no work on the host: the ledger remembers it, and
/// the next wait on it is struck from the submission (VkSubmitInfo, VkSubmitInfo2, VkBindSparseInfo, VkPresentInfoKHR).
/// Lock-free and of fixed size; when it is full, the caller signals the semaphore for real.
class AcquireLedger {
public:
    /// True when no semaphore is recorded: the usual state at most submissions of frameworks that submit often.
    bool empty() const { return m_count.load(std::memory_order_acquire) == 0; }

    /// Records `semaphore` as satisfied; false when there is no room.
    bool record(VkSemaphore semaphore);

    /// Takes `semaphore` out; true when it was recorded, so that the wait on it has to be dropped.
    bool strike(VkSemaphore semaphore);

    /// Forgets a semaphore that is being destroyed, because its handle may come back for another one.
    void forget(VkSemaphore semaphore) { strike(semaphore); }

private:
    static constexpr size_t kSlots = 64;

    std::array<std::atomic<VkSemaphore>, kSlots> m_slots{};
    std::atomic<uint32_t> m_count{0};
};

} // namespace vwsi
