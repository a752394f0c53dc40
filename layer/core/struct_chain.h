#pragma once

#include "core/scratch_arena.h"

#include <vulkan/vulkan.h>

namespace vwsi {

/// Size in bytes of the struct with this sType, or 0 when the headers of this build don't know it.
/// Generated from vulkan_core.h (layer/core/struct_sizes.awk).
size_t structureSize(VkStructureType type);

/// First struct of a pNext chain with this type, or null.
template <typename Struct> const Struct* findInChain(const void* chain, VkStructureType type)
{
    for (auto* entry = static_cast<const VkBaseInStructure*>(chain); entry; entry = entry->pNext) {
        if (entry->sType == type)
            return reinterpret_cast<const Struct*>(entry);
    }
    return nullptr;
}

template <typename Struct> Struct* findInChain(void* chain, VkStructureType type)
{
    return const_cast<Struct*>(findInChain<Struct>(static_cast<const void*>(chain), type));
}

/// What became of a chain that had to be rewritten.
struct RewrittenChain {
    const void* chain = nullptr; ///< the chain to pass on
    bool complete = true;        ///< false: memory ran out or a struct of unknown size stood before one to edit
};

/// Copies a chain so that some of its structs can be changed or left out; the original is never written.
///
/// `concerns(sType)` tells which structs `edit` wants to see; `edit(VkBaseOutStructure* copy)` may change the copy and
/// returns false to leave it out. Structs behind the last concerned one are shared, not copied.
template <typename Concerns, typename Edit>
RewrittenChain rewriteChain(ScratchArena& arena, const void* chain, Concerns&& concerns, Edit&& edit)
{
    const VkBaseInStructure* last = nullptr;
    for (auto* entry = static_cast<const VkBaseInStructure*>(chain); entry; entry = entry->pNext) {
        if (concerns(entry->sType))
            last = entry;
    }
    if (!last)
        return {chain, true};

    RewrittenChain result{nullptr, true};
    VkBaseOutStructure* tail = nullptr;
    const auto append = [&](const VkBaseInStructure* next) {
        if (tail)
            tail->pNext = const_cast<VkBaseOutStructure*>(reinterpret_cast<const VkBaseOutStructure*>(next));
        else
            result.chain = next;
    };
    for (auto* entry = static_cast<const VkBaseInStructure*>(chain);; entry = entry->pNext) {
        const size_t size = structureSize(entry->sType);
        auto* const copy = size ? static_cast<VkBaseOutStructure*>(arena.allocate(size)) : nullptr;
        if (!copy) {
            append(entry);
            result.complete = false;
            return result;
        }
        memcpy(static_cast<void*>(copy), entry, size);
        if (!concerns(entry->sType) || edit(copy)) {
            append(reinterpret_cast<const VkBaseInStructure*>(copy));
            tail = copy;
        }
        if (entry == last)
            break;
    }
    append(last->pNext);
    return result;
}

/// `rewriteChain` that leaves out every struct for which `unwanted(sType)` holds.
template <typename Unwanted> RewrittenChain chainWithout(ScratchArena& arena, const void* chain, Unwanted&& unwanted)
{
    return rewriteChain(arena, chain, unwanted, [](VkBaseOutStructure*) { return false; });
}

} // namespace vwsi
