// wp_color_manager_v1 with the protocol's own strictness: what it forbids ends the client.
#include "test_compositor_state.h"

#include "color-management-v1-server.h"

#include <algorithm>

namespace vwsi::testing {

namespace {

using Description = ImageDescription;

struct Creator {
    TestCompositor* compositor;
    Description description;
    bool incomplete() const { return !description.primaries || !description.transfer; }
};

struct Image {
    Description description;
    bool ready = false;
};

template <typename T> T& dataOf(wl_resource* resource)
{
    return *static_cast<T*>(wl_resource_get_user_data(resource));
}

template <typename T> void destroyData(wl_resource* resource)
{
    delete &dataOf<T>(resource);
}

void destroyResource(wl_client*, wl_resource* resource)
{
    wl_resource_destroy(resource);
}

bool contains(const std::vector<uint32_t>& list, uint32_t value)
{
    return std::ranges::find(list, value) != list.end();
}

bool brighter(uint32_t value, uint32_t least)
{
    return uint64_t{value} * 10000 > least;
}

/// The luminance rules of wp_image_description_creator_params_v1.create; PQ's range where none is given.
bool plausible(const Description& description)
{
    const ImageDescription::Range range = description.luminance.value_or(ImageDescription::Range{50, 10000});
    const auto within = [&](uint32_t value) { return brighter(value, range.least) && value <= range.greatest; };
    return (!description.maxCll || within(*description.maxCll)) &&
           (!description.maxFall || within(*description.maxFall)) &&
           (!description.maxCll || !description.maxFall || *description.maxFall <= *description.maxCll);
}

template <typename T> void setOnce(wl_resource* resource, std::optional<T>& field, T value)
{
    if (field)
        wl_resource_post_error(resource, WP_IMAGE_DESCRIPTION_CREATOR_PARAMS_V1_ERROR_ALREADY_SET, "set twice");
    field = value;
}

} // namespace

struct ColorProtocol {
    using Surface = TestCompositor::Surface;

    static const CompositorOptions& optionsOf(const TestCompositor& compositor) { return compositor.m_options; }

    static void create(wl_client* client, wl_resource* resource, uint32_t id)
    {
        static constexpr struct wp_image_description_v1_interface kImage = {
            .destroy = destroyResource,
            .get_information =
                [](wl_client*, wl_resource* r, uint32_t) {
                    wl_resource_post_error(r, WP_IMAGE_DESCRIPTION_V1_ERROR_NO_INFORMATION, "client's own");
                },
        };
        const Creator& creator = dataOf<Creator>(resource);
        TestCompositor& compositor = *creator.compositor;
        if (creator.incomplete())
            wl_resource_post_error(resource, WP_IMAGE_DESCRIPTION_CREATOR_PARAMS_V1_ERROR_INCOMPLETE_SET, "incomplete");
        if (!plausible(creator.description)) {
            wl_resource_post_error(resource, WP_IMAGE_DESCRIPTION_CREATOR_PARAMS_V1_ERROR_INVALID_LUMINANCE,
                                   "content beyond the mastering display");
        }
        auto* const image = new Image{creator.description};
        wl_resource* const made = wl_resource_create(client, &wp_image_description_v1_interface, 1, id);
        wl_resource_set_implementation(made, &kImage, image, destroyData<Image>);
        const ColorAnswer answer = compositor.m_colorAnswer;
        if (answer == ColorAnswer::Failed)
            wp_image_description_v1_send_failed(made, WP_IMAGE_DESCRIPTION_V1_CAUSE_UNSUPPORTED, "not these colours");
        if (answer == ColorAnswer::Ready) {
            image->ready = true;
            wp_image_description_v1_send_ready(made, ++compositor.m_lastDescription);
        }
        wl_resource_destroy(resource);
    }

    static void createCreator(wl_client* client, wl_resource* resource, uint32_t id)
    {
        static constexpr struct wp_image_description_creator_params_v1_interface kCreator = {
            .create = create,
            .set_tf_named =
                [](wl_client*, wl_resource* r, uint32_t transfer) {
                    auto& creator = dataOf<Creator>(r);
                    if (!contains(optionsOf(*creator.compositor).colorTransfers, transfer))
                        wl_resource_post_error(r, WP_IMAGE_DESCRIPTION_CREATOR_PARAMS_V1_ERROR_INVALID_TF, "tf");
                    setOnce(r, creator.description.transfer, transfer);
                },
            .set_tf_power = [](wl_client*, wl_resource* r, uint32_t) { refuse(r); },
            .set_primaries_named =
                [](wl_client*, wl_resource* r, uint32_t primaries) {
                    auto& creator = dataOf<Creator>(r);
                    if (!contains(optionsOf(*creator.compositor).colorPrimaries, primaries)) {
                        wl_resource_post_error(r, WP_IMAGE_DESCRIPTION_CREATOR_PARAMS_V1_ERROR_INVALID_PRIMARIES_NAMED,
                                               "primaries");
                    }
                    setOnce(r, creator.description.primaries, primaries);
                },
            .set_primaries = [](wl_client*, wl_resource* r, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t,
                                int32_t, int32_t) { refuse(r); },
            .set_luminances = [](wl_client*, wl_resource* r, uint32_t, uint32_t, uint32_t) { refuse(r); },
            .set_mastering_display_primaries =
                [](wl_client*, wl_resource* r, int32_t rx, int32_t ry, int32_t gx, int32_t gy, int32_t bx, int32_t by,
                   int32_t wx, int32_t wy) {
                    needMastering(r);
                    setOnce(r, dataOf<Creator>(r).description.mastering, {rx, ry, gx, gy, bx, by, wx, wy});
                },
            .set_mastering_luminance =
                [](wl_client*, wl_resource* r, uint32_t least, uint32_t greatest) {
                    needMastering(r);
                    if (!brighter(greatest, least)) {
                        wl_resource_post_error(r, WP_IMAGE_DESCRIPTION_CREATOR_PARAMS_V1_ERROR_INVALID_LUMINANCE,
                                               "empty range");
                    }
                    setOnce(r, dataOf<Creator>(r).description.luminance, {least, greatest});
                },
            .set_max_cll = [](wl_client*, wl_resource* r,
                              uint32_t value) { setOnce(r, dataOf<Creator>(r).description.maxCll, value); },
            .set_max_fall = [](wl_client*, wl_resource* r,
                               uint32_t value) { setOnce(r, dataOf<Creator>(r).description.maxFall, value); },
        };
        auto& compositor = dataOf<TestCompositor>(resource);
        if (!contains(compositor.m_options.colorFeatures, WP_COLOR_MANAGER_V1_FEATURE_PARAMETRIC))
            wl_resource_post_error(resource, WP_COLOR_MANAGER_V1_ERROR_UNSUPPORTED_FEATURE, "no creator");
        wl_resource* const made = wl_resource_create(client, &wp_image_description_creator_params_v1_interface, 1, id);
        wl_resource_set_implementation(made, &kCreator, new Creator{&compositor, {}}, destroyData<Creator>);
    }

