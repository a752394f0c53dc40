#include "mock/call.h"
#include "mock/entries.h"

#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace vwsi::mock {

namespace {

template <typename Struct> const Struct* in(const void* chain, VkStructureType type)
{
    for (auto* entry = static_cast<const VkBaseInStructure*>(chain); entry; entry = entry->pNext) {
        if (entry->sType == type)
            return reinterpret_cast<const Struct*>(entry);
    }
    return nullptr;
}

/// Copies between the CPU's and the GPU's view of non-coherent memory, as far as the range goes.
VkResult transfer(Call& call, uint32_t count, const VkMappedMemoryRange* ranges, bool toGpu)
{
    for (uint32_t i = 0; i < count; ++i) {
        auto* const memory = call.get<Memory>(ranges[i].memory);
        if (!memory)
            continue;
        const VkDeviceSize atom = call.physicalDevice->spec->nonCoherentAtomSize;
        const VkDeviceSize offset = ranges[i].offset;
        const bool whole = ranges[i].size == VK_WHOLE_SIZE;
        const VkDeviceSize size = whole ? memory->size - offset : ranges[i].size;
        if (!memory->mapped)
            call.error("memory that is not mapped");
        if (offset % atom || (!whole && size % atom && offset + size != memory->size) || offset + size > memory->size)
            call.error("range %llu+%llu breaks nonCoherentAtomSize or the memory's size",
                       static_cast<unsigned long long>(offset), static_cast<unsigned long long>(size));
        else if (!memory->coherent)
            memcpy((toGpu ? memory->gpu : memory->host) + offset, (toGpu ? memory->host : memory->gpu) + offset, size);
    }
    return call.fails() ? call.result() : VK_SUCCESS;
}

/// Memory that somebody else can map: no bytes of this process alone.
bool share(Memory& memory)
{
    memory.descriptor = memfd_create("mock-dma-buf", MFD_CLOEXEC);
    if (memory.descriptor < 0 || ftruncate(memory.descriptor, static_cast<off_t>(memory.size)) != 0)
        return false;
    void* const bytes = mmap(nullptr, memory.size, PROT_READ | PROT_WRITE, MAP_SHARED, memory.descriptor, 0);
    if (bytes == MAP_FAILED)
        return false;
    memory.host = memory.gpu = static_cast<uint8_t*>(bytes);
    return true;
}

} // namespace

void Memory::release()
{
    if (descriptor >= 0) {
        if (host)
            munmap(host, size);
        close(descriptor);
    }
    descriptor = -1;
    host = nullptr;
    gpu = nullptr;
    std::vector<uint8_t>().swap(hostBytes);
    std::vector<uint8_t>().swap(gpuBytes);
}

