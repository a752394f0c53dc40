// Properties and their blobs.

#include "fake_libdrm/calls.h"

namespace vwsi::drm::fake {

namespace {

constexpr uint32_t kEdidBlob = 10000; ///< beyond the connector's id
constexpr uint32_t kHdrBlob = 20000;

struct Listed {
    std::string name;
    uint64_t value;
};

/// The kernel hides what only atomic clients understand from all others.
std::vector<Listed> listProperties(const Kernel& kernel, const File& file, uint32_t id, uint32_t type)
{
    std::vector<Listed> list;
    if (type == DRM_MODE_OBJECT_CONNECTOR) {
        for (const Connector& connector : kernel.connectors) {
            if (connector.id != id)
                continue;
            list = {{"EDID", connector.edid.empty() ? 0 : id + kEdidBlob},
                    {"DPMS", connector.dpms},
                    {"link-status", 0},
                    {"non-desktop", 0}};
            if (file.atomic)
                list.push_back({"CRTC_ID", connector.crtc});
            const std::pair<const char*, uint64_t> colors[] = {
                {"HDR_OUTPUT_METADATA", connector.hdrMetadata.empty() ? 0 : id + kHdrBlob},
                {"Colorspace", connector.colorspace},
                {"max bpc", connector.maxBpc}};
            for (const auto& [name, value] : colors) {
                if (connector.colorProperties.contains(name))
                    list.push_back({name, value});
            }
        }
    } else if (type == DRM_MODE_OBJECT_CRTC) {
        for (const Crtc& crtc : kernel.crtcs) {
            if (crtc.id == id && file.atomic)
                list = {{"ACTIVE", crtc.active}, {"MODE_ID", 0}};
        }
    } else if (type == DRM_MODE_OBJECT_PLANE) {
        for (const Plane& plane : kernel.planes) {
            if (plane.id != id)
                continue;
            list = {{"type", plane.type}};
            if (plane.zpos)
                list.push_back({"zpos", *plane.zpos});
            if (!file.atomic)
                continue;
            for (const char* name :
                 {"FB_ID", "CRTC_ID", "SRC_X", "SRC_Y", "SRC_W", "SRC_H", "CRTC_X", "CRTC_Y", "CRTC_W", "CRTC_H"})
                list.push_back({name, 0});
            if (plane.damageClips)
                list.push_back({"FB_DAMAGE_CLIPS", 0});
        }
    }
    return list;
}

drmModeObjectPropertiesPtr objectGetProperties(int fd, uint32_t id, uint32_t type)
{
    const Call call("drmModeObjectGetProperties", fd);
    if (call.error)
        return nothing<drmModeObjectProperties>(call.error);
    const std::vector<Listed> list = listProperties(call.state.kernel, *call.file, id, type);
    std::vector<uint32_t> names;
    std::vector<uint64_t> values;
    for (const Listed& entry : list) {
        names.push_back(propertyId(entry.name));
        values.push_back(entry.value);
    }
    auto* const properties = give<drmModeObjectProperties>(call.state, "properties");
    properties->count_props = static_cast<uint32_t>(names.size());
    properties->props = array(names);
    properties->prop_values = array(values);
    return properties;
}

void freeObjectProperties(drmModeObjectPropertiesPtr properties)
{
    taken("properties");
    free(properties->props);
    free(properties->prop_values);
    free(properties);
}

drmModePropertyPtr getProperty(int fd, uint32_t id)
{
    const Call call("drmModeGetProperty", fd);
    if (call.error)
        return nothing<drmModePropertyRes>(call.error);
    auto* const property = give<drmModePropertyRes>(call.state, "property");
    property->prop_id = id;
    snprintf(property->name, sizeof(property->name), "%s", propertyName(id).c_str());
    const auto& planes = call.state.kernel.planes;
    const bool fixed = propertyName(id) == "zpos" && std::any_of(planes.begin(), planes.end(), [](const Plane& plane) {
                           return plane.zposImmutable;
                       });
    property->flags = fixed || propertyName(id) == "type" ? DRM_MODE_PROP_IMMUTABLE : 0;
    if (propertyName(id) == "Colorspace") {
        std::vector<drm_mode_property_enum> enums = {{0, "Default"}, {2, "BT709_YCC"}};
        if (call.state.kernel.connectors[0].bt2020)
            enums.push_back({kBt2020Rgb, "BT2020_RGB"});
        property->flags |= DRM_MODE_PROP_ENUM;
        property->count_enums = static_cast<int>(enums.size());
        property->enums = array(enums);
    }
    if (propertyName(id) == "max bpc") {
        property->flags |= DRM_MODE_PROP_RANGE;
        property->count_values = 2;
        property->values = array(std::vector<uint64_t>{6, 12});
    }
    return property;
}

void freeProperty(drmModePropertyPtr property)
{
    taken("property");
    free(property->enums);
    free(property->values);
    free(property);
}

drmModePropertyBlobPtr getPropertyBlob(int fd, uint32_t id)
{
    const Call call("drmModeGetPropertyBlob", fd);
    if (call.error)
        return nothing<drmModePropertyBlobRes>(call.error);
    for (const Connector& connector : call.state.kernel.connectors) {
        if (connector.id + kEdidBlob != id && connector.id + kHdrBlob != id)
            continue;
        const std::vector<uint8_t>& bytes = connector.id + kEdidBlob == id ? connector.edid : connector.hdrMetadata;
        auto* const blob = give<drmModePropertyBlobRes>(call.state, "read blob");
        blob->id = id;
        blob->length = static_cast<uint32_t>(bytes.size());
        blob->data = array(bytes);
        return blob;
    }
    return nothing<drmModePropertyBlobRes>(ENOENT);
}

void freePropertyBlob(drmModePropertyBlobPtr blob)
{
    taken("read blob");
    free(blob->data);
    free(blob);
}

int createPropertyBlob(int fd, const void* data, size_t size, uint32_t* id)
{
    const Call call("drmModeCreatePropertyBlob", fd);
    if (call.error)
        return negated(call.error);
    const auto* const bytes = static_cast<const uint8_t*>(data);
    *id = ++call.state.lastId;
    call.state.blobs[*id].assign(bytes, bytes + size);
    call.file->blobs.insert(*id);
    return 0;
}

int destroyPropertyBlob(int fd, uint32_t id)
{
    const Call call("drmModeDestroyPropertyBlob", fd);
    if (!call.error) {
        call.file->blobs.erase(id);
        call.state.blobs.erase(id);
    }
    return negated(call.error);
}

} // namespace

void setPropertyFunctions(Api& api)
{
    api.drmModeObjectGetProperties = objectGetProperties;
    api.drmModeFreeObjectProperties = freeObjectProperties;
    api.drmModeGetProperty = getProperty;
    api.drmModeFreeProperty = freeProperty;
    api.drmModeGetPropertyBlob = getPropertyBlob;
    api.drmModeFreePropertyBlob = freePropertyBlob;
    api.drmModeCreatePropertyBlob = createPropertyBlob;
    api.drmModeDestroyPropertyBlob = destroyPropertyBlob;
}

} // namespace vwsi::drm::fake
