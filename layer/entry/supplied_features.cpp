#include "entry/supplied_features.h"

#include "core/physical_device.h"

#include <algorithm>
#include <iterator>

namespace vwsi {

namespace {

/// A feature struct of a window-system extension: sType, pNext, then VkBool32 members.
struct FeatureStruct {
    VkStructureType type;
    uint32_t count; ///< number of members
    /// The driver's extension that the features add to; without it they are not there. Null: they always are.
    const char* base = nullptr;
};

constexpr FeatureStruct kFeatures[] = {
    {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SWAPCHAIN_MAINTENANCE_1_FEATURES_EXT, 1},
    {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_ID_FEATURES_KHR, 1},
    {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_WAIT_FEATURES_KHR, 1},
#ifdef VK_KHR_present_id2
    {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_ID_2_FEATURES_KHR, 1},
#endif
#ifdef VK_KHR_present_wait2
    {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_WAIT_2_FEATURES_KHR, 1},
#endif
#ifdef VK_EXT_present_timing
    {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_TIMING_FEATURES_EXT, 3},
#endif
    {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_COMPRESSION_CONTROL_SWAPCHAIN_FEATURES_EXT, 1,
     VK_EXT_IMAGE_COMPRESSION_CONTROL_EXTENSION_NAME},
#ifdef VK_EXT_present_mode_fifo_latest_ready
    {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_MODE_FIFO_LATEST_READY_FEATURES_EXT, 1},
#endif
};

const FeatureStruct* find(VkStructureType type)
{
    const auto* const found = std::find_if(std::begin(kFeatures), std::end(kFeatures),
                                           [&](const FeatureStruct& known) { return known.type == type; });
    return found == std::end(kFeatures) ? nullptr : found;
}

} // namespace

void reportSuppliedFeatures(const PhysicalDevice& device, void* chain)
{
    for (auto* entry = static_cast<VkBaseOutStructure*>(chain); entry; entry = entry->pNext) {
        if (const FeatureStruct* const feature = find(entry->sType))
            std::fill_n(reinterpret_cast<VkBool32*>(entry + 1), feature->count,
                        !feature->base || device.driverHas(feature->base) ? VK_TRUE : VK_FALSE);
    }
}

bool isWindowSystemFeature(VkStructureType type)
{
    return find(type) != nullptr;
}

} // namespace vwsi
