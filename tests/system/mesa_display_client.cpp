// Lists the displays of the device, then runs a command while the instance lives: who is DRM master must be able to
// change behind its back.
// Usage: mesa_display_client COMMAND [ARGUMENT...]

#include <cstdint>
#include <cstdio>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>
#include <vulkan/vulkan.h>

namespace {

int runCommand(char** command)
{
    const pid_t child = fork();
    if (child == 0) {
        execvp(command[0], command);
        std::perror(command[0]);
        _exit(127);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child)
        return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int run(char** command)
{
    const char* extensions[] = {VK_KHR_SURFACE_EXTENSION_NAME, VK_KHR_DISPLAY_EXTENSION_NAME};
    VkInstanceCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
    info.enabledExtensionCount = 2;
    info.ppEnabledExtensionNames = extensions;
    VkInstance instance;
    if (vkCreateInstance(&info, nullptr, &instance) != VK_SUCCESS) {
        std::puts("no instance with VK_KHR_display");
        return 1;
    }
    uint32_t count = 1;
    VkPhysicalDevice physical;
    vkEnumeratePhysicalDevices(instance, &count, &physical);
    if (count == 0) {
        std::puts("no device");
        return 1;
    }
    uint32_t displays = 0;
    vkGetPhysicalDeviceDisplayPropertiesKHR(physical, &displays, nullptr);
    std::vector<VkDisplayPropertiesKHR> properties(displays);
    vkGetPhysicalDeviceDisplayPropertiesKHR(physical, &displays, properties.data());
    std::printf("%u displays\n", displays);
    for (const VkDisplayPropertiesKHR& display : properties) {
        uint32_t modes = 0;
        vkGetDisplayModePropertiesKHR(physical, display.display, &modes, nullptr);
        std::printf("display %ux%u, %u modes\n", display.physicalResolution.width, display.physicalResolution.height,
                    modes);
    }
    std::fflush(stdout);
    const int status = runCommand(command);
    vkDestroyInstance(instance, nullptr);
    return displays ? status : 1;
}

} // namespace

int main(int count, char** arguments)
{
    if (count < 2) {
        std::fprintf(stderr, "usage: mesa_display_client COMMAND [ARGUMENT...]\n");
        return 2;
    }
    return run(arguments + 1);
}
