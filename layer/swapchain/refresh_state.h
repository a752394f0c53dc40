#pragma once

#include "core/clock.h"

#include <cstdint>
#include <mutex>

namespace vwsi {

/// The refresh rate of what shows a swapchain, as the target told it last; asked by the application's threads.
class RefreshState {
public:
    struct Known {
        Nanoseconds interval = 0; ///< 0: not known, or not constant
        uint64_t changes = 1;     ///< counts what was told, from 1 on
    };

    void set(Nanoseconds interval)
    {
        const std::lock_guard lock(m_mutex);
        if (interval == m_known.interval)
            return;
        m_known.interval = interval;
        ++m_known.changes;
    }

    Known get()
    {
        const std::lock_guard lock(m_mutex);
        return m_known;
    }

private:
    std::mutex m_mutex;
    Known m_known;
};

} // namespace vwsi
