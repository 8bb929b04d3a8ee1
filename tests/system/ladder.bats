#!/usr/bin/env bats
# The ladder: what is proved runs as native code, made of the very IR that was proved; what is not
# is translated; each rung's reason is told.
load helper

LIBRARIES=

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    WORK=$(mktemp -d /tmp/vireo-ladder.XXXXXX)
    export WORK
    cat >"$WORK/flip.c" <<'C'
#include <vireo/function.h>
static uint32_t calls;
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t n = in_len < out_cap ? in_len : out_cap;
    calls++;
    for (size_t i = 0; i < n; i++)
        out[i] = in[i] ^ 32;
    if (n > 0 && out[0] == '?')
        out[0] = (uint8_t)('0' + calls % 10);
    vireo_response_header("X-Rung", "native");
    return (int64_t)n;
}
C
    # As good, but for one byte too many.
    sed 's/i < n; i++/i <= n; i++/' "$WORK/flip.c" >"$WORK/open.c"
    # A key whose libraries are taken: its word is not taken for a proof.
    key=$(VIREO_STATE=$WORK/trusted "$VIREO" build -q --json "$WORK/flip.c" -o "$WORK/trusted.so" --require proved | jq -r .signed_by)
    printf 'keys:\n  trusted: [%s]\n' "$key" >"$WORK/config.yaml"
    daemon_start --config "$WORK/config.yaml"
    "$VIREO" deploy -q "$WORK/flip.c" --name flip
    "$VIREO" deploy -q "$WORK/open.c" --name open
}

teardown_file() {
    daemon_clean
    [ -z "${WORK-}" ] || rm -rf "$WORK"
}

setup() {
    need_root
}

@test "what is proved runs as native code, and keeps its state" {
    [ "$("$VIREO" describe -o json flip | jq -r .rung)" = proved ]
    call flip -d hello
    [ "$code $body" = "200 HELLO" ]
    [ "$(header x-rung)" = native ]
    call flip -d $'\x1f'
    first=$body
    call flip -d $'\x1f'
    [ "$body" -eq $(((first + 1) % 10)) ]
    nm "$VIREO_STATE/store/lib/$("$VIREO" describe -o json flip | jq -r .library).so" | grep -q vireo_proved_handler
}

@test "what is only named, and called by nobody, was not looked at and is not in the code" {
    cat >"$WORK/named.c" <<'C'
#include <vireo/function.h>
static void hidden(void) { __asm__ volatile(".ascii \"nobody calls this\""); }
static void (*const table[])(void) = {hidden, 0};
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    return table[in_len & 1] ? 1 : 2;
}
C
    "$VIREO" build -q "$WORK/named.c" --require proved -o "$WORK/named.so"
    [ "$(strings "$WORK/named.so" | grep -c vireo_proved_handler)" -gt 0 ]
    [ "$(strings "$WORK/named.so" | grep -c 'nobody calls')" = 0 ]
}

@test "a function that nobody may call has an address of its own all the same" {
    cat >"$WORK/apart.c" <<'C'
#include <vireo/function.h>
typedef int fn(int);
static __attribute__((noinline)) int nobody(int x) { __builtin_unreachable(); }
static __attribute__((noinline)) int next(int x) { return x + 1; }
static fn *const some[4] = {next, next, next, next};
static fn *const others[4] = {nobody, nobody, nobody, nobody};
static int cells[4];
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    unsigned x = 1;
    for (int i = 0; i < 1000; i++)
        x = x * 1664525u + 1013904223u;
    fn *q = others[x >> 30], *p = some[x >> 30];
    cells[0] = p(3);
    if (p == q)
        cells[90000000ul * (unsigned)(cells[0] - 3)] = 7;
    return cells[0] - 4;
}
C
    "$VIREO" build -q "$WORK/apart.c" --require proved -o "$WORK/apart.so"
    "$VIREO" run "$WORK/apart.so" </dev/null
}

