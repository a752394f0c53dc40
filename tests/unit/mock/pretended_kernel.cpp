#include "mock/pretended_kernel.h"

#include <cstring>
#include <dlfcn.h>
#include <sys/utsname.h>
#include <unistd.h>

/// The thread sanitizer calls these before it can watch anything: no instrumentation, no guarded statics, and built-in
/// atomics for the library's, which are functions.
#define VWSI_UNWATCHED __attribute__((no_sanitize("thread")))

namespace {

const char* pretendedMachine = nullptr;
long pretendedPageSize = 0;

} // namespace

extern "C" {

// glibc's headers say that these do not throw, and musl's do not; a definition has to say the same.
VWSI_UNWATCHED int uname(utsname* kernel) noexcept(noexcept(uname(nullptr)))
{
    using Function = int(utsname*);
    static Function* real = nullptr;
    if (!__atomic_load_n(&real, __ATOMIC_ACQUIRE))
        __atomic_store_n(&real, reinterpret_cast<Function*>(dlsym(RTLD_NEXT, "uname")), __ATOMIC_RELEASE);
    const int result = real(kernel);
    if (const char* const machine = __atomic_load_n(&pretendedMachine, __ATOMIC_ACQUIRE))
        strncpy(kernel->machine, machine, sizeof(kernel->machine) - 1);
    return result;
}

VWSI_UNWATCHED long sysconf(int name) noexcept(noexcept(sysconf(0)))
{
    using Function = long(int);
    static Function* real = nullptr;
    if (!__atomic_load_n(&real, __ATOMIC_ACQUIRE))
        __atomic_store_n(&real, reinterpret_cast<Function*>(dlsym(RTLD_NEXT, "sysconf")), __ATOMIC_RELEASE);
    const long pageSize = __atomic_load_n(&pretendedPageSize, __ATOMIC_ACQUIRE);
    return name == _SC_PAGESIZE && pageSize ? pageSize : real(name);
}
}

namespace vwsi::mock {

PretendedKernel::PretendedKernel(const char* machine, long pageSize)
{
    __atomic_store_n(&pretendedMachine, machine, __ATOMIC_RELEASE);
    __atomic_store_n(&pretendedPageSize, pageSize, __ATOMIC_RELEASE);
}

PretendedKernel::~PretendedKernel()
{
    __atomic_store_n(&pretendedMachine, nullptr, __ATOMIC_RELEASE);
    __atomic_store_n(&pretendedPageSize, 0, __ATOMIC_RELEASE);
}

} // namespace vwsi::mock
