#include "test_compositor_state.h"

#include "color-management-v1-server.h"
#include "commit-timing-v1-server.h"
#include "fifo-v1-server.h"
#include "linux-dmabuf-v1-server.h"
#include "presentation-time-server.h"
#include "tearing-control-v1-server.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace vwsi::testing {

namespace {

template <typename T> T& dataOf(wl_resource* resource)
{
    return *static_cast<T*>(wl_resource_get_user_data(resource));
}

void destroyResource(wl_client*, wl_resource* resource)
{
    wl_resource_destroy(resource);
}

template <typename Interface>
wl_resource* make(wl_client* client, const wl_interface* type, uint32_t version, uint32_t id,
                  const Interface* implementation, void* data, wl_resource_destroy_func_t destroy = nullptr)
{
    wl_resource* resource = wl_resource_create(client, type, static_cast<int>(version), id);
    wl_resource_set_implementation(resource, implementation, data, destroy);
    return resource;
}

} // namespace

void CompositorProtocol::offer(TestCompositor& compositor, wl_display* display)
{
    const CompositorOptions& options = compositor.m_options;
    wl_global_create(display, &wl_compositor_interface, static_cast<int>(options.compositorVersion), &compositor,
                     bindCompositor);
    if (options.shm)
        wl_global_create(display, &wl_shm_interface, 1, &compositor, bindShm);
    if (options.presentation)
        wl_global_create(display, &wp_presentation_interface, 1, &compositor, bindPresentation);
    if (options.tearing)
        wl_global_create(display, &wp_tearing_control_manager_v1_interface, 1, &compositor, bindTearing);
    if (options.fifo)
        wl_global_create(display, &wp_fifo_manager_v1_interface, 1, &compositor, bindFifo);
    if (options.commitTiming)
        wl_global_create(display, &wp_commit_timing_manager_v1_interface, 1, &compositor, bindCommitTiming);
    if (options.dmaBufVersion)
        wl_global_create(display, &zwp_linux_dmabuf_v1_interface, static_cast<int>(options.dmaBufVersion), &compositor,
                         bindDmaBuf);
    if (options.color)
        wl_global_create(display, &wp_color_manager_v1_interface, 1, &compositor, bindColor);
}

void CompositorProtocol::bindCompositor(wl_client* client, void* data, uint32_t version, uint32_t id)
{
    static constexpr struct wl_compositor_interface kRequests = {
        .create_surface = createSurface,
        .create_region = [](wl_client*, wl_resource*, uint32_t) {},
    };
    make(client, &wl_compositor_interface, version, id, &kRequests, data);
}

void CompositorProtocol::attach(wl_client*, wl_resource* resource, wl_resource* buffer, int32_t, int32_t)
{
    auto& pending = dataOf<Surface>(resource).pending;
    pending.buffer = buffer ? dataOf<std::shared_ptr<Buffer>>(buffer) : nullptr;
    pending.commit.attached = true;
}

void CompositorProtocol::frame(wl_client* client, wl_resource* resource, uint32_t id)
{
    auto& pending = dataOf<Surface>(resource).pending;
    pending.callbacks.push_back(wl_resource_create(client, &wl_callback_interface, 1, id));
    pending.commit.callback = true;
}

void CompositorProtocol::commit(Surface& surface)
{
    auto& update = surface.pending;
    Commit& commit = update.commit;
    commit.async = surface.async;
    commit.description = surface.description;
    if (update.buffer) {
        commit.format = update.buffer->format;
        commit.width = update.buffer->width;
        commit.height = update.buffer->height;
        commit.stride = update.buffer->stride;
        commit.dmaBuf = update.buffer->dmaBuf;
    }
    surface.compositor->m_commits.push_back(commit);
    surface.queue.push_back(std::move(update));
    surface.pending = {};
    surface.compositor->apply(surface);
}

void CompositorProtocol::createSurface(wl_client* client, wl_resource* resource, uint32_t id)
{
    auto& compositor = dataOf<TestCompositor>(resource);
    static constexpr struct wl_surface_interface kRequests = {
        .destroy = destroyResource,
        .attach = attach,
        .damage = [](wl_client*, wl_resource* r, int32_t x, int32_t y, int32_t w,
                     int32_t h) { dataOf<Surface>(r).pending.commit.surfaceDamage.push_back({x, y, w, h}); },
        .frame = frame,
        .set_opaque_region = [](wl_client*, wl_resource*, wl_resource*) {},
        .set_input_region = [](wl_client*, wl_resource*, wl_resource*) {},
        .commit = [](wl_client*, wl_resource* r) { commit(dataOf<Surface>(r)); },
        .set_buffer_transform = [](wl_client*, wl_resource*, int32_t) {},
        .set_buffer_scale = [](wl_client*, wl_resource*, int32_t) {},
        .damage_buffer = [](wl_client*, wl_resource* r, int32_t x, int32_t y, int32_t w,
                            int32_t h) { dataOf<Surface>(r).pending.commit.bufferDamage.push_back({x, y, w, h}); },
        .offset = [](wl_client*, wl_resource*, int32_t, int32_t) {},
    };
    auto surface = std::make_unique<Surface>();
    surface->compositor = &compositor;
    surface->resource =
        make(client, &wl_surface_interface, static_cast<uint32_t>(wl_resource_get_version(resource)), id, &kRequests,
             surface.get(), [](wl_resource* gone) {
                 auto& dead = dataOf<Surface>(gone);
                 // Extension objects that outlive their surface find no surface any more.
                 wl_client_for_each_resource(
                     wl_resource_get_client(gone),
                     [](wl_resource* other, void* data) {
                         if (wl_resource_get_user_data(other) == data)
                             wl_resource_set_user_data(other, nullptr);
                         return WL_ITERATOR_CONTINUE;
                     },
                     &dead);
                 dead.compositor->m_surfaces.remove_if([&dead](const auto& surface) { return surface.get() == &dead; });
             });
    compositor.m_surfaces.push_back(std::move(surface));
}

