#pragma once

#include <vulkan/vulkan.h>

namespace vwsi {

// The functions of the next link of the chain that the layer calls. A second name is tried where the first is missing:
// the extension that a core function came from.

#define VWSI_INSTANCE_FUNCTIONS(X)                                                                                     \
    X(DestroyInstance, "")                                                                                             \
    X(EnumeratePhysicalDevices, "")                                                                                    \
    X(GetPhysicalDeviceProperties, "")                                                                                 \
    X(GetPhysicalDeviceProperties2, "vkGetPhysicalDeviceProperties2KHR")                                               \
    X(GetPhysicalDeviceFeatures2, "vkGetPhysicalDeviceFeatures2KHR")                                                   \
    X(GetPhysicalDeviceImageFormatProperties, "")                                                                      \
    X(GetPhysicalDeviceImageFormatProperties2, "vkGetPhysicalDeviceImageFormatProperties2KHR")                         \
    X(GetPhysicalDeviceFormatProperties, "")                                                                           \
    X(GetPhysicalDeviceMemoryProperties, "")                                                                           \
    X(GetPhysicalDeviceQueueFamilyProperties, "")                                                                      \
    X(EnumerateDeviceExtensionProperties, "")                                                                          \
    X(CreateDevice, "")                                                                                                \
    X(DestroySurfaceKHR, "")                                                                                           \
    X(CreateHeadlessSurfaceEXT, "")                                                                                    \
    X(GetPhysicalDeviceSurfaceSupportKHR, "")                                                                          \
    X(GetPhysicalDeviceSurfaceCapabilitiesKHR, "")                                                                     \
    X(GetPhysicalDeviceSurfaceCapabilities2KHR, "")                                                                    \
    X(GetPhysicalDeviceSurfaceFormatsKHR, "")                                                                          \
    X(GetPhysicalDeviceSurfaceFormats2KHR, "")                                                                         \
    X(GetPhysicalDeviceSurfacePresentModesKHR, "")                                                                     \
    X(GetPhysicalDevicePresentRectanglesKHR, "")

#define VWSI_DEVICE_FUNCTIONS(X)                                                                                       \
    X(DestroyDevice, "")                                                                                               \
    X(GetDeviceQueue, "")                                                                                              \
    X(GetDeviceQueue2, "")                                                                                             \
    X(QueueSubmit, "")                                                                                                 \
    X(QueueSubmit2, "vkQueueSubmit2KHR")                                                                               \
    X(QueueBindSparse, "")                                                                                             \
    X(QueueWaitIdle, "")                                                                                               \
    X(DeviceWaitIdle, "")                                                                                              \
    X(AllocateMemory, "")                                                                                              \
    X(FreeMemory, "")                                                                                                  \
    X(MapMemory, "")                                                                                                   \
    X(UnmapMemory, "")                                                                                                 \
    X(InvalidateMappedMemoryRanges, "")                                                                                \
    X(BindBufferMemory, "")                                                                                            \
    X(BindImageMemory, "")                                                                                             \
    X(BindImageMemory2, "vkBindImageMemory2KHR")                                                                       \
    X(GetBufferMemoryRequirements, "")                                                                                 \
    X(GetImageMemoryRequirements, "")                                                                                  \
    X(GetImageSubresourceLayout, "")                                                                                   \
    X(GetMemoryHostPointerPropertiesEXT, "")                                                                           \
    X(CreateBuffer, "")                                                                                                \
    X(DestroyBuffer, "")                                                                                               \
    X(CreateImage, "")                                                                                                 \
    X(DestroyImage, "")                                                                                                \
    X(CreateFence, "")                                                                                                 \
    X(DestroyFence, "")                                                                                                \
    X(ResetFences, "")                                                                                                 \
    X(GetFenceStatus, "")                                                                                              \
    X(WaitForFences, "")                                                                                               \
    X(CreateSemaphore, "")                                                                                             \
    X(DestroySemaphore, "")                                                                                            \
    X(ImportSemaphoreFdKHR, "")                                                                                        \
    X(CreateRenderPass, "")                                                                                            \
    X(CreateRenderPass2, "vkCreateRenderPass2KHR")                                                                     \
    X(CreateCommandPool, "")                                                                                           \
    X(DestroyCommandPool, "")                                                                                          \
    X(AllocateCommandBuffers, "")                                                                                      \
    X(BeginCommandBuffer, "")                                                                                          \
    X(EndCommandBuffer, "")                                                                                            \
    X(CmdPipelineBarrier, "")                                                                                          \
    X(CmdPipelineBarrier2, "vkCmdPipelineBarrier2KHR")                                                                 \
    X(CmdWaitEvents, "")                                                                                               \
    X(CmdWaitEvents2, "vkCmdWaitEvents2KHR")                                                                           \
    X(CmdSetEvent2, "vkCmdSetEvent2KHR")                                                                               \
    X(CmdCopyImageToBuffer, "")                                                                                        \
    X(CmdFillBuffer, "")                                                                                               \
    X(SetPrivateData, "vkSetPrivateDataEXT")                                                                           \
    X(GetPrivateData, "vkGetPrivateDataEXT")                                                                           \
    X(DestroyPrivateDataSlot, "vkDestroyPrivateDataSlotEXT")                                                           \
    X(SetDebugUtilsObjectNameEXT, "")                                                                                  \
    X(SetDebugUtilsObjectTagEXT, "")                                                                                   \
    X(DebugMarkerSetObjectNameEXT, "")                                                                                 \
    X(DebugMarkerSetObjectTagEXT, "")

#define VWSI_DECLARE(name, alias) PFN_vk##name name = nullptr;

struct InstanceDispatch {
    PFN_vkGetInstanceProcAddr GetInstanceProcAddr = nullptr;
    VWSI_INSTANCE_FUNCTIONS(VWSI_DECLARE)

    void load(VkInstance instance, PFN_vkGetInstanceProcAddr next);
};

struct DeviceDispatch {
    PFN_vkGetDeviceProcAddr GetDeviceProcAddr = nullptr;
    VWSI_DEVICE_FUNCTIONS(VWSI_DECLARE)

    void load(VkDevice device, PFN_vkGetDeviceProcAddr next);
};

#undef VWSI_DECLARE

} // namespace vwsi
