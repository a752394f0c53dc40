#include "core/dynamic_library.h"

#include <dlfcn.h>
#include <link.h>
#include <string>
#include <vector>

namespace vwsi {

DynamicLibrary::DynamicLibrary(const char* soname) : m_handle(dlopen(soname, RTLD_NOW | RTLD_LOCAL)) {}

DynamicLibrary::~DynamicLibrary()
{
    if (m_handle)
        dlclose(m_handle);
}

void* DynamicLibrary::symbol(const char* name) const
{
    return m_handle ? dlsym(m_handle, name) : nullptr;
}

void keepLoaded(std::string_view prefix)
{
    struct Search {
        std::string_view prefix;
        std::vector<std::string> found;
    } search{prefix, {}};
    // Nothing may be opened while the list is locked.
    dl_iterate_phdr(
        [](dl_phdr_info* library, size_t, void* data) {
            auto& wanted = *static_cast<Search*>(data);
            const std::string_view path = library->dlpi_name ? library->dlpi_name : "";
            if (path.substr(path.rfind('/') + 1).starts_with(wanted.prefix))
                wanted.found.emplace_back(path);
            return 0;
        },
        &search);
    for (const std::string& path : search.found) {
        if (void* const library = dlopen(path.c_str(), RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE))
            dlclose(library);
    }
}

} // namespace vwsi
