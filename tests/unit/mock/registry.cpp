#include "mock/registry.h"

#include <unordered_map>

namespace vwsi::mock {

const StructFacts* structFacts(VkStructureType type)
{
    static const std::unordered_map<uint32_t, StructFacts> table{
#define REGISTRY_STRUCT(name, type, version, extensions)                                                               \
    {static_cast<uint32_t>(type), {#name, sizeof(name), {version, extensions}}},
#include "registry_tables.inc"
#undef REGISTRY_STRUCT
    };
    const auto found = table.find(static_cast<uint32_t>(type));
    return found == table.end() ? nullptr : &found->second;
}

const CommandFacts* commandFacts(std::string_view name)
{
    static const std::unordered_map<std::string_view, CommandFacts> table{
#define REGISTRY_COMMAND(name, version, extensions, ofDevice) {name, {{version, extensions}, ofDevice}},
#include "registry_tables.inc"
#undef REGISTRY_COMMAND
    };
    const auto found = table.find(name);
    return found == table.end() ? nullptr : &found->second;
}

} // namespace vwsi::mock
