/*
 * vireo/base.h: the allow-list's layer base: texts with explicit lengths, numbers into bounded
 * buffers, checked arithmetic, pools of fixed size. Nothing here needs a system call, allocates, or
 * writes outside what it was given; `vireo verify` proves callers with it, and it with them.
 */
#ifndef VIREO_BASE_H
#define VIREO_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- texts: `bytes` says how long each is, no NUL is needed or written ---- */

/* Copies all of it, or nothing: how many bytes, or -1 when they don't fit in `room`. The two must
 * not overlap. */
static inline int64_t vireo_copy(uint8_t *to, size_t room, const uint8_t *from, size_t bytes)
{
    if (bytes > room)
        return -1;
    for (size_t i = 0; i < bytes; i++)
        to[i] = from[i];
    return (int64_t)bytes;
}

static inline int vireo_equal(const uint8_t *a, size_t a_bytes, const uint8_t *b, size_t b_bytes)
{
    if (a_bytes != b_bytes)
        return 0;
    for (size_t i = 0; i < a_bytes; i++)
        if (a[i] != b[i])
            return 0;
    return 1;
}

/* Where `byte` is first, or -1. */
static inline int64_t vireo_find(const uint8_t *text, size_t bytes, uint8_t byte)
{
    for (size_t i = 0; i < bytes; i++)
        if (text[i] == byte)
            return (int64_t)i;
    return -1;
}

/* ---- numbers: how many bytes were written, or -1 when they don't fit (then nothing is) ---- */

static inline int64_t vireo_format_u64(uint8_t *to, size_t room, uint64_t value)
{
    size_t digits = 1;

    for (uint64_t left = value / 10; digits < 20 && left > 0; digits++)
        left /= 10;
    if (digits > room)
        return -1;
    for (size_t i = 0; i < digits; i++) {
        to[digits - 1 - i] = (uint8_t)('0' + value % 10);
        value /= 10;
    }
    return (int64_t)digits;
}

static inline int64_t vireo_format_i64(uint8_t *to, size_t room, int64_t value)
{
    if (value >= 0)
        return vireo_format_u64(to, room, (uint64_t)value);
    if (room == 0)
        return -1;
    int64_t n = vireo_format_u64(to + 1, room - 1, 0 - (uint64_t)value);
    if (n < 0)
        return -1;
    to[0] = '-';
    return n + 1;
}

/* Two digits a byte. The two must not overlap. */
static inline int64_t vireo_format_hex(uint8_t *to, size_t room, const uint8_t *from, size_t bytes)
{
    if (bytes > room / 2)
        return -1;
    for (size_t i = 0; i < bytes; i++) {
        uint8_t high = from[i] >> 4, low = from[i] & 15;
        to[2 * i] = (uint8_t)(high < 10 ? '0' + high : 'a' + high - 10);
        to[2 * i + 1] = (uint8_t)(low < 10 ? '0' + low : 'a' + low - 10);
    }
    return (int64_t)(2 * bytes);
}

/* ---- arithmetic: 1 and *result, or 0 when it does not fit ---- */

static inline int vireo_add(uint64_t a, uint64_t b, uint64_t *result)
{
    if (a > UINT64_MAX - b)
        return 0;
    *result = a + b;
    return 1;
}

static inline int vireo_subtract(uint64_t a, uint64_t b, uint64_t *result)
{
    if (a < b)
        return 0;
    *result = a - b;
    return 1;
}

static inline int vireo_multiply(uint64_t a, uint64_t b, uint64_t *result)
{
    if (b != 0 && a > UINT64_MAX / b)
        return 0;
    *result = a * b;
    return 1;
}

/* The whole text is a decimal number of digits alone: 0; else -1 and *value is as it was. */
static inline int64_t vireo_parse_u64(const uint8_t *text, size_t bytes, uint64_t *value)
{
    uint64_t sum = 0;

    if (bytes == 0 || bytes > 20)
        return -1;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] < '0' || text[i] > '9' || !vireo_multiply(sum, 10, &sum) ||
            !vireo_add(sum, (uint64_t)(text[i] - '0'), &sum))
            return -1;
    }
    *value = sum;
    return 0;
}

/* ---- pools ---- */

/*
 * A pool of COUNT items of TYPE, static: VIREO_POOL(sessions, struct session, 32) makes
 *
 *     int32_t sessions_get(void)          a free item's number, zeroed; -1: none is free
 *     struct session *sessions_at(n)      the item; NULL when n is no item that is out
 *     int sessions_put(int32_t n)         gives it back: 1; 0 when it is not out
 *     void sessions_reset(void)           all are free
 *
 * An item is named by its number, not by its address: a number that is out of range, or was put
 * back, gives NULL and not another's item. A number holds in its upper bits how often the item was
 * handed out, so that one kept over a put and a get is refused, too (the count turns round at
 * 32,768).
 */
#define VIREO_POOL_ITEMS_MAX 65536u

#define VIREO_POOL(name, type, count)                                                    \
    _Static_assert((count) > 0 && (count) <= VIREO_POOL_ITEMS_MAX, "1 to 65,536 items"); \
    static struct {                                                                      \
        type items[count];                                                               \
        uint16_t uses[count];                                                            \
        uint8_t out[count];                                                              \
    } name##_pool;                                                                       \
    static inline uint32_t name##_index(int32_t number)                                  \
    {                                                                                    \
        return (uint32_t)number % VIREO_POOL_ITEMS_MAX;                                  \
    }                                                                                    \
    static inline int name##_is_out(int32_t number)                                      \
    {                                                                                    \
        uint32_t i = name##_index(number);                                               \
        if (number < 0 || i >= (count))                                                  \
            return 0;                                                                    \
        return name##_pool.out[i] == 1 &&                                                \
               name##_pool.uses[i] == (uint32_t)number / VIREO_POOL_ITEMS_MAX;           \
    }                                                                                    \
    static inline int32_t name##_get(void)                                               \
    {                                                                                    \
        for (uint32_t i = 0; i < (count); i++)                                           \
            if (name##_pool.out[i] == 0) {                                               \
                static const type zero;                                                  \
                name##_pool.items[i] = zero;                                             \
                name##_pool.out[i] = 1;                                                  \
                name##_pool.uses[i] = (uint16_t)((name##_pool.uses[i] + 1u) & 0x7fffu);  \
                return (int32_t)(name##_pool.uses[i] * VIREO_POOL_ITEMS_MAX + i);        \
            }                                                                            \
        return -1;                                                                       \
    }                                                                                    \
    static inline type *name##_at(int32_t number)                                        \
    {                                                                                    \
        if (!name##_is_out(number))                                                      \
            return NULL;                                                                 \
        return &name##_pool.items[name##_index(number)];                                 \
    }                                                                                    \
    static inline int name##_put(int32_t number)                                         \
    {                                                                                    \
        if (!name##_is_out(number))                                                      \
            return 0;                                                                    \
        name##_pool.out[name##_index(number)] = 0;                                       \
        return 1;                                                                        \
    }                                                                                    \
    static inline void name##_reset(void)                                                \
    {                                                                                    \
        for (uint32_t i = 0; i < (count); i++)                                           \
            name##_pool.out[i] = 0;                                                      \
    }

#ifdef __cplusplus
}
#endif

#endif
