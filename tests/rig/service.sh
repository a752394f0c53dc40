# Sourced by the with-* commands: servers that live as long as one command does.
#
# Each server has its log under build/logs, is ended by its process id when the command ends or the wrapper is
# interrupted, and has its log's end printed when it does not come up or the command fails.

rig=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$rig/../.." && pwd)
service_pids=()
service_logs=()
service_dir=
service_child=

service_fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Re-runs the calling wrapper inside the root file system when it was started outside.
service_inside() {
    [ "${RIG_INSIDE:-}" = 1 ] || exec "$rig/enter" "$0" "$@"
    service_label=${RIG_LABEL:-$(basename "${service_command:-manual}")}
    service_dir=$(mktemp -d /tmp/rig.XXXXXX)
    mkdir -p "$root/build/logs"
    trap service_stop EXIT
    trap 'service_interrupt 2' INT
    trap 'service_interrupt 15' TERM
    trap 'service_interrupt 1' HUP
}

service_interrupt() {
    [ -n "$service_child" ] && kill -TERM "$service_child" 2>/dev/null
    trap - INT TERM HUP
    exit $((128 + $1))
}

service_stop() {
    local pid waited
    for pid in "${service_pids[@]}"; do
        kill -TERM "$pid" 2>/dev/null || continue
        for ((waited = 0; waited < 40; waited++)); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.05
        done
        kill -KILL "$pid" 2>/dev/null || true
    done
    [ -z "$service_dir" ] || rm -rf "$service_dir"
}

# service_start NAME COMMAND...: in the background, with its own log.
service_start() {
    local name=$1 log="$root/build/logs/$service_label.$1.log"
    shift
    "$@" >"$log" 2>&1 </dev/null &
    service_pids+=($!)
    service_logs+=("$log")
}

# service_ready NAME CONDITION...: waits until CONDITION holds, at most 20 s, while the last server lives.
service_ready() {
    local name=$1 log=${service_logs[-1]} pid=${service_pids[-1]} tries
    shift
    for ((tries = 0; tries < 400; tries++)); do
        "$@" && return
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.05
    done
    service_show "$log"
    service_fail "$name did not come up"
}

service_show() {
    printf -- '--- the end of %s\n' "${1#"$root"/}" >&2
    tail -n 40 "$1" >&2
    printf -- '---\n' >&2
}

# service_run COMMAND...: runs the command beside the servers and exits as it did.
service_run() {
    local rc=0 log
    "$@" <&0 &
    service_child=$!
    wait "$service_child" || rc=$?
    service_child=
    if [ $rc != 0 ] && [ -z "${RIG_NO_LOGS:-}" ]; then
        for log in "${service_logs[@]}"; do
            [ ! -s "$log" ] || service_show "$log"
        done
    fi
    exit $rc
}
