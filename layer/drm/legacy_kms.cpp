#include "drm/api.h"
#include "drm/device.h"
#include "drm/kms.h"

#include <algorithm>
#include <cerrno>
#include <vector>

namespace vwsi::drm {

namespace {

constexpr size_t kMaxClips = 256; // DRM_MODE_FB_DIRTY_MAX_CLIPS

class LegacyKms final : public Kms {
public:
    explicit LegacyKms(const Device& device) : m_device(device) {}

    int test(const Commit& commit) override
    {
        static_cast<void>(commit);
        return EOPNOTSUPP;
    }

    int apply(const Commit& commit, bool* pending) override
    {
        *pending = false;
        if (commit.plane.plane->type != PlaneType::Primary)
            return setPlane(commit);
        if (commit.mode)
            return setCrtc(commit);
        if (commit.shownAlready)
            return markDirty(commit.plane);
        return flip(commit, pending);
    }

    int disable(const Plane& plane, const Crtc& crtc) override
    {
        return errorOf(api().drmModeSetPlane(m_device.fd(), plane.id, crtc.id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
    }

    int signal(uint32_t connector, const ConnectorProperties& properties, const ColorSignal& signal) override
    {
        static_cast<void>(connector);
        static_cast<void>(properties);
        static_cast<void>(signal);
        return EOPNOTSUPP;
    }

private:
    int setCrtc(const Commit& commit)
    {
        uint32_t connector = commit.connector;
        drmModeModeInfo mode = *commit.mode;
        for (const Plane* plane : commit.disable) {
            if (plane->type == PlaneType::Overlay)
                disable(*plane, *commit.crtc);
        }
        return errorOf(api().drmModeSetCrtc(m_device.fd(), commit.crtc->id, commit.plane.framebuffer,
                                            static_cast<uint32_t>(commit.plane.source.x),
                                            static_cast<uint32_t>(commit.plane.source.y), &connector, 1, &mode));
    }

    int flip(const Commit& commit, bool* pending)
    {
        const uint32_t flags = DRM_MODE_PAGE_FLIP_EVENT | (commit.tearing ? DRM_MODE_PAGE_FLIP_ASYNC : 0u);
        const int error = errorOf(api().drmModePageFlip(m_device.fd(), commit.crtc->id, commit.plane.framebuffer, flags,
                                                        reinterpret_cast<void*>(commit.ticket)));
        *pending = error == 0;
        return error;
    }

    int setPlane(const Commit& commit)
    {
        // An overlay needs a CRTC that runs; nothing but a primary plane can start one here.
        const PlaneState& state = commit.plane;
        return errorOf(api().drmModeSetPlane(m_device.fd(), state.plane->id, commit.crtc->id, state.framebuffer, 0,
                                             state.destination.x, state.destination.y, state.destination.width,
                                             state.destination.height, static_cast<uint32_t>(state.source.x) << 16,
                                             static_cast<uint32_t>(state.source.y) << 16, state.source.width << 16,
                                             state.source.height << 16));
    }

    int markDirty(const PlaneState& state)
    {
        std::vector<drmModeClip> clips;
        for (const drm_mode_rect& rect : state.damage.first(std::min(state.damage.size(), kMaxClips)))
            clips.push_back({static_cast<uint16_t>(rect.x1), static_cast<uint16_t>(rect.y1),
                             static_cast<uint16_t>(rect.x2), static_cast<uint16_t>(rect.y2)});
        if (state.damage.size() > kMaxClips)
            clips.clear();
        const int error = errorOf(
            api().drmModeDirtyFB(m_device.fd(), state.framebuffer, clips.data(), static_cast<uint32_t>(clips.size())));
        // Drivers that scan out memory directly have nothing to flush and say so.
        return error == ENOSYS || error == EOPNOTSUPP ? 0 : error;
    }

    const Device& m_device;
};

} // namespace

std::unique_ptr<Kms> makeLegacyKms(const Device& device)
{
    return std::make_unique<LegacyKms>(device);
}

} // namespace vwsi::drm
