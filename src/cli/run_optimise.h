/* `vireo run` of a module that was never seen: it begins in the first tier, beside it is optimised.
 */
#pragma once

#include <stddef.h>

struct cli_list;

struct run_optimise {
    int lock_fd; /* the store's: one at a time is optimised so; -1: this is not */
    int pidfd;   /* -1: none is under way */
};
#define RUN_OPTIMISE_NONE          \
    {                              \
        .lock_fd = -1, .pidfd = -1 \
    }

/* It is to be optimised, into the store in this directory. Does nothing while another is. */
void run_optimise_want(struct run_optimise *optimise, const char *state_dir);
/*
 * Begins, if it is wanted: `vireo run --prepare` with these words, as a process of its own that
 * outlives this one, behind all else that wants the processor. What goes wrong goes wrong again,
 * and is told, where it is wanted. `words` are options and the file, without arguments.
 */
void run_optimise_start(struct run_optimise *optimise, const struct cli_list *words);
/*
 * The program has ended: gives it some seconds, which is enough for most, so that the next run
 * finds it done. It goes on after that, unless there is something to be read of `signal_fd`
 * (SIGINT, say): then it is ended. Standard input and output are closed meanwhile: who reads them
 * need not wait.
 */
void run_optimise_wait(struct run_optimise *optimise, int signal_fd);
/* Ends it, if it is under way. */
void run_optimise_end(struct run_optimise *optimise);
