/*
 * Who lives in a pVM's control group: its root, and what its code forked. All is read from /proc,
 * by the kernel's word alone: a member can't lie about itself. Any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cgroup;

/* A family has at most as many members as its limit of processes; of more the rest is not seen. */
#define PVM_MEMBERS_MAX 512

struct pvm_member {
    pid_t pid;          /* here */
    pid_t inner;        /* as its family calls it: 1 is the root */
    pid_t parent_inner; /* 0: the root, or one whose parent is not of the family */
    char state;         /* as proc(5) has it: R, S, D, T, Z */
    uint64_t memory_bytes;
};

/*
 * The members that are alive, the root first, then by their numbers; how many, at most `max`, or
 * -errno. One that ended meanwhile is left out. Three files are read for each.
 */
int pvm_members_read(const struct cgroup *group, struct pvm_member *ret_members, size_t max);

/*
 * A descriptor of the member that its family calls `inner` (0: the root). -ESRCH when there is
 * none. What it names was in the group when it was taken, whatever becomes of the number.
 */
int pvm_member_open(const struct cgroup *group, pid_t inner, int *ret_pidfd, pid_t *ret_pid);

/*
 * The wait status of a process that has ended, by its descriptor and number: from the kernel's
 * record (Linux 6.15), or from /proc as long as nobody reaped it. -ENODATA: neither has it.
 */
int pvm_member_status(int pidfd, pid_t pid, int *ret_status);
