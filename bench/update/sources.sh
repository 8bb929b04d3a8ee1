# shellcheck shell=sh
# What both benches of updates replace: $count functions and as many variables, and a handler that in
# every call reads and checks all of them. To be read by a shell that has count.

numbers=$(seq 0 $((count - 1)))

# library VERSION: the variables v0..., and functions f0... of them.
library() {
    for i in $numbers; do
        echo "__attribute__((visibility(\"default\"))) long v$i = $i;"
        echo "__attribute__((visibility(\"default\"))) long f$i(long x) { return (x * (v$i + 1) + $1 - $1) % 65521 + 0 * $1; }"
    done
}

# handler TEXT: a call fails when a variable is not as the call before left it. TEXT begins its answer.
handler() {
    echo 'static long calls;'
    echo 'static long *variables[] = {'
    for i in $numbers; do echo "&v$i,"; done
    echo '};'
    echo 'static long (*functions[])(long) = {'
    for i in $numbers; do echo "f$i,"; done
    cat <<C
};
int64_t handler(const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
    (void)in; (void)n;
    calls++;
    for (int i = 0; i < $count; i++) {
        if (*variables[i] != i + calls - 1)
            return -1 - i; /* lost */
        if (functions[i](1) != (i + calls) % 65521)
            return -1000 - i;
        ++*variables[i];
    }
    return snprintf((char *)out, cap, "$1call %ld\n", calls);
}
C
}

# grown N FUNCTION: what the function's pVMs are charged after update N, where that is told.
grown() {
    case $1 in
    1 | 10 | 100 | 1000)
        "$bench_vireo" ps -o json | jq -r --arg name "$2" --arg n "$1" \
            '[.[] | select(.function == $name).memory_bytes] | "\($n) \(add / 1024 | floor)"' >>"$bench_work/grown"
        ;;
    esac
}

# growth: the updates' times and the memory as they went on; column 1 and 2 of updates are the whole
# and the time that the pVM stood still.
growth() {
    echo
    echo '| update | in all, µs | the pVM stands still, µs | its memory, KiB |'
    echo '| --- | --- | --- | --- |'
    while read -r n kib; do
        from=$((n > 9 ? n - 9 : 1))
        echo "| $([ "$n" = 1 ] && echo the first || echo "$from to $n, median") | $(window 1) | $(window 2) | $kib |"
    done <"$bench_work/grown"
}
window() { sed -n "$from,${n}p" "$bench_work/updates" | cut -f"$1" | bench_percentile 50; }
