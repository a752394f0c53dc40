#pragma once

#include "core/clock.h"

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>
#include <wayland-server-core.h>

namespace vwsi::testing {

/// What the compositor offers and how it behaves.
struct CompositorOptions {
    bool shm = true;
    bool presentation = true;
    bool tearing = true;
    bool fifo = true;
    bool commitTiming = true;
    uint32_t compositorVersion = 4;
    std::vector<uint32_t> formats{0, 1}; ///< enum wl_shm.format
    clockid_t clock = CLOCK_MONOTONIC;   ///< of presentation times
    Nanoseconds refresh = 4'000'000;     ///< time between repaints
};

struct Rect {
    int32_t x, y, width, height;
    bool operator==(const Rect&) const = default;
};

/// What one wl_surface.commit carried.
struct Commit {
    bool attached = false;
    uint32_t format = 0;
    int32_t width = 0;
    int32_t height = 0;
    int32_t stride = 0;
    std::vector<Rect> bufferDamage;
    std::vector<Rect> surfaceDamage;
    bool setsBarrier = false;
    bool waitsForBarrier = false;
    bool async = false;              ///< the tearing hint in force
    std::optional<Nanoseconds> time; ///< on the presentation clock
    bool callback = false;
    bool feedback = false;
};

/// What was on the screen after a repaint.
struct Shown {
    uint32_t pixel = 0; ///< of the first pixel
    bool whole = false; ///< every pixel is like the first
    Nanoseconds when = 0;
};

struct PoolRecord {
    int seals = 0; ///< when it was made
    int32_t size = 0;
    unsigned resizes = 0;
};

/// A compositor without a screen, on a thread of this process; its surfaces are windows of any size.
class TestCompositor {
public:
    explicit TestCompositor(const CompositorOptions& options = {});
    ~TestCompositor();

    /// A socket with a new client at its other end.
    int connect();

    /// A hidden window gets no callbacks and no presentation times, and its queued frames don't wait.
    void setVisible(bool visible);
    /// A frozen compositor reads nothing and says nothing.
    void setFrozen(bool frozen);
    /// Ends all connections without a word.
    void disconnectClients();
    /// Ends all connections with a protocol error on an object of the application's.
    void postError();

    std::vector<Commit> commits();
    std::vector<Shown> shown();
    /// First pixel of what is on the screen, or 0.
    uint32_t lastPixel();
    std::vector<PoolRecord> pools();
    /// Bytes of memory that pool `index` takes, its size and its seals now.
    size_t poolMemory(size_t index);
    int poolSeals(size_t index);
    /// Requests that clients have sent, by "interface.request".
    std::map<std::string, unsigned> requests();
    /// Protocol objects of all clients.
    unsigned resources();
    Nanoseconds refresh() const { return m_options.refresh; }

private:
    friend struct CompositorProtocol;
    struct PoolMemory;
    struct Buffer;
    struct Update;
    struct Surface;

    void run();
    void repaint();
    void apply(Surface& surface);
    void use(Surface& surface, Update&& update);
    void finish(Update& update, bool presented);
    Nanoseconds presentationNow() const;
    static void onRequest(void* data, wl_protocol_logger_type type, const wl_protocol_logger_message* message);

    CompositorOptions m_options;
    std::mutex m_mutex;
    wl_display* m_display = nullptr;
    wl_protocol_logger* m_logger = nullptr;
    int m_wake = -1;
    bool m_stop = false;
    bool m_visible = true;
    bool m_frozen = false;
    std::list<std::unique_ptr<Surface>> m_surfaces;
    std::vector<Commit> m_commits;
    std::vector<Shown> m_shown;
    std::vector<PoolRecord> m_pools;
    std::vector<std::weak_ptr<PoolMemory>> m_memory;
    std::map<std::string, unsigned> m_requests;
    std::thread m_thread;
};

} // namespace vwsi::testing
