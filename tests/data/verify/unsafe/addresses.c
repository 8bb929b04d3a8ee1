/* Addresses that are not null and yet nothing may be accessed at; behind comparisons of addresses.
 */
#include "unsafe.h"

static int cells[4];
static void nothing(void)
{
}
static void (*const actions[2])(void) = {nothing, nothing};
static char *const fixed[1] = {(char *)0x1234};
static const struct {
    const char *name;
    void (*action)(void);
} verbs[2] = {{"a", nothing}, {"b", NULL}};
static const uint64_t number = 5;

R(function_is_null)
{
    if (actions[0] == NULL)
        return 0;
    for (int i = 0; i < 10; i++)
        cells[i] = 1;
    return 1;
}
H(function_is_null_by_input)
{
    if (actions[in_len & 1] == NULL)
        return 0;
    return cells[4 + (in_len & 7)];
}
R(number_is_null)
{
    if (fixed[0] == NULL)
        return 0;
    return cells[7];
}
R(number_as_address)
{
    if (*(char *const *)&number == NULL)
        return 0;
    return cells[7];
}
R(column_of_functions)
{
    for (int i = 0; i < 2; i++)
        if (verbs[i].action)
            return cells[i + 9];
    return 1;
}
R(functions_differ)
{
    int k = 0;
    if (verbs[0].action != verbs[1].action)
        k = 9;
    return cells[k];
}
R(objects_in_order)
{
    static int others[4];
    uintptr_t a = (uintptr_t)cells, b = (uintptr_t)others;
    return cells[a < b ? 4 : -1];
}
R(fixed_input_off_by_one)
{
    int sum = 0;
    for (int i = 0; i <= 4; i++)
        sum += cells[i];
    return sum;
}
R(computed_index)
{
    uint32_t x = 12345;
    for (int i = 0; i < 100; i++) {
        x = x * 1664525 + 1013904223;
        cells[x >> 29] += i;
    }
    return cells[0];
}
R(every_second_unset)
{
    int a[8], sum = 0;
    for (int i = 0; i < 8; i += 2)
        a[i] = i;
    for (int i = 0; i < 8; i++)
        sum += a[i];
    return sum;
}
R(set_from_the_end_but_first)
{
    int a[8], sum = 0;
    for (int i = 7; i > 0; i--)
        a[i] = i;
    for (int i = 0; i < 8; i++)
        sum += a[i];
    return sum;
}
R(not_ending)
{
    unsigned x = 1;
    while (x != 0)
        x = x * 3 + 2;
    return (int)x;
}
/* ---- what alignment says of an address, and what it does not ---- */
static int aligned_cells[8];
static char aligned_heap[64] __attribute__((aligned(16)));
R(alignment_more_than_declared)
{
    return aligned_cells[((size_t)aligned_heap & 31) >> 1];
}
R(alignment_of_a_place)
{
    return aligned_cells[((size_t)(aligned_heap + 9) & 15)];
}
static struct {
    char a[3], b[61];
} parts __attribute__((aligned(16)));
R(alignment_of_a_part)
{
    for (int i = 0; i < 61; i++)
        parts.b[i] = 1;
    return aligned_cells[((size_t)parts.b & 7) * 4];
}
