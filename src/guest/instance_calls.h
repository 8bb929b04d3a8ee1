/* What an instance does once it is one; between instance.c and instance_calls.c. */
#pragma once

#include <stdbool.h>
#include <unistd.h>

#include "guest/instance.h"

/* Whether the library has a handler, which keeps its instance from call to call, or is a command.
 */
bool instance_is_handler(const struct template_state *state);

/* Serves the calls of a channel, or one; ends the process. Behind the filter. */
_Noreturn void instance_serve(struct template_state *state, struct channel *channel, bool one_call);

/* `vireo run` and servers: a run on the standard streams; ends the process with its exit status. */
_Noreturn void instance_run_once(struct template_state *state);

/* Something of the set-up failed: the host sees the status. */
static inline _Noreturn void instance_give_up(void)
{
    _exit(GUEST_EXIT_SETUP);
}
