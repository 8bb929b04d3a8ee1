/* The pool's table of functions. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/suggest.h"
#include "faas/gateway_pool_internal.h"

/* FNV-1a. Names in the table come from the supervisor, so nobody outside can make them collide. */
static uint32_t name_hash(const char *name, size_t bytes)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    return hash % BUCKETS;
}

struct pool_function *pool_function_find(struct pool *pool, const char *name, size_t bytes)
{
    if (bytes == 0 || bytes > NAME_MAX_BYTES)
        return NULL;
    for (struct pool_function *f = pool->by_name[name_hash(name, bytes)]; f; f = f->next_by_name)
        if (strlen(f->facts.name) == bytes && memcmp(f->facts.name, name, bytes) == 0)
            return f;
    return NULL;
}

static struct pool_function *find_by_id(struct pool *pool, uint32_t id)
{
    for (struct pool_function *f = pool->by_id[id % BUCKETS]; f; f = f->next_by_id)
        if (f->facts.function_id == id)
            return f;
    return NULL;
}

static void unlink_name(struct pool_function *function)
{
    struct pool_function **at =
        &function->pool->by_name[name_hash(function->facts.name, strlen(function->facts.name))];
    for (; *at; at = &(*at)->next_by_name)
        if (*at == function) {
            *at = function->next_by_name;
            function->pool->function_count--;
            return;
        }
}

uint32_t pool_live(const struct pool_function *function)
{
    return function->starting + function->idle + function->busy + function->leaving;
}

void pool_function_let_go(struct pool_function *function)
{
    struct pool *pool = function->pool;

    if (!function->gone || pool_live(function) > 0)
        return;
    struct pool_function **at = &pool->by_id[function->facts.function_id % BUCKETS];
    while (*at != function)
        at = &(*at)->next_by_id;
    *at = function->next_by_id;
    loop_timer_clear(pool->loop, &function->idle_timer);
    loop_timer_clear(pool->loop, &function->grow_timer);
    loop_timer_clear(pool->loop, &function->long_timer);
    free(function);
}

static int facts_check(const struct gateway_function *facts, struct err *err)
{
    size_t bytes = strnlen(facts->name, sizeof facts->name);

    if (bytes == 0 || bytes > NAME_MAX_BYTES ||
        strspn(facts->name, "abcdefghijklmnopqrstuvwxyz0123456789-") != bytes)
        return err_say(err, -EBADMSG, "cannot take a function: its name is not proper");
    if (facts->request_bytes > REQUEST_BODY_MAX_BYTES ||
        facts->answer_bytes > RESPONSE_BODY_MAX_BYTES || facts->instances_max == 0)
        return err_say(err, -EBADMSG, "cannot take function '%s': its limits are not proper",
                       facts->name);
    return 0;
}

int pool_function_set(struct pool *pool, const struct gateway_function *facts, struct err *err)
{
    int r = facts_check(facts, err);
    if (r < 0)
        return r;

    struct pool_function *function = find_by_id(pool, facts->function_id);
    if (function && (function->gone || strcmp(function->facts.name, facts->name) != 0))
        return err_say(err, -EBADMSG, "cannot take function '%s': its number is another's",
                       facts->name);
    if (!function) {
        if (pool->function_count >= FUNCTIONS_MAX)
            return err_set(err, -E2BIG, "cannot take function '%s'", facts->name);
        function = calloc(1, sizeof *function);
        if (!function)
            return err_set(err, -ENOMEM, "cannot take function '%s'", facts->name);
        function->pool = pool;
        function->idle_timer.expired = pool_idle_expired;
        function->grow_timer.expired = pool_grow_expired;
        function->long_timer.expired = pool_long_expired;
        struct pool_function **name = &pool->by_name[name_hash(facts->name, strlen(facts->name))];
        struct pool_function **id = &pool->by_id[facts->function_id % BUCKETS];
        function->next_by_name = *name;
        function->next_by_id = *id;
        *name = *id = function;
        pool->function_count++;
    }
    function->facts = *facts;
    function->facts.version[VERSION_MAX_BYTES] = '\0';
    function->facts.refusal[sizeof function->facts.refusal - 1] = '\0';
    function->starts_fail = false;
    struct instance *older;
    for (struct instance *i = function->idle_newest; i; i = older) {
        older = i->older;
        if (pool_is_old(i))
            pool_stop(pool, i, GATEWAY_STOP_OLD);
    }
    pool_balance(function);
    return 0;
}

void pool_function_gone(struct pool *pool, uint32_t function_id)
{
    struct pool_function *function = find_by_id(pool, function_id);

    if (!function || function->gone)
        return;
    unlink_name(function);
    function->gone = true;
    pool_balance(function);
    while (function->idle_newest)
        pool_stop(pool, function->idle_newest, GATEWAY_STOP_OLD);
    pool_function_let_go(function);
}

void pool_ready(struct pool *pool)
{
    pool->ready = true;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct pool_function *f = pool->by_id[i]; f; f = f->next_by_id)
            if (f->facts.spares > 0)
                pool_balance(f);
}

int pool_each(struct pool *pool, int (*each)(struct pool_function *function, void *user),
              void *user)
{
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct pool_function *f = pool->by_name[i]; f; f = f->next_by_name) {
            int r = each(f, user);
            if (r)
                return r;
        }
    return 0;
}

const char *pool_suggest(const struct pool *pool, const char *name, size_t bytes)
{
    struct suggestion best;

    suggestion_begin(&best, name, bytes);
    for (size_t i = 0; i < BUCKETS; i++)
        for (const struct pool_function *f = pool->by_name[i]; f; f = f->next_by_name)
            suggestion_try(&best, f->facts.name);
    return best.word;
}

unsigned pool_function_count(const struct pool *pool)
{
    return pool->function_count;
}
