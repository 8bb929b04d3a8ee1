/*
 * memory.copy, as translated code calls it. musl's memmove is made of string instructions, which
 * take tens of cycles to begin and go backwards byte by byte; copies in programs are mostly short.
 * Here short ones are a few moves, all loads before all stores, so that overlap is no matter.
 */
#include <emmintrin.h>
#include <string.h>

#include "guest/wasm_internal.h"

/* From here on string instructions are as fast as anything, forward and without overlap. */
#define STRING_BYTES 2048

static __m128i load(const uint8_t *from)
{
    return _mm_loadu_si128((const __m128i *)(const void *)from);
}

static void store(uint8_t *to, __m128i value)
{
    _mm_storeu_si128((__m128i *)(void *)to, value);
}

/* Fewer than 16. The two moves of a size overlap when there are less than two of it. */
static void move_few(uint8_t *to, const uint8_t *from, size_t bytes)
{
    if (bytes >= 8) {
        uint64_t first, last;
        memcpy(&first, from, 8);
        memcpy(&last, from + bytes - 8, 8);
        memcpy(to, &first, 8);
        memcpy(to + bytes - 8, &last, 8);
    } else if (bytes >= 4) {
        uint32_t first, last;
        memcpy(&first, from, 4);
        memcpy(&last, from + bytes - 4, 4);
        memcpy(to, &first, 4);
        memcpy(to + bytes - 4, &last, 4);
    } else if (bytes > 0) {
        uint8_t first = from[0], middle = from[bytes / 2], last = from[bytes - 1];
        to[0] = first;
        to[bytes / 2] = middle;
        to[bytes - 1] = last;
    }
}

/* 16 to 64. */
static void move_some(uint8_t *to, const uint8_t *from, size_t bytes)
{
    __m128i first = load(from), last = load(from + bytes - 16);

    if (bytes > 32) {
        __m128i second = load(from + 16), third = load(from + bytes - 32);
        store(to + 16, second);
        store(to + bytes - 32, third);
    }
    store(to, first);
    store(to + bytes - 16, last);
}

/* The next two: more than 64. What the loop would pass at its far end is loaded before it. */
static void move_up(uint8_t *to, const uint8_t *from, size_t bytes)
{
    __m128i end[4];

    for (int i = 0; i < 4; i++)
        end[i] = load(from + bytes - 64 + 16 * i);
    size_t at = 0;
    for (; at < bytes - 64; at += 64) {
        __m128i a = load(from + at), b = load(from + at + 16);
        __m128i c = load(from + at + 32), d = load(from + at + 48);
        store(to + at, a);
        store(to + at + 16, b);
        store(to + at + 32, c);
        store(to + at + 48, d);
    }
    for (int i = 0; i < 4; i++)
        store(to + bytes - 64 + 16 * i, end[i]);
}

static void move_down(uint8_t *to, const uint8_t *from, size_t bytes)
{
    __m128i start[4];

    for (int i = 0; i < 4; i++)
        start[i] = load(from + 16 * i);
    for (size_t at = bytes; at > 64; at -= 64) {
        __m128i a = load(from + at - 16), b = load(from + at - 32);
        __m128i c = load(from + at - 48), d = load(from + at - 64);
        store(to + at - 16, a);
        store(to + at - 32, b);
        store(to + at - 48, c);
        store(to + at - 64, d);
    }
    for (int i = 0; i < 4; i++)
        store(to + 16 * i, start[i]);
}

/* The same for many bytes that do not overlap: the processor's own way. */
static void move_many(uint8_t *to, const uint8_t *from, size_t bytes)
{
    __m128i last = load(from + bytes - 16);
    void *at = to;
    size_t words = bytes / 8;

    __asm__ volatile("rep movsq" : "+D"(at), "+S"(from), "+c"(words) : : "memory");
    store(to + bytes - 16, last);
}

void *wasm_move(void *to, const void *from, size_t bytes)
{
    /* How far the target's start is behind the source's; large when it is before it. */
    size_t behind = (size_t)((uintptr_t)to - (uintptr_t)from);

    if (bytes < 16)
        move_few(to, from, bytes);
    else if (bytes <= 64)
        move_some(to, from, bytes);
    else if (behind < bytes)
        move_down(to, from, bytes);
    else if (bytes < STRING_BYTES || -behind < bytes)
        move_up(to, from, bytes);
    else
        move_many(to, from, bytes);
    return to;
}
