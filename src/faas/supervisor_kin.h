/* Families and what their members may say to the supervisor (guest/kin.h). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct function;
struct instance;
struct supervisor;

/*
 * Makes the socket and the page of an instance that may fork or has IPC; *ret_fds are the
 * instance's ends, the caller's to close, 0 where it has none.
 */
int kin_open(struct supervisor *supervisor, const struct function *function,
             struct instance *instance, int ret_fds[2], struct err *err);
/* Its processes have ended. True: groups below the instance's could not be removed. */
bool kin_close(struct supervisor *supervisor, struct instance *instance);
void kins_bury(struct supervisor *supervisor);
/* The groups of members below the instance's, by their process: how many. */
size_t kin_groups(const struct instance *instance, pid_t *pids, size_t max);
/* A member, by its process, is asked to fork on behalf of the admin request `token`. */
int kin_fork(struct supervisor *supervisor, struct instance *instance, int pidfd, pid_t pid,
             uint64_t token, struct err *err);
