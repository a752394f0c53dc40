#include "entry/hooks.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace vwsi {

namespace {

/// All tables in one, sorted by name; made at the first look-up and kept.
const std::vector<Hook>& sortedHooks()
{
    static const auto* const sorted = [] {
        auto* const all = new std::vector<Hook>;
        for (const std::span<const Hook> table : {
                 instanceHooks(),
                 physicalDeviceHooks(),
                 surfaceHooks(),
                 deviceHooks(),
                 queueHooks(),
                 layoutHooks(),
                 sharedLayoutHooks(),
                 objectHooks(),
                 swapchainHooks(),
                 presentWaitHooks(),
                 displayTimingHooks(),
#ifdef VK_EXT_present_timing
                 presentTimingHooks(),
                 calibrationHooks(),
#endif
#ifdef VWSI_HAVE_XCB
                 xcbHooks(),
#endif
#ifdef VWSI_HAVE_XLIB
                 xlibHooks(),
#endif
#ifdef VWSI_HAVE_WAYLAND
                 waylandHooks(),
#endif
#ifdef VWSI_HAVE_DISPLAY
                 displayHooks(),
#endif
             })
            all->insert(all->end(), table.begin(), table.end());
        std::sort(all->begin(), all->end(), [](const Hook& a, const Hook& b) { return strcmp(a.name, b.name) < 0; });
        return all;
    }();
    return *sorted;
}

} // namespace

const Hook* findHook(const char* name)
{
    const std::vector<Hook>& hooks = sortedHooks();
    const auto found = std::lower_bound(hooks.begin(), hooks.end(), name, [](const Hook& hook, const char* wanted) {
        return strcmp(hook.name, wanted) < 0;
    });
    return found != hooks.end() && !strcmp(found->name, name) ? &*found : nullptr;
}

} // namespace vwsi
