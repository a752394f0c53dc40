#pragma once

#include "mock/driver.h"
#include "mock/objects.h"

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace vwsi::mock {

/// One batch waiting for its turn on a queue.
struct Submission {
    Queue* queue = nullptr;
    std::vector<std::pair<Semaphore*, uint64_t>> waits;
    std::vector<CommandBuffer*> commandBuffers;
    std::vector<std::pair<Semaphore*, uint64_t>> signals;
    std::function<void()> work;
    Fence* fence = nullptr;
};

struct Fault {
    std::string name; ///< empty: any call that may run out of memory
    unsigned countdown = 0;
    VkResult result = VK_ERROR_OUT_OF_DEVICE_MEMORY;
    bool hit = false;
};

/// All state of the mock driver, guarded by `mutex`.
struct World {
    static World* current;

    mutable std::mutex mutex;
    mutable std::condition_variable changed;

    std::deque<DeviceSpec> specs;
    std::vector<std::unique_ptr<Instance>> instances;
    std::vector<std::unique_ptr<PhysicalDevice>> physicalDevices;
    std::vector<std::unique_ptr<Device>> devices;
    std::vector<std::unique_ptr<Queue>> queues;
    // Dead command buffers stay in memory, so that the use of one is reported instead of crashing.
    std::unordered_map<const void*, std::unique_ptr<CommandBuffer>> commandBuffers;
    std::map<uint64_t, std::unique_ptr<Object>> objects;
    // Destroyed objects stay for commands and submissions that wrongly still point to them.
    std::vector<std::unique_ptr<Object>> graveyard;
    std::map<uint64_t, std::unique_ptr<Surface>> surfaces;
    std::vector<std::unique_ptr<void*[]>> dispatchTables;
    uint64_t nextHandle = 0x1000;
    bool reuseHandles = false;
    std::map<std::string, uint64_t, std::less<>> freedHandles; ///< the last one of each kind

    std::deque<Submission> pending;
    Completion completion = Completion::Immediate;
    std::chrono::microseconds delay{0};
    std::thread worker;
    bool stopWorker = false;
    bool lost = false;
    std::atomic<int64_t> dwellMicroseconds{0};

    std::vector<Fault> faults;
    std::map<std::string, unsigned, std::less<>> counts;
    std::vector<SubmitRecord> submits;
    std::vector<DeviceRecord> deviceRecords;
    std::vector<ImageRecord> imageRecords;
    std::vector<VkImageLayout> layouts;
    unsigned handOvers = 0; ///< images released to VK_QUEUE_FAMILY_FOREIGN_EXT
    std::vector<std::string> instanceExtensions;
    uint32_t instanceApiVersion = 0;
    std::vector<std::string> errors;

    void error(const char* format, ...) __attribute__((format(printf, 2, 3)));
    void* newDispatch();
    /// Ends an object's life; its memory really goes, so that sanitizers see accesses through old mappings.
    void bury(uint64_t handle);

    /// Runs whatever may run in the current completion mode. Needs the lock.
    void pump();
    /// Runs the oldest submission that can; false when there is none. Needs the lock.
    bool runOne();
    /// True when a submission that has not run uses the object or command buffer. Needs the lock.
    bool inUse(const void* object) const;
    bool inUse(uint64_t handle) const;
    bool queueBusy(const Queue* queue) const;
    void startWorker();
    void joinWorker();

    Object* find(uint64_t handle) const
    {
        const auto found = objects.find(handle);
        return found == objects.end() ? nullptr : found->second.get();
    }
};

} // namespace vwsi::mock
