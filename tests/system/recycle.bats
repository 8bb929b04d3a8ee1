#!/usr/bin/env bats
# Blank pVMs that become an instance of a function by linking: fresh forks of a blank that functions
# of one application share, and the place of an ended one. What a recycled pVM can do, and that it has
# nothing of the one before.
load helper
load family
load recycle

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    WORK=$(mktemp -d /tmp/vireo-recycle.XXXXXX)
    export WORK
    key=$(VIREO_STATE=$WORK/signer "$VIREO" build --json --native "$FUNCTIONS/link/money" -o "$WORK/money.so" | jq -r .signed_by)
    VIREO_STATE=$WORK/signer "$VIREO" build -q --native "$FUNCTIONS/link/tax" -o "$WORK/tax.so"
    printf 'keys:\n  trusted: [%s]\nallow_grants: {link: true, fork: true, ipc: true, files: [%s/data]}\n' "$key" "$WORK" >"$WORK/config.yaml"
    chmod 755 "$WORK"
    mkdir "$WORK/data"
    echo shared >"$WORK/data/shared"
    mkdir "$WORK/counter"
    cat >"$WORK/counter/f.c" <<'C'
#include <stdint.h>
#include <stdio.h>
static int calls;
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    (void)in, (void)in_len;
    return snprintf((char *)out, out_cap, "fresh %d", ++calls);
}
C
    VIREO_STATE=$WORK/signer "$VIREO" build -q --native "$WORK/counter/f.c" -o "$WORK/counter.so"
    daemon_start --config "$WORK/config.yaml"
}

teardown_file() {
    daemon_clean
    [ -z "${WORK-}" ] || rm -rf "$WORK"
}

setup() {
    need_root
}

# counter NAME RECYCLE APPLICATION [MORE]: native code that counts its calls, as this function.
counter() {
    mkdir -p "$WORK/$1"
    cp "$WORK/counter.so" "$WORK/$1"
    printf 'name: %s\nrecycle: %s\napplication: %s\n%b' "$1" "$2" "$3" "${4-}" >"$WORK/$1/vireo.yaml"
    "$VIREO" deploy -q "$WORK/$1"
}

# native NAME SOURCE MANIFEST: the same of native code.
native() {
    mkdir -p "$WORK/$1"
    cp "$2" "$WORK/$1/f.c"
    printf 'name: %s\nrecycle: reuse\napplication: app\n%b' "$1" "${3-}" >"$WORK/$1/vireo.yaml"
    cp "$WORK/$1/vireo.yaml" "$WORK/manifest"
    VIREO_STATE=$WORK/signer "$VIREO" build -q --native "$WORK/$1" -o "$WORK/$1.so"
    mkdir -p "$WORK/$1-so"
    cp "$WORK/$1.so" "$WORK/$1/vireo.yaml" "$WORK/$1-so"
    "$VIREO" deploy -q "$WORK/$1-so" --name "$1"
}

@test "functions of one application with the same wall share a blank; others do not" {
    local before
    counter one blank app
    before=$(guests | wc -l)
    counter two blank app
    [ "$(guests | wc -l)" = "$before" ]
    ask one x
    [ "$body" = "fresh 1" ]
    ask two x
    [ "$body" = "fresh 1" ]
    ask one x
    [ "$body" = "fresh 2" ]
    [ "$(start_of one)" = blank ]
    before=$(guests | wc -l)
    counter three blank elsewhere
    [ "$(guests | wc -l)" = $((before + 1)) ]
    counter four blank app 'limits: {memory: 32MiB}\n'
    [ "$(guests | wc -l)" = $((before + 2)) ]
    ask three x
    ask four x
    "$VIREO" rm -q one two three four
    eventually 5 eval '[ -z "$(guests)" ]'
}

