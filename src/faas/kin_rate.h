/* How often something may be done: so often at once, and then so many times a second. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define KIN_SECOND_NS INT64_C(1000000000)

/* What was taken of it; it comes back with time. All zero: nothing. */
struct kin_rate {
    unsigned taken;
    int64_t since_ns;
};

/* Takes one. At most 60 seconds' worth comes back at once: no burst is larger. */
static inline bool kin_rate_allows(struct kin_rate *rate, unsigned burst, unsigned per_second,
                                   int64_t now_ns)
{
    int64_t passed_ns = now_ns - rate->since_ns;

    passed_ns = passed_ns < 60 * KIN_SECOND_NS ? passed_ns : 60 * KIN_SECOND_NS;
    int64_t back = passed_ns * per_second / KIN_SECOND_NS;
    if (back > 0) {
        rate->taken = back < rate->taken ? rate->taken - (unsigned)back : 0;
        rate->since_ns = now_ns;
    }
    if (rate->taken >= burst)
        return false;
    rate->taken++;
    return true;
}
