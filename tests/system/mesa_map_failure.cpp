// Preloaded into a guest: no shared memory of the Venus host can be mapped, as on libkrun with 4 KiB pages in the
// guest and 16 KiB pages on the host. Everything else maps as ever.

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

bool isHostMemory(int fd)
{
    char link[64];
    char target[256] = {};
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    // virglrenderer names the files that it shares with guests so.
    return readlink(link, target, sizeof target - 1) > 0 && std::strstr(target, "vkr-shmem");
}

} // namespace

extern "C" void* mmap(void* address, size_t length, int protection, int flags, int fd, off_t offset) noexcept
{
    using Function = void* (*)(void*, size_t, int, int, int, off_t);
    static const auto next = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "mmap"));
    if ((flags & MAP_SHARED) && fd >= 0 && isHostMemory(fd)) {
        errno = EINVAL;
        return MAP_FAILED;
    }
    return next(address, length, protection, flags, fd, offset);
}

extern "C" void* mmap64(void* address, size_t length, int protection, int flags, int fd, off_t offset) noexcept
{
    return mmap(address, length, protection, flags, fd, offset);
}
