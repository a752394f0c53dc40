#pragma once

#include <cstdint>
#include <mutex>
#include <vector>
#include <vulkan/vulkan.h>

namespace vwsi {

/// Values of private data slots (Vulkan 1.3, VK_EXT_private_data) on an object that the driver doesn't know.
class PrivateData {
public:
    /// Throws std::bad_alloc.
    void set(VkPrivateDataSlot slot, uint64_t value)
    {
        const std::lock_guard lock(m_mutex);
        for (Entry& entry : m_entries) {
            if (entry.slot == slot) {
                entry.value = value;
                return;
            }
        }
        m_entries.push_back({slot, value});
    }

    /// 0 for a slot that was never set.
    uint64_t get(VkPrivateDataSlot slot) const
    {
        const std::lock_guard lock(m_mutex);
        for (const Entry& entry : m_entries) {
            if (entry.slot == slot)
                return entry.value;
        }
        return 0;
    }

    /// The slot is being destroyed; its handle may come back.
    void forget(VkPrivateDataSlot slot)
    {
        const std::lock_guard lock(m_mutex);
        std::erase_if(m_entries, [&](const Entry& entry) { return entry.slot == slot; });
    }

private:
    struct Entry {
        VkPrivateDataSlot slot;
        uint64_t value;
    };

    mutable std::mutex m_mutex;
    std::vector<Entry> m_entries;
};

} // namespace vwsi
