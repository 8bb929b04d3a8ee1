/* Corners of C: addresses that meet, numbers that change their sign or width, objects of no size.
 */
#include "unsafe.h"

int abs(int);
int labs(int); /* not as the library has it */

static int cells[4], others[4];
static uint8_t bytes[16];
static int no_cells[0];
struct flexible {
    uint32_t count;
    uint8_t items[];
};
static struct flexible flexible = {4, {1, 2, 3, 4}};
struct padded {
    uint8_t tag;
    uint64_t number;
};
union mixed {
    uint64_t number;
    uint32_t halves[2];
    float real;
    uint8_t bytes[8];
};

/* ---- addresses of different objects, compared ---- */

R(end_is_not_another)
{
    return cells + 4 == others ? cells[4] : others + 4 == cells ? cells[5] : 0;
}
R(end_differs_from_another)
{
    int *end = cells + 4;
    return cells[(end != others) * 4];
}
R(order_of_objects)
{
    return cells < others ? cells[4] : others[-1];
}
R(locals_in_order)
{
    int a[2] = {0}, b[2] = {0};
    return a < b ? a[2] : b[-1];
}
R(distance_of_objects)
{
    ptrdiff_t distance = (char *)others - (char *)cells;
    return distance == 16 ? cells[4] : distance == -16 ? cells[-1] : cells[4 * (distance != 0)];
}
H(in_ends_at_out)
{
    return in + in_len == out ? cells[9] : 0;
}
H(out_ends_at_in)
{
    return out + out_cap == in ? cells[4] : 0;
}
H(in_below_out)
{
    return in < out ? cells[5] : 0;
}
H(in_is_aligned)
{
    return cells[((uintptr_t)in & 3) * 2];
}
R(global_is_aligned_more)
{
    return cells[((uintptr_t)bytes & 31) >> 2];
}
R(low_bits_of_address)
{
    return bytes[(uint8_t)(uintptr_t)cells];
}
R(address_is_large)
{
    return (uintptr_t)cells > 4096 ? cells[4] : 0;
}
R(address_is_small)
{
    return (uintptr_t)cells < ((uintptr_t)1 << 46) ? cells[4] : 0;
}
R(address_is_positive)
{
    return (intptr_t)(uintptr_t)cells > 0 ? cells[-1] : 0;
}
H(wraps_before_it_compares)
{
    const uint8_t *end = in + (SIZE_MAX - in_len);
    return end < in ? in[in_len] : 0;
}
H(walks_down_past_the_beginning)
{
    int64_t sum = 0;
    for (const uint8_t *p = in + in_len; p >= in; p--)
        sum += p == in + in_len ? 0 : *p;
    return sum + *(in - 1);
}
R(one_before_is_below)
{
    int sum = 0;
    for (int *p = cells + 3; p >= cells; p--)
        sum += *p;
    return sum + (cells - 1 < cells ? cells[-1] : 0);
}

/* ---- choices of addresses ---- */

H(chosen_address)
{
    int *p = in_len & 1 ? cells : (int *)bytes + 3;
    return p[in_len & 3];
}
H(joined_address)
{
    static uint8_t small[2], large[8];
    uint8_t *p = small;
    for (size_t i = 0; i < 4; i++) {
        p[i] = 1;
        if (in_len > 1)
            p = large;
    }
    return 0;
}
H(chosen_twice)
{
    static uint8_t a[4], b[8];
    uint8_t *p = in_len > 4 ? a : b;
    size_t room = in_len >= 4 ? 8 : 4;
    return p[room - 1];
}
H(swapped)
{
    uint8_t *p = bytes, *q = (uint8_t *)cells + 8;
    for (size_t i = 0; i < in_len; i++) {
        uint8_t *t = p;
        p = q;
        q = t;
    }
    return p[12];
}

/* ---- numbers ---- */

