#!/usr/bin/env bats
# vireo verify: verdicts and exit codes, and that bad input gets a clear answer inside the limits.

load helper

setup() {
    DIR=$(mktemp -d)
}

teardown() {
    rm -rf "$DIR"
}

source_of() {
    cat >"$DIR/$1"
}

@test "a function whose every access is checked is proved" {
    source_of copy.c <<'END'
#include <vireo/function.h>
#include <string.h>
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    if (in_len > out_cap)
        return -1;
    memcpy(out, in, in_len);
    return (int64_t)in_len;
}
END
    run "$VIREO" verify "$DIR/copy.c"
    [ "$status" -eq 0 ]
    [[ "$output" == "proved: handler of "* ]]
    [[ "$output" == *"bytes of stack"* ]]
}

@test "a constant subscript behind its row, which LLVM would make one of the next row, does not compile" {
    source_of row.c <<'END'
#include <vireo/function.h>
static int table[4][4];
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    table[1][0] = (int)in_len;
    return table[0][4];
}
END
    run "$VIREO" verify "$DIR/row.c"
    [ "$status" -eq 2 ]
    [[ "$output" == *"row.c:6:"*"array index 4 is past the end of the array"* ]]
}

@test "what is open is shown with its line, and exit code 1" {
    source_of open.c <<'END'
#include <vireo/function.h>
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    out[0] = in[in_len - 1];
    return 1;
}
END
    run "$VIREO" verify "$DIR/open.c"
    [ "$status" -eq 1 ]
    [[ "$output" == *"open.c:4: it may read outside 'in'"* ]]
    [[ "$output" == *"open.c:4: it may write outside 'out'"* ]]
    run "$VIREO" verify "$DIR/open.c" --annotate
    [[ "$output" == *"!!     4     out[0]"* ]]
    run "$VIREO" verify "$DIR/open.c" -o json
    [ "$status" -eq 1 ]
    [ "$(jq -r .verdict <<<"$output")" = "not proved" ]
    [ "$(jq '[.obligations[] | select(.state == "open")] | length' <<<"$output")" -eq 2 ]
}

@test "what is not linear is proved bit by bit, and the report says by whom" {
    source_of average.c <<'END'
#include <vireo/function.h>
static uint8_t table[256];
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    uint32_t a = in_len ? in[0] : 0, b = in_len ? in[in_len - 1] : 0;
    return table[(a & b) + ((a ^ b) >> 1)];
}
END
    run "$VIREO" verify "$DIR/average.c" -o json
    [ "$status" -eq 0 ]
    [ "$(jq -r '.obligations[] | select(.line == 6) | .by' <<<"$output")" = bits ]
    sed -i 's/table.256/table[255/' "$DIR/average.c"
    run "$VIREO" verify "$DIR/average.c"
    [ "$status" -eq 1 ]
}

@test "--entry names another function; one that is not there is bad input" {
    source_of two.c <<'END'
int table[4];
int good(void) { int s = 0; for (int i = 0; i < 4; i++) s += table[i]; return s; }
int bad(void) { int s = 0; for (int i = 0; i <= 4; i++) s += table[i]; return s; }
END
    run "$VIREO" verify "$DIR/two.c" --entry good
    [ "$status" -eq 0 ]
    run "$VIREO" verify "$DIR/two.c" --entry bad
    [ "$status" -eq 1 ]
    run "$VIREO" verify "$DIR/two.c" --entry none
    [ "$status" -eq 2 ]
    run "$VIREO" verify "$DIR/two.c"
    [ "$status" -eq 2 ]
}

@test "a refused construct is named with its line and what to do" {
    source_of asm.c <<'END'
static void other(void)
{
    __asm__ volatile("cld");
}
int main(void)
{
    __asm__ volatile("nop");
    other();
    return 0;
}
END
    # All of them at once.
    run "$VIREO" verify "$DIR/asm.c"
    [ "$status" -eq 1 ]
    [[ "$output" == *"asm.c:3: not accepted: inline assembly"* ]]
    [[ "$output" == *"asm.c:7: not accepted: inline assembly"* ]]
}

