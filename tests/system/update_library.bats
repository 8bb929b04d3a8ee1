#!/usr/bin/env bats
# One native library of one pVM replaced by another version of itself, with its state: what points
# to it follows, what can't is refused by name, and the old one is freed.
load helper
load escape/escape

LIBRARIES=

# native NAME [SED of the source] [SED of the manifest]: another version of the ledger, $WORK/NAME.so.
native() {
    local from=$WORK/source-$1
    cp -r "$FUNCTIONS/link/ledger" "$from"
    sed -i -e "${2-}" "$from/ledger.c"
    sed -i -e "${3-}" "$from/vireo.yaml"
    VIREO_STATE=$WORK/signer "$VIREO" build -q --native "$from" -o "$WORK/$1.so"
}

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    WORK=$(mktemp -d /tmp/vireo-ledger.XXXXXX)
    export WORK
    native ledger
    native ledger2 's/"one calls/"two calls/; s/return n + 1;/return n + 10;/; s/^static long calls;/static long added[64] = {7};\nstatic long calls;/; s/calls++;/calls += added[0] == 7;/' 's/1.0.0/2.0.0/'
    VIREO_STATE=$WORK/signer "$VIREO" build -q --native "$FUNCTIONS/link/desk" -o "$WORK/desk.so"
    KEY=$(VIREO_STATE=$WORK/signer "$VIREO" build --json --native "$FUNCTIONS/link/money" -o "$WORK/any.so" | jq -r .signed_by)
    printf 'keys:\n  trusted: [%s]\nallow_grants:\n  link: true\n' "$KEY" >"$WORK/config.yaml"
    daemon_start --config "$WORK/config.yaml"
    "$VIREO" deploy -q "$WORK/ledger.so" --name ledger
    "$VIREO" deploy -q "$WORK/ledger2.so" --name ledger2
}

teardown_file() {
    daemon_clean
    [ -z "${WORK-}" ] || rm -rf "$WORK"
}

setup() {
    need_root
}

# A fresh desk, called once: $pvm.
desk() {
    "$VIREO" rm desk 2>/dev/null || true
    "$VIREO" deploy -q "$WORK/desk.so" --name desk
    answers "one calls 1 inner 1 word first total 105 105 kept 1"
    pvm=$("$VIREO" ps -o json | jq -r '.[] | select(.function == "desk") | .id')
}

answers() {
    local answer
    answer=$("$VIREO" invoke desk --data x)
    [ "$answer" = "$1" ] || { echo "'$answer' instead of '$1'"; return 1; }
}

@test "a library of a pVM is replaced: its variables are copied, pointers to it from everywhere follow" {
    desk
    run "$VIREO" update --pvm "$pvm" ledger2 ledger
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
    [[ $output == "updated ledger to ledger2 2.0.0 in $pvm in "*" us" ]] || { echo "$output"; return 1; }
    answers "two calls 2 inner 11 word first total 110 110 kept 11"
    [ "$("$VIREO" ps -o json | jq -r '.[] | select(.function == "desk") | .id')" = "$pvm" ]
    # And back.
    "$VIREO" update -q --pvm "$pvm" ledger ledger2
    answers "one calls 3 inner 12 word first total 115 115 kept 12"
    run "$VIREO" update --pvm "$pvm" ledger ledger
    refused 2 "it has the version that is deployed"
    run "$VIREO" update --pvm "$pvm" ledger2 nothing
    refused 3 "no such library is linked"
    run "$VIREO" update --pvm "$pvm" ledger2
    [ "$status" -eq 2 ]
}

# changed WORDS SED...: the ledger changed so is refused in these words, and the pVM goes on.
changed() {
    native bad "$2" "${3-}"
    rm -rf "$WORK/source-bad"
    run "$VIREO" update --pvm "$pvm" "$WORK/bad.so" ledger
    refused 4 "$1"
}

@test "a version that can't take the state over is refused by name, and the pVM goes on" {
    desk
    changed "function 'ledger_inner' was removed" 's/ledger_inner/ledger_outer/'
    changed "the type of variable 'calls' changed: long int to int" 's/^static long calls/static int calls/; s/calls %ld/calls %d/'
    changed "the fields of 'struct note' changed" 's/^    long \*inner;/    long *pad, *inner;/'
    changed "function 'step' is pointed to" 's/step/stride/'
    changed 'a constant that is pointed to is gone: "first"' 's/"first"/"other"/'
    changed "version:" '' 's/1.0.0/4.0.0/'
    answers "one calls 2 inner 2 word first total 110 110 kept 2"
}

