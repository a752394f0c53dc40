#pragma once

#include <string_view>

namespace vwsi {

/// A shared library that is opened when it is first needed and stays open as long as this object lives.
///
/// Window-system libraries are bound this way, so that the layer adds none of them to processes that don't use them.
class DynamicLibrary {
public:
    /// Opens `soname`; `loaded()` tells whether that worked.
    explicit DynamicLibrary(const char* soname);
    ~DynamicLibrary();
    DynamicLibrary(const DynamicLibrary&) = delete;
    DynamicLibrary& operator=(const DynamicLibrary&) = delete;

    bool loaded() const { return m_handle != nullptr; }

    /// Address of `name`, or null.
    void* symbol(const char* name) const;

    /// Sets `function` to the symbol `name`; false when it is missing.
    template <typename Function> bool bind(Function& function, const char* name) const
    {
        function = reinterpret_cast<Function>(symbol(name));
        return function != nullptr;
    }

private:
    void* m_handle = nullptr;
};

/// Keeps the libraries whose file name begins with `prefix` loaded until the process ends, whoever closes them.
void keepLoaded(std::string_view prefix);

} // namespace vwsi
