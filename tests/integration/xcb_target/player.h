#pragma once

#include "server.h"
#include "surface/xcb/xcb_surface.h"

#include <deque>
#include <functional>
#include <vector>

namespace vwsi::xcbtest {

/// Plays a presenter thread's part: gives frames to a target when it is ready, and notes what it reports.
class Player final : public TargetEvents {
public:
    static constexpr uint32_t kBuffers = 3;

    /// Surface and target for a window; `result()` tells whether that worked.
    Player(Client& client, xcb_window_t window, VkExtent2D extent, VkPresentModeKHR mode,
           const BufferLayout& layout = {});
    /// One more target of the same surface.
    Player(Surface& surface, VkExtent2D extent, VkPresentModeKHR mode, const BufferLayout& layout = {});

    VkResult result() const { return m_result; }
    Surface& surface() { return *m_surface; }
    Target& target() { return *m_target; }
    const TargetBuffer& buffer(uint32_t index) const { return m_memory[index]; }

    /// Waits for a free buffer, fills it all with `pixel`, and shows it in the target's mode or `mode`.
    VkResult show(uint32_t pixel, std::vector<VkRect2D> damage = {});
    VkResult show(uint32_t pixel, VkPresentModeKHR mode, std::vector<VkRect2D> damage = {});

    /// Waits until all frames given so far were reported and all buffers are back; VK_TIMEOUT after some
    /// seconds.
    VkResult finish();

    uint64_t shown() const { return m_serial; }
    size_t freeBuffers() const { return m_free.size(); }
    uint64_t reported() const { return m_reported; }
    const std::vector<Nanoseconds>& moments() const { return m_moments; }

    /// Stops using and destroys the target.
    void end() { m_target.reset(); }

private:
    void start(VkExtent2D extent, VkPresentModeKHR mode, const BufferLayout& layout);
    void bufferIdle(uint32_t index) override;
    void framePresented(uint64_t serial, Nanoseconds when) override;

    std::unique_ptr<Surface> m_owned;
    Surface* m_surface = nullptr;
    std::unique_ptr<Target> m_target;
    VkResult m_result = VK_SUCCESS;
    VkExtent2D m_extent{};
    VkPresentModeKHR m_mode = VK_PRESENT_MODE_FIFO_KHR;
    TargetBuffer m_memory[kBuffers];
    bool m_busy[kBuffers]{};
    std::deque<uint32_t> m_free;
    uint64_t m_serial = 0;
    uint64_t m_reported = 0;
    std::vector<Nanoseconds> m_moments;
};

/// A colour for frame `number` that differs from its neighbours in every byte, with opaque alpha.
inline uint32_t frameColour(uint32_t number)
{
    const uint32_t low = number & 0xff;
    const uint32_t high = number >> 8 & 0xff;
    return 0xff000000u | high << 16 | low << 8 | (0xff - low);
}

/// The number in a colour of frameColour(), or -1 when it is none.
inline int frameNumber(uint32_t colour)
{
    const uint32_t low = colour >> 8 & 0xff;
    return (colour & 0xff) == 0xff - low ? static_cast<int>((colour >> 16 & 0xff) << 8 | low) : -1;
}

/// The one value that all pixels have in the bits of `mask`, or -1.
int64_t uniform(const std::vector<uint32_t>& pixels, uint32_t mask = 0xffffff);

} // namespace vwsi::xcbtest
