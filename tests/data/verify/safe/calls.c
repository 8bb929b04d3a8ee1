/* Handlers that are followed through each call: what they keep comes back, or is set anew. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#define H(name) int64_t name(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)

static uint8_t ten[10], forty[40];
H(index_comes_back)
{
    static int n;
    ten[n++] = 1;
    if (n == 10)
        n = 0;
    return n;
}
H(sorted_in_place)
{
    static int list[8] = {5, 3, 8, 1, 9, 2, 7, 4};
    static int order[10];
    for (int i = 1; i < 8; i++) {
        int x = list[i], j = i;
        while (list[j - 1] > x) {
            list[j] = list[j - 1];
            if (--j == 0)
                break;
        }
        list[j] = x;
    }
    for (int i = 0; i < 8; i++)
        order[list[i]] = i;
    return order[9];
}
struct node {
    struct node *next;
    int value;
};
H(list_made_anew)
{
    static struct node pool[8], *head;
    int sum = 0, used = 0;
    head = NULL;
    while (used < 8) {
        struct node *one = &pool[used];
        one->value = used++;
        one->next = head;
        head = one;
    }
    for (struct node *n = head; n; n = n->next)
        sum += n->value;
    if (out_cap < sizeof sum)
        return -1;
    memcpy(out, &sum, sizeof sum);
    return sizeof sum;
}
H(counts_calls_beside)
{
    static unsigned calls;
    static struct node a, b, *list = &a;
    calls++;
    a.next = &b;
    b.next = NULL;
    int n = 0;
    for (struct node *one = list; one; one = one->next)
        forty[n++] = (uint8_t)calls;
    return n;
}
H(header_of_the_input)
{
    static struct node pool[4], *head;
    if (in_len < 4 || out_cap < 1)
        return -1;
    head = NULL;
    for (int i = 0; i < 4; i++) {
        pool[i].value = in[i];
        pool[i].next = head;
        head = &pool[i];
    }
    int most = 0;
    for (struct node *n = head; n; n = n->next)
        if (n->value > most)
            most = n->value;
    out[0] = (uint8_t)most;
    return 1;
}
H(goes_in_sideways)
{
    size_t i = 0;
    if (in_len > 3 && in[0] == 1)
        goto middle;
    for (i = 0; i < 10; i++) {
    middle:
        ten[i] = 2;
    }
    return 0;
}
