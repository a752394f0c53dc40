#include "harness/child_process.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <spawn.h>
#include <sstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

extern char** environ;

namespace vwsi::testing {

namespace {

constexpr const char* kChild = "VWSI_TEST_CHILD_FOLDER";
constexpr int kLimitSeconds = 120;

std::string readFile(const std::filesystem::path& path)
{
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string testName()
{
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    return std::string(info->test_suite_name()) + "." + info->name();
}

std::vector<std::string> childEnvironment(const Environment& wanted, const std::string& folder)
{
    std::map<std::string, std::string> variables;
    for (char** entry = environ; *entry; ++entry) {
        char* const equals = strchr(*entry, '=');
        // The parent's shard, report file and repetitions are not for the child.
        if (equals && strncmp(*entry, "GTEST_", 6) != 0)
            variables[std::string(*entry, equals)] = equals + 1;
    }
    variables["VENUS_WSI_LOG_FILE"] = folder + "/log";
    variables[kChild] = folder;
    for (const auto& [name, value] : wanted)
        variables[name] = value;
    std::vector<std::string> list;
    for (const auto& [name, value] : variables)
        list.push_back(name + "=" + value);
    return list;
}

/// Exit status of the process, or -1 after it had to be killed.
int waitFor(pid_t pid)
{
    int status = 0;
    for (int i = 0; i < kLimitSeconds * 100; ++i) {
        const pid_t ended = waitpid(pid, &status, WNOHANG);
        if (ended == pid)
            return status;
        if (ended < 0 && errno != EINTR)
            return -1;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return -1;
}

} // namespace

bool runHere(const Environment& environment)
{
    if (getenv(kChild))
        return true;
    std::string pattern = (std::filesystem::temp_directory_path() / "vwsi-unit-XXXXXX").string();
    if (!mkdtemp(pattern.data())) {
        ADD_FAILURE() << "mkdtemp: " << strerror(errno);
        return false;
    }
    const std::string output = pattern + "/output";
    const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
    const std::string filter = "--gtest_filter=" + testName();
    std::vector<std::string> variables = childEnvironment(environment, pattern);
    std::vector<char*> environmentPointers;
    for (std::string& variable : variables)
        environmentPointers.push_back(variable.data());
    environmentPointers.push_back(nullptr);
    const char* arguments[] = {self.c_str(), filter.c_str(), nullptr};

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    pid_t pid = 0;
    const int spawned =
        posix_spawn(&pid, self.c_str(), &actions, nullptr, const_cast<char**>(arguments), environmentPointers.data());
    posix_spawn_file_actions_destroy(&actions);
    if (spawned != 0) {
        ADD_FAILURE() << "posix_spawn: " << strerror(spawned);
    } else {
        const int status = waitFor(pid);
        const std::string text = readFile(output);
        const bool ran = text.find("[  PASSED  ] 1 test") != std::string::npos;
        if (status != 0 || !ran) {
            ADD_FAILURE() << (status == -1 ? "the child process hung\n" : "the child process failed\n") << "status "
                          << status << "\n"
                          << text << "layer's log:\n"
                          << readFile(pattern + "/log");
        }
    }
    std::filesystem::remove_all(pattern);
    return false;
}

std::string childLog()
{
    const char* folder = getenv(kChild);
    return folder ? readFile(std::string(folder) + "/log") : std::string();
}

std::string childFolder()
{
    const char* folder = getenv(kChild);
    return folder ? folder : "";
}

void endHere()
{
    const bool failed = ::testing::Test::HasFailure();
    // What runHere() looks for.
    if (!failed)
        printf("[  PASSED  ] 1 test, which ended its process\n");
    fflush(stdout);
    _exit(failed ? 1 : 0);
}

void stopFor(std::chrono::milliseconds time)
{
    const pid_t self = getpid();
    const pid_t waker = fork();
    if (waker == 0) {
        std::this_thread::sleep_for(time);
        kill(self, SIGCONT);
        _exit(0);
    }
    raise(SIGSTOP);
    waitpid(waker, nullptr, 0);
}

void setDefaultEnvironment()
{
    if (getenv(kChild))
        return;
    std::vector<std::string> foreign;
    for (char** entry = environ; *entry; ++entry) {
        if (!strncmp(*entry, "VENUS_WSI_", 10))
            foreign.emplace_back(*entry, strcspn(*entry, "="));
    }
    for (const std::string& name : foreign)
        unsetenv(name.c_str());
    // FIFO frames must not make the tests slow, and a hang must not look like patience.
    setenv("VENUS_WSI_REFRESH_MHZ", "1000000", 1);
    setenv("VENUS_WSI_TIMEOUT_MS", "5000", 1);
}

} // namespace vwsi::testing
