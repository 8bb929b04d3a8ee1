/* Commands of lists. */
#include <stdlib.h>

#include "kv.h"

/* False: answered. *ret_entry is NULL when there is no such key. */
static bool find_list(const struct call *call, struct entry **ret_entry)
{
    *ret_entry = table_find(call->arguments[1]);
    if (!*ret_entry || (*ret_entry)->kind == KIND_LIST)
        return true;
    answer_wrong_kind(call->out);
    return false;
}

static void push(const struct call *call, bool front)
{
    struct entry *entry;

    if (!find_list(call, &entry))
        return;
    if (!entry && (entry = table_get(call->arguments[1])))
        entry_become_list(entry);
    bool good = entry != NULL;
    for (uint32_t i = 2; good && i < call->count; i++)
        good = list_push(&entry->list, front, call->arguments[i]);
    if (good)
        answer_number(call->out, entry->list.count);
    else
        answer_memory(call->out);
    if (entry && entry->list.count == 0)
        table_remove(call->arguments[1]);
}

static void lpush(const struct call *call)
{
    push(call, true);
}

static void rpush(const struct call *call)
{
    push(call, false);
}

static void pop(const struct call *call, bool front)
{
    struct entry *entry;

    if (!find_list(call, &entry))
        return;
    struct item *item = entry ? list_pop(&entry->list, front) : NULL;
    if (!item) {
        answer_none(call->out);
        return;
    }
    answer_bulk(call->out, item->data, item->bytes);
    free(item);
    if (entry->list.count == 0)
        table_remove(call->arguments[1]);
}

static void lpop(const struct call *call)
{
    pop(call, true);
}

static void rpop(const struct call *call)
{
    pop(call, false);
}

static void llen(const struct call *call)
{
    struct entry *entry;

    if (find_list(call, &entry))
        answer_number(call->out, entry ? entry->list.count : 0);
}

/* Negative indices count from the end. */
static void lrange(const struct call *call)
{
    struct entry *entry;
    int64_t first, last;

    if (!find_list(call, &entry) || !number_of(call, call->arguments[2], &first) ||
        !number_of(call, call->arguments[3], &last))
        return;
    int64_t count = entry ? entry->list.count : 0;
    first = first < 0 ? (first < -count ? 0 : first + count) : first;
    last = last < 0 ? (last < -count ? -1 : last + count) : last;
    last = last >= count ? count - 1 : last;
    answer_array(call->out, first <= last ? (uint32_t)(last - first + 1) : 0);
    for (int64_t i = first; i <= last; i++) {
        const struct item *item = list_at(&entry->list, (uint32_t)i);
        answer_bulk(call->out, item->data, item->bytes);
    }
}

const struct command list_commands[] = {
    {"LPUSH", -3, lpush}, {"RPUSH", -3, rpush},  {"LPOP", 2, lpop}, {"RPOP", 2, rpop},
    {"LLEN", 2, llen},    {"LRANGE", 4, lrange}, {NULL, 0, NULL},
};
