# Sourced by bench/run-*.sh: what every report begins with, and a little arithmetic.
# Nothing here needs more than a POSIX shell and awk.

bench_root=$(cd "$(dirname "$0")/.." && pwd)
bench_build=${BUILD:-$bench_root/build}
bench_vireo=${VIREO:-$bench_build/vireo}
bench_work=$(mktemp -d "${TMPDIR:-/tmp}/vireo-bench.XXXXXX")
bench_pids=

# Ends what was started here, by pid, and removes what was written.
bench_clean() {
    trap - EXIT INT TERM
    for pid in $bench_pids; do
        kill "$pid" 2>/dev/null || continue
        n=0
        while kill -0 "$pid" 2>/dev/null && [ $n -lt 50 ]; do
            sleep 0.1
            n=$((n + 1))
        done
        kill -9 "$pid" 2>/dev/null || :
    done
    rm -rf "$bench_work"
}
trap bench_clean EXIT
trap 'bench_clean; exit 130' INT TERM

bench_cpu() { sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1; }
bench_load() { cut -d' ' -f1-3 /proc/loadavg; }

# The machine, in Markdown.
bench_machine() {
    echo "$(bench_cpu), $(nproc) cores, Linux $(uname -r), load $(bench_load), $(date -u +%Y-%m-%dT%H:%MZ)"
}

# The same as members of a JSON object.
bench_machine_json() {
    printf '"cpu":"%s","cores":%d,"kernel":"%s","load":"%s","at":"%s"' \
        "$(bench_cpu)" "$(nproc)" "$(uname -r)" "$(bench_load)" "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
}

# bench_percentile P: of the numbers on standard input, one a line (50: the median).
bench_percentile() {
    sort -g | awk -v p="$1" '{ v[NR] = $1 }
        END { if (!NR) { print "-"; exit }
              if (p == 50) { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2; exit }
              i = int((NR * p + 99) / 100); print v[i < 1 ? 1 : i] }'
}

# bench_spread DIGITS: of the numbers on standard input: median (least–most).
bench_spread() {
    sort -g | awk -v f="%.$1f" '{ v[NR] = $1 }
        END { if (!NR) { print "-"; exit }
              m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
              printf f " (" f "–" f ")\n", m, v[1], v[NR] }'
}

# bench_ratio A B: A / B, two digits.
bench_ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.2f\n", a / b; else print "-" }'; }

# bench_verdict VALUE LIMIT: met if VALUE is at most LIMIT, else by how much it is missed.
bench_verdict() {
    awk -v a="$1" -v b="$2" 'BEGIN { if (a !~ /^[0-9.]+$/ || b !~ /^[0-9.]+$/) print "not measured"
        else if (a <= b) print "met"; else printf "missed by %.1f%%\n", (a / b - 1) * 100 }'
}

# bench_verdict_least VALUE LIMIT: the same if VALUE is to be at least LIMIT.
bench_verdict_least() {
    awk -v a="$1" -v b="$2" 'BEGIN { if (a !~ /^[0-9.]+$/ || b !~ /^[0-9.]+$/) print "not measured"
        else if (a >= b) print "met"; else printf "missed by %.1f%%\n", (1 - a / b) * 100 }'
}

bench_need() { # command...
    for command in "$@"; do
        command -v "$command" >/dev/null 2>&1 || {
            echo "cannot measure: '$command' is not installed (scripts/deps installs it)" >&2
            exit 2
        }
    done
}

# The C file of a function's folder becomes native code, a library that a key of this run's has
# signed; $bench_signer is its id. Who starts it by hand has its key: VIREO_STATE=$bench_work/signer.
bench_native() { # FOLDER
    mkdir "$1/source"
    for bench_file in "$1"/*.c; do
        (echo '#define BENCH_PVM' && cat "$bench_file") >"$1/source/${bench_file##*/}"
        rm "$bench_file"
    done
    cp "$1/vireo.yaml" "$1/source"
    sed -i '/^vkernel/d' "$1/source/vireo.yaml"
    bench_signer=$(VIREO_STATE="$bench_work/signer" "$bench_vireo" build --json --native "$1/source" -o "$1/function.so" |
        sed -n 's/.*"signed_by": *"\([0-9a-f]*\)".*/\1/p')
    rm -r "$1/source"
}
