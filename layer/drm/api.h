#pragma once

#include <cstddef>
#include <cstdint>
#include <xf86drm.h>
#include <xf86drmMode.h>

/// Every libdrm function that the layer calls.
#define VWSI_DRM_FUNCTIONS(X)                                                                                          \
    X(drmIoctl)                                                                                                        \
    X(drmGetCap)                                                                                                       \
    X(drmSetClientCap)                                                                                                 \
    X(drmGetVersion)                                                                                                   \
    X(drmFreeVersion)                                                                                                  \
    X(drmGetDevices2)                                                                                                  \
    X(drmFreeDevices)                                                                                                  \
    X(drmIsMaster)                                                                                                     \
    X(drmSetMaster)                                                                                                    \
    X(drmDropMaster)                                                                                                   \
    X(drmCrtcGetSequence)                                                                                              \
    X(drmModeGetResources)                                                                                             \
    X(drmModeFreeResources)                                                                                            \
    X(drmModeGetConnector)                                                                                             \
    X(drmModeGetConnectorCurrent)                                                                                      \
    X(drmModeFreeConnector)                                                                                            \
    X(drmModeGetEncoder)                                                                                               \
    X(drmModeFreeEncoder)                                                                                              \
    X(drmModeGetCrtc)                                                                                                  \
    X(drmModeFreeCrtc)                                                                                                 \
    X(drmModeGetPlaneResources)                                                                                        \
    X(drmModeFreePlaneResources)                                                                                       \
    X(drmModeGetPlane)                                                                                                 \
    X(drmModeFreePlane)                                                                                                \
    X(drmModeObjectGetProperties)                                                                                      \
    X(drmModeFreeObjectProperties)                                                                                     \
    X(drmModeGetProperty)                                                                                              \
    X(drmModeFreeProperty)                                                                                             \
    X(drmModeGetPropertyBlob)                                                                                          \
    X(drmModeFreePropertyBlob)                                                                                         \
    X(drmModeCreatePropertyBlob)                                                                                       \
    X(drmModeDestroyPropertyBlob)                                                                                      \
    X(drmModeConnectorSetProperty)                                                                                     \
    X(drmModeAddFB2)                                                                                                   \
    X(drmModeRmFB)                                                                                                     \
    X(drmModeSetCrtc)                                                                                                  \
    X(drmModePageFlip)                                                                                                 \
    X(drmModeDirtyFB)                                                                                                  \
    X(drmModeSetPlane)                                                                                                 \
    X(drmModeAtomicAlloc)                                                                                              \
    X(drmModeAtomicFree)                                                                                               \
    X(drmModeAtomicAddProperty)                                                                                        \
    X(drmModeAtomicCommit)

namespace vwsi::drm {

/// Major and minor number of a device node.
struct NodeNumber {
    uint32_t major = 0;
    uint32_t minor = 0;
    bool operator==(const NodeNumber&) const = default;
};

/// The system calls on DRM descriptors that libdrm does not wrap, as functions that return -1 and set errno.
struct System {
    int (*open)(const char* path); ///< read-write, close-on-exec, non-blocking
    int (*close)(int fd);
    int (*duplicate)(int fd);         ///< close-on-exec
    int (*replace)(int from, int to); ///< dup3 with close-on-exec
    bool (*sameFile)(int a, int b);   ///< both refer to one open file, as copies of a descriptor do
    int (*pathNumber)(const char* path, NodeNumber* number); ///< of a device node
    int (*descriptorNumber)(int fd, NodeNumber* number);     ///< of an open device node
    void* (*map)(int fd, size_t size, uint64_t offset);      ///< shared, read-write; MAP_FAILED on error
    int (*unmap)(void* address, size_t size);
};

/// libdrm as a table of functions with the types of its own headers.
struct Api {
#define VWSI_DRM_MEMBER(name) decltype(&::name) name = nullptr;
    VWSI_DRM_FUNCTIONS(VWSI_DRM_MEMBER)
#undef VWSI_DRM_MEMBER
    System system{};
};

/// Opens libdrm.so.2 at the first call; null, after one log line, when it is not there or lacks a function.
const Api* loadApi();

/// The loaded table. Only valid after loadApi() succeeded.
const Api& api();

/// 0 for success, else the positive errno of a libdrm call, some of which return -1 and some -errno.
int errorOf(int result);

/// Writes the one error line about a failed operation on a node: what failed, why, and what the user can do.
void logFailure(const char* operation, const char* node, int error);

/// Deleter for what a libdrm Get function returned: `Owned<drmModeCrtc, &Api::drmModeFreeCrtc>`.
template <auto Release> struct Releaser {
    template <typename T> void operator()(T* object) const { (api().*Release)(object); }
};

namespace testing {
/// Puts another table in libdrm's place; null for the real one.
void replaceApi(const Api* table);
} // namespace testing

} // namespace vwsi::drm
