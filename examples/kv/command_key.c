/* Commands of keys and of strings. */
#include <stdlib.h>
#include <string.h>

#include "kv.h"

/* ---- set and get ---- */

struct set_options {
    bool only_new, only_old, keep;
    int64_t expires_ms;
};

/* EX, PX, NX, XX, KEEPTTL; false: answered. */
static bool set_options(const struct call *call, struct set_options *options)
{
    for (uint32_t i = 3; i < call->count; i++) {
        struct text word = call->arguments[i];
        bool seconds = text_is(word, "EX");
        if (text_is(word, "NX")) {
            options->only_new = true;
        } else if (text_is(word, "XX")) {
            options->only_old = true;
        } else if (text_is(word, "KEEPTTL")) {
            options->keep = true;
        } else if ((seconds || text_is(word, "PX")) && i + 1 < call->count) {
            int64_t time;
            if (!number_of(call, call->arguments[++i], &time))
                return false;
            if (time <= 0 || time > INT64_MAX / 2000) {
                answer_error(call->out, "ERR invalid expire time in 'set' command");
                return false;
            }
            options->expires_ms = server.now_ms + (seconds ? time * 1000 : time);
        } else {
            answer_syntax(call->out);
            return false;
        }
    }
    if (options->only_new && options->only_old) {
        answer_syntax(call->out);
        return false;
    }
    return true;
}

static void set(const struct call *call)
{
    struct set_options options = {0};
    struct text value = call->arguments[2];

    if (call->count > 3 && !set_options(call, &options))
        return;
    if ((options.only_new && table_find(call->arguments[1])) ||
        (options.only_old && !table_find(call->arguments[1]))) {
        answer_none(call->out);
        return;
    }
    struct entry *entry = table_get(call->arguments[1]);
    if (!entry || !entry_set(entry, value.data, value.bytes)) {
        answer_memory(call->out);
        return;
    }
    if (!options.keep)
        entry_expire(entry, options.expires_ms);
    answer_simple(call->out, "OK");
}

static void answer_entry(struct buffer *out, const struct entry *entry)
{
    if (entry)
        answer_bulk(out, entry->data, entry->bytes);
    else
        answer_none(out);
}

static void get(const struct call *call)
{
    const struct entry *entry = table_find(call->arguments[1]);

    if (entry && entry->kind != KIND_STRING)
        answer_wrong_kind(call->out);
    else
        answer_entry(call->out, entry);
}

static void mset(const struct call *call)
{
    if (call->count % 2 == 0) {
        answer_error(call->out, "ERR wrong number of arguments for 'MSET' command");
        return;
    }
    for (uint32_t i = 1; i < call->count; i += 2) {
        struct entry *entry = table_get(call->arguments[i]);
        if (!entry ||
            !entry_set(entry, call->arguments[i + 1].data, call->arguments[i + 1].bytes)) {
            answer_memory(call->out);
            return;
        }
        entry->expires_ms = 0;
    }
    answer_simple(call->out, "OK");
}

static void mget(const struct call *call)
{
    answer_array(call->out, call->count - 1);
    for (uint32_t i = 1; i < call->count; i++) {
        const struct entry *entry = table_find(call->arguments[i]);
        answer_entry(call->out, entry && entry->kind == KIND_STRING ? entry : NULL);
    }
}

static void append(const struct call *call)
{
    struct text more = call->arguments[2];
    struct entry *entry = table_get(call->arguments[1]);

    if (entry && entry->kind != KIND_STRING) {
        answer_wrong_kind(call->out);
        return;
    }
    uint32_t bytes = entry ? entry->bytes + more.bytes : 0;
    char *grown = entry && bytes <= BULK_MAX ? realloc(entry->data, bytes ? bytes : 1) : NULL;
    if (!grown) {
        answer_memory(call->out);
        return;
    }
    memcpy(grown + entry->bytes, more.data, more.bytes);
    entry->data = grown;
    entry->bytes = entry->capacity = bytes;
    answer_number(call->out, bytes);
}

static void string_length(const struct call *call)
{
    const struct entry *entry = table_find(call->arguments[1]);

    if (entry && entry->kind != KIND_STRING)
        answer_wrong_kind(call->out);
    else
        answer_number(call->out, entry ? entry->bytes : 0);
}

/* ---- numbers ---- */

static void add(const struct call *call, int64_t by)
{
    struct entry *entry = table_find(call->arguments[1]);
    int64_t number = 0;
    char text[21];

    if (entry && entry->kind != KIND_STRING) {
        answer_wrong_kind(call->out);
        return;
    }
    if (entry && !number_of(call, (struct text){entry->data, entry->bytes}, &number))
        return;
    if (__builtin_add_overflow(number, by, &number)) {
        answer_error(call->out, "ERR increment or decrement would overflow");
        return;
    }
    entry = entry ? entry : table_get(call->arguments[1]);
    if (!entry || !entry_set(entry, text, number_text(number, text)))
        answer_memory(call->out);
    else
        answer_number(call->out, number);
}

static void incr(const struct call *call)
{
    add(call, 1);
}

