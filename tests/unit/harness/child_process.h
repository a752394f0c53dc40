#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace vwsi::testing {

using Environment = std::vector<std::pair<std::string, std::string>>;

/// Runs the current test in a process of its own with these variables: the layer reads its settings once per process.
///
/// True in that process, where the body goes on; false in the first one, after the other has ended and its outcome has
/// become this test's. Use it through IN_PROCESS_WITH.
bool runHere(const Environment& environment);

/// What the layer has logged so far in this child process.
std::string childLog();

/// A folder that belongs to this child process alone and ends with it.
std::string childFolder();

/// Ends the child process with the outcome so far, for tests that leave behind what their end would complain of.
[[noreturn]] void endHere();

/// Stops this process, as a terminal's Ctrl-Z does, and lets it go on after a while.
void stopFor(std::chrono::milliseconds time);

/// Sets the environment that tests run in unless they ask for another; before the layer is loaded.
void setDefaultEnvironment();

} // namespace vwsi::testing

/// First statement of a test that needs settings of its own: IN_PROCESS_WITH({"VENUS_WSI_POLICY", "never"}).
#define IN_PROCESS_WITH(...)                                                                                           \
    if (!::vwsi::testing::runHere({__VA_ARGS__}))                                                                      \
    return
