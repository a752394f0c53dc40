# Sourced by ./run and the rig: telling what happens, and running long commands quietly.

say_log=/dev/null
say_pid=

say() {
    if [ -t 1 ]; then
        printf '\033[1m==>\033[0m %s\n' "$*"
    else
        printf '==> %s\n' "$*"
    fi
}

fail() {
    printf '%s: error: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# quietly WHAT COMMAND...: the output goes to $say_log; every ten seconds a line says how far it is, and on
# failure the end of the log is shown and the script ends.
quietly() {
    local what=$1 begin=$SECONDS told=$SECONDS rc=0 from
    shift
    from=$(stat -c %s "$say_log" 2>/dev/null || echo 0)
    "$@" >>"$say_log" 2>&1 </dev/null &
    say_pid=$!
    trap 'kill -TERM "$say_pid" 2>/dev/null; exit 130' INT TERM HUP
    while kill -0 "$say_pid" 2>/dev/null; do
        sleep 0.2
        if ((SECONDS - told >= 10)); then
            told=$SECONDS
            say "$what: $((SECONDS - begin)) s ... $(tail -n 1 "$say_log" | tr -d '\r' | cut -c -90)"
        fi
    done
    wait "$say_pid" || rc=$?
    trap - INT TERM HUP
    if [ $rc != 0 ]; then
        tail -c "+$((from + 1))" "$say_log" | tail -n 60 >&2
        fail "$what failed (exit $rc); the whole log is $say_log"
    fi
    if ((SECONDS - begin >= 2)); then
        say "$what: done in $((SECONDS - begin)) s"
    fi
}
