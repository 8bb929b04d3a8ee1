/* The parts of a virtual kernel: the one table that lists them, and keys by their names. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/suggest.h"
#include "vkernel/vkernel.h"

const struct vkernel_part *const vkernel_parts[] = {
    &vkernel_syscalls, &vkernel_sched, &vkernel_memory,
    &vkernel_files,    &vkernel_caps,  &vkernel_log,
    &vkernel_params,   &vkernel_futex, NULL};

int vkernel_part_find(const char *key, const struct vkernel_part **ret_part, const char **ret_rest,
                      struct err *reason)
{
    size_t length = strcspn(key, ".");
    const char *names[16];
    char name[32];
    size_t count = 0;

    for (size_t i = 0; vkernel_parts[i]; i++) {
        const char *part = vkernel_parts[i]->name;
        names[count++] = part;
        if (strncmp(part, key, length) != 0 || part[length] != '\0')
            continue;
        *ret_part = vkernel_parts[i];
        *ret_rest = key[length] == '.' ? key + length + 1 : "";
        return 0;
    }
    snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name), key);
    const char *near = suggest_word(name, names, count);
    return near ? err_say(reason, -ENOENT, "a virtual kernel has no part '%s' (did you mean '%s'?)",
                          name, near)
                : err_say(reason, -ENOENT, "a virtual kernel has no part '%s'", name);
}

static bool begins_with(const char *key, const char *beginning)
{
    return strncmp(key, beginning, strlen(beginning)) == 0;
}

bool vkernel_is_live(const struct vkernel_part *part, const char *key)
{
    return part->live && begins_with(key, part->live) &&
           (!part->not_live || strcmp(key, part->not_live) != 0);
}

const char *vkernel_lacks(const struct vkernel_part *part, const char *key, enum vkernel_home home)
{
    return !part->lacks_keys || begins_with(key, part->lacks_keys) ? part->lacks[home] : NULL;
}

int vkernel_set(struct vkernel *vkernel, const char *key, const char *value, struct err *reason)
{
    const struct vkernel_part *part;
    const char *rest;
    int r = vkernel_part_find(key, &part, &rest, reason);

    if (r < 0)
        return r;
    if (strlen(value) >= VKERNEL_VALUE_BYTES)
        return err_say(reason, -EINVAL, "its value is longer than %d bytes",
                       VKERNEL_VALUE_BYTES - 1);
    return part->set(vkernel, rest, value, reason);
}

struct whole {
    const char *part;
    vkernel_row row;
    void *user;
};

static void whole_row(const char *key, const char *value, bool said, void *user)
{
    const struct whole *whole = user;
    char name[VKERNEL_KEY_BYTES];

    snprintf(name, sizeof name, "%s.%s", whole->part, key);
    whole->row(name, value, said, whole->user);
}

void vkernel_each(const struct vkernel *vkernel, vkernel_row row, void *user)
{
    for (size_t i = 0; vkernel_parts[i]; i++) {
        struct whole whole = {vkernel_parts[i]->name, row, user};
        vkernel_parts[i]->each(vkernel, whole_row, &whole);
    }
}

bool vkernel_has_view(const struct vkernel *vkernel)
{
    return vkernel->log.kib > 0 || vkernel->params.view || vkernel_has_overcommit(vkernel);
}

static void said_row(const char *key, const char *value, bool said, void *user)
{
    (void)key;
    (void)value;
    *(bool *)user |= said;
}

bool vkernel_is_set(const struct vkernel *vkernel)
{
    bool any = false;

    vkernel_each(vkernel, said_row, &any);
    return any;
}
