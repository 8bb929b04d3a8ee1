/* The part of the log: how much of its own kernel log a container keeps. What serves it is a
 * process of its own: view.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "vkernel/vkernel.h"

#define MIN_KIB 16u
#define MAX_KIB 1024u

static int set(struct vkernel *vkernel, const char *key, const char *value, struct err *reason)
{
    char *end;
    unsigned long given = value[0] >= '1' && value[0] <= '9' ? strtoul(value, &end, 10) : 0;

    if (strcmp(key, "size") != 0)
        return err_say(reason, -ENOENT, "log has size, not '%.40s'", key);
    if (given > 0 && strcmp(end, "MiB") == 0 && given <= MAX_KIB)
        given *= 1024;
    else if (given > 0 && strcmp(end, "KiB") != 0)
        given = 0;
    if (strcmp(value, "off") != 0 && (given < MIN_KIB || given > MAX_KIB))
        return err_say(reason, -EINVAL, "size '%.40s': it is off, or from %uKiB to 1MiB", value,
                       MIN_KIB);
    vkernel->log.kib = (uint32_t)given;
    return 0;
}

static void each(const struct vkernel *vkernel, vkernel_row row, void *user)
{
    char text[24] = "off";

    if (vkernel->log.kib)
        snprintf(text, sizeof text, "%uKiB", vkernel->log.kib);
    row("size", text, vkernel->log.kib > 0, user);
}

/* Whether the kernel knows where a message's task is told: a program on it can be loaded by who has
 * the rights, which who asks may not have. */
static void mechanism(struct vkernel_mechanism *ret_mechanism)
{
    const char *missing = access("/sys/kernel/btf/vmlinux", R_OK) < 0 ? "kernel's types (BTF)"
                          : access("/dev/fuse", F_OK) < 0             ? "/dev/fuse"
                                                                      : NULL;

    *ret_mechanism = (struct vkernel_mechanism){.grade = missing ? VKERNEL_NONE : VKERNEL_BEST};
    snprintf(ret_mechanism->name, sizeof ret_mechanism->name, "%s",
             missing ? "none" : "BPF on printk:console, FUSE, emulated syslog(2)");
    if (missing)
        snprintf(ret_mechanism->detail, sizeof ret_mechanism->detail,
                 "this kernel has no %s: a container that asks for a log is refused", missing);
}

const struct vkernel_part vkernel_log = {
    .name = "log",
    .summary = "a kernel log of its own: dmesg, /dev/kmsg and syslog(2) of a container",
    .lacks = {[VKERNEL_OF_PVM] = "a pVM has no call and no file to read a kernel log with",
              [VKERNEL_OF_FUNCTION] = "a function's container is made by a process without rights, "
                                      "and a kernel log takes root's (its own output is in vireo "
                                      "logs)"},
    .set = set,
    .each = each,
    .mechanism = mechanism,
};
