/* Parameters that a container has for itself: what may be written to them, as the kernel reads it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether this kernel has a pid_max for each pid namespace (Linux 6.14). */
bool vk_params_own_pid_max(void);

/* One number with white space around it, as proc_dointvec_minmax() takes it; else -EINVAL. */
int vk_params_number(const char *text, size_t length, int64_t min, int64_t max, int64_t *ret_value);

/*
 * kernel.sched_wakeup_granularity_ns, 0 to a second: how long who runs is left alone by those that
 * wake up, which is the group's slice now. It has 100 us to 100 ms: the nearest one is taken.
 */
int vk_params_granularity(const char *text, size_t length, uint32_t *ret_slice_us);
int vk_params_swappiness(const char *text, size_t length, uint32_t *ret_value);
/* vm.overcommit_memory, 0 to 2; or vm.overcommit_ratio, which has no bound upwards. */
int vk_params_overcommit(const char *text, size_t length, bool is_ratio, uint32_t *ret_value);
/* A policy's name or vkernel's number for it: enum vkernel_policy. */
int vk_params_policy(const char *text, size_t length, uint32_t *ret_policy);
