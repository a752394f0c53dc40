#pragma once

#include "swapchain/frame_notes.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vulkan/vulkan.h>

namespace vwsi {

/// The limited history of past presents that VK_GOOGLE_display_timing keeps. Has a lock of its own.
class DisplayTimings {
public:
    /// A frame that asked to be listed was shown. `refresh`: the interval at which frames become visible; 0: none.
    void add(const FrameNotes& notes, Nanoseconds refresh);

    /// vkGetPastPresentationTimingGOOGLE: two-call idiom, VK_INCOMPLETE; each record is given once, the oldest first.
    VkResult take(uint32_t* count, VkPastPresentationTimingGOOGLE* timings);

private:
    /// Records that nobody fetches for about a second make room for new ones.
    static constexpr size_t kRecords = 64;

    std::mutex m_mutex;
    std::array<VkPastPresentationTimingGOOGLE, kRecords> m_records{}; ///< ring
    size_t m_first = 0;
    size_t m_count = 0;
};

} // namespace vwsi