@test "an ended pVM's place is used again, by another function with the same wall" {
    counter one reuse app
    counter two reuse app
    ask one x
    [ "$(start_of one)" = blank ]
    end_of one
    ask two x
    [ "$body" = "fresh 1" ]
    [ "$(start_of two)" = recycled ]
    end_of two
    ask one x
    [ "$body" = "fresh 1" ]
    [ "$(start_of one)" = recycled ]
    # With isolation: request each call is alone, and in the place of the one before.
    counter each reuse app 'isolation: request\n'
    for _ in 1 2 3; do
        ask each x
        [ "$body" = "fresh 1" ]
    done
    "$VIREO" rm -q one two each
}

@test "secrets planted everywhere are gone when another function takes the place" {
    native plant "$FUNCTIONS/recycle/plant.c"
    native seek "$FUNCTIONS/recycle/plant.c"
    secret=$(od -An -N 16 -tx1 /dev/urandom | tr -d ' \n')
    ask plant "$secret"
    [[ $body == "kept 1 heap 1 handler 1 mask 1 registers "[1-9]*" rounding 1 segment "* ]]
    ! grep -qw fsgsbase /proc/cpuinfo || [[ $body == *"segment 1"* ]]
    hex=$(printf %s "$secret" | od -An -tx1 | tr -d ' \n')
    # It is there to be found...
    # shellcheck disable=SC2046
    [ -n "$(python3 "$FUNCTIONS/recycle/find_in_memory.py" "$hex" $(guests))" ]
    end_of plant
    { printf look && printf %s "$secret" | perl -pe '$_ = ~$_'; } >"$WORK/turned"
    call seek --data-binary "@$WORK/turned"
    [ "$(start_of seek)" = recycled ]
    [[ $body == "kept 0 heap 0 handler 0 mask 0 registers 0 rounding 0 segment 0"* ]]
    # ...and is in no process any more that the new one could have it from.
    # shellcheck disable=SC2046
    [ -z "$(python3 "$FUNCTIONS/recycle/find_in_memory.py" "$hex" $(guests))" ]
    # No descriptor but its own: the event by which it says that it has answered.
    for pid in $(guests); do
        [ "$(find "/proc/$pid/fd" -type l | wc -l)" -le 5 ]
    done
    "$VIREO" rm -q plant seek
}

@test "a recycled pVM has dependencies, and libraries are linked into it while it runs" {
    "$VIREO" deploy -q "$WORK/money.so" --name money
    "$VIREO" deploy -q "$WORK/tax.so" --name tax
    native shop "$FUNCTIONS/link/shop/shop.c" 'dependencies: [{name: tax}]\nlibrary: {loader: blank}\n'
    ask shop 1000
    [[ $body == "tax 190 calls 1"* ]]
    end_of shop
    ask shop 1000
    [[ $body == "tax 190 calls 1"* ]]
    [ "$(start_of shop)" = recycled ]
    native late "$FUNCTIONS/link/shop/shop.c" 'grants: {link: true}\n'
    ask late hello
    end_of late
    ask late hello
    [ "$(start_of late)" = recycled ]
    "$VIREO" link -q "$(root_of late)" tax
    ask late 1000
    [[ $body == "tax 190 calls 2"* ]]
    "$VIREO" rm -q shop late tax money
}

@test "a recycled pVM forks, and its family talks" {
    mkdir -p "$WORK/kin"
    cp "$FUNCTIONS/family.c" "$WORK/kin"
    for how in blank reuse; do
        printf 'name: kin\nrecycle: %s\nlimits: {pids: 8, timeout: 3s}\ngrants: {fork: true, ipc: true}\n' "$how" >"$WORK/kin/vireo.yaml"
        "$VIREO" deploy -q "$WORK/kin"
        ask kin signals
        [ "$how" = blank ] || end_of kin
        ask kin signals
        [ "$body" = $'killed: signal 15\nkilled: signal 9\nkilled: signal 10\nchild: exit 0' ]
        ask kin output
        [ "$body" = "answer of the root" ]
        ask kin trap
        [ "$body" = "trapped: exit 134" ]
        ask kin sums
        [ "$body" = "total: 704982704" ]
        ask kin polls
        [ "$body" = "poll: 0 1 1 1 1" ]
        ask kin queues
        [ "$body" = "queues: 3 two 1 one 1 1 1 1" ]
        [ "$(start_of kin)" = "$([ "$how" = blank ] && echo blank || echo recycled)" ]
        "$VIREO" rm -q kin
    done
}

