#include "harness/test_device.h"

#include "harness/layer_library.h"
#include "mock/heap_probe.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>

namespace vwsi::testing {

namespace {

/// What the loader does with dispatchable handles that a layer below its trampoline returns.
void setDispatch(const void* parent, void* object)
{
    *static_cast<void**>(object) = *static_cast<void* const*>(parent);
}

VkResult VKAPI_CALL setInstanceLoaderData(VkInstance instance, void* object)
{
    setDispatch(instance, object);
    return VK_SUCCESS;
}

VkResult VKAPI_CALL setDeviceLoaderData(VkDevice device, void* object)
{
    setDispatch(device, object);
    return VK_SUCCESS;
}

} // namespace

TestInstance::TestInstance(const InstanceOptions& options) : m_via(options.via), m_allocator(options.allocator)
{
    VkLayerInstanceLink link{nullptr, mock::Driver::getInstanceProcAddr, mock::Driver::getPhysicalDeviceProcAddr};
    VkLayerInstanceCreateInfo loaderData{};
    loaderData.sType = VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO;
    loaderData.pNext = options.next;
    loaderData.function = VK_LOADER_DATA_CALLBACK;
    loaderData.u.pfnSetInstanceLoaderData = setInstanceLoaderData;
    VkLayerInstanceCreateInfo linkInfo{};
    linkInfo.sType = VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO;
    linkInfo.pNext = &loaderData;
    linkInfo.function = VK_LAYER_LINK_INFO;
    linkInfo.u.pLayerInfo = &link;

    VkApplicationInfo application{};
    application.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
    application.apiVersion = options.apiVersion;
    VkInstanceCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
    info.pNext = m_via == Via::Layer ? static_cast<const void*>(&linkInfo) : options.next;
    info.pApplicationInfo = options.applicationInfo ? &application : nullptr;
    info.enabledExtensionCount = static_cast<uint32_t>(options.extensions.size());
    info.ppEnabledExtensionNames = options.extensions.data();

    const PFN_vkGetInstanceProcAddr first =
        m_via == Via::Layer ? LayerLibrary::instance().getInstanceProcAddr : mock::Driver::getInstanceProcAddr;
    const auto create = reinterpret_cast<PFN_vkCreateInstance>(first(VK_NULL_HANDLE, "vkCreateInstance"));
    {
        const mock::HeapProbe::Failure failure(options.failHeapAt);
        result = create(&info, m_allocator, &handle);
        heapFailureHit = failure.wasHit();
    }
    if (result != VK_SUCCESS) {
        handle = VK_NULL_HANDLE;
        return;
    }
#define INSTANCE(name) vk.name = reinterpret_cast<PFN_vk##name>(proc("vk" #name));
#define DEVICE(name)
#include "harness/functions.inc"
#undef INSTANCE
#undef DEVICE
    uint32_t count = 0;
    vk.EnumeratePhysicalDevices(handle, &count, nullptr);
    physicalDevices.resize(count);
    vk.EnumeratePhysicalDevices(handle, &count, physicalDevices.data());
}

TestInstance::~TestInstance()
{
    if (handle)
        vk.DestroyInstance(handle, m_allocator);
}

PFN_vkVoidFunction TestInstance::proc(const char* name) const
{
    return m_via == Via::Layer ? LayerLibrary::instance().getInstanceProcAddr(handle, name)
                               : mock::Driver::getInstanceProcAddr(handle, name);
}

VkSurfaceKHR TestInstance::createSurface(const VkAllocationCallbacks* allocator) const
{
    const VkHeadlessSurfaceCreateInfoEXT info{VK_STRUCTURE_TYPE_HEADLESS_SURFACE_CREATE_INFO_EXT, nullptr, 0};
    VkSurfaceKHR surface = VK_NULL_HANDLE;
    EXPECT_EQ(vk.CreateHeadlessSurfaceEXT(handle, &info, allocator, &surface), VK_SUCCESS);
    return surface;
}

std::vector<VkExtensionProperties> TestInstance::deviceExtensions(uint32_t device) const
{
    uint32_t count = 0;
    EXPECT_EQ(vk.EnumerateDeviceExtensionProperties(physicalDevices[device], nullptr, &count, nullptr), VK_SUCCESS);
    std::vector<VkExtensionProperties> list(count);
    EXPECT_EQ(vk.EnumerateDeviceExtensionProperties(physicalDevices[device], nullptr, &count, list.data()), VK_SUCCESS);
    EXPECT_EQ(count, list.size());
    return list;
}

bool TestInstance::hasDeviceExtension(const char* name, uint32_t device) const
{
    const auto list = deviceExtensions(device);
    return std::any_of(list.begin(), list.end(), [&](const auto& e) { return !strcmp(e.extensionName, name); });
}

TestDevice::TestDevice(TestInstance& owner, const DeviceOptions& options)
    : instance(owner), physicalDevice(owner.physicalDevices[options.physicalDevice]), m_allocator(options.allocator)
{
    VkLayerDeviceLink link{nullptr, mock::Driver::getInstanceProcAddr,
                           reinterpret_cast<PFN_vkGetDeviceProcAddr>(
                               mock::Driver::getInstanceProcAddr(owner.handle, "vkGetDeviceProcAddr"))};
    VkLayerDeviceCreateInfo loaderData{};
    loaderData.sType = VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO;
    loaderData.pNext = options.next;
    loaderData.function = VK_LOADER_DATA_CALLBACK;
    loaderData.u.pfnSetDeviceLoaderData = setDeviceLoaderData;
    VkLayerDeviceCreateInfo linkInfo{};
    linkInfo.sType = VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO;
    linkInfo.pNext = &loaderData;
    linkInfo.function = VK_LAYER_LINK_INFO;
    linkInfo.u.pLayerInfo = &link;

    const std::vector<float> priorities(options.queues, 1.0f);
    VkDeviceQueueCreateInfo queueInfo{};
    queueInfo.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
    queueInfo.queueCount = options.queues;
    queueInfo.pQueuePriorities = priorities.data();
    VkDeviceCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
    info.pNext = owner.via() == Via::Layer ? static_cast<const void*>(&linkInfo) : options.next;
    info.queueCreateInfoCount = options.queueInfos ? options.queueInfoCount : 1;
    info.pQueueCreateInfos = options.queueInfos ? options.queueInfos : &queueInfo;
    info.enabledExtensionCount = static_cast<uint32_t>(options.extensions.size());
    info.ppEnabledExtensionNames = options.extensions.data();
    {
        const mock::HeapProbe::Failure failure(options.failHeapAt);
        result = owner.vk.CreateDevice(physicalDevice, &info, m_allocator, &handle);
        heapFailureHit = failure.wasHit();
    }
    if (result != VK_SUCCESS) {
        handle = VK_NULL_HANDLE;
        return;
    }
#define INSTANCE(name)
#define DEVICE(name) vk.name = reinterpret_cast<PFN_vk##name>(proc("vk" #name));
#include "harness/functions.inc"
#undef INSTANCE
#undef DEVICE
    for (uint32_t i = 0; i < info.queueCreateInfoCount; ++i) {
        const VkDeviceQueueCreateInfo& family = info.pQueueCreateInfos[i];
        for (uint32_t j = 0; j < family.queueCount; ++j) {
            VkQueue queue = VK_NULL_HANDLE;
            const VkDeviceQueueInfo2 which{VK_STRUCTURE_TYPE_DEVICE_QUEUE_INFO_2, nullptr, family.flags,
                                           family.queueFamilyIndex, j};
            if (family.flags)
                vk.GetDeviceQueue2(handle, &which, &queue);
            else
                vk.GetDeviceQueue(handle, family.queueFamilyIndex, j, &queue);
            setDispatch(handle, queue);
            queues.push_back(queue);
        }
    }
    VkCommandPoolCreateInfo pool{};
    pool.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
    pool.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
    EXPECT_EQ(vk.CreateCommandPool(handle, &pool, nullptr, &m_pool), VK_SUCCESS);
}

TestDevice::~TestDevice()
{
    if (!handle)
        return;
    for (VkSemaphore semaphore : m_semaphores)
        vk.DestroySemaphore(handle, semaphore, nullptr);
    for (VkFence fence : m_fences)
        vk.DestroyFence(handle, fence, nullptr);
    vk.DestroyCommandPool(handle, m_pool, nullptr);
    vk.DestroyDevice(handle, m_allocator);
}

PFN_vkVoidFunction TestDevice::proc(const char* name) const
{
    if (instance.via() == Via::Layer)
        return LayerLibrary::instance().getDeviceProcAddr(handle, name);
    const auto gdpa = reinterpret_cast<PFN_vkGetDeviceProcAddr>(
        mock::Driver::getInstanceProcAddr(instance.handle, "vkGetDeviceProcAddr"));
    return gdpa(handle, name);
}

VkSemaphore TestDevice::makeSemaphore(const void* next)
{
    const VkSemaphoreCreateInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, next, 0};
    VkSemaphore made = VK_NULL_HANDLE;
    EXPECT_EQ(vk.CreateSemaphore(handle, &info, nullptr, &made), VK_SUCCESS);
    m_semaphores.push_back(made);
    return made;
}

