/* What is volatile is refused; these would be unsafe if it were an ordinary variable, too. */
#include "unsafe.h"

static int table[8];
static volatile int counter, zero, fixed = 9;
static volatile uint8_t bytes[8];
struct pair {
    volatile int first[4], second;
};
H(not_set)
{
    volatile unsigned i;
    return table[i & 15];
}
H(not_set_but_small)
{
    volatile unsigned i;
    return table[i & 7];
}
H(index_of_input)
{
    volatile size_t i = in_len;
    return table[i];
}
H(index_is_fixed)
{
    return table[fixed];
}
H(bound_of_input)
{
    volatile size_t n = in_len;
    for (size_t i = 0; i < n; i++)
        out[i] = 0;
    return 0;
}
H(bound_read_before)
{
    volatile size_t n = in_len;
    if (n > out_cap)
        return -1;
    n = in_len + 1;
    memset(out, 0, n);
    return 0;
}
H(waits)
{
    while (!counter)
        ;
    return 0;
}
H(counts_for_ever)
{
    for (volatile unsigned i = 1; i != 0; i += 2)
        ;
    return 0;
}
H(divides)
{
    return 100 / zero;
}
H(stays_from_call_to_call)
{
    return table[counter++];
}
H(stays_below_too_much)
{
    if (counter < 9)
        counter++;
    return table[counter - 1];
}
H(field_behind)
{
    struct pair p = {{0}, 1};
    return p.first[in_len & 7];
}
H(array_of_volatile)
{
    bytes[in_len % 9] = 1;
    return bytes[0];
}
H(pointer_walks)
{
    volatile uint8_t *p = bytes;
    for (size_t i = 0; i < in_len; i++)
        *p++ = in[i];
    return 0;
}
H(pointer_is_volatile)
{
    int *volatile p = table;
    if (in_len > 7)
        p = table + 8;
    return *p;
}
H(no_pointer)
{
    int *volatile p = NULL;
    if (in_len > 3)
        p = table;
    return *p;
}
H(shifts)
{
    volatile unsigned by = 32;
    return 1u << by;
}
H(converts)
{
    volatile double d = 1e300;
    return (int)d;
}
H(block_has_ended)
{
    volatile int *p = table;
    if (in_len & 1) {
        volatile int inside = 1;
        p = &inside;
    }
    return *p;
}
H(constant_is_written)
{
    static const volatile int constant = 1;
    *(volatile int *)&constant = (int)in_len;
    return constant;
}
struct block {
    uint8_t b[16];
};
H(copied_whole)
{
    volatile struct block from = {{1}};
    struct block to = *(struct block *)&from, *p = (struct block *)bytes;
    *(volatile struct block *)p = to;
    return 0;
}
