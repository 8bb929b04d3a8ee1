/* RESP as a server writes it. */
#include <string.h>

#include "kv.h"

uint32_t number_text(int64_t number, char text[21])
{
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    char digits[20];
    uint32_t count = 0, at = 0;

    do
        digits[count++] = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (number < 0)
        text[at++] = '-';
    while (count > 0)
        text[at++] = digits[--count];
    return at;
}

/* ":5\r\n", "$5\r\n", "*5\r\n". */
static void add_number(struct buffer *out, char kind, int64_t number)
{
    char text[24];

    text[0] = kind;
    uint32_t end = 1 + number_text(number, text + 1);
    text[end++] = '\r';
    text[end++] = '\n';
    buffer_add(out, text, end);
}

void answer_simple(struct buffer *out, const char *word)
{
    buffer_add(out, "+", 1);
    buffer_add(out, word, (uint32_t)strlen(word));
    buffer_add(out, "\r\n", 2);
}

void answer_error(struct buffer *out, const char *words)
{
    buffer_add(out, "-", 1);
    buffer_add(out, words, (uint32_t)strlen(words));
    buffer_add(out, "\r\n", 2);
}

void answer_number(struct buffer *out, int64_t number)
{
    add_number(out, ':', number);
}

void answer_bulk(struct buffer *out, const char *data, uint32_t bytes)
{
    add_number(out, '$', bytes);
    buffer_add(out, data, bytes);
    buffer_add(out, "\r\n", 2);
}

void answer_none(struct buffer *out)
{
    buffer_add(out, "$-1\r\n", 5);
}

void answer_array(struct buffer *out, uint32_t count)
{
    add_number(out, '*', count);
}
