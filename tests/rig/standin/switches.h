#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace standin {

/** What the stand-in takes away and does to the host, read once from the server's environment. */
struct Switches {
    bool hideDmaBuf = false;
    bool exportImages = false;
    std::vector<std::string> hidden;
    uint64_t stallAfter = UINT64_MAX;
    std::string stallFile;
    uint64_t delayMicroseconds = 0;

    bool hides(std::string_view extension) const;

    /** @param submitted how many submissions the device has seen before this one. */
    bool swallowsSubmission(uint64_t submitted) const;
};

const Switches& switches();

} // namespace standin
