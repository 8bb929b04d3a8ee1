/* Lives that are over, fields, aliases, pointers that walk too far. */
#include "unsafe.h"

struct record {
    uint8_t name[8];
    uint32_t count;
    uint8_t data[16];
    uint32_t tail;
};
static struct record global;
static struct record pool[8];
struct node {
    int16_t next;
    uint16_t value;
};
static struct node nodes[32];

H(scope_over)
{
    int *p = 0;
    if (in_len > 0) {
        int x = 5;
        p = &x;
    } else {
        return 0;
    }
    return *p;
}
H(scope_over_write)
{
    int y = 0;
    int *p = &y;
    {
        int x = 5;
        p = &x;
    }
    *p = 2;
    return y;
}
static int *local_address(void)
{
    int x = 5;
    int *p = &x;
    return p;
}
H(returned_local)
{
    return *local_address();
}
static uint8_t *local_array(void)
{
    uint8_t a[8];
    memset(a, 0, 8);
    uint8_t *p = a;
    return p;
}
H(returned_array)
{
    return local_array()[2];
}
H(returned_array_written)
{
    uint8_t *p = local_array();
    p[in_len & 7] = 1;
    return 0;
}
H(scope_of_round)
{
    int *p = 0;
    int s = 0;
    for (size_t i = 0; i < in_len; i++) {
        if (p)
            s += *p;
        int x = (int)i;
        p = &x;
    }
    return s;
}
H(field_next)
{
    for (int i = 0; i <= 8; i++)
        global.name[i] = 0;
    return 0;
}
H(field_before)
{
    for (int i = -1; i < 16; i++)
        global.data[i] = 0;
    return 0;
}
H(field_constant)
{
    global.name[8] = 1;
    return 0;
}
H(field_by_byte)
{
    if (in_len < 1)
        return 0;
    global.data[in[0] & 31] = 1;
    return 0;
}
H(field_of_local)
{
    struct record r;
    memset(&r, 0, sizeof r);
    r.name[in_len & 15] = 1;
    return (int64_t)r.count;
}
H(field_pointer)
{
    uint8_t *p = global.name;
    for (int i = 0; i < 12; i++)
        p[i] = 0;
    return 0;
}
H(field_copy)
{
    if (in_len < 12)
        return 0;
    memcpy(global.name, in, 12);
    return 0;
}
H(field_pool)
{
    if (in_len < 2)
        return 0;
    pool[in[0] & 7].name[in[1] & 15] = 1;
    return 0;
}
H(field_pool_index)
{
    if (in_len < 1)
        return 0;
    pool[in[0] & 15].count = 1;
    return 0;
}
H(field_pool_copy)
{
    if (in_len < 17)
        return 0;
    memcpy(pool[in[0] & 7].data, in, 17);
    return 0;
}
H(field_used_count)
{
    if (in_len < 4)
        return 0;
    memcpy(&global.count, in, 4);
    return global.data[global.count];
}
H(field_persistent_count)
{
    global.data[global.count++] = 1;
    return 0;
}
H(field_persistent_check)
{
    if (global.count > 16)
        return 0;
    global.data[global.count++] = 1;
    return 0;
}
H(field_set_by_cast)
{
    uint32_t *p = (uint32_t *)global.data;
    p[4] = 1;
    return 0;
}
H(cast_wide)
{
    if (in_len < 5)
        return 0;
    const uint64_t *p = (const uint64_t *)in;
    return (int64_t)*p;
}
H(cast_array)
{
    uint16_t a[4] = {0};
    uint32_t *p = (uint32_t *)a;
    return p[2];
}
H(cast_structure)
{
    if (in_len < 16)
        return 0;
    const struct record *r = (const struct record *)in;
    return r->tail;
}
H(list_unchecked)
{
    if (in_len < 1)
        return 0;
    int16_t i = in[0] & 31;
    int s = 0;
    for (int n = 0; n < 32; n++) {
        s += nodes[i].value;
        i = nodes[i].next;
    }
    if (in_len > 4)
        nodes[in[1] & 31].next = (int16_t)in[2];
    return s;
}
H(list_end)
{
    nodes[0].next = -1;
    int16_t i = nodes[in_len & 31].next;
    return nodes[i].value;
}
H(list_reset)
{
    nodes[in_len & 31].next = 32;
    int16_t i = nodes[1].next;
    if (i < 0)
        return 0;
    return nodes[i].value;
}
H(alias_index)
{
    int a[4] = {0, 1, 2, 3};
    int *p = &a[1];
    *p = (int)in_len;
    return a[a[1]];
}
H(alias_length)
{
    struct {
        uint32_t n;
        uint8_t d[8];
    } s = {4, {0}};
    uint32_t *p = &s.n;
    *p = 9;
    for (uint32_t i = 0; i < s.n; i++)
        s.d[i] = 1;
    return 0;
}
H(alias_two_names)
{
    static uint8_t n = 3;
    uint8_t *p = &n;
    if (in_len > 0)
        *p = in[0];
    static uint8_t t[16];
    return t[n];
}
H(null_read)
{
    const int *p = 0;
    return *p;
}
H(null_write)
{
    int *p = 0;
    *p = 1;
    return 0;
}
H(null_sometimes)
{
    const uint8_t *p = in_len > 3 ? in : 0;
    return p[0];
}
H(null_field)
{
    struct record *r = 0;
    r->tail = 1;
    return 0;
}
static uint8_t *find(uint8_t what)
{
    for (int i = 0; i < 16; i++)
        if (global.data[i] == what)
            return &global.data[i];
    return 0;
}
H(null_from_search)
{
    if (in_len > 0)
        global.data[15] = in[0];
    return *find(3);
}
H(search_behind)
{
    if (in_len > 0)
        global.data[15] = in[0];
    uint8_t *p = find(3);
    if (!p)
        return 0;
    return p[1];
}
H(walk_le)
{
    const uint8_t *p = in, *end = in + in_len;
    int s = 0;
    while (p <= end)
        s += *p++;
    return s;
}
H(walk_not_equal)
{
    const uint8_t *p = in, *end = in + in_len;
    int s = 0;
    while (p != end) {
        s += *p;
        p += 2;
    }
    return s;
}
H(walk_look_ahead)
{
    const uint8_t *p = in, *end = in + in_len;
    int s = 0;
    while (p < end) {
        s += p[0] + p[1];
        p++;
    }
    return s;
}
H(walk_two_at_once)
{
    const uint8_t *p = in, *end = in + in_len;
    int s = 0;
    while (p < end) {
        s += *p++;
        s += *p++;
    }
    return s;
}
H(walk_output)
{
    const uint8_t *p = in, *end = in + in_len;
    uint8_t *o = out;
    while (p < end)
        *o++ = *p++;
    return o - out;
}
H(walk_output_end_wrong)
{
    uint8_t *o = out, *end = out + in_len;
    while (o < end)
        *o++ = 0;
    return 0;
}
H(walk_down)
{
    const uint8_t *p = in + in_len;
    int s = 0;
    do
        s += *--p;
    while (p >= in);
    return s;
}
H(walk_into_other)
{
    static uint8_t a[8], b[8];
    uint8_t *p = in_len > 2 ? a : b;
    return p[8];
}
H(walk_from_middle)
{
    static uint8_t a[8];
    uint8_t *p = a + 4;
    return p[in_len & 7];
}
H(difference_sizes)
{
    const uint8_t *end = in + in_len, *p = in;
    size_t left = (size_t)(end - p);
    return p[left];
}
H(overlap)
{
    if (out_cap < 20)
        return 0;
    memset(out, 0, 20);
    memcpy(out + 4, out, 16);
    return 0;
}
H(overlap_by_input)
{
    if (out_cap < 600 || in_len < 1)
        return 0;
    memset(out, 0, 600);
    memcpy(out + in[0], out + 100, 100);
    return 0;
}
H(copy_field_over)
{
    struct record r;
    memset(&r, 0, sizeof r);
    memcpy(r.name, "longer than eight", 12);
    return r.name[0];
}
H(copy_size_of_other)
{
    struct record r;
    uint8_t b[16];
    memset(b, 0, 16);
    memcpy(&r, b, sizeof r);
    return r.tail;
}
H(set_size_of_other)
{
    struct node n;
    memset(&n, 0, sizeof(struct record));
    return n.next;
}
static int sum(const int *a, int n)
{
    int s = 0;
    for (int i = 0; i < n; i++)
        s += a[i];
    return s;
}
H(callee_length)
{
    int a[8] = {0};
    return sum(a, 9);
}
H(callee_length_by_input)
{
    int a[8] = {0};
    return sum(a, (int)in_len);
}
H(callee_two_lengths)
{
    int a[8] = {0}, b[4] = {0};
    return sum(a, 8) + sum(b, 8);
}
static void put(uint8_t *o, size_t at, uint8_t v)
{
    o[at] = v;
}
H(callee_index)
{
    put(out, in_len, 1);
    return 0;
}
static const char *const words[] = {"one", "two", "three"};
H(text_table)
{
    if (in_len < 1)
        return 0;
    return words[in[0] & 3][0];
}
H(text_table_column)
{
    if (in_len < 1)
        return 0;
    return words[1][in[0] & 7];
}
H(union_length)
{
    union {
        uint32_t w;
        uint8_t b[4];
    } u;
    u.w = 0;
    return u.b[in_len & 7];
}
H(volatile_read)
{
    static volatile int v;
    return v;
}
