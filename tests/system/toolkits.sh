#!/usr/bin/env bash
# Programs that people run, on stock Venus on the macOS-like host through the layer: each on X11 and in a wlroots
# compositor, judged by what the screen shows. Pictures stay in build/toolkits.
# Usage: tests/system/toolkits.sh [CASE...]   a case is a program and a window system, such as gtk-x11
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
rig=$root/tests/rig
source "$rig/say.sh"
out=$root/build/toolkits
source=$root/tests/system/toolkits
size=1280x800
failed=0

# What runs the program, and whether its picture must change from one moment to the next. mpv refuses devices that
# render in software, as the rig's host does, unless they are named; so does OpenGL on Vulkan (zink), unless told that
# software is meant.
venus='Virtio-GPU Venus (llvmpipe (LLVM 19.1.7, 256 bits))'
programs() {
    cat <<TABLE
vkcube-x11      moves  vkcube --wsi xcb
vkcube-wayland  moves  vkcube --wsi wayland
vkmark-x11      moves  vkmark --winsys xcb -b desktop:duration=60
vkmark-wayland  moves  vkmark --winsys wayland -b desktop:duration=60
gtk-x11         stays  env GDK_BACKEND=x11 GSK_RENDERER=vulkan gtk4-widget-factory
gtk-wayland     stays  env GDK_BACKEND=wayland GSK_RENDERER=vulkan gtk4-widget-factory
sdl2-x11        moves  env SDL_VIDEODRIVER=x11 /usr/libexec/installed-tests/SDL2/testvulkan
sdl2-wayland    moves  env SDL_VIDEODRIVER=wayland /usr/libexec/installed-tests/SDL2/testvulkan
sdl3-x11        moves  env SDL_VIDEO_DRIVER=x11 /usr/libexec/installed-tests/SDL3/testvulkan
sdl3-wayland    moves  env SDL_VIDEO_DRIVER=wayland /usr/libexec/installed-tests/SDL3/testvulkan
qt-x11          moves  env QT_QPA_PLATFORM=xcb QSG_RHI_BACKEND=vulkan /usr/lib/qt6/bin/qml $source/scene.qml
qt-wayland      moves  env QT_QPA_PLATFORM=wayland QSG_RHI_BACKEND=vulkan /usr/lib/qt6/bin/qml $source/scene.qml
mpv-x11         moves  mpv-on x11vk
mpv-wayland     moves  mpv-on waylandvk
vkd3d-x11       moves  vkd3d-gears
zink-x11        moves  env LIBGL_KOPPER_DRI2=1 LIBGL_ALWAYS_SOFTWARE=1 MESA_LOADER_DRIVER_OVERRIDE=zink glxgears
mangohud-x11    moves  env MANGOHUD=1 MANGOHUD_CONFIG=fps,frametime,position=top-left vkcube --wsi xcb
TABLE
}

mpv-on() {
    exec mpv --no-config --ao=null --vo=gpu-next --gpu-api=vulkan --gpu-context="$1" --vulkan-device="$venus" \
        av://lavfi:testsrc=size=640x360:rate=30
}

window_system() { [ "${1##*-}" = x11 ] && echo x11 || echo wayland; }

capture() {
    if [ "${WAYLAND_DISPLAY:-}" ]; then grim "$1"; else import -window root "$1"; fi
}

colours() { convert "$1" -format '%k' info:; }

differ() { [ "$(compare -metric AE "$1" "$2" null: 2>&1 | sed 's/ .*//; s/\..*//')" -gt 200 ] 2>/dev/null; }

# Inside the session: runs the program, looks at it twice, ends it.
watch() { # watch CASE moves|stays COMMAND...
    local name=$1 motion=$2 log=$out/$1.log first=$out/$1.png later=$out/$1-later.png program tries why= rc=0
    shift 2
    export HOME=/tmp/home VENUS_WSI_LOG=info
    mkdir -p "$HOME"
    ("$@") >"$log" 2>&1 </dev/null &
    program=$!
    why="nothing was shown"
    for ((tries = 0; tries < 40; tries++)); do
        sleep 0.5
        kill -0 "$program" 2>/dev/null || { why="it ended by itself" && break; }
        grep -q 'swapchain of' "$log" || continue
        capture "$first"
        # A flat screen has one colour; SDL's test fills its window with one.
        [ "$(colours "$first")" -ge 2 ] || continue
        why=
        [ "$motion" = moves ] || break
        sleep 0.7
        capture "$later"
        differ "$first" "$later" && break
        why="it does not move"
    done
    kill -0 "$program" 2>/dev/null || why="it ended by itself"
    kill -TERM "$program" 2>/dev/null || true
    wait "$program" || rc=$?
    case $rc in
    0 | 143 | 4) ;; # 4: mpv's answer to SIGTERM
    *) why=${why:-"it ended with $rc"} ;;
    esac
    if [ -n "$why" ]; then
        echo "# $why; $(tail -n 3 "$log" | tr '\n' ' ')"
        return 1
    fi
}

if [ "${1:-}" = --watch ]; then
    shift
    watch "$@"
    exit
fi

if [ "${RIG_INSIDE:-}" != 1 ]; then
    "$rig/rootfs" wayland test toolkits
    exec "$rig/enter" "$0" "$@"
fi
[ -e "${RIG_BUILD:-$root/build/trixie}/layer/VkLayer_VENUS_wsi.json" ] || fail "no layer: run ./run demo first"
mkdir -p "$out"
while read -r name motion command; do
    [ $# = 0 ] || [[ " $* " == *" $name "* ]] || continue
    case $(window_system "$name") in
    x11) session=("$rig/with-xvfb" "$size") ;;
    wayland) session=("$root/tests/integration/wayland_target/with-sway" "$size") ;;
    esac
    rm -f "$out/$name".*
    # shellcheck disable=SC2086
    if said=$(RIG_LABEL=toolkits-$name RIG_NO_LOGS=1 "$rig/with-venus" "${session[@]}" "$rig/with-layer" \
        "$0" --watch "$name" "$motion" $command 2>&1 </dev/null); then
        echo "ok $name"
    else
        echo "not ok $name"
        sed 's/^/# /' <<<"$said" | tail -n 5
        failed=1
    fi
done < <(programs)
exit $failed
