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
    damage.keepOne({0, 0});
    return damage;
}

DamageRegion DamageRegion::on(const Placement& placement) const
{
    if (m_everything)
        return everything();
    DamageRegion damage;
    for (const VkRect2D& rect : rectangles()) {
        const VkRect2D shown = placement.map(rect);
        if (shown.extent.width && shown.extent.height)
            damage.m_rectangles[damage.m_count++] = shown;
    }
    damage.keepOne(placement.destination.offset);
    return damage;
}

void DamageRegion::keepOne(VkOffset2D pixel)
{
    if (m_count == 0)
        m_rectangles[m_count++] = {pixel, {1, 1}};
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
