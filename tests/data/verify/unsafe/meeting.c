/* Where one variable ends another may begin, and what an optimiser knows of the one is wrong of the
 * other: behind 'p == q' it takes p for q, and 'q + (p - q)' is p. What is written through p[-1]
 * below is in 'left', as C has it; the optimiser takes it for a place beside 'right', and so for
 * 0 what was 0 before. */
#include "unsafe.h"

static uint8_t left[64], right[64];
static const uint8_t fives[64] = {[0 ... 63] = 5};
static int cells[4];

static const uint8_t steps[16] = {1, 6, 11, 0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12};

/* 63, as only a run shows. */
static unsigned last(void)
{
    unsigned x = 0;

    for (int i = 0; i < 300; i++)
        x = steps[x];
    return x + 59;
}

static void use(unsigned n, uint8_t *p)
{
    p[-1] = 1;
    cells[(left[n] ^ 1) * 90000000ul] = 7;
}

R(end_is_beginning)
{
    unsigned n = last();
    uint8_t *p = left + 1 + n;

    left[n] = 0;
    if (p == right)
        use(n, p);
    return cells[0];
}
H(end_is_beginning_in_calls)
{
    unsigned n = last();
    uint8_t *p = left + 1 + n;

    left[n] = 0;
    if (p == right)
        use(n, p);
    return cells[0];
}
R(end_is_not_different)
{
    unsigned n = last();
    uint8_t *p = left + 1 + n;

    left[n] = 0;
    if (p != right)
        return 0;
    use(n, p);
    return cells[0];
}
R(end_is_beginning_as_numbers)
{
    unsigned n = last();
    uint8_t *p = left + 1 + n;

    left[n] = 0;
    if ((uintptr_t)p == (uintptr_t)right)
        use(n, p);
    return cells[0];
}
R(end_is_no_distance_from_beginning)
{
    unsigned n = last();
    uint8_t *p = left + 1 + n;

    left[n] = 0;
    if (p - right == 0)
        use(n, p);
    return cells[0];
}
R(end_and_beginning_have_the_same_bits)
{
    unsigned n = last();
    uint8_t *p = left + 1 + n;

    left[n] = 0;
    if (((uintptr_t)p ^ (uintptr_t)right) == 0)
        use(n, p);
    return cells[0];
}
R(end_and_beginning_have_the_same_high_bits)
{
    unsigned n = last();
    uint8_t *p = left + 1 + n;

    left[n] = 0;
    if (((uintptr_t)p & ~(uintptr_t)1) == ((uintptr_t)right & ~(uintptr_t)1))
        use(n, p);
    return cells[0];
}
R(end_is_between_beginning_and_beginning)
{
    unsigned n = last();
    uint8_t *p = left + 1 + n;

    left[n] = 0;
    if (p >= right && p <= right)
        use(n, p);
    return cells[0];
}
R(end_is_one_before)
{
    unsigned n = last();
    uint8_t *p = left + 1 + n;

    left[n] = 0;
    if ((uintptr_t)p + 5 == (uintptr_t)right + 5)
        use(n, p);
    return cells[0];
}
R(numbers_are_kept)
{
    static uintptr_t kept[8];
    unsigned n = last();
    uint8_t *p = left + 1 + n;

    kept[n & 7] = (uintptr_t)p;
    kept[n & 3] = (uintptr_t)right;
    left[n] = 0;
    if (kept[n & 7] == kept[n & 3])
        use(n, p);
    return cells[0];
}
R(addresses_are_read_as_numbers)
{
    static uint8_t *kept[8];
    unsigned n = last();
    uint8_t *p = left + 1 + n;
    uintptr_t a, b;

    kept[n & 7] = p;
    kept[n & 3] = right;
    left[n] = 0;
    memcpy(&a, &kept[n & 7], sizeof a);
    memcpy(&b, &kept[n & 3], sizeof b);
    if (a == b)
        use(n, p);
    return cells[0];
}
R(addresses_are_copied_in_parts)
{
    static uint8_t *kept[8];
    static struct {
        uint32_t parts[2];
    } copies[2];
    unsigned n = last();
    uint8_t *p = left + 1 + n;

    kept[n & 7] = p;
    kept[n & 3] = right;
    left[n] = 0;
    memcpy(&copies[0].parts[0], (char *)&kept[n & 7], 4);
    memcpy(&copies[0].parts[1], (char *)&kept[n & 7] + 4, 4);
    memcpy(&copies[1].parts[0], (char *)&kept[n & 3], 4);
    memcpy(&copies[1].parts[1], (char *)&kept[n & 3] + 4, 4);
    if (copies[0].parts[0] == copies[1].parts[0] && copies[0].parts[1] == copies[1].parts[1])
        use(n, p);
    return cells[0];
}
R(null_and_a_number)
{
    static uint8_t *nowhere;
    unsigned n = last();
    uint8_t *p = nowhere + (uintptr_t)right + (n - 63);

    right[n] = 0;
    if (p == right) {
        right[n] = 1;
        cells[(right[n] ^ 1) * 90000000ul] = 7;
    }
    return cells[0];
}
H(end_is_beginning_of_input)
{
    uint8_t *p;

    if (out_cap < 64 || in_len < 64)
        return 0;
    p = out + out_cap;
    out[out_cap - 1] = 0;
    if (p == in) {
        p[-1] = 1;
        cells[(out[out_cap - 1] ^ 1) * 90000000ul] = 7;
    }
    return 0;
}
/* The element is 5, but the optimiser reads it through 'left'. */
H(distance_is_an_index)
{
    size_t n, d;

    if (in_len < 8)
        return 0;
    memcpy(&n, in, sizeof n);
    d = (size_t)(left + 64 + n - fives);
    if (d < 64)
        return cells[90000000ul * (5 - fives[d])];
    return 0;
}
R(distance_is_an_index_in_a_run)
{
    size_t d = (size_t)(left + 1 + last() - fives);

    if (d < 64)
        return cells[90000000ul * (5 - fives[d])];
    return 0;
}
H(end_of_a_local_variable)
{
    uint8_t first[64], second[64];
    unsigned n = in_len & 63;
    uint8_t *p = first + 1 + n;

    memset(first, 0, sizeof first);
    memset(second, 0, sizeof second);
    if (p == second) {
        p[-1] = 1;
        return cells[(first[n] ^ 1) * 90000000ul];
    }
    return second[n];
}