H(narrow_counter)
{
    uint8_t i;
    for (i = 0; i < in_len; i++)
        ;
    return i;
}
H(counter_passes_by_the_bound)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i != (uint32_t)in_len; i += 3)
        sum++;
    return sum;
}
H(counter_wraps_at_the_bound)
{
    uint64_t limit = in_len ? UINT64_MAX : 0, sum = 0;
    for (uint64_t i = 0; i <= limit; i += 2)
        sum++;
    return (int64_t)sum;
}
H(signed_below_unsigned_above)
{
    int32_t n =
        in_len >= 4 ? (int32_t)(in[0] | in[1] << 8 | in[2] << 16 | (uint32_t)in[3] << 24) : 0;
    return n < 4 ? cells[n] : 0;
}
H(unsigned_of_the_negative)
{
    int8_t n = in_len ? (int8_t)in[0] : 0;
    return n < 16 ? bytes[(uint8_t)n] : 0;
}
H(product_wraps)
{
    uint32_t n = in_len >= 4 ? in[0] | in[1] << 8 | in[2] << 16 | (uint32_t)in[3] << 24 : 0;
    return n * 16 <= in_len ? in[n] : 0;
}
H(sum_wraps)
{
    uint32_t at, n;
    if (in_len < 8)
        return 0;
    memcpy(&at, in, 4);
    memcpy(&n, in + 4, 4);
    return at + n < (uint32_t)in_len ? in[at] : 0;
}
H(difference_wraps)
{
    return in_len - 4 > 3 ? in[3] : 0;
}
H(absolute_of_the_smallest)
{
    int32_t n = 0;
    if (in_len >= 4)
        memcpy(&n, in, 4);
    return bytes[abs(n) % 16 + 16 * (abs(n) < 0)] + bytes[abs(n) < 16 ? abs(n) : 0];
}
H(remainder_of_the_negative)
{
    int32_t n = 0;
    if (in_len >= 4)
        memcpy(&n, in, 4);
    return bytes[n % 16];
}
H(shift_by_a_byte)
{
    return in_len ? (int64_t)(UINT64_C(1) << in[0]) : 0;
}
H(shift_by_the_negative)
{
    int n = in_len ? in[0] % 31 - 1 : 0;
    return 1 << n;
}
H(shift_of_a_narrow_type)
{
    uint8_t n = in_len ? in[0] & 63 : 0;
    return (int64_t)((uint32_t)1 << n);
}
H(smallest_by_minus_one)
{
    int64_t n = 0, d = 1;
    if (in_len >= 9) {
        memcpy(&n, in, 8);
        d = (int8_t)in[8];
    }
    return d ? n / d : 0;
}
H(bits_of_wide_numbers)
{
    unsigned __int128 product = (unsigned __int128)in_len * in_len;
    return bytes[(size_t)(product >> 40)];
}
H(field_of_bits)
{
    struct {
        unsigned a : 5, b : 3;
    } f = {0};
    f.a = (unsigned)in_len;
    return bytes[f.a];
}
H(field_of_signed_bits)
{
    struct {
        int a : 4;
    } f = {0};
    f.a = (int)in_len;
    return bytes[f.a];
}
H(boolean_from_a_byte)
{
    union {
        uint8_t byte;
        bool truth;
    } u = {in_len ? in[0] : 0};
    return cells[u.truth * 4];
}
H(rounded_up)
{
    double x = (double)in_len / 4;
    return in_len <= 15 ? cells[(int)(x + 0.5)] : 0;
}
H(float_loses_bits)
{
    float length = (float)in_len;
    return in_len > 0 && (size_t)length < in_len + 1 ? in[(size_t)length] : 0;
}
H(not_a_number)
{
    float x = 0;
    if (in_len >= 4)
        memcpy(&x, in, 4);
    if (x < 0 || x > 3)
        return 0;
    return cells[(int)x];
}
H(enumeration)
{
    enum color { RED, GREEN, BLUE } c = (enum color)(in_len & 7);
    switch (c) {
    case RED:
    case GREEN:
        return 0;
    case BLUE:
        return 1;
    }
    return cells[c];
}
H(falls_through)
{
    int i = 1;
    switch (in_len) {
    case 0:
        i = 4; /* and on */
    case 1:
        i++;
    case 2:
        return cells[i - 1];
    default:
        return 0;
    }
}