VkSemaphore TestDevice::semaphore()
{
    return makeSemaphore(nullptr);
}

VkSemaphore TestDevice::exportableSemaphore()
{
    const VkExportSemaphoreCreateInfo exported{VK_STRUCTURE_TYPE_EXPORT_SEMAPHORE_CREATE_INFO, nullptr,
                                               VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT};
    return makeSemaphore(&exported);
}

VkSemaphore TestDevice::timeline(uint64_t value)
{
    const VkSemaphoreTypeCreateInfo type{VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO, nullptr,
                                         VK_SEMAPHORE_TYPE_TIMELINE, value};
    return makeSemaphore(&type);
}

VkFence TestDevice::fence(bool signalled)
{
    const VkFenceCreateInfo info{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO, nullptr,
                                 signalled ? VkFenceCreateFlags(VK_FENCE_CREATE_SIGNALED_BIT) : 0u};
    VkFence made = VK_NULL_HANDLE;
    EXPECT_EQ(vk.CreateFence(handle, &info, nullptr, &made), VK_SUCCESS);
    m_fences.push_back(made);
    return made;
}

void TestDevice::destroy(VkSemaphore semaphore)
{
    std::erase(m_semaphores, semaphore);
    vk.DestroySemaphore(handle, semaphore, nullptr);
}

