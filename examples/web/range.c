/* What of a file is the answer to a request: RFC 9110, 13 and 14. */
#include <string.h>
#include <strings.h>

#include "web.h"

/* Digits of a number; where they end. What is too large for one is the largest. */
static const char *number_of(const char *text, uint64_t *ret_number)
{
    uint64_t number = 0;

    for (; *text >= '0' && *text <= '9'; text++)
        number =
            number > (UINT64_MAX - 9) / 10 ? UINT64_MAX : number * 10 + (uint64_t)(*text - '0');
    *ret_number = number;
    return text;
}

/* One range of bytes. False: it is none, or several: then the whole file is the answer. */
static bool range_parse(const char *text, uint64_t size, struct part *ret_part)
{
    uint64_t first, last, past = size;

    if (strncasecmp(text, "bytes=", 6) != 0)
        return false;
    text += 6;
    const char *dash = number_of(text, &first);
    if (*dash != '-')
        return false;
    const char *end = number_of(dash + 1, &last);
    bool has_first = dash > text, has_last = end > dash + 1;
    if (*end || (!has_first && !has_last) || (has_first && has_last && last < first))
        return false;
    if (!has_first) /* so many of its end */
        first = last < size ? size - last : 0, past = last > 0 ? size : 0;
    else if (has_last && last < size)
        past = last + 1;
    *ret_part =
        first < past ? (struct part){206, first, past - first} : (struct part){.status = 416};
    return true;
}

/*
 * Whether If-Range lets a part be the answer: only if the file is what the client has a part of. A
 * date tells that once its second is over; we give no entity tags, so that one is never ours.
 */
static bool range_holds(const struct request *request, const struct file *file,
                        const char *modified, time_t now)
{
    return !request->if_range[0] ||
           (strcmp(request->if_range, modified) == 0 && now > (time_t)file->modified + 1);
}

struct part part_of(const struct request *request, const struct file *file, const char *modified,
                    time_t now)
{
    struct part part = {.status = 200, .bytes = file->bytes};

    if (strcmp(request->since, modified) == 0)
        return (struct part){.status = 304};
    /* Of HEAD no range is meant; an empty file has no parts. */
    if (request->range[0] && !request->head_only && file->bytes > 0 &&
        range_holds(request, file, modified, now))
        range_parse(request->range, file->bytes, &part);
    return part;
}
