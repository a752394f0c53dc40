#pragma once

namespace vwsi::mock {

/// As long as this lives, uname() and sysconf() of this process tell of another machine and page size.
class PretendedKernel {
public:
    PretendedKernel(const char* machine, long pageSize);
    ~PretendedKernel();
    PretendedKernel(const PretendedKernel&) = delete;
    PretendedKernel& operator=(const PretendedKernel&) = delete;
};

} // namespace vwsi::mock
