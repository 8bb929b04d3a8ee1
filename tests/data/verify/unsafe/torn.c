/* Bytes that lie across two places: parts of addresses, numbers that reach into the next element,
 * and sums of indices that wrap together. */
#include "unsafe.h"

static int room[4];
static int va, vb;

/* ---- a read across the edge of what was filled or copied ---- */

static int ta[3] = {0, 0x200, 0x200};
H(cut_fill)
{
    if (in_len < 1)
        return 0;
    memset(ta, 1, 4);
    int x = *(int *)((char *)ta + 2 + (size_t)4 * (in[0] & 1));
    if (x > 0x02000000)
        room[90000000] = 1;
    return x;
}
static int tb[3] = {0, 0x200, 0x200};
static int tsrc[3] = {0x01010101, 0x01010101, 0x01010101};
H(cut_copy)
{
    if (in_len < 1)
        return 0;
    memcpy(tb, tsrc, 4);
    int x = *(int *)((char *)tb + 2 + (size_t)4 * (in[0] & 1));
    if (x > 0x02000000)
        room[90000000] = 1;
    return x;
}
static unsigned tc[3] = {0, 0x200, 0x200};
H(cut_fill_b)
{
    if (in_len < 1)
        return 0;
    memset(tc + 1, 1, 8);
    unsigned x = *(unsigned *)((char *)tc + 2 + (size_t)4 * (in[0] & 1));
    if (x < 0x01010101)
        room[90000000] = 1;
    return x;
}
H(cut_fill_c)
{
    if (in_len < 1)
        return 0;
    unsigned t[3];
    memset(t, 0, 12);
    for (int i = 0; i < 3; i++)
        t[i] = 0x200;
    memset(t, 1, (size_t)4 * (in[0] & 1));
    unsigned x = *(unsigned *)((char *)t + 2 + (size_t)4 * (in[0] >> 7));
    if (x > 0x02000000 && x != 0x02000200)
        room[90000000] = 1;
    return x;
}

/* ---- sums that wrap together: the remainder by three is lost ---- */

struct three {
    uint8_t a, b, c;
};
static struct three ts[10];
H(sum_wraps)
{
    if (in_len < 56)
        return 0;
    for (int i = 0; i < 10; i++) {
        ts[i].a = 200;
        ts[i].b = 1;
        ts[i].c = 201;
    }
    uint64_t v[6];
    memcpy(v, in, 48);
    uint64_t a = v[0] >> 4, b = v[1] >> 4, c = v[2] >> 4, d = v[3] >> 4, e = v[4] >> 4,
             f = v[5] >> 4;
    const struct three *p = ts;
    p += a;
    p += b;
    p += c;
    p += d;
    p += e;
    p += f;
    size_t off = (size_t)((const char *)p - (const char *)ts);
    if (off > 26)
        return 0;
    uint8_t k = p->b;
    if (k > 3)
        room[90000000] = 1;
    return k;
}
H(sum_wraps_b)
{
    if (in_len < 56)
        return 0;
    for (int i = 0; i < 10; i++) {
        ts[i].a = 200;
        ts[i].b = 1;
        ts[i].c = 201;
    }
    uint64_t v[6];
    memcpy(v, in, 48);
    uint64_t a = v[0] >> 4, b = v[1] >> 4, c = v[2] >> 4, d = v[3] >> 4, e = v[4] >> 4,
             f = v[5] >> 4;
    const struct three *p = ts;
    p += a;
    p += b;
    p += c;
    p += d;
    p += e;
    p += f;
    if (p < ts || p > ts + 8)
        return 0;
    uint8_t k = p->b;
    if (k > 3)
        room[90000000] = 1;
    return k;
}

/* ---- a part of an address is neither null nor an address ---- */

