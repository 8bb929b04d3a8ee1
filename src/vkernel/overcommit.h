/*
 * A group's own vm.overcommit_memory and vm.overcommit_ratio: what acts is a BPF program
 * (overcommit.bpf.c) that is held by the containers' views; here is how a group is told to it, and
 * what can be told. Stricter than the host's alone: from loose to strict the modes are 1, 0, 2.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;
struct vkernel;

/* What the group has, in bytes; UINT64_MAX: as much as the machine. */
struct overcommit_size {
    uint64_t memory, swap;
};

/* Whether this kernel lets a BPF program refuse memory: one is there, or a small one is loaded and
 * let go again. Root's answer; remembered in /run. */
bool overcommit_works(void);

/* What acts on the group: what was said, else the host's. */
unsigned overcommit_mode(const struct vkernel *vkernel);
unsigned overcommit_ratio(const struct vkernel *vkernel);

/* -EPERM: a mode looser than the host's; -ENOTSUP: nothing here could act. */
int overcommit_check(const struct vkernel *vkernel, struct err *err);
/*
 * Tells the program of the v2 group of this id (the inode of its directory), or that nothing is
 * said of it any more. Acts at once; what is committed already stays. CAP_BPF and CAP_SYS_ADMIN.
 */
int overcommit_apply(uint64_t group_id, const struct vkernel *vkernel,
                     const struct overcommit_size *size, struct err *err);
