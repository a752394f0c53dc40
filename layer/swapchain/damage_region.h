#pragma once

#include "swapchain/placement.h"

#include <array>
#include <cstdint>
#include <span>
#include <vulkan/vulkan.h>

namespace vwsi {

/// The changed parts of an image: up to a few rectangles, or all of it.
class DamageRegion {
public:
    DamageRegion() = default;

    static DamageRegion everything()
    {
        DamageRegion region;
        region.m_everything = true;
        return region;
    }

    /// From VK_KHR_incremental_present; null or a count of zero means everything. Clipped to `extent`.
    static DamageRegion from(const VkPresentRegionKHR* region, VkExtent2D extent);

    /// Adds another region; past the fixed number of rectangles the result grows to everything.
    void add(const DamageRegion& other);

    /// The same change of the pixels that show it. Never nothing: where none does, one pixel is named.
    DamageRegion on(const Placement& placement) const;

    bool isEverything() const { return m_everything; }

    /// The rectangles; empty for everything as well as for nothing.
    std::span<const VkRect2D> rectangles() const { return {m_rectangles.data(), m_count}; }

private:
    static constexpr uint32_t kCapacity = 16;

    /// Nothing changed: one pixel keeps the frame a frame for window systems where no damage means all of it.
    void keepOne(VkOffset2D pixel);

    std::array<VkRect2D, kCapacity> m_rectangles;
    uint32_t m_count = 0;
    bool m_everything = false;
};

} // namespace vwsi
