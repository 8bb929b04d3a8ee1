/* A strict JSON reader without recursion: what is open is a stack of one bit a level. */
#include <stdarg.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

struct parser {
    const char *text;
    size_t size, at;
    const struct json_visitor *visitor;
    struct json_error *error;
    enum json_kind open[JSON_DEPTH_MAX];
    size_t depth;
    char *scratch; /* decoded strings; as large as the text */
};

__attribute__((format(printf, 3, 4))) static bool fail(struct parser *parser, size_t at,
                                                       const char *format, ...)
{
    struct json_error *error = parser->error;
    va_list args;

    error->line = error->column = 1;
    for (size_t i = 0; i < at; i++) {
        if (parser->text[i] == '\n') {
            error->line++;
            error->column = 1;
        } else if (((unsigned char)parser->text[i] & 0xc0) != 0x80) {
            error->column++;
        }
    }
    va_start(args, format);
    vsnprintf(error->message, sizeof error->message, format, args);
    va_end(args);
    return false;
}

static bool unexpected(struct parser *parser, const char *wanted)
{
    if (parser->at >= parser->size)
        return fail(parser, parser->at, "expected %s, the text ends", wanted);
    unsigned char c = (unsigned char)parser->text[parser->at];
    if (c > ' ' && c < 0x7f)
        return fail(parser, parser->at, "expected %s, found '%c'", wanted, c);
    return fail(parser, parser->at, "expected %s, found byte 0x%02x", wanted, c);
}

static void skip_space(struct parser *parser)
{
    while (parser->at < parser->size) {
        char c = parser->text[parser->at];
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return;
        parser->at++;
    }
}

/* The next character, NUL at the end (a NUL inside the text is no character of JSON either). */
static char peek(const struct parser *parser)
{
    return parser->at < parser->size ? parser->text[parser->at] : 0;
}

static size_t digits(struct parser *parser)
{
    size_t start = parser->at;

    while (peek(parser) >= '0' && peek(parser) <= '9')
        parser->at++;
    return parser->at - start;
}

static bool parse_number(struct parser *parser)
{
    size_t start = parser->at;

    if (peek(parser) == '-')
        parser->at++;
    size_t whole = parser->at, count = digits(parser);
    if (count == 0)
        return unexpected(parser, "a digit");
    if (count > 1 && parser->text[whole] == '0')
        return fail(parser, whole, "a number doesn't begin with 0");
    if (peek(parser) == '.') {
        parser->at++;
        if (digits(parser) == 0)
            return unexpected(parser, "a digit");
    }
    if (peek(parser) == 'e' || peek(parser) == 'E') {
        parser->at++;
        if (peek(parser) == '+' || peek(parser) == '-')
            parser->at++;
        if (digits(parser) == 0)
            return unexpected(parser, "a digit");
    }
    /* The grammar above leaves strtod no other place to stop, but for hexadecimal: "0x1". */
    if (peek(parser) == 'x' || peek(parser) == 'X')
        return unexpected(parser, "the end of a number");
    double number = strtod(parser->text + start, NULL);
    if (!isfinite(number))
        return fail(parser, start, "the number is too large for a double");
    parser->visitor->value(parser->visitor->user, JSON_NUMBER, number, 0);
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four digits behind "\u"; -1 when they are not there. */
static long hex4(struct parser *parser)
{
    long code = 0;

    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(peek(parser));
        if (digit < 0)
            return -1;
        code = code * 16 + digit;
        parser->at++;
    }
    return code;
}

