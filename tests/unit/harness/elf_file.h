#pragma once

#include <string>
#include <vector>

namespace vwsi::testing {

/// What a shared object shows to and wants from the dynamic linker.
struct ElfFile {
    explicit ElfFile(const std::string& path);
    std::vector<std::string> exports; ///< defined symbols of the dynamic symbol table
    std::vector<std::string> needed;  ///< libraries that are loaded with it (DT_NEEDED)
};

} // namespace vwsi::testing
