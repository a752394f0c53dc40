#include "core/settings.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <sys/auxv.h>
#include <utility>
#include <vector>

namespace vwsi {

namespace {

/// Complaints about the environment, kept until the settings they belong to are in force and can be logged.
using Complaints = std::vector<std::string>;

template <typename Value>
void readChoice(const char* name, std::initializer_list<std::pair<const char*, Value>> choices, Value& value,
                Complaints& complaints)
{
    const char* text = safeEnv(name);
    if (!text || !*text)
        return;
    std::string allowed;
    for (const auto& [word, choice] : choices) {
        if (!strcmp(text, word)) {
            value = choice;
            return;
        }
        allowed += allowed.empty() ? "" : "|";
        allowed += word;
    }
    complaints.push_back(std::string(name) + "=" + text + " is not one of " + allowed + "; using the default");
}

void readNumber(const char* name, uint64_t lowest, uint64_t highest, uint64_t& value, Complaints& complaints)
{
    const char* text = safeEnv(name);
    if (!text || !*text)
        return;
    char* end = nullptr;
    const unsigned long long number = strtoull(text, &end, 10);
    if (*end || *text == '-' || number < lowest || number > highest) {
        complaints.push_back(std::string(name) + "=" + text + " is not a number from " + std::to_string(lowest) +
                             " to " + std::to_string(highest) + "; using the default");
        return;
    }
    value = number;
}

void readSize(const char* name, uint32_t& width, uint32_t& height, Complaints& complaints)
{
    const char* text = safeEnv(name);
    if (!text || !*text)
        return;
    constexpr unsigned kMost = 16384;
    unsigned numbers[2]{};
    char end = 0;
    if (sscanf(text, "%5ux%5u%c", &numbers[0], &numbers[1], &end) != 2 || !numbers[0] || !numbers[1] ||
        numbers[0] > kMost || numbers[1] > kMost) {
        complaints.push_back(std::string(name) + "=" + text + " is not a size such as 640x480; using the default");
        return;
    }
    width = numbers[0];
    height = numbers[1];
}

void readText(const char* name, std::string& value)
{
    if (const char* text = safeEnv(name))
        value = text;
}

Settings readSettings(Complaints& complaints)
{
    Settings s;
    readChoice<Policy>("VENUS_WSI_POLICY",
                       {{"auto", Policy::Auto}, {"always", Policy::Always}, {"never", Policy::Never}}, s.policy,
                       complaints);
    readChoice<LogLevel>(
        "VENUS_WSI_LOG",
        {{"error", LogLevel::Error}, {"warn", LogLevel::Warn}, {"info", LogLevel::Info}, {"debug", LogLevel::Debug}},
        s.logLevel, complaints);
    readText("VENUS_WSI_LOG_FILE", s.logFile);
    readChoice<CompletionMode>("VENUS_WSI_COMPLETION",
                               {{"word", CompletionMode::Word}, {"fence", CompletionMode::Fence}}, s.completion,
                               complaints);
    readChoice<CopyMode>("VENUS_WSI_COPY",
                         {{"auto", CopyMode::Auto},
                          {"direct", CopyMode::Direct},
                          {"import", CopyMode::Import},
                          {"staged", CopyMode::Staged}},
                         s.copy, complaints);
    uint64_t timeoutMs = s.stuckTimeoutNs / 1'000'000;
    readNumber("VENUS_WSI_TIMEOUT_MS", 1, 3'600'000, timeoutMs, complaints);
    s.stuckTimeoutNs = timeoutMs * 1'000'000;
    uint64_t refresh = s.refreshMilliHz;
    readNumber("VENUS_WSI_REFRESH_MHZ", 1'000, 1'000'000, refresh, complaints);
    s.refreshMilliHz = static_cast<uint32_t>(refresh);
    readChoice<std::string>("VENUS_WSI_X11", {{"auto", "auto"}, {"present", "present"}, {"shm", "shm"}, {"put", "put"}},
                            s.x11, complaints);
    readChoice<std::string>("VENUS_WSI_WAYLAND", {{"auto", "auto"}, {"shm", "shm"}, {"dmabuf", "dmabuf"}}, s.wayland,
                            complaints);
    readText("VENUS_WSI_DRM_DEVICE", s.drmDevice);
    readText("VENUS_WSI_HEADLESS_DIR", s.headlessDir);
    readSize("VENUS_WSI_HEADLESS_SIZE", s.headlessWidth, s.headlessHeight, complaints);
    return s;
}

/// The settings in force. They are never freed: a thread may still log while the process exits.
std::atomic<const Settings*> current{nullptr};

const Settings& load()
{
    Complaints complaints;
    const auto* fresh = new Settings(readSettings(complaints));
    const Settings* expected = nullptr;
    if (!current.compare_exchange_strong(expected, fresh)) {
        delete fresh;
        return *expected;
    }
    for (const std::string& complaint : complaints)
        VWSI_WARN("%s", complaint.c_str());
    return *fresh;
}

} // namespace

const char* safeEnv(const char* name)
{
    return getauxval(AT_SECURE) ? nullptr : getenv(name);
}

const Settings& settings()
{
    const Settings* now = current.load(std::memory_order_acquire);
    return now ? *now : load();
}

void testing::reloadSettings()
{
    delete current.exchange(nullptr);
    load();
}

} // namespace vwsi
