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
    "$VIREO" deploy one.c --name counter --slack 16KiB
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
    "$VIREO" deploy one.c --name mapped --slack 16KiB
    clang --target=wasm32-wasi -O2 -x c - -o foreign.wasm <<<'int main(void) { return 0; }'
    run "$VIREO" update mapped foreign.wasm
    [ "$status" -eq 4 ]
    [[ $output == *"mapped"*"no symbol map"* ]]
    "$VIREO" deploy foreign.wasm --name bare --slack 16KiB --memory 16MiB
    "$VIREO" update bare foreign.wasm
    "$VIREO" rm mapped bare
}

@test "a running pVM gets the new library and keeps its state: variables, the heap, pointers" {
    counter_of one.c
    "$VIREO" deploy one.c --name live --slack 16KiB
    for n in 1 2 3; do "$VIREO" invoke live --data x >/dev/null; done
    pvm=$("$VIREO" ps -o json | jq -r '.[] | select(.function == "live") | .id')
    # What a pointer on the heap leads to moves: a literal, a function; a variable is added.
    sed -e 's/return n + 1; }/return n + 10; }/; s/"as it was"/"other"/' \
        -e 's/^int total = 100;/int added = 7;\nint total = 100;/' \
        -e 's/"%d %d %d %s", calls, total/"v2 %d %d %d %d %s", added++, calls, total/' one.c >two.c
    run "$VIREO" update live two.c
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
    [ "$("$VIREO" invoke live --data x)" = "v2 7 4 104 13 as it was" ]
    [ "$("$VIREO" invoke live --data x)" = "v2 8 5 105 23 as it was" ]
    [ "$("$VIREO" ps -o json | jq -r '.[] | select(.function == "live") | .id')" = "$pvm" ]
    "$VIREO" rollback live
    [ "$("$VIREO" invoke live --data x)" = "6 106 24 as it was" ]
    "$VIREO" rm live
}

@test "a library that was built against the one that runs is taken in place, another is refused" {
    mkdir v1 v2
    printf 'name: made\nupdate:\n  slack: 16KiB\n' | tee v1/vireo.yaml >v2/vireo.yaml
    counter_of v1/c.c
    sed -e 's/return n + 1; }/return n + 10; }/; s/"%d %d/"v2 %d %d/; s/^int total/int added = 7;\nint total/' v1/c.c >v2/c.c
    "$VIREO" build -q v1 -o v1.so
    "$VIREO" build -q v2 --against v1.so -o v2.so
    "$VIREO" build -q v2 -o alone.so
    "$VIREO" deploy v1.so --name made --slack 16KiB
    "$VIREO" invoke made --data x
    run "$VIREO" update made alone.so
    [ "$status" -eq 4 ] || { echo "$output"; return 1; }
    [[ $output == *"it was not built against the other"* ]] || { echo "$output"; return 1; }
    run "$VIREO" update made v2.so
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
    [ "$("$VIREO" invoke made --data x)" = "v2 2 102 11 as it was" ]
    run "$VIREO" build v2 --against v2/c.c -o no.so
    [ "$status" -eq 2 ]
    [[ $output == *"no symbol map"* ]]
    "$VIREO" rm made
}

@test "a pVM that is busy is not forced: the update is refused by name, and nothing has changed" {
    "$VIREO" rm busy || true # of a first try
    counter_of one.c
    sed -i 's/^int64_t handler/#include <unistd.h>\nint64_t handler/; s/(void)in; (void)n;/if (n == 4) sleep(5);/' one.c
    sed 's/"%d %d/"v2 %d %d/' one.c >two.c
    "$VIREO" deploy one.c --name busy --slack 16KiB
    # Built before, so that nothing but the round takes time.
    "$VIREO" update busy two.c
    "$VIREO" rollback busy
    "$VIREO" invoke busy --data x
    "$VIREO" invoke busy --data long >answer &
    pvm=$("$VIREO" ps -o json | jq -r '.[] | select(.function == "busy") | .id' | head -1)
    eventually 10 sh -c '"$VIREO" top -n 1 -o json | grep -q busy'
    run "$VIREO" update busy two.c
    [ "$status" -eq 4 ] || { echo "$output"; return 1; }
    [[ $output == *"busy"*"pVM $pvm"*"never forced"* ]] || { echo "$output"; return 1; }
    wait
    [[ $(cat answer) == "2 102 2 "* ]]
    [[ $("$VIREO" invoke busy --data x) == "3 103 3 "* ]]
    "$VIREO" rm busy
}

