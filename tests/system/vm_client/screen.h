// One display shown on: a mode, the surface on a plane, a swapchain, frames of one colour.
#pragma once

#include "vulkan.h"

#include <array>

struct Display {
    VkDisplayPropertiesKHR properties{};
    std::vector<VkDisplayModePropertiesKHR> modes;
};

std::vector<Display> displaysOf(const Vulkan& vulkan);

class Screen {
public:
    // Colour components from 0 to 1. The display's index counts as vkGetPhysicalDeviceDisplayPropertiesKHR does.
    Screen(const Vulkan& vulkan, const Display& display, const VkDisplayModePropertiesKHR& mode,
           VkPresentModeKHR presentMode = VK_PRESENT_MODE_FIFO_KHR);
    ~Screen();
    Screen(const Screen&) = delete;

    // One frame; the first result that is no success, of acquire or present.
    VkResult show(const std::array<float, 3>& colour);
    [[nodiscard]] VkSwapchainKHR swapchain() const { return m_swapchain; }

private:
    const Vulkan& m_vulkan;
    VkSurfaceKHR m_surface = VK_NULL_HANDLE;
    VkSwapchainKHR m_swapchain = VK_NULL_HANDLE;
    VkCommandPool m_pool = VK_NULL_HANDLE;
    VkFence m_submitted = VK_NULL_HANDLE;
    VkSemaphore m_acquired = VK_NULL_HANDLE;
    std::vector<VkImage> m_images;
    std::vector<VkSemaphore> m_drawn;
    VkCommandBuffer m_commands = VK_NULL_HANDLE;
};
