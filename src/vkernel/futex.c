/*
 * Futexes. Since Linux 6.16 the kernel gives each process a table of its own with its first thread,
 * as large as its threads need. PR_FUTEX_HASH sets another size for the caller alone, which is gone
 * with its next fork or execve(2): it can't be given to a container, so no key pretends to.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "base/err.h"
#include "vkernel/vkernel.h"

/* Newer than the headers. */
#define FUTEX_HASH 78
#define FUTEX_HASH_GET_SLOTS 2

static int set(struct vkernel *vkernel, const char *key, const char *value, struct err *reason)
{
    (void)vkernel;
    (void)key;
    (void)value;
    return err_say(
        reason, -ENOTSUP,
        "futex: the kernel makes a table for each process and keeps a size that one was "
        "given (PR_FUTEX_HASH) only until it forks or executes: none can be set for all");
}

static void each(const struct vkernel *vkernel, vkernel_row row, void *user)
{
    (void)vkernel;
    (void)row;
    (void)user;
}

static void mechanism(struct vkernel_mechanism *ret_mechanism)
{
    if (prctl(FUTEX_HASH, FUTEX_HASH_GET_SLOTS, 0, 0, 0) < 0) {
        *ret_mechanism = (struct vkernel_mechanism){
            .grade = VKERNEL_NONE,
            .name = "none",
            .detail = "one table for the whole machine: private ones came with Linux 6.16"};
        return;
    }
    *ret_mechanism = (struct vkernel_mechanism){
        .grade = VKERNEL_LESSER,
        .name = "the kernel's private tables",
        .detail = "each process with threads has its own, of the kernel's size; one by "
                  "PR_FUTEX_HASH goes with fork and exec; process-shared futexes are global"};
}

const struct vkernel_part vkernel_futex = {
    .name = "futex",
    .summary = "a table for each process",
    .set = set,
    .each = each,
    .mechanism = mechanism,
};
