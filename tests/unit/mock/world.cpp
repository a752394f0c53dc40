#include "mock/world.h"

#include "mock/heap_probe.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

namespace vwsi::mock {

World* World::current = nullptr;

void World::error(const char* format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    errors.emplace_back(text);
}

void* World::newDispatch()
{
    dispatchTables.push_back(std::make_unique<void*[]>(8));
    return dispatchTables.back().get();
}

void World::bury(uint64_t handle)
{
    const auto found = objects.find(handle);
    if (auto* const memory = dynamic_cast<Memory*>(found->second.get()))
        memory->release();
    graveyard.push_back(std::move(found->second));
    objects.erase(found);
}

namespace {

bool satisfied(const Semaphore& semaphore, uint64_t value)
{
    return semaphore.timeline ? semaphore.value >= value : semaphore.signalled;
}

} // namespace

bool World::runOne()
{
    std::vector<const Queue*> blocked;
    for (auto entry = pending.begin(); entry != pending.end(); ++entry) {
        if (std::find(blocked.begin(), blocked.end(), entry->queue) != blocked.end())
            continue;
        const bool ready = std::all_of(entry->waits.begin(), entry->waits.end(),
                                       [](const auto& wait) { return satisfied(*wait.first, wait.second); });
        if (!ready) {
            blocked.push_back(entry->queue);
            continue;
        }
        Submission submission = std::move(*entry);
        pending.erase(entry);
        for (const auto& [semaphore, value] : submission.waits) {
            if (!semaphore->timeline) {
                semaphore->signalled = false;
                --semaphore->pendingWaits;
            }
        }
        for (CommandBuffer* buffer : submission.commandBuffers) {
            for (const Command& command : buffer->commands) {
                for (const uint64_t handle : command.uses) {
                    if (!find(handle) && !surfaces.count(handle))
                        error("%s runs with destroyed object %#llx", command.name,
                              static_cast<unsigned long long>(handle));
                }
                command.run();
            }
            --buffer->pending;
            if (buffer->usage & VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT)
                buffer->state = CommandBuffer::State::Invalid;
        }
        if (submission.work)
            submission.work();
        for (const auto& [semaphore, value] : submission.signals) {
            if (semaphore->timeline) {
                semaphore->value = std::max(semaphore->value, value);
            } else {
                semaphore->signalled = true;
                --semaphore->pendingSignals;
            }
        }
        if (submission.fence) {
            submission.fence->pending = false;
            submission.fence->signalled = true;
        }
        changed.notify_all();
        return true;
    }
    return false;
}

void World::pump()
{
    if (completion == Completion::Immediate) {
        while (runOne()) {
        }
    }
    changed.notify_all();
}

void World::startWorker()
{
    stopWorker = false;
    worker = std::thread([this] {
        const HeapProbe::Pause pause;
        std::unique_lock lock(mutex);
        while (!stopWorker) {
            if (pending.empty()) {
                changed.wait(lock);
                continue;
            }
            const auto wait = delay;
            lock.unlock();
            std::this_thread::sleep_for(wait);
            lock.lock();
            if (!stopWorker && !runOne())
                changed.wait_for(lock, std::chrono::milliseconds(1));
        }
    });
}

void World::joinWorker()
{
    if (!worker.joinable())
        return;
    {
        const std::lock_guard lock(mutex);
        stopWorker = true;
    }
    changed.notify_all();
    worker.join();
}

bool World::queueBusy(const Queue* queue) const
{
    return std::any_of(pending.begin(), pending.end(), [&](const Submission& s) { return s.queue == queue; });
}

bool World::inUse(const void* object) const
{
    for (const Submission& s : pending) {
        if (s.fence == object)
            return true;
        const auto uses = [&](const auto& use) { return use.first == object; };
        if (std::any_of(s.waits.begin(), s.waits.end(), uses) || std::any_of(s.signals.begin(), s.signals.end(), uses))
            return true;
        if (std::find(s.commandBuffers.begin(), s.commandBuffers.end(), object) != s.commandBuffers.end())
            return true;
    }
    return false;
}

bool World::inUse(uint64_t handle) const
{
    for (const Submission& s : pending) {
        for (const CommandBuffer* buffer : s.commandBuffers) {
            for (const Command& command : buffer->commands) {
                if (std::find(command.uses.begin(), command.uses.end(), handle) != command.uses.end())
                    return true;
            }
        }
    }
    return false;
}

} // namespace vwsi::mock
