/* eBPF of `vireo run`: a broker and a reader of its own, for its only instance. */
#pragma once

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>

#include "base/err.h"
#include "pvm/bpf.h"

struct manifest;

struct run_bpf {
    struct pvm_bpf bpf;
    int uid_locks[2];
    int socket; /* the instance's, once it was started */
    /* Starts both, and stays until the end: they die with the thread that made them. */
    pthread_t thread;
    bool has_thread, has_started;
    sem_t started, ended;
    int result; /* 0, or -errno with `err`: once it has started */
    struct err err;
};
#define RUN_BPF_NONE                                                                          \
    {                                                                                         \
        .bpf = {.broker.pidfd = -1, .reader.pidfd = -1, .socket = -1}, .uid_locks = {-1, -1}, \
        .socket = -1                                                                          \
    }

/* --grant bpf, --grant bpf=host: the user's own word. False: it is neither. */
bool run_bpf_take_grant(const char *name, struct manifest *manifest);
/* Begins to start them: they get ready while the library is looked up and the groups are made.
 * What they can't do run_bpf_pair() says. */
int run_bpf_start(struct run_bpf *run, bool rootless, struct err *err);
/* The instance's socket, where the manifest has the grant. */
int run_bpf_pair(struct run_bpf *run, const struct manifest *manifest, const struct cgroup *group,
                 struct err *err);
void run_bpf_end(struct run_bpf *run);

/* The samples of the next run are shown as lines of JSON (vireo bpf run --events json). */
void run_bpf_show_events(void);