    static void refuse(wl_resource* creator)
    {
        wl_resource_post_error(creator, WP_IMAGE_DESCRIPTION_CREATOR_PARAMS_V1_ERROR_UNSUPPORTED_FEATURE, "feature");
    }

    static void needMastering(wl_resource* creator)
    {
        const auto& features = optionsOf(*dataOf<Creator>(creator).compositor).colorFeatures;
        if (!contains(features, WP_COLOR_MANAGER_V1_FEATURE_SET_MASTERING_DISPLAY_PRIMARIES))
            refuse(creator);
    }

    static void getSurface(wl_client* client, wl_resource* resource, uint32_t id, wl_resource* target)
    {
        static constexpr struct wp_color_management_surface_v1_interface kSurface = {
            .destroy = destroyResource,
            .set_image_description =
                [](wl_client*, wl_resource* r, wl_resource* description, uint32_t intent) {
                    if (!wl_resource_get_user_data(r)) {
                        wl_resource_post_error(r, WP_COLOR_MANAGEMENT_SURFACE_V1_ERROR_INERT, "no surface");
                        return;
                    }
                    const Image& image = dataOf<Image>(description);
                    if (!image.ready) {
                        wl_resource_post_error(r, WP_COLOR_MANAGEMENT_SURFACE_V1_ERROR_IMAGE_DESCRIPTION, "not ready");
                    }
                    if (intent != WP_COLOR_MANAGER_V1_RENDER_INTENT_PERCEPTUAL)
                        wl_resource_post_error(r, WP_COLOR_MANAGEMENT_SURFACE_V1_ERROR_RENDER_INTENT, "intent");
                    dataOf<Surface>(r).description = image.description;
                },
            .unset_image_description =
                [](wl_client*, wl_resource* r) {
                    if (wl_resource_get_user_data(r))
                        dataOf<Surface>(r).description.reset();
                    else
                        wl_resource_post_error(r, WP_COLOR_MANAGEMENT_SURFACE_V1_ERROR_INERT, "no surface");
                },
        };
        auto& surface = dataOf<Surface>(target);
        if (surface.hasColor)
            wl_resource_post_error(resource, WP_COLOR_MANAGER_V1_ERROR_SURFACE_EXISTS, "two colour objects");
        surface.hasColor = true;
        wl_resource* const made = wl_resource_create(client, &wp_color_management_surface_v1_interface, 1, id);
        wl_resource_set_implementation(made, &kSurface, &surface, [](wl_resource* gone) {
            if (!wl_resource_get_user_data(gone))
                return;
            dataOf<Surface>(gone).hasColor = false;
            dataOf<Surface>(gone).description.reset();
        });
    }
};

void CompositorProtocol::bindColor(wl_client* client, void* data, uint32_t version, uint32_t id)
{
    static constexpr struct wp_color_manager_v1_interface kManager = {
        .destroy = destroyResource,
        .get_output = [](wl_client*, wl_resource*, uint32_t, wl_resource*) {},
        .get_surface = ColorProtocol::getSurface,
        .get_surface_feedback = [](wl_client*, wl_resource*, uint32_t, wl_resource*) {},
        .create_icc_creator = [](wl_client*, wl_resource*, uint32_t) {},
        .create_parametric_creator = ColorProtocol::createCreator,
        .create_windows_scrgb = [](wl_client*, wl_resource*, uint32_t) {},
    };
    wl_resource* const manager =
        wl_resource_create(client, &wp_color_manager_v1_interface, static_cast<int>(version), id);
    wl_resource_set_implementation(manager, &kManager, data, nullptr);
    const CompositorOptions& options = static_cast<TestCompositor*>(data)->m_options;
    wp_color_manager_v1_send_supported_intent(manager, WP_COLOR_MANAGER_V1_RENDER_INTENT_PERCEPTUAL);
    for (const uint32_t feature : options.colorFeatures)
        wp_color_manager_v1_send_supported_feature(manager, feature);
    for (const uint32_t transfer : options.colorTransfers)
        wp_color_manager_v1_send_supported_tf_named(manager, transfer);
    for (const uint32_t primaries : options.colorPrimaries)
        wp_color_manager_v1_send_supported_primaries_named(manager, primaries);
    wp_color_manager_v1_send_done(manager);
}

void TestCompositor::setColorAnswer(ColorAnswer answer)
{
    const std::lock_guard lock(m_mutex);
    m_colorAnswer = answer;
}

} // namespace vwsi::testing
