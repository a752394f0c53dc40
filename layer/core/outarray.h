#pragma once

#include <algorithm>
#include <cstdint>
#include <vulkan/vulkan.h>

namespace vwsi {

/// The array that a Vulkan query fills in two calls: the first asks for the count, the second for the
/// elements.
///
///     OutArray<VkDisplayKHR> out(pCount, pDisplays);
///     for (...)
///         out.append([&](VkDisplayKHR& element) { element = ...; });
///     return out.result();
template <typename Element> class OutArray {
public:
    /// `elements` null: only count. Otherwise at most `*count` elements are written.
    OutArray(uint32_t* count, Element* elements)
        : m_count(count), m_elements(elements), m_capacity(elements ? *count : 0)
    {
    }

    /// Adds one element; `write` sees it only if there is room, with what the application put there (sType,
    /// pNext).
    template <typename Write> void append(Write&& write)
    {
        if (m_elements && m_wanted < m_capacity)
            write(m_elements[m_wanted]);
        ++m_wanted;
    }

    /// Stores the count of elements there are or were written. VK_INCOMPLETE when the array was too short.
    VkResult result()
    {
        if (!m_elements) {
            *m_count = m_wanted;
            return VK_SUCCESS;
        }
        *m_count = std::min(m_wanted, m_capacity);
        return m_wanted > m_capacity ? VK_INCOMPLETE : VK_SUCCESS;
    }

private:
    uint32_t* const m_count;
    Element* const m_elements;
    const uint32_t m_capacity;
    uint32_t m_wanted = 0;
};

} // namespace vwsi
