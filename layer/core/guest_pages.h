#pragma once

namespace vwsi {

/// Bytes that Apple's hypervisor maps into a guest at a time.
constexpr long kAppleHostPage = 16384;

/// The page size of this kernel in bytes where it may be too small for the host, else 0.
///
/// An arm64 guest whose pages are smaller than the host's places virtio-gpu blobs where an Apple host cannot map them,
/// unless its Mesa aligns them (mesa-patches, blob-alignment). Neither the host nor that patch can be seen from here.
long pagesTooSmallForAppleHosts();

} // namespace vwsi
