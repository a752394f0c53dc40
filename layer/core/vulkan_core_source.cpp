// Preprocessed only, for struct_sizes.awk.
#include <vulkan/vulkan_core.h>
