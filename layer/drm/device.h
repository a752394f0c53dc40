#pragma once

#include "drm/api.h"
#include "drm/kms.h"
#include "drm/master.h"
#include "drm/output.h"
#include "drm/resources.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace vwsi::drm {

/// An open primary node: its resources, the outputs in use, and the events it sends.
///
/// One per node and process, however many instances use it, so that the DRM master right is counted in one
/// place.
class Device : public std::enable_shared_from_this<Device> {
public:
    enum class Interface {
        Best,   ///< atomic where the driver has it
        Legacy, ///< never atomic
    };

    /// Opens a primary node, or finds the one that is open already. Does not make this process the DRM
    /// master. 0 or an errno, after one log line.
    static int open(const std::string& path, std::shared_ptr<Device>* device, Interface interface = Interface::Best);

    /// Drives displays through a copy of the application's descriptor (VK_EXT_acquire_drm_display), whose
    /// right to do so the application manages. EACCES when it has none.
    static int adopt(int fd, std::shared_ptr<Device>* device);

    ~Device();
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    int fd() const { return m_fd; }
    const std::string& path() const { return m_path; }
    NodeNumber number() const { return m_number; }
    bool adopted() const { return m_adopted; }
    bool atomic() const { return m_atomic; }
    bool asyncFlip() const { return m_asyncFlip; }
    /// What is shown is a copy that the driver takes while a flip is on its way, so that a framebuffer can be
    /// written to again as soon as its own flip is complete.
    bool copiesAtFlip() const { return m_copiesAtFlip; }
    const Resources& resources() const { return m_resources; }
    Kms& kms() const { return *m_kms; }
    const Master& master() const { return m_master; }

    /// Lists connectors. The hardware is asked anew only while this process is master anyway. 0 or an errno.
    int connectors(std::vector<Connector>* connectors) const;
    int connector(uint32_t id, Connector* connector) const;

    /// Starts driving a connector with one of its planes, or joins who does; takes the master right with the
    /// first output. `owner` is the surface whose swapchains show frames there, null for whoever shows none. 0 or an
    /// errno, after one log line: EACCES, EBUSY (no free CRTC, another master, or another surface's plane), ENODEV
    /// (unplugged), ENOMEM.
    int acquireOutput(uint32_t connector, const Plane& plane, const void* owner, OutputHandle* output);

    /// Asks the driver whether it would take a mode on a connector. EOPNOTSUPP: it cannot tell.
    int testMode(uint32_t connector, const drmModeModeInfo& mode);

    /// Powers a display up or down, whether or not it is in use here. 0 or an errno.
    int setPower(uint32_t connector, bool on);

    /// When a display starts its next refresh; a period of its preferred mode from now where it is not driven here.
    Nanoseconds nextRefresh(uint32_t connector);

    /// Vertical blanks counted by the driver of a display that is driven here; none pass while it is off. ENOTCONN
    /// where it is not driven, EOPNOTSUPP where the driver has none.
    int vblankCount(uint32_t connector, uint64_t* count);

    /// Another VT is shown: gives the master right back at once, as a display server there asks for it only once.
    void standAside();
    /// Restores what the console showed on all outputs and gives the master right back. Nothing where a display server
    /// has become master meanwhile.
    void yieldToConsole();
    /// Takes the right again after it was given back or lost. 0 or an errno.
    int regain();
    /// A change was refused for want of the master right.
    void masterLost() { m_master.setLost(); }

    /// The VT on which this process showed something first ("tty2"); empty as long as none.
    std::string homeVt();
    void setHomeVt(const std::string& vt);

    /// How long a driver may say that it is busy before that counts as a failure. The kernel itself gives up a
    /// commit whose end the hardware does not tell after ten seconds.
    Nanoseconds patience() const { return m_patience; }
    void setPatience(Nanoseconds patience) { m_patience = patience; }

    /// Reads the events that have arrived and tells the outputs. ENODEV when the device is gone.
    int dispatch();

private:
    friend class Master;
    friend class OutputHandle;
    Device(int fd, std::string path, bool adopted);
    int initialise(Interface interface);
    void setClientCapabilities(int fd) const;
    void probeUnknown();
    void releaseOutput(Output* output, const Plane& plane, uint64_t use);
    const Crtc* chooseCrtc(const Connector& connector, uint32_t planeCrtcs) const;
    Output* findOutput(uint32_t connector) const;
    int readPlugged(uint32_t id, Connector* connector) const;
    int makeOutput(const Connector& connector, const Plane& plane, Output** output);

    const int m_fd;
    const std::string m_path;
    const bool m_adopted;
    NodeNumber m_number;
    bool m_universal = false;
    bool m_atomic = false;
    bool m_asyncFlip = false;
    bool m_copiesAtFlip = false;
    Resources m_resources;
    std::unique_ptr<Kms> m_kms;
    Master m_master;
    std::atomic<Nanoseconds> m_patience{12'000'000'000};

    std::mutex m_outputMutex; ///< outputs, the master right, the home VT
    std::vector<std::unique_ptr<Output>> m_outputs;
    std::string m_homeVt;

    std::mutex m_eventMutex; ///< reading events, and whom they go to
    std::vector<Output*> m_eventSinks;
};

} // namespace vwsi::drm
