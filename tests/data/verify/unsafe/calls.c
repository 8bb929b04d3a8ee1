/* Calls that a call before makes unsafe, buffers that are too small by one on some way, and what
 * is of any of two variables: where a handler is followed through all of its calls. */
#include "unsafe.h"

/* ---- what grows from call to call ---- */

static uint8_t ten[10], forty[40];
H(index_counts_calls)
{
    static int n;
    ten[n++] = 1;
    return n;
}
H(index_counts_many_calls)
{
    static uint8_t n;
    if (n < 41)
        forty[n] = n;
    n++;
    return 0;
}
H(index_counts_down)
{
    static int n = 30;
    forty[n] = 1;
    n--;
    return n;
}
H(divisor_counts_down)
{
    static int d = 30;
    int q = 100 / d;
    d--;
    return q;
}
H(shift_counts_up)
{
    static unsigned s;
    return 1 << s++;
}
H(number_doubles)
{
    static double x = 1;
    x *= 2;
    return (int)x;
}
H(step_over_the_end)
{
    static unsigned n = 5;
    while (n != 5)
        n += 2;
    n = 6;
    return n;
}
H(pointer_walks)
{
    static uint8_t *p = ten;
    *p = 1;
    p++;
    return 0;
}
H(pointer_walks_to_the_end)
{
    static uint8_t *p = ten;
    if (p != ten + 10)
        p++;
    return *p;
}
struct node {
    struct node *next;
    int value;
};
H(list_grows)
{
    static struct node pool[8], *head;
    static int used;
    struct node *one = &pool[used++];
    one->next = head;
    head = one;
    int sum = 0;
    for (struct node *n = head; n; n = n->next)
        sum += n->value;
    return sum;
}
H(list_becomes_a_ring)
{
    static struct node a, b, *head;
    if (!head)
        head = &a;
    else if (head == &a) {
        a.next = &b;
        head = &b;
    } else {
        b.next = &a;
    }
    int sum = 0;
    for (struct node *n = head; n; n = n->next)
        sum++;
    return sum;
}
H(state_after_a_state)
{
    static int state;
    switch (state) {
    case 0:
        state = 7;
        break;
    case 7:
        state = 3;
        break;
    case 3:
        state = 10;
        break;
    default:
        break;
    }
    return ten[state];
}
H(two_entries_and_a_count)
{
    static int n;
    int i = n;
    if (n & 1)
        goto middle;
top:
    i++;
middle:
    ten[i] = 1;
    if (i < 9)
        goto top;
    n++;
    return i;
}

/* ---- addresses over the end of a call ---- */

H(local_of_a_call_before)
{
    static int *p;
    int here = 1, sum = p ? *p : 0;
    p = &here;
    return sum;
}
H(local_in_a_table)
{
    static int *table[4], zero;
    int here = 3;
    if (!table[0])
        table[0] = table[1] = table[2] = table[3] = &zero;
    int sum = *table[2];
    table[2] = &here;
    return sum;
}
H(local_of_a_block)
{
    int *p = 0, sum = 0;
    for (int i = 0; i < 2; i++) {
        int here;
        if (p)
            sum += *p;
        here = 1;
        p = &here;
    }
    return sum;
}

/* ---- buffers ---- */

H(out_one_too_small)
{
    if (out_cap < 3)
        return -1;
    for (int i = 0; i < 4; i++)
        out[i] = 0;
    return 4;
}
H(out_by_a_product)
{
    unsigned n = (unsigned)out_cap * 2;
    if (n >= 4)
        out[3] = 1;
    return 0;
}
H(out_by_a_byte)
{
    if ((int8_t)out_cap < 0)
        out[200] = 1;
    return 0;
}
H(out_not_equal)
{
    if (out_cap != 0 && out_cap != 2)
        out[1] = 1;
    return 0;
}
H(out_other_side)
{
    if (out_cap > 4)
        return -1;
    out[0] = 1;
    return 0;
}
H(in_beyond_by_one)
{
    if (in_len <= 3)
        return -1;
    return in[4];
}
H(in_before)
{
    int at = 0;
    if (in_len < 8)
        return -1;
    at -= 1;
    return in[at];
}
H(in_of_the_other_length)
{
    if (out_cap < 4)
        return -1;
    return in[3];
}
H(in_is_written)
{
    if (in_len < 4)
        return -1;
    ((uint8_t *)in)[0] = 1;
    return 0;
}
H(copied_out_one_more)
{
    static const uint8_t text[8] = "1234567";
    if (out_cap < 7)
        return -1;
    memcpy(out, text, 8);
    return 8;
}
H(copied_in_unbounded)
{
    memcpy(ten, in, in_len);
    return ten[0];
}
H(copied_in_and_trusted)
{
    static int n;
    if (in_len < 4)
        return -1;
    memcpy(&n, in, 4);
    return ten[n];
}
H(kept_from_an_input)
{
    static uint8_t k;
    int r = ten[k];
    if (in_len == 7)
        k = in[0];
    return r;
}
H(kept_from_a_length)
{
    static size_t k;
    int r = ten[k];
    if (in_len < 11)
        k = in_len;
    return r;
}

