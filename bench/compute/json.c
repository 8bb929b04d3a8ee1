/* A JSON text of 8 MiB read 24 times: a state machine over bytes, calls, a switch a value. */
#include <string.h>

#include "timed.h"

#define TEXT_BYTES (8u << 20)
#define ROUNDS 24

static char *text;
static size_t text_size;

struct reader {
    const char *at, *end;
    uint64_t values, strings, depth_sum, hash;
    double sum;
};

static void add(const char *piece)
{
    size_t length = strlen(piece);

    memcpy(text + text_size, piece, length);
    text_size += length;
}

static void prepare(void)
{
    char record[256];

    text = timed_memory(TEXT_BYTES + 512);
    add("[");
    while (text_size < TEXT_BYTES) {
        /* One by one: the order in which arguments are evaluated is the compiler's choice. */
        uint32_t r[8];
        for (int i = 0; i < 8; i++)
            r[i] = timed_random() % 1000;
        snprintf(record, sizeof record,
                 "{\"id\": %u, \"name\": \"item \\\"%u\\\"\", \"price\": %u.%02u, \"tags\": [true, "
                 "null, %u], \"at\": {\"x\": -%u, \"y\": %ue-3}},\n",
                 r[0] * 1000 + r[1], r[2], r[3], r[4] % 100, r[5], r[6], r[7]);
        add(record);
    }
    add("0]");
}

static void space(struct reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\n' ||
                                        *reader->at == '\t' || *reader->at == '\r'))
        reader->at++;
}

static int read_string(struct reader *reader)
{
    uint64_t hash = reader->hash;

    for (reader->at++; reader->at < reader->end && *reader->at != '"'; reader->at++) {
        if (*reader->at == '\\' && ++reader->at == reader->end)
            return -1;
        hash = (hash ^ (uint8_t)*reader->at) * 1099511628211u;
    }
    if (reader->at++ >= reader->end)
        return -1;
    reader->hash = hash;
    reader->strings++;
    return 0;
}

static int read_number(struct reader *reader)
{
    double value = 0, scale = 1;
    int negative = *reader->at == '-', exponent = 0, exponent_negative = 0;

    reader->at += negative;
    if (reader->at == reader->end || *reader->at < '0' || *reader->at > '9')
        return -1;
    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
        value = value * 10 + (*reader->at++ - '0');
    if (reader->at < reader->end && *reader->at == '.')
        for (reader->at++; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9';)
            value += (*reader->at++ - '0') * (scale /= 10);
    if (reader->at < reader->end && (*reader->at | 0x20) == 'e') {
        exponent_negative = *++reader->at == '-';
        reader->at += exponent_negative;
        while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
            exponent = exponent * 10 + (*reader->at++ - '0');
    }
    for (; exponent > 0; exponent--)
        value = exponent_negative ? value / 10 : value * 10;
    reader->sum += negative ? -value : value;
    return 0;
}

static int read_value(struct reader *reader, unsigned depth);

static int read_members(struct reader *reader, char close, unsigned depth)
{
    reader->at++;
    space(reader);
    if (reader->at < reader->end && *reader->at == close) {
        reader->at++;
        return 0;
    }
    for (;;) {
        if (close == '}') {
            space(reader);
            if (reader->at == reader->end || *reader->at != '"' || read_string(reader) < 0)
                return -1;
            space(reader);
            if (reader->at == reader->end || *reader->at++ != ':')
                return -1;
        }
        if (read_value(reader, depth + 1) < 0)
            return -1;
        space(reader);
        if (reader->at == reader->end)
            return -1;
        if (*reader->at == close) {
            reader->at++;
            return 0;
        }
        if (*reader->at++ != ',')
            return -1;
    }
}

static int read_word(struct reader *reader, const char *word, size_t length)
{
    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0)
        return -1;
    reader->at += length;
    return 0;
}

static int read_value(struct reader *reader, unsigned depth)
{
    space(reader);
    if (reader->at == reader->end || depth > 100)
        return -1;
    reader->values++;
    reader->depth_sum += depth;
    switch (*reader->at) {
    case '{':
        return read_members(reader, '}', depth);
    case '[':
        return read_members(reader, ']', depth);
    case '"':
        return read_string(reader);
    case 't':
        return read_word(reader, "true", 4);
    case 'f':
        return read_word(reader, "false", 5);
    case 'n':
        return read_word(reader, "null", 4);
    default:
        return read_number(reader);
    }
}

static uint64_t work(void)
{
    struct reader reader = {.hash = TIMED_HASH_START};

    for (int round = 0; round < ROUNDS; round++) {
        reader.at = text;
        reader.end = text + text_size;
        if (read_value(&reader, 0) < 0)
            exit(1);
    }
    uint64_t bits;
    memcpy(&bits, &reader.sum, sizeof bits);
    return reader.hash ^ bits ^ reader.values << 20 ^ reader.strings << 40 ^ reader.depth_sum;
}

TIMED_MAIN(prepare, work)
