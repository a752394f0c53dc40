#pragma once

// What the fake's functions have in common.

#include "fake_libdrm/kernel_state.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace vwsi::drm::fake {

using State = Kernel::State;

/// Both ways of libdrm to return an error.
inline int minusOne(int error)
{
    errno = error;
    return error ? -1 : 0;
}

inline int negated(int error)
{
    errno = error;
    return -error;
}

template <typename Object> Object* nothing(int error)
{
    errno = error;
    return nullptr;
}

/// A call on a descriptor: locks, counts, and finds the file or the error.
struct Call {
    State& state;
    std::scoped_lock<std::recursive_mutex> lock;
    std::shared_ptr<File> file;
    int error;

    Call(const char* function, int fd) : state(current()), lock(state.mutex), file(state.file(fd))
    {
        error = state.enter(function);
        if (!error && !file)
            error = EBADF;
    }
    bool master() const { return state.isMaster(*file); }
};

template <typename T> T* array(const std::vector<T>& values)
{
    if (values.empty())
        return nullptr;
    auto* const copy = static_cast<T*>(malloc(values.size() * sizeof(T)));
    std::copy(values.begin(), values.end(), copy);
    return copy;
}

template <typename Struct> Struct* give(State& state, const char* kind)
{
    ++state.objects[kind];
    return static_cast<Struct*>(calloc(1, sizeof(Struct)));
}

inline void taken(const char* kind)
{
    State& state = current();
    const std::scoped_lock lock(state.mutex);
    --state.objects[kind];
}

template <typename Object> std::vector<uint32_t> ids(const std::vector<Object>& objects)
{
    std::vector<uint32_t> result;
    for (const Object& object : objects)
        result.push_back(object.id);
    return result;
}

// Each puts its functions into the table.
void setDescriptorFunctions(Api& api);
void setDeviceFunctions(Api& api);
void setResourceFunctions(Api& api);
void setPropertyFunctions(Api& api);
void setChangeFunctions(Api& api);

} // namespace vwsi::drm::fake
