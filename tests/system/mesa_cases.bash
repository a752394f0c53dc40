# Sourced by tests/system/mesa_*.sh: cases by name, and what they need built.

passed=0 failed=0 place=$root/build/mesa-venus clients=$root/build/mesa-venus/clients

# expect NAME STATUS PATTERN COMMAND...: COMMAND exits with STATUS (or one of several, "124|134"; "any") and its
# output has a line that matches PATTERN (and none that matches the one in $without, if any). $said keeps the output.
expect() {
    local name=$1 want=$2 pattern=$3 rc=0 why=''
    shift 3
    said=$("$@" 2>&1 </dev/null) || rc=$?
    [ "$want" = any ] || [[ "|$want|" == *"|$rc|"* ]] || why="exit status $rc, wanted $want"
    grep -q -E -e "$pattern" <<<"$said" || why+="${why:+; }nothing matches: $pattern"
    [ -z "${without:-}" ] || ! grep -q -E -e "$without" <<<"$said" || why+="${why:+; }something matches: $without"
    if [ -z "$why" ]; then
        passed=$((passed + 1))
        echo "ok $name"
    else
        failed=$((failed + 1))
        tail -n 20 <<<"$said"
        echo "$why"
        echo "not ok $name"
    fi
}

finish() {
    echo "$passed passed, $failed failed, 0 skipped"
    [ $failed = 0 ] || exit 1
    exit 0
}

# A build that fails is a failed case and the end.
built() { # built NAME COMMAND...: sets $built to the last line printed, a folder
    local name=$1
    shift
    expect "$name" 0 "^$place/" "$@"
    [ "${said##*$'\n'}" != "$said" ] || [[ $said == "$place"/* ]] || finish
    built=${said##*$'\n'}
    [ -e "$built/virtio_icd.json" ] || finish
}

client() { # client OUTPUT COMPILER OPTION... -- SOURCE...: one program, built where the compiler is
    local output=$1 compiler=$2 options=()
    shift 2
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    shift
    mkdir -p "$(dirname "$output")"
    "$compiler" -std=c++20 -O1 -g -Wall -Wextra -Wpedantic -Wshadow -Werror "$@" "${options[@]}" -o "$output"
}
