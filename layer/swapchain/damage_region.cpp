#include "swapchain/damage_region.h"

#include <algorithm>

namespace vwsi {

DamageRegion DamageRegion::from(const VkPresentRegionKHR* region, VkExtent2D extent)
{
    if (!region || region->rectangleCount == 0 || !region->pRectangles || region->rectangleCount > kCapacity)
        return everything();
    DamageRegion damage;
    for (uint32_t i = 0; i < region->rectangleCount; ++i) {
        const VkRectLayerKHR& rect = region->pRectangles[i];
        const int64_t left = std::max<int64_t>(rect.offset.x, 0);
        const int64_t top = std::max<int64_t>(rect.offset.y, 0);
        const int64_t right = std::min<int64_t>(int64_t{rect.offset.x} + rect.extent.width, extent.width);
        const int64_t bottom = std::min<int64_t>(int64_t{rect.offset.y} + rect.extent.height, extent.height);
        if (left >= right || top >= bottom)
            continue;
        damage.m_rectangles[damage.m_count++] = {
            {static_cast<int32_t>(left), static_cast<int32_t>(top)},
            {static_cast<uint32_t>(right - left), static_cast<uint32_t>(bottom - top)}};
    }
    // Nothing changed: one pixel keeps the frame a frame for window systems where no damage means all of it.
    if (damage.m_count == 0)
        damage.m_rectangles[damage.m_count++] = {{0, 0}, {1, 1}};
    return damage;
}

void DamageRegion::add(const DamageRegion& other)
{
    if (m_everything || other.m_everything || m_count + other.m_count > kCapacity) {
        *this = everything();
        return;
    }
    std::copy_n(other.m_rectangles.begin(), other.m_count, m_rectangles.begin() + m_count);
    m_count += other.m_count;
}

} // namespace vwsi