@test "where variables lie is not for the source to say" {
    for kind in data bss rodata; do
        cat >"$WORK/placed.c" <<C
#include <vireo/function.h>
#pragma clang section $kind=".data.rel.ro"
static int64_t filled[4] = {1, 2, 3, 4}, zero[4];
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    filled[in_len & 3] += 5;
    zero[in_len & 3] += filled[in_len >> 1 & 3];
    return zero[in_len >> 1 & 3] & 0;
}
C
        "$VIREO" build -q "$WORK/placed.c" --require proved -o "$WORK/placed.so"
        "$VIREO" run "$WORK/placed.so" </dev/null
    done
}

unproved() {
    admin GET /metrics | sed -n 's/^vireo_falls_total{rung="sfi",reason="not-proved"} //p'
}

@test "a deploy of what is not proved is counted as a fall, of what is proved not" {
    before=$(unproved)
    "$VIREO" deploy -q "$WORK/flip.c" --name flip
    [ "$(unproved)" -eq "$before" ]
    "$VIREO" deploy -q "$WORK/open.c" --name open
    [ "$(unproved)" -eq $((before + 1)) ]
}

@test "what is not proved is translated, and describe says why, as text and as JSON" {
    "$VIREO" describe -o json open >"$BATS_TEST_TMPDIR/json"
    [ "$(jq -r '.rung' "$BATS_TEST_TMPDIR/json")" = sfi ]
    [ "$(jq -r '.ladder[] | .rung + " " + .outcome' "$BATS_TEST_TMPDIR/json" | xargs)" = "proved refused sfi taken" ]
    [[ $(jq -r '.ladder[0].reason' "$BATS_TEST_TMPDIR/json") == "open.c:8: it may "* ]]
    "$VIREO" describe open | grep -q '^ladder *proved: refused: open.c:8: it may'
    call open -d hello
    [ "$code" = 200 ]
}

@test "--require refuses what is known less safely, with the reason" {
    run "$VIREO" deploy "$WORK/open.c" --name open --require proved
    refused 4 "it is not proved, and that is required: open.c:8: it may"
    run "$VIREO" build "$WORK/open.c" -o "$WORK/open.so" --require proved
    refused 4 "it is not proved, and that is required"
    "$VIREO" deploy -q "$WORK/open.c" --name open --require sfi
    "$VIREO" deploy -q "$WORK/flip.c" --name flip --require proved
    run "$VIREO" deploy "$WORK/flip.c" --name flip --require magic
    refused 2 "it is not proved, sfi or container"
}

@test "with a better verifier the same source climbs" {
    # One that takes no module for its machine's proves nothing.
    mkdir -p "$WORK/weak"
    find "$BUILD" -maxdepth 1 -type f -name 'vireo*' ! -name '*.*' -exec cp -t "$WORK/weak" {} +
    sed -i 's/e-m:e-p270:32:32-p271/e-m:e-p270:32:32-p279/g' "$WORK/weak/vireo-verify"
    not cmp -s "$WORK/weak/vireo-verify" "$BUILD/vireo-verify"
    (
        unset VIREO_STATE VIREO_PORT VIREO_DAEMON
        trap daemon_clean EXIT
        VIREO=$WORK/weak/vireo daemon_start
        run "$VIREO" deploy -q "$WORK/flip.c" --name flip --require proved
        [ "$status" -eq 4 ]
        "$VIREO" deploy -q "$WORK/flip.c" --name flip
        "$VIREO" describe flip | grep "^ladder *proved: refused: it is not for x86-64"
        [ "$("$VIREO" describe -o json flip | jq -r .rung)" = sfi ]
        daemon_stop
        # What is deployed stays what it is until it is deployed again.
        daemon_start
        [ "$("$VIREO" describe -o json flip | jq -r .rung)" = sfi ]
        "$VIREO" deploy -q "$WORK/flip.c" --name flip --require proved
        [ "$("$VIREO" describe -o json flip | jq -r .rung)" = proved ]
    )
}

