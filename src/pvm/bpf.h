/*
 * Starts vireo-broker and its reader, and makes the sockets by which instances reach it
 * (bpf/broker.h).
 */
#pragma once

#include "cgroup/cgroup.h"
#include "pvm/spawn.h"

struct bpf_policy;
struct err;

struct pvm_bpf_options {
    int broker_fd, reader_fd; /* the programs vireo-broker and vireo-bpf; they stay the caller's */
    uid_t broker_uid, reader_uid;
    /* The reader parses the kernel's type information while others start: 30 MiB, at once. */
    bool prepare;
};

struct pvm_bpf {
    struct spawned broker, reader;
    int socket; /* struct broker_instance is written to it */
};

/*
 * Starts both; they end with the calling thread's process. Blocks for a few milliseconds. Needs
 * what spawn_process() needs as root, and CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, CAP_NET_RAW and
 * CAP_DAC_READ_SEARCH for the broker to have. It is in the caller's network namespace.
 */
int pvm_bpf_start(const struct pvm_bpf_options *options, struct pvm_bpf *ret_bpf, struct err *err);
/* The same, with `socket`, the broker's end of a SEQPACKET pair, for its own; ret_bpf->socket is
 * -1. */
int pvm_bpf_start_on(const struct pvm_bpf_options *options, int socket, struct pvm_bpf *ret_bpf,
                     struct err *err);
/* Ends one of the two and waits; pidfd becomes -1. */
void pvm_spawned_end(struct spawned *process);
/* Ends them and waits: nothing of theirs is in the kernel then. One that was not started is fine.
 */
void pvm_bpf_end(struct pvm_bpf *bpf);
/*
 * An instance's socket to the broker, which knows it by `function` and `policy`, as settled;
 * `owner` is a number that no other function ever
 * had, by which what it pins is kept; `group` is its own control group or NULL. *ret_fd is the
 * caller's.
 */
int pvm_bpf_pair(int broker_socket, const char *function, uint64_t owner,
                 const struct bpf_policy *policy, const struct cgroup *group, int *ret_fd,
                 struct err *err);
/* A function is gone, and with it what it has pinned. */
void pvm_bpf_forget(int broker_socket, uint64_t owner);
