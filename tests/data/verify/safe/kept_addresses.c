/* Lists, cursors and tables of addresses, kept in memory. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

static int list(void)
{
    for (int i = 0; i < 10; i++) {
        struct node *n = get();
        if (!n)
            break;
        n->v = i;
        n->next = head;
        head = n;
    }
    int s = 0;
    for (struct node *n = head; n; n = n->next)
        s += n->v;
    return s;
}
static int cursors(void)
{
    uint8_t b[20];
    struct st arr[3];
    for (int i = 0; i < 3; i++)
        init(&arr[i], b + 5 * i, 5);
    for (int i = 0; i < 30; i++)
        put(&arr[i % 3], i);
    return b[0];
}
static int names_of(void)
{
    const char *names[4];
    static const char *const c[2] = {"abc", "de"};
    for (int i = 0; i < 4; i++)
        names[i] = c[i & 1];
    int n = 0;
    for (int i = 0; i < 4; i++)
        for (const char *p = names[i]; *p; p++)
            n++;
    return n;
}
static int fields(void)
{
    struct node a = {0};
    char *f[2];
    for (int i = 0; i < 2; i++)
        f[i] = a.name;
    memset(f[1], 0, 8);
    return a.tail;
}
static int copied(void)
{
    struct node a, b;
    memset(&a, 0, sizeof a);
    a.next = &pool[1];
    for (int i = 0; i < 1; i++)
        memcpy(&pool[i], &a, sizeof a);
    b = pool[0];
    return b.next->v;
}
static int sorted(void)
{
    int v[8] = {5, 2, 7, 1, 9, 3, 8, 4};
    int *p[8];
    for (int i = 0; i < 8; i++)
        p[i] = &v[i];
    for (int i = 0; i < 7; i++)
        for (int j = 0; j < 7 - i; j++)
            if (*p[j] > *p[j + 1]) {
                int *t = p[j];
                p[j] = p[j + 1];
                p[j + 1] = t;
            }
    return *p[0];
}
static int walk(void)
{
    struct node *p = &pool[3];
    int s = 0;
    for (; p > pool; p--)
        s += p->v;
    p = &pool[2];
    p++;
    return s + p->v;
}
int main(void)
{
    return list() + cursors() + names_of() + fields() + copied() + sorted() + walk();
}
