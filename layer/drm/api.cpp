#include "drm/api.h"

#include "core/dynamic_library.h"
#include "core/log.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace vwsi::drm {

namespace {

std::atomic<const Api*> g_replacement{nullptr};

int fillNumber(const struct stat& status, NodeNumber* number)
{
    if (!S_ISCHR(status.st_mode)) {
        errno = ENODEV;
        return -1;
    }
    *number = {static_cast<uint32_t>(major(status.st_rdev)), static_cast<uint32_t>(minor(status.st_rdev))};
    return 0;
}

constexpr System kSystem = {
    .open = [](const char* path) { return ::open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK); },
    .close = [](int fd) { return ::close(fd); },
    .duplicate = [](int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, 0); },
    .replace = [](int from, int to) { return dup3(from, to, O_CLOEXEC); },
    .sameFile =
        [](int a, int b) {
            const pid_t self = getpid();
            return a == b || syscall(SYS_kcmp, self, self, KCMP_FILE, a, b) == 0;
        },
    .pathNumber =
        [](const char* path, NodeNumber* number) {
            struct stat status{};
            return stat(path, &status) == 0 ? fillNumber(status, number) : -1;
        },
    .descriptorNumber =
        [](int fd, NodeNumber* number) {
            struct stat status{};
            return fstat(fd, &status) == 0 ? fillNumber(status, number) : -1;
        },
    .map =
        [](int fd, size_t size, uint64_t offset) {
            return mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, static_cast<off_t>(offset));
        },
    .unmap = [](void* address, size_t size) { return munmap(address, size); },
};

struct Loaded {
    DynamicLibrary library{"libdrm.so.2"};
    Api table;
    bool complete = false;

    Loaded()
    {
        if (!library.loaded()) {
            VWSI_ERROR("VK_KHR_display needs libdrm.so.2, which cannot be opened; install libdrm");
            return;
        }
        const char* missing = nullptr;
#define VWSI_DRM_BIND(name)                                                                                            \
    if (!library.bind(table.name, #name))                                                                              \
        missing = #name;
        VWSI_DRM_FUNCTIONS(VWSI_DRM_BIND)
#undef VWSI_DRM_BIND
        table.system = kSystem;
        complete = !missing;
        if (missing)
            VWSI_ERROR("VK_KHR_display: libdrm.so.2 lacks %s; update libdrm to 2.4.104 or later", missing);
    }
};

const Loaded& loaded()
{
    // Lives until the process ends: threads may still be in libdrm while static objects are destroyed.
    static const Loaded* const instance = new Loaded();
    return *instance;
}

const char* remedy(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
        return "run on the active virtual terminal (VT) or seat of this machine, as a member of the groups "
               "video and "
               "render, with no display server on the device";
    case EBUSY:
        return "another program (display server, splash screen) drives this device: stop it or switch to its "
               "VT and "
               "end it";
    case EINVAL:
        return "the driver refuses this combination of mode, format and plane: choose another mode";
    case ENOMEM:
    case ENOSPC:
        return "the device is out of memory: use fewer or smaller swapchain images";
    case EMFILE:
    case ENFILE:
        return "too many open files: raise the limit (ulimit -n)";
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return "the device or display is gone: check that the kernel driver (virtio-gpu) is loaded and "
               "VENUS_WSI_DRM_DEVICE "
               "names a /dev/dri/card node";
    case ENOTTY:
    case EOPNOTSUPP:
    case ENOSYS:
        return "this node cannot drive displays: name a node that can in VENUS_WSI_DRM_DEVICE";
    default:
        return "see the kernel log";
    }
}

} // namespace

const Api* loadApi()
{
    if (const Api* replacement = g_replacement.load(std::memory_order_acquire))
        return replacement;
    return loaded().complete ? &loaded().table : nullptr;
}

const Api& api()
{
    const Api* replacement = g_replacement.load(std::memory_order_acquire);
    return replacement ? *replacement : loaded().table;
}

int errorOf(int result)
{
    if (result >= 0)
        return 0;
    // -1 is also -EPERM, and then errno says so too.
    return result == -1 ? (errno ? errno : EPERM) : -result;
}

void logFailure(const char* operation, const char* node, int error)
{
    VWSI_ERROR("%s on %s: %s; %s", operation, node, strerror(error), remedy(error));
}

void testing::replaceApi(const Api* table)
{
    g_replacement.store(table, std::memory_order_release);
}

} // namespace vwsi::drm
