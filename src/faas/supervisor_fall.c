/*
 * Falling a rung: of proved code that calls an entry of the allow-list which is not allowed any
 * more. The library below was made when the function was deployed. The registry keeps what was
 * deployed: nothing is decided here that the next start does not decide again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "faas/supervisor.h"

struct fall {
    enum allow_served served;
    char reason[512];
    char library_hash[BUILD_HASH_TEXT]; /* the proved one */
};

const char *function_fallen(const struct function *function)
{
    return function->fall ? function->fall->reason : NULL;
}

void function_fall_clear(struct function *function)
{
    free(steal_ptr(&function->fall));
}

/* The first of what it calls that is not allowed; ALLOW_SERVED: all is. */
static enum allow_served lost(const struct supervisor *supervisor, const struct function *function)
{
    for (enum allow_served served = 0; served < ALLOW_SERVED; served++)
        if (function->calls & ~supervisor->allowed & 1u << served)
            return served;
    return ALLOW_SERVED;
}

static void stand_on(struct supervisor *supervisor, struct function *function,
                     const char library_hash[BUILD_HASH_TEXT], bool proved)
{
    memmove(function->row.library_hash, library_hash, BUILD_HASH_TEXT);
    snprintf(function->row.safety, sizeof function->row.safety, "%s", proved ? "proved" : "sfi");
    function->proved = proved;
    function_limits(supervisor, function);
}

static void climb(struct supervisor *supervisor, struct function *function)
{
    _cleanup_(freep) struct fall *fall = steal_ptr(&function->fall);

    stand_on(supervisor, function, fall->library_hash, true);
    log_line(LOG_NOTICE, "function '%s' is proved code again: '%s' is allowed", function->row.name,
             allow_served_name(fall->served));
}

static void refuse(struct supervisor *supervisor, struct function *function,
                   enum allow_served served)
{
    char text[512];

    snprintf(text, sizeof text,
             "it uses '%s', which is not allowed any more (%s), and there is no lower rung for it "
             "here",
             allow_served_name(served), supervisor->demoted[served]);
    function->refused = strdup(text);
    supervisor->falls[FALL_REFUSED]++;
    log_line(LOG_ERROR, "function '%s' is not served: %s", function->row.name, text);
}

void function_fall(struct supervisor *supervisor, struct function *function)
{
    enum allow_served served = lost(supervisor, function);
    char ladder[BUILD_LADDER_BYTES] = "", below[BUILD_HASH_TEXT];

    if (!supervisor->allowed_known || function->refused || !function->calls)
        return;
    if (function->fall && served == ALLOW_SERVED) {
        climb(supervisor, function);
        return;
    }
    if (function->fall || served == ALLOW_SERVED)
        return;
    if (supervisor->store)
        store_find_ladder(supervisor->store, function->row.source_hash, ladder);
    if (build_ladder_line(ladder, "below", below, sizeof below))
        function->fall = calloc(1, sizeof *function->fall);
    if (!function->fall) {
        refuse(supervisor, function, served);
        return;
    }
    function->fall->served = served;
    memcpy(function->fall->library_hash, function->row.library_hash, BUILD_HASH_TEXT);
    snprintf(function->fall->reason, sizeof function->fall->reason,
             "it uses '%s', which is not allowed any more (%s)", allow_served_name(served),
             supervisor->demoted[served]);
    stand_on(supervisor, function, below, false);
    supervisor->falls[FALL_DEMOTED]++;
    log_line(LOG_WARNING, "function '%s' falls to its translated form: %s", function->row.name,
             function->fall->reason);
}

void functions_fall(struct supervisor *supervisor)
{
    for (unsigned i = 0; i < FUNCTION_BUCKETS; i++)
        for (struct function *at = supervisor->by_id[i]; at; at = at->next_id) {
            bool fallen = at->fall != NULL, refused = at->refused != NULL;
            function_fall(supervisor, at);
            if (fallen == (at->fall != NULL) && refused == (at->refused != NULL))
                continue;
            if (at->current)
                template_retire(supervisor, at->current);
            at->generation++;
            function_tell(supervisor, at);
        }
}

static bool is_refused(const char *ladder, const char *rung)
{
    char outcome[sizeof "refused"];

    return build_ladder_line(ladder, rung, outcome, sizeof outcome) &&
           strcmp(outcome, "refused") == 0;
}

void fall_count(struct supervisor *supervisor, const char *ladder)
{
    if (is_refused(ladder, "sfi"))
        supervisor->falls[FALL_UNTRANSLATED]++;
    else if (is_refused(ladder, "proved"))
        supervisor->falls[FALL_UNPROVED]++;
}
