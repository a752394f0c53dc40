#include "core/guest_pages.h"

#include <cstring>
#include <sys/utsname.h>
#include <unistd.h>

namespace vwsi {

long pagesTooSmallForAppleHosts()
{
    utsname kernel{};
    if (uname(&kernel) != 0 || strcmp(kernel.machine, "aarch64") != 0)
        return 0;
    const long size = sysconf(_SC_PAGESIZE);
    return size < kAppleHostPage ? size : 0;
}

} // namespace vwsi
