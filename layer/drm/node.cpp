#include "drm/node.h"

#include "core/log.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

namespace vwsi::drm {

namespace {

constexpr int kMaxDevices = 64;

/// All DRM devices of the system, freed together.
class DeviceList {
public:
    DeviceList() : m_devices(kMaxDevices), m_count(api().drmGetDevices2(0, m_devices.data(), kMaxDevices)) {}
    ~DeviceList()
    {
        if (m_count > 0)
            api().drmFreeDevices(m_devices.data(), m_count);
    }
    DeviceList(const DeviceList&) = delete;
    DeviceList& operator=(const DeviceList&) = delete;

    /// Path of the primary node of the first device that `matches`, or null.
    template <typename Predicate> const char* primaryWhere(Predicate matches) const
    {
        for (int i = 0; i < m_count && i < kMaxDevices; ++i) {
            const drmDevice& device = *m_devices[static_cast<size_t>(i)];
            if (device.available_nodes & 1 << DRM_NODE_PRIMARY && matches(device))
                return device.nodes[DRM_NODE_PRIMARY];
        }
        return nullptr;
    }

private:
    std::vector<drmDevicePtr> m_devices;
    int m_count;
};

bool nodeIs(const drmDevice& device, int type, const std::optional<NodeNumber>& wanted)
{
    NodeNumber number;
    return wanted && device.available_nodes & 1 << type && api().system.pathNumber(device.nodes[type], &number) == 0 &&
           number == *wanted;
}

/// 0 when `path` is a virtio-gpu with connectors, else why not.
int checkVirtioGpu(const char* path)
{
    const Api& drm = api();
    errno = 0;
    const int fd = drm.system.open(path);
    if (fd < 0)
        return errno ? errno : EIO;
    // The first to open a node becomes its master without having asked.
    if (drm.drmIsMaster(fd))
        drm.drmDropMaster(fd);
    int error = ENODEV;
    const std::unique_ptr<drmVersion, Releaser<&Api::drmFreeVersion>> version(drm.drmGetVersion(fd));
    if (version && version->name && strcmp(version->name, "virtio_gpu") == 0) {
        const std::unique_ptr<drmModeRes, Releaser<&Api::drmModeFreeResources>> res(drm.drmModeGetResources(fd));
        if (res && res->count_connectors > 0)
            error = 0;
    }
    drm.system.close(fd);
    return error;
}

} // namespace

int findNode(const NodeRequest& request, const std::string& named, std::string* path)
{
    const Api* drm = loadApi();
    if (!drm)
        return ENOSYS;
    if (!named.empty()) {
        *path = named;
        return 0;
    }
    const DeviceList devices;
    if (request.primary || request.render) {
        const char* found = devices.primaryWhere([&](const drmDevice& device) {
            return nodeIs(device, DRM_NODE_PRIMARY, request.primary) || nodeIs(device, DRM_NODE_RENDER, request.render);
        });
        if (found) {
            *path = found;
            return 0;
        }
    }
    int worst = ENODEV;
    std::string refused;
    const char* found = devices.primaryWhere([&](const drmDevice& device) {
        const int error = checkVirtioGpu(device.nodes[DRM_NODE_PRIMARY]);
        if (error != 0 && error != ENODEV) {
            worst = error;
            refused = device.nodes[DRM_NODE_PRIMARY];
        }
        return error == 0;
    });
    if (found) {
        *path = found;
        return 0;
    }
    if (worst != ENODEV)
        logFailure("cannot open the display device", refused.c_str(), worst);
    else
        VWSI_WARN("no DRM device with displays found for VK_KHR_display: load the kernel's virtio-gpu "
                  "driver, or name a "
                  "/dev/dri/card node in VENUS_WSI_DRM_DEVICE");
    return worst;
}

} // namespace vwsi::drm
