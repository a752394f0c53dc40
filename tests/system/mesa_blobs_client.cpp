// Maps memory of sizes that are no multiple of 16 KiB, then runs a command while everything is mapped, so that the
// command can look at the mappings from outside.
// Usage: mesa_blobs_client COMMAND [ARGUMENT...]

#include "mesa_client.h"

#include <array>
#include <cstdio>
#include <cstring>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

using mesaTest::require;

constexpr VkMemoryPropertyFlags mappable = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
// One page of 4 KiB, a bit more, three pages, and a size that ends in the middle of a page.
constexpr std::array<VkDeviceSize, 5> sizes = {4096, 5000, 12288, 69632, 100001};

int runCommand(char** command)
{
    const pid_t child = fork();
    if (child == 0) {
        execvp(command[0], command);
        std::perror(command[0]);
        _exit(127);
    }
    int status = 0;
    require(child > 0 && waitpid(child, &status, 0) == child, "the command runs");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int run(char** command)
{
    mesaTest::Client client(false);
    std::vector<VkDeviceMemory> memories;
    std::vector<VkBuffer> buffers;
    std::vector<unsigned char*> mappings;
    std::vector<VkDeviceSize> lengths;

    const auto map = [&](VkDeviceMemory memory, VkDeviceSize size) {
        void* mapped = nullptr;
        require(vkMapMemory(client.device, memory, 0, VK_WHOLE_SIZE, 0, &mapped), "vkMapMemory");
        std::memset(mapped, static_cast<int>(mappings.size() + 1), size);
        memories.push_back(memory);
        mappings.push_back(static_cast<unsigned char*>(mapped));
        lengths.push_back(size);
    };
    for (const VkDeviceSize size : sizes) {
        const VkBuffer buffer = client.makeBuffer(size, VK_BUFFER_USAGE_TRANSFER_DST_BIT);
        buffers.push_back(buffer);
        VkMemoryRequirements needed;
        vkGetBufferMemoryRequirements(client.device, buffer, &needed);

        VkMemoryRequirements loose = needed;
        loose.size = size;
        map(client.allocate(loose, mappable), size);

        VkMemoryDedicatedAllocateInfo dedicated = {};
        dedicated.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO;
        dedicated.buffer = buffer;
        VkMemoryAllocateInfo info = {};
        info.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
        info.pNext = &dedicated;
        info.allocationSize = needed.size;
        info.memoryTypeIndex = client.memoryType(needed.memoryTypeBits, mappable);
        VkDeviceMemory memory;
        require(vkAllocateMemory(client.device, &info, nullptr, &memory), "vkAllocateMemory (dedicated)");
        require(vkBindBufferMemory(client.device, buffer, memory, 0), "vkBindBufferMemory");
        map(memory, size);
    }

    const int status = runCommand(command);
    // Nothing overlaps, whatever was rounded.
    for (size_t i = 0; i < mappings.size(); ++i) {
        for (const VkDeviceSize offset : {VkDeviceSize{0}, lengths[i] / 2, lengths[i] - 1})
            require(mappings[i][offset] == i + 1, "each mapping keeps its own bytes");
    }
    for (const VkBuffer buffer : buffers)
        vkDestroyBuffer(client.device, buffer, nullptr);
    for (const VkDeviceMemory memory : memories)
        vkFreeMemory(client.device, memory, nullptr);
    return client.finish("mapped 10 memories") || status;
}

} // namespace

int main(int count, char** arguments)
{
    if (count < 2) {
        std::fprintf(stderr, "usage: mesa_blobs_client COMMAND [ARGUMENT...]\n");
        return 2;
    }
    return run(arguments + 1);
}