@test "what is open in a library's code is told by the user's line that calls it" {
    source_of calls.c <<'END'
#include <string.h>
#include <vireo/base.h>
#include <vireo/function.h>
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    int64_t at = vireo_find(in, in_len + 1, 7);
    return at + (memchr(in, 3, in_len + 1) != NULL);
}
END
    run "$VIREO" verify "$DIR/calls.c"
    [ "$status" -eq 1 ]
    [[ "$output" == *"calls.c:6: it may read outside 'in'"* ]]
    [[ "$output" == *"calls.c:7: it may read outside 'in'"* ]]
    [[ "$output" == *"confirmed: it fails when it is run with an empty body and room for "*", at calls.c:6"* ]]
    # So it is of Rust's own library.
    source_of max.rs <<'END'
#![no_std]
#[panic_handler] fn panic(_: &core::panic::PanicInfo) -> ! { loop {} }
#[no_mangle] pub extern "C" fn handler(i: *const u8, n: usize, _o: *mut u8, _c: usize) -> i64 {
    let body = unsafe { core::slice::from_raw_parts(i, n) };
    *body.iter().max().unwrap() as i64
}
END
    /usr/bin/rustc --edition 2021 --crate-type=lib -O -C panic=abort -C debuginfo=1 \
        -C no-vectorize-loops -C no-vectorize-slp --emit=llvm-ir -o "$DIR/max.ll" "$DIR/max.rs"
    run "$VIREO" verify "$DIR/max.ll" --annotate
    [ "$status" -eq 1 ]
    [[ "$output" == *"!!     5     *body.iter().max().unwrap() as i64"* ]]
    [[ "$output" == *"max.rs:5: it may be reached"* ]]
}

@test "--annotate shows each file of a folder, and no file that IR made up" {
    mkdir -p "$DIR/two/src"
    printf '#include "src/b.h"\nint64_t handler(const uint8_t *in, size_t n, uint8_t *out, size_t cap)\n{\n    return cap ? (out[0] = 1) + get(in, n) : 0;\n}\n' >"$DIR/two/a.c"
    printf '#include <vireo/function.h>\nint get(const uint8_t *in, size_t n);\n' >"$DIR/two/src/b.h"
    printf '#include "b.h"\nint get(const uint8_t *in, size_t n)\n{\n    return in[n];\n}\n' >"$DIR/two/src/b.c"
    printf "sources: [a.c, 'src/*.c']\n" >"$DIR/two/vireo.yaml"
    run "$VIREO" verify "$DIR/two" --annotate
    [ "$status" -eq 1 ]
    [[ "$output" == *"a.c:"*"ok     4     return cap"* ]]
    [[ "$output" == *"src/b.c:"*"!!     4     return in[n];"* ]]
    mkdir "$DIR/ir"
    echo secret >"$DIR/secret"
    ln -s "$DIR/secret" "$DIR/ir/link.c"
    printf 'int t[2];\nint main(void) { for (int i = 0; i <= 2; i++) t[i] = i; return t[0]; }\n' >"$DIR/ir/m.c"
    for name in ../secret "$DIR/secret" link.c /etc/hostname; do
        (cd "$DIR/ir" && clang-14 -g -S -emit-llvm -o - m.c) | sed "s|filename: \"m.c\"|filename: \"$name\"|" >"$DIR/ir/f.ll"
        run "$VIREO" verify "$DIR/ir/f.ll" --annotate
        [ "$status" -eq 1 ]
        [[ "$output" == *"cannot annotate: no source that the report names"* ]]
        [[ "$output" != *" 1 "* ]]
    done
}

@test "LLVM IR is taken as it is" {
    source_of f.c <<'END'
int main(void) { return 3; }
END
    clang-14 -g -S -emit-llvm "$DIR/f.c" -o "$DIR/f.ll"
    clang-14 -g -c -emit-llvm "$DIR/f.c" -o "$DIR/f.bc"
    run "$VIREO" verify "$DIR/f.ll"
    [ "$status" -eq 0 ]
    run "$VIREO" verify "$DIR/f.bc"
    [ "$status" -eq 0 ]
}

@test "what does not compile, and what is no IR, is bad input" {
    echo 'int main( {' >"$DIR/broken.c"
    run "$VIREO" verify "$DIR/broken.c"
    [ "$status" -eq 2 ]
    for name in broken missing; do
        [ "$("$VIREO" verify -o json "$DIR/$name.c" 2>/dev/null | jq -r .verdict)" = "bad input" ]
    done
    head -c 3000 /dev/urandom >"$DIR/noise.bc"
    run "$VIREO" verify "$DIR/noise.bc"
    [ "$status" -eq 2 ]
    echo 'int main(void) { return 3; }' >"$DIR/f.c"
    clang-14 -c -emit-llvm "$DIR/f.c" -o "$DIR/f.bc"
    head -c 700 "$DIR/f.bc" >"$DIR/cut.bc"
    run "$VIREO" verify "$DIR/cut.bc"
    [ "$status" -eq 2 ]
    : >"$DIR/empty.ll"
    run "$VIREO" verify "$DIR/empty.ll"
    [ "$status" -eq 2 ]
}

