/*
 * Learning a table: a run whose every call is told to us (seccomp's notifications), counted and let
 * go on, and the smallest table that would have allowed it. Nothing is decided from what is read
 * here: a run that is learned is held by no more than it is held by otherwise.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "vkernel/syscalls.h"

struct err;
struct vk_learned;

int vk_learned_new(struct vk_learned **ret_learned);
void vk_learned_free(struct vk_learned *learned);

/* Calls that are native are told to a listener, too; the others stay what they are. */
int vk_table_listen(const struct vk_table *table, struct vk_table **ret_table);

/*
 * The listener that a process has opened by its filter (SECCOMP_FILTER_FLAG_NEW_LISTENER), which is
 * ours from then: -EAGAIN while there is none yet, -ESRCH when it is gone, -EPERM. The process must
 * be ours to trace.
 */
int vk_listener_take(pid_t pid, int *ret_fd);

/* The listener is readable: counts one call and lets it go on. 0, -ENOENT (who called has ended),
 * -EPIPE (nobody is left who could call). */
int vk_learned_step(struct vk_learned *learned, int listener);

/* As vireo.yaml's section, or (`flags`) as lines KEY=VALUE for `vireo-runtime --vkernel @FILE`. */
void vk_learned_print(const struct vk_learned *learned, const char *what, bool flags, FILE *out);

/* Runs a program of this machine so, with our streams, to its end: a wait status. */
int vk_learn_program(struct vk_learned *learned, char *const *argv, int *ret_status,
                     struct err *err);
