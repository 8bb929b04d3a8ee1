/* The filter of an instance, made from syscalls.h once in the template, loaded in each instance. */
#pragma once

#include <linux/filter.h>
#include <stdint.h>

#define SECCOMP_PROGRAM_MAX 512

struct seccomp_program {
    struct sock_filter instructions[SECCOMP_PROGRAM_MAX];
    uint16_t count;
};

/* The table of these grants (GUEST_GRANT_*) as a filter program. 0 or -E2BIG. */
int seccomp_compile(uint32_t grants, struct seccomp_program *ret_program);

/* Loads it for this thread, for good. PR_SET_NO_NEW_PRIVS must be on. 0 or -errno. */
int seccomp_load(const struct seccomp_program *program);
