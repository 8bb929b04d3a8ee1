/* Inside templates: template.c starts one behind its wall, blank.c shares one among functions. */
#pragma once

#include <sched.h>

#include "guest/template.h"
#include "pvm/pvm.h"
#include "pvm/spawn.h"

struct blank;

/* Which processors the template has: near.c. */
struct near {
    int64_t last_ns; /* of the last fork that was asked for */
    cpu_set_t all;   /* that it had at first */
    int cpu;         /* the one that it was put on, or -1 */
    bool known, impossible;
};

struct pvm_template {
    struct near near;
    struct spawned process; /* none of its own where it is of a blank */
    int control;
    bool gone;
    /* Of a blank: what each fork is sent. */
    struct blank *blank;
    struct guest_setup *setup;
    bool reuse;
    int fds[1 + DEPENDENCIES_MAX]; /* the library and its dependencies */
    size_t fd_count;
    /* It is an interpreter: what each fork has of private folders, in the order of the set-up's. */
    bool interprets;
    uint64_t tmp_bytes[GRANT_FILES_MAX];
    size_t tmp_count;
};

/* Waits for GUEST_READY. */
int template_wait_ready(const struct pvm_template *pvm_template, const char *function,
                        int timeout_ms, struct err *err);
/*
 * What is the wall's own of a template: `spawn` starts its process, whose end of the template's
 * socket is `control`; `set_up` sends it what it is to become, of which it says in `ready_ms` that
 * it has. `told_first`: that is one message, which any socket takes unread, and lies there when the
 * process begins; who is not waits for us to be given a processor, between its beginning and that.
 */
struct wall {
    int (*spawn)(const struct pvm_template_options *options, int control,
                 struct spawned *ret_process, struct err *err);
    int (*set_up)(struct pvm_template *pvm_template, const struct pvm_template_options *options,
                  struct err *err);
    int ready_ms;
    bool told_first;
};
extern const struct wall wall_process, wall_interpreter, wall_container;

/* template.c: spawn_process() with what every template has, put into `spawn`: its name, uid and
 * groups, and `control`. */
int template_spawn(const struct pvm_template_options *options, int control,
                   struct spawn_options *spawn, struct spawned *ret_process, struct err *err);

/* ---- wall_interpreter.c ---- */

/* A fresh detached folder for each of tmp_bytes, the caller's. CAP_SYS_ADMIN. */
int interpreter_folders(const struct pvm_template *pvm_template,
                        int ret_fds[static GRANT_FILES_MAX], struct err *err);

/* The message of these options. */
int template_setup_fill(struct guest_setup *setup, const struct pvm_template_options *options,
                        struct err *err);
/* Its filter: of the grants that it has already, and of the manifest's virtual kernel. */
int template_filter_fill(struct guest_setup *setup, const struct manifest *manifest,
                         struct err *err);
/* Wipes it: its text may hold secrets. */
void guest_setup_freep(struct guest_setup **setup);

/* The set-up and the library in a socket of their own: *ret_fd is the end for the fork. */
int template_blank_send(const struct pvm_template *pvm_template, int *ret_fd, struct err *err);
/*
 * Where a fork of this id is asked for: an idle keeper's socket, or a new one's, or the blank's own
 * when there are too many. The descriptor stays whose it is.
 */
int template_blank_place(const struct pvm_template *pvm_template, uint64_t id, bool *ret_recycled);
/* The instance has ended: its keeper is idle, or `lost` where it did not start. */
void template_blank_ended(const struct pvm_template *pvm_template, uint64_t id, bool lost);
/* Where the instance is killed: its keeper's socket, or the blank's. */
int template_blank_of(const struct pvm_template *pvm_template, uint64_t id);
/* Its process is dead: nobody else takes the blank. */
void template_blank_gone(const struct pvm_template *pvm_template);
/* Before a fork is asked for. True: the template is on one processor, and its fork is to leave it.
 */
bool template_near(struct pvm_template *pvm_template);
/* SIGKILL to the process, and waits for its end. */
void template_end_process(struct pvm_template *pvm_template);
/* One fewer that uses the blank; the last one ends it. */
void template_blank_leave(struct pvm_template *pvm_template);
