#!/bin/sh
# What a fork waits where children have control groups of their own (family: group: own): 16 at once
# get one, then two a second, the others stay in their parent's. Beside it a plain fork and a move by
# hand into groups of the same trees. Root. See bench/fork/groups.c.
# Usage: bench/run-fork-groups.sh [ROUNDS]
set -eu
. "$(dirname "$0")/lib.sh"

rounds=${1:-3}
bench_need gcc curl jq

groups= # made here, removed at the end
clean() {
    bench_clean
    for group in $groups; do
        rmdir "$group"/m* 2>/dev/null || :
        rmdir "$group" 2>/dev/null || :
    done
}
trap clean EXIT
trap 'clean; exit 130' INT TERM

gcc -O2 -o "$bench_work/native" "$bench_root/bench/fork/groups.c"
port=$((20000 + $$ % 12000))
export VIREO_STATE="$bench_work/state" VIREO_SERVER="http://127.0.0.1:$port"
printf 'allow_grants: {fork: true, ipc: true}\n' >"$bench_work/config.yaml"
"$bench_vireo" serve --listen "127.0.0.1:$port" --state "$VIREO_STATE" --config "$bench_work/config.yaml" \
    >"$bench_work/log" 2>&1 &
bench_pids=$!
until curl -sf -o /dev/null "$VIREO_SERVER/readyz"; do sleep 0.05; done
for kind in own family; do
    mkdir "$bench_work/$kind"
    cp "$bench_root/bench/fork/groups.c" "$bench_work/$kind"
    printf 'name: %s\nisolation: request\nlimits: {pids: 64, timeout: 60s}\ngrants: {fork: true, ipc: true}\nfamily: {group: %s}\n' \
        $kind $kind >"$bench_work/$kind/vireo.yaml"
    "$bench_vireo" deploy -q "$bench_work/$kind" >/dev/null
done
uid=$("$bench_vireo" describe -o json own | jq .uid)

# Of own's processes those with a group of their own, as far as they live: a line of
# /proc/PID/cgroup for each process and tree.
own_groups() {
    for process in /proc/[0-9]*; do
        [ "$(stat -c %u "$process" 2>/dev/null)" != "$uid" ] ||
            grep -E '/m[0-9]+$' "$process/cgroup" 2>/dev/null || :
    done
}

# Where the tree of a line of /proc/PID/cgroup is mounted.
mounted() {
    controllers=$(echo "$1" | cut -d : -f 2)
    if [ -z "$controllers" ]; then
        awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts
    else
        awk -v all="$controllers" '$3 == "cgroup" && index("," $4 ",", "," all ",") { print $2; exit }' /proc/mounts
    fi
}

load_before=$(bench_load)
for round in $(seq "$rounds"); do
    curl -sf --max-time 60 -X POST "$VIREO_SERVER/function/own" >>"$bench_work/own.us" &
    call=$!
    sleep 7 # 8 times 0.6 s for those that come one by one; they are held for 3 s
    own_groups >"$bench_work/lines"
    wait $call || {
        echo "cannot measure: the call failed: $(tail -n 1 "$bench_work/log")" >&2
        exit 1
    }
    trees=$(cut -d : -f 2 "$bench_work/lines" | sort -u | wc -l)
    [ "$trees" -gt 0 ] || {
        echo "cannot measure: no child had a control group of its own" >&2
        exit 1
    }
    echo $(($(wc -l <"$bench_work/lines") / trees)) >>"$bench_work/counts"
    if [ "$round" = 1 ]; then
        sort -u -t : -k 2,2 "$bench_work/lines" >"$bench_work/trees"
        while read -r line; do
            group=$(mounted "$line")/vireo-bench-$$
            mkdir "$group"
            groups="$groups $group"
        done <"$bench_work/trees"
    fi
    # shellcheck disable=SC2086
    "$bench_work/native" $groups >>"$bench_work/native-own.us"
    curl -sf --max-time 60 -X POST "$VIREO_SERVER/function/family" >>"$bench_work/family.us"
    "$bench_work/native" >>"$bench_work/native-family.us"
done

of() { # FILE FROM TO COLUMN
    awk -v from="$2" -v to="$3" -v column="$4" '$1 >= from && $1 <= to { print $column }' "$bench_work/$1.us" >"$bench_work/part"
    echo "$(bench_percentile 50 <"$bench_work/part" | awk '{printf "%.0f", $1}') / $(bench_percentile 99 <"$bench_work/part" | awk '{printf "%.0f", $1}')"
}

row() { # WORDS FILE FROM TO
    echo "| $1 | $(of "$2" "$3" "$4" 2) | $(of "$2" "$3" "$4" 3) |"
}

echo "## Control groups of children"
echo
echo "$(bench_machine); load before: $load_before."
echo
echo "$rounds rounds of 24 forks at once and then 8, one every 600 ms; µs, p50 / p99. Of each 32 children" \
    "$(bench_spread 0 <"$bench_work/counts") had a group of their own, in each of $trees trees."
echo
echo "| | fork() has returned | the child runs |"
echo "| --- | --- | --- |"
row "pVM, \`group: own\`: the first 16, who get one" own 0 15
row "– the next 8, who get none" own 16 23
row "– then one every 600 ms, who get one" own 24 31
row "pVM, \`group: family\`: the first 16" family 0 15
row "– the next 8" family 16 23
row "– then one every 600 ms" family 24 31
row "plain fork, moved by hand in the same trees: the first 16" native-own 0 15
row "– then one every 600 ms" native-own 24 31
row "plain fork, no group: the first 16" native-family 0 15
row "– then one every 600 ms" native-family 24 31