@test "one pVM's refusal takes the new version back from those that have it already" {
    counter_of one.c
    sed -i 's/^int64_t handler/#include <unistd.h>\nint64_t handler/; s/(void)in; (void)n;/if (n > 4) sleep(n - 4);/' one.c
    sed 's/"%d %d/"v2 %d %d/' one.c >two.c
    "$VIREO" deploy -q one.c --name three --slack 16KiB
    "$VIREO" update -q three two.c
    "$VIREO" rollback -q three
    # Each call of a second has a pVM of its own: these are three.
    at_once() {
        local i calls=()
        for i in 1 2 3; do
            "$VIREO" invoke three --data 12345 >"answer$i" &
            calls+=($!)
        done
        wait "${calls[@]}"
    }
    at_once
    before=$("$VIREO" ps -o json | jq -c '[.[] | select(.function == "three").id] | sort')
    [ "$(jq length <<<"$before")" = 3 ]
    "$VIREO" invoke three --data 12345678 >long &
    busy=$!
    sleep 0.3
    "$VIREO" update three two.c >refused 2>&1 &
    update=$!
    # Those that are idle have it meanwhile.
    sleep 0.7
    "$VIREO" invoke three --data x >meanwhile
    not wait "$update"
    grep -q "never forced" refused
    wait "$busy"
    [[ $(cat meanwhile) == v2* ]] || { cat meanwhile; return 1; }
    at_once
    cat answer? long
    not grep -q v2 answer? long
    [ "$("$VIREO" ps -o json | jq -c '[.[] | select(.function == "three").id] | sort')" = "$before" ]
    # Their memory is what it was: of three pVMs seven calls, and that of the new version.
    [ "$(cut -d ' ' -f 1 answer? | paste -sd + | bc)" = 8 ]
    "$VIREO" rm -q three
}

@test "without slack for updates a pVM has no more system calls, and is replaced by a new one" {
    counter_of one.c
    sed 's/"%d %d/"v2 %d %d/' one.c >two.c
    "$VIREO" deploy one.c --name plain
    "$VIREO" invoke plain --data x
    "$VIREO" describe plain -o json | jq -e '.syscalls | keys == ["base"]'
    "$VIREO" update plain two.c
    [ "$("$VIREO" invoke plain --data x)" = "v2 1 101 1 as it was" ]
    "$VIREO" rm plain
}

@test "two versions by turns, many times: the pVM does not grow" {
    counter_of one.c
    sed 's/"%d %d/"v2 %d %d/' one.c >two.c
    "$VIREO" deploy one.c --name turns --slack 16KiB
    "$VIREO" invoke turns --data x
    "$VIREO" update turns two.c
    "$VIREO" update turns one.c
    memory() { "$VIREO" ps -o json | jq '.[] | select(.function == "turns") | .memory_bytes'; }
    before=$(memory) least=
    # Thirty updates; a thousand with scripts/test --long.
    local turns=${VIREO_TEST_LONG:+500}
    for i in $(seq "${turns:-15}"); do
        "$VIREO" update -q turns two.c
        "$VIREO" update -q turns one.c
        # The kernel charges a group ahead, by 256 KiB for each CPU now and then: the least of many looks is what it has.
        now=$(memory)
        [ "$i" -le 5 ] || [ "${least:-$now}" -lt "$now" ] || least=$now
    done
    echo "$before bytes, then $least"
    [ "$("$VIREO" invoke turns --data x)" = "2 102 2 as it was" ]
    [ "$least" -le $((before + 65536)) ]
    "$VIREO" rm turns
}

@test "a canary goes first: when it ends with the new version the others never get it" {
    counter_of one.c
    sed -i 's/^int64_t handler/#include <unistd.h>\nint64_t handler/; s/(void)in; (void)n;/usleep(50000);/' one.c
    sed 's/usleep(50000);/usleep(50000); if (cap) __builtin_trap();/' one.c >two.c
    printf 'name: canary\nupdate:\n  slack: 16KiB\npool:\n  instances: 2\n  spares: 2\n' >vireo.yaml
    mkdir folder && mv vireo.yaml folder && cp one.c folder
    "$VIREO" deploy folder
    ready() { [ "$("$VIREO" ps -o json | jq '[.[] | select(.function == "canary")] | length')" = 2 ]; }
    eventually 10 ready
    # Two callers at once: both pVMs have calls.
    for _ in 1 2; do
        (while [ ! -e done ]; do "$VIREO" invoke canary --data x >/dev/null 2>&1; done) &
    done
    run "$VIREO" update canary two.c --canary 1
    touch done
    wait
    [ "$status" -eq 4 ] || { echo "$output"; return 1; }
    [[ $output == *"it ended with the new version"* ]] || { echo "$output"; return 1; }
    [[ $("$VIREO" invoke canary --data x) == *"as it was"* ]]
    run "$VIREO" update canary two.c --canary none
    [ "$status" -eq 2 ]
    "$VIREO" rm canary
}

@test "rollback goes back version by version, across a start of the daemon, and then says there is none" {
    daemon_there
    "$VIREO" rm steps || true
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
    [[ ${lines[0]} == *": no former version of 'steps' is kept" ]]
    "$VIREO" rm steps
}

