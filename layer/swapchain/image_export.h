#pragma once

#include "core/host_allocator.h"
#include "surface/dma_buf.h"

#include <vector>
#include <vulkan/vulkan.h>

namespace vwsi {

class Device;

/// What a create info gets for an image whose memory is exported.
struct ExportChain {
    VkExternalMemoryImageCreateInfo external{};
    VkImageDrmFormatModifierListCreateInfoEXT modifiers{};
};

/// Presentable images in memory of the driver's that a window system reads as dma-bufs.
///
/// Where the driver knows VK_EXT_image_drm_format_modifier it picks the layout among those that both sides take. Where
/// not, images are linear, which VK_IMAGE_TILING_LINEAR defines for everybody.
class ImageExport {
public:
    explicit ImageExport(Device& device) : m_device(device) {}

    /// Why exporting images of this device does not pay, or is not possible, before the window system is asked; null:
    /// it may. `insists`: it need not pay.
    const char* obstacle(bool insists) const;

    /// Chooses how images like `info`, which asks for VK_IMAGE_TILING_OPTIMAL, are laid out for `offer`. Returns why
    /// they cannot be, or null. `info` and what it points to must outlive this. Throws std::bad_alloc.
    const char* choose(const VkImageCreateInfo& info, const DmaBufOffer& offer, bool insists);

    /// Changes the create info of an image, or of one that is to share the memory of another, to what choose() found.
    void describe(VkImageCreateInfo& info, ExportChain& chain) const;

    /// Allocates and binds memory for an image that was created as described, and exports it. `*memory` is the caller's
    /// to free and `exported->descriptor` its to close, also on failure. `*step` says what failed.
    VkResult realize(VkImage image, HostAllocator& allocator, VkDeviceMemory* memory, DmaBuf* exported,
                     const char** step);

private:
    struct Modifier {
        uint64_t code;
        uint32_t planeCount;
        bool dedicated; ///< only memory of the image's own can be exported
    };

    std::vector<VkDrmFormatModifierPropertiesEXT> driverModifiers() const;
    bool readBy(dev_t node) const;
    /// The driver makes such images with `modifier` (null: linear), as able as optimal ones, and exports them.
    bool supports(const VkDrmFormatModifierPropertiesEXT* modifier, bool* dedicated) const;
    const char* chooseModifiers(const DmaBufOffer& offer);
    const char* chooseLinear(const DmaBufOffer& offer);
    VkResult learnModifier(VkImage image);
    VkResult learnPlanes(VkImage image, DmaBuf* exported) const;

    Device& m_device;
    const VkImageCreateInfo* m_info = nullptr;
    std::vector<Modifier> m_modifiers; ///< to choose from; after the first image the one that it got
    std::vector<uint64_t> m_codes;     ///< the same for VkImageDrmFormatModifierListCreateInfoEXT; empty: linear tiling
    bool m_learned = false;
};

} // namespace vwsi
