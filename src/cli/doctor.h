/*
 * Probes of this machine: each makes the call and tells what came of it; none compares versions.
 * What would change this process is done in a child.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum doctor_status {
    DOCTOR_OK,       /* the best mechanism is there */
    DOCTOR_FALLBACK, /* another one is used */
    DOCTOR_MISSING,  /* none is there: the part is without it */
    DOCTOR_REQUIRED, /* none is there, and vireo can't run functions without it */
};

struct doctor; /* gathers the lines */

/* One line: the part, the mechanism that it takes, and why or what is missing. All are copied. */
void doctor_line(struct doctor *doctor, enum doctor_status status, const char *part,
                 const char *mechanism, const char *detail, ...)
    __attribute__((format(printf, 5, 6)));

/*
 * Runs `attempt` in a child and returns what it returned: 0 or a negative errno; -EPROTO when it
 * was killed. Only async-signal-safe calls are needed there, but this process has one thread.
 */
int doctor_try(int (*attempt)(const void *argument), const void *argument);

/* Runs a program with `input` on its standard input; its first line of output goes to `line`.
 * 0, -ENOENT (there is no such program), -EIO (it failed). */
int doctor_program(char *const *argv, const char *input, char *line, size_t size);

void doctor_namespaces(struct doctor *doctor);
void doctor_security(struct doctor *doctor);
void doctor_cgroups(struct doctor *doctor);
void doctor_processes(struct doctor *doctor);
void doctor_vkernel(struct doctor *doctor);
void doctor_machine(struct doctor *doctor);
void doctor_tools(struct doctor *doctor);
