#include "mock/pretended_kernel.h"

#include <atomic>
#include <cstring>
#include <dlfcn.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace {

std::atomic<const char*> pretendedMachine{nullptr};
std::atomic<long> pretendedPageSize{0};

} // namespace

extern "C" {

int uname(utsname* kernel) noexcept
{
    using Function = int(utsname*);
    static const auto real = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, "uname"));
    const int result = real(kernel);
    if (const char* const machine = pretendedMachine)
        strncpy(kernel->machine, machine, sizeof(kernel->machine) - 1);
    return result;
}

long sysconf(int name) noexcept
{
    using Function = long(int);
    static const auto real = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, "sysconf"));
    const long pageSize = pretendedPageSize;
    return name == _SC_PAGESIZE && pageSize ? pageSize : real(name);
}
}

namespace vwsi::mock {

PretendedKernel::PretendedKernel(const char* machine, long pageSize)
{
    pretendedMachine = machine;
    pretendedPageSize = pageSize;
}

PretendedKernel::~PretendedKernel()
{
    pretendedMachine = nullptr;
    pretendedPageSize = 0;
}

} // namespace vwsi::mock
