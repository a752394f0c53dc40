#pragma once

#include "fake_libdrm/fake_kms.h"

namespace vwsi::drm::fake {

/// An atomic request as the fake keeps it behind drmModeAtomicReqPtr.
struct Request {
    struct Value {
        uint32_t object, property;
        uint64_t value;
    };
    std::vector<Value> values;
};

/// An open file of a node. Copies of its descriptor refer to it as well.
struct File {
    int id;
    size_t node;
    int eventWriter; ///< events are written here and read from the descriptor
    int descriptors = 1;
    bool wasMaster = false;
    pid_t opener = gettid();
    bool universal = false, atomic = false;
    std::map<uint32_t, uint64_t> dumbBuffers; ///< handle to size
    std::set<uint32_t> blobs;
};

struct Fault {
    int error, skip, times;
};

struct Kernel::State {
    explicit State(Kernel& kernel) : kernel(kernel) {}

    Kernel& kernel;
    mutable std::recursive_mutex mutex;
    std::map<int, std::shared_ptr<File>> files; ///< by descriptor
    int lastFile = 0;
    std::weak_ptr<File> master;
    std::map<uint32_t, Framebuffer> framebuffers;
    std::map<uint32_t, std::vector<uint8_t>> blobs;
    std::map<void*, size_t> mappings;
    std::map<std::string, int> objects; ///< given out by Get functions, by kind
    struct Flip {
        std::weak_ptr<File> file;
        void* userData;
    };
    std::map<uint32_t, Flip> flips; ///< pending, by CRTC
    uint32_t lastId = 1000;
    uint32_t sequence = 100;

    std::map<std::string, Fault> faults;
    std::map<std::string, int> counts;
    int failCountdown = 0, failError = 0;
    std::string failedName;

    /// Counts a call; the error it shall fail with, or 0.
    int enter(const char* function);
    /// The file behind a descriptor, or null (EBADF).
    std::shared_ptr<File> file(int fd) const;
    bool isMaster(const File& file) const;

    void release(File& file);
    void removeFramebuffer(uint32_t id);
    void startFlip(uint32_t crtc, const std::shared_ptr<File>& file, void* userData);
    void sendFlip(uint32_t crtc);
    int commit(const std::shared_ptr<File>& file, const Request& request, uint32_t flags, void* userData);
    int setCrtc(uint32_t crtc, uint32_t framebuffer, uint32_t x, uint32_t y, const uint32_t* connectors, int count,
                const drmModeModeInfo* mode);
    int checkPlane(const Plane& plane) const;
    void setFlags(uint32_t flags) { kernel.m_lastFlags = flags; }
};

/// The one kernel that exists.
Kernel::State& current();

/// Names of properties by id and ids by name, the same for all objects.
uint32_t propertyId(const std::string& name);
const std::string& propertyName(uint32_t id);

/// The table of functions that ask the fake.
const Api& fakeApi();

} // namespace vwsi::drm::fake
