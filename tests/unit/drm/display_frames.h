#pragma once

#include "drm/mode.h"
#include "fake_libdrm/fake_kms.h"
#include "surface/display/display_surface.h"
#include "surface/display/display_target.h"

#include <gtest/gtest.h>

namespace vwsi {

namespace fake = drm::fake;

inline constexpr Nanoseconds kMillisecond = 1'000'000;

struct Events final : TargetEvents {
    struct Presented {
        uint64_t serial;
        Nanoseconds when;
    };
    void bufferIdle(uint32_t index) override { idle.push_back(index); }
    void framePresented(uint64_t serial, Nanoseconds when) override { presented.push_back({serial, when}); }
    std::vector<uint32_t> idle;
    std::vector<Presented> presented;
};

/// Frames on the displays of a scripted kernel that ends without anything left open.
class DisplayFrames : public ::testing::Test {
protected:
    fake::Kernel kernel{2};
    std::unique_ptr<DisplayRegistry> registry =
        std::make_unique<DisplayRegistry>(nullptr, drm::NodeRequest{.primary = drm::NodeNumber{226, 0}, .render = {}});
    std::vector<std::unique_ptr<Surface>> surfaces;
    std::unique_ptr<Target> target;
    std::vector<TargetBuffer> buffers;
    Events events;
    uint64_t serial = 0;

    /// Most drivers scan framebuffers out as long as they are shown.
    void SetUp() override { kernel.nodes[0].driver = "vkms"; }

    Surface& surface(size_t index)
    {
        while (surfaces.size() <= index) {
            const auto display = static_cast<uint32_t>(surfaces.size());
            VkDisplayPropertiesKHR displays[2];
            uint32_t count = 2;
            EXPECT_EQ(registry->displayProperties(&count, displays), VK_SUCCESS);
            VkDisplayModePropertiesKHR mode{};
            count = 1;
            EXPECT_GE(registry->modeProperties(displays[display].display, &count, &mode), 0);
            VkDisplaySurfaceCreateInfoKHR info{};
            info.sType = VK_STRUCTURE_TYPE_DISPLAY_SURFACE_CREATE_INFO_KHR;
            info.displayMode = mode.displayMode;
            info.planeIndex = display;
            info.transform = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR;
            info.alphaMode = VK_DISPLAY_PLANE_ALPHA_OPAQUE_BIT_KHR;
            info.imageExtent = {1280, 800};
            surfaces.emplace_back();
            EXPECT_EQ(createDisplaySurface(*registry, info, &surfaces.back()), VK_SUCCESS);
        }
        return *surfaces[index];
    }

    VkResult make(std::unique_ptr<Target>* made, uint32_t images = 3, VkExtent2D extent = {1280, 800},
                  size_t display = 0)
    {
        const TargetInfo info{extent,
                              findPixelFormat(VK_FORMAT_B8G8R8A8_UNORM),
                              VK_COLOR_SPACE_SRGB_NONLINEAR_KHR,
                              VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR,
                              VK_PRESENT_MODE_FIFO_KHR,
                              images,
                              nullptr};
        if (const VkResult result = surface(display).createTarget(info, made); result != VK_SUCCESS)
            return result;
        (*made)->setEvents(&events);
        buffers.resize(images);
        for (uint32_t i = 0; i < images; ++i) {
            if (const VkResult result = (*made)->allocate(i, {}, &buffers[i]); result != VK_SUCCESS)
                return result;
        }
        return VK_SUCCESS;
    }

    VkResult present(uint32_t buffer, VkPresentModeKHR mode = VK_PRESENT_MODE_IMMEDIATE_KHR,
                     std::span<const VkRect2D> damage = {}, const FrameRegion* region = nullptr)
    {
        Frame frame;
        frame.buffer = buffer;
        frame.serial = ++serial;
        frame.mode = mode;
        frame.damage = damage;
        frame.region = region;
        return target->present(frame);
    }

    /// Lets the target work until `count` frames have been told of.
    bool told(size_t count)
    {
        const Nanoseconds limit = monotonicNow() + 3000 * kMillisecond;
        while (events.presented.size() < count && monotonicNow() < limit) {
            if (target->wait(-1, monotonicNow() + 10 * kMillisecond) < 0)
                return false;
        }
        return events.presented.size() >= count;
    }

    void TearDown() override
    {
        target.reset();
        surfaces.clear();
        registry.reset();
        EXPECT_EQ(kernel.leaks(), "");
        EXPECT_FALSE(kernel.hasMaster());
    }
};

} // namespace vwsi
