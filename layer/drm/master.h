#pragma once

#include <atomic>
#include <cstdint>

namespace vwsi::drm {

class Device;

/// The right to change what a device shows (DRM_IOCTL_SET_MASTER), shared by all users of the device in this
/// process.
///
/// Not thread-safe but for held() and generation(): Device calls it under its output lock.
class Master {
public:
    explicit Master(Device& device) : m_device(device) {}

    /// Adds a user; the first one takes the right. 0, or EACCES/EPERM/EBUSY/EINVAL without a log line.
    int acquire();
    /// Removes a user; with the last one the right is given back.
    void release();

    /// Gives the right back for a while, as long as another VT is shown; after setLost().
    void yield();
    /// Takes it again if it was yielded or lost. 0 or an errno.
    int regain();
    /// No change is to be made any more: the kernel has refused one, as another program has become master or the seat
    /// is inactive, or the right is about to be yielded.
    void setLost() { m_held.store(false, std::memory_order_release); }

    bool held() const { return m_held.load(std::memory_order_acquire); }
    bool used() const { return m_users > 0; }
    /// Counts how often the right was taken; whoever programmed the hardware before has to do it again.
    uint32_t generation() const { return m_generation.load(std::memory_order_acquire); }

    /// Gives back what the kernel has made of whoever opened the node first. 0 or an errno.
    int dropFirst();

private:
    int set();
    int take();
    int takeByOpening();
    int reopen(bool asMaster);
    bool drop();

    Device& m_device;
    bool m_keptLogged = false;
    uint32_t m_users = 0;
    std::atomic<bool> m_held{false};
    std::atomic<uint32_t> m_generation{0};
};

} // namespace vwsi::drm
