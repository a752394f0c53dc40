#pragma once

#include "test_compositor.h"

#include <deque>
#include <memory>
#include <vector>
#include <wayland-server.h>

namespace vwsi::testing {

struct TestCompositor::PoolMemory {
    TestCompositor* compositor = nullptr;
    int descriptor = -1;
    void* address = nullptr;
    size_t size = 0;
    size_t index = 0;
    ~PoolMemory();
    bool map(size_t length);
};

struct TestCompositor::Buffer {
    std::shared_ptr<PoolMemory> memory;
    int32_t offset = 0;
    int32_t width = 0;
    int32_t height = 0;
    int32_t stride = 0;
    uint32_t format = 0;
    wl_resource* resource = nullptr; ///< null once the client has destroyed it
    bool dmaBuf = false;

    Shown read() const;
};

/// A committed state on its way to the screen.
struct TestCompositor::Update {
    Commit commit;
    std::shared_ptr<Buffer> buffer;
    std::vector<wl_resource*> callbacks;
    std::vector<wl_resource*> feedbacks;
};

struct TestCompositor::Surface {
    TestCompositor* compositor = nullptr;
    wl_resource* resource = nullptr;
    bool hasFifo = false;
    bool hasTearing = false;
    bool hasTimer = false;
    bool hasColor = false;
    std::optional<ImageDescription> description; ///< of the next commit and those after it
    bool async = false;
    bool barrier = false;
    bool fresh = false; ///< the current state was not shown yet
    Update pending;
    std::deque<Update> queue;
    Update current;
};

/// The protocol side: request handlers that change the state.
struct CompositorProtocol {
    static void offer(TestCompositor& compositor, wl_display* display);
    static void commit(TestCompositor::Surface& surface);

    using Surface = TestCompositor::Surface;
    using Buffer = TestCompositor::Buffer;
    using PoolMemory = TestCompositor::PoolMemory;

    static void bindCompositor(wl_client* client, void* data, uint32_t version, uint32_t id);
    static void bindShm(wl_client* client, void* data, uint32_t version, uint32_t id);
    static void bindPresentation(wl_client* client, void* data, uint32_t version, uint32_t id);
    static void bindTearing(wl_client* client, void* data, uint32_t version, uint32_t id);
    static void bindFifo(wl_client* client, void* data, uint32_t version, uint32_t id);
    static void bindCommitTiming(wl_client* client, void* data, uint32_t version, uint32_t id);
    static void bindDmaBuf(wl_client* client, void* data, uint32_t version, uint32_t id);

    static void bindColor(wl_client* client, void* data, uint32_t version, uint32_t id);

    static void createSurface(wl_client* client, wl_resource* resource, uint32_t id);
    static void attach(wl_client*, wl_resource* resource, wl_resource* buffer, int32_t, int32_t);
    static void frame(wl_client* client, wl_resource* resource, uint32_t id);
    static void createPool(wl_client* client, wl_resource* resource, uint32_t id, int32_t fd, int32_t size);
    static void createBuffer(wl_client* client, wl_resource* resource, uint32_t id, int32_t offset, int32_t width,
                             int32_t height, int32_t stride, uint32_t format);
    static void resizePool(wl_client*, wl_resource* resource, int32_t size);
    static void getDefaultFeedback(wl_client* client, wl_resource* resource, uint32_t id);
    static void getSurfaceFeedback(wl_client* client, wl_resource* resource, uint32_t id, wl_resource* surface);
    static void createParams(wl_client* client, wl_resource* resource, uint32_t id);
    static bool mapImage(PoolMemory& memory, const DmaBufPlaneRecord& plane, int32_t height);
    static void createFromParams(wl_client* client, wl_resource* resource, int32_t width, int32_t height,
                                 uint32_t format, uint32_t flags);
};

} // namespace vwsi::testing