static size_t utf8_put(long code, char *bytes)
{
    if (code < 0x80) {
        bytes[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        bytes[0] = (char)(0xc0 | code >> 6);
        bytes[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        bytes[0] = (char)(0xe0 | code >> 12);
        bytes[1] = (char)(0x80 | (code >> 6 & 0x3f));
        bytes[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    bytes[0] = (char)(0xf0 | code >> 18);
    bytes[1] = (char)(0x80 | (code >> 12 & 0x3f));
    bytes[2] = (char)(0x80 | (code >> 6 & 0x3f));
    bytes[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

/* Behind a backslash; appends to the scratch. */
static bool parse_escape(struct parser *parser, size_t *used)
{
    static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    size_t start = parser->at - 1;
    char c = peek(parser);
    const char *name = c ? strchr(names, c) : NULL;

    if (name) {
        parser->scratch[(*used)++] = meanings[name - names];
        parser->at++;
        return true;
    }
    if (c != 'u')
        return fail(parser, start, "no such escape in a string");
    parser->at++;
    long code = hex4(parser);
    if (code < 0)
        return unexpected(parser, "four hexadecimal digits");
    if (code >= 0xdc00 && code <= 0xdfff)
        return fail(parser, start, "half of a surrogate pair");
    if (code >= 0xd800 && code <= 0xdbff) {
        long low = -1;
        if (peek(parser) == '\\') {
            parser->at++;
            if (peek(parser) == 'u') {
                parser->at++;
                low = hex4(parser);
            }
        }
        if (low < 0xdc00 || low > 0xdfff)
            return fail(parser, start, "half of a surrogate pair");
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    *used += utf8_put(code, parser->scratch + *used);
    return true;
}

/* The length of the UTF-8 character at `p`, 0 when there is none. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
    size_t length = p[0] < 0x80   ? 1
                    : p[0] < 0xc2 ? 0
                    : p[0] < 0xe0 ? 2
                    : p[0] < 0xf0 ? 3
                    : p[0] < 0xf5 ? 4
                                  : 0;

    if (length == 0 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return length;
}

/* At a quote. The decoded bytes are in the scratch; *ret_characters counts what they spell. */
static bool parse_string(struct parser *parser, size_t *ret_size, size_t *ret_characters)
{
    size_t start = parser->at++, used = 0, characters = 0;

    for (;; characters++) {
        if (parser->at >= parser->size)
            return fail(parser, start, "a string without an end");
        unsigned char c = (unsigned char)parser->text[parser->at];
        if (c == '"')
            break;
        if (c < ' ')
            return fail(parser, parser->at, "control character 0x%02x in a string", c);
        if (c == '\\') {
            parser->at++;
            if (!parse_escape(parser, &used))
                return false;
            continue;
        }
        size_t length = utf8_length((const unsigned char *)parser->text + parser->at,
                                    parser->size - parser->at);
        if (length == 0)
            return fail(parser, parser->at, "byte 0x%02x is not UTF-8", c);
        memcpy(parser->scratch + used, parser->text + parser->at, length);
        used += length;
        parser->at += length;
    }
    parser->at++;
    *ret_size = used;
    *ret_characters = characters;
    return true;
}

static bool parse_word(struct parser *parser, const char *word, enum json_kind kind)
{
    size_t length = strlen(word);

    if (parser->size - parser->at < length || memcmp(parser->text + parser->at, word, length) != 0)
        return unexpected(parser, "a value");
    parser->at += length;
    parser->visitor->value(parser->visitor->user, kind, 0, 0);
    return true;
}

static bool parse_key(struct parser *parser)
{
    size_t size, characters;

    skip_space(parser);
    if (peek(parser) != '"')
        return unexpected(parser, "a key in quotes");
    if (!parse_string(parser, &size, &characters))
        return false;
    parser->visitor->key(parser->visitor->user, parser->scratch, size);
    skip_space(parser);
    if (peek(parser) != ':')
        return unexpected(parser, "':'");
    parser->at++;
    return true;
}

/* Opens an array or object; an empty one is closed at once and *ret_complete set. */
static bool parse_open(struct parser *parser, enum json_kind kind, bool *ret_complete)
{
    char close = kind == JSON_ARRAY ? ']' : '}';

    if (parser->depth == JSON_DEPTH_MAX)
        return fail(parser, parser->at, "more than %d levels deep", JSON_DEPTH_MAX);
    parser->at++;
    parser->visitor->value(parser->visitor->user, kind, 0, 0);
    skip_space(parser);
    *ret_complete = peek(parser) == close;
    if (*ret_complete) {
        parser->at++;
        parser->visitor->end(parser->visitor->user, kind);
        return true;
    }
    parser->open[parser->depth++] = kind;
    return kind == JSON_ARRAY || parse_key(parser);
}

/* One value, or the opening of one: *ret_complete says which. */
static bool parse_value(struct parser *parser, bool *ret_complete)
{
    size_t size, characters;

    skip_space(parser);
    *ret_complete = true;
    switch (peek(parser)) {
    case '{':
        return parse_open(parser, JSON_OBJECT, ret_complete);
    case '[':
        return parse_open(parser, JSON_ARRAY, ret_complete);
    case '"':
        if (!parse_string(parser, &size, &characters))
            return false;
        parser->visitor->value(parser->visitor->user, JSON_STRING, 0, characters);
        return true;
    case 't':
        return parse_word(parser, "true", JSON_TRUE);
    case 'f':
        return parse_word(parser, "false", JSON_FALSE);
    case 'n':
        return parse_word(parser, "null", JSON_NULL);
    default:
        if (peek(parser) == '-' || (peek(parser) >= '0' && peek(parser) <= '9'))
            return parse_number(parser);
        return unexpected(parser, "a value");
    }
}

/* Behind a value: closes what ends here, or stands before the next value. */
static bool parse_after(struct parser *parser)
{
    while (parser->depth > 0) {
        enum json_kind kind = parser->open[parser->depth - 1];
        char close = kind == JSON_ARRAY ? ']' : '}';

        skip_space(parser);
        if (peek(parser) == ',') {
            parser->at++;
            return kind == JSON_ARRAY || parse_key(parser);
        }
        if (peek(parser) != close)
            return unexpected(parser, kind == JSON_ARRAY ? "',' or ']'" : "',' or '}'");
        parser->at++;
        parser->depth--;
        parser->visitor->end(parser->visitor->user, kind);
    }
    return true;
}

bool json_parse(const char *text, size_t size, const struct json_visitor *visitor,
                struct json_error *ret_error)
{
    struct parser parser = {.text = text, .size = size, .visitor = visitor, .error = ret_error};
    bool good = true, complete;

    parser.scratch = malloc(size + 1);
    if (!parser.scratch)
        return fail(&parser, 0, "out of memory");
    do {
        good = parse_value(&parser, &complete);
        if (good && complete)
            good = parse_after(&parser);
    } while (good && parser.depth > 0);
    if (good) {
        skip_space(&parser);
        if (parser.at < size)
            good = unexpected(&parser, "the end of the text");
    }
    free(parser.scratch);
    return good;
}
