#pragma once

#include <atomic>
#include <mutex>

namespace vwsi {

/// Finds the layer's object of a dispatchable handle by the loader's dispatch pointer, which is the handle's first word
/// and the same for all handles of one instance or device.
///
/// Look-ups take no lock and, with the usual one or two entries, one or two comparisons. Nodes are reused, never freed.
template <typename Object> class KeyTable {
public:
    constexpr KeyTable() = default;
    KeyTable(const KeyTable&) = delete;
    KeyTable& operator=(const KeyTable&) = delete;

    static void* keyOf(const void* dispatchable) { return *static_cast<void* const*>(dispatchable); }

    Object* find(const void* dispatchable) const
    {
        void* const key = keyOf(dispatchable);
        for (const Node* node = m_head.load(std::memory_order_acquire); node; node = node->next) {
            if (node->key.load(std::memory_order_acquire) == key)
                return node->object.load(std::memory_order_relaxed);
        }
        return nullptr;
    }

    /// Calls `visit(object)` for all that are in the table, which `visit` must not change.
    template <typename Visit> void forEach(Visit&& visit)
    {
        const std::lock_guard lock(m_mutex);
        for (const Node* node = m_head.load(std::memory_order_relaxed); node; node = node->next) {
            if (node->key.load(std::memory_order_relaxed))
                visit(*node->object.load(std::memory_order_relaxed));
        }
    }

    /// Adds an object; throws std::bad_alloc.
    void insert(const void* dispatchable, Object* object)
    {
        const std::lock_guard lock(m_mutex);
        Node* node = m_head.load(std::memory_order_relaxed);
        while (node && node->key.load(std::memory_order_relaxed))
            node = node->next;
        if (node) {
            node->object.store(object, std::memory_order_relaxed);
            node->key.store(keyOf(dispatchable), std::memory_order_release);
            return;
        }
        node = new Node;
        node->object.store(object, std::memory_order_relaxed);
        node->key.store(keyOf(dispatchable), std::memory_order_relaxed);
        node->next = m_head.load(std::memory_order_relaxed);
        m_head.store(node, std::memory_order_release);
    }

    void remove(const void* dispatchable)
    {
        const std::lock_guard lock(m_mutex);
        void* const key = keyOf(dispatchable);
        for (Node* node = m_head.load(std::memory_order_relaxed); node; node = node->next) {
            if (node->key.load(std::memory_order_relaxed) == key)
                node->key.store(nullptr, std::memory_order_release);
        }
    }

private:
    struct Node {
        std::atomic<void*> key{nullptr};
        std::atomic<Object*> object{nullptr};
        Node* next = nullptr;
    };

    std::atomic<Node*> m_head{nullptr};
    std::mutex m_mutex;
};

} // namespace vwsi