@test "a function of 100,000 blocks is refused by name" {
    {
        echo 'int main(void) { volatile_free: ; int x = 0;'
        for ((i = 0; i < 50000; i++)); do echo "if (x == $i) x++;"; done
        echo 'return x; }'
    } >"$DIR/blocks.c"
    run "$VIREO" verify "$DIR/blocks.c"
    [ "$status" -ne 0 ]
    [[ "$output" == *"a function of more than 40000 blocks"* ]]
}

@test "IR of another LLVM is bad input, and says so" {
    source_of new.ll <<'END'
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"
define i32 @main(ptr %p) {
  ret i32 0
}
END
    run "$VIREO" verify "$DIR/new.ll"
    [ "$status" -eq 2 ]
    [[ "$output" == *"it is not IR that LLVM 14 reads"* ]]
}

@test "bitcode with bytes changed gets a verdict" {
    echo 'int t[4]; int main(void) { for (int i = 0; i < 4; i++) t[i] = i; return t[3]; }' >"$DIR/f.c"
    clang-14 -g -c -emit-llvm "$DIR/f.c" -o "$DIR/f.bc"
    size=$(stat -c %s "$DIR/f.bc")
    for ((i = 1; i <= 12; i++)); do
        cp "$DIR/f.bc" "$DIR/m.bc"
        printf '\x5a' | dd of="$DIR/m.bc" bs=1 seek=$((size * i / 13)) conv=notrunc status=none
        run "$VIREO" verify "$DIR/m.bc"
        [ "$status" -le 2 ]
        [[ "$output" == *"proved: "* || "$output" == *"bad input: "* ]]
    done
}

@test "a program made to be hard is given up inside the limits" {
    # Which of these numbers add up to as much as the others, but for one? No run finds out, and Z3 goes on and on.
    {
        printf '#include <stddef.h>\n#include <stdint.h>\nstatic uint8_t t[64];\n'
        printf 'int64_t handler(const uint8_t *in, size_t n, uint8_t *out, size_t cap)\n{\n'
        echo 'uint32_t s = 0, x = 0, b; if (n < 200) return -1;'
        for ((i = 0; i < 24; i++)); do
            echo "b = in[$i] & 1; s += b * $(((i * 7919 + 104729) % 100003 + 17)); x += (1 - b) * $(((i * 1299709 + 15485863) % 99991 + 19));"
        done
        echo 'if (s == x + 1 && s % 9973 == 77) t[s] = 1; return s; }'
    } >"$DIR/hard.c"
    SECONDS=0
    run "$VIREO" verify -o json "$DIR/hard.c"
    [ "$status" -eq 1 ]
    [ "$SECONDS" -le 75 ]
    # It was the limit that ended it, and it is said so.
    jq -e '.verdict == "not proved" and .counterexample == null and
           (.reason == "the verifier'"'"'s time ran out" or .effort.limit_reached or .effort.queries_given_up > 0)' <<<"$output"
}

@test "a program without input is proved by its one run, which gives the bound" {
    source_of list.c <<'END'
#include <stdio.h>
struct node { struct node *next; int value; } nodes[8], *head;
int main(int argc, char **argv)
{
    int sum = 0;
    for (int i = 0; i < 8; i++) {
        nodes[i].value = i;
        nodes[i].next = head;
        head = &nodes[i];
    }
    for (struct node *n = head; n; n = n->next)
        sum += n->value;
    printf("%s: %d\n", argv[0], sum);
    return 0;
}
END
    run "$VIREO" verify "$DIR/list.c"
    [ "$status" -eq 0 ]
    [[ "$output" == "proved: main of "* ]]
    sed -i 's/i < 8; i++/i <= 8; i++/' "$DIR/list.c"
    run "$VIREO" verify "$DIR/list.c"
    [ "$status" -eq 1 ]
    [[ "$output" == *"confirmed: "*"at list.c:7"* ]]
}
