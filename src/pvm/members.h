/*
 * Members of a family, by the processes that live in its control groups: its root, and what that
 * forked. All is read from /proc, by the kernel's word alone: a member can't lie about itself. Any
 * thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

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
 * The members among these processes, the root first, then by their numbers; how many. One that
 * ended meanwhile is left out. `ret_members` has room for all. Two files are read for each.
 */
int pvm_members_read(const pid_t *pids, int count, struct pvm_member *ret_members);

/*
 * A descriptor of that one of these processes which its family calls `inner` (0: the root); -ESRCH
 * when there is none. A number may have become another process's since it was listed: who wants to
 * do something to it lists again, and finds it there if it was the family's all the time.
 */
int pvm_member_open(const pid_t *pids, int count, pid_t inner, int *ret_pidfd, pid_t *ret_pid);

/* What its innermost pid namespace calls a process; 0: it has ended. */
pid_t pvm_inner_pid(pid_t pid);

/*
 * The wait status of a process that has ended, by its descriptor and number: from the kernel's
 * record (Linux 6.15), or from /proc as long as nobody reaped it. -ENODATA: neither has it.
 */
int pvm_member_status(int pidfd, pid_t pid, int *ret_status);
/* The kernel's record of how the process of a pidfd ended, reaped or not: Linux 6.15. -ENODATA. */
int pvm_status_recorded(int pidfd, int *ret_status);
