#!/bin/sh
# The memory of 1,000 pVMs of one function in a daemon, all of which answer: with no library, with
# one native library that they share, and each with a library of its own (the same code of its own
# bytes, and so its own sealed memory file). A library has 100 functions and 100 variables, linked
# while the pVM runs (vireo link), and each pVM has called all of them. Root.
# Usage: bench/run-memory.sh [ROUNDS] [PVMS]
set -eu
. "$(dirname "$0")/lib.sh"

rounds=${1:-2}
pvms=${2:-1000}
port=${BENCH_PORT:-18093}
bench_need python3 jq
load_before=$(bench_load)

export VIREO_STATE="$bench_work/signer"
mkdir "$bench_work/user" "$bench_work/state"
for i in $(seq 100); do
    echo "__attribute__((visibility(\"default\"))) int maths_v$i = $i;"
    echo "__attribute__((visibility(\"default\"))) int maths_f$i(int x) { return x * $i + maths_v$i; }"
done >"$bench_work/maths.c"
# library NAME NUMBER: the number makes it a file of its own.
library() {
    mkdir "$bench_work/$1"
    cp "$bench_work/maths.c" "$bench_work/$1"
    echo "__attribute__((visibility(\"default\"))) int maths_own = $2;" >>"$bench_work/$1/maths.c"
    printf 'name: %s\nversion: "1"\n' "$1" >"$bench_work/$1/vireo.yaml"
    "$bench_vireo" build --json --native "$bench_work/$1" -o "$bench_work/$1.so" >"$bench_work/$1.built"
}
library maths -1
key=$(jq -r .signed_by "$bench_work/maths.built")
for i in $(seq 1 2 $((pvms - 1))); do library "maths$i" "$i"; done &
for i in $(seq 0 2 $((pvms - 1))); do library "maths$i" "$i"; done
wait $!

{
    cat <<'END'
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <vireo/function.h>
END
    for i in $(seq 100); do echo "int maths_f$i(int x);"; done
    echo 'static int call_all(void) { return 0'
    for i in $(seq 100); do echo "+ maths_f$i(1)"; done
    cat <<'END'
; }
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    /* It holds its instance, so that as many are there as there are calls. */
    const struct timespec pause = {6, 0};
    static int calls;

    (void)in, (void)in_len;
    nanosleep(&pause, NULL);
    return snprintf((char *)out, out_cap, "%d %d", ++calls,
                    strcmp(vireo_request_query(), "all") == 0 ? call_all() : 0);
}
END
} >"$bench_work/user/user.c"
cat >"$bench_work/user/vireo.yaml" <<END
name: user
limits: {memory: 16MiB, timeout: 60s}
grants: {link: true}
pool: {instances: $pvms, queue: $pvms, idle: 10m}
END
"$bench_vireo" build -q --native "$bench_work/user" -o "$bench_work/user/user.so"
rm "$bench_work/user/user.c"
printf 'keys:\n  trusted: [%s]\nallow_grants: {link: true}\n' "$key" >"$bench_work/config.yaml"

python3 "$bench_root/bench/memory.py" "$bench_vireo" "$port" "$bench_work" "$rounds" "$pvms" >"$bench_work/rounds"

cell() { # KIND FIGURE: MiB
    jq -r "select(.kind == \"$1\").$2 / 1024" "$bench_work/rounds" | bench_spread 1
}
row() { # WORDS FIGURE
    echo "| $1 | $(cell none "$2") | $(cell shared "$2") | $(cell private "$2") |"
}

echo "## Memory of pVMs with shared and with private libraries"
echo
echo "$(bench_machine); load before: $load_before; $pvms pVMs of one function in a daemon, a library of $(($(stat -c %s "$bench_work/maths.so") / 1024)) KiB with"
echo "100 functions and 100 variables in each, all of which have been used; $rounds rounds, MiB: median (least–most)."
echo
echo "| | no library | one that all share | one each |"
echo "| --- | ---: | ---: | ---: |"
row "proportional set size of the pVMs" pss
row "– anonymous" anonymous
row "– shared memory: libraries, channels" shmem
row "– files" file
row "charged to the pVMs' control groups" groups
row "of the machine's (difference of MemAvailable), with the daemon" machine
