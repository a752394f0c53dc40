// README's tables of extensions and present modes against what this build of the layer supplies.
// tests/integration/surface compares them with the surfaces of window systems that run.
#include "harness/layer_test.h"
#include "harness/readme_table.h"

#include <algorithm>
#include <set>

namespace vwsi::testing {

namespace {

using ::testing::IsSubsetOf;
using ::testing::IsSupersetOf;

constexpr const char* kLayer = "VK_LAYER_VENUS_wsi";

class Readme : public LayerTest {
protected:
    static std::set<std::string> names(const std::vector<SuppliedRow>& rows, bool onlyCertain)
    {
        std::set<std::string> result;
        for (const SuppliedRow& row : rows) {
            if (!onlyCertain || !row.newerHeaders)
                result.insert(row.name);
        }
        return result;
    }

    template <typename List> static std::set<std::string> listed(List&& list)
    {
        uint32_t count = 0;
        EXPECT_EQ(list(&count, nullptr), VK_SUCCESS);
        std::vector<VkExtensionProperties> properties(count);
        EXPECT_EQ(list(&count, properties.data()), VK_SUCCESS);
        std::set<std::string> result;
        for (const VkExtensionProperties& each : properties)
            result.insert(each.extensionName);
        return result;
    }

    /// All that is supplied stands in the table, and all that stands there is supplied, as far as the headers go.
    static void compare(const std::set<std::string>& supplied, const std::vector<SuppliedRow>& rows)
    {
        EXPECT_THAT(supplied, IsSubsetOf(names(rows, false))) << "not in README";
        EXPECT_THAT(supplied, IsSupersetOf(names(rows, VK_HEADER_VERSION < kHeadersWithAll))) << "not supplied";
    }

private:
    /// From this VK_HEADER_VERSION on every extension of the table is compiled in.
    static constexpr int kHeadersWithAll = 350;
};

} // namespace

TEST_F(Readme, HasTheInstanceExtensions)
{
    instance();
    const auto list = reinterpret_cast<PFN_vkEnumerateInstanceExtensionProperties>(
        instance().proc("vkEnumerateInstanceExtensionProperties"));
    ASSERT_NE(list, nullptr);
    compare(listed([&](uint32_t* count, VkExtensionProperties* all) { return list(kLayer, count, all); }),
            readmeTable(VWSI_README, "instance extension"));
}

TEST_F(Readme, HasTheDeviceExtensions)
{
    compare(listed([&](uint32_t* count, VkExtensionProperties* all) {
                return instance().vk.EnumerateDeviceExtensionProperties(instance().physicalDevices[0], kLayer, count,
                                                                        all);
            }),
            readmeTable(VWSI_README, "device extension"));
}

TEST_F(Readme, TellsWindowSystemsApart)
{
    auto rows = readmeTable(VWSI_README, "instance extension");
    const auto devices = readmeTable(VWSI_README, "device extension");
    rows.insert(rows.end(), devices.begin(), devices.end());
    ASSERT_GT(rows.size(), 20u);
    const std::pair<const char*, Column> systems[] = {
        {"headless", Headless}, {"xcb", X11}, {"xlib", X11}, {"wayland", Wayland}, {"_display", Display},
    };
    for (const SuppliedRow& row : rows) {
        const auto own = std::find_if(std::begin(systems), std::end(systems), [&](const auto& system) {
            // VK_GOOGLE_display_timing times frames on every kind of surface.
            return row.name.find(system.first) != std::string::npos && !row.name.ends_with("_display_timing");
        });
        for (size_t column = 0; column < row.on.size(); ++column)
            EXPECT_EQ(row.on[column], own == std::end(systems) || own->second == column) << row.name;
    }
}

TEST_F(Readme, HasThePresentModesOfHeadlessSurfaces)
{
    const std::pair<const char*, VkPresentModeKHR> modes[] = {
        {"IMMEDIATE", VK_PRESENT_MODE_IMMEDIATE_KHR},
        {"MAILBOX", VK_PRESENT_MODE_MAILBOX_KHR},
        {"FIFO", VK_PRESENT_MODE_FIFO_KHR},
        {"FIFO_RELAXED", VK_PRESENT_MODE_FIFO_RELAXED_KHR},
        {"SHARED_DEMAND_REFRESH", VK_PRESENT_MODE_SHARED_DEMAND_REFRESH_KHR},
        {"SHARED_CONTINUOUS_REFRESH", VK_PRESENT_MODE_SHARED_CONTINUOUS_REFRESH_KHR},
#ifdef VK_EXT_present_mode_fifo_latest_ready
        {"FIFO_LATEST_READY", VK_PRESENT_MODE_FIFO_LATEST_READY_EXT},
#endif
    };
    std::set<VkPresentModeKHR> told;
    for (const SuppliedRow& row : readmeTable(VWSI_README, "present mode")) {
        for (const auto& [name, mode] : modes) {
            if (row.name == name && row.on[Headless])
                told.insert(mode);
        }
    }
    const VkSurfaceKHR surface = instance().createSurface();
    VkPresentModeKHR list[16]{};
    uint32_t count = std::size(list);
    EXPECT_EQ(
        instance().vk.GetPhysicalDeviceSurfacePresentModesKHR(instance().physicalDevices[0], surface, &count, list),
        VK_SUCCESS);
    EXPECT_EQ(std::set(list, list + count), told);
    instance().vk.DestroySurfaceKHR(instance().handle, surface, nullptr);
}

} // namespace vwsi::testing
