/* RESP as clients write it: arrays of bulk strings, or a line of words. */
#include <string.h>

#include "kv.h"

#define LINE_MAX_BYTES (64u << 10)

struct reader {
    const char *at, *end;
};

/* A line's number, behind its first character. As request_parse(). */
static int read_number(struct reader *reader, long limit, long *ret_number)
{
    const char *at = reader->at;
    long number = 0;
    bool negative = at < reader->end && *at == '-';

    at += negative;
    const char *first = at;
    for (; at < reader->end && *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (*at - '0');
        if (number > limit)
            return -1;
    }
    if (at == reader->end)
        return at - first > 20 ? -1 : 0;
    if (*at != '\r' || at == first)
        return -1;
    if (reader->end - at < 2)
        return 0;
    if (at[1] != '\n')
        return -1;
    reader->at = at + 2;
    *ret_number = negative ? -number : number;
    return 1;
}

/* "$3\r\nfoo\r\n" */
static int read_bulk(struct reader *reader, struct text *ret_text, const char **ret_error)
{
    long bytes;

    if (reader->at == reader->end)
        return 0;
    *ret_error = "ERR Protocol error: expected '$'";
    if (*reader->at != '$')
        return -1;
    reader->at++;
    *ret_error = "ERR Protocol error: invalid bulk length";
    int r = read_number(reader, BULK_MAX, &bytes);
    if (r <= 0)
        return r;
    if (bytes < 0)
        return -1;
    if (reader->end - reader->at < bytes + 2)
        return 0;
    if (reader->at[bytes] != '\r' || reader->at[bytes + 1] != '\n')
        return -1;
    *ret_text = (struct text){reader->at, (uint32_t)bytes};
    reader->at += bytes + 2;
    return 1;
}

/* Words between blanks; a line without any has none. */
static int read_line(struct reader *reader, struct text *arguments, uint32_t *ret_count,
                     const char **ret_error)
{
    const char *end = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
    uint32_t count = 0;

    *ret_error = "ERR Protocol error: too big inline request";
    if (!end)
        return reader->end - reader->at > (long)LINE_MAX_BYTES ? -1 : 0;
    for (const char *at = reader->at; at < end;) {
        if (*at == ' ' || *at == '\t' || *at == '\r') {
            at++;
            continue;
        }
        const char *word = at;
        while (at < end && *at != ' ' && *at != '\t' && *at != '\r')
            at++;
        if (count == ARGUMENTS_MAX)
            return -1;
        arguments[count++] = (struct text){word, (uint32_t)(at - word)};
    }
    reader->at = end + 1;
    *ret_count = count;
    return 1;
}

int request_parse(const char *data, uint32_t bytes, struct text *arguments, uint32_t *ret_count,
                  uint32_t *ret_bytes, const char **ret_error)
{
    struct reader reader = {data, data + bytes};
    long count = 0;
    int r;

    if (bytes == 0)
        return 0;
    if (*data != '*') {
        r = read_line(&reader, arguments, ret_count, ret_error);
        *ret_bytes = (uint32_t)(reader.at - data);
        return r;
    }
    reader.at++;
    *ret_error = "ERR Protocol error: invalid multibulk length";
    r = read_number(&reader, ARGUMENTS_MAX, &count);
    for (long i = 0; i < count && r > 0; i++)
        r = read_bulk(&reader, &arguments[i], ret_error);
    if (r == 0 && bytes >= REQUEST_MAX) {
        *ret_error = "ERR Protocol error: too big request";
        return -1;
    }
    if (r <= 0)
        return r;
    *ret_count = count > 0 ? (uint32_t)count : 0;
    *ret_bytes = (uint32_t)(reader.at - data);
    return 1;
}
