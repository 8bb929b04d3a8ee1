/*
 * Runs an example's handler natively, without a sandbox, so that sanitizers see it.
 *
 *     harness call FILE [QUERY]           answer to stdout, "status N" and headers to stderr
 *     harness storm FILE SEED COUNT [QUERY]
 *         the handler on every (or 500) truncations and COUNT mutations of FILE: it may refuse
 *         them, it may not crash, write past its buffer or return more than it was given
 *
 * Links with one example's sources and native_call.c.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vireo/function.h>

#include "native_call.h"

#define ANSWER_BYTES (6u << 20)
#define STORM_ANSWER_BYTES (100u << 10) /* below the size at which malloc asks the kernel */
#define TRUNCATIONS 500

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap);

static uint64_t random_state;

/* xorshift64*: the same seed gives the same storm everywhere. */
static uint64_t random_next(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 2685821657736338717u;
}

static uint8_t *file_read(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "rb");
    size_t size = 0, capacity = 1 << 16;
    uint8_t *data = malloc(capacity);

    if (!file || !data) {
        fprintf(stderr, "cannot read '%s': %s\n", path, strerror(errno));
        exit(2);
    }
    for (size_t got; (got = fread(data + size, 1, capacity - size, file)) > 0;) {
        size += got;
        if (size == capacity && !(data = realloc(data, capacity *= 2)))
            exit(2);
    }
    fclose(file);
    *ret_size = size;
    return data;
}

/* Calls with copies of exactly these sizes: the sanitizer sees one byte too many. */
static void call_exactly(const uint8_t *data, size_t size, size_t answer_size)
{
    uint8_t *in = malloc(size), *out = malloc(answer_size);

    if ((size && !in) || (answer_size && !out))
        exit(2);
    if (size)
        memcpy(in, data, size);
    native_call_reset();
    int64_t answer = handler(in, size, out, answer_size);
    if (answer > (int64_t)answer_size) {
        fprintf(stderr, "the handler returned %lld of %zu bytes\n", (long long)answer, answer_size);
        abort();
    }
    free(in);
    free(out);
}

static void mutate(uint8_t *data, size_t *size, size_t capacity)
{
    for (uint64_t edits = 1 + random_next() % 8; edits > 0 && *size > 0; edits--) {
        size_t at = random_next() % *size, length = 1 + random_next() % 16;
        switch (random_next() % 5) {
        case 0:
            data[at] ^= (uint8_t)(1u << random_next() % 8);
            break;
        case 1:
            data[at] = (uint8_t)random_next();
            break;
        case 2: /* a piece goes */
            length = length < *size - at ? length : *size - at;
            memmove(data + at, data + at + length, *size - at - length);
            *size -= length;
            break;
        case 3: { /* a piece comes from elsewhere */
            size_t from = random_next() % *size;
            length = length < *size - from ? length : *size - from;
            length = length < *size - at ? length : *size - at;
            memmove(data + at, data + from, length);
            break;
        }
        default: /* a byte is repeated */
            if (*size + length > capacity)
                break;
            memmove(data + at + length, data + at, *size - at);
            memset(data + at, data[at], length);
            *size += length;
        }
    }
}

static void storm(const uint8_t *data, size_t size, uint64_t seed, long count)
{
    static const size_t answers[] = {ANSWER_BYTES, 65536, 1000, 64, 1, 0};
    size_t step = size / TRUNCATIONS + 1, capacity = size + 4096;
    uint8_t *mutated = malloc(capacity);

    if (!mutated)
        exit(2);
    random_state = seed | 1;
    for (size_t length = 0; length <= size; length += step)
        call_exactly(data, length, STORM_ANSWER_BYTES);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        call_exactly(data, size, answers[i]);
    for (long i = 0; i < count; i++) {
        size_t length = size;
        memcpy(mutated, data, size);
        mutate(mutated, &length, capacity);
        call_exactly(mutated, length, i % 8 ? STORM_ANSWER_BYTES : answers[(size_t)i / 8 % 6]);
    }
    free(mutated);
}

int main(int argc, char **argv)
{
    size_t size;

    if (argc >= 3 && strcmp(argv[1], "call") == 0) {
        uint8_t *data = file_read(argv[2], &size), *out = malloc(ANSWER_BYTES);
        if (!out)
            return 2;
        native_call_query(argc > 3 ? argv[3] : NULL);
        native_call_reset();
        int64_t answer = handler(data, size, out, ANSWER_BYTES);
        native_call_print(stderr);
        if (answer > 0)
            fwrite(out, 1, (size_t)answer, stdout);
        free(data);
        free(out);
        return answer < 0 ? 1 : 0;
    }
    if (argc >= 5 && strcmp(argv[1], "storm") == 0) {
        uint8_t *data = file_read(argv[2], &size);
        native_call_query(argc > 5 ? argv[5] : NULL);
        storm(data, size, strtoull(argv[3], NULL, 10), strtol(argv[4], NULL, 10));
        free(data);
        return 0;
    }
    fprintf(stderr, "usage: %s call FILE [QUERY] | storm FILE SEED COUNT [QUERY]\n", argv[0]);
    return 2;
}
