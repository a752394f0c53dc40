# Sourced by run: answers what the guest asks for through vm-host (guest/vm-host lists the requests). A request begins
# with a number that its answer repeats: who asked for another one may have been ended meanwhile.

# qmp JSON: sends it to QEMU's monitor and sets $reply to the one-line answer; events in between are dropped.
qmp_ready=0
qmp() {
    if [ $qmp_ready = 0 ]; then
        qmp_ready=1
        qmp '{"execute":"qmp_capabilities"}' || return
    fi
    printf '%s\n' "$1" >&"$qmp_in"
    while IFS= read -r -t 30 reply <&"$qmp_out"; do
        reply=${reply%$'\r'}
        case $reply in
        *'"error":'*) return 1 ;;
        *'"return":'*) return 0 ;;
        esac
    done
    reply="no answer from QEMU's monitor"
    return 1
}

# The window of one output; there is no window manager to place it.
window_of() {
    local head=$1 found
    found=$(xdotool search --name "^QEMU.*vm${outputs:+(-$head)?}" 2>/dev/null |
        while read -r id; do
            case $(xdotool getwindowname "$id") in *"vm-$head"* | "QEMU (vm)"*) echo "$id" ;; esac
        done | head -n 1)
    [ -n "$found" ] || return 1
    xdotool windowmove "$found" 0 0
    printf '%s\n' "$found"
}

