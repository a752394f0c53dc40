#include "memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace standin {
namespace {

/** The parts of an allocation's chain that still hold when its payload is a host pointer. */
struct KeptChain {
    VkMemoryAllocateFlagsInfo flags;
    VkMemoryDedicatedAllocateInfo dedicated;
    VkMemoryPriorityAllocateInfoEXT priority;
    const void* first = nullptr;

    explicit KeptChain(const void* chain)
    {
        keep(chain, VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO, flags);
        keep(chain, VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO, dedicated);
        keep(chain, VK_STRUCTURE_TYPE_MEMORY_PRIORITY_ALLOCATE_INFO_EXT, priority);
    }

private:
    template <typename T> void keep(const void* chain, VkStructureType type, T& copy)
    {
        if (auto* found = findIn<T>(chain, type)) {
            copy = *found;
            copy.pNext = first;
            first = &copy;
        }
    }
};

} // namespace

SharedMemory::~SharedMemory()
{
    for (auto& [memory, mapping] : m_mappings) {
        munmap(mapping.bytes, mapping.size);
        close(mapping.fd);
    }
}

VkResult SharedMemory::allocate(const VkMemoryAllocateInfo* info, const VkAllocationCallbacks* allocator,
                                VkDeviceMemory* memory)
{
    constexpr auto dmaBuf = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT;
    auto* imported = findIn<VkImportMemoryFdInfoKHR>(info->pNext, VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR);
    if (imported && imported->handleType == dmaBuf) {
        struct stat status{};
        if (fstat(imported->fd, &status) != 0 || status.st_size == 0)
            return VK_ERROR_INVALID_EXTERNAL_HANDLE;
        // The descriptor becomes the implementation's only when the import succeeds.
        return allocateOver(imported->fd, static_cast<size_t>(status.st_size), info, allocator, memory);
    }

    auto* exported = findIn<VkExportMemoryAllocateInfo>(info->pNext, VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO);
    if (!exported || !(exported->handleTypes & dmaBuf))
        return m_calls.allocate(m_device, info, allocator, memory);

    const size_t size = (info->allocationSize + m_alignment - 1) / m_alignment * m_alignment;
    const int fd = memfd_create("standin", MFD_CLOEXEC);
    if (fd < 0)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    VkResult result = VK_ERROR_OUT_OF_HOST_MEMORY;
    if (ftruncate(fd, static_cast<off_t>(size)) == 0)
        result = allocateOver(fd, size, info, allocator, memory);
    if (result != VK_SUCCESS)
        close(fd);
    return result;
}

VkResult SharedMemory::allocateOver(int fd, size_t size, const VkMemoryAllocateInfo* info,
                                    const VkAllocationCallbacks* allocator, VkDeviceMemory* memory)
{
    void* bytes = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    const KeptChain kept(info->pNext);
    const VkImportMemoryHostPointerInfoEXT pointer = {VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT, kept.first,
                                                      VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT, bytes};
    VkMemoryAllocateInfo below = *info;
    below.pNext = &pointer;
    below.allocationSize = size;
    const VkResult result = m_calls.allocate(m_device, &below, allocator, memory);
    if (result != VK_SUCCESS) {
        munmap(bytes, size);
        return result;
    }
    const std::lock_guard lock(m_mutex);
    m_mappings[*memory] = {fd, bytes, size};
    return VK_SUCCESS;
}

void SharedMemory::free(VkDeviceMemory memory, const VkAllocationCallbacks* allocator)
{
    m_calls.free(m_device, memory, allocator);
    const std::lock_guard lock(m_mutex);
    if (auto found = m_mappings.find(memory); found != m_mappings.end()) {
        munmap(found->second.bytes, found->second.size);
        close(found->second.fd);
        m_mappings.erase(found);
    }
}

VkResult SharedMemory::getFd(const VkMemoryGetFdInfoKHR* info, int* fd)
{
    {
        const std::lock_guard lock(m_mutex);
        if (auto found = m_mappings.find(info->memory); found != m_mappings.end()) {
            *fd = fcntl(found->second.fd, F_DUPFD_CLOEXEC, 0);
            return *fd >= 0 ? VK_SUCCESS : VK_ERROR_TOO_MANY_OBJECTS;
        }
    }
    return m_calls.getFd(m_device, info, fd);
}

VkResult SharedMemory::getFdProperties(VkExternalMemoryHandleTypeFlagBits type, int fd,
                                       VkMemoryFdPropertiesKHR* properties)
{
    if (type != VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT)
        return m_calls.getFdProperties(m_device, type, fd, properties);
    void* bytes = mmap(nullptr, m_alignment, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED)
        return VK_ERROR_INVALID_EXTERNAL_HANDLE;
    VkMemoryHostPointerPropertiesEXT pointer = {VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT, nullptr, 0};
    const VkResult result = m_calls.getHostPointerProperties(
        m_device, VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT, bytes, &pointer);
    munmap(bytes, m_alignment);
    properties->memoryTypeBits = pointer.memoryTypeBits;
    return result;
}

} // namespace standin
