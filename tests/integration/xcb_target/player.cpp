#include "player.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace vwsi::xcbtest {

namespace {

constexpr Nanoseconds kPatience = 10'000'000'000;

} // namespace

Player::Player(Client& client, xcb_window_t window, VkExtent2D extent, VkPresentModeKHR mode,
               const BufferLayout& layout)
{
    m_result = createXcbSurface(client.connection(), window, &m_owned);
    m_surface = m_owned.get();
    if (m_result == VK_SUCCESS)
        start(extent, mode, layout);
}

Player::Player(Surface& surface, VkExtent2D extent, VkPresentModeKHR mode, const BufferLayout& layout)
    : m_surface(&surface)
{
    start(extent, mode, layout);
}

void Player::start(VkExtent2D extent, VkPresentModeKHR mode, const BufferLayout& layout)
{
    m_extent = extent;
    m_mode = mode;
    std::vector<const PixelFormat*> formats;
    m_result = m_surface->formats(&formats);
    if (m_result != VK_SUCCESS)
        return;
    ASSERT_FALSE(formats.empty());
    const TargetInfo info{
        extent,   formats[0], VK_COLOR_SPACE_SRGB_NONLINEAR_KHR, VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR, mode,
        kBuffers, nullptr};
    m_result = m_surface->createTarget(info, &m_target);
    for (uint32_t i = 0; i < kBuffers && m_result == VK_SUCCESS; ++i) {
        m_result = m_target->allocate(i, layout, &m_memory[i]);
        m_free.push_back(i);
    }
    if (m_target)
        m_target->setEvents(this);
}

void Player::bufferIdle(uint32_t index)
{
    ASSERT_LT(index, kBuffers);
    EXPECT_TRUE(m_busy[index]) << "buffer " << index << " given back twice";
    m_busy[index] = false;
    m_free.push_back(index);
}

void Player::framePresented(uint64_t serial, Nanoseconds when)
{
    EXPECT_EQ(serial, m_reported + 1) << "frames reported out of order";
    m_reported = serial;
    m_moments.push_back(when);
}

VkResult Player::show(uint32_t pixel, std::vector<VkRect2D> damage)
{
    return show(pixel, m_mode, std::move(damage));
}

VkResult Player::show(uint32_t pixel, VkPresentModeKHR mode, std::vector<VkRect2D> damage)
{
    const Nanoseconds patience = deadlineAfter(kPatience);
    for (;;) {
        const Nanoseconds ready = m_target->readyAt(mode);
        const Nanoseconds now = monotonicNow();
        if (!m_free.empty() && ready <= now)
            break;
        if (now > patience)
            return VK_TIMEOUT;
        const VkResult result = m_target->wait(-1, std::min(m_free.empty() ? kForever : ready, patience));
        if (result < 0)
            return result;
    }
    const uint32_t index = m_free.front();
    m_free.pop_front();
    m_busy[index] = true;
    const TargetBuffer& memory = m_memory[index];
    for (uint32_t y = 0; y < m_extent.height; ++y) {
        auto* row = reinterpret_cast<uint32_t*>(static_cast<uint8_t*>(memory.data) + size_t{memory.stride} * y);
        std::fill(row, row + memory.stride / 4, pixel);
    }
    Frame frame;
    frame.buffer = index;
    frame.serial = ++m_serial;
    frame.mode = mode;
    frame.damage = damage;
    return m_target->present(frame);
}

VkResult Player::finish()
{
    const Nanoseconds patience = deadlineAfter(kPatience);
    VkResult result = VK_SUCCESS;
    while (m_reported < m_serial || m_free.size() < kBuffers) {
        if (monotonicNow() > patience)
            return VK_TIMEOUT;
        result = m_target->wait(-1, patience);
        if (result < 0)
            return result;
    }
    return result;
}

int64_t uniform(const std::vector<uint32_t>& pixels, uint32_t mask)
{
    if (pixels.empty())
        return -1;
    const uint32_t first = pixels[0] & mask;
    const bool same = std::all_of(pixels.begin(), pixels.end(), [&](uint32_t p) { return (p & mask) == first; });
    return same ? int64_t{first} : -1;
}

} // namespace vwsi::xcbtest
