#include "surface/headless/headless_surface.h"

#include "core/log.h"
#include "core/settings.h"
#include "surface/headless/frame_dump.h"
#include "surface/refresh_timer.h"

#include <cstdlib>
#include <new>
#include <unistd.h>

namespace vwsi {

namespace {

class HeadlessTarget final : public Target {
public:
    explicit HeadlessTarget(const TargetInfo& info)
        : m_info(info), m_timer(settings().refreshInterval()), m_buffers(info.imageCount)
    {
    }

    ~HeadlessTarget() override
    {
        for (const TargetBuffer& buffer : m_buffers)
            free(buffer.data);
    }

    VkResult allocate(uint32_t index, const BufferLayout& layout, TargetBuffer* buffer) override
    {
        const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
        const size_t alignment = layout.alignment > page ? layout.alignment : page;
        TargetBuffer made;
        made.stride = layout.stride ? layout.stride : m_info.extent.width * m_info.format->bytesPerPixel;
        made.size = size_t{made.stride} * m_info.extent.height;
        if (made.size < layout.size)
            made.size = layout.size;
        made.size = (made.size + alignment - 1) / alignment * alignment;
        made.data = aligned_alloc(alignment, made.size);
        made.importable = true;
        if (!made.data)
            return VK_ERROR_OUT_OF_HOST_MEMORY;
        m_buffers[index] = made;
        *buffer = made;
        return VK_SUCCESS;
    }

    void setEvents(TargetEvents* events) override
    {
        m_events = events;
        events->refreshKnown(settings().refreshInterval(), false);
    }

    Nanoseconds readyAt(VkPresentModeKHR mode) override
    {
        return mode == VK_PRESENT_MODE_IMMEDIATE_KHR ? 0 : m_timer.nextSlot();
    }

    VkResult present(const Frame& frame) override
    {
        const Nanoseconds now = monotonicNow();
        m_timer.take(now);
        if (!settings().headlessDir.empty())
            dumpFrame(settings().headlessDir, frame.serial, m_info, m_buffers[frame.buffer]);
        m_events->bufferIdle(frame.buffer);
        m_events->framePresented(frame.serial, now);
        return VK_SUCCESS;
    }

    VkResult wait(int wake, Nanoseconds deadline) override
    {
        pollDescriptors(-1, wake, deadline);
        return VK_SUCCESS;
    }

private:
    const TargetInfo m_info;
    RefreshTimer m_timer;
    std::vector<TargetBuffer> m_buffers;
    TargetEvents* m_events = nullptr;
};

class HeadlessSurface final : public Surface {
public:
    const char* windowSystem() const override { return "headless"; }

    VkResult state(SurfaceState* state) override
    {
        *state = {};
        if (settings().headlessWidth) {
            state->currentExtent = {settings().headlessWidth, settings().headlessHeight};
            state->minExtent = state->currentExtent;
            state->maxExtent = state->currentExtent;
        }
        state->compositeAlpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR | VK_COMPOSITE_ALPHA_PRE_MULTIPLIED_BIT_KHR |
                                VK_COMPOSITE_ALPHA_INHERIT_BIT_KHR;
        return VK_SUCCESS;
    }

    VkResult formats(std::vector<const PixelFormat*>* formats) override
    {
        for (const PixelFormat& format : pixelFormats()) {
            // Floating point has no place in the files of VENUS_WSI_HEADLESS_DIR.
            if (format.masks[0])
                formats->push_back(&format);
        }
        return VK_SUCCESS;
    }

    VkResult presentModes(std::vector<VkPresentModeKHR>* modes) override
    {
        *modes = {VK_PRESENT_MODE_FIFO_KHR, VK_PRESENT_MODE_FIFO_RELAXED_KHR, VK_PRESENT_MODE_MAILBOX_KHR,
                  VK_PRESENT_MODE_IMMEDIATE_KHR};
        return VK_SUCCESS;
    }

    VkResult createTarget(const TargetInfo& info, std::unique_ptr<Target>* target) override
    {
        *target = std::make_unique<HeadlessTarget>(info);
        return VK_SUCCESS;
    }
};

} // namespace

VkResult createHeadlessSurface(std::unique_ptr<Surface>* surface)
{
    *surface = std::make_unique<HeadlessSurface>();
    return VK_SUCCESS;
}

} // namespace vwsi