static int *const tab[3] = {&va, &vb, &va};
H(half_address)
{
    if (in_len < 1)
        return 0;
    int *const *q = (int *const *)((const char *)tab + 4 + (size_t)8 * (in[0] & 1));
    if (*q != NULL)
        room[90000000] = 1;
    return 0;
}
static const struct {
    uint32_t k;
    int *p;
} __attribute__((packed)) tp[2] = {{0, &va}, {0, &vb}};
H(half_address_b)
{
    if (in_len < 1)
        return 0;
    int *const *q = (int *const *)((const char *)tp + (size_t)12 * (in[0] & 1));
    if (*q != NULL)
        room[90000000] = 1;
    return 0;
}
static const struct {
    uint64_t k;
    int *p;
} tq[2] = {{0, &va}, {0, &vb}};
H(half_address_c)
{
    if (in_len < 1)
        return 0;
    int *const *q = (int *const *)((const char *)tq + 4 + (size_t)16 * (in[0] & 1));
    if (*q != NULL)
        room[90000000] = 1;
    return 0;
}
R(half_address_d)
{
    static const struct {
        uint64_t k;
        int *p;
    } x[2] = {{0, &va}, {0, &vb}};
    int *const *q = (int *const *)((const char *)x + 4);
    if (*q != NULL)
        room[90000000] = 1;
    return 0;
}
H(address_as_number)
{
    if (in_len < 1)
        return 0;
    const uint32_t *q = (const uint32_t *)((const char *)tab + (size_t)8 * (in[0] & 1));
    if (*q != 0)
        room[90000000] = 1;
    return 0;
}
H(address_as_bytes)
{
    if (in_len < 1)
        return 0;
    const uint8_t *q = (const uint8_t *)tab + (in[0] & 15);
    if (*q != 0)
        room[90000000] = 1;
    return 0;
}
H(address_copied)
{
    if (in_len < 1)
        return 0;
    uint64_t q[3];
    memcpy(q, tab, sizeof q);
    if (q[in[0] & 1] != 0)
        room[90000000] = 1;
    return 0;
}
H(torn_any)
{
    if (in_len < 1)
        return 0;
    int *const *q = (int *const *)((const char *)tab + (in[0] & 15));
    int *p = *q;
    if (p)
        *p = 1;
    return 0;
}
H(torn_some)
{
    if (in_len < 1)
        return 0;
    int *const *q = (int *const *)((const char *)tab + (size_t)4 * (in[0] & 3));
    int *p = *q;
    if (p)
        *p = 1;
    return 0;
}
H(torn_some_int)
{
    if (in_len < 1)
        return 0;
    int *const *q = (int *const *)((const char *)tab + 4 * (in[0] & 3));
    int *p = *q;
    *p = 1;
    return 0;
}
H(torn_odd)
{
    if (in_len < 1)
        return 0;
    int *const *q = (int *const *)((const char *)tab + (size_t)(in[0] * 8 & 15) + (in_len & 1));
    int *p = *q;
    *p = 1;
    return 0;
}
static int *const one[1] = {&va};
static const struct {
    int *a;
    char z[9];
} gap = {&va, {0}};
H(torn_gap)
{
    if (in_len < 1)
        return 0;
    int *const *q = (int *const *)((const char *)&gap + (in[0] & 7));
    int *p = *q;
    if (p)
        *p = 1;
    return 0;
}
H(torn_gap_b)
{
    int *const *q = (int *const *)((const char *)&gap + 1);
    int *p = *q;
    if (p)
        room[90000000] = 1;
    return 0;
}
R(torn_gap_c)
{
    int *const *q = (int *const *)((const char *)&gap + 1);
    int *p = *q;
    if (p)
        room[90000000] = 1;
    return 0;
}
R(torn_load_i64)
{
    unsigned long x = *(const unsigned long *)((const char *)&gap + 1);
    if (x)
        room[90000000] = 1;
    return 0;
}
R(torn_load_i32)
{
    unsigned x = *(const unsigned *)((const char *)&gap + 0);
    if (x)
        room[90000000] = 1;
    return 0;
}
R(torn_memcpy)
{
    char b[8];
    memcpy(b, (const char *)&gap + 3, 8);
    int s = 0;
    for (int i = 0; i < 8; i++)
        s |= b[i];
    if (s)
        room[90000000] = 1;
    return 0;
}
R(torn_struct_copy)
{
    struct {
        int *a;
        char z[9];
    } c;
    memcpy(&c, &gap, sizeof c);
    int *p;
    memcpy(&p, (char *)&c + 2, 8);
    if (p)
        room[90000000] = 1;
    return 0;
}
R(torn_local)
{
    int x;
    int *t[2] = {&x, &x};
    int **q = (int **)((char *)t + 4);
    if (*q)
        room[90000000] = 1;
    return 0;
}
H(torn_local_h)
{
    int x;
    int *t[2] = {&x, &x};
    int **q = (int **)((char *)t + 4);
    if (*q)
        room[90000000] = 1;
    return 0;
}
R(torn_union)
{
    union {
        int *p[2];
        struct {
            int a;
            int *q;
        } __attribute__((packed)) s;
    } u;
    u.p[0] = &va;
    u.p[1] = &vb;
    if (u.s.q)
        room[90000000] = 1;
    return 0;
}
H(torn_union_h)
{
    union {
        int *p[2];
        struct {
            int a;
            int *q;
        } __attribute__((packed)) s;
    } u;
    u.p[0] = &va;
    u.p[1] = &vb;
    if (u.s.q)
        room[90000000] = 1;
    return 0;
}
static int fa(void)
{
    return 1;
}
static int fb(void)
{
    return 2;
}
static int (*const ft[2])(void) = {fa, fb};
H(torn_function)
{
    int (*const *q)(void) = (int (*const *)(void))((const char *)ft + (in_len & 8));
    if (*q)
        return (*q)();
    return 0;
}
H(torn_function_b)
{
    int (*const *q)(void) = (int (*const *)(void))((const char *)ft + 1);
    if (*q)
        room[90000000] = 1;
    return 0;
}
H(torn_function_c)
{
    int (*const *q)(void) = (int (*const *)(void))((const char *)ft + (in_len & 7));
    if (*q)
        return (*q)();
    return 0;
}
R(torn_function_d)
{
    int (*const *q)(void) = (int (*const *)(void))((const char *)ft + 3);
    if (*q)
        return room[90000000];
    return 0;
}
R(torn_function_e)
{
    int (*const *q)(void) = (int (*const *)(void))((const char *)ft + 3);
    return (*q)();
}
static union {
    int *p;
    struct {
        int lo;
        uint8_t hi[4];
    } s;
} ua = {&va};
H(region_address)
{
    if (in_len < 1)
        return 0;
    if (ua.s.hi[in[0] & 3])
        room[90000000] = 1;
    return 0;
}
static union {
    int *p;
    struct {
        int lo;
        uint8_t hi[4];
    } s;
} ub = {&va};
H(region_address_w)
{
    if (in_len < 1)
        return 0;
    if (ub.s.hi[in[0] & 3] > 1)
        room[90000000] = 1;
    ub.s.hi[in[0] & 3] = 1;
    return 0;
}
static union {
    int *p;
    struct {
        uint8_t hi[4];
        int lo;
    } s;
} uc = {&va};
H(region_address_c)
{
    if (in_len < 1)
        return 0;
    if (uc.s.hi[in[0] & 3] > 1)
        room[90000000] = 1;
    uc.s.hi[in[0] & 3] = 1;
    return 0;
}
static union {
    int *p;
    struct {
        uint8_t hi[4];
        int lo;
    } s;
} ud = {&va};
H(region_address_d)
{
    if (in_len < 1)
        return 0;
    if (ud.s.lo)
        room[90000000] = 1;
    ud.s.hi[in[0] & 3] = 1;
    return 0;
}
static union {
    int *p;
    struct {
        uint8_t hi[4];
        int lo;
    } s;
} ue = {&va};
H(region_address_e)
{
    if (in_len < 1)
        return 0;
    if (ue.s.lo)
        room[90000000] = 1;
    ue.s.lo = 0;
    return 0;
}
static union {
    int *p;
    struct {
        int lo;
        uint8_t hi[4];
    } s;
} uf = {&va};
R(region_address_f)
{
    int s = 0;
    for (int i = 0; i < 4; i++)
        s |= uf.s.hi[i];
    if (s)
        room[90000000] = 1;
    return 0;
}
static union {
    int *p[2];
    struct {
        int lo;
        uint8_t hi[12];
    } s;
} ug = {{&va, &vb}};
H(region_address_g)
{
    if (in_len < 1)
        return 0;
    uint8_t k = ug.s.hi[in[0] % 12];
    if (k > 1)
        room[90000000] = 1;
    ug.s.hi[in[0] % 12] = 1;
    return 0;
}
H(region_address_h)
{
    if (in_len < 1)
        return 0;
    uint8_t k = ug.s.hi[in[0] & 3];
    if (k > 1)
        room[90000000] = 1;
    ug.s.hi[in[0] & 3] = 1;
    return 0;
}
static union {
    int *p;
    struct {
        uint8_t a[1];
        uint8_t m[4];
        uint8_t b[3];
    } s;
} uh = {&va};
H(region_address_i)
{
    if (in_len < 2)
        return 0;
    size_t i = in[0], j = in[1];
    if (i >= 1 || j >= 3)
        return 0;
    uh.s.m[2] = 1;
    if (uh.s.b[j] | uh.s.a[i])
        room[90000000] = 1;
    return uh.s.m[2];
}
static union {
    int *p;
    struct {
        uint8_t a[1];
        uint8_t m[4];
        uint8_t b[3];
    } s;
} ui = {&va};
H(region_address_j)
{
    if (in_len < 2)
        return 0;
    size_t i = in[0], j = in[1];
    if (i >= 1 || j >= 3)
        return 0;
    ui.s.m[2] = 1;
    ui.s.a[i] = 1;
    if (ui.s.b[j])
        room[90000000] = 1;
    return ui.s.m[2];
}

