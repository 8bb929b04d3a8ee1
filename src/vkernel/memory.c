/*
 * The part of memory: huge pages, by prctl(PR_SET_THP_DISABLE), which children and new programs
 * inherit. It only makes the host's policy stricter: of the two the stricter one wins. The table of
 * system calls keeps the processes from taking it back (syscalls.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "vkernel/vkernel.h"

/* Linux 6.18: but for memory that asked for them by madvise(2). */
#define THP_DISABLE_EXCEPT_ADVISED (1 << 1)
#define HOST_POLICY "/sys/kernel/mm/transparent_hugepage/enabled"

static const char *const policies[] = {
    [VKERNEL_HUGE_PAGES_HOST] = "default",
    [VKERNEL_HUGE_PAGES_NEVER] = "never",
    [VKERNEL_HUGE_PAGES_MADVISE] = "madvise",
};

static int set(struct vkernel *vkernel, const char *key, const char *value, struct err *reason)
{
    if (strcmp(key, "huge_pages") != 0)
        return err_say(reason, -ENOENT, "memory has huge_pages, not '%.40s'", key);
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

static void each(const struct vkernel *vkernel, vkernel_row row, void *user)
{
    row("huge_pages", policies[vkernel->memory.huge_pages], vkernel->memory.huge_pages != 0, user);
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

static bool host_is_always(void)
{
    char text[64] = "";

    _cleanup_(closep) int fd = open(HOST_POLICY, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fd_read_full(fd, text, sizeof text - 1) < 0)
        text[0] = '\0';
    return strstr(text, "[always]") != NULL;
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
    return host_is_always() ? err_say(err, -ENOTSUP,
                                      "cannot set memory.huge_pages to madvise: the host's policy "
                                      "is always, and this kernel (before 6.18) has no other for "
                                      "some processes than never")
                            : 0;
}

static void mechanism(struct vkernel_mechanism *ret_mechanism)
{
    *ret_mechanism = (struct vkernel_mechanism){.grade = VKERNEL_BEST, .name = "THP by prctl"};
    if (except_advised_works())
        return;
    ret_mechanism->grade = VKERNEL_LESSER;
    snprintf(ret_mechanism->detail, sizeof ret_mechanism->detail,
             "madvise needs Linux 6.18 where the host's policy is always; never works");
}

const struct vkernel_part vkernel_memory = {
    .name = "memory",
    .summary = "its own policy of huge pages",
    .set = set,
    .each = each,
    .mechanism = mechanism,
};
