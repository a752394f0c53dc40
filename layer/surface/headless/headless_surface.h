#pragma once

#include "surface/surface.h"

namespace vwsi {

/// A surface of VK_EXT_headless_surface: frames are paced like on a display of 60 Hz (VENUS_WSI_REFRESH_MHZ) and
/// dropped, or left as PPM files in VENUS_WSI_HEADLESS_DIR.
VkResult createHeadlessSurface(std::unique_ptr<Surface>* surface);

} // namespace vwsi
