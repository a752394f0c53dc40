#pragma once

#include "surface/target.h"

#include <string>

namespace vwsi {

/// Writes one frame as `folder/frame-SERIAL.ppm` (8 bits a channel). The file appears whole or not at all; the first
/// failure is logged, later ones are silent.
void dumpFrame(const std::string& folder, uint64_t serial, const TargetInfo& info, const TargetBuffer& buffer);

} // namespace vwsi
