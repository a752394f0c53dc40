#include "surface/display/display_events.h"

#include "core/thread.h"
#include "surface/target.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <new>
#include <sys/eventfd.h>
#include <unistd.h>

namespace vwsi {

namespace {

/// How long to wait for memory that callbacks are listed in.
constexpr Nanoseconds kMemoryRetry = 10'000'000;

} // namespace

DisplayEvents::DisplayEvents(drm::NodeNumber device, std::unique_ptr<drm::UeventMonitor> monitor)
    : m_device(device), m_monitor(std::move(monitor))
{
}

DisplayEvents::~DisplayEvents()
{
    if (m_started) {
        {
            const std::scoped_lock lock(m_mutex);
            m_stop = true;
        }
        const uint64_t one = 1;
        [[maybe_unused]] const ssize_t written = write(m_wake, &one, sizeof(one));
        pthread_join(m_thread, nullptr);
    }
    if (m_wake >= 0)
        close(m_wake);
}

bool DisplayEvents::at(Nanoseconds moment, std::function<void()> callback, uint64_t* id)
{
    return add({0, std::min(moment, kForever - 1), std::move(callback)}, id);
}

bool DisplayEvents::onHotplug(std::function<void()> callback, uint64_t* id)
{
    return add({0, kForever, std::move(callback)}, id);
}

bool DisplayEvents::add(Wish wish, uint64_t* id)
{
    const std::scoped_lock lock(m_mutex);
    if (!start())
        return false;
    wish.id = ++m_lastId;
    *id = wish.id;
    m_wishes.push_back(std::move(wish));
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(m_wake, &one, sizeof(one));
    return true;
}

bool DisplayEvents::cancel(uint64_t id)
{
    std::unique_lock lock(m_mutex);
    const bool taken = std::erase_if(m_wishes, [id](const Wish& wish) { return wish.id == id; }) > 0;
    if (!m_started || !pthread_equal(pthread_self(), m_thread))
        m_called.wait(lock, [&] { return std::find(m_due.begin(), m_due.end(), id) == m_due.end(); });
    return taken;
}

bool DisplayEvents::start()
{
    if (m_started)
        return true;
    if (!m_monitor)
        m_monitor = std::make_unique<drm::UeventMonitor>();
    if (m_wake < 0)
        m_wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    m_started = m_wake >= 0 && startThread(&m_thread, "venus-wsi-disp", &threadMain, this);
    return m_started;
}

void* DisplayEvents::threadMain(void* self)
{
    static_cast<DisplayEvents*>(self)->run();
    return nullptr;
}

void DisplayEvents::run()
{
    bool hotplug = false;
    for (;;) {
        std::vector<Wish> due;
        Nanoseconds next = 0;
        try {
            next = takeDue(hotplug, &due);
        } catch (const std::bad_alloc&) {
            next = monotonicNow() + kMemoryRetry;
        }
        hotplug = false;
        call(due);
        {
            const std::scoped_lock lock(m_mutex);
            if (m_stop)
                return;
        }
        if (!due.empty())
            continue;
        const unsigned ready = pollDescriptors(m_wake, m_monitor->descriptor(), next);
        if (ready & 1) {
            uint64_t count = 0;
            [[maybe_unused]] const ssize_t drained = read(m_wake, &count, sizeof(count));
        }
        if (ready & 2) {
            const drm::UeventMonitor::Changes changes = m_monitor->drain(m_device);
            hotplug = changes.connectors || changes.removed;
        }
    }
}

Nanoseconds DisplayEvents::takeDue(bool hotplug, std::vector<Wish>* due)
{
    const std::scoped_lock lock(m_mutex);
    // What can fail comes before anything is taken.
    due->reserve(m_wishes.size());
    m_due.reserve(m_due.size() + m_wishes.size());
    const Nanoseconds now = monotonicNow();
    Nanoseconds next = kForever;
    const auto isDue = [&](const Wish& wish) { return wish.moment == kForever ? hotplug : wish.moment <= now; };
    const auto first =
        std::stable_partition(m_wishes.begin(), m_wishes.end(), [&](const Wish& wish) { return !isDue(wish); });
    for (auto wish = m_wishes.begin(); wish != first; ++wish)
        next = std::min(next, wish->moment);
    for (auto wish = first; wish != m_wishes.end(); ++wish)
        m_due.push_back(wish->id);
    due->assign(std::make_move_iterator(first), std::make_move_iterator(m_wishes.end()));
    m_wishes.erase(first, m_wishes.end());
    // A late look finds several moments past at once.
    std::stable_sort(due->begin(), due->end(), [](const Wish& a, const Wish& b) { return a.moment < b.moment; });
    return next;
}

void DisplayEvents::call(std::vector<Wish>& due)
{
    for (Wish& wish : due) {
        wish.callback();
        wish.callback = nullptr;
        const std::scoped_lock lock(m_mutex);
        std::erase(m_due, wish.id);
        m_called.notify_all();
    }
}

} // namespace vwsi
