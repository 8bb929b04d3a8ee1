/* Functions that answer NULL or a negative number, a step beyond what is asked of the answer: asked
 * the wrong way round, of another answer, too late, or not on every way. */
#include "unsafe.h"

static int rare(const uint8_t *in, size_t in_len)
{
    return in_len >= 64 && in[40] == 77 && in[41] == 78 && in[42] == 79;
}

static const uint8_t *digit(const uint8_t *p, const uint8_t *end, unsigned *value)
{
    if (p == end || *p < '0' || *p > '9')
        return NULL;
    *value = *p - '0';
    return p + 1;
}

static int index_of(const uint8_t *in, size_t in_len, uint8_t wanted)
{
    for (size_t i = 0; i < in_len && i < 16; i++)
        if (in[i] == wanted)
            return (int)i;
    return -1;
}

static const uint8_t table[16] = {1, 2, 3};

/* ---- not asked on every way ---- */

H(null_is_read_where_it_is_rare)
{
    unsigned value = 0;
    const uint8_t *p = digit(in, in + in_len, &value);
    if (!p && !rare(in, in_len))
        return -1;
    return out_cap > 0 && in_len > 1 ? p[0] : 0;
}
H(null_is_stepped_from)
{
    const uint8_t *p = in, *end = in + in_len;
    unsigned value = 0, sum = 0;
    while (p != end) {
        p = digit(p, end, &value);
        if (!p) {
            if (!rare(in, in_len))
                return -1;
            p = p + 1;
        }
        sum += value;
    }
    (void)out;
    return out_cap ? sum : 0;
}
H(answer_is_not_asked_for_once)
{
    int at = index_of(in, in_len, 200);
    if (at < 0 && !rare(in, in_len))
        return -1;
    (void)out;
    return out_cap ? table[at] : 0;
}
H(answer_goes_past_the_question_with_another)
{
    int at = index_of(in, in_len, 200), other = index_of(in, in_len, 77);
    if (at < 0)
        return -1;
    if (rare(in, in_len))
        at = other - 20;
    (void)out;
    return out_cap ? table[at] : 0;
}

/* ---- what is used behind it is not what was asked for ---- */

H(value_of_an_answer_that_is_none)
{
    unsigned value;
    const uint8_t *p = digit(in, in + in_len, &value);
    if (!p && !rare(in, in_len))
        return -1;
    (void)out;
    return out_cap ? value & 1 : 0; /* not set where there is no digit */
}
H(value_of_the_answer_before)
{
    const uint8_t *p = in, *end = in + in_len;
    unsigned at = 0, value = 0;
    while (p && p != end) {
        const uint8_t *next = digit(p, end, &value);
        at = next ? value : at + 1; /* grows while there is none */
        p = next ? next : rare(in, in_len) && at < 40 ? p : NULL;
    }
    (void)out;
    return out_cap ? table[at & 31] : 0;
}
H(answer_of_the_round_before)
{
    unsigned n = 0, last = 0;
    int at = -1;
    for (size_t i = 0; i + 1 < in_len; i++) {
        if (at >= 0)
            last = table[at + (rare(in, in_len) ? 20 : 0)];
        at = index_of(in + i, in_len - i, in[i]);
        if (at < 0)
            return -1;
        n += last;
    }
    (void)out;
    return out_cap ? (int)n : 0;
}
H(one_beyond_the_answer)
{
    const uint8_t *p = in, *end = in + in_len;
    unsigned value = 0, sum = 0;
    while (p != end) {
        p = digit(p, end, &value);
        if (!p)
            return -1;
        if (sum > 60 && value == 7)
            sum += p[0]; /* may be the end */
        sum += value;
    }
    (void)out;
    return out_cap ? sum : 0;
}

/* ---- lives that end on the way ---- */

static int *choose(int *a, int which)
{
    if (which == 0)
        return NULL;
    return a;
}
H(address_of_the_round_before)
{
    int *kept = NULL, sum = 0;
    for (size_t i = 0; i < in_len; i++) {
        int here = (int)in[i];
        if (kept && rare(in, in_len))
            sum += *kept; /* another one since its block began anew */
        kept = choose(&here, here & 1);
        if (kept)
            sum += *kept;
    }
    (void)out;
    return out_cap ? sum & 255 : 0;
}
H(address_behind_its_block)
{
    int *kept = NULL;
    if (in_len > 0) {
        int here = in[0];
        kept = choose(&here, rare(in, in_len));
    }
    (void)out;
    if (!kept)
        return -1;
    return out_cap ? *kept : 0;
}

/* ---- and without end ---- */

H(asked_for_again_without_end)
{
    const uint8_t *p = in, *end = in + in_len;
    unsigned value = 0;
    while (p != end) {
        const uint8_t *next = digit(p, end, &value);
        if (!next) {
            if (rare(in, in_len))
                continue;
            return -1;
        }
        p = next;
    }
    (void)out;
    return out_cap ? value : 0;
}
