/* Values as people write them: sizes, times, shares of a CPU, counts, paths, text. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "build/manifest_internal.h"

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit byte_units[] = {
    {"", 1},          {"B", 1},       {"K", 1 << 10},   {"KiB", 1 << 10},  {"M", 1 << 20},
    {"MiB", 1 << 20}, {"G", 1 << 30}, {"GiB", 1 << 30}, {"T", 1ull << 40}, {"TiB", 1ull << 40},
};

static const struct unit time_units[] = {
    {"ms", 1},
    {"s", 1000},
    {"m", 60 * 1000},
    {"h", 60 * 60 * 1000},
};

struct value_shown value_show(const char *text)
{
    struct value_shown shown;
    size_t i = 0;

    for (; text[i] && i < 40; i++) {
        unsigned char c = (unsigned char)text[i];
        shown.text[i] = c < 0x20 || c >= 0x7f ? '?' : (char)c;
    }
    strcpy(shown.text + i, text[i] ? "..." : "");
    return shown;
}

/* Decimal digits at *text, at least one; moves behind them. */
static int digits(const char **text, uint64_t *ret_number, struct err *reason)
{
    uint64_t number = 0;
    const char *p = *text;

    if (*p < '0' || *p > '9')
        return err_say(reason, -EINVAL, "it does not begin with a number");
    for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(number, 10u, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*p - '0'), &number))
            return err_say(reason, -EINVAL, "it is too large");
    *text = p;
    *ret_number = number;
    return 0;
}

static int with_unit(const char *text, const struct unit *units, size_t unit_count,
                     const char *unit_names, uint64_t *ret_value, struct err *reason)
{
    uint64_t number;
    int r = digits(&text, &number, reason);

    if (r < 0)
        return r;
    if (*text == ' ' && text[1] != '\0')
        text++;
    for (size_t i = 0; i < unit_count; i++) {
        if (strcmp(text, units[i].name) != 0)
            continue;
        if (__builtin_mul_overflow(number, units[i].factor, ret_value))
            return err_say(reason, -EINVAL, "it is too large");
        return 0;
    }
    if (*text == '\0')
        return err_say(reason, -EINVAL, "it has no unit (%s)", unit_names);
    return err_say(reason, -EINVAL, "'%s' is not one of the units %s", value_show(text).text,
                   unit_names);
}

int value_bytes(const char *text, uint64_t *ret_bytes, struct err *reason)
{
    return with_unit(text, byte_units, ARRAY_LEN(byte_units), "B, KiB, MiB, GiB, TiB", ret_bytes,
                     reason);
}

int value_duration(const char *text, uint64_t *ret_ms, struct err *reason)
{
    return with_unit(text, time_units, ARRAY_LEN(time_units), "ms, s, m, h", ret_ms, reason);
}

int value_count(const char *text, uint64_t *ret_count, struct err *reason)
{
    uint64_t count;
    int r = digits(&text, &count, reason);

    if (r < 0)
        return r;
    if (*text != '\0')
        return err_say(reason, -EINVAL, "it is not a whole number");
    *ret_count = count;
    return 0;
}

int value_cpus(const char *text, uint64_t *ret_millis, struct err *reason)
{
    uint64_t whole, millis = 0;
    unsigned unit = 100;
    int r = digits(&text, &whole, reason);

    if (r < 0)
        return r;
    if (*text == '.') {
        text++;
        if (*text == '\0')
            return err_say(reason, -EINVAL, "it has nothing behind the point");
        for (; *text >= '0' && *text <= '9'; text++, unit /= 10) {
            if (unit == 0)
                return err_say(reason, -EINVAL, "it has more than three digits behind the point");
            millis += (uint64_t)(*text - '0') * unit;
        }
    }
    if (*text != '\0')
        return err_say(reason, -EINVAL, "it is not a number such as 0.5 or 2");
    if (whole > UINT32_MAX)
        return err_say(reason, -EINVAL, "it is too large");
    *ret_millis = whole * 1000 + millis;
    return 0;
}