void TestDevice::destroyFence(VkFence fence)
{
    std::erase(m_fences, fence);
    vk.DestroyFence(handle, fence, nullptr);
}

VkCommandBuffer TestDevice::begin(VkCommandBufferUsageFlags usage)
{
    const VkCommandBufferAllocateInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, nullptr, m_pool,
                                           VK_COMMAND_BUFFER_LEVEL_PRIMARY, 1};
    VkCommandBuffer buffer = VK_NULL_HANDLE;
    EXPECT_EQ(vk.AllocateCommandBuffers(handle, &info, &buffer), VK_SUCCESS);
    setDispatch(handle, buffer);
    const VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO, nullptr, usage, nullptr};
    EXPECT_EQ(vk.BeginCommandBuffer(buffer, &begin), VK_SUCCESS);
    return buffer;
}

VkResult TestDevice::submit(const std::vector<VkSemaphore>& waits, const std::vector<VkCommandBuffer>& buffers,
                            const std::vector<VkSemaphore>& signals, VkFence fence, uint32_t queue)
{
    const std::vector<VkPipelineStageFlags> stages(waits.size(), VK_PIPELINE_STAGE_TRANSFER_BIT);
    const VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO,
                            nullptr,
                            static_cast<uint32_t>(waits.size()),
                            waits.data(),
                            stages.data(),
                            static_cast<uint32_t>(buffers.size()),
                            buffers.data(),
                            static_cast<uint32_t>(signals.size()),
                            signals.data()};
    return vk.QueueSubmit(queues[queue], 1, &info, fence);
}

bool TestDevice::wait(VkFence fence, uint64_t timeout)
{
    return vk.WaitForFences(handle, 1, &fence, VK_TRUE, timeout) == VK_SUCCESS;
}

} // namespace vwsi::testing
