/* The filter of an instance, which its host compiled (pvm/syscalls.c): loaded in each. */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

/* Loads it for this thread, for good, with a listener that stays open where it tells of calls
 * (`listener`). PR_SET_NO_NEW_PRIVS must be on. 0 or -errno. */
int seccomp_load_program(const struct sock_filter *program, uint32_t count, bool listener);