void CompositorProtocol::bindShm(wl_client* client, void* data, uint32_t version, uint32_t id)
{
    static constexpr struct wl_shm_interface kRequests = {.create_pool = createPool, .release = destroyResource};
    wl_resource* resource = make(client, &wl_shm_interface, version, id, &kRequests, data);
    for (const uint32_t format : static_cast<TestCompositor*>(data)->m_options.formats)
        wl_shm_send_format(resource, format);
}

void CompositorProtocol::createPool(wl_client* client, wl_resource* resource, uint32_t id, int32_t fd, int32_t size)
{
    static constexpr struct wl_shm_pool_interface kRequests = {
        .create_buffer = createBuffer, .destroy = destroyResource, .resize = resizePool};
    auto& compositor = dataOf<TestCompositor>(resource);
    auto memory = std::make_shared<PoolMemory>();
    memory->compositor = &compositor;
    memory->descriptor = fd;
    memory->index = compositor.m_pools.size();
    compositor.m_pools.push_back({fcntl(fd, F_GET_SEALS), size, 0});
    compositor.m_memory.push_back(memory);
    if (!memory->map(static_cast<size_t>(size)))
        wl_resource_post_error(resource, WL_SHM_ERROR_INVALID_FD, "mmap");
    auto* owner = new std::shared_ptr<PoolMemory>(memory);
    make(client, &wl_shm_pool_interface, 1, id, &kRequests, owner,
         [](wl_resource* gone) { delete &dataOf<std::shared_ptr<PoolMemory>>(gone); });
}

void CompositorProtocol::resizePool(wl_client*, wl_resource* resource, int32_t size)
{
    auto& memory = *dataOf<std::shared_ptr<PoolMemory>>(resource);
    PoolRecord& record = memory.compositor->m_pools.at(memory.index);
    if (size < record.size || !memory.map(static_cast<size_t>(size)))
        wl_resource_post_error(resource, WL_SHM_ERROR_INVALID_FD, "bad size");
    record.size = size;
    ++record.resizes;
}

void CompositorProtocol::createBuffer(wl_client* client, wl_resource* resource, uint32_t id, int32_t offset,
                                      int32_t width, int32_t height, int32_t stride, uint32_t format)
{
    static constexpr struct wl_buffer_interface kRequests = {.destroy = destroyResource};
    const auto& memory = dataOf<std::shared_ptr<PoolMemory>>(resource);
    if (stride < width * 4 ||
        static_cast<size_t>(offset) + static_cast<size_t>(stride) * static_cast<size_t>(height) > memory->size) {
        wl_resource_post_error(resource, WL_SHM_ERROR_INVALID_STRIDE, "buffer outside of its pool");
        return;
    }
    auto* buffer = new std::shared_ptr<Buffer>(std::make_shared<Buffer>());
    **buffer = {memory, offset, width, height, stride, format, nullptr, false};
    (*buffer)->resource = make(client, &wl_buffer_interface, 1, id, &kRequests, buffer, [](wl_resource* gone) {
        auto* owner = &dataOf<std::shared_ptr<Buffer>>(gone);
        (*owner)->resource = nullptr;
        delete owner;
    });
}

void CompositorProtocol::bindPresentation(wl_client* client, void* data, uint32_t version, uint32_t id)
{
    static constexpr struct wp_presentation_interface kRequests = {
        .destroy = destroyResource,
        .feedback =
            [](wl_client* c, wl_resource*, wl_resource* surface, uint32_t feedback) {
                auto& pending = dataOf<Surface>(surface).pending;
                pending.feedbacks.push_back(wl_resource_create(c, &wp_presentation_feedback_interface, 1, feedback));
                pending.commit.feedback = true;
            },
    };
    wl_resource* resource = make(client, &wp_presentation_interface, version, id, &kRequests, data);
    wp_presentation_send_clock_id(resource, static_cast<uint32_t>(static_cast<TestCompositor*>(data)->m_options.clock));
}

