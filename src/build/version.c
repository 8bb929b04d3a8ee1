/* Comparing versions, and reading ranges of them. */
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/limits.h"
#include "build/version.h"

#define SEPARATORS " ,"

enum condition_kind { AT_LEAST, AT_MOST, ABOVE, BELOW, EXACTLY, NOT };

static const struct {
    const char *text;
    enum condition_kind kind;
} operators[] = {{">=", AT_LEAST}, {"<=", AT_MOST}, {"!=", NOT},
                 {">", ABOVE},     {"<", BELOW},    {"=", EXACTLY}};

struct condition {
    enum condition_kind kind;
    char version[VERSION_MAX_BYTES + 1];
};

/* Length of the part at `text`: up to a point or the end of what is compared. */
static size_t part_length(const char *text)
{
    return strcspn(text, ".-+");
}

static int compare_parts(const char *one, size_t one_length, const char *other, size_t other_length)
{
    if (strspn(one, "0123456789") >= one_length && strspn(other, "0123456789") >= other_length) {
        for (; one_length > 0 && *one == '0'; one_length--)
            one++;
        for (; other_length > 0 && *other == '0'; other_length--)
            other++;
        if (one_length != other_length)
            return one_length < other_length ? -1 : 1;
        return memcmp(one, other, one_length);
    }
    int order = memcmp(one, other, one_length < other_length ? one_length : other_length);
    if (order != 0 || one_length == other_length)
        return order;
    return one_length < other_length ? -1 : 1;
}

/* Moves *text behind a part and its point; at a '-', a '+' or the end there is none: "". */
static size_t take_part(const char **text, const char **ret_part)
{
    size_t length = part_length(*text);

    *ret_part = *text;
    *text += length;
    if (**text == '.')
        ++*text;
    return length;
}

static int compare_dotted(const char *one, const char *other)
{
    while (*one || *other) {
        const char *part, *other_part;
        bool ends = *one == '-' || *one == '+' || !*one;
        bool other_ends = *other == '-' || *other == '+' || !*other;
        if (ends && other_ends)
            return 0;
        size_t length = ends ? 0 : take_part(&one, &part);
        size_t other_length = other_ends ? 0 : take_part(&other, &other_part);
        int order =
            compare_parts(length ? part : "", length, other_length ? other_part : "", other_length);
        if (order != 0)
            return order;
    }
    return 0;
}

int version_compare(const char *one, const char *other)
{
    int order = compare_dotted(one, other);

    if (order != 0)
        return order;
    const char *tail = one + strcspn(one, "-+"), *other_tail = other + strcspn(other, "-+");
    bool before = *tail == '-', other_before = *other_tail == '-';
    if (before != other_before)
        return before ? -1 : 1;
    return before ? compare_dotted(tail + 1, other_tail + 1) : 0;
}

/* The condition at *range, which moves behind it and its separators. False: there is none. */
static bool take_condition(const char **range, struct condition *ret_condition)
{
    const char *at = *range;

    ret_condition->kind = EXACTLY;
    for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
        size_t length = strlen(operators[i].text);
        if (strncmp(at, operators[i].text, length) != 0)
            continue;
        ret_condition->kind = operators[i].kind;
        at += length;
        at += strspn(at, " ");
        break;
    }
    size_t length = strcspn(at, SEPARATORS);
    if (length == 0 || length >= sizeof ret_condition->version || !isalnum((unsigned char)*at))
        return false;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)at[i]) && !strchr(".-_+", at[i]))
            return false;
    memcpy(ret_condition->version, at, length);
    ret_condition->version[length] = '\0';
    at += length;
    *range = at + strspn(at, SEPARATORS);
    return true;
}

static bool is_any(const char *range)
{
    return range[0] == '\0' || strcmp(range, "*") == 0;
}

int version_range_check(const char *range, struct err *reason)
{
    struct condition condition;

    while (!is_any(range)) {
        if (!take_condition(&range, &condition))
            return err_say(reason, -EINVAL, "a range is conditions such as '>=1.2 <2', or '*'");
    }
    return 0;
}

static bool holds(const struct condition *condition, int order)
{
    switch (condition->kind) {
    case AT_LEAST:
        return order >= 0;
    case AT_MOST:
        return order <= 0;
    case ABOVE:
        return order > 0;
    case BELOW:
        return order < 0;
    case NOT:
        return order != 0;
    case EXACTLY:
        break;
    }
    return order == 0;
}

bool version_in_range(const char *version, const char *range)
{
    struct condition condition;

    while (!is_any(range)) {
        if (!take_condition(&range, &condition) ||
            !holds(&condition, version_compare(version, condition.version)))
            return false;
    }
    return true;
}
