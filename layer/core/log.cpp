#include "core/log.h"

#include "core/settings.h"

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace vwsi {

namespace {

const char* levelName(LogLevel level)
{
    switch (level) {
    case LogLevel::Error:
        return "error";
    case LogLevel::Warn:
        return "warning";
    case LogLevel::Info:
        return "info";
    case LogLevel::Debug:
        return "debug";
    }
    return "";
}

/// Descriptor of the log file; the file is opened once and shared by all threads.
int logDescriptor()
{
    static const int fd = [] {
        const std::string& path = settings().logFile;
        if (path.empty())
            return STDERR_FILENO;
        const int opened = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (opened >= 0)
            return opened;
        if (logEnabled(LogLevel::Warn))
            dprintf(STDERR_FILENO, "venus-wsi: warning: VENUS_WSI_LOG_FILE=%s cannot be opened (%s); logging here\n",
                    path.c_str(), strerror(errno));
        return STDERR_FILENO;
    }();
    return fd;
}

} // namespace

bool logEnabled(LogLevel level)
{
    return level <= settings().logLevel;
}

void logLine(LogLevel level, const char* format, ...)
{
    if (!logEnabled(level))
        return;
    // One write() per line keeps lines of several threads and processes apart, and allocates nothing.
    char line[1024];
    int length = snprintf(line, sizeof(line), "venus-wsi: %s: ", levelName(level));
    va_list args;
    va_start(args, format);
    const int body = vsnprintf(line + length, sizeof(line) - static_cast<size_t>(length) - 1, format, args);
    va_end(args);
    if (body > 0)
        length += body;
    if (length > static_cast<int>(sizeof(line)) - 2)
        length = static_cast<int>(sizeof(line)) - 2;
    line[length++] = '\n';
    [[maybe_unused]] const ssize_t written = write(logDescriptor(), line, static_cast<size_t>(length));
}

} // namespace vwsi
