#pragma once

#include "drm/api.h"

#include <optional>
#include <string>

namespace vwsi::drm {

/// What is known of the wanted device (VK_EXT_physical_device_drm).
struct NodeRequest {
    std::optional<NodeNumber> primary;
    std::optional<NodeNumber> render;
};

/// Finds the primary node that can drive displays for a request: the one that the user named
/// (VENUS_WSI_DRM_DEVICE), else the device with one of the request's numbers, else the first virtio-gpu with
/// displays. Returns 0, or ENODEV when there is none, or the errno that kept it from being opened; in both
/// cases after one log line.
int findNode(const NodeRequest& request, const std::string& named, std::string* path);

} // namespace vwsi::drm
