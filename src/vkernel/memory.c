/*
 * The part of memory. Overcommit is overcommit.c's. Huge pages, by prctl(PR_SET_THP_DISABLE), which
 * children and new programs inherit. It only makes the host's policy stricter: of the two the
 * stricter one wins. The table of system calls keeps the processes from taking it back
 * (syscalls.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "vkernel/overcommit.h"
#include "vkernel/vkernel.h"

/* Linux 6.18: but for memory that asked for them by madvise(2). */
#define THP_DISABLE_EXCEPT_ADVISED (1 << 1)
#define OVERCOMMIT_MAX 2
#define HOST_POLICY "/sys/kernel/mm/transparent_hugepage/enabled"

static const char *const policies[] = {
    [VKERNEL_HUGE_PAGES_HOST] = "default",
    [VKERNEL_HUGE_PAGES_NEVER] = "never",
    [VKERNEL_HUGE_PAGES_MADVISE] = "madvise",
};

static int huge_pages_set(struct vkernel *vkernel, const char *value, struct err *reason)
{
    for (uint32_t i = 0; i < ARRAY_LEN(policies); i++) {
        if (strcmp(policies[i], value) != 0)
            continue;
        vkernel->memory.huge_pages = i;
        return 0;
    }
    if (strcmp(value, "always") == 0)
        return err_say(reason, -EINVAL,
                       "huge_pages 'always': the host's policy can be made stricter only");
    return err_say(reason, -EINVAL, "huge_pages '%.40s': it is default, madvise or never", value);
}

/* Zero is the host's; numbers as vm.overcommit_memory and vm.overcommit_ratio have them. */
static int number_set(uint32_t *field, const char *key, const char *value, uint32_t max,
                      struct err *reason)
{
    char *end = NULL;
    unsigned long given = value[0] >= '0' && value[0] <= '9' ? strtoul(value, &end, 10) : 0;

    if (strcmp(value, "default") == 0) {
        *field = 0;
        return 0;
    }
    if (!end || *end || given > max)
        return err_say(reason, -EINVAL, "%s '%.40s': it is default, or a number from 0 to %u", key,
                       value, max);
    *field = (uint32_t)given + 1;
    return 0;
}

static int set(struct vkernel *vkernel, const char *key, const char *value, struct err *reason)
{
    if (strcmp(key, "huge_pages") == 0)
        return huge_pages_set(vkernel, value, reason);
    if (strcmp(key, "overcommit") == 0)
        return number_set(&vkernel->memory.overcommit, key, value, OVERCOMMIT_MAX, reason);
    if (strcmp(key, "overcommit_ratio") == 0)
        return number_set(&vkernel->memory.overcommit_ratio, key, value, INT32_MAX, reason);
    return err_say(reason, -ENOENT,
                   "memory has huge_pages, overcommit and overcommit_ratio, not '%.40s'", key);
}

static void number_row(const char *key, uint32_t field, vkernel_row row, void *user)
{
    char text[16] = "default";

    if (field)
        snprintf(text, sizeof text, "%u", field - 1);
    row(key, text, field != 0, user);
}

static void each(const struct vkernel *vkernel, vkernel_row row, void *user)
{
    row("huge_pages", policies[vkernel->memory.huge_pages], vkernel->memory.huge_pages != 0, user);
    number_row("overcommit", vkernel->memory.overcommit, row, user);
    number_row("overcommit_ratio", vkernel->memory.overcommit_ratio, row, user);
}

bool vkernel_has_overcommit(const struct vkernel *vkernel)
{
    return vkernel->memory.overcommit != 0 || vkernel->memory.overcommit_ratio != 0;
}

/* Tried on ourselves, and undone. */
static bool except_advised_works(void)
{
    int before = prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0);

    if (prctl(PR_SET_THP_DISABLE, 1, THP_DISABLE_EXCEPT_ADVISED, 0, 0) < 0)
        return false;
    prctl(PR_SET_THP_DISABLE, before > 0, before > 0 ? before & ~1 : 0, 0, 0);
    return true;
}

static bool host_is(const char *policy)
{
    char text[64] = "";

    _cleanup_(closep) int fd = open(HOST_POLICY, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fd_read_full(fd, text, sizeof text - 1) < 0)
        text[0] = '\0';
    return strstr(text, policy) != NULL;
}

const char *vkernel_huge_pages_text(const struct vkernel *vkernel)
{
    if (!vkernel || vkernel->memory.huge_pages == VKERNEL_HUGE_PAGES_HOST)
        return NULL;
    return vkernel->memory.huge_pages == VKERNEL_HUGE_PAGES_NEVER || host_is("[never]")
               ? "always madvise [never]\n"
               : "always [madvise] never\n";
}

int vkernel_huge_pages(const struct vkernel *vkernel, int *ret_flags, struct err *err)
{
    *ret_flags = -1;
    if (!vkernel || vkernel->memory.huge_pages == VKERNEL_HUGE_PAGES_HOST)
        return 0;
    *ret_flags = 0;
    if (vkernel->memory.huge_pages == VKERNEL_HUGE_PAGES_NEVER)
        return 0;
    *ret_flags = THP_DISABLE_EXCEPT_ADVISED;
    if (except_advised_works())
        return 0;
    /* madvise and never of the host's are as strict as this is. */
    *ret_flags = -1;
    return host_is("[always]")
               ? err_say(err, -ENOTSUP,
                         "cannot set memory.huge_pages to madvise: the host's policy "
                         "is always, and this kernel (before 6.18) has no other for "
                         "some processes than never")
               : 0;
}

static void mechanism(struct vkernel_mechanism *ret_mechanism)
{
    const bool commit = overcommit_works(), advised = except_advised_works();

    *ret_mechanism =
        (struct vkernel_mechanism){.grade = commit && advised ? VKERNEL_BEST : VKERNEL_LESSER};
    snprintf(ret_mechanism->name, sizeof ret_mechanism->name, "THP by prctl%s",
             commit ? ", BPF on commits" : "");
    snprintf(ret_mechanism->detail, sizeof ret_mechanism->detail, "%s%s%s",
             commit           ? ""
             : geteuid() == 0 ? "overcommit is the host's: this kernel lets no BPF program refuse "
                                "memory (fmod_ret)"
                              : "overcommit is the host's: a container's own needs root",
             commit || advised ? "" : "; ",
             advised ? ""
                     : "huge_pages madvise needs Linux 6.18 where the host's policy is always");
}

const struct vkernel_part vkernel_memory = {
    .name = "memory",
    .summary = "its own policy of huge pages; a container's own overcommit",
    .live = "overcommit",
    .lacks = {[VKERNEL_OF_PVM] = "a pVM has a limit of memory that it can't commit beyond",
              [VKERNEL_OF_FUNCTION] = "a function's container is made by a process without rights, "
                                      "and this takes root's; limits.memory is what it has"},
    .lacks_keys = "overcommit",
    .set = set,
    .each = each,
    .mechanism = mechanism,
};