@test "a proved library is built, run from its file, deployed, and says what was proved" {
    "$VIREO" build -q "$WORK/flip.c" -o "$WORK/flip.so" --require proved
    run bash -c 'echo -n abc | "$VIREO" run "$WORK/flip.so"'
    [ "$status $output" = "0 ABC" ]
    readelf -n -W "$WORK/flip.so" | grep -q vireo
    "$VIREO" deploy -q "$WORK/flip.so" --name flip
    [ "$("$VIREO" describe -o json flip | jq -r .rung)" = proved ]
}

@test "a note that claims a proof of another key, or none, is refused" {
    VIREO_STATE=$WORK/stranger "$VIREO" build -q "$WORK/flip.c" -o "$WORK/forged.so" --require proved
    run "$VIREO" deploy "$WORK/forged.so" --name forged
    refused 4 "signed by another key"
    run "$VIREO" deploy "$WORK/trusted.so" --name forged
    refused 4 "it says that it is proved, but was not proved here"
}

@test "LLVM IR, of Rust too, is proved or refused: no other rung takes it" {
    clang-14 -O1 -emit-llvm -c -I "$BUILD/../include" -o "$WORK/ir.bc" "$WORK/flip.c"
    "$VIREO" deploy -q "$WORK/ir.bc" --name ir
    [ "$("$VIREO" describe -o json ir | jq -r .rung)" = proved ]
    run "$VIREO" invoke ir -d abc
    [ "$status $output" = "0 ABC" ]
    (cd "$WORK" && clang-14 -g -O1 -S -emit-llvm -I "$BUILD/../include" -o open.ll open.c)
    run "$VIREO" deploy -q "$WORK/open.ll" --name ir
    refused 4 "there is no other way for IR: open.c:8: it may"
    run "$VIREO" invoke ir -d abc
    [ "$status $output" = "0 ABC" ]
    echo junk >"$WORK/junk.ll"
    run "$VIREO" deploy -q "$WORK/junk.ll" --name junk
    refused 4 "it is not IR that LLVM 14 reads"
    run "$VIREO" build --native "$WORK/open.ll" -o "$WORK/open.so"
    refused 2 "LLVM IR is for functions that are proved"
    cat >"$WORK/upper.rs" <<'R'
#![no_std]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! { loop {} }
#[no_mangle]
pub unsafe extern "C" fn handler(input: *const u8, in_len: usize, out: *mut u8, out_cap: usize) -> i64 {
    let body = core::slice::from_raw_parts(input, in_len);
    let answer = core::slice::from_raw_parts_mut(out, out_cap);
    let mut n = 0;
    for (to, from) in answer.iter_mut().zip(body.iter()) {
        *to = from.to_ascii_uppercase();
        n += 1;
    }
    n
}
R
    run "$VIREO" deploy -q "$WORK/upper.rs"
    refused 2 "rustc --emit=llvm-ir"
    /usr/bin/rustc --edition 2021 --crate-type=lib -O -C panic=abort -C debuginfo=1 \
        -C no-vectorize-loops -C no-vectorize-slp --emit=llvm-ir -o "$WORK/upper.ll" "$WORK/upper.rs"
    run bash -c 'echo -n abc | "$VIREO" run "$WORK/upper.ll"'
    [ "$status $output" = "0 ABC" ]
    "$VIREO" deploy -q "$WORK/upper.ll" --name upper
    [ "$("$VIREO" describe -o json upper | jq -r .rung)" = proved ]
    run "$VIREO" invoke upper -d xyz
    [ "$status $output" = "0 XYZ" ]
}

@test "a call that takes more processor time than was proved is a trap" {
    cat >"$WORK/long.c" <<'C'
#include <vireo/function.h>
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    uint32_t x = (uint32_t)in_len;
    for (uint32_t i = 0; i < 600000000; i++)
        x = (x ^ i) * 2654435761u;
    if (out_cap < 1)
        return 0;
    out[0] = (uint8_t)(x | 64);
    return 1;
}
C
    "$VIREO" build -q "$WORK/long.c" -o "$WORK/long.so" --require proved
    run bash -c '"$VIREO" run "$WORK/long.so" </dev/null | wc -c'
    [ "$status $output" = "0 1" ]
    # What is enforced is what the note says, whose last number it is: 50 ms, and signed again.
    "$VIREO" deploy -q "$WORK/long.c" --name long
    report=$("$VIREO" describe -o json long | jq -r .proof.report)
    python3 - "$WORK/long.so" "$report" "$WORK/short.elf" <<'PY'
