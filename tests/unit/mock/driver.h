#pragma once

#include "mock/device_spec.h"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>
#include <vulkan/vulkan.h>

namespace vwsi::mock {

struct World;

/// How the mock's queues make progress.
enum class Completion {
    Immediate, ///< a submission runs inside vkQueueSubmit as soon as its waits are satisfied
    Manual,    ///< only completeNext() and completeAll() run submissions
    Threaded,  ///< a thread runs them, each after a delay
    Stalled,   ///< nothing ever runs
};

struct SemaphoreUse {
    VkSemaphore semaphore = VK_NULL_HANDLE;
    uint64_t value = 0;               ///< timeline value; 0 for binary semaphores
    VkPipelineStageFlags2 stages = 0; ///< stage mask of the wait or signal
    uint32_t deviceIndex = 0;
};

/// One batch of a submission, as it reached the driver.
struct BatchRecord {
    std::vector<SemaphoreUse> waits;
    std::vector<VkCommandBuffer> commandBuffers;
    std::vector<SemaphoreUse> signals;
    std::vector<VkStructureType> chain;
    uint32_t binds = 0; ///< buffer, image and opaque binds of a sparse batch
};

struct SubmitRecord {
    std::string call;
    VkQueue queue = VK_NULL_HANDLE;
    std::vector<BatchRecord> batches;
    VkFence fence = VK_NULL_HANDLE;
};

/// A vkCreateDevice as it reached the driver.
struct DeviceRecord {
    std::vector<std::string> extensions;
    std::vector<VkStructureType> chain;
    const void* next = nullptr; ///< pNext pointer itself, to see whether a copy was made
};

/// Numbers and contents of barriers, render passes, images and presents that reached the driver.
struct ImageRecord {
    VkImageCreateInfo info{};
    std::vector<VkStructureType> chain;
    std::vector<uint64_t> modifiers; ///< that the driver may choose from
};

/// A Vulkan driver (with the loader's terminator above it) in memory: strict, observable, and able to fail on demand.
///
/// One at a time exists in a process; its entry points are reached through getInstanceProcAddr(). Misuse of Vulkan by
/// the caller is collected in errors(), which a test is expected to find empty.
class Driver {
public:
    Driver();
    ~Driver();
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;

    /// Adds a physical device to every instance made from now on.
    void add(DeviceSpec spec);

    static PFN_vkVoidFunction VKAPI_CALL getInstanceProcAddr(VkInstance instance, const char* name);
    static PFN_vkVoidFunction VKAPI_CALL getPhysicalDeviceProcAddr(VkInstance instance, const char* name);

    // Progress
    void setCompletion(Completion completion, std::chrono::microseconds delay = {});
    /// Runs the oldest submission whose waits are satisfied; false when there is none.
    bool completeNext();
    void completeAll();
    /// Submissions that have not run yet.
    size_t pendingSubmissions() const;
    /// Blocks until `count` calls of `name` have been made, at most `limit`; false when time ran out.
    bool waitForCalls(std::string_view name, unsigned count,
                      std::chrono::milliseconds limit = std::chrono::seconds(5)) const;
    /// Drops all work; from now on every call that can says VK_ERROR_DEVICE_LOST.
    void loseDevices();
    /// Makes entry points that need external synchronisation take this long, so that races are seen.
    void setDwell(std::chrono::microseconds dwell);

    /// Gives the handle of the object destroyed last to the next one of its kind, as real drivers do.
    void setHandleReuse(bool reuse);

    // Faults
    /// The n-th call (1 is the next) of `name` answers `result` and does nothing.
    void failNth(std::string_view name, unsigned n, VkResult result);
    /// The n-th call (1 is the next) of anything that may run out of memory answers `result`.
    void failNthAllocation(unsigned n, VkResult result);
    /// Whether the fault set by failNthAllocation() has been hit.
    bool faultWasHit() const;
    void clearFaults();

    // Records
    unsigned count(std::string_view name) const;
    /// All calls that hand work to the host: submissions of every form.
    unsigned submissionCount() const;
    void resetRecords();
    std::vector<SubmitRecord> submits() const;
    std::vector<DeviceRecord> devices() const;
    std::vector<ImageRecord> images() const;
    /// Extensions of the latest vkCreateInstance that arrived.
    std::vector<std::string> instanceExtensions() const;
    uint32_t instanceApiVersion() const;
    /// Layouts that arrived in barriers, render passes, events and transfer commands, in order.
    std::vector<VkImageLayout> layouts() const;
    /// How often an image was released to VK_QUEUE_FAMILY_FOREIGN_EXT.
    unsigned handOvers() const;
    bool semaphoreSignalled(VkSemaphore semaphore) const;
    uint64_t timelineValue(VkSemaphore semaphore) const;
    bool fenceSignalled(VkFence fence) const;
    /// Kinds of the objects of all devices that exist now ("VkFence", …) in creation order.
    std::vector<std::string> liveObjects() const;

    std::vector<std::string> errors() const;
    /// Takes the errors away; for tests that provoke them.
    std::vector<std::string> takeErrors();

private:
    std::unique_ptr<World> m_world;
};

} // namespace vwsi::mock
