#include "drm/color_signal.h"

#include "drm/resources.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace vwsi::drm {

namespace {

constexpr size_t kBlockSize = 128;
constexpr uint8_t kCtaExtension = 0x02;
// Data block collection (CTA-861-H, 7.5): tag in the upper three bits, length in the lower five.
constexpr unsigned kExtendedTag = 7;
constexpr uint8_t kColorimetryBlock = 5;
constexpr uint8_t kHdrStaticMetadataBlock = 6;
constexpr uint8_t kBt2020Rgb = 1u << 7;
constexpr uint8_t kPq = 1u << 2;
constexpr uint8_t kHlg = 1u << 3;
constexpr uint64_t kHdrBits = 10;

bool sumsToZero(std::span<const uint8_t> block)
{
    uint8_t sum = 0;
    for (const uint8_t byte : block)
        sum = static_cast<uint8_t>(sum + byte);
    return sum == 0;
}

void readDataBlock(std::span<const uint8_t> payload, SinkColors* colors)
{
    if (payload.size() < 2)
        return;
    if (payload[0] == kColorimetryBlock)
        colors->bt2020Rgb |= (payload[1] & kBt2020Rgb) != 0;
    if (payload[0] != kHdrStaticMetadataBlock)
        return;
    colors->pq |= (payload[1] & kPq) != 0;
    colors->hlg |= (payload[1] & kHlg) != 0;
}

void readCtaBlock(std::span<const uint8_t> block, SinkColors* colors)
{
    // Data blocks came with revision 3; detailed timings follow them.
    const size_t end = std::min<size_t>(block[2], kBlockSize - 1);
    if (block[1] < 3)
        return;
    for (size_t at = 4; at < end;) {
        const size_t length = block[at] & 0x1f;
        if (at + 1 + length > end)
            return;
        if (block[at] >> 5 == kExtendedTag)
            readDataBlock(block.subspan(at + 1, length), colors);
        at += 1 + length;
    }
}

} // namespace

HdrBlob toBlob(Eotf eotf, const hdr_metadata_infoframe& metadata)
{
    hdr_output_metadata whole{};
    // Type 1 in both places: the only one that there is (CTA-861-H, 6.9.1), counted from zero.
    whole.metadata_type = 0;
    whole.hdmi_metadata_type1 = metadata;
    whole.hdmi_metadata_type1.eotf = static_cast<uint8_t>(eotf);
    whole.hdmi_metadata_type1.metadata_type = 0;
    HdrBlob blob{};
    static_assert(offsetof(hdr_output_metadata, hdmi_metadata_type1) == 4 && sizeof(hdr_metadata_infoframe) == 26);
    memcpy(blob.data(), &whole, 4 + sizeof(hdr_metadata_infoframe));
    return blob;
}

SinkColors parseSinkColors(std::span<const uint8_t> edid)
{
    SinkColors colors;
    for (size_t at = kBlockSize; at + kBlockSize <= edid.size(); at += kBlockSize) {
        const std::span<const uint8_t> block = edid.subspan(at, kBlockSize);
        if (block[0] == kCtaExtension && sumsToZero(block))
            readCtaBlock(block, &colors);
    }
    return colors;
}

bool canSignal(const ConnectorProperties& properties, const SinkColors& sink, Eotf eotf)
{
    if (!properties.hdrMetadata || !properties.colorspace || !properties.bt2020Rgb || !sink.bt2020Rgb)
        return false;
    return eotf == Eotf::Pq ? sink.pq : eotf == Eotf::Hlg && sink.hlg;
}

ColorSignal bt2020Signal(const ConnectorProperties& properties, Eotf eotf)
{
    ColorSignal signal;
    // Zero is what unknown values are (CTA-861-H, 6.9.1).
    signal.metadata = toBlob(eotf, {});
    signal.colorspace = *properties.bt2020Rgb;
    // Drivers start with 8 bits, which PQ makes visible bands of, and take less where the link is too slow.
    if (properties.maxBpc && properties.maxBpc.value < kHdrBits)
        signal.maxBpc = std::min(kHdrBits, properties.maxBpcLimit);
    return signal;
}

ColorSignal currentSignal(int fd, const ConnectorProperties& properties)
{
    ColorSignal signal;
    signal.colorspace = properties.colorspace.value;
    if (!properties.hdrMetadata)
        return signal;
    const std::vector<uint8_t> bytes = readBlob(fd, properties.hdrMetadata.value);
    if (bytes.size() == sizeof(HdrBlob))
        std::ranges::copy(bytes, signal.metadata.emplace().begin());
    return signal;
}

} // namespace vwsi::drm