import struct, sys
data = open(sys.argv[1], "rb").read()[:-128]
at = data.index(bytes.fromhex(sys.argv[2])) + 32 + 3 * 8
assert struct.unpack_from("<Q", data, at)[0] > 10000
open(sys.argv[3], "wb").write(data[:at] + struct.pack("<Q", 50) + data[at + 8:])
PY
    "$BUILD/tests/system/escape/escape_forge" sign "$VIREO_STATE/key" "$WORK/short.elf" "$WORK/short.so" >/dev/null
    run "$VIREO" run "$WORK/short.so" </dev/null
    [ "$status" -ne 0 ]
    [[ $output = *"more processor time than was proved"* ]]
}

@test "the verdict builds the sandbox: fewer calls, less memory, a limit of processor time; describe shows it" {
    "$VIREO" describe -o json flip >"$BATS_TEST_TMPDIR/json"
    "$VIREO" describe -o json open >"$BATS_TEST_TMPDIR/open"
    [ "$(jq '.syscalls.base | length' "$BATS_TEST_TMPDIR/json")" -le 8 ]
    [ "$(jq '.syscalls.base | index("mmap")' "$BATS_TEST_TMPDIR/json")" = null ]
    [ "$(jq '.syscalls.base | index("mmap") != null' "$BATS_TEST_TMPDIR/open")" = true ]
    [ "$(jq .proof.static_bytes "$BATS_TEST_TMPDIR/json")" -ge 4 ]
    [ "$(jq -r .proof.ir "$BATS_TEST_TMPDIR/json" | wc -c)" -eq 65 ]
    [ "$(jq .proof.memory_limit_bytes "$BATS_TEST_TMPDIR/json")" -lt $((64 << 20)) ]
    # Of a loop over the body: far below the limit of time, which is 10 s.
    [ "$(jq .timeout_ms "$BATS_TEST_TMPDIR/json")" -eq 10000 ]
    [ "$(jq .proof.cpu_limit_ms "$BATS_TEST_TMPDIR/json")" -lt 9000 ]
    [ "$(jq .proof.cpu_limit_ms "$BATS_TEST_TMPDIR/json")" -gt 250 ]
    [ "$(jq 'has("proof")' "$BATS_TEST_TMPDIR/open")" = false ]
    # Whoever has the source can read the report that the hash is of.
    report=$("$VIREO" verify -o json "$WORK/flip.c")
    [ "$(printf %s "$report" | sha256sum | cut -d' ' -f1)" = "$(jq -r .proof.report "$BATS_TEST_TMPDIR/json")" ]
    # It is kept with the function, byte for byte, and shown.
    [ "$(jq -j .report "$BATS_TEST_TMPDIR/json" | sha256sum | cut -d' ' -f1)" = "$(jq -r .proof.report "$BATS_TEST_TMPDIR/json")" ]
    [ "$(jq -r '.report | fromjson | .verdict' "$BATS_TEST_TMPDIR/json")" = proved ]
    run "$VIREO" describe flip --report
    [ "$status" -eq 0 ]
    [[ "$output" == "proved: handler of flip ("* ]]
    run "$VIREO" describe open --report
    [ "$status" -eq 1 ]
    [[ "$output" == *"it is not proved, so there is no report"* ]]
    # The largest body fits in what is left.
    head -c $((6 << 20)) /dev/zero | tr '\0' a >"$BATS_TEST_TMPDIR/long"
    call flip --data-binary "@$BATS_TEST_TMPDIR/long"
    [ "$code" = 200 ]
    [ "$(tr -d A <"$BODY" | wc -c)" -eq 0 ]
    [ "$(stat -c %s "$BODY")" -eq $((6 << 20)) ]
}
