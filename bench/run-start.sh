#!/bin/sh
# Starts: a pVM of vireo (bench/start_bench, the supervisor's own functions) beside crun, runc and
# bwrap, which start a static program that ends at once. One at a time and 32 at once.
# A rival's time runs from its spawn to its end; vireo's p50 and p99 from the decision to the first
# byte of the answer, its starts a second to the end of the pVM and the return of its group.
# Usage: bench/run-start.sh [SECONDS for each of vireo's lines]
set -eu
. "$(dirname "$0")/lib.sh"

seconds=${1:-30}
one=${COUNT_ONE:-100}
many=${COUNT_MANY:-300}
start_bench=${START_BENCH:-$bench_build/start_bench}
[ -x "$start_bench" ] || start_bench=$bench_build/bench/start_bench
bench_need gcc
gcc -std=gnu17 -O2 -o "$bench_work/rival_start" "$bench_root/bench/rival_start.c"

# A bundle whose only program ends at once; it is static, so that no loader is in the figure.
bundle=$bench_work/bundle
mkdir -p "$bundle/rootfs/bin" "$bundle/rootfs/proc" "$bundle/rootfs/dev" "$bundle/rootfs/sys"
echo 'int main(void) { return 0; }' | gcc -O2 -static -x c -o "$bundle/rootfs/bin/true" -

# lines: "label | n | failed | p50 us | p99 us | starts/s"
row() {
    echo "$1|$2|$6|$3|$4|$5" >>"$bench_work/rows"
}

# The rivals run in a mount namespace of their own without the v2 tree beside the v1 ones: crun 1.8
# refuses a hybrid layout. Nothing changes outside of it.
rival() { # LABEL COMMAND...
    label=$1
    shift
    for at_once in 1 32; do
        count=$one
        [ $at_once -gt 1 ] && count=$many
        # "sh -c" replaces itself: the namespace costs each line once, not each start.
        figures=$(unshare -m --propagation private sh -c \
            'umount /sys/fs/cgroup/unified 2>/dev/null || :; exec "$@"' sh \
            "$bench_work/rival_start" "$count" "$at_once" -- "$@" 2>"$bench_work/err") || {
            echo "$label: some starts failed: $(tail -n 1 "$bench_work/err")" >&2
            [ -n "$figures" ] || continue
        }
        # shellcheck disable=SC2086
        row "$label, $at_once at once" "$count" $figures
    done
}

spec() { # ENGINE
    (cd "$bundle" && rm -f config.json && "$1" spec &&
        sed -i -e 's/"terminal": true/"terminal": false/' -e 's|"sh"|"/bin/true"|' config.json)
}

load_before=$(bench_load)
: >"$bench_work/rows"

if [ -x "$start_bench" ] && [ -x "$bench_vireo" ]; then
    cat >"$bench_work/echo.c" <<'END'
#include <string.h>
#include <vireo/function.h>
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    if (in_len > out_cap)
        return -1;
    memcpy(out, in, in_len);
    return (int64_t)in_len;
}
END
    "$bench_vireo" build "$bench_work/echo.c" -o "$bench_work/echo.so" >/dev/null
    uid=${BENCH_UID:-1879048191} # of no one: far above what is given out
    pvm() { # LABEL OPTION...
        label=$1
        shift
        line=$("$start_bench" --guest "$bench_build/vireo-guest" \
            --library "$bench_work/echo.so" --uid "$uid" --seconds "$seconds" --json \
            --label "$label" "$@" 2>"$bench_work/err") || {
            echo "$label: $(head -n 1 "$bench_work/err")" >&2
            return 0
        }
        echo "$line" >>"$bench_work/pvm.json"
    }
    pvm 'vireo (a) namespaces shared; back to back'
    pvm 'vireo (a) namespaces shared; one every 50 ms' --every 50
    pvm 'vireo (a) namespaces shared; 32 at once' --at-once 32
    pvm 'vireo (b) own namespaces; back to back' --own
    pvm 'vireo (b) own namespaces; one every 50 ms' --own --every 50
    pvm 'vireo (b) own namespaces; 32 at once' --own --at-once 32
else
    echo "vireo is not built here: only its rivals are measured" >&2
fi

rival 'posix_spawn of the program itself' "$bundle/rootfs/bin/true"
if command -v bwrap >/dev/null 2>&1; then
    rival 'bwrap, all namespaces' bwrap --unshare-all --die-with-parent --ro-bind "$bundle/rootfs" / /bin/true
fi
if command -v crun >/dev/null 2>&1; then
    spec crun
    rival "crun $(crun --version | sed -n 's/^crun version //p'), cgroupfs" \
        crun --root "$bench_work/crun" run --bundle "$bundle" 'vireo-bench-%'
    rival 'crun, no cgroups' \
        crun --root "$bench_work/crun" --cgroup-manager=disabled run --bundle "$bundle" 'vireo-bench-n%'
fi
if command -v runc >/dev/null 2>&1; then
    spec runc
    rival "runc $(runc --version | sed -n 's/^runc version //p')" \
        runc --root "$bench_work/runc" run --bundle "$bundle" 'vireo-bench-r%'
fi

echo "## Starts"
echo
echo "$(bench_machine); load before: $load_before."
echo
echo "| what | n | failed | p50 µs | p99 µs | starts a second |"
echo "| --- | ---: | ---: | ---: | ---: | ---: |"
if [ -s "$bench_work/pvm.json" ]; then
    # One object a line, of start_bench's own making; no label has a comma or a colon.
    tr -d '{}"' <"$bench_work/pvm.json" | awk -F, '{
        for (i = 1; i <= NF; i++) { split($i, pair, ":"); f[pair[1]] = pair[2] }
        printf "| %s | %s | %s | %s | %s | %s |\n", f["label"], f["n"], f["failed"], f["p50_us"],
            f["p99_us"], f["per_second"] }'
fi
awk -F'|' '{ printf "| %s | %s | %s | %s | %s | %s |\n", $1, $2, $3, $4, $5, $6 }' "$bench_work/rows"
echo
{
    printf '{"bench":"start",%s,"rows":[' "$(bench_machine_json)"
    comma=
    if [ -s "$bench_work/pvm.json" ]; then
        paste -sd, "$bench_work/pvm.json" | tr -d '\n'
        comma=,
    fi
    awk -F'|' -v comma="$comma" '
        { printf "%s{\"label\":\"%s\",\"n\":%d,\"failed\":%d,\"p50_us\":%s,\"p99_us\":%s,\"per_second\":%s}", comma, $1, $2, $3, $4, $5, $6; comma = "," }' "$bench_work/rows"
    printf ']}\n'
}
