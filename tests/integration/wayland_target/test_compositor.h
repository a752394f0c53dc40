#pragma once

#include "core/clock.h"

#include <array>
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

struct wl_resource;

namespace vwsi::testing {

/// A format (DRM fourcc) with one modifier that the compositor takes as a dma-buf.
struct DmaBufPair {
    uint32_t format;
    uint64_t modifier;
};

/// What the compositor offers and how it behaves.
struct CompositorOptions {
    bool shm = true;
    bool presentation = true;
    bool tearing = true;
    bool fifo = true;
    bool commitTiming = true;
    bool color = false;                    ///< wp_color_manager_v1, with what the next three name
    std::vector<uint32_t> colorFeatures{}; ///< enums of the same names
    std::vector<uint32_t> colorTransfers{};
    std::vector<uint32_t> colorPrimaries{};
    uint32_t compositorVersion = 4;
    std::vector<uint32_t> formats{0, 1}; ///< enum wl_shm.format
    clockid_t clock = CLOCK_MONOTONIC;   ///< of presentation times
    Nanoseconds refresh = 4'000'000;     ///< time between repaints

    uint32_t dmaBufVersion = 0; ///< of zwp_linux_dmabuf_v1; 0: none
    /// The preferred first; only version 4 keeps them apart.
    std::vector<std::vector<DmaBufPair>> tranches{{{0x34325258, 0}, {0x34325241, 0}}};
    uint64_t mainDevice = 0;
    unsigned acceptedDmaBufs = UINT32_MAX; ///< later ones are refused
    bool readsDmaBufs = true;              ///< maps them, so that they must be memfds
    bool answersNoParams = false;          ///< neither accepts nor refuses
    bool silentFeedback = false;           ///< says nothing of what it takes
    bool emptyTable = false;               ///< the format table's file is shorter than it says
    bool strayIndices = false;             ///< names formats that are not in the table, which it says is longer
};

/// What becomes of the next image descriptions.
enum class ColorAnswer { Ready, Failed, None };

/// What a client said of a surface's colours (wp_image_description_creator_params_v1).
struct ImageDescription {
    struct Range {
        uint32_t least, greatest; ///< in 0.0001 cd/m², and in cd/m²
        bool operator==(const Range&) const = default;
    };
    std::optional<uint32_t> transfer, primaries;
    std::optional<std::array<int32_t, 8>> mastering;
    std::optional<Range> luminance;
    std::optional<uint32_t> maxCll, maxFall;
    bool operator==(const ImageDescription&) const = default;
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
    bool dmaBuf = false;
    std::vector<Rect> bufferDamage;
    std::vector<Rect> surfaceDamage;
    bool setsBarrier = false;
    bool waitsForBarrier = false;
    bool async = false;                          ///< the tearing hint in force
    std::optional<Nanoseconds> time;             ///< on the presentation clock
    std::optional<ImageDescription> description; ///< in force
    bool callback = false;
    bool feedback = false;
};

/// What was on the screen after a repaint.
struct Shown {
    uint32_t pixel = 0; ///< of the first pixel
    bool whole = false; ///< every pixel is like the first
    Nanoseconds when = 0;
};

struct DmaBufPlaneRecord {
    uint32_t offset;
    uint32_t stride;
};

/// A dma-buf that a client wanted a buffer of.
struct DmaBufRecord {
    uint32_t format = 0;
    uint64_t modifier = 0;
    int32_t width = 0;
    int32_t height = 0;
    std::vector<DmaBufPlaneRecord> planes;
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
    /// What image descriptions get from now on.
    void setColorAnswer(ColorAnswer answer);
    /// A frozen compositor reads nothing and says nothing.
    void setFrozen(bool frozen);
    /// Takes other dma-bufs from now on, and says so.
    void setTranches(const std::vector<std::vector<DmaBufPair>>& tranches);
    /// Ends all connections without a word.
    void disconnectClients();
    /// Ends all connections with a protocol error on an object of the application's.
    void postError();

    std::vector<Commit> commits();
    std::vector<Shown> shown();
    /// First pixel of what is on the screen, or 0.
    uint32_t lastPixel();
    std::vector<PoolRecord> pools();
    std::vector<DmaBufRecord> dmaBufs();
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
    friend struct ColorProtocol;
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
    ColorAnswer m_colorAnswer = ColorAnswer::Ready;
    uint32_t m_lastDescription = 0;
    std::list<std::unique_ptr<Surface>> m_surfaces;
    std::vector<Commit> m_commits;
    std::vector<Shown> m_shown;
    std::vector<PoolRecord> m_pools;
    std::vector<std::weak_ptr<PoolMemory>> m_memory;
    std::map<std::string, unsigned> m_requests;
    std::vector<std::vector<DmaBufPair>> m_tranches;
    std::vector<DmaBufRecord> m_dmaBufs;
    std::vector<wl_resource*> m_feedbacks;
    std::thread m_thread;
};

} // namespace vwsi::testing