namespace entry {

VkResult AllocateMemory(VkDevice handle, const VkMemoryAllocateInfo* info, const VkAllocationCallbacks* allocator,
                        VkDeviceMemory* memoryHandle)
{
    Call call("vkAllocateMemory", handle);
    call.chain(info->pNext);
    const DeviceSpec& spec = *call.physicalDevice->spec;
    if (info->memoryTypeIndex >= spec.memoryTypes.size() || info->allocationSize == 0) {
        call.error("memory type %u, size %llu", info->memoryTypeIndex,
                   static_cast<unsigned long long>(info->allocationSize));
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    }
    if (call.fails())
        return call.result();
    auto* const memory = call.create<Memory>("VkDeviceMemory", allocator, memoryHandle);
    if (!memory)
        return call.result();
    const VkMemoryPropertyFlags flags = spec.memoryTypes[info->memoryTypeIndex].propertyFlags;
    memory->size = info->allocationSize;
    memory->type = info->memoryTypeIndex;
    memory->visible = flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT;
    memory->coherent = !memory->visible || (flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT);
    const auto* import =
        in<VkImportMemoryHostPointerInfoEXT>(info->pNext, VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT);
    if (import) {
        if (raw(import->pHostPointer) % spec.hostPointerAlignment || info->allocationSize % spec.hostPointerAlignment)
            call.error("imported pointer or size breaks minImportedHostPointerAlignment");
        memory->host = static_cast<uint8_t*>(import->pHostPointer);
        memory->gpu = memory->host;
        return VK_SUCCESS;
    }
    const auto* exported = in<VkExportMemoryAllocateInfo>(info->pNext, VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO);
    const auto* dedicated =
        in<VkMemoryDedicatedAllocateInfo>(info->pNext, VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO);
    memory->dedicated = dedicated ? dedicated->image : VK_NULL_HANDLE;
    if (exported && (exported->handleTypes & VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT)) {
        if (spec.exportsDedicatedOnly && !memory->dedicated)
            call.error("dma-bufs are of dedicated memory alone");
        if (!share(*memory)) {
            call.destroy(*memoryHandle, allocator);
            return VK_ERROR_OUT_OF_HOST_MEMORY;
        }
        return VK_SUCCESS;
    }
    // Fresh memory holds anything; a pattern makes code that relies on zeros visible.
    memory->hostBytes.assign(memory->size, 0xcd);
    memory->host = memory->hostBytes.data();
    memory->gpu = memory->host;
    if (!memory->coherent) {
        memory->gpuBytes.assign(memory->size, 0xcd);
        memory->gpu = memory->gpuBytes.data();
    }
    return VK_SUCCESS;
}

void FreeMemory(VkDevice handle, VkDeviceMemory memory, const VkAllocationCallbacks* allocator)
{
    if (!memory)
        return;
    Call call("vkFreeMemory", handle);
    if (call.world.inUse(raw(memory)) && !call.world.lost)
        call.error("a submission that has not completed uses the memory");
    call.destroy(memory, allocator);
}

VkResult MapMemory(VkDevice handle, VkDeviceMemory memoryHandle, VkDeviceSize offset, VkDeviceSize, VkMemoryMapFlags,
                   void** data)
{
    Call call("vkMapMemory", handle);
    auto* const memory = call.get<Memory>(memoryHandle);
    if (!memory)
        return VK_ERROR_MEMORY_MAP_FAILED;
    if (!memory->visible || memory->mapped)
        call.error(memory->mapped ? "memory is mapped already" : "memory is not host-visible");
    if (call.fails())
        return call.result();
    memory->mapped = true;
    *data = memory->host + offset;
    return VK_SUCCESS;
}

void UnmapMemory(VkDevice handle, VkDeviceMemory memoryHandle)
{
    Call call("vkUnmapMemory", handle);
    auto* const memory = call.get<Memory>(memoryHandle);
    if (memory && !memory->mapped)
        call.error("memory is not mapped");
    if (memory)
        memory->mapped = false;
}

VkResult FlushMappedMemoryRanges(VkDevice handle, uint32_t count, const VkMappedMemoryRange* ranges)
{
    Call call("vkFlushMappedMemoryRanges", handle);
    return transfer(call, count, ranges, true);
}

VkResult InvalidateMappedMemoryRanges(VkDevice handle, uint32_t count, const VkMappedMemoryRange* ranges)
{
    Call call("vkInvalidateMappedMemoryRanges", handle);
    return transfer(call, count, ranges, false);
}

VkResult GetMemoryFdKHR(VkDevice handle, const VkMemoryGetFdInfoKHR* info, int* descriptor)
{
    Call call("vkGetMemoryFdKHR", handle);
    auto* const memory = call.get<Memory>(info->memory);
    if (!memory || memory->descriptor < 0 || info->handleType != VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT) {
        call.error("the memory is not for dma-bufs");
        return VK_ERROR_TOO_MANY_OBJECTS;
    }
    if (call.fails())
        return call.result();
    *descriptor = fcntl(memory->descriptor, F_DUPFD_CLOEXEC, 0);
    return *descriptor < 0 ? VK_ERROR_TOO_MANY_OBJECTS : VK_SUCCESS;
}

VkResult GetMemoryHostPointerPropertiesEXT(VkDevice handle, VkExternalMemoryHandleTypeFlagBits, const void*,
                                           VkMemoryHostPointerPropertiesEXT* properties)
{
    Call call("vkGetMemoryHostPointerPropertiesEXT", handle);
    if (call.fails())
        return call.result();
    properties->memoryTypeBits = 0;
    const auto& types = call.physicalDevice->spec->memoryTypes;
    for (uint32_t i = 0; i < types.size(); ++i) {
        if (types[i].propertyFlags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT)
            properties->memoryTypeBits |= 1u << i;
    }
    return VK_SUCCESS;
}

} // namespace entry

} // namespace vwsi::mock
