#include "core/host_allocator.h"

#include <algorithm>
#include <cstring>
#include <malloc.h>

namespace vwsi {

namespace {

VKAPI_ATTR void* VKAPI_CALL heapAllocate(void*, size_t size, size_t alignment, VkSystemAllocationScope)
{
    void* memory = nullptr;
    return posix_memalign(&memory, std::max(alignment, sizeof(void*)), size) == 0 ? memory : nullptr;
}

VKAPI_ATTR void* VKAPI_CALL heapReallocate(void*, void* original, size_t size, size_t alignment,
                                           VkSystemAllocationScope scope)
{
    if (size == 0) {
        free(original);
        return nullptr;
    }
    void* const memory = heapAllocate(nullptr, size, alignment, scope);
    if (memory && original) {
        memcpy(memory, original, std::min(size, malloc_usable_size(original)));
        free(original);
    }
    return memory;
}

VKAPI_ATTR void VKAPI_CALL heapFree(void*, void* memory)
{
    free(memory);
}

} // namespace

const VkAllocationCallbacks* heapCallbacks()
{
    static const VkAllocationCallbacks callbacks{nullptr, &heapAllocate, &heapReallocate, &heapFree, nullptr, nullptr};
    return &callbacks;
}

} // namespace vwsi
