#include "core/acquire_ledger.h"

namespace vwsi {

bool AcquireLedger::record(VkSemaphore semaphore)
{
    for (auto& slot : m_slots) {
        VkSemaphore expected = VK_NULL_HANDLE;
        if (slot.compare_exchange_strong(expected, semaphore, std::memory_order_release, std::memory_order_relaxed)) {
            m_count.fetch_add(1, std::memory_order_release);
            return true;
        }
    }
    return false;
}

bool AcquireLedger::strike(VkSemaphore semaphore)
{
    if (empty())
        return false;
    for (auto& slot : m_slots) {
        VkSemaphore expected = semaphore;
        if (slot.compare_exchange_strong(expected, VK_NULL_HANDLE, std::memory_order_acq_rel,
                                         std::memory_order_relaxed)) {
            m_count.fetch_sub(1, std::memory_order_release);
            return true;
        }
    }
    return false;
}

} // namespace vwsi
