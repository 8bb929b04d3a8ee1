/* `vireo run` of a module that was never seen: it begins in the first tier, beside it is optimised.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "cli/local_build.h"

struct run_optimise {
    pthread_t thread;
    bool running;
    int stop_fd; /* written to: it ends */
    int done_fd; /* readable: it has ended */
    struct local_build_options options;
};

/*
 * Begins to build the same source optimised, into the store, where the next run finds it; in a
 * thread of its own, behind all else that wants the processor. `options` are those of the build
 * that gave the first tier; what they point to must live until run_optimise_end(). What goes wrong
 * goes wrong again, and is told, where it is wanted.
 */
void run_optimise_start(struct run_optimise *optimise, const struct local_build_options *options);
/*
 * The program has ended: waits until this has, too, or until something is to be read of `signal_fd`
 * (SIGINT, say). Standard input and output are closed meanwhile: who reads them need not wait.
 */
void run_optimise_wait(struct run_optimise *optimise, int signal_fd);
/* Ends it, wherever it is; does nothing if it never began. */
void run_optimise_end(struct run_optimise *optimise);
