/* vireo-runtime's command line: what all verbs know, and the table of them. */
#pragma once

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "oci/state.h"
#include "oci/vkernel.h"

/* What stands before the verb. */
struct runtime {
    const char *root;   /* of the state */
    char *default_root; /* owned */
    const char *log_file;
    int log_fd;
    bool log_json, debug;
    enum oci_cgroup_manager manager;
    struct vkernel vkernel; /* of --vkernel, for containers that are created */
    const char *verb;
};

struct runtime_verb {
    const char *name, *usage, *help;
    /* argv[0] is the verb. The exit status, or -errno with a message in `err`, which main tells. */
    int (*run)(struct runtime *runtime, int argc, char **argv, struct err *err);
};

int runtime_main(int argc, char **argv);

/* Ends with a row without name. */
extern const struct runtime_verb runtime_verbs[];

int verb_create(struct runtime *runtime, int argc, char **argv, struct err *err);
int verb_start(struct runtime *runtime, int argc, char **argv, struct err *err);
int verb_run(struct runtime *runtime, int argc, char **argv, struct err *err);
int verb_state(struct runtime *runtime, int argc, char **argv, struct err *err);
int verb_kill(struct runtime *runtime, int argc, char **argv, struct err *err);
int verb_delete(struct runtime *runtime, int argc, char **argv, struct err *err);
int verb_list(struct runtime *runtime, int argc, char **argv, struct err *err);
int verb_ps(struct runtime *runtime, int argc, char **argv, struct err *err);
int verb_exec(struct runtime *runtime, int argc, char **argv, struct err *err);
int verb_pause(struct runtime *runtime, int argc, char **argv, struct err *err);
int verb_resume(struct runtime *runtime, int argc, char **argv, struct err *err);
int verb_update(struct runtime *runtime, int argc, char **argv, struct err *err);
int verb_spec(struct runtime *runtime, int argc, char **argv, struct err *err);
int verb_features(struct runtime *runtime, int argc, char **argv, struct err *err);
int vk_log(struct runtime *runtime, char **words, int count, struct err *err);
int verb_vk(struct runtime *runtime, int argc, char **argv, struct err *err);
int verb_events(struct runtime *runtime, int argc, char **argv, struct err *err);

/* Errors go to standard error, and to the file that --log names; warnings to the file, or where
 * there is none to standard error; "info" and "debug", the latter only with --debug, to the file,
 * or where there is none with --debug to standard error. */
void runtime_report(struct runtime *runtime, const char *level, const char *message);
/* A step, with --debug. */
__attribute__((format(printf, 2, 3))) void runtime_debug(struct runtime *runtime,
                                                         const char *format, ...);
/* For oci_hooks_run_all(); `runtime` is a struct runtime. */
void runtime_warn(void *runtime, const char *message);

/* A flag of a verb; the table ends with a row without name. */
struct verb_option {
    const char *name;
    char letter;        /* 0: none */
    bool *flag;         /* set when it is there; else it has a value: */
    const char **value; /* the last one given */
    int (*take)(void *data, const char *value, struct err *err); /* each one given */
    void *data;
};

/*
 * Reads the flags; `words` gets what is left (at least `min` and, unless 0, at most `max` words;
 * -EINVAL else). With `stop` the first word ends the flags, as in exec, whose command has its own.
 */
int verb_options(int argc, char **argv, const struct verb_option *options, bool stop, int min,
                 int max, char ***ret_words, struct err *err);
/* Of a verb that has no flag and takes one container: opens it (oci_state_close()). */
int verb_container(const struct runtime *runtime, int argc, char **argv,
                   struct oci_state **ret_state, struct err *err);

/* A whole number of a flag within bounds. */
int verb_number(const char *flag, const char *text, long long min, long long max,
                long long *ret_number, struct err *err);

/* Writes a pid where --pid-file says, whole at once; no line end, as engines expect it. */
int verb_write_pid(const char *path, pid_t pid, struct err *err);

/*
 * Takes what this runtime does not hold out of the sets, with a warning: the specification has it
 * so. Not for containers with a user namespace, whose first process holds all.
 */
void runtime_clip_capabilities(struct runtime *runtime, const struct oci_config *config,
                               struct oci_process *process);

/* Runs the poststop hooks; that one fails is a warning. */
int runtime_poststop(struct runtime *runtime, const struct oci_state *state,
                     const struct oci_config *config, struct err *err);
/* Ends what is left, runs the poststop hooks, removes groups and state. `config`: what the caller
 * has of it, or NULL. */
int runtime_remove(struct runtime *runtime, struct oci_state *state,
                   const struct oci_config *config, struct err *err);

/*
 * Waits for `pid`, a child: hands it the signals that come here, and carries a terminal's bytes
 * when `terminal` >= 0 (closed then). Returns its exit status as a shell has it.
 */
int runtime_foreground(pid_t pid, int terminal, struct err *err);

/* $LISTEN_FDS and $NOTIFY_SOCKET. */
void runtime_environment(struct oci_launch_options *options);
