// zwp_linux_dmabuf_v1 of the test compositor: maps what it gets, so that descriptors of memfds do as well as dma-bufs.

#include "linux-dmabuf-v1-server.h"
#include "test_compositor_state.h"

#include <algorithm>
#include <cstring>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace vwsi::testing {

namespace {

constexpr uint32_t kFeedbackSince = 4;

struct Entry {
    uint32_t format;
    uint32_t padding;
    uint64_t modifier;
};

/// The planes that a client has named so far.
struct Params {
    TestCompositor* compositor = nullptr;
    std::vector<DmaBufPlaneRecord> planes;
    std::vector<int> descriptors;
    uint64_t modifier = 0;
    bool used = false;

    ~Params()
    {
        for (const int descriptor : descriptors)
            close(descriptor);
    }
};

template <typename T> T& dataOf(wl_resource* resource)
{
    return *static_cast<T*>(wl_resource_get_user_data(resource));
}

wl_array arrayOver(const void* bytes, size_t size)
{
    return {size, 0, const_cast<void*>(bytes)};
}

/// Sends all of the feedback, the table with it.
void sendFeedback(wl_resource* feedback, const CompositorOptions& options,
                  const std::vector<std::vector<DmaBufPair>>& tranches)
{
    std::vector<Entry> table;
    std::vector<std::vector<uint16_t>> indices;
    for (const auto& tranche : tranches) {
        indices.emplace_back();
        for (const DmaBufPair& pair : tranche) {
            indices.back().push_back(static_cast<uint16_t>(table.size()));
            table.push_back({pair.format, 0, pair.modifier});
        }
        if (options.strayIndices)
            indices.back().push_back(60'000);
    }
    const size_t size = table.size() * sizeof(Entry);
    const int descriptor = memfd_create("format-table", MFD_CLOEXEC);
    if (!options.emptyTable && write(descriptor, table.data(), size) != static_cast<ssize_t>(size))
        wl_resource_post_no_memory(feedback);
    zwp_linux_dmabuf_feedback_v1_send_format_table(feedback, descriptor,
                                                   static_cast<uint32_t>(size) + (options.strayIndices ? 4096u : 0u));
    close(descriptor);
    wl_array device = arrayOver(&options.mainDevice, sizeof(options.mainDevice));
    zwp_linux_dmabuf_feedback_v1_send_main_device(feedback, &device);
    for (const auto& tranche : indices) {
        zwp_linux_dmabuf_feedback_v1_send_tranche_target_device(feedback, &device);
        zwp_linux_dmabuf_feedback_v1_send_tranche_flags(feedback, 0);
        wl_array formats = arrayOver(tranche.data(), tranche.size() * sizeof(uint16_t));
        zwp_linux_dmabuf_feedback_v1_send_tranche_formats(feedback, &formats);
        zwp_linux_dmabuf_feedback_v1_send_tranche_done(feedback);
    }
    zwp_linux_dmabuf_feedback_v1_send_done(feedback);
}

} // namespace

void CompositorProtocol::bindDmaBuf(wl_client* client, void* data, uint32_t version, uint32_t id)
{
    static constexpr struct zwp_linux_dmabuf_v1_interface kRequests = {
        .destroy = [](wl_client*, wl_resource* resource) { wl_resource_destroy(resource); },
        .create_params = createParams,
        .get_default_feedback = getDefaultFeedback,
        .get_surface_feedback = getSurfaceFeedback,
    };
    wl_resource* resource = wl_resource_create(client, &zwp_linux_dmabuf_v1_interface, static_cast<int>(version), id);
    wl_resource_set_implementation(resource, &kRequests, data, nullptr);
    if (version >= kFeedbackSince)
        return;
    for (const auto& tranche : static_cast<TestCompositor*>(data)->m_tranches) {
        for (const DmaBufPair& pair : tranche) {
            zwp_linux_dmabuf_v1_send_modifier(resource, pair.format, static_cast<uint32_t>(pair.modifier >> 32),
                                              static_cast<uint32_t>(pair.modifier));
        }
    }
}

void CompositorProtocol::getDefaultFeedback(wl_client* client, wl_resource* resource, uint32_t id)
{
    getSurfaceFeedback(client, resource, id, nullptr);
}

void CompositorProtocol::getSurfaceFeedback(wl_client* client, wl_resource* resource, uint32_t id, wl_resource*)
{
    static constexpr struct zwp_linux_dmabuf_feedback_v1_interface kRequests = {
        .destroy = [](wl_client*, wl_resource* gone) { wl_resource_destroy(gone); }};
    auto& compositor = dataOf<TestCompositor>(resource);
    wl_resource* feedback =
        wl_resource_create(client, &zwp_linux_dmabuf_feedback_v1_interface, wl_resource_get_version(resource), id);
    wl_resource_set_implementation(feedback, &kRequests, &compositor, [](wl_resource* gone) {
        std::erase(dataOf<TestCompositor>(gone).m_feedbacks, gone);
    });
    compositor.m_feedbacks.push_back(feedback);
    if (!compositor.m_options.silentFeedback)
        sendFeedback(feedback, compositor.m_options, compositor.m_tranches);
}

void CompositorProtocol::createParams(wl_client* client, wl_resource* resource, uint32_t id)
{
    static constexpr struct zwp_linux_buffer_params_v1_interface kRequests = {
        .destroy = [](wl_client*, wl_resource* gone) { wl_resource_destroy(gone); },
        .add =
            [](wl_client*, wl_resource* r, int32_t descriptor, uint32_t index, uint32_t offset, uint32_t stride,
               uint32_t high, uint32_t low) {
                auto& params = dataOf<Params>(r);
                params.descriptors.push_back(descriptor);
                if (index != params.planes.size())
                    wl_resource_post_error(r, ZWP_LINUX_BUFFER_PARAMS_V1_ERROR_PLANE_IDX, "plane %u", index);
                params.planes.push_back({offset, stride});
                params.modifier = uint64_t{high} << 32 | low;
            },
        .create = createFromParams,
        .create_immed =
            [](wl_client*, wl_resource* r, uint32_t, int32_t, int32_t, uint32_t, uint32_t) {
                wl_resource_post_error(r, ZWP_LINUX_BUFFER_PARAMS_V1_ERROR_INVALID_WL_BUFFER, "no chance to refuse");
            },
    };
    auto* params = new Params;
    params->compositor = &dataOf<TestCompositor>(resource);
    wl_resource* made =
        wl_resource_create(client, &zwp_linux_buffer_params_v1_interface, wl_resource_get_version(resource), id);
    wl_resource_set_implementation(made, &kRequests, params, [](wl_resource* gone) { delete &dataOf<Params>(gone); });
}

bool CompositorProtocol::mapImage(PoolMemory& memory, const DmaBufPlaneRecord& plane, int32_t height)
{
    struct stat status = {};
    return fstat(memory.descriptor, &status) == 0 &&
           static_cast<uint64_t>(status.st_size) >=
               plane.offset + uint64_t{plane.stride} * static_cast<uint32_t>(height) &&
           memory.map(static_cast<size_t>(status.st_size));
}

void CompositorProtocol::createFromParams(wl_client* client, wl_resource* resource, int32_t width, int32_t height,
                                          uint32_t format, uint32_t flags)
{
    static constexpr struct wl_buffer_interface kRequests = {
        .destroy = [](wl_client*, wl_resource* gone) { wl_resource_destroy(gone); }};
    auto& params = dataOf<Params>(resource);
    TestCompositor& compositor = *params.compositor;
    if (params.used || params.planes.empty() || flags != 0 || width <= 0 || height <= 0) {
        wl_resource_post_error(resource, ZWP_LINUX_BUFFER_PARAMS_V1_ERROR_INCOMPLETE, "bad parameters");
        return;
    }
    params.used = true;
    compositor.m_dmaBufs.push_back({format, params.modifier, width, height, params.planes});
    if (compositor.m_options.answersNoParams)
        return;
    auto memory = std::make_shared<PoolMemory>();
    memory->compositor = &compositor;
    memory->descriptor = dup(params.descriptors[0]);
    if (compositor.m_dmaBufs.size() > compositor.m_options.acceptedDmaBufs ||
        (compositor.m_options.readsDmaBufs && !mapImage(*memory, params.planes[0], height))) {
        zwp_linux_buffer_params_v1_send_failed(resource);
        return;
    }
    auto* buffer = new std::shared_ptr<Buffer>(std::make_shared<Buffer>());
    **buffer = {memory,
                static_cast<int32_t>(params.planes[0].offset),
                width,
                height,
                static_cast<int32_t>(params.planes[0].stride),
                format,
                nullptr,
                true};
    (*buffer)->resource = wl_resource_create(client, &wl_buffer_interface, 1, 0);
    wl_resource_set_implementation((*buffer)->resource, &kRequests, buffer, [](wl_resource* gone) {
        auto* owner = &dataOf<std::shared_ptr<Buffer>>(gone);
        (*owner)->resource = nullptr;
        delete owner;
    });
    zwp_linux_buffer_params_v1_send_created(resource, (*buffer)->resource);
}

void TestCompositor::setTranches(const std::vector<std::vector<DmaBufPair>>& tranches)
{
    const std::lock_guard lock(m_mutex);
    m_tranches = tranches;
    for (wl_resource* feedback : m_feedbacks)
        sendFeedback(feedback, m_options, m_tranches);
    wl_display_flush_clients(m_display);
}

std::vector<DmaBufRecord> TestCompositor::dmaBufs()
{
    const std::lock_guard lock(m_mutex);
    return m_dmaBufs;
}

} // namespace vwsi::testing
