/* Virtual kernels described: as JSON, and a system call explained. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "vkernel/describe.h"

DEFINE_CLEANUP(struct vk_table, vk_table_free)

static void add_text(struct json_object *object, const char *key, const char *value)
{
    json_object_object_add(object, key, json_object_new_string(value));
}

struct keys {
    struct json_object *object;
    enum vkernel_home home;
};

static void key_json(const char *key, const char *value, bool said, void *user)
{
    const struct keys *keys = user;
    const struct vkernel_part *part;
    const char *rest;

    if (vkernel_part_find(key, &part, &rest, NULL) < 0 || vkernel_lacks(part, rest, keys->home))
        return;
    struct json_object *object = json_object_new_object();
    add_text(object, "value", value);
    json_object_object_add(object, "said", json_object_new_boolean(said));
    json_object_object_add(object, "live", json_object_new_boolean(vkernel_is_live(part, rest)));
    json_object_object_add(keys->object, key, object);
}

struct json_object *vkernel_json(const struct vkernel *vkernel, enum vkernel_home home)
{
    struct keys keys = {json_object_new_object(), home};

    vkernel_each(vkernel, key_json, &keys);
    return keys.object;
}

static void rules_json(struct json_object *object, const char *key, const struct vk_table *table,
                       unsigned number)
{
    char text[4096];
    size_t count;

    const struct vk_rule *rules = vk_table_rules(table, number, &count, NULL);
    vk_rules_format(rules, count, text, sizeof text);
    add_text(object, key, text);
}

/* Where our part of the answer comes from. */
static const char *source_of(const struct vkernel *vkernel, unsigned number)
{
    _cleanup_(vk_table_freep) struct vk_table *profile = NULL;
    char name[VK_CALL_NAME_BYTES];
    size_t count;
    bool own = false;

    if (number == SYS_futex && vkernel->sched.realtime > 0)
        return "vkernel: sched: realtime";
    if (number == SYS_prctl && vkernel->memory.huge_pages != VKERNEL_HUGE_PAGES_HOST)
        return "vkernel: memory: huge_pages";
    if (number == SYS_syslog && vkernel->log.kib)
        return "vkernel: log: size";
    vk_call_name(number, name);
    if (vkernel_syscalls_names(vkernel, name))
        return "vkernel: syscalls: calls";
    if (vkernel->syscalls.profile[0] && vk_profile_table(vkernel->syscalls.profile, &profile) == 0)
        vk_table_rules(profile, number, &count, &own);
    if (!own && vkernel->syscalls.otherwise[0])
        return "vkernel: syscalls: default";
    if (vkernel->syscalls.profile[0])
        return "vkernel: syscalls: profile";
    return vkernel->syscalls.calls[0] && strncmp(name, "io_uring_", 9) == 0
               ? "vkernel: syscalls: no filter sees what its rings do"
               : "nothing was said";
}

/* "1,0x10,..." into six numbers; what is not said is 0. -EINVAL. */
static int arguments_parse(const char *text, uint64_t arguments[static 6])
{
    for (unsigned i = 0; *text; i++) {
        char *end;
        if (i == 6 || ((*text < '0' || *text > '9') && *text != '-'))
            return -EINVAL;
        arguments[i] = strtoull(text, &end, 0);
        if (end == text || (*end && *end != ','))
            return -EINVAL;
        text = *end ? end + 1 : end;
    }
    return 0;
}

int vkernel_explain(const struct vkernel *vkernel, const struct vk_table *wall, const char *call,
                    const char *arguments, struct json_object **ret_object, struct err *err)
{
    _cleanup_(vk_table_freep) struct vk_table *own = NULL, *merged = NULL;
    uint64_t values[6] = {0};
    char text[64];

    int number = vk_call_number(call);
    if (number < 0)
        return err_say(err, -EINVAL, "there is no system call '%.40s'", call);
    if (arguments && arguments_parse(arguments, values) < 0)
        return err_say(err, -EINVAL, "'%.60s' is not up to six numbers", arguments);
    int r = vkernel_syscalls_table(vkernel, &own, err);
    if (r == 0 && own)
        r = vk_table_merge(wall, own, &merged, err);
    if (r < 0)
        return r;
    const struct vk_table *whole = merged ? merged : wall;
    struct json_object *object = json_object_new_object();
    vk_call_name((unsigned)number, text);
    add_text(object, "call", text);
    json_object_object_add(object, "number", json_object_new_int(number));
    if (arguments) {
        vk_verdict_format(vk_table_verdict(whole, (unsigned)number, values), text, sizeof text);
        add_text(object, "verdict", text);
    }
    rules_json(object, "rules", whole, (unsigned)number);
    rules_json(object, "wall", wall, (unsigned)number);
    if (own)
        rules_json(object, "own", own, (unsigned)number);
    add_text(object, "own_from", source_of(vkernel, (unsigned)number));
    *ret_object = object;
    return 0;
}
