/* Large bodies are copied in turns. */
#include <stdlib.h>
#include <string.h>

#include "faas/gateway_calls.h"

/* In one round of the loop, of all together: some 50 microseconds. */
#define ROUND_BYTES (256u << 10)

struct copy *
copy_begin(struct calls *calls, struct instance *instance, char *to, const char *from, size_t bytes,
           void (*finished)(struct calls *calls, struct instance *instance, struct copy *copy))
{
    struct copy *copy = malloc(sizeof *copy);

    if (!copy)
        return NULL;
    *copy = (struct copy){.instance = instance,
                          .to = to,
                          .from = from,
                          .bytes = bytes,
                          .finished = finished,
                          .next = copy,
                          .previous = copy};
    if (calls->copies) { /* behind all others */
        copy->next = calls->copies;
        copy->previous = calls->copies->previous;
        copy->previous->next = copy->next->previous = copy;
    } else {
        calls->copies = copy;
    }
    instance->copy = copy;
    return copy;
}

static void unlink_copy(struct calls *calls, struct copy *copy)
{
    copy->previous->next = copy->next;
    copy->next->previous = copy->previous;
    if (calls->copies == copy)
        calls->copies = copy->next != copy ? copy->next : NULL;
    copy->instance->copy = NULL;
}

static void copy_some(struct calls *calls, struct copy *copy, size_t most)
{
    size_t left = copy->bytes - copy->done;
    size_t some = left < most ? left : most;

    memcpy(copy->to + copy->done, copy->from + copy->done, some);
    copy->done += some;
    if (copy->done < copy->bytes)
        return;
    unlink_copy(calls, copy);
    copy->finished(calls, copy->instance, copy);
    free(copy);
}

void copy_finish(struct calls *calls, struct instance *instance)
{
    if (instance->copy)
        copy_some(calls, instance->copy, SIZE_MAX);
}

void copy_cancel(struct calls *calls, struct instance *instance)
{
    struct copy *copy = instance->copy;

    if (!copy)
        return;
    unlink_copy(calls, copy);
    buffer_put(calls, copy->answer);
    free(copy);
}

void copies_turn(struct calls *calls)
{
    if (!calls->copies)
        return;
    loop_clock(calls->loop); /* what is finished is measured */
    for (size_t n = 0; n < ROUND_BYTES && calls->copies; n += COPY_PIECE_BYTES) {
        struct copy *copy = calls->copies;
        calls->copies = copy->next;
        copy_some(calls, copy, COPY_PIECE_BYTES);
    }
}
