// The table of libdrm's functions, as the fake kernel answers them. Results and errno as libdrm's: Get
// functions return null, some functions -1, most -errno.

#include "fake_libdrm/calls.h"

namespace vwsi::drm::fake {

namespace {

std::vector<std::string>& propertyNames()
{
    static auto* const names = new std::vector<std::string>;
    return *names;
}

} // namespace

uint32_t propertyId(const std::string& name)
{
    std::vector<std::string>& names = propertyNames();
    const auto found = std::find(names.begin(), names.end(), name);
    if (found != names.end())
        return 500 + static_cast<uint32_t>(found - names.begin());
    names.push_back(name);
    return 500 + static_cast<uint32_t>(names.size()) - 1;
}

const std::string& propertyName(uint32_t id)
{
    static const std::string unknown = "?";
    const std::vector<std::string>& names = propertyNames();
    return id >= 500 && id - 500 < names.size() ? names[id - 500] : unknown;
}

const Api& fakeApi()
{
    static const Api table = [] {
        Api api;
        setDescriptorFunctions(api);
        setDeviceFunctions(api);
        setResourceFunctions(api);
        setPropertyFunctions(api);
        setChangeFunctions(api);
        return api;
    }();
    return table;
}

} // namespace vwsi::drm::fake
