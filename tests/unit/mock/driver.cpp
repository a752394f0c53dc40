#include "mock/driver.h"

#include "mock/heap_probe.h"
#include "mock/world.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace vwsi::mock {

namespace {

/// The world's lock for code of the test itself, whose allocations don't count.
struct Locked {
    explicit Locked(const World& world) : lock(world.mutex) {}
    HeapProbe::Pause pause;
    std::unique_lock<std::mutex> lock;
};

} // namespace

Driver::Driver() : m_world(std::make_unique<World>())
{
    if (World::current) {
        fputs("mock: only one driver can exist at a time\n", stderr);
        abort();
    }
    World::current = m_world.get();
}

Driver::~Driver()
{
    m_world->joinWorker();
    World::current = nullptr;
}

void Driver::add(DeviceSpec spec)
{
    const Locked locked(*m_world);
    m_world->specs.push_back(std::move(spec));
}

void Driver::setCompletion(Completion completion, std::chrono::microseconds delay)
{
    m_world->joinWorker();
    const Locked locked(*m_world);
    m_world->completion = completion;
    m_world->delay = delay;
    if (completion == Completion::Threaded)
        m_world->startWorker();
    m_world->pump();
}

bool Driver::completeNext()
{
    const Locked locked(*m_world);
    return m_world->runOne();
}

void Driver::completeAll()
{
    const Locked locked(*m_world);
    while (m_world->runOne()) {
    }
}

size_t Driver::pendingSubmissions() const
{
    const Locked locked(*m_world);
    return m_world->pending.size();
}

bool Driver::waitForCalls(std::string_view name, unsigned count, std::chrono::milliseconds limit) const
{
    Locked locked(*m_world);
    return m_world->changed.wait_for(locked.lock, limit, [&] {
        const auto found = m_world->counts.find(name);
        return found != m_world->counts.end() && found->second >= count;
    });
}

void Driver::loseDevices()
{
    const Locked locked(*m_world);
    m_world->lost = true;
    for (Submission& submission : m_world->pending) {
        for (CommandBuffer* buffer : submission.commandBuffers)
            --buffer->pending;
        if (submission.fence)
            submission.fence->pending = false;
    }
    m_world->pending.clear();
    m_world->changed.notify_all();
}

void Driver::setDwell(std::chrono::microseconds dwell)
{
    m_world->dwellMicroseconds = dwell.count();
}

void Driver::setHandleReuse(bool reuse)
{
    const Locked locked(*m_world);
    m_world->reuseHandles = reuse;
}

void Driver::failNth(std::string_view name, unsigned n, VkResult result)
{
    const Locked locked(*m_world);
    m_world->faults.push_back({std::string(name), n, result, false});
}

void Driver::failNthAllocation(unsigned n, VkResult result)
{
    const Locked locked(*m_world);
    m_world->faults.push_back({"", n, result, false});
}

bool Driver::faultWasHit() const
{
    const Locked locked(*m_world);
    return std::any_of(m_world->faults.begin(), m_world->faults.end(), [](const Fault& fault) { return fault.hit; });
}

void Driver::clearFaults()
{
    const Locked locked(*m_world);
    m_world->faults.clear();
}

unsigned Driver::count(std::string_view name) const
{
    const Locked locked(*m_world);
    const auto found = m_world->counts.find(name);
    return found == m_world->counts.end() ? 0 : found->second;
}

unsigned Driver::submissionCount() const
{
    return count("vkQueueSubmit") + count("vkQueueSubmit2") + count("vkQueueBindSparse");
}

void Driver::resetRecords()
{
    const Locked locked(*m_world);
    m_world->counts.clear();
    m_world->submits.clear();
    m_world->deviceRecords.clear();
    m_world->imageRecords.clear();
    m_world->layouts.clear();
}

std::vector<SubmitRecord> Driver::submits() const
{
    const Locked locked(*m_world);
    return m_world->submits;
}

std::vector<DeviceRecord> Driver::devices() const
{
    const Locked locked(*m_world);
    return m_world->deviceRecords;
}

std::vector<ImageRecord> Driver::images() const
{
    const Locked locked(*m_world);
    return m_world->imageRecords;
}

std::vector<std::string> Driver::instanceExtensions() const
{
    const Locked locked(*m_world);
    return m_world->instanceExtensions;
}

uint32_t Driver::instanceApiVersion() const
{
    const Locked locked(*m_world);
    return m_world->instanceApiVersion;
}

std::vector<VkImageLayout> Driver::layouts() const
{
    const Locked locked(*m_world);
    return m_world->layouts;
}

unsigned Driver::handOvers() const
{
    const Locked locked(*m_world);
    return m_world->handOvers;
}

bool Driver::semaphoreSignalled(VkSemaphore semaphore) const
{
    const Locked locked(*m_world);
    auto* const object = dynamic_cast<Semaphore*>(m_world->find(raw(semaphore)));
    return object && object->signalled;
}

uint64_t Driver::timelineValue(VkSemaphore semaphore) const
{
    const Locked locked(*m_world);
    auto* const object = dynamic_cast<Semaphore*>(m_world->find(raw(semaphore)));
    return object ? object->value : 0;
}

bool Driver::fenceSignalled(VkFence fence) const
{
    const Locked locked(*m_world);
    auto* const object = dynamic_cast<Fence*>(m_world->find(raw(fence)));
    return object && object->signalled;
}

std::vector<std::string> Driver::liveObjects() const
{
    const Locked locked(*m_world);
    std::vector<std::string> kinds;
    for (const auto& [handle, object] : m_world->objects)
        kinds.emplace_back(object->kind);
    return kinds;
}

std::vector<std::string> Driver::errors() const
{
    const Locked locked(*m_world);
    return m_world->errors;
}

std::vector<std::string> Driver::takeErrors()
{
    const Locked locked(*m_world);
    return std::exchange(m_world->errors, {});
}

} // namespace vwsi::mock
