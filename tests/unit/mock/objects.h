#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>
#include <vulkan/vk_icd.h>
#include <vulkan/vulkan.h>

namespace vwsi::mock {

struct DeviceSpec;
struct Device;
struct Instance;

/// Finds two threads in calls that the application must keep apart ("externally synchronized").
using Occupancy = std::atomic<uint64_t>;

// Dispatchable objects start with the word in which the loader keeps its dispatch pointer.
struct PhysicalDevice {
    void* dispatch = nullptr;
    Instance* instance = nullptr;
    const DeviceSpec* spec = nullptr;
};

struct Instance {
    void* dispatch = nullptr;
    uint32_t apiVersion = VK_API_VERSION_1_0;
    std::set<std::string, std::less<>> extensions;
    std::vector<PhysicalDevice*> physicalDevices;
    uint32_t deviceCount = 0;
    uint32_t surfaceCount = 0;
    bool alive = true;
};

struct Queue {
    void* dispatch = nullptr;
    Device* device = nullptr;
    uint32_t family = 0;
    uint32_t index = 0;
    VkDeviceQueueCreateFlags flags = 0;
    Occupancy occupancy{0};
};

struct CommandPool;

struct Device {
    void* dispatch = nullptr;
    PhysicalDevice* physicalDevice = nullptr;
    std::set<std::string, std::less<>> extensions;
    bool synchronization2 = false;
    std::vector<Queue*> queues;
    bool alive = true;
};

/// State of a command being executed: what the layer may look at later.
struct Command {
    const char* name;
    std::function<void()> run;
    std::vector<uint64_t> uses; ///< handles that must be alive when it runs
};

struct CommandBuffer {
    enum class State { Initial, Recording, Executable, Invalid };
    void* dispatch = nullptr;
    Device* device = nullptr;
    CommandPool* pool = nullptr;
    State state = State::Initial;
    VkCommandBufferUsageFlags usage = 0;
    VkCommandBufferLevel level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
    unsigned pending = 0;
    std::vector<Command> commands;
    bool alive = true;
};

/// Common part of non-dispatchable objects. Handles are never used twice, so that stale ones are noticed.
struct Object {
    virtual ~Object() = default;
    uint64_t handle = 0;
    const char* kind = "";
    Device* device = nullptr;
    const VkAllocationCallbacks* allocator = nullptr; ///< only compared with null
    void* hostBlock = nullptr;                        ///< what came from the caller's allocator
};

struct Fence : Object {
    bool signalled = false;
    bool pending = false;
};

struct Semaphore : Object {
    bool timeline = false;
    bool exportable = false;
    uint64_t value = 0;
    bool signalled = false;
    int pendingSignals = 0;
    int pendingWaits = 0;
};

struct Event : Object {
    bool set = false;
};

struct Memory : Object {
    VkDeviceSize size = 0;
    uint32_t type = 0;
    bool visible = false;
    bool coherent = false;
    bool mapped = false;
    uint8_t* host = nullptr; ///< what the CPU sees
    uint8_t* gpu = nullptr;  ///< what commands see; equals `host` in coherent memory
    std::vector<uint8_t> hostBytes;
    std::vector<uint8_t> gpuBytes;
    int descriptor = -1; ///< of memory that is exported as a dma-buf, which here is a memfd
    VkImage dedicated = VK_NULL_HANDLE;
    ~Memory() override { release(); }
    /// Gives the bytes back.
    void release();
};

struct Buffer : Object {
    VkDeviceSize size = 0;
    VkBufferUsageFlags usage = 0;
    Memory* memory = nullptr;
    VkDeviceSize offset = 0;
};

struct Image : Object {
    VkImageCreateInfo info{};
    Memory* memory = nullptr;
    VkDeviceSize offset = 0;
    VkDeviceSize rowPitch = 0;
    VkDeviceSize size = 0;
    uint32_t texelSize = 4;
    VkImageLayout layout = VK_IMAGE_LAYOUT_UNDEFINED;
    uint64_t modifier = 0; ///< with VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT
    uint32_t memoryPlanes = 1;
    bool foreign = false;          ///< released to VK_QUEUE_FAMILY_FOREIGN_EXT
    std::vector<uint8_t> ownBytes; ///< of native swapchain images, which have no VkDeviceMemory
};

struct CommandPool : Object {
    VkCommandPoolCreateFlags flags = 0;
    uint32_t family = 0;
    std::vector<CommandBuffer*> buffers;
    Occupancy occupancy{0};
};

struct RenderPass : Object {
    std::vector<VkImageLayout> layouts;
};

struct Swapchain : Object {
    std::vector<VkImage> images;
    uint32_t next = 0;
};

/// Objects that have no behaviour here: views, samplers, framebuffers, private data slots…
struct Plain : Object {};

struct Surface {
    VkIcdSurfaceBase base;
    Instance* instance = nullptr;
};

template <typename Handle> uint64_t raw(Handle handle)
{
    if constexpr (std::is_pointer_v<Handle>)
        return reinterpret_cast<uint64_t>(handle);
    else
        return handle;
}

template <typename Handle> Handle cooked(uint64_t handle)
{
    if constexpr (std::is_pointer_v<Handle>)
        return reinterpret_cast<Handle>(handle);
    else
        return handle;
}

} // namespace vwsi::mock