static void decr(const struct call *call)
{
    add(call, -1);
}

static void incr_by(const struct call *call)
{
    int64_t by;

    if (number_of(call, call->arguments[2], &by))
        add(call, by);
}

static void decr_by(const struct call *call)
{
    int64_t by;

    if (!number_of(call, call->arguments[2], &by))
        return;
    if (by == INT64_MIN)
        answer_error(call->out, "ERR decrement would overflow");
    else
        add(call, -by);
}

/* ---- any key ---- */

static void del(const struct call *call)
{
    int64_t count = 0;

    for (uint32_t i = 1; i < call->count; i++)
        count += table_remove(call->arguments[i]);
    answer_number(call->out, count);
}

static void exists(const struct call *call)
{
    int64_t count = 0;

    for (uint32_t i = 1; i < call->count; i++)
        count += table_find(call->arguments[i]) != NULL;
    answer_number(call->out, count);
}

static void type(const struct call *call)
{
    const struct entry *entry = table_find(call->arguments[1]);

    answer_simple(call->out, !entry ? "none" : entry->kind == KIND_STRING ? "string" : "list");
}

static void expire_in(const struct call *call, int64_t unit_ms)
{
    struct entry *entry;
    int64_t time;

    if (!number_of(call, call->arguments[2], &time))
        return;
    if (time > INT64_MAX / 2000 || time < INT64_MIN / 2000) {
        answer_error(call->out, "ERR invalid expire time");
        return;
    }
    entry = table_find(call->arguments[1]);
    if (entry && time <= 0)
        table_remove(call->arguments[1]);
    else if (entry)
        entry_expire(entry, server.now_ms + time * unit_ms);
    answer_number(call->out, entry != NULL);
}

static void expire(const struct call *call)
{
    expire_in(call, 1000);
}

static void pexpire(const struct call *call)
{
    expire_in(call, 1);
}

static void answer_left(const struct call *call, int64_t unit_ms)
{
    const struct entry *entry = table_find(call->arguments[1]);

    if (!entry || !entry->expires_ms)
        answer_number(call->out, entry ? -1 : -2);
    else
        answer_number(call->out, (entry->expires_ms - server.now_ms + unit_ms - 1) / unit_ms);
}

static void ttl(const struct call *call)
{
    answer_left(call, 1000);
}

static void pttl(const struct call *call)
{
    answer_left(call, 1);
}

static void persist(const struct call *call)
{
    struct entry *entry = table_find(call->arguments[1]);
    bool had = entry && entry->expires_ms;

    if (had)
        entry->expires_ms = 0;
    answer_number(call->out, had);
}

/* "*", "?" and "\" as in a shell; no sets. Backtracks to the last star only. */
static bool matches(struct text pattern, const char *key, uint32_t bytes)
{
    uint32_t p = 0, k = 0, star = UINT32_MAX, star_key = 0;

    while (k < bytes) {
        bool escaped = p + 1 < pattern.bytes && pattern.data[p] == '\\';
        if (p < pattern.bytes && pattern.data[p] == '*') {
            star = p++;
            star_key = k;
        } else if (p < pattern.bytes &&
                   (escaped ? pattern.data[p + 1] == key[k]
                            : pattern.data[p] == '?' || pattern.data[p] == key[k])) {
            p += escaped ? 2 : 1;
            k++;
        } else if (star != UINT32_MAX) {
            p = star + 1;
            k = ++star_key;
        } else {
            return false;
        }
    }
    while (p < pattern.bytes && pattern.data[p] == '*')
        p++;
    return p == pattern.bytes;
}

static void all_keys(const struct call *call)
{
    struct buffer found = {0};
    uint32_t count = 0;

    for (uint32_t i = 0; keys.buckets && i <= keys.mask; i++) {
        for (const struct entry *at = keys.buckets[i]; at; at = at->next) {
            if ((at->expires_ms && at->expires_ms <= server.now_ms) ||
                !matches(call->arguments[1], at->key, at->key_bytes))
                continue;
            answer_bulk(&found, at->key, at->key_bytes);
            count++;
        }
    }
    if (found.failed) {
        answer_memory(call->out);
    } else {
        answer_array(call->out, count);
        if (count > 0)
            buffer_add(call->out, found.data, found.end);
    }
    buffer_free(&found);
}

const struct command key_commands[] = {
    {"SET", -3, set},        {"GET", 2, get},         {"MSET", -3, mset},
    {"MGET", -2, mget},      {"APPEND", 3, append},   {"STRLEN", 2, string_length},
    {"INCR", 2, incr},       {"DECR", 2, decr},       {"INCRBY", 3, incr_by},
    {"DECRBY", 3, decr_by},  {"DEL", -2, del},        {"UNLINK", -2, del},
    {"EXISTS", -2, exists},  {"TYPE", 2, type},       {"EXPIRE", 3, expire},
    {"TTL", 2, ttl},         {"PEXPIRE", 3, pexpire}, {"PTTL", 2, pttl},
    {"PERSIST", 2, persist}, {"KEYS", 2, all_keys},   {NULL, 0, NULL},
};