/* ---- memory ---- */

R(no_element)
{
    return no_cells[0];
}
H(behind_the_flexible)
{
    flexible.count = (uint32_t)in_len;
    return flexible.items[flexible.count & 7];
}
H(padding_is_read)
{
    struct padded p;
    p.tag = 1;
    p.number = in_len;
    return ((uint8_t *)&p)[3];
}
H(padding_of_a_copy)
{
    struct padded p, q;
    p.tag = 1;
    p.number = in_len;
    q = p;
    memcpy(out, &q, out_cap < sizeof q ? out_cap : sizeof q);
    return out_cap > 4 ? out[4] / out[4] : 0;
}
H(half_of_a_union)
{
    union mixed u;
    u.halves[0] = (uint32_t)in_len;
    return (int64_t)u.number;
}
H(union_as_index)
{
    union mixed u = {.real = (float)in_len};
    return bytes[u.bytes[3] & 31];
}
H(copies_over_itself)
{
    if (out_cap < 32)
        return 0;
    memset(out, 0, 32);
    memcpy(out + 4, out, 8);
    return 8;
}
H(copies_a_negative_length)
{
    int n = (int)in_len - 4;
    if (n < (int)out_cap && n <= (int)in_len)
        memcpy(out, in, (size_t)n);
    return 0;
}
H(copies_one_of_no_size)
{
    memcpy(bytes + 17, in, 0);
    return bytes[17 - (in_len > 0)] + bytes[16];
}
/* Nothing is written, but there is no such place in the variable. */
R(fills_none_of_no_place)
{
    char own[16];
    own[0] = 1;
    memset(own + 100, 0, 0);
    return own[0];
}
R(fills_none_in_front)
{
    char own[16];
    own[0] = 1;
    memset(own - 1, 0, 0);
    return own[0];
}
static void clear_behind(struct padded *padded, size_t length)
{
    memset(padded + 2, 0, length);
}
H(fills_none_two_behind)
{
    struct padded own;
    own.tag = (uint8_t)in_len;
    clear_behind(&own, 0);
    return own.tag;
}
H(misaligned_end)
{
    uint32_t word = 0;
    for (size_t i = 0; i + 2 < in_len; i += 4)
        memcpy(&word, in + i, 4);
    return word;
}
H(room_is_the_other_one)
{
    for (size_t i = 0; i < in_len; i++)
        out[i] = in[i];
    return out_cap >= in_len ? (int64_t)in_len : -1;
}
H(answer_by_the_capacity)
{
    for (size_t i = 0; i < out_cap; i++)
        out[i] = in[i % (in_len + 1)];
    return 0;
}
H(kept_from_the_last_call)
{
    static size_t next;
    bytes[next] = 1;
    if (in_len)
        next = (next + 1) % 17;
    return 0;
}
H(kept_and_doubled)
{
    static uint8_t at = 1;
    int64_t found = bytes[at];
    at = (uint8_t)(at * 2 | (at == 0));
    return found;
}
static int *escaped(void)
{
    int local[4] = {1};
    int *p = local;
    return p;
}
R(dead_local)
{
    return *escaped();
}
H(block_has_ended)
{
    uint8_t *p = bytes;
    for (size_t i = 0; i < in_len; i++) {
        if (i > 0)
            *p = 1;
        uint8_t inner[4] = {in[i]};
        p = inner;
    }
    return 0;
}

/* ---- control ---- */

