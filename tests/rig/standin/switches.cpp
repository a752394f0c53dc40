#include "switches.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <unistd.h>
#include <vulkan/vulkan_core.h>

namespace standin {
namespace {

uint64_t numberFrom(const char* name, uint64_t fallback)
{
    const char* text = std::getenv(name);
    return text && *text ? std::strtoull(text, nullptr, 10) : fallback;
}

std::string textFrom(const char* name)
{
    const char* text = std::getenv(name);
    return text ? text : "";
}

Switches fromEnvironment()
{
    Switches s;
    s.hidden = {VK_KHR_EXTERNAL_SEMAPHORE_FD_EXTENSION_NAME, VK_KHR_EXTERNAL_FENCE_FD_EXTENSION_NAME,
                VK_EXT_IMAGE_DRM_FORMAT_MODIFIER_EXTENSION_NAME, VK_EXT_QUEUE_FAMILY_FOREIGN_EXTENSION_NAME};
    s.hideDmaBuf = numberFrom("STANDIN_HIDE_DMABUF", 0) != 0;
    s.exportImages = numberFrom("STANDIN_EXPORT_IMAGES", 0) != 0;
    if (s.hideDmaBuf)
        s.hidden.emplace_back(VK_EXT_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_NAME);
    const std::string more = textFrom("STANDIN_HIDE");
    for (size_t begin = 0; begin < more.size();) {
        const size_t end = std::min(more.find(':', begin), more.size());
        s.hidden.push_back(more.substr(begin, end - begin));
        begin = end + 1;
    }
    s.stallAfter = numberFrom("STANDIN_STALL_AFTER", UINT64_MAX);
    s.stallFile = textFrom("STANDIN_STALL_FILE");
    s.delayMicroseconds = numberFrom("STANDIN_DELAY_US", 0);
    return s;
}

} // namespace

bool Switches::hides(std::string_view extension) const
{
    return std::find(hidden.begin(), hidden.end(), extension) != hidden.end();
}

bool Switches::swallowsSubmission(uint64_t submitted) const
{
    return submitted >= stallAfter || (!stallFile.empty() && access(stallFile.c_str(), F_OK) == 0);
}

const Switches& switches()
{
    static const Switches s = fromEnvironment();
    return s;
}

} // namespace standin
