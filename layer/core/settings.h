#pragma once

#include "core/log.h"

#include <cstdint>
#include <string>

namespace vwsi {

/// Which physical devices the layer serves (VENUS_WSI_POLICY).
enum class Policy { Auto, Always, Never };

/// How the presenter learns that a frame's copy is done (VENUS_WSI_COMPLETION).
enum class CompletionMode { Word, Fence };

/// Where the frame's bytes go first (VENUS_WSI_COPY).
enum class CopyMode {
    Auto,   ///< the cheapest way that the driver and the target allow
    Direct, ///< render into the target's memory (VK_EXT_external_memory_host, linear image)
    Import, ///< GPU copy into the target's memory (VK_EXT_external_memory_host)
    Staged, ///< GPU copy into host-visible memory, CPU copy into the target
    Export, ///< render into memory that the window system reads itself (dma-buf); chosen by VENUS_WSI_WAYLAND
};

/// What the user asked for in the environment, read once per process. A value that does not parse is reported in one
/// warning and replaced by the default; in setuid processes all of the environment is ignored.
struct Settings {
    Policy policy = Policy::Auto;
    LogLevel logLevel = LogLevel::Warn;
    std::string logFile;
    CompletionMode completion = CompletionMode::Word;
    CopyMode copy = CopyMode::Auto;
    /// Time after which a frame's copy that does not complete counts as a lost device (VENUS_WSI_TIMEOUT_MS).
    uint64_t stuckTimeoutNs = 10'000'000'000;
    /// Refresh rate in mHz for targets that cannot tell theirs (VENUS_WSI_REFRESH_MHZ).
    uint32_t refreshMilliHz = 60'000;
    /// How X11 targets hand over bytes (VENUS_WSI_X11): "auto", "present", "shm", "put".
    std::string x11 = "auto";
    /// How Wayland targets hand over bytes (VENUS_WSI_WAYLAND): "auto", "shm", "dmabuf".
    std::string wayland = "auto";
    /// DRM primary node for VK_KHR_display (VENUS_WSI_DRM_DEVICE); empty: found from the physical device.
    std::string drmDevice;
    /// Folder in which headless surfaces leave the frames presented on them as PPM files (VENUS_WSI_HEADLESS_DIR).
    std::string headlessDir;
    /// Size of headless surfaces (VENUS_WSI_HEADLESS_SIZE, "640x480"); 0: the swapchain determines it.
    uint32_t headlessWidth = 0;
    uint32_t headlessHeight = 0;

    /// The same as an interval in nanoseconds.
    uint64_t refreshInterval() const { return 1'000'000'000'000 / refreshMilliHz; }
};

/// The process's settings.
const Settings& settings();

/// Value of an environment variable, or null when unset or when the process is setuid (AT_SECURE).
const char* safeEnv(const char* name);

namespace testing {
/// Reads the environment again; for tests that change settings within one process.
void reloadSettings();
} // namespace testing

} // namespace vwsi
