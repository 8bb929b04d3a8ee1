/*
 * What the driver (driver.py) calls by ctypes: the half of a Python template that is C, a shared
 * object inside the interpreter. The template is the interpreter after its imports; an instance is
 * a fork of it. It speaks template.h and channel.h, as vireo-guest does, so the supervisor and the
 * gateway see no difference.
 *
 * Other than vireo-guest's, this template runs tenant code: what a module does when it is imported.
 * Nothing here is a wall against it. Namespaces and the filter stand before the first import; the
 * supervisor takes its word for nothing that counts (pvm/wall_interpreter.c).
 *
 * All are called with the interpreter's lock held, but for python_next(). Strings are
 * NUL-terminated.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest/template.h"

/* ---- template.c, in this order ---- */

/* Takes the set-up from the host. Returns the source image's descriptor, or -errno. */
int python_setup(void);
/* The first is the entry, what follows are imports; NULL behind the last. */
const char *python_argument(uint32_t index);
const char *python_variable(uint32_t index);
/* From here on: `sources` is read-only, no capability, no new privilege, the template's filter. */
int python_confine(const char *sources);
/* Tells the host that it is ready, or why (`error` < 0) it is not. */
int python_ready(int error, const char *message);
/*
 * Forks as the host asks. Returns in an instance alone, 0: confined, in its groups and namespaces,
 * with its channel and no other descriptor than 0, 1, 2 and GUEST_EVENT_FD; Python's own hooks for
 * after a fork have run. In the template it returns when the host is gone: 1.
 */
int python_serve(void);

/* ---- instance.c ---- */

struct python_request {
    const char *head; /* channel.h's texts, private: method, path, query, host, remote, headers */
    const uint8_t *body; /* shared memory: copy it */
    uint32_t head_bytes, body_bytes, header_count, answer_max;
};

/* Waits for the next request, without the interpreter's lock. 0. */
int python_next(struct python_request *ret_request);
/*
 * Answers it. `head` holds the headers as pairs of NUL-terminated strings. Of another outcome than
 * CHANNEL_ANSWERED `body` is the message. Ends the process when it serves one call alone.
 */
int python_answer(uint32_t outcome, uint32_t status, const char *head, uint32_t head_bytes,
                  const uint8_t *body, uint32_t body_bytes);
/* Appends to the function's output; before the first fork it goes nowhere. */
void python_log(const char *text, uint32_t bytes);

/* ---- between the two ---- */

struct python_fds {
    int memory, event;
    const int *tmp; /* detached mounts, in the order of the set-up's files */
    size_t tmp_count;
    const int *tasks;
    size_t task_count;
};

/* Once, in the template: looking for a library takes longer than a fork. */
void python_find_openssl(void);
/* Makes an instance of this fork. Exits with GUEST_EXIT_SETUP on failure. */
void python_become(const struct guest_setup *setup, const struct guest_fork *message,
                   const struct python_fds *fds);
