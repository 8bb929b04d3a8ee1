/* The part of capabilities: those that its processes may have at most. */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "base/capability_names.h"
#include "base/err.h"
#include "vkernel/vkernel.h"

static int parse(const char *value, uint64_t *ret_set, struct err *reason)
{
    uint64_t set = 0;

    for (const char *at = value; strcmp(value, "none") != 0;) {
        char name[40];
        size_t length = strcspn(at, ",");
        snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1),
                 at);
        int number = capability_number(name);
        if (number < 0)
            return err_say(reason, -EINVAL, "there is no capability '%s'", name);
        set |= UINT64_C(1) << number;
        at += length;
        if (!*at++)
            break;
    }
    *ret_set = set;
    return 0;
}

static int set(struct vkernel *vkernel, const char *key, const char *value, struct err *reason)
{
    if (strcmp(key, "keep") != 0)
        return err_say(reason, -ENOENT, "caps has keep, not '%.40s'", key);
    if (strcmp(value, "all") == 0) {
        vkernel->caps.said = 0;
        vkernel->caps.keep = 0;
        return 0;
    }
    int r = parse(value, &vkernel->caps.keep, reason);
    if (r == 0)
        vkernel->caps.said = 1;
    return r;
}

static void each(const struct vkernel *vkernel, vkernel_row row, void *user)
{
    char text[VKERNEL_VALUE_BYTES] = "none";
    size_t used = 0;

    for (size_t i = 0; i < 64 && used < sizeof text; i++) {
        const char *name = vkernel->caps.keep >> i & 1 ? capability_name(i) : NULL;
        if (name)
            used +=
                (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? "," : "", name);
    }
    row("keep", vkernel->caps.said ? text : "all", vkernel->caps.said != 0, user);
}

uint64_t vkernel_capabilities(const struct vkernel *vkernel)
{
    /* The right to read the host's log goes where there is one of its own. */
    uint64_t kept = vkernel && vkernel->log.kib ? ~(UINT64_C(1) << CAP_SYSLOG) : UINT64_MAX;

    return vkernel && vkernel->caps.said ? vkernel->caps.keep & kept : kept;
}

static void mechanism(struct vkernel_mechanism *ret_mechanism)
{
    *ret_mechanism = (struct vkernel_mechanism){.grade = VKERNEL_BEST, .name = "bounding set"};
}

const struct vkernel_part vkernel_caps = {
    .name = "caps",
    .summary = "the capabilities that it may have at most",
    .lacks = {[VKERNEL_OF_PVM] = "a pVM has no capabilities at all",
              [VKERNEL_OF_FUNCTION] = "a function's container has no capabilities at all"},
    .set = set,
    .each = each,
    .mechanism = mechanism,
};
