#include "mock/heap_probe.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <new>

// Sanitizers have replaced malloc already.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define VWSI_SEES_MALLOC 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define VWSI_SEES_MALLOC 0
#endif
#endif
#ifndef VWSI_SEES_MALLOC
#define VWSI_SEES_MALLOC 1
#endif

namespace {

thread_local int pauses = 0;
thread_local unsigned failureCountdown = 0;
thread_local bool failureHit = false;
std::atomic<int> counters{0};
std::atomic<uint64_t> allocationCount{0};
std::atomic<uint64_t> allocationBytes{0};

/// Notes one allocation; true when it has to fail.
bool allocationFails(size_t size)
{
    if (pauses > 0)
        return false;
    if (counters.load(std::memory_order_relaxed) > 0) {
        allocationCount.fetch_add(1, std::memory_order_relaxed);
        allocationBytes.fetch_add(size, std::memory_order_relaxed);
    }
    if (failureCountdown == 0 || --failureCountdown > 0)
        return false;
    failureHit = true;
    errno = ENOMEM;
    return true;
}

} // namespace

#if VWSI_SEES_MALLOC

#ifdef __GLIBC__
// It keeps its own entrances to the heap for programs that replace malloc.
extern "C" {
void* __libc_malloc(size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
void __libc_free(void*);
}

namespace real {

constexpr auto malloc = __libc_malloc;
constexpr auto realloc = __libc_realloc;
constexpr auto alignedAlloc = __libc_memalign;
constexpr auto free = __libc_free;

} // namespace real
#else
namespace real {

/// The function that this program's one replaces. musl's dlsym allocates nothing.
template <typename Function> Function* next(const char* name)
{
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

void* malloc(size_t size)
{
    static const auto function = next<void*(size_t)>("malloc");
    return function(size);
}

void* realloc(void* memory, size_t size)
{
    static const auto function = next<void*(void*, size_t)>("realloc");
    return function(memory, size);
}

void* alignedAlloc(size_t alignment, size_t size)
{
    static const auto function = next<void*(size_t, size_t)>("aligned_alloc");
    return function(alignment, size);
}

void free(void* memory)
{
    static const auto function = next<void(void*)>("free");
    function(memory);
}

} // namespace real
#endif

extern "C" {
void* malloc(size_t size)
{
    return allocationFails(size) ? nullptr : real::malloc(size);
}

void* calloc(size_t count, size_t size)
{
    // Not the C library's, which may call this file's malloc.
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes) || allocationFails(bytes))
        return nullptr;
    void* const memory = real::malloc(bytes);
    return memory ? memset(memory, 0, bytes) : nullptr;
}

void* realloc(void* memory, size_t size)
{
    return allocationFails(size) ? nullptr : real::realloc(memory, size);
}

void* aligned_alloc(size_t alignment, size_t size)
{
    return allocationFails(size) ? nullptr : real::alignedAlloc(alignment, size);
}

int posix_memalign(void** memory, size_t alignment, size_t size)
{
    if (allocationFails(size))
        return ENOMEM;
    *memory = real::alignedAlloc(alignment, size);
    return *memory ? 0 : ENOMEM;
}

void free(void* memory)
{
    real::free(memory);
}
}

#else

namespace {

void* allocate(size_t size, size_t alignment)
{
    if (allocationFails(size))
        return nullptr;
    if (alignment <= alignof(max_align_t))
        return malloc(size ? size : 1);
    return aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

void* allocateOrThrow(size_t size, size_t alignment)
{
    void* const memory = allocate(size, alignment);
    if (!memory)
        throw std::bad_alloc();
    return memory;
}

} // namespace

void* operator new(size_t size)
{
    return allocateOrThrow(size, 1);
}
void* operator new[](size_t size)
{
    return allocateOrThrow(size, 1);
}
void* operator new(size_t size, const std::nothrow_t&) noexcept
{
    return allocate(size, 1);
}
void* operator new[](size_t size, const std::nothrow_t&) noexcept
{
    return allocate(size, 1);
}
void* operator new(size_t size, std::align_val_t a)
{
    return allocateOrThrow(size, static_cast<size_t>(a));
}
void* operator new[](size_t size, std::align_val_t a)
{
    return allocateOrThrow(size, static_cast<size_t>(a));
}
void operator delete(void* memory) noexcept
{
    free(memory);
}
void operator delete[](void* memory) noexcept
{
    free(memory);
}
void operator delete(void* memory, size_t) noexcept
{
    free(memory);
}
void operator delete[](void* memory, size_t) noexcept
{
    free(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept
{
    free(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept
{
    free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept
{
    free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept
{
    free(memory);
}
void operator delete(void* memory, size_t, std::align_val_t) noexcept
{
    free(memory);
}
void operator delete[](void* memory, size_t, std::align_val_t) noexcept
{
    free(memory);
}

#endif

namespace vwsi::mock {

HeapProbe::Counter::Counter()
{
    allocationCount = 0;
    allocationBytes = 0;
    ++counters;
}

HeapProbe::Counter::~Counter()
{
    --counters;
}

uint64_t HeapProbe::Counter::allocations() const
{
    return allocationCount;
}

uint64_t HeapProbe::Counter::bytes() const
{
    return allocationBytes;
}

HeapProbe::Failure::Failure(unsigned n)
{
    failureHit = false;
    failureCountdown = n;
}

HeapProbe::Failure::~Failure()
{
    failureCountdown = 0;
}

bool HeapProbe::Failure::wasHit() const
{
    return failureHit;
}

HeapProbe::Pause::Pause()
{
    ++pauses;
}

HeapProbe::Pause::~Pause()
{
    --pauses;
}

bool HeapProbe::seesMalloc()
{
    return VWSI_SEES_MALLOC;
}

} // namespace vwsi::mock
