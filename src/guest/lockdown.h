/*
 * The parts of the process wall that a process puts round itself. Each returns 0 or -errno; a
 * mechanism that the kernel does not have is 0 as well: `vireo doctor` says which there are, and
 * the filter, the namespaces and the empty root stand without it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* No new executable memory but by mapping a file as code: PR_SET_MDWE (Linux 6.3). */
int lockdown_no_new_code(void);
/* Speculation: store bypass and indirect branches, for good; inherited by forks. */
int lockdown_speculation(void);
/* Not dumpable: no core, no ptrace, no /proc/PID of ours for others of the same uid. Inherited by
 * forks. */
int lockdown_not_dumpable(void);
/* Drops every capability of every set, but for `keep` in permitted and effective (a bit mask). */
int lockdown_capabilities(uint64_t keep);

/* An empty tmpfs that is mounted nowhere; *ret_fd is its root directory. CAP_SYS_ADMIN in the
 * user namespace of the caller. */
int lockdown_tmpfs(uint64_t bytes, int *ret_fd);
