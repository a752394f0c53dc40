#pragma once

namespace vwsi {

enum class LogLevel { Error = 0, Warn = 1, Info = 2, Debug = 3 };

/// True when a line of this level would be written (VENUS_WSI_LOG; default: warn).
bool logEnabled(LogLevel level);

/// Writes one line, `venus-wsi: LEVEL: message`, to standard error or VENUS_WSI_LOG_FILE. An error line names the cause
/// and the remedy.
void logLine(LogLevel level, const char* format, ...) __attribute__((format(printf, 2, 3)));

#define VWSI_ERROR(...) ::vwsi::logLine(::vwsi::LogLevel::Error, __VA_ARGS__)
#define VWSI_WARN(...) ::vwsi::logLine(::vwsi::LogLevel::Warn, __VA_ARGS__)
#define VWSI_INFO(...)                                                                                                 \
    do {                                                                                                               \
        if (::vwsi::logEnabled(::vwsi::LogLevel::Info))                                                                \
            ::vwsi::logLine(::vwsi::LogLevel::Info, __VA_ARGS__);                                                      \
    } while (0)
#define VWSI_DEBUG(...)                                                                                                \
    do {                                                                                                               \
        if (::vwsi::logEnabled(::vwsi::LogLevel::Debug))                                                               \
            ::vwsi::logLine(::vwsi::LogLevel::Debug, __VA_ARGS__);                                                     \
    } while (0)

} // namespace vwsi