void value_bytes_text(uint64_t bytes, const char *space, char *text, size_t size)
{
    static const struct unit units[] = {
        {"TiB", 1ull << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}};

    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (bytes == 0 || bytes % units[i].factor != 0)
            continue;
        snprintf(text, size, "%" PRIu64 "%s%s", bytes / units[i].factor, space, units[i].name);
        return;
    }
    snprintf(text, size, "%" PRIu64 "%sB", bytes, space);
}

void manifest_bytes_text(uint64_t bytes, char *text, size_t size)
{
    value_bytes_text(bytes, " ", text, size);
}

void value_duration_text(uint64_t ms, char *text, size_t size)
{
    for (size_t i = ARRAY_LEN(time_units); i-- > 0;) {
        if (ms % time_units[i].factor != 0 || (ms == 0 && i > 1))
            continue;
        snprintf(text, size, "%" PRIu64 "%s", ms / time_units[i].factor, time_units[i].name);
        return;
    }
}

void value_cpus_text(uint64_t millis, char *text, size_t size)
{
    unsigned part = (unsigned)(millis % 1000);
    int digits_kept = 3;

    if (part == 0) {
        snprintf(text, size, "%" PRIu64, millis / 1000);
        return;
    }
    for (; part % 10 == 0; part /= 10)
        digits_kept--;
    snprintf(text, size, "%" PRIu64 ".%0*u", millis / 1000, digits_kept, part);
}

/* The code point at *p, which moves behind it; negative when it is not UTF-8 (RFC 3629). */
static int32_t code_point(const unsigned char **p)
{
    static const struct {
        uint8_t mask, lead;
        int more;
        int32_t least;
    } forms[] = {{0x80, 0x00, 0, 0},
                 {0xe0, 0xc0, 1, 0x80},
                 {0xf0, 0xe0, 2, 0x800},
                 {0xf8, 0xf0, 3, 0x10000}};

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if ((**p & forms[i].mask) != forms[i].lead)
            continue;
        int32_t point = *(*p)++ & (uint8_t)~forms[i].mask;
        for (int k = 0; k < forms[i].more; k++, (*p)++) {
            if ((**p & 0xc0) != 0x80)
                return -1;
            point = (point << 6) | (**p & 0x3f);
        }
        bool is_surrogate = point >= 0xd800 && point <= 0xdfff;
        return point < forms[i].least || point > 0x10ffff || is_surrogate ? -1 : point;
    }
    return -1;
}

bool value_text_is_proper(const char *text, bool multiline)
{
    const unsigned char *p = (const unsigned char *)text;

    while (*p) {
        int32_t point = code_point(&p);
        if (point < 0 || point == 0x7f)
            return false;
        if (point < 0x20 && !(multiline && (point == '\t' || point == '\n')))
            return false;
    }
    return true;
}

int value_path(const char *text, size_t size, struct err *reason)
{
    if (text[0] != '/')
        return err_say(reason, -EINVAL, "it is not absolute");
    if (text[1] == '\0')
        return err_say(reason, -EINVAL, "it is '/'");
    if (strlen(text) >= size)
        return err_say(reason, -EINVAL, "it is longer than %zu bytes", size - 1);
    if (!value_text_is_proper(text, false))
        return err_say(reason, -EINVAL, "it has control characters or is not UTF-8");
    for (const char *part = text + 1;;) {
        size_t length = strcspn(part, "/");
        if (length == 0)
            return err_say(reason, -EINVAL, "it has an empty part");
        if ((length == 1 && part[0] == '.') || (length == 2 && memcmp(part, "..", 2) == 0))
            return err_say(reason, -EINVAL, "it has a part '.' or '..'");
        if (part[length] == '\0')
            return 0;
        part += length + 1;
    }
}
