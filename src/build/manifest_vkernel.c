/*
 * vkernel: the keys of a virtual kernel as they are nested in YAML: sched: {policy: batch} is its
 * key sched.policy. Which keys there are its parts know: docs/vkernel.md.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "build/manifest_reader.h"
#include "vkernel/broker.h"

/* vkernel: syscalls: calls: NAME. */
#define DEPTH_MAX 3
/* Keys beside the calls, which the part itself refuses when they are there twice. */
#define KEYS_MAX 64
#define CALLS "syscalls.calls."

struct keys {
    char names[KEYS_MAX][VKERNEL_KEY_BYTES];
    size_t count;
    struct vkernel *vkernel;
};

static int once(struct reader *reader, struct keys *keys, const char *key)
{
    if (strncmp(key, CALLS, strlen(CALLS)) == 0)
        return 0;
    for (size_t i = 0; i < keys->count; i++)
        if (strcmp(keys->names[i], key) == 0)
            return reader_refuse(reader, "key '%s' is there twice", key);
    if (keys->count == KEYS_MAX)
        return reader_refuse(reader, "there are more than %d keys", KEYS_MAX);
    snprintf(keys->names[keys->count++], sizeof keys->names[0], "%s", key);
    return 0;
}

/* Whether it is a function in a container, its `command` tells, which may stand further down. */
static int home_check(struct reader *reader, const char *key, const char *pvm_lacks,
                      const char *function_lacks)
{
    if (!pvm_lacks)
        return 0;
    if (function_lacks)
        return reader_refuse(reader, "vkernel.%s is for containers: %s", key, pvm_lacks);
    if (!reader->contained.reason[0]) {
        snprintf(reader->contained.reason, sizeof reader->contained.reason,
                 "vkernel.%s is for containers: %s", key, pvm_lacks);
        reader->contained.mark = reader->event.start_mark;
    }
    return 0;
}

static int value_read(struct reader *reader, struct keys *keys, const char *key)
{
    const struct vkernel_part *part;
    struct err reason = {0};
    const char *text, *rest;
    int r = reader_scalar(reader, key, &text);

    if (r == 0 && vkernel_part_find(key, &part, &rest, NULL) == 0)
        r = home_check(reader, key, vkernel_lacks(part, rest, VKERNEL_OF_PVM),
                       vkernel_lacks(part, rest, VKERNEL_OF_FUNCTION));
    if (r == 0 && vkernel_set(keys->vkernel, key, text, &reason) < 0)
        return reader_refuse(reader, "%s", reason.message);
    return r;
}

/* One mapping, whose keys stand behind `prefix`; the current event is its start, then its end. */
static int mapping_read(struct reader *reader, struct keys *keys, const char *prefix,
                        unsigned depth)
{
    for (;;) {
        char key[VKERNEL_KEY_BYTES];
        const char *name;
        int r = reader_next(reader);
        if (r < 0 || reader->event.type == YAML_MAPPING_END_EVENT)
            return r;
        r = reader_scalar(reader, "a key", &name);
        if (r < 0)
            return r;
        int n = snprintf(key, sizeof key, "%s%s%s", prefix, prefix[0] ? "." : "", name);
        if (n < 0 || (size_t)n >= sizeof key || strchr(name, '.'))
            return reader_refuse(reader, "unknown key '%s'", value_show(name).text);
        r = once(reader, keys, key);
        if (r == 0)
            r = reader_next(reader);
        if (r < 0)
            return r;
        if (reader->event.type == YAML_MAPPING_START_EVENT && depth < DEPTH_MAX)
            r = mapping_read(reader, keys, key, depth + 1);
        else
            r = value_read(reader, keys, key);
        if (r < 0)
            return r;
    }
}

int manifest_vkernel_read(struct reader *reader, const struct entry *entry, void *into)
{
    struct keys keys = {.vkernel = &((struct manifest *)into)->vkernel};

    if (reader->event.type != YAML_MAPPING_START_EVENT)
        return reader_refuse(reader, "%s has keys below it", entry->name);
    yaml_mark_t start = reader->event.start_mark;
    int r = mapping_read(reader, &keys, "", 1);
    if (r == 0 && vkernel_emulates(keys.vkernel))
        return reader_refuse_at(
            reader, &start,
            "system calls are emulated for containers only: a pVM has none that "
            "would be");
    return r;
}