/* ---- what is not set ---- */

H(leaks_to_out)
{
    uint8_t a[8];
    a[0] = 1;
    if (out_cap < 8)
        return -1;
    memcpy(out, a, 8);
    return 8;
}
H(leaks_to_the_next_call)
{
    static uint8_t kept[8];
    uint8_t a[8];
    int r = kept[5];
    a[0] = 1;
    memcpy(kept, a, 8);
    return r;
}
H(padding_of_a_call_before)
{
    static struct {
        char c;
        int n;
    } kept, list[2];
    struct {
        char c;
        int n;
    } here;
    int r = ((uint8_t *)&list[in_len & 1])[2];
    here.c = 1;
    here.n = 2;
    memcpy(&kept, &here, sizeof here);
    memcpy(&list[in_len & 1], &kept, sizeof kept);
    return r;
}

/* ---- one of two, at a place that nobody knows ---- */

H(address_overwritten_somewhere)
{
    static union {
        int *p;
        long n;
    } table[2];
    static int zero;
    table[0].p = table[1].p = &zero;
    table[in_len & 1].n = 77;
    return *table[0].p;
}
H(address_of_another_somewhere)
{
    static uint8_t *table[2];
    static uint8_t small[1];
    table[0] = table[1] = ten;
    table[in_len & 1] = small;
    return table[0][9];
}
H(distance_of_any)
{
    uint8_t *p = in_len > 3 ? ten + 9 : ten;
    int at = (int)((intptr_t)p - (intptr_t)ten);
    return ten[at + 1];
}
H(any_of_two_lengths)
{
    static uint8_t small[4];
    uint8_t *p = in_len & 1 ? ten : small;
    p[9] = 1;
    return small[0];
}
H(remainder_of_any)
{
    static _Alignas(16) uint8_t line[16];
    uint8_t *p = in_len & 1 ? line + 9 : line;
    return ten[(intptr_t)p & 15 ? 10 : 0];
}

/* ---- buffers end with their call ---- */

H(keeps_input)
{
    static const uint8_t *kept;
    if (in_len < 1)
        return 0;
    if (!kept)
        kept = in;
    return kept[0];
}
H(keeps_output)
{
    static uint8_t *kept;
    if (out_cap < 1)
        return 0;
    if (!kept)
        kept = out;
    kept[0] = 1;
    return 1;
}
H(keeps_input_in_structure)
{
    static struct {
        const uint8_t *p;
        int n;
    } s;
    if (in_len < 4)
        return 0;
    if (s.n == 0) {
        s.p = in;
        s.n = 1;
    }
    return s.p[3];
}
H(keeps_input_of_call_before)
{
    static const uint8_t *now, *before;
    if (in_len < 1)
        return 0;
    before = now;
    now = in;
    return before ? before[0] : 0;
}

/* ---- a distance is a number, not an address of the variable it is measured in ---- */

static _Alignas(4096) uint8_t page[4096];
H(distance_less_address)
{
    static int n;
    uint8_t *p = page;
    if (n < 7)
        n++;
    for (int i = 0; i < n; i++)
        p++;
    intptr_t far = ((intptr_t)p - (intptr_t)page) - (intptr_t)page;
    return ten[far & 0xFFFFFFF000 ? 10 : 0];
}
R(distance_less_address_once)
{
    uint8_t *p = page;
    for (int i = 0; i < 5; i++)
        p++;
    intptr_t far = ((intptr_t)p - (intptr_t)page) - (intptr_t)page;
    return ten[far & 0xFFFFFFF000 ? 10 : 0];
}

/* ---- where a function ends another may begin ---- */

static int one_less(int x)
{
    return x - 1;
}
static int one_more(int x)
{
    return x + 1;
}
H(behind_a_function)
{
    static int n;
    char *p = (char *)one_less;
    n = (n + 1) & 127;
    for (int i = 0; i < n; i++)
        p++;
    return ten[p == (char *)one_more ? 10 : 0];
}
H(behind_a_function_at_once)
{
    char *p = (char *)one_less + 16;
    return ten[p == (char *)one_more ? 10 : 0];
}
H(behind_a_function_somewhere)
{
    char *p = (char *)one_less + (in_len & 127);
    return ten[p == (char *)one_more ? 10 : 0];
}
R(behind_a_function_once)
{
    char *p = (char *)one_less;
    for (int i = 0; i < 100; i++, p++)
        if (p == (char *)one_more)
            return ten[10];
    return 0;
}

/* ---- one function under two names ---- */

extern int getc(void *);
extern int fgetc(void *);
H(one_function_of_two_names)
{
    void *a = in_len & 1 ? (void *)one_less : (void *)getc, *b = (void *)fgetc;
    return ten[a == b ? 10 : 0];
}
R(one_function_of_two_names_turned)
{
    void *a = (void *)getc, *b = (void *)fgetc;
    for (int i = 0; i < 3; i++) {
        void *t = a;
        a = b;
        b = t;
    }
    return ten[a == b ? 10 : 0];
}
