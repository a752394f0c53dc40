#pragma once

#include <type_traits>
#include <vulkan/vulkan.h>
#include <vulkan/vulkan_wayland.h>

/// The mock driver's entry points, named as in Vulkan without the prefix.
namespace vwsi::mock::entry {

#define ENTRY(name) std::remove_pointer_t<PFN_vk##name> name;
#define ALIAS(alias, name)
#include "mock/entries.inc"
#undef ENTRY
#undef ALIAS

} // namespace vwsi::mock::entry
