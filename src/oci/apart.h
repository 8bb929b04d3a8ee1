/* A process that is nobody's child: nobody has to reap it, and it outlives who started it. */
#pragma once

#include <sys/types.h>

/*
 * Runs `run` there, which does not return. Of one thread. *ret_between is what is between us and
 * it, which process_apart_end() reaps: it is not waited for here, for that is a time slice of
 * others on a busy machine.
 */
int process_apart(void (*run)(void *data), void *data, pid_t *ret_between);
/* 0, or -EAGAIN: nothing was started. Sets *between to 0, and does nothing with 0. */
int process_apart_end(pid_t *between);