void CompositorProtocol::bindTearing(wl_client* client, void* data, uint32_t version, uint32_t id)
{
    static constexpr struct wp_tearing_control_v1_interface kControl = {
        .set_presentation_hint =
            [](wl_client*, wl_resource* r, uint32_t hint) {
                if (wl_resource_get_user_data(r))
                    dataOf<Surface>(r).async = hint == WP_TEARING_CONTROL_V1_PRESENTATION_HINT_ASYNC;
            },
        .destroy = destroyResource,
    };
    static constexpr struct wp_tearing_control_manager_v1_interface kManager = {
        .destroy = destroyResource,
        .get_tearing_control =
            [](wl_client* c, wl_resource* r, uint32_t control, wl_resource* target) {
                auto& surface = dataOf<Surface>(target);
                if (surface.hasTearing)
                    wl_resource_post_error(r, 0, "two tearing controls");
                surface.hasTearing = true;
                make(c, &wp_tearing_control_v1_interface, 1, control, &kControl, &surface, [](wl_resource* gone) {
                    if (wl_resource_get_user_data(gone))
                        dataOf<Surface>(gone).hasTearing = dataOf<Surface>(gone).async = false;
                });
            },
    };
    make(client, &wp_tearing_control_manager_v1_interface, version, id, &kManager, data);
}

void CompositorProtocol::bindFifo(wl_client* client, void* data, uint32_t version, uint32_t id)
{
    static constexpr struct wp_fifo_v1_interface kFifo = {
        .set_barrier =
            [](wl_client*, wl_resource* r) {
                if (wl_resource_get_user_data(r))
                    dataOf<Surface>(r).pending.commit.setsBarrier = true;
                else
                    wl_resource_post_error(r, WP_FIFO_V1_ERROR_SURFACE_DESTROYED, "no surface");
            },
        .wait_barrier =
            [](wl_client*, wl_resource* r) {
                if (wl_resource_get_user_data(r))
                    dataOf<Surface>(r).pending.commit.waitsForBarrier = true;
                else
                    wl_resource_post_error(r, WP_FIFO_V1_ERROR_SURFACE_DESTROYED, "no surface");
            },
        .destroy = destroyResource,
    };
    static constexpr struct wp_fifo_manager_v1_interface kManager = {
        .destroy = destroyResource,
        .get_fifo =
            [](wl_client* c, wl_resource* r, uint32_t fifo, wl_resource* target) {
                auto& surface = dataOf<Surface>(target);
                if (surface.hasFifo)
                    wl_resource_post_error(r, WP_FIFO_MANAGER_V1_ERROR_ALREADY_EXISTS, "two fifo objects");
                surface.hasFifo = true;
                make(c, &wp_fifo_v1_interface, 1, fifo, &kFifo, &surface, [](wl_resource* gone) {
                    if (wl_resource_get_user_data(gone))
                        dataOf<Surface>(gone).hasFifo = false;
                });
            },
    };
    make(client, &wp_fifo_manager_v1_interface, version, id, &kManager, data);
}

void CompositorProtocol::bindCommitTiming(wl_client* client, void* data, uint32_t version, uint32_t id)
{
    static constexpr struct wp_commit_timer_v1_interface kTimer = {
        .set_timestamp =
            [](wl_client*, wl_resource* r, uint32_t high, uint32_t low, uint32_t nanoseconds) {
                if (!wl_resource_get_user_data(r) || nanoseconds >= 1'000'000'000) {
                    wl_resource_post_error(r, WP_COMMIT_TIMER_V1_ERROR_INVALID_TIMESTAMP, "bad time");
                    return;
                }
                Commit& pending = dataOf<Surface>(r).pending.commit;
                if (pending.time)
                    wl_resource_post_error(r, WP_COMMIT_TIMER_V1_ERROR_TIMESTAMP_EXISTS, "two times");
                pending.time = (static_cast<uint64_t>(high) << 32 | low) * 1'000'000'000 + nanoseconds;
            },
        .destroy = destroyResource,
    };
    static constexpr struct wp_commit_timing_manager_v1_interface kManager = {
        .destroy = destroyResource,
        .get_timer =
            [](wl_client* c, wl_resource* r, uint32_t timer, wl_resource* target) {
                auto& surface = dataOf<Surface>(target);
                if (surface.hasTimer)
                    wl_resource_post_error(r, WP_COMMIT_TIMING_MANAGER_V1_ERROR_COMMIT_TIMER_EXISTS, "two timers");
                surface.hasTimer = true;
                make(c, &wp_commit_timer_v1_interface, 1, timer, &kTimer, &surface, [](wl_resource* gone) {
                    if (wl_resource_get_user_data(gone))
                        dataOf<Surface>(gone).hasTimer = false;
                });
            },
    };
    make(client, &wp_commit_timing_manager_v1_interface, version, id, &kManager, data);
}

} // namespace vwsi::testing
