#pragma once

namespace vwsi {

/// Extensions of the driver that are enabled on a served device, for the layer's own use or by the application.
struct DriverSupport {
    bool hostMemory = false;   ///< VK_EXT_external_memory_host
    bool dmaBuf = false;       ///< memory can be exported as a dma-buf (VK_EXT_external_memory_dma_buf)
    bool modifiers = false;    ///< VK_EXT_image_drm_format_modifier
    bool foreignQueue = false; ///< VK_EXT_queue_family_foreign
};

} // namespace vwsi
