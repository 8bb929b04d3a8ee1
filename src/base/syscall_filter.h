/* System-call filters of vireo's own unprivileged programs: refused is what no table names. */
#pragma once

#include <linux/filter.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* For _cleanup_: a filter that was not loaded. */
void syscall_filter_freep(scmp_filter_ctx *filter);

/* Gives up the privileges that a filter needs gone (no_new_privs, not dumpable) and begins a filter
 * that answers EPERM to everything. fast: a binary tree, for who calls the kernel often.
 * @who: of messages ("gateway").  Returns 0 or -errno with *err. */
int syscall_filter_begin(const char *who, bool fast, scmp_filter_ctx *ret, struct err *err);

/* Permits calls whatever their arguments are. Returns 0 or libseccomp's -errno. */
int syscall_filter_allow(scmp_filter_ctx filter, const int *calls, size_t count);

/* Permits one call for each of these values of an argument (0 is the first) alone. The same. */
int syscall_filter_allow_values(scmp_filter_ctx filter, int call, unsigned argument,
                                const int *values, size_t count);

/* Permits memory that is mapped and protected, but none of it executable. The same. */
int syscall_filter_allow_data(scmp_filter_ctx filter);

/* Permits children, in no namespace of their own. The same. */
int syscall_filter_allow_children(scmp_filter_ctx filter);

/* Permits what a program that asks others over the Internet needs: its sockets (UNIX ones would
 * reach services of the machine) and children. The same. */
int syscall_filter_allow_internet(scmp_filter_ctx filter);

/* The same as a program that others load, by seccomp(2), after a fork: *ret_program->filter is the
 * caller's to free(). */
int syscall_filter_program(scmp_filter_ctx filter, int r, const char *who,
                           struct sock_fprog *ret_program, struct err *err);

/* Loads what has been put together, if that went well. @r: what it returned.
 * Returns 0 or -errno with *err. */
int syscall_filter_load(scmp_filter_ctx filter, int r, const char *who, struct err *err);