/* ---- a copy within a variable, one end of which is computed ---- */

struct parts {
    uint64_t x;
    uint8_t mid[16];
    uint64_t y;
};
static struct parts part_a;
H(moved_a)
{
    if (in_len < 2)
        return 0;
    size_t k = in[0] & 15;
    part_a.mid[k] = in[1];
    if (k >= 1)
        return 0;
    memmove((uint8_t *)&part_a + 16, &part_a.mid[k], 16);
    uint64_t z;
    memcpy(&z, part_a.mid + 8, 8);
    if (part_a.y != z)
        room[90000000] = 1;
    return 0;
}
H(moved_b)
{
    struct parts s;
    if (in_len < 2)
        return 0;
    memset(&s, 0, sizeof s);
    size_t k = in[0] & 15;
    s.mid[k] = in[1];
    if (k >= 1)
        return 0;
    memmove((uint8_t *)&s + 16, &s.mid[k], 16);
    uint64_t z;
    memcpy(&z, s.mid + 8, 8);
    if (s.y != z)
        room[90000000] = 1;
    return 0;
}
H(moved_c)
{
    struct parts s;
    if (in_len < 2)
        return 0;
    memset(&s, 0, sizeof s);
    size_t k = in[0] & 15;
    s.mid[k] = in[1];
    if (k >= 1)
        return 0;
    memmove((uint8_t *)&s + 16, &s.mid[k], 16);
    if ((uint8_t)s.y != s.mid[8])
        room[90000000] = 1;
    return 0;
}
static struct parts part_b;
H(copied_a)
{
    if (in_len < 2)
        return 0;
    size_t k = in[0] & 15;
    part_b.mid[k] = in[1];
    if (k >= 1)
        return 0;
    memcpy((uint8_t *)&part_b + 16, &part_b.mid[k], 16);
    return part_b.y;
}
H(copied_b)
{
    struct parts s;
    if (in_len < 2)
        return 0;
    memset(&s, 0, sizeof s);
    size_t k = in[0] & 15;
    s.mid[k] = in[1];
    if (k >= 1)
        return 0;
    memcpy((uint8_t *)&s + 16, &s.mid[k], 16);
    return s.y;
}
static struct parts part_c;
H(copied_c)
{
    if (in_len < 2)
        return 0;
    size_t k = in[0] & 15;
    part_c.mid[k] = in[1];
    if (k >= 1)
        return 0;
    memcpy(&part_c.mid[k], (uint8_t *)&part_c, 16);
    return part_c.x;
}
static struct parts part_d;
H(copied_d)
{
    if (in_len < 2)
        return 0;
    size_t k = in[0] & 15;
    part_d.mid[k] = in[1];
    if (k >= 1)
        return 0;
    memcpy(&part_d.mid[k], (uint8_t *)&part_d + 16, 16);
    return part_d.y;
}
static struct parts part_f;
H(moved_d)
{
    if (in_len < 2)
        return 0;
    size_t k = in[0] & 15;
    part_f.mid[k] = in[1];
    if (k >= 1)
        return 0;
    uint8_t old = part_f.mid[0];
    part_f.x = 0;
    memmove(&part_f.mid[k], (uint8_t *)&part_f, 16);
    if (part_f.mid[8] != old)
        room[90000000] = 1;
    return 0;
}
static struct parts part_g;
H(moved_e)
{
    if (in_len < 2)
        return 0;
    size_t k = in[0] & 15;
    part_g.mid[k] = in[1];
    if (k >= 1)
        return 0;
    part_g.x = 0;
    memmove(&part_g.mid[k], (uint8_t *)&part_g, 16);
    if (part_g.mid[8] == 7)
        room[90000000] = 1;
    return 0;
}
