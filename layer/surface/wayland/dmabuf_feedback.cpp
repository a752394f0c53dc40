#include "surface/wayland/dmabuf_feedback.h"

#include "core/log.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <unistd.h>
#include <utility>

namespace vwsi {

namespace {

/// An entry as it lies in the compositor's memory (protocol, zwp_linux_dmabuf_feedback_v1.format_table).
struct TableEntry {
    uint32_t fourcc;
    uint32_t padding;
    uint64_t modifier;
};
static_assert(sizeof(TableEntry) == 16);

/// Tranches name entries by 16 bits.
constexpr size_t kMostEntries = UINT16_MAX + 1;

/// Reads instead of mapping, because a file that is shorter than the compositor says, or gets so, would end the process
/// with SIGBUS. Empty when nothing can be read.
std::vector<DmaBufFormat> readTable(int descriptor, uint32_t size)
{
    std::vector<TableEntry> entries(std::min(size / sizeof(TableEntry), kMostEntries));
    auto* const bytes = reinterpret_cast<char*>(entries.data());
    const size_t wanted = entries.size() * sizeof(TableEntry);
    size_t got = 0;
    while (got < wanted) {
        const ssize_t count = pread(descriptor, bytes + got, wanted - got, static_cast<off_t>(got));
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        got += static_cast<size_t>(count);
    }
    std::vector<DmaBufFormat> table;
    table.reserve(got / sizeof(TableEntry));
    for (size_t i = 0; i < got / sizeof(TableEntry); ++i)
        table.push_back({entries[i].fourcc, entries[i].modifier});
    return table;
}

} // namespace

DmaBufFeedback::DmaBufFeedback(const EventQueue& queue, zwp_linux_dmabuf_v1* dmaBuf, wl_surface* surface,
                               uint32_t fourcc)
    : m_fourcc(fourcc)
{
    const WrapperPtr<zwp_linux_dmabuf_v1> wrapper = queue.wrap(dmaBuf);
    if (wrapper)
        m_proxy.reset(zwp_linux_dmabuf_v1_get_surface_feedback(wrapper.get(), surface));
    // Scanout or not, and with which device, is the compositor's affair.
    static constexpr zwp_linux_dmabuf_feedback_v1_listener kListener = {
        .done = onDone,
        .format_table = onFormatTable,
        .main_device = onMainDevice,
        .tranche_done = onTrancheDone,
        .tranche_target_device = [](void*, zwp_linux_dmabuf_feedback_v1*, wl_array*) {},
        .tranche_formats = onTrancheFormats,
        .tranche_flags = [](void*, zwp_linux_dmabuf_feedback_v1*, uint32_t) {},
    };
    if (m_proxy)
        zwp_linux_dmabuf_feedback_v1_add_listener(m_proxy.get(), &kListener, this);
}

DmaBufFeedback::~DmaBufFeedback() = default;

void DmaBufFeedback::onFormatTable(void* data, zwp_linux_dmabuf_feedback_v1*, int32_t descriptor, uint32_t size)
{
    auto& self = *static_cast<DmaBufFeedback*>(data);
    self.m_table = readTable(descriptor, size);
    close(descriptor);
}

void DmaBufFeedback::onMainDevice(void* data, zwp_linux_dmabuf_feedback_v1*, wl_array* device)
{
    dev_t number = 0;
    if (device->size == sizeof(number))
        memcpy(&number, device->data, sizeof(number));
    static_cast<DmaBufFeedback*>(data)->m_pending.device = number;
}

void DmaBufFeedback::onTrancheFormats(void* data, zwp_linux_dmabuf_feedback_v1*, wl_array* indices)
{
    auto& self = *static_cast<DmaBufFeedback*>(data);
    for (size_t i = 0; i + 1 < indices->size; i += sizeof(uint16_t)) {
        uint16_t index = 0;
        memcpy(&index, static_cast<const char*>(indices->data) + i, sizeof(index));
        if (index < self.m_table.size() && self.m_table[index].fourcc == self.m_fourcc)
            self.m_tranche.push_back(self.m_table[index].modifier);
    }
}

void DmaBufFeedback::onTrancheDone(void* data, zwp_linux_dmabuf_feedback_v1*)
{
    auto& self = *static_cast<DmaBufFeedback*>(data);
    if (!self.m_tranche.empty())
        self.m_pending.tranches.push_back(std::exchange(self.m_tranche, {}));
}

void DmaBufFeedback::onDone(void* data, zwp_linux_dmabuf_feedback_v1*)
{
    auto& self = *static_cast<DmaBufFeedback*>(data);
    self.m_offer = std::exchange(self.m_pending, {});
    ++self.m_answers;
}

} // namespace vwsi