@test "a library that lies about its symbol map, or has none, is refused" {
    desk
    # Of each variable of the map another size, another address; a map of another library's length.
    for lie in size address none; do
        python3 - "$WORK/ledger2.so" "$WORK/elf" "$lie" <<'PYTHON'
import struct, sys
data = bytearray(open(sys.argv[1], "rb").read()[:-128])
bytes_, magic = struct.unpack_from("<QQ", data, len(data) - 16)
at = len(data) - 16 - bytes_
count = struct.unpack_from("<I", data, at + 16)[0]
head = 48
for i in range(count):
    place = at + head + 32 * i
    kind, name, ordinal, flags, type_, address, size, align = struct.unpack_from("<8I", data, place)
    if kind == 3 and address:
        if sys.argv[3] == "size":
            struct.pack_into("<I", data, place + 24, size + 4096)
        else:
            struct.pack_into("<I", data, place + 20, address + (1 << 20))
if sys.argv[3] == "none":
    data = data[:at]
open(sys.argv[2], "wb").write(data)
PYTHON
        rm -f "$WORK/lies.so"
        "$FORGE" sign "$WORK/signer/key" "$WORK/elf" "$WORK/lies.so" >/dev/null
        run "$VIREO" update --pvm "$pvm" "$WORK/lies.so" ledger
        if [ "$lie" = none ]; then refused 4 "no symbol map"; else refused 4 "the symbol map of library 'lies' lies: variable"; fi
    done
    answers "one calls 2 inner 2 word first total 110 110 kept 2"
}

# A function of native code, by name and version.
counting() {
    mkdir -p "$WORK/counting-$1" "$WORK/$1"
    cat >"$WORK/counting-$1/c.c" <<C
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
${2-}
static long calls;
static long *kept;
int64_t handler(const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
    (void)in, (void)n;
    if (!kept) { kept = malloc(16); *kept = 40; }
    return snprintf((char *)out, cap, "$1 %ld %ld", ++calls, ++*kept);
}
C
    printf 'name: counting\nversion: "%s"\nupdate: {slack: 4KiB}\n' "${3-1}" | tee "$WORK/$1/vireo.yaml" >"$WORK/counting-$1/vireo.yaml"
    VIREO_STATE=$WORK/signer "$VIREO" build -q --native "$WORK/counting-$1" -o "$WORK/$1/c.so"
}

@test "a function of native code gets a new version in place, and goes back" {
    counting one
    counting two 'static long added[9] = {1}; long use(void); long use(void) { return added[0]++; }' 2
    counting less 'static int other; long use(void); long use(void) { return ++other; }'
    sed -i 's/static long calls/static int calls/; s/%ld %ld", ++calls/%d %ld", ++calls/' "$WORK/counting-less/c.c"
    VIREO_STATE=$WORK/signer "$VIREO" build -q --native "$WORK/counting-less" -o "$WORK/less/c.so"
    "$VIREO" deploy -q "$WORK/one"
    [ "$("$VIREO" invoke counting --data x)" = "one 1 41" ]
    run "$VIREO" update counting "$WORK/two"
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
    [[ $output == *"1 pVM goes on with it"* ]]
    [ "$("$VIREO" invoke counting --data x)" = "two 2 42" ]
    [ "$("$VIREO" ps -o json | jq -r '.[] | select(.function == "counting") | .version')" = 2 ]
    "$VIREO" rollback counting
    [ "$("$VIREO" invoke counting --data x)" = "one 3 43" ]
    run "$VIREO" update counting "$WORK/less"
    refused 4 "the type of variable 'calls' changed: long int to int"
    printf 'int main(void) { return 0; }\n' >"$WORK/main.c"
    run "$VIREO" update counting "$WORK/main.c"
    refused 4 "the new version is another kind of program"
    [ "$("$VIREO" invoke counting --data x)" = "one 4 44" ]
    "$VIREO" rm counting
}

@test "a pVM in a call is not forced" {
    desk
    "$VIREO" invoke desk --data busy >"$BATS_TEST_TMPDIR/answer" &
    eventually 4 sh -c '"$VIREO" ps -o json | jq -e ".[] | select(.function == \"desk\") | .state == \"running\""'
    run "$VIREO" update --pvm "$pvm" ledger2 ledger
    [ "$status" -ne 0 ]
    [[ $output == *"in a call"* ]] || { echo "$output"; return 1; }
    wait
    answers "one calls 3 inner 3 word first total 115 115 kept 3"
}

# Mappings and descriptors of all pVMs.
held() {
    local pid
    for pid in $(descendants "$VIREO_DAEMON"); do
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = vireo-guest ] || continue
        wc -l <"/proc/$pid/maps"
        find "/proc/$pid/fd" -mindepth 1 | wc -l
    done | paste -s -d ' '
}

@test "by turns, many times: nothing of a library that was replaced stays" {
    # A hundred updates; a thousand with scripts/test --long.
    local turns=${VIREO_TEST_LONG:+500} i before least
    desk
    memory() { "$VIREO" ps -o json | jq '.[] | select(.function == "desk") | .memory_bytes'; }
    turn() {
        admin POST "/system/pvms/$pvm/link?library=ledger2&replaces=ledger" -f -o "$BATS_TEST_TMPDIR/out"
        admin POST "/system/pvms/$pvm/link?library=ledger&replaces=ledger2" -f -o "$BATS_TEST_TMPDIR/out"
    }
    for i in 1 2 3 4 5; do turn; done
    before=$(held) least=$(memory)
    for i in $(seq "${turns:-50}"); do
        turn || { cat "$BATS_TEST_TMPDIR/out"; return 1; }
    done
    echo "$before, then $(held); $least bytes, then $(memory)"
    [ "$(held)" = "$before" ]
    # The kernel charges a group ahead.
    [ "$(memory)" -le $((least + 524288)) ]
    answers "one calls 2 inner 2 word first total 110 110 kept 2"
}
