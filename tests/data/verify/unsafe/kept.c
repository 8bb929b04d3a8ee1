/* Addresses that are kept in memory. */
#include "unsafe.h"

struct node {
    struct node *next;
    int v;
    char name[8];
    int tail;
};
static struct node pool[16], *free_list, *head;
static int used;
static struct node *get(void)
{
    if (used < 16)
        return &pool[used++];
    return NULL;
}
struct st {
    uint8_t *p;
    size_t n;
};
static void init(struct st *s, uint8_t *b, size_t n)
{
    s->p = b;
    s->n = n;
}
static int put(struct st *s, uint8_t c)
{
    if (s->n == 0)
        return -1;
    *s->p++ = c;
    s->n--;
    return 0;
}
static int *leak[2];
static void l(int i)
{
    int x = i;
    leak[i & 1] = &x;
}

R(list_in_a_ring)
{
    for (int i = 0; i < 10; i++) {
        struct node *n = get();
        n->v = i;
        n->next = head;
        head = n;
    }
    pool[0].next = head;
    int s = 0;
    for (struct node *n = head; n; n = n->next)
        s += n->v;
    return s;
}
R(buffer_of_other)
{
    uint8_t b[20];
    struct st arr[3];
    for (int i = 0; i < 3; i++)
        init(&arr[i], b + 5 * i, i == 2 ? 11 : 5);
    for (int i = 0; i < 50; i++)
        put(&arr[i % 3], i);
    return b[0];
}
R(field_over_kept)
{
    struct node a = {0};
    char *f[2];
    for (int i = 0; i < 2; i++)
        f[i] = a.name;
    memset(f[1], 0, 9);
    return a.tail;
}
R(local_kept)
{
    l(0);
    l(1);
    return *leak[used];
}
R(entry_unset)
{
    int *p[4];
    for (int i = 0; i < 3; i++)
        p[i] = &used;
    return *p[3];
}
R(end_of_pool_kept)
{
    struct node *t[2] = {pool, pool + 16};
    int s = 0;
    for (int i = 0; i < 2; i++)
        s += t[i]->v;
    return s;
}
R(bytes_of_address)
{
    struct node *t[2] = {pool, pool};
    unsigned char *q = (unsigned char *)t;
    for (int i = 0; i < 2; i++)
        q[i] = 1;
    int s = 0;
    for (int i = 0; i < 2; i++)
        s += t[i]->v;
    return s;
}
R(sorted_addresses)
{
    int v[8] = {5, 2, 7, 1, 9, 3, 8, 4};
    int *p[8];
    for (int i = 0; i < 8; i++)
        p[i] = &v[i];
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8 - i; j++)
            if (*p[j] > *p[j + 1]) {
                int *t = p[j];
                p[j] = p[j + 1];
                p[j + 1] = t;
            }
    return *p[0];
}
R(entry_null)
{
    const char *t[3] = {"a", "b", NULL};
    int n = 0;
    for (int i = 0; i < 3; i++)
        n += t[i][0];
    return n;
}
