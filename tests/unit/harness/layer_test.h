#pragma once

#include "harness/child_process.h"
#include "harness/test_device.h"
#include "harness/window.h"
#include "mock/driver.h"

#include <chrono>
#include <cstring>
#include <ctime>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>

namespace vwsi::testing {

/// A mock driver and, on demand, an instance and a device through the layer; in the end the driver must not have seen
/// any misuse and everything must be gone.
class LayerTest : public ::testing::Test {
protected:
    void TearDown() override
    {
        // What a test left hanging must not keep the teardown from ending.
        if (HasFatalFailure())
            driver.completeAll();
        m_device.reset();
        m_instance.reset();
        EXPECT_THAT(driver.errors(), ::testing::IsEmpty());
        EXPECT_THAT(driver.liveObjects(), ::testing::IsEmpty());
    }

    TestInstance& makeInstance(const InstanceOptions& options = {})
    {
        m_instance = std::make_unique<TestInstance>(options);
        EXPECT_EQ(m_instance->result, VK_SUCCESS);
        return *m_instance;
    }

    /// The instance; made with one Venus device unless the test has added others.
    TestInstance& instance()
    {
        if (!m_instance) {
            if (!m_added)
                add(mock::DeviceSpec::venus());
            makeInstance();
        }
        return *m_instance;
    }

    TestDevice& makeDevice(const DeviceOptions& options = {})
    {
        m_device = std::make_unique<TestDevice>(instance(), options);
        EXPECT_EQ(m_device->result, VK_SUCCESS);
        return *m_device;
    }

    TestDevice& device()
    {
        if (!m_device)
            makeDevice();
        return *m_device;
    }

    void add(mock::DeviceSpec spec)
    {
        m_added = true;
        driver.add(std::move(spec));
    }

    void destroyDevice() { m_device.reset(); }

    mock::Driver driver;

private:
    bool m_added = false;
    std::unique_ptr<TestInstance> m_instance;
    std::unique_ptr<TestDevice> m_device;
};

/// The bytes of a struct at one moment, to see that nobody writes into it.
template <typename Struct> class Snapshot {
public:
    explicit Snapshot(const Struct& watched) : m_watched(watched) { memcpy(m_bytes, &watched, sizeof(Struct)); }
    bool unchanged() const { return !memcmp(m_bytes, &m_watched, sizeof(Struct)); }

private:
    const Struct& m_watched;
    unsigned char m_bytes[sizeof(Struct)];
};

/// What a clock shows, for those that count processor time.
inline uint64_t nanoseconds(clockid_t clock)
{
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

/// A struct of an extension that neither the headers nor the layer know.
struct UnknownStruct {
    static constexpr auto kType = static_cast<VkStructureType>(2'000'999'000);

    VkStructureType sType = kType;
    const void* pNext = nullptr;
    uint64_t payload[6] = {1, 2, 3, 4, 5, 6};
};

class Stopwatch {
public:
    std::chrono::milliseconds elapsed() const
    {
        return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - m_start);
    }

private:
    std::chrono::steady_clock::time_point m_start = std::chrono::steady_clock::now();
};

} // namespace vwsi::testing
