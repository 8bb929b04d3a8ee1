#!/usr/bin/env bats
# The layer base and the verifier: what keeps to the contracts is proved with what it calls, what does
# not is not.
load helper

verify() {
    run timeout 60 "$VIREO" verify "$BATS_TEST_TMPDIR/f.c"
    echo "$output"
}

# function_of BODY: a handler with it, and a pool of items
function_of() {
    cat >"$BATS_TEST_TMPDIR/f.c" <<END
#include <vireo/base.h>
#include <vireo/function.h>
struct item { uint32_t count; uint8_t name[8]; };
VIREO_POOL(items, struct item, 8)
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    (void)in, (void)in_len, (void)out, (void)out_cap;
    $1
}
END
}

@test "texts, numbers and pools within their contracts are proved" {
    function_of 'uint64_t number;
    int64_t at = vireo_find(in, in_len, 32);
    if (at < 0 || vireo_parse_u64(in, (size_t)at, &number) < 0)
        return vireo_format_hex(out, out_cap, in, in_len);
    return vireo_format_i64(out, out_cap, (int64_t)number);'
    verify
    [ "$status" -eq 0 ]
    function_of 'int32_t n = items_get();
    struct item *item = items_at(n);
    if (!item)
        return vireo_copy(out, out_cap, (const uint8_t *)"full", 4);
    item->count = (uint32_t)in_len;
    int64_t used = vireo_format_u64(out, out_cap, item->count);
    items_put(n);
    return used;'
    verify
    [ "$status" -eq 0 ]
}

@test "an item that was put back, or was never had, is not reached" {
    for body in 'int32_t n = items_get(); items_put(n); return items_at(n)->count;' \
        'return items_at((int32_t)in_len)->count;' \
        'struct item *item = items_at(items_get()); return item ? item->name[in_len] : 0;'; do
        function_of "$body"
        verify
        [ "$status" -eq 1 ]
    done
}

@test "a length that is not the buffer's is found" {
    for body in 'return vireo_copy(out, out_cap + 1, in, in_len);' \
        'return vireo_format_u64(out, 20, in_len);' \
        'return vireo_find(in, in_len + 1, 0);'; do
        function_of "$body"
        verify
        [ "$status" -eq 1 ]
    done
}
