#include "core/dynamic_library.h"

#include <dlfcn.h>

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

void keepLoaded(const void* function)
{
    Dl_info info;
    if (!dladdr(function, &info) || !info.dli_fname)
        return;
    if (void* const library = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE))
        dlclose(library);
}

} // namespace vwsi
