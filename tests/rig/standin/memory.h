#pragma once

#include <mutex>
#include <unordered_map>
#include <vulkan/vulkan_core.h>

namespace standin {

/** The struct of a type in a pNext chain, or null. */
template <typename T> const T* findIn(const void* chain, VkStructureType type)
{
    for (auto* s = static_cast<const VkBaseInStructure*>(chain); s; s = s->pNext) {
        if (s->sType == type)
            return reinterpret_cast<const T*>(s);
    }
    return nullptr;
}

/** The entry points below that memory needs. */
struct MemoryCalls {
    PFN_vkAllocateMemory allocate = nullptr;
    PFN_vkFreeMemory free = nullptr;
    PFN_vkGetMemoryFdKHR getFd = nullptr;
    PFN_vkGetMemoryFdPropertiesKHR getFdProperties = nullptr;
    PFN_vkGetMemoryHostPointerPropertiesEXT getHostPointerProperties = nullptr;
};

/**
 * The memory of one device whose dma-bufs are memfds, mapped here and imported as host pointers
 * (VK_EXT_external_memory_host). Everything else goes to the driver as it came.
 */
class SharedMemory {
public:
    SharedMemory(VkDevice device, const MemoryCalls& calls, VkDeviceSize pointerAlignment)
        : m_device(device), m_calls(calls), m_alignment(pointerAlignment)
    {
    }
    ~SharedMemory();
    SharedMemory(const SharedMemory&) = delete;
    SharedMemory& operator=(const SharedMemory&) = delete;

    VkResult allocate(const VkMemoryAllocateInfo* info, const VkAllocationCallbacks* allocator, VkDeviceMemory* memory);
    void free(VkDeviceMemory memory, const VkAllocationCallbacks* allocator);
    VkResult getFd(const VkMemoryGetFdInfoKHR* info, int* fd);
    VkResult getFdProperties(VkExternalMemoryHandleTypeFlagBits type, int fd, VkMemoryFdPropertiesKHR* properties);

private:
    struct Mapping {
        int fd;
        void* bytes;
        size_t size;
    };

    VkResult allocateOver(int fd, size_t size, const VkMemoryAllocateInfo* info, const VkAllocationCallbacks* allocator,
                          VkDeviceMemory* memory);

    VkDevice m_device;
    MemoryCalls m_calls;
    VkDeviceSize m_alignment;
    std::mutex m_mutex;
    std::unordered_map<VkDeviceMemory, Mapping> m_mappings;
};

} // namespace standin
