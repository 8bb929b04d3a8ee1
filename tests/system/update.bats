#!/usr/bin/env bats
# A new version of a function, for the pVMs that run too; and back.
load helper

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    daemon_start
}

teardown_file() {
    daemon_clean
}

setup() {
    need_root
    cd "$BATS_TEST_TMPDIR" || return 1
}

# source FILE TEXT: a handler that answers it.
source_of() {
    printf '#include <vireo/function.h>\n#include <string.h>\n
        int64_t handler(const uint8_t *in, size_t n, uint8_t *out, size_t cap)
        { memcpy(out, "%s", %d); return %d; }\n' "$2" "${#2}" "${#2}" >"$1"
}

@test "rollback goes back version by version, across a start of the daemon, and then says there is none" {
    for text in one two three; do
        source_of "$text.c" "$text"
    done
    "$VIREO" deploy one.c --name steps
    "$VIREO" update steps two.c
    "$VIREO" update steps three.c
    [ "$("$VIREO" invoke steps --data x)" = three ]
    "$VIREO" rollback steps
    [ "$("$VIREO" invoke steps --data x)" = two ]
    daemon_stop
    daemon_start
    run "$VIREO" rollback steps
    [ "$status" -eq 0 ]
    [ "$("$VIREO" invoke steps --data x)" = one ]
    run "$VIREO" rollback steps
    [ "$status" -eq 3 ]
    [[ $output == *"no former version"* ]]
    "$VIREO" rm steps
}

@test "an update is of a function that there is, and keeps its settings" {
    source_of one.c one
    source_of two.c two
    run "$VIREO" update nobody two.c
    [ "$status" -eq 3 ]
    [[ $output == *"no function 'nobody'"* ]]
    "$VIREO" deploy one.c --name kept --memory 16MiB --timeout 3s
    "$VIREO" update kept two.c
    [ "$("$VIREO" describe kept -o json | jq -c '[.memory_bytes, .timeout_ms]')" = '[16777216,3000]' ]
    run "$VIREO" update kept
    [ "$status" -eq 2 ]
    "$VIREO" rm kept
}

# A counter: its state is a global, a static, a structure on the heap.
counter_of() {
    cat >"$1" <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <vireo/function.h>
struct entry { int times; const char *word; int (*grow)(int); struct entry *next; };
static int one(int n) { return n + 1; }
int total = 100;
struct entry *first;
int scale(int n) { return n; }
int64_t handler(const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
    static int calls;
    (void)in; (void)n;
    if (!first) { first = calloc(1, sizeof *first); first->word = "as it was"; first->grow = one; }
    first->times = first->grow(first->times);
    calls++; total = scale(total) + 1;
    return snprintf((char *)out, cap, "%d %d %d %s", calls, total, first->times, first->word);
}
C
}

# refuses NAME SED WORDS: an update to the counter changed so is refused in these words.
refuses() {
    counter_of changed.c
    sed -i -e "$2" changed.c
    run "$VIREO" update "$1" changed.c
    [ "$status" -eq 4 ] || { echo "$output"; return 1; }
    [[ $output == *"$3"* ]] || { echo "$output"; return 1; }
}

@test "an update that can't carry the state over is refused, naming the symbol; the pVM goes on" {
    counter_of one.c
    "$VIREO" deploy one.c --name counter
    "$VIREO" invoke counter --data x
    refuses counter 's/^int total = 100;/static long long total = 100;/' "the type of variable 'total' changed: int to long long"
    refuses counter 's/int times;/long long times;/' "the fields of 'struct entry' changed: 'int times@0' to 'long long times@0'"
    refuses counter 's/^int scale(int n)/long long scale(long long n)/' "the signature of function 'scale' changed: int (int) to long long (long long)"
    refuses counter 's/scale/rescale/g' "function 'scale' was removed"
    refuses counter 's/static int calls;/static int often;/; s/calls/often/g' "variable 'handler.calls' was removed"
    refuses counter 's/^int total/int large[5000];\nint total/; s/calls++;/calls++; large[n]++;/' "its slack is exhausted: 'large'"
    [ "$("$VIREO" invoke counter --data x)" = "2 102 2 as it was" ]
    "$VIREO" rm counter
}

@test "a module without a symbol map is refused by name" {
    counter_of one.c
    "$VIREO" deploy one.c --name mapped
    clang --target=wasm32-wasi -O2 -x c - -o foreign.wasm <<<'int main(void) { return 0; }'
    run "$VIREO" update mapped foreign.wasm
    [ "$status" -eq 4 ]
    [[ $output == *"mapped"*"no symbol map"* ]]
    printf 'name: bare\nupdate:\n  slack: 0\n' >vireo.yaml
    mkdir bare && mv vireo.yaml bare && cp one.c bare
    "$VIREO" deploy bare
    run "$VIREO" update bare one.c
    [ "$status" -eq 4 ]
    [[ $output == *"bare"*"no symbol map"* ]]
    "$VIREO" rm mapped bare
}
