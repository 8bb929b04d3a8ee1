/* The command line: one file a verb, one row a verb in the table of vireo.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct err;

/* Exit codes, documented in docs/cli.md and the man page. */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1, /* the function or check failed */
    CLI_USAGE = 2,  /* usage or bad input */
    CLI_NOT_FOUND = 3,
    CLI_REFUSED = 4,     /* by policy */
    CLI_LIMIT = 5,       /* a limit was reached */
    CLI_UNREACHABLE = 6, /* the daemon */
    CLI_BUG = 70,        /* ours */
};

struct cli_verb {
    const char *name;
    const char *arguments;             /* "SRC -o LIB", for usage and the man page; a line a form */
    const char *summary;               /* one line */
    const char *help;                  /* options and examples, several lines */
    int (*run)(int argc, char **argv); /* argv[0] is the verb; returns an exit code */
};

/* The verbs, ended by one without a name. */
extern const struct cli_verb cli_verbs[];

int cli_run(int argc, char **argv);
int cli_bpf(int argc, char **argv);
int cli_build(int argc, char **argv);
int cli_push(int argc, char **argv);
int cli_pull(int argc, char **argv);
int cli_verify(int argc, char **argv);
int cli_deploy(int argc, char **argv);
int cli_invoke(int argc, char **argv);
int cli_ls(int argc, char **argv);
int cli_describe(int argc, char **argv);
int cli_rm(int argc, char **argv);
int cli_ps(int argc, char **argv);
int cli_kill(int argc, char **argv);
int cli_wait(int argc, char **argv);
int cli_link(int argc, char **argv);
int cli_fork(int argc, char **argv);
int cli_update(int argc, char **argv);
int cli_rollback(int argc, char **argv);
int cli_vk(int argc, char **argv);
int cli_allow(int argc, char **argv);
int cli_audit(int argc, char **argv);
int cli_logs(int argc, char **argv);
int cli_top(int argc, char **argv);
int cli_oci(int argc, char **argv);
int cli_sched(int argc, char **argv);
int cli_serve(int argc, char **argv);
int cli_doctor(int argc, char **argv);

/* What global options set (-o json, -q, -v, --state, --server, also accepted behind the verb). */
extern struct cli_globals {
    bool json, quiet, verbose;
    const char *state_dir; /* --state, VIREO_STATE, /var/lib/vireo */
    const char *server;    /* --server, VIREO_SERVER, http://127.0.0.1:8080 */
} cli;

/* Prints "vireo: <message>" and, when there is one, "  try: <next>"; returns the exit code of
 * err->code. */
int cli_error(const struct err *err, const char *next);
int cli_exit_code(int negative_errno);

/* Does one thing to each of several that are named; all are tried, but for what only fails again
 * because there is no daemon. Returns the first exit code that is not CLI_OK. */
int cli_each(int count, char **names, int (*one)(const char *name, const void *user),
             const void *user);

/* Full path of one of our programs: beside this one, else in the libexec directory. malloc'ed. */
char *cli_program_path(const char *program);
