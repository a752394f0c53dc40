#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vulkan/vulkan.h>

namespace vwsi::mock {

/// What brings a command or a struct to a driver: a core version (0: none) or one of several extensions.
struct Origin {
    uint32_t coreVersion = 0;
    std::string_view extensions; ///< names, separated by commas
};

struct StructFacts {
    std::string_view name;
    size_t size = 0;
    Origin origin;
};

/// Facts about the struct with this sType from vk.xml, or null for one that the registry doesn't know.
const StructFacts* structFacts(VkStructureType type);

struct CommandFacts {
    Origin origin;
    bool ofDevice = false; ///< its first parameter is a VkDevice, VkQueue or VkCommandBuffer
};

/// Facts about the command, or null for one that the registry doesn't know.
const CommandFacts* commandFacts(std::string_view name);

/// Calls `visit` for each extension of the origin until it returns true; true when one did.
template <typename Visit> bool anyExtension(const Origin& origin, Visit&& visit)
{
    std::string_view rest = origin.extensions;
    while (!rest.empty()) {
        const size_t comma = rest.find(',');
        if (visit(rest.substr(0, comma)))
            return true;
        if (comma == std::string_view::npos)
            break;
        rest.remove_prefix(comma + 1);
    }
    return false;
}

} // namespace vwsi::mock