capture() {
    local file=$1 head=${2:-0} window
    case $file in */* | .*) reply="a capture's name has no folder in it: $file"; return 1 ;; esac
    # A capture that fails must not leave an older picture to be judged.
    rm -f "$out/$file.png"
    if [ "$plug" = 1 ]; then
        # What QEMU holds for this output: it hides the window of one that was unplugged and plugged again.
        qmp "{\"execute\":\"screendump\",\"arguments\":{\"filename\":\"$out/$file.png\",\"format\":\"png\",\"device\":\"gpu0\",\"head\":$head}}" || return 1
    else
        # With GL QEMU has no picture but the window's.
        window=$(window_of "$head") || { reply="QEMU has no window for output $head"; return 1; }
        sleep 0.1
        reply=$(import -window "$window" "$out/$file.png" 2>&1) || return 1
    fi
    reply=$(identify -format '%wx%h' "$out/$file.png")
}

# pictures NAME...: sets $files to the captures of these names.
pictures() {
    local name
    files=()
    for name in "$@"; do
        [ -r "$out/$name.png" ] || { reply="there is no capture $name"; return 1; }
        files+=("$out/$name.png")
    done
}

# Is there a turning cube on the capture (and did it turn until the second)?
judge_cube() {
    pictures "$@" || return
    reply=$("$root/tests/rig/cube-check" "${files[@]}" 2>&1)
}

# How many pixels differ between two captures; all of them if the sizes do.
differing_pixels() {
    pictures "$@" || return
    reply=$(compare -metric AE "${files[@]}" null: 2>&1) || [[ $reply =~ ^[0-9] ]] || return 1
    reply=$(printf '%.0f' "${reply%% *}")
}

# The one colour of a capture, or of a part of it (WIDTHxHEIGHT+X+Y), as rrggbb, else how many it has.
colour_of() {
    local count part=()
    pictures "$1" || return
    [ -z "${2:-}" ] || part=(-crop "$2" +repage)
    count=$(convert "${files[0]}" "${part[@]}" -format '%k' info:) || return 1
    if [ "$count" = 1 ]; then
        reply=$(convert "${files[0]}" "${part[@]}" -crop 1x1+0+0 +repage -depth 8 rgb:- | od -An -tx1 | tr -d ' \n')
    else
        reply="$count colours"
    fi
}

# A remote viewer that asks for a size: QEMU then tells the guest that the output has this preferred mode, and with
# no size at all that nothing is connected. The connection stays open, as QEMU forgets the size with the viewer.
declare -A viewer=()
resize_output() {
    local head=$1 width=$2 height=$3 version fd
    if [ -z "${viewer[$head]:-}" ]; then
        [ "$plug" = 1 ] || { reply="outputs cannot be plugged: start the VM with --plug"; return 1; }
        exec {fd}<>"/dev/tcp/127.0.0.1/$((5900 + head))" || { reply="no viewer's port for output $head"; return 1; }
        read -r -t 10 version <&"$fd" || return
        printf 'RFB 003.008\n' >&"$fd"
        # Security types, the answer "none", the result, ClientInit (shared), ServerInit with the desktop's name.
        head -c 2 <&"$fd" >/dev/null
        printf '\x01' >&"$fd"
        head -c 4 <&"$fd" >/dev/null
        printf '\x01' >&"$fd"
        # SetEncodings: raw and the extended desktop size.
        printf '\x02\x00\x00\x02\x00\x00\x00\x00\xff\xff\xfe\xcc' >&"$fd"
        viewer[$head]=$fd
    fi
    fd=${viewer[$head]}
    # shellcheck disable=SC2059
    printf "$(printf '\\xfb\\x00\\x%02x\\x%02x\\x%02x\\x%02x\\x00\\x00' \
        $((width >> 8)) $((width & 255)) $((height >> 8)) $((height & 255)))" >&"$fd"
    reply=
}

# The same by hand on the window: QEMU tells the guest that the output's preferred size changed.
resize_window() {
    local head=$1 width=$2 height=$3 window
    window=$(window_of "$head") || { reply="QEMU has no window for output $head"; return 1; }
    reply=$(xdotool windowsize --sync "$window" "$width" "$height" 2>&1) || return 1
}

answer() { # one line back to the guest, backslashes and line ends escaped for its printf
    local verdict=$1 text=$2
    text=${text//\\/\\\\}
    text=${text//$'\n'/\\n}
    printf '%s %s %s\n' "$number" "$verdict" "${text//$'\r'/}" >&"$control_in"
}

# Until the guest says exit, QEMU ends or the time is over.
serve() {
    local line part='' number request rest verdict
    while :; do
        if [ $((SECONDS - began)) -ge "$limit" ]; then return 124; fi
        if ! IFS= read -r -t 1 line <&"$control_out"; then
            # What came of a line before the time was over.
            part+=$line
            kill -0 "$qemu" 2>/dev/null || return 125
            continue
        fi
        line=$part$line part=''
        number=${line%% *} line=${line#* }
        request=${line%% *} rest=${line#"$request"} rest=${rest# } reply='' verdict=ok
        case $request in
        capture)
            # shellcheck disable=SC2086
            capture $rest || verdict=no ;;
        # shellcheck disable=SC2086
        cube) judge_cube $rest || verdict=no ;;
        # shellcheck disable=SC2086
        colour) colour_of $rest || verdict=no ;;
        # shellcheck disable=SC2086
        differ) differing_pixels $rest || verdict=no ;;
        qmp) qmp "$rest" || verdict=no ;;
        hmp)
            rest=${rest//\\/\\\\}
            qmp "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"${rest//\"/\\\"}\"}}" || verdict=no
            reply=$(sed -e 's/^{"return": "//' -e 's/"}$//' -e 's/\\r\\n/\\n/g' -e 's/\\"/"/g' <<<"$reply")
            printf '%s %s %s\n' "$number" "$verdict" "$reply" >&"$control_in"
            continue ;;
        plug)
            [[ $rest =~ ^([01])\ ([0-9]+)x([0-9]+)$ ]] && resize_output "${BASH_REMATCH[@]:1}" || verdict=no ;;
        unplug)
            [[ $rest =~ ^[01]$ ]] && resize_output "$rest" 0 0 || verdict=no ;;
        resize)
            [[ $rest =~ ^([01])\ ([0-9]+)x([0-9]+)$ ]] && resize_window "${BASH_REMATCH[@]:1}" || verdict=no ;;
        say) say "$rest" ;;
        exit)
            answer ok ''
            for _ in {1..100}; do kill -0 "$qemu" 2>/dev/null || break; sleep 0.1; done
            return "$rest" ;;
        *) verdict=no reply="unknown request $request" ;;
        esac
        answer "$verdict" "$reply"
    done
}
