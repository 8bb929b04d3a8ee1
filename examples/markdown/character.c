/* Classes of characters, UTF-8 and HTML entities. */
#include <string.h>

#include "character.h"

bool is_space_or_tab(char c)
{
    return c == ' ' || c == '\t';
}

bool is_ascii_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool is_ascii_punctuation(char c)
{
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
           (c >= '{' && c <= '~');
}

bool is_ascii_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_ascii_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool is_unicode_space(uint32_t code)
{
    return code == 0 || (code < 0x80 && is_ascii_space((char)code)) || code == 0xa0 ||
           code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x202f ||
           code == 0x205f || code == 0x3000;
}

bool is_unicode_punctuation(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0xa1, 0xa9},     {0xab, 0xac},     {0xae, 0xb1},       {0xb4, 0xb4},     {0xb6, 0xb8},
        {0xbb, 0xbb},     {0xbf, 0xbf},     {0xd7, 0xd7},       {0xf7, 0xf7},     {0x2c2, 0x2c5},
        {0x37e, 0x37e},   {0x387, 0x387},   {0x55a, 0x55f},     {0x589, 0x58a},   {0x5be, 0x5be},
        {0x60c, 0x60d},   {0x61b, 0x61b},   {0x66a, 0x66d},     {0x964, 0x965},   {0x2010, 0x2027},
        {0x2030, 0x205e}, {0x207a, 0x207e}, {0x20a0, 0x20c0},   {0x2100, 0x2101}, {0x2190, 0x23ff},
        {0x2500, 0x2775}, {0x2794, 0x2bff}, {0x2e00, 0x2e5d},   {0x3001, 0x3003}, {0x3008, 0x3020},
        {0x30fb, 0x30fb}, {0xfe10, 0xfe19}, {0xfe30, 0xfe66},   {0xff01, 0xff0f}, {0xff1a, 0xff20},
        {0xff3b, 0xff40}, {0xff5b, 0xff65}, {0x1f000, 0x1faff},
    };

    if (code < 0x80)
        return is_ascii_punctuation((char)code);
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

uint32_t utf8_at(const char *data, size_t size)
{
    const uint8_t *p = (const uint8_t *)data;

    if (size == 0)
        return 0;
    if (p[0] < 0x80)
        return p[0];
    if (p[0] < 0xe0 && size >= 2)
        return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
    if (p[0] < 0xf0 && size >= 3)
        return (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
    if (size >= 4)
        return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 |
               (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
    return 0xfffd;
}

uint32_t utf8_before(const char *start, const char *end)
{
    const char *at = end;

    if (at == start)
        return 0;
    do
        at--;
    while (at > start && ((uint8_t)*at & 0xc0) == 0x80);
    return utf8_at(at, (size_t)(end - at));
}

size_t utf8_put(uint32_t code, char bytes[4])
{
    if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        code = 0xfffd;
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

size_t utf8_valid_prefix(const uint8_t *data, size_t size)
{
    size_t at = 0;

    while (at < size) {
        uint8_t first = data[at];
        size_t length = first < 0x80   ? 1
                        : first < 0xc2 ? 0
                        : first < 0xe0 ? 2
                        : first < 0xf0 ? 3
                        : first < 0xf5 ? 4
                                       : 0;
        if (length == 0 || length > size - at)
            return at;
        for (size_t i = 1; i < length; i++)
            if ((data[at + i] & 0xc0) != 0x80)
                return at;
        /* Overlong forms, surrogates, and what is past U+10FFFF. */
        if ((first == 0xe0 && data[at + 1] < 0xa0) || (first == 0xed && data[at + 1] > 0x9f) ||
            (first == 0xf0 && data[at + 1] < 0x90) || (first == 0xf4 && data[at + 1] > 0x8f))
            return at;
        at += length;
    }
    return size;
}

static size_t numeric_entity(const char *data, size_t size, char ret_bytes[4], size_t *ret_count)
{
    bool hex = size > 2 && (data[2] == 'x' || data[2] == 'X');
    size_t start = hex ? 3 : 2, at = start;
    uint32_t code = 0;

    for (; at < size && at - start <= 7; at++) {
        char c = data[at], lower = (char)(c | 0x20);
        if (is_ascii_digit(c))
            code = code * (hex ? 16 : 10) + (uint32_t)(c - '0');
        else if (hex && lower >= 'a' && lower <= 'f')
            code = code * 16 + (uint32_t)(lower - 'a' + 10);
        else
            break;
    }
    size_t digits = at - start;
    if (digits == 0 || digits > (hex ? 6 : 7) || at == size || data[at] != ';')
        return 0;
    *ret_count = utf8_put(code, ret_bytes);
    return at + 1;
}

size_t entity_at(const char *data, size_t size, char ret_bytes[4], size_t *ret_count)
{
    static const struct {
        const char *name;
        uint32_t code;
    } entities[] = {
        {"amp;", '&'},      {"lt;", '<'},        {"gt;", '>'},       {"quot;", '"'},
        {"apos;", '\''},    {"nbsp;", 0xa0},     {"copy;", 0xa9},    {"reg;", 0xae},
        {"trade;", 0x2122}, {"hellip;", 0x2026}, {"ndash;", 0x2013}, {"mdash;", 0x2014},
        {"lsquo;", 0x2018}, {"rsquo;", 0x2019},  {"ldquo;", 0x201c}, {"rdquo;", 0x201d},
        {"laquo;", 0xab},   {"raquo;", 0xbb},    {"bull;", 0x2022},  {"middot;", 0xb7},
        {"sect;", 0xa7},    {"para;", 0xb6},     {"deg;", 0xb0},     {"plusmn;", 0xb1},
        {"times;", 0xd7},   {"divide;", 0xf7},   {"frac12;", 0xbd},  {"frac34;", 0xbe},
        {"micro;", 0xb5},   {"cent;", 0xa2},     {"pound;", 0xa3},   {"yen;", 0xa5},
        {"euro;", 0x20ac},  {"larr;", 0x2190},   {"rarr;", 0x2192},  {"uarr;", 0x2191},
        {"darr;", 0x2193},  {"harr;", 0x2194},   {"auml;", 0xe4},    {"ouml;", 0xf6},
        {"uuml;", 0xfc},    {"Auml;", 0xc4},     {"Ouml;", 0xd6},    {"Uuml;", 0xdc},
        {"szlig;", 0xdf},   {"eacute;", 0xe9},   {"egrave;", 0xe8},  {"ccedil;", 0xe7},
        {"ntilde;", 0xf1},  {"infin;", 0x221e},  {"ne;", 0x2260},    {"le;", 0x2264},
        {"ge;", 0x2265},    {"alpha;", 0x3b1},   {"beta;", 0x3b2},   {"pi;", 0x3c0},
        {"check;", 0x2713}, {"AElig;", 0xc6},    {"Dcaron;", 0x10e},
    };

    if (size < 3 || data[0] != '&')
        return 0;
    if (data[1] == '#')
        return numeric_entity(data, size, ret_bytes, ret_count);
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
        size_t length = strlen(entities[i].name);
        if (size - 1 >= length && memcmp(data + 1, entities[i].name, length) == 0) {
            *ret_count = utf8_put(entities[i].code, ret_bytes);
            return length + 1;
        }
    }
    return 0;
}
