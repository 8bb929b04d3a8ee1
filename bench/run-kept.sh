#!/bin/sh
# Instances of one function, started one after another and kept: total time and memory against their
# number, up to 1,000, beside crun's containers. An instance counts when it has answered its first
# call, a container when `crun run --detach` has returned. Root.
# Usage: bench/run-kept.sh [INSTANCES] [CONTAINERS]
set -eu
. "$(dirname "$0")/lib.sh"

instances=${1:-1000}
containers=${2:-$instances}
start_bench=${START_BENCH:-$bench_build/start_bench}
bench_need gcc awk

load_before=$(bench_load)
"$bench_vireo" build "$bench_root/examples/echo" -o "$bench_work/echo.so" >/dev/null
"$start_bench" --guest "$bench_build/vireo-guest" --library "$bench_work/echo.so" \
    --uid "${BENCH_UID:-1879048191}" --keep "$instances" >"$bench_work/vireo"

available() { awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo; }

# What the groups of our containers hold, on v1 or v2.
groups_kib() {
    find /sys/fs/cgroup -path '*vireo-kept-*' \
        \( -name memory.usage_in_bytes -o -name memory.current \) -exec cat {} + 2>/dev/null |
        awk '{ sum += $1 } END { printf "%d", sum / 1024 }'
}

# In a mount namespace of its own without the v2 tree beside the v1 ones, which crun 1.8 refuses.
crun() {
    unshare -m --propagation private sh -c \
        'umount /sys/fs/cgroup/unified 2>/dev/null || :; exec crun "$@"' sh --root "$bench_work/crun" "$@"
}

# Ends what was started, whatever happened.
crun_end() {
    n=1
    while [ $n -le "$containers" ]; do
        crun delete --force "vireo-kept-$n" >/dev/null 2>&1 || :
        n=$((n + 1))
    done
    bench_clean
}

: >"$bench_work/rival"
if command -v crun >/dev/null 2>&1; then
    trap crun_end EXIT
    trap 'crun_end; exit 130' INT TERM
    bundle=$bench_work/bundle
    mkdir -p "$bundle/rootfs/bin" "$bundle/rootfs/proc" "$bundle/rootfs/dev" "$bundle/rootfs/sys"
    # It stays, like an idle instance, and is static: no loader is in the figure.
    printf '#include <unistd.h>\nint main(void) { for (;;) pause(); }\n' |
        gcc -O2 -static -x c -o "$bundle/rootfs/bin/stay" -
    (cd "$bundle" && command crun spec &&
        sed -i -e 's/"terminal": true/"terminal": false/' -e 's|"sh"|"/bin/stay"|' config.json)
    # The namespace of mounts costs all of them once, not each container.
    cat >"$bench_work/start.sh" <<'EOF'
umount /sys/fs/cgroup/unified 2>/dev/null || :
n=1
while [ $n -le "$3" ]; do
    crun --root "$1" run --detach --bundle "$2" "vireo-kept-$n" </dev/null >/dev/null 2>&1 || exit 1
    date +"$n %s%N $(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)"
    n=$((n + 1))
done
EOF
    before=$(available)
    begin=$(date +%s%N)
    unshare -m --propagation private sh "$bench_work/start.sh" "$bench_work/crun" "$bundle" \
        "$containers" >"$bench_work/crun.lines" || echo "crun: some starts failed" >&2
    awk -v begin="$begin" -v before="$before" -v groups="$(groups_kib)" '{ line[NR] = $0 }
        END { for (i = 1; i <= NR; i++) { split(line[i], f, " ")
              printf "%d %.3f %d %s\n", f[1], (f[2] - begin) / 1e6, before - f[3], i == NR ? groups : "-" } }' \
        "$bench_work/crun.lines" >"$bench_work/rival"
fi

# slope FILE COLUMN FROM TO: of the straight line through the points of that part, by least squares.
slope() {
    awk -v c="$2" -v from="$3" -v to="$4" '$1 >= from && $1 <= to {
            n++; x += $1; y += $c; xx += $1 * $1; xy += $1 * $c }
        END { d = n * xx - x * x; if (n < 2 || d == 0) print "-"; else printf "%.3f", (n * xy - x * y) / d }' \
        "$bench_work/$1"
}

quarters() { # FILE COLUMN COUNT
    echo "$(slope "$1" "$2" 1 $(($3 / 4))) | $(slope "$1" "$2" $(($3 * 3 / 4)) "$3")"
}

echo "## Instances kept"
echo
echo "$(bench_machine); load before: $load_before. Memory is the difference of MemAvailable, in MiB;" \
    "the groups' is what they count themselves."
echo
echo "| number | vireo, total ms | memory | groups | crun, total ms | memory | groups |"
echo "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
awk -v rival="$bench_work/rival" '
    function mib(kib) { return kib == "-" || kib == "" ? "" : sprintf("%.1f", kib / 1024) }
    BEGIN { while ((getline line < rival) > 0) { split(line, f, " "); ms[f[1]] = sprintf("%.0f", f[2])
                m[f[1]] = f[3]; g[f[1]] = f[4] } }
    $1 == 1 || $1 == 10 || $1 == 50 || $1 % 100 == 0 {
        printf "| %d | %.1f | %s | %s | %s | %s | %s |\n", $1, $2, mib($3), mib($4), ms[$1], mib(m[$1]), mib(g[$1]) }
    ' "$bench_work/vireo"
echo
echo "| slope: for each further one | first quarter | last quarter |"
echo "| --- | ---: | ---: |"
echo "| vireo, ms | $(quarters vireo 2 "$instances") |"
echo "| vireo, KiB | $(quarters vireo 3 "$instances") |"
echo "| vireo, KiB of the groups | $(quarters vireo 4 "$instances") |"
if [ -s "$bench_work/rival" ]; then
    echo "| crun, ms | $(quarters rival 2 "$containers") |"
    echo "| crun, KiB | $(quarters rival 3 "$containers") |"
    [ "$containers" -ge 1000 ] || {
        echo
        echo "1,000 containers of crun would take $(slope rival 2 1 "$containers" | awk '{ printf "%.1f", $1 }') s and" \
            "$(slope rival 3 1 "$containers" | awk '{ printf "%.0f", $1 * 1000 / 1024 }') MiB if the line" \
            "through the $containers that were started goes on (extrapolated, not measured)."
    }
fi
echo
printf '{"bench":"kept",%s,"n":%d,"ms":%s,"kib":%s,"slope_ms_first":%s,"slope_ms_last":%s,"crun_n":%d,"crun_ms":%s,"crun_kib":%s}\n' \
    "$(bench_machine_json)" "$instances" "$(tail -n 1 "$bench_work/vireo" | cut -d' ' -f2)" \
    "$(tail -n 1 "$bench_work/vireo" | cut -d' ' -f3)" \
    "$(slope vireo 2 1 $((instances / 4)))" "$(slope vireo 2 $((instances * 3 / 4)) "$instances")" \
    "$(wc -l <"$bench_work/rival")" \
    "$(tail -n 1 "$bench_work/rival" | awk '{ print $2 } END { if (!NR) print "null" }')" \
    "$(tail -n 1 "$bench_work/rival" | awk '{ print $3 } END { if (!NR) print "null" }')"