H(waits_for_ever)
{
    while (in_len > 100)
        ;
    return 0;
}
H(coupled_counters)
{
    size_t i = 0, k = 0;
    while (i + k <= in_len) {
        if (i < in_len && in[i] & 1)
            i++;
        else
            k++;
    }
    return i < in_len ? in[i] : in[i];
}
H(inner_resets_the_outer)
{
    for (size_t i = 0; i < in_len; i++)
        for (size_t k = 0; k < 3; k++)
            if (in[i] == k)
                i = 0;
    return 0;
}
H(inner_bound_moves)
{
    size_t rows = in_len / 4;
    int64_t sum = 0;
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c <= r + 1; c++)
            sum += in[r * 4 + c];
    return sum;
}
typedef int64_t (*step)(size_t);
static int64_t step_down(size_t n);
static step steps[1] = {step_down};
static int64_t step_down(size_t n)
{
    return n ? steps[0](n - 1) + 1 : 0;
}
H(calls_itself_by_table)
{
    return steps[0](in_len);
}
static step hidden;
H(calls_nobody)
{
    return hidden(in_len);
}
H(library_of_another_type)
{
    int n = 0;
    if (in_len >= 4)
        memcpy(&n, in, 4);
    int a = labs(n);
    return a < 16 && n != INT32_MIN ? bytes[a] : 0;
}

/* ---- what is nearly right: distances, texts that end, first bits, whole variables ---- */

H(rest_is_one_shorter)
{
    const uint8_t *at = memchr(in, '\n', in_len);
    if (!at)
        return -1;
    size_t n = (size_t)(at - in), rest = in_len - n;
    int64_t sum = 0;
    for (size_t i = 0; i < rest; i++)
        sum += at[1 + i];
    return sum;
}
H(nothing_was_found)
{
    const uint8_t *at = memchr(in, '\n', in_len);
    size_t n = (size_t)(at - in);
    return n < in_len ? at[0] : at == NULL ? cells[4] : 0;
}
H(found_in_the_other)
{
    const uint8_t *at = in_len & 1 ? in : bytes;
    const uint8_t *end = in_len & 2 ? in + in_len : bytes + 16;
    int64_t sum = 0;
    for (size_t i = 0; i < (size_t)(end - at) && i < 64; i++)
        sum += at[i];
    return sum;
}
H(walks_to_the_other_end)
{
    const uint8_t *at = in_len & 1 ? in : bytes;
    const uint8_t *end = in_len & 2 ? in + in_len : bytes + 16;
    int64_t sum = 0;
    for (unsigned i = 0; i < 64 && at != end; i++)
        sum += *at++;
    return sum;
}
H(text_ends_behind_the_room)
{
    size_t o = 0;
    for (size_t i = 0; i < in_len && o < out_cap; i++)
        out[o++] = in[i];
    if (out_cap)
        out[o] = 0;
    return (int64_t)o;
}
H(text_ends_without_room)
{
    size_t o = 0;
    for (size_t i = 0; i < in_len && o + 1 < out_cap; i++)
        out[o++] = in[i];
    out[o] = 0;
    return (int64_t)o;
}
H(steps_over_the_end_of_the_text)
{
    size_t o = 0;
    for (size_t i = 0; i < in_len && o + 1 < out_cap; i++, o += 2)
        out[o] = in[i];
    if (out_cap)
        out[o] = 0;
    return (int64_t)o;
}
H(first_of_no_bits)
{
    static uint8_t marks[64];
    uint64_t word = in_len & 1 ? in_len << 1 : 0;
    return marks[word ? __builtin_ctzll(word) : 64];
}
H(first_of_other_bits)
{
    static uint32_t words[2];
    static uint8_t marks[32];
    uint32_t n = words[0] ? (uint32_t)__builtin_clzll((uint64_t)words[1] << 32 | 1) : 0;
    words[in_len & 1] = (uint32_t)in_len;
    return marks[n];
}
static struct {
    char name[16];
    uint32_t count;
} entries[4];
R(whole_table_and_one)
{
    memset(entries, 0, sizeof entries + 1);
    return 0;
}
R(name_and_one)
{
    memset(entries[0].name, 0, sizeof entries[0].name + 1);
    return 0;
}
R(name_filled_as_another)
{
    memset(entries[1].name, 0, sizeof entries);
    return 0;
}
