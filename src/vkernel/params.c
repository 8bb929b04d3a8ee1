/*
 * The part of parameters: whether a container has a view of some of /proc/sys that is its own, and
 * a file for its scheduling policy. What serves it is a process of its own (view.h), what acts is
 * the container's broker; here is how their values are read and written.
 */
#include "vkernel/params.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/err.h"
#include "vkernel/vkernel.h"

/* kernel/sched/debug.c, when the parameter was there: 0 to NSEC_PER_SEC. */
#define GRANULARITY_MAX 1000000000
#define SLICE_MIN_US 100
#define SLICE_MAX_US 100000
#define SWAPPINESS_MAX 200 /* mm/vmscan.c */
#define OVERCOMMIT_MAX 2

static int set(struct vkernel *vkernel, const char *key, const char *value, struct err *reason)
{
    bool on = strcmp(value, "on") == 0;

    if (strcmp(key, "view") != 0)
        return err_say(reason, -ENOENT, "params has view, not '%.40s'", key);
    if (!on && strcmp(value, "off") != 0)
        return err_say(reason, -EINVAL, "view '%.40s': it is on or off", value);
    vkernel->params.view = on;
    return 0;
}

static void each(const struct vkernel *vkernel, vkernel_row row, void *user)
{
    row("view", vkernel->params.view ? "on" : "off", vkernel->params.view != 0, user);
}

bool vk_params_own_pid_max(void)
{
    struct utsname name;
    unsigned major = 0, minor = 0;

    return uname(&name) == 0 && sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
           (major > 6 || (major == 6 && minor >= 14));
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n';
}

int vk_params_number(const char *text, size_t length, int64_t min, int64_t max, int64_t *ret_value)
{
    char copy[24];
    char *end;

    while (length > 0 && is_space(text[length - 1]))
        length--;
    while (length > 0 && is_space(*text)) {
        text++;
        length--;
    }
    if (length == 0 || length >= sizeof copy || memchr(text, '\0', length))
        return -EINVAL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (copy[0] == '+' || is_space(copy[copy[0] == '-'])) /* strtoll() takes these */
        return -EINVAL;
    errno = 0;
    long long value = strtoll(copy, &end, 0);
    if (*end || errno != 0 || value < min || value > max)
        return -EINVAL;
    *ret_value = value;
    return 0;
}

int vk_params_granularity(const char *text, size_t length, uint32_t *ret_slice_us)
{
    int64_t value = 0;
    int r = vk_params_number(text, length, 0, GRANULARITY_MAX, &value);

    if (r < 0)
        return r;
    int64_t us = value / 1000;
    *ret_slice_us = (uint32_t)(us < SLICE_MIN_US   ? SLICE_MIN_US
                               : us > SLICE_MAX_US ? SLICE_MAX_US
                                                   : us);
    return 0;
}

int vk_params_swappiness(const char *text, size_t length, uint32_t *ret_value)
{
    int64_t value = 0;
    int r = vk_params_number(text, length, 0, SWAPPINESS_MAX, &value);

    *ret_value = r < 0 ? 0 : (uint32_t)value;
    return r;
}

int vk_params_overcommit(const char *text, size_t length, bool is_ratio, uint32_t *ret_value)
{
    int64_t value = 0;
    int r = vk_params_number(text, length, 0, is_ratio ? INT32_MAX - 1 : OVERCOMMIT_MAX, &value);

    *ret_value = r < 0 ? 0 : (uint32_t)value;
    return r;
}

int vk_params_policy(const char *text, size_t length, uint32_t *ret_policy)
{
    struct vkernel vkernel = {0};
    char word[16];

    while (length > 0 && is_space(text[length - 1]))
        length--;
    if (length == 0 || length >= sizeof word || memchr(text, '\0', length))
        return -EINVAL;
    memcpy(word, text, length);
    word[length] = '\0';
    int r = vkernel_set(&vkernel, "sched.policy", word, NULL);
    *ret_policy = vkernel.sched.policy;
    return r;
}

static void mechanism(struct vkernel_mechanism *ret_mechanism)
{
    bool fuse = access("/dev/fuse", F_OK) == 0;

    *ret_mechanism =
        (struct vkernel_mechanism){.grade = !fuse                     ? VKERNEL_NONE
                                            : vk_params_own_pid_max() ? VKERNEL_BEST
                                                                      : VKERNEL_LESSER};
    snprintf(ret_mechanism->name, sizeof ret_mechanism->name, "%s",
             fuse ? "FUSE, BPF on sysctls of a group" : "none");
    if (!fuse)
        snprintf(ret_mechanism->detail, sizeof ret_mechanism->detail,
                 "there is no /dev/fuse: a container that asks for a view is refused");
    else if (!vk_params_own_pid_max())
        snprintf(ret_mechanism->detail, sizeof ret_mechanism->detail,
                 "kernel.pid_max is the host's and only shown: Linux 6.14 has one for each pid "
                 "namespace");
}

const struct vkernel_part vkernel_params = {
    .name = "params",
    .summary = "a view of its own of listed parameters of /proc/sys; fs.file-max is shown as the "
               "host's",
    .lacks = {[VKERNEL_OF_PVM] = "a pVM has no /proc/sys",
              [VKERNEL_OF_FUNCTION] = "a function's container is made by a process without rights, "
                                      "and a view takes root's; its /proc/sys is read-only"},
    .set = set,
    .each = each,
    .mechanism = mechanism,
};
