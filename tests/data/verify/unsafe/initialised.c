/* Indeterminate data: variables, arrays and fields that are read before they are set. */
#include "unsafe.h"

struct record {
    uint8_t name[8];
    uint32_t count;
    uint8_t data[16];
    uint32_t tail;
};

H(local_unset)
{
    int x;
    return x;
}
H(local_unset_branch)
{
    int x;
    if (in_len > 3)
        x = 1;
    return x;
}
H(local_unset_switch)
{
    int x;
    switch (in_len) {
    case 0:
        x = 1;
        break;
    case 1:
        x = 2;
        break;
    }
    return x;
}
H(local_unset_loop)
{
    int x;
    for (size_t i = 0; i < in_len; i++)
        x = in[i];
    return x;
}
H(local_unset_other_path)
{
    int x;
    bool set = false;
    if (in_len > 3) {
        x = 1;
        set = true;
    }
    if (set || in_len == 2)
        return x;
    return 0;
}
H(local_unset_accumulated)
{
    int s;
    for (size_t i = 0; i < in_len; i++)
        s += in[i];
    return s;
}
H(local_unset_scope)
{
    int s = 0;
    for (size_t i = 0; i < in_len; i++) {
        int x;
        if (i == 0)
            x = 1;
        s += x;
    }
    return s;
}
H(local_unset_by_address)
{
    int x;
    int *p = &x;
    return *p;
}
static void maybe(int *p, size_t n)
{
    if (n > 3)
        *p = 1;
}
H(local_unset_callee)
{
    int x;
    maybe(&x, in_len);
    return x;
}
H(local_unset_pointer)
{
    const uint8_t *p;
    if (in_len > 3)
        p = in;
    return *p;
}
H(array_unset)
{
    uint8_t a[16];
    return a[3];
}
H(array_half_set)
{
    int a[10];
    for (int i = 0; i < 5; i++)
        a[i] = i;
    int s = 0;
    for (int i = 0; i < 10; i++)
        s += a[i];
    return s;
}
H(array_one_not_set)
{
    int a[10];
    for (int i = 0; i < 9; i++)
        a[i] = i;
    return a[9];
}
H(array_first_not_set)
{
    int a[10];
    for (int i = 1; i < 10; i++)
        a[i] = i;
    return a[0];
}
H(array_every_second)
{
    int a[10];
    for (int i = 0; i < 10; i += 2)
        a[i] = i;
    return a[1];
}
H(array_set_if)
{
    uint8_t a[16];
    for (size_t i = 0; i < 16; i++)
        if (i < in_len)
            a[i] = in[i];
    return a[15];
}
H(array_short_copy)
{
    uint8_t a[16];
    if (in_len > 16)
        return 0;
    memcpy(a, in, in_len);
    int s = 0;
    for (int i = 0; i < 16; i++)
        s += a[i];
    return s;
}
H(array_copied_out)
{
    uint8_t a[16];
    if (out_cap < 16)
        return 0;
    a[0] = 1;
    memcpy(out, a, 16);
    return 16;
}
H(array_loop_broken)
{
    int a[10];
    for (int i = 0; i < 10; i++) {
        if ((size_t)i == in_len)
            break;
        a[i] = i;
    }
    return a[9];
}
H(array_loop_skips)
{
    int a[10];
    for (int i = 0; i < 10; i++) {
        if (i == 5)
            continue;
        a[i] = i;
    }
    return a[in_len % 10];
}
H(array_prefix_off)
{
    uint8_t a[32];
    size_t n = 0;
    for (size_t i = 0; i < in_len && n < 31; i++)
        a[n++] = in[i];
    return a[n];
}
H(field_unset)
{
    struct record r;
    r.count = 1;
    return r.tail;
}
H(field_unset_branch)
{
    struct record r;
    if (in_len > 2)
        r.tail = 3;
    return r.tail;
}
H(field_copy_unset)
{
    struct record r, q;
    r.count = 1;
    q = r;
    return q.tail;
}
H(field_array_unset)
{
    struct record r;
    r.count = 0;
    return r.data[in_len & 15];
}
