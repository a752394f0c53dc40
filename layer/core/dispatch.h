#pragma once

#include <vulkan/vulkan.h>

namespace vwsi {

// The functions of the next link of the chain that the layer calls: name, the name in the extension that a core
// function came from, and the version that made it core. Below that version the extension's name is the valid one.

#define VWSI_INSTANCE_FUNCTIONS(X)                                                                                     \
    X(DestroyInstance, "", VK_API_VERSION_1_0)                                                                         \
    X(EnumeratePhysicalDevices, "", VK_API_VERSION_1_0)                                                                \
    X(GetPhysicalDeviceProperties, "", VK_API_VERSION_1_0)                                                             \
    X(GetPhysicalDeviceProperties2, "vkGetPhysicalDeviceProperties2KHR", VK_API_VERSION_1_1)                           \
    X(GetPhysicalDeviceFeatures2, "vkGetPhysicalDeviceFeatures2KHR", VK_API_VERSION_1_1)                               \
    X(GetPhysicalDeviceImageFormatProperties, "", VK_API_VERSION_1_0)                                                  \
    X(GetPhysicalDeviceImageFormatProperties2, "vkGetPhysicalDeviceImageFormatProperties2KHR", VK_API_VERSION_1_1)     \
    X(GetPhysicalDeviceFormatProperties, "", VK_API_VERSION_1_0)                                                       \
    X(GetPhysicalDeviceFormatProperties2, "vkGetPhysicalDeviceFormatProperties2KHR", VK_API_VERSION_1_1)               \
    X(GetPhysicalDeviceMemoryProperties, "", VK_API_VERSION_1_0)                                                       \
    X(GetPhysicalDeviceQueueFamilyProperties, "", VK_API_VERSION_1_0)                                                  \
    X(EnumerateDeviceExtensionProperties, "", VK_API_VERSION_1_0)                                                      \
    X(CreateDevice, "", VK_API_VERSION_1_0)                                                                            \
    X(DestroySurfaceKHR, "", VK_API_VERSION_1_0)                                                                       \
    X(CreateHeadlessSurfaceEXT, "", VK_API_VERSION_1_0)                                                                \
    X(GetPhysicalDeviceSurfaceSupportKHR, "", VK_API_VERSION_1_0)                                                      \
    X(GetPhysicalDeviceSurfaceCapabilitiesKHR, "", VK_API_VERSION_1_0)                                                 \
    X(GetPhysicalDeviceSurfaceCapabilities2KHR, "", VK_API_VERSION_1_0)                                                \
    X(GetPhysicalDeviceSurfaceFormatsKHR, "", VK_API_VERSION_1_0)                                                      \
    X(GetPhysicalDeviceSurfaceFormats2KHR, "", VK_API_VERSION_1_0)                                                     \
    X(GetPhysicalDeviceSurfacePresentModesKHR, "", VK_API_VERSION_1_0)                                                 \
    X(GetPhysicalDevicePresentRectanglesKHR, "", VK_API_VERSION_1_0)

#define VWSI_DEVICE_FUNCTIONS(X)                                                                                       \
    X(DestroyDevice, "", VK_API_VERSION_1_0)                                                                           \
    X(GetDeviceQueue, "", VK_API_VERSION_1_0)                                                                          \
    X(GetDeviceQueue2, "", VK_API_VERSION_1_0)                                                                         \
    X(QueueSubmit, "", VK_API_VERSION_1_0)                                                                             \
    X(QueueSubmit2, "vkQueueSubmit2KHR", VK_API_VERSION_1_3)                                                           \
    X(QueueBindSparse, "", VK_API_VERSION_1_0)                                                                         \
    X(QueueBeginDebugUtilsLabelEXT, "", VK_API_VERSION_1_0)                                                            \
    X(QueueEndDebugUtilsLabelEXT, "", VK_API_VERSION_1_0)                                                              \
    X(QueueInsertDebugUtilsLabelEXT, "", VK_API_VERSION_1_0)                                                           \
    X(DeviceWaitIdle, "", VK_API_VERSION_1_0)                                                                          \
    X(AllocateMemory, "", VK_API_VERSION_1_0)                                                                          \
    X(FreeMemory, "", VK_API_VERSION_1_0)                                                                              \
    X(MapMemory, "", VK_API_VERSION_1_0)                                                                               \
    X(UnmapMemory, "", VK_API_VERSION_1_0)                                                                             \
    X(InvalidateMappedMemoryRanges, "", VK_API_VERSION_1_0)                                                            \
    X(BindBufferMemory, "", VK_API_VERSION_1_0)                                                                        \
    X(BindImageMemory, "", VK_API_VERSION_1_0)                                                                         \
    X(BindImageMemory2, "vkBindImageMemory2KHR", VK_API_VERSION_1_1)                                                   \
    X(GetBufferMemoryRequirements, "", VK_API_VERSION_1_0)                                                             \
    X(GetImageMemoryRequirements, "", VK_API_VERSION_1_0)                                                              \
    X(GetImageSubresourceLayout, "", VK_API_VERSION_1_0)                                                               \
    X(GetMemoryHostPointerPropertiesEXT, "", VK_API_VERSION_1_0)                                                       \
    X(GetMemoryFdKHR, "", VK_API_VERSION_1_0)                                                                          \
    X(GetImageDrmFormatModifierPropertiesEXT, "", VK_API_VERSION_1_0)                                                  \
    X(CreateBuffer, "", VK_API_VERSION_1_0)                                                                            \
    X(DestroyBuffer, "", VK_API_VERSION_1_0)                                                                           \
    X(CreateImage, "", VK_API_VERSION_1_0)                                                                             \
    X(DestroyImage, "", VK_API_VERSION_1_0)                                                                            \
    X(CreateFence, "", VK_API_VERSION_1_0)                                                                             \
    X(DestroyFence, "", VK_API_VERSION_1_0)                                                                            \
    X(ResetFences, "", VK_API_VERSION_1_0)                                                                             \
    X(GetFenceStatus, "", VK_API_VERSION_1_0)                                                                          \
    X(WaitForFences, "", VK_API_VERSION_1_0)                                                                           \
    X(CreateSemaphore, "", VK_API_VERSION_1_0)                                                                         \
    X(DestroySemaphore, "", VK_API_VERSION_1_0)                                                                        \
    X(ImportSemaphoreFdKHR, "", VK_API_VERSION_1_0)                                                                    \
    X(CreateRenderPass, "", VK_API_VERSION_1_0)                                                                        \
    X(CreateRenderPass2, "vkCreateRenderPass2KHR", VK_API_VERSION_1_2)                                                 \
    X(CreateCommandPool, "", VK_API_VERSION_1_0)                                                                       \
    X(DestroyCommandPool, "", VK_API_VERSION_1_0)                                                                      \
    X(AllocateCommandBuffers, "", VK_API_VERSION_1_0)                                                                  \
    X(BeginCommandBuffer, "", VK_API_VERSION_1_0)                                                                      \
    X(EndCommandBuffer, "", VK_API_VERSION_1_0)                                                                        \
    X(CmdPipelineBarrier, "", VK_API_VERSION_1_0)                                                                      \
    X(CmdPipelineBarrier2, "vkCmdPipelineBarrier2KHR", VK_API_VERSION_1_3)                                             \
    X(CmdWaitEvents, "", VK_API_VERSION_1_0)                                                                           \
    X(CmdWaitEvents2, "vkCmdWaitEvents2KHR", VK_API_VERSION_1_3)                                                       \
    X(CmdSetEvent2, "vkCmdSetEvent2KHR", VK_API_VERSION_1_3)                                                           \
    X(CmdCopyImageToBuffer, "", VK_API_VERSION_1_0)                                                                    \
    X(CmdBlitImage, "", VK_API_VERSION_1_0)                                                                            \
    X(CmdCopyImage, "", VK_API_VERSION_1_0)                                                                            \
    X(CmdCopyBufferToImage, "", VK_API_VERSION_1_0)                                                                    \
    X(CmdClearColorImage, "", VK_API_VERSION_1_0)                                                                      \
    X(CmdResolveImage, "", VK_API_VERSION_1_0)                                                                         \
    X(CmdCopyImage2, "vkCmdCopyImage2KHR", VK_API_VERSION_1_3)                                                         \
    X(CmdBlitImage2, "vkCmdBlitImage2KHR", VK_API_VERSION_1_3)                                                         \
    X(CmdCopyBufferToImage2, "vkCmdCopyBufferToImage2KHR", VK_API_VERSION_1_3)                                         \
    X(CmdCopyImageToBuffer2, "vkCmdCopyImageToBuffer2KHR", VK_API_VERSION_1_3)                                         \
    X(CmdResolveImage2, "vkCmdResolveImage2KHR", VK_API_VERSION_1_3)                                                   \
    X(CmdBeginRendering, "vkCmdBeginRenderingKHR", VK_API_VERSION_1_3)                                                 \
    X(UpdateDescriptorSets, "", VK_API_VERSION_1_0)                                                                    \
    X(CmdPushDescriptorSetKHR, "", VK_API_VERSION_1_0)                                                                 \
    X(CmdFillBuffer, "", VK_API_VERSION_1_0)                                                                           \
    X(GetCalibratedTimestampsEXT, "vkGetCalibratedTimestampsKHR", VK_API_VERSION_1_0)                                  \
    X(SetPrivateData, "vkSetPrivateDataEXT", VK_API_VERSION_1_3)                                                       \
    X(GetPrivateData, "vkGetPrivateDataEXT", VK_API_VERSION_1_3)                                                       \
    X(DestroyPrivateDataSlot, "vkDestroyPrivateDataSlotEXT", VK_API_VERSION_1_3)                                       \
    X(SetDebugUtilsObjectNameEXT, "", VK_API_VERSION_1_0)                                                              \
    X(SetDebugUtilsObjectTagEXT, "", VK_API_VERSION_1_0)                                                               \
    X(DebugMarkerSetObjectNameEXT, "", VK_API_VERSION_1_0)                                                             \
    X(DebugMarkerSetObjectTagEXT, "", VK_API_VERSION_1_0)

#define VWSI_DECLARE(name, alias, version) PFN_vk##name name = nullptr;

struct InstanceDispatch {
    PFN_vkGetInstanceProcAddr GetInstanceProcAddr = nullptr;
    VWSI_INSTANCE_FUNCTIONS(VWSI_DECLARE)

    /// `apiVersion`: what the application asked for.
    void load(VkInstance instance, PFN_vkGetInstanceProcAddr next, uint32_t apiVersion);
};

struct DeviceDispatch {
    PFN_vkGetDeviceProcAddr GetDeviceProcAddr = nullptr;
    VWSI_DEVICE_FUNCTIONS(VWSI_DECLARE)

    /// `apiVersion`: what both the application and the device speak.
    void load(VkDevice device, PFN_vkGetDeviceProcAddr next, uint32_t apiVersion);
};

#undef VWSI_DECLARE

} // namespace vwsi