# scribe NAME MORE: a function that does what it is told with files; a tmp of its own, a folder to read.
scribe() {
    mkdir -p "$WORK/$1"
    cp "$FUNCTIONS/files.c" "$WORK/$1"
    printf 'name: %s\napplication: desk\npool: {instances: 1}\ngrants: {files: [{path: /tmp, size: 1MiB}, {path: /data, host: %s/data}]}\n%b' "$1" "$WORK" "$2" >"$WORK/$1/vireo.yaml"
    "$VIREO" deploy -q "$WORK/$1"
}

@test "files: a tmp is gone with the pVM that wrote it, whoever has its place; folders are those of the grant" {
    for how in blank reuse 'reuse\nisolation: request'; do
        before=$(guests | wc -l)
        scribe writes "recycle: $how\n"
        scribe reads "recycle: $how\n"
        [ "$(guests | wc -l)" = $((before + 1)) ]
        ask writes "write /tmp/secret hidden"
        [ "$body" = written ]
        [[ $how == *request* ]] || {
            ask writes "read /tmp/secret"
            [ "$body" = hidden ]
            [ "$how" = blank ] || end_of writes
        }
        ask reads "read /tmp/secret"
        [[ $body == "read: No such file"* ]]
        ask reads "read /data/shared"
        [[ $body == shared* ]]
        ask reads "write /data/shared x"
        [[ $body == "write: "* ]]
        ask reads "read /data/../secret"
        [[ $body == "read: "* ]]
        ask reads "write /tmp/other seen"
        [ "$body" = written ]
        [ "$how" != reuse ] || [ "$(start_of reads)" = recycled ]
        # Another folder is another wall.
        mkdir -p "$WORK/other"
        cp "$FUNCTIONS/files.c" "$WORK/other"
        sed "s/^name: .*/name: other/;s/size: 1MiB/size: 2MiB/" "$WORK/reads/vireo.yaml" >"$WORK/other/vireo.yaml"
        "$VIREO" deploy -q "$WORK/other"
        ask other "read /data/shared"
        [[ $body == shared* ]]
        "$VIREO" rm -q writes reads other
        eventually 5 eval '[ -z "$(guests)" ]'
    done
}

@test "a recycled pVM is updated" {
    "$VIREO" rm -q fresh || true
    mkdir -p "$WORK/fresh"
    cp "$WORK/counter/f.c" "$WORK/fresh"
    printf 'name: fresh\nrecycle: reuse\npool: {instances: 1}\nupdate: {slack: 4KiB}\n' >"$WORK/fresh/vireo.yaml"
    "$VIREO" deploy -q "$WORK/fresh"
    ask fresh x
    end_of fresh
    ask fresh x
    [ "$(start_of fresh)" = recycled ]
    sed -i 's/"fresh %d"/"newer %d"/' "$WORK/fresh/f.c"
    pvm=$(root_of fresh)
    "$VIREO" update -q fresh "$WORK/fresh"
    # In place: the pVM that was recycled goes on, with what it has counted.
    ask fresh x
    [ "$body" = "newer 2" ]
    [ "$(root_of fresh)" = "$pvm" ]
    "$VIREO" rollback -q fresh
    ask fresh x
    [ "$body" = "fresh 3" ]
    [ "$(root_of fresh)" = "$pvm" ]
    "$VIREO" rm -q fresh
}

@test "recycle: none, blank or reuse, and nothing else" {
    mkdir -p "$WORK/bad"
    echo 'int handler(void) { return 0; }' >"$WORK/bad/f.c"
    printf 'name: bad\nrecycle: always\n' >"$WORK/bad/vireo.yaml"
    run "$VIREO" deploy "$WORK/bad"
    [ "$status" -eq 2 ]
    [[ $output == *"recycle 'always': it is none, blank or reuse"* ]]
}
