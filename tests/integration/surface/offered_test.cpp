// What the loader offers with the layer installed can be had.

#include "vulkan_context.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <string_view>

namespace {

std::vector<VkExtensionProperties> offered()
{
    uint32_t count = 0;
    client::check(vkEnumerateInstanceExtensionProperties(nullptr, &count, nullptr), "the loader's count");
    std::vector<VkExtensionProperties> list(count);
    client::check(vkEnumerateInstanceExtensionProperties(nullptr, &count, list.data()), "the loader's list");
    return list;
}

/// The loader announces an extension of the manifest that it does not know, but creates no instance with it.
TEST(Offered, EveryInstanceExtensionCanBeEnabled)
{
    const auto list = offered();
    std::vector<const char*> names;
    for (const VkExtensionProperties& extension : list)
        names.push_back(extension.extensionName);
    ASSERT_TRUE(std::any_of(names.begin(), names.end(), [](std::string_view name) {
        return name == "VK_EXT_swapchain_colorspace";
    })) << "the layer is not there";
    VkApplicationInfo application{};
    application.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
    application.apiVersion = VK_API_VERSION_1_2;
    VkInstanceCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
    info.pApplicationInfo = &application;
    info.enabledExtensionCount = static_cast<uint32_t>(names.size());
    info.ppEnabledExtensionNames = names.data();
    VkInstance instance = VK_NULL_HANDLE;
    ASSERT_EQ(vkCreateInstance(&info, nullptr, &instance), VK_SUCCESS);
    vkDestroyInstance(instance, nullptr);
}

} // namespace
