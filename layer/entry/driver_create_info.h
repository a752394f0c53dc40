#pragma once

#include "core/driver_support.h"
#include "core/scratch_arena.h"

#include <cstdint>
#include <span>
#include <vector>
#include <vulkan/vulkan.h>

namespace vwsi {

class PhysicalDevice;

/// The create info that a served device's driver gets: nothing of the window-system extensions, and what the layer uses
/// of the driver's own.
class DriverCreateInfo {
public:
    /// `info` must outlive this. Throws std::bad_alloc.
    DriverCreateInfo(const PhysicalDevice& device, const VkDeviceCreateInfo& info);
    DriverCreateInfo(const DriverCreateInfo&) = delete;
    DriverCreateInfo& operator=(const DriverCreateInfo&) = delete;

    const VkDeviceCreateInfo& get() const { return m_info; }
    const DriverSupport& support() const { return m_support; }

private:
    struct Needed {
        const char* name;
        uint32_t coreSince; ///< version that has it without the extension
    };

    static const Needed kHostMemory[];
    static const Needed kDmaBuf[];
    static const Needed kModifiers[];
    static const Needed kForeignQueue[];

    /// What an extension of the application's is called at the driver; null: it is the layer's alone.
    const char* driverName(const PhysicalDevice& device, const char* name) const;
    bool named(const char* name) const;
    /// Enables an extension with all that it depends on; false when the driver lacks a part.
    bool enable(const PhysicalDevice& device, std::span<const Needed> needed);

    ScratchArena m_arena;
    VkDeviceCreateInfo m_info;
    std::vector<const char*> m_names;
    DriverSupport m_support;
};

} // namespace vwsi
