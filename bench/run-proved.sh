#!/bin/sh
# Proved native code beside gcc -O2 of the same source and beside its own translated form, in one
# process by turns (bench/proved_bench); and `vireo run` of both forms, for their start. Root.
# Usage: bench/run-proved.sh [ROUNDS]
set -eu
. "$(dirname "$0")/lib.sh"
bench_need gcc python3

rounds=${1:-20}
load_before=$(bench_load)
export VIREO_STATE="$bench_work/state"
cd "$bench_work"
# Names of tests/data/verify/safe that take a while for a body of this size.
programs="adler_fletcher base64_encode chacha20 crc32_table csv_sum hex_both md5_blocks percent_encode rle_both sha256_struct utf8_validate word_count xtea"
python3 -c 'import sys; sys.stdout.write("".join("%d,field,%x;Zm9v YmFy\n" % (i, i * 2654435761 % 2**32) for i in range(14000)))' >body

echo "## Proved native code"
echo
echo "$(bench_machine); load before: $load_before; quickest of $rounds calls, microseconds of CPU; a body of $(wc -c <body) bytes; $(gcc --version | head -n 1)."
echo
echo "| program | proved | translated | gcc -O2 | proved / gcc | translated / gcc |"
echo "| --- | ---: | ---: | ---: | ---: | ---: |"
for name in $programs; do
    source=$bench_root/tests/data/verify/safe/$name.c
    [ -e "$source" ] || continue
    "$bench_vireo" build -q "$source" -o proved.so --name bench --require proved 2>/dev/null || {
        echo "| $name | not proved | | | | |"
        continue
    }
    # A call that nobody proves makes it fall; it is never made.
    rm -rf folder && mkdir folder
    cp "$source" folder/inner.c
    printf 'sources: [outer.c]\n' >folder/vireo.yaml
    cat >folder/outer.c <<'C'
#define handler inner_handler
#include "inner.c"
#undef handler
#include <stdlib.h>
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    return in_len == (size_t)-2 ? getenv("x") != 0 : (int64_t)inner_handler(in, in_len, out, out_cap);
}
C
    "$bench_vireo" build -q folder -o translated.so --name bench
    gcc -O2 -shared -fPIC -w -I"$bench_root/include" "$source" -o gcc.so
    "$bench_build/proved_bench" proved.so translated.so ./gcc.so body "$rounds" >times || continue
    awk -v name="$name" '{ printf "| %s | %s | %s | %s | %.2f | %.2f |\n", name, $1, $2, $3, $1 / $3, $2 / $3 }' times
    awk '{ if ($3 > 0) print $1 / $3, $2 / $3 }' times >>ratios
    cp proved.so last-proved.so
    cp translated.so last-translated.so
done
awk '{ p += log($1); t += log($2); n++ } END { if (n) printf "| **geometric mean** | | | | **%.2f** | **%.2f** |\n", exp(p / n), exp(t / n) }' ratios
echo
echo "| \`vireo run\` of a library, empty body, ms | p50 | p99 |"
echo "| --- | ---: | ---: |"
for form in proved translated; do
    i=0
    : >starts
    while [ $i -lt 30 ]; do
        begin=$(date +%s%N)
        "$bench_vireo" run "last-$form.so" </dev/null >/dev/null 2>&1 || :
        echo $((($(date +%s%N) - begin) / 1000)) >>starts
        i=$((i + 1))
    done
    printf '| %s | %s | %s |\n' "$form" "$(bench_percentile 50 <starts | awk '{ print $1 / 1000 }')" \
        "$(bench_percentile 99 <starts | awk '{ print $1 / 1000 }')"
done
