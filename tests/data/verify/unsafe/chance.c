/* What a random number decides, in programs without input. */
#include <stdio.h>
#include <stdlib.h>
#include "unsafe.h"

static int t[8];
struct p {
    int *q;
    int k;
};
R(entry_null_by_chance)
{
    int x = rand();
    int *v[2] = {t, NULL};
    return *v[x & 1];
}
R(bound_by_chance)
{
    struct p s[2] = {{t, 1}, {t, 9}};
    struct p *r = &s[rand() & 1];
    return r->q[r->k];
}
R(entry_set_by_chance)
{
    int *v[2];
    v[0] = t;
    if (rand() > 5)
        v[1] = t;
    return *v[rand() % 2];
}
R(index_grows_by_chance)
{
    int i = 0;
    while (rand()) {
        t[i & 7] = i;
        i++;
        if (i == 9)
            t[i] = 1;
    }
    return 0;
}
R(printed_without_end)
{
    char b[8];
    memset(b, 'x', 8);
    printf("%s", b);
    return 0;
}
R(printed_too_few)
{
    printf("%d %s\n", 3);
    return 0;
}
R(end_by_chance)
{
    int n = rand() % 10;
    int s = 0;
    for (int i = 0; i <= n; i++)
        s += t[i];
    return s;
}
R(number_by_chance)
{
    double d = rand();
    return t[(int)(d * 1e-9) + 7];
}
R(set_by_chance)
{
    int x;
    if (rand())
        x = 1;
    return t[x & 7];
}
static int *g;
static void set(void)
{
    int l = 3;
    g = &l;
}
R(kept_local_by_chance)
{
    set();
    if (rand())
        return *g;
    return 0;
}
R(address_of_bytes)
{
    uint8_t b[16];
    memcpy(b, t, 16);
    uint32_t *q;
    memcpy(&q, b, 8);
    return *q;
}
R(bytes_of_kept_address)
{
    int *q = t;
    uintptr_t u;
    memcpy(&u, &q, 8);
    return t[u & 15];
}
R(quotient_infinite)
{
    float f = (float)rand() / 0.0f;
    return (int)f;
}
R(steps_over_by_chance)
{
    unsigned n = rand();
    unsigned s = 1;
    for (unsigned i = 0; i != n; i += 2)
        s++;
    return s;
}
