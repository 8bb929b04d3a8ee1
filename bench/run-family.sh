#!/bin/sh
# Families: a fork (bench/run-fork.sh), what members say to each other, and what a key costs that the
# daemon is told of, each beside UNIX's own by the same program built by gcc. See bench/family. Root.
# Usage: bench/run-family.sh [--native] [ROUNDS]
#   --native: the functions are native code, not translated
set -eu
. "$(dirname "$0")/lib.sh"

code=translated
if [ "${1-}" = --native ]; then
    code=native
    shift
fi
rounds=${1:-120}
bench_need gcc curl taskset
[ -x "$bench_vireo" ] || {
    echo "cannot measure: '$bench_vireo' is not built (ninja -C build)" >&2
    exit 2
}
if [ $code = native ]; then
    sh "$bench_root/bench/run-fork.sh" --native "$rounds"
else
    sh "$bench_root/bench/run-fork.sh" "$rounds"
fi
mkdir "$bench_work/ipc"
cp "$bench_root/bench/family/ipc.c" "$bench_work/ipc"
printf 'name: ipc-bench\nlimits: {memory: 32MiB}\n' >"$bench_work/ipc/vireo.yaml"
gcc -O2 -o "$bench_work/native" "$bench_work/ipc/ipc.c"

# A daemon for the keys: under `vireo run` there is nobody to tell.
mkdir "$bench_work/keys"
cp "$bench_root/bench/family/keys.c" "$bench_work/keys"
gcc -O2 -o "$bench_work/native-keys" "$bench_work/keys/keys.c"
printf 'name: keys\nlimits: {timeout: 60s}\ngrants: {ipc: true}\n' >"$bench_work/keys/vireo.yaml"
trusted=
if [ $code = native ]; then
    bench_native "$bench_work/ipc"
    bench_native "$bench_work/keys"
    trusted=$bench_signer
fi
port=$((20000 + $$ % 12000))
export VIREO_STATE="$bench_work/state" VIREO_SERVER="http://127.0.0.1:$port"
printf 'keys: {trusted: [%s]}\nallow_grants: {fork: true, ipc: true}\n' "$trusted" >"$bench_work/config.yaml"
"$bench_vireo" serve --listen "127.0.0.1:$port" --state "$VIREO_STATE" --config "$bench_work/config.yaml" \
    >"$bench_work/log" 2>&1 &
bench_pids=$!
until curl -sf -o /dev/null "$VIREO_SERVER/readyz"; do sleep 0.05; done
"$bench_vireo" deploy -q "$bench_work/keys" >/dev/null
[ $code = translated ] || export VIREO_STATE="$bench_work/signer"

pvm() {
    $on "$bench_vireo" run --grant fork --grant ipc "$bench_work/ipc" "$1"
}

# A key of the machine's that nobody has: the rival's namespace is the machine's.
key=$((0x76000000 + $$))
each=$((rounds / 4 > 0 ? rounds / 4 : 1))
on= # the processor that all of a run share
pvm 1 >/dev/null
load_before=$(bench_load)
for _ in 1 2 3 4; do
    on=
    "$bench_work/native" $each "$key" >>"$bench_work/native.us"
    pvm $each >>"$bench_work/pvm.us"
    on='taskset -c 0'
    $on "$bench_work/native" $each "$key" >>"$bench_work/native-pinned.us"
    pvm $each >>"$bench_work/pvm-pinned.us"
    "$bench_work/native-keys" $each "$key" >>"$bench_work/native-keys.us"
    curl -sf --max-time 60 --data-binary $each "$VIREO_SERVER/function/keys" >>"$bench_work/pvm-keys.us" || {
        echo "cannot measure: the call failed: $(tail -n 1 "$bench_work/log")" >&2
        exit 1
    }
done

of() { # TARGET NAME: the median, or -
    awk -v name="$2" '$1 == name {print $2}' "$bench_work/$1.us" | bench_percentile 50 | awk '{printf "%.1f", $1}'
}

row() { # WORDS NAME FIRST
    near=$(of pvm "$2-near") unix=$(of native "$2-near") far=$(of pvm "$2-far") unix_far=$(of native "$2-far")
    ratio=$(bench_ratio "$near" "$unix")
    echo "| $1 | $near | $(of pvm "$2-$3") | $far | $unix | $(of native "$2-$3") | $unix_far |" \
        "$ratio, $(bench_verdict "$ratio" 1.1) | $(bench_ratio "$far" "$unix_far") |"
}

echo
echo "## What members of a family say to each other, $code code"
echo
echo "$(bench_machine); load before: $load_before."
echo
echo "Medians of $((each * 4)) rounds, µs. Lineal: parent and child, who have talked before (mean of 50 turns). First use: the child's"
echo "first, with its parent; first contact: with another child of it, both of whom find the thing by its key (pipes: which they"
echo "have of their parent; made beforehand, and that is counted). In a first use the asker has slept for 2 ms, so that its peer waits."
echo "Aim: lineal at most 1.1 of UNIX's."
echo
echo "| | lineal | lineal, first use | first contact | UNIX: lineal | lineal, first use | first contact | lineal / UNIX | first contact / UNIX |"
echo "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
row "pipe, with its creation; a byte there and back" pipe first
row "message queue, 64 bytes there and back" queue first
row "shared memory, a word there and back (sched_yield)" memory first
row "kill (SIGKILL) and wait; first contact: a brother kills" kill near
row "exit and wait; first contact: an orphan's, who has adopted it waits" exit near

echo
echo "The same, lineal, where all processes of a run share one processor (taskset): no message wakes one that sleeps elsewhere."
echo
echo "| | lineal | UNIX: lineal | lineal / UNIX |"
echo "| --- | --- | --- | --- |"
pinned_row() { # WORDS NAME
    ratio=$(bench_ratio "$(of pvm-pinned "$2-near")" "$(of native-pinned "$2-near")")
    echo "| $1 | $(of pvm-pinned "$2-near") | $(of native-pinned "$2-near") | $ratio, $(bench_verdict "$ratio" 1.1) |"
}
pinned_row "pipe, with its creation; a byte there and back" pipe
pinned_row "message queue, 64 bytes there and back" queue
pinned_row "shared memory, a word there and back (sched_yield)" memory
pinned_row "kill (SIGKILL) and wait" kill
pinned_row "exit and wait" exit

of_key() { # TARGET NAME: p50 / p99
    awk -v name="$2" '$1 == name {print $2}' "$bench_work/$1-keys.us" >"$bench_work/part"
    echo "$(bench_percentile 50 <"$bench_work/part" | awk '{printf "%.1f", $1}') / $(bench_percentile 99 <"$bench_work/part" | awk '{printf "%.1f", $1}')"
}

key_row() { # WORDS NAME
    echo "| $1 | $(of_key pvm "$2") | $(of_key native "$2") |"
}

echo
echo "## What a key costs, $code code"
echo
echo "$((each * 4)) rounds in a function of a daemon, which is told of each key, one every 10 ms; µs, p50 / p99. What has been made and"
echo "found by its key costs what the table above says: the daemon has no part in it."
echo
echo "| | pVM | UNIX |"
echo "| --- | --- | --- |"
key_row "makes a key (msgget, IPC_CREAT)" make-queue
key_row "makes a key (shmget, IPC_CREAT)" make-memory
key_row "asks for a key that nobody has (msgget)" seek
key_row "removes a queue that has a key" remove-queue
key_row "removes a segment that has a key" remove-memory
