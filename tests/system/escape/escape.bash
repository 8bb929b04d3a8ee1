# Native functions for the tests of the wall: machine code of ours behind a name that was deployed
# with harmless code. Loaded behind helper.bash.
# shellcheck shell=bash

ESCAPE=$TOP/tests/system/escape
FORGE=$BUILD/tests/system/escape/escape_forge

# Compiles the attacks into $BATS_FILE_TMPDIR: outside, and the objects of a library.
attacks_build() {
    local work=$BATS_FILE_TMPDIR
    local flags=(-std=gnu17 -O1 -Wall -Wextra -fno-strict-aliasing -fno-stack-protector -fcf-protection=none
        -U_FORTIFY_SOURCE -fno-builtin -I"$ESCAPE" -I"$TOP/src")
    gcc "${flags[@]}" "$ESCAPE/attacks.c" "$ESCAPE/outside.c" -o "$work/outside"
    gcc "${flags[@]}" -fPIC -fvisibility=hidden -fno-plt -fno-asynchronous-unwind-tables -c \
        "$ESCAPE/attacks.c" -o "$work/attacks.o"
    gcc "${flags[@]}" -fPIC -fvisibility=hidden -fno-plt -fno-asynchronous-unwind-tables -c \
        "$ESCAPE/native.c" -o "$work/native.o"
    wat2wasm "$ESCAPE/innocent.wat" -o "$work/innocent.wasm"
    # System calls by name: NR[open].
    printf '#include <sys/syscall.h>\n' | gcc -E -dM - | awk '
        $2 ~ /^__NR_/ && $3 ~ /^[0-9]+$/ {printf "NR[%s]=%s\n", substr($2, 6), $3}' >"$work/numbers"
}

# For setup(): what attacks_build left.
attacks_load() {
    declare -gA NR
    # shellcheck source=/dev/null
    source "$BATS_FILE_TMPDIR/numbers"
}

library_of() {
    "$VIREO" describe -o json "$1" | jq -r .library
}

library_path() {
    echo "$VIREO_STATE/store/lib/$(library_of "$1").so"
}

# native_link NAME ELF [FIELD=VALUE]…: the attacks, with the note of NAME's library or another.
native_link() {
    local name=$1 elf=$2 work=$BATS_FILE_TMPDIR
    shift 2
    "$FORGE" note "$VIREO_STATE/key" "$(library_path "$name")" "$@" >"$elf.note.c"
    gcc -shared -nostdlib -fPIC -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code \
        -Wl,--build-id=none,--hash-style=sysv "$work/native.o" "$work/attacks.o" "$elf.note.c" -o "$elf"
}

# Puts a signed file into the store, under its hash, and prints that.
store_library() {
    local hash
    hash=$(sha256sum "$1")
    hash=${hash%% *}
    install -m 400 "$1" "$VIREO_STATE/store/lib/$hash.so"
    echo "$hash"
}

optimised() {
    "$VIREO" describe -o json "$1" | jq -e 'has("tier") | not' >/dev/null
}

# native_deploy NAME [FOLDER]: harmless code under this name (FOLDER has vireo.yaml), then ours: the
# store is told that the attacks are what this very source was built into.
native_deploy() {
    local name=$1 folder=${2-$BATS_FILE_TMPDIR/folder-$1} old hash record
    mkdir -p "$folder"
    cp "$BATS_FILE_TMPDIR/innocent.wasm" "$folder"
    [ -e "$folder/vireo.yaml" ] || echo "name: $name" >"$folder/vireo.yaml"
    "$VIREO" deploy "$folder"
    # What is in the first tier is built, and recorded, once more.
    eventually 60 optimised "$name"
    old=$(library_of "$name")
    native_link "$name" "$BATS_FILE_TMPDIR/$name.elf"
    rm -f "$BATS_FILE_TMPDIR/$name.so"
    "$FORGE" sign "$VIREO_STATE/key" "$BATS_FILE_TMPDIR/$name.elf" "$BATS_FILE_TMPDIR/$name.so"
    hash=$(store_library "$BATS_FILE_TMPDIR/$name.so")
    # Its own first line: what the first tier built names it as the library that came in its place.
    record=$(grep -lx "$old" "$VIREO_STATE"/store/built/*)
    echo "$hash" >"$record"
    "$VIREO" deploy "$folder"
    [ "$(library_of "$name")" = "$hash" ]
}

# outside SCRIPT: the same attack without a wall, as root, in namespaces that take the damage; sets
# result.
outside() {
    result=$(timeout 10 unshare --mount --ipc --uts "$BATS_FILE_TMPDIR/outside" "$1" </dev/null) || true
}

# inside NAME SCRIPT: as a call of a native function; sets result: what it answered, or the cause.
inside() {
    call "$1" --data-binary "$2"
    if [ "$code" = 200 ]; then
        result=$body
    else
        result=$(jq -r .cause <<<"$body")
    fi
}

# inside_all NAME SCRIPT…: the same for many, in one go, each in turn; sets results.
inside_all() {
    local name=$1 script
    shift
    for script; do
        printf 'url = "%s/function/%s"\ndata = "%s"\nwrite-out = "\\n"\nmax-time = 20\nnext\n' \
            "$VIREO_SERVER" "$name" "$script"
    done | sed '$d' >"$BATS_TEST_TMPDIR/calls"
    # An answer has no newline at its end, a problem has one.
    curl -s -K "$BATS_TEST_TMPDIR/calls" | sed '/^$/d' | jq -R -r \
        'if startswith("{") then fromjson | .cause else . end' >"$BATS_TEST_TMPDIR/results"
    mapfile -t results <"$BATS_TEST_TMPDIR/results"
    [ "${#results[@]}" = "$#" ]
}

# expect WHAT PATTERN: of the last outside or inside.
expect() {
    # shellcheck disable=SC2053
    [[ $result == $2 ]] || {
        echo "$1: '$result' instead of '$2'" >&2
        return 1
    }
}
