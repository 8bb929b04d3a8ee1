/* A process that is nobody's child: nobody has to reap it, and it outlives who started it. */
#pragma once

/* Runs `run` there, which does not return. Of one thread. -errno; what it becomes is not waited
 * for. */
int process_apart(void (*run)(void *data), void *data);
