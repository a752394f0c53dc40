#pragma once

#include "core/host_allocator.h"
#include "swapchain/frame_notes.h"

#include <array>
#include <cstdint>
#include <mutex>
#include <vulkan/vulkan.h>

namespace vwsi {

/// The internal timing results queue of a swapchain (VK_EXT_present_timing): a slot for each present that asked for
/// times, from the present until the application has got them all. Has a lock of its own.
class TimingResults {
public:
    /// Stages in the order of their bits in VkPresentStageFlagBitsEXT.
    enum Stage : uint32_t { QueueOperationsEnd, RequestDequeued, FirstPixelOut, FirstPixelVisible, StageCount };
    static constexpr uint32_t kAllStages = (1u << StageCount) - 1;

    /// What a present said.
    struct Request {
        uint64_t presentId = 0;
        uint64_t targetTime = 0; ///< as the application gave it
        uint64_t timeDomainId = 0;
        uint32_t stages = 0; ///< VkPresentStageFlagsEXT
    };

    /// What is known of it.
    struct Result {
        Request request;
        uint32_t known = 0;                          ///< stages whose time is final
        std::array<Nanoseconds, StageCount> times{}; ///< 0: the frame did not get there, or nobody can tell
        bool complete() const { return (known & request.stages) == request.stages; }
    };

    /// vkSetSwapchainPresentTimingQueueSizeEXT: VK_SUCCESS, VK_NOT_READY when more results than `size` are outstanding,
    /// VK_ERROR_OUT_OF_HOST_MEMORY. `allocator` must outlive this object.
    VkResult resize(HostAllocator& allocator, uint32_t size);

    /// No slot is left for another present.
    bool full();
    /// Takes a slot; 0 when there is none.
    uint64_t reserve(const Request& request);
    /// Sets the time of one stage of slot `key`.
    void reach(uint64_t key, Stage stage, Nanoseconds when);
    /// Sets all times of slot `key` for good.
    void finish(uint64_t key, const FrameTimes& times);

    /// How vkGetPastPresentationTimingEXT reads the queue.
    struct Reading {
        bool partial = false;    ///< also results that lack some stages
        bool outOfOrder = false; ///< also results of presents after one that is not ready
    };
    uint32_t available(Reading reading);
    /// Calls `write(result)` for at most `*count` results in the order of their presents, frees the slots of complete
    /// ones, and stores how many there were. VK_INCOMPLETE when there are more.
    template <typename Write> VkResult take(Reading reading, uint32_t* count, Write&& write)
    {
        const std::lock_guard lock(m_mutex);
        uint32_t written = 0;
        bool more = false;
        size_t kept = 0;
        forEach(reading, [&](Slot& slot, bool ready) {
            const bool taken = ready && written < *count;
            more |= ready && !taken;
            if (taken) {
                write(static_cast<const Result&>(slot.result));
                ++written;
            }
            if (!taken || !slot.result.complete())
                m_slots[kept++] = slot;
        });
        m_used = kept;
        *count = written;
        return more ? VK_INCOMPLETE : VK_SUCCESS;
    }

private:
    struct Slot {
        uint64_t key = 0;
        Result result;
    };

    Slot* find(uint64_t key);
    /// Calls `visit(slot, ready)` for every slot, in order.
    template <typename Visit> void forEach(Reading reading, Visit&& visit)
    {
        bool blocked = false;
        for (size_t i = 0; i < m_used; ++i) {
            const Result& result = m_slots[i].result;
            const bool any = (result.known & result.request.stages) != 0;
            const bool ready = !blocked && (reading.partial ? any : result.complete());
            blocked |= !ready && !reading.outOfOrder;
            visit(m_slots[i], ready);
        }
    }

    std::mutex m_mutex;
    HostArray<Slot> m_slots; ///< the first m_used ones, in the order of keys
    size_t m_used = 0;
    uint64_t m_lastKey = 0;
};

} // namespace vwsi
