/* bpf: what a manifest says of its eBPF programs (bpf/policy.h). What it does not say is settled
 * later: the defaults depend on `host`. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "build/manifest_internal.h"
#include "build/manifest_reader.h"

static int add_kind(struct bpf_policy *policy, const char *name)
{
    int kind = bpf_kind_find(name);

    if (kind >= 0)
        policy->kinds |= UINT64_C(1) << kind;
    return kind;
}

static int add_map(struct bpf_policy *policy, const char *name)
{
    int type = bpf_map_type_find(name);

    if (type >= 0)
        policy->maps |= UINT64_C(1) << type;
    return type;
}

static int add_helper(struct bpf_policy *policy, const char *name)
{
    int number = bpf_helper_find(name);

    if (number >= 0)
        policy->helpers[number / 64] |= UINT64_C(1) << (number % 64);
    return number;
}

static int add_attach(struct bpf_policy *policy, const char *pattern)
{
    if (policy->attach_count == POLICY_ATTACH_MAX)
        return -E2BIG;
    if (!*pattern || strlen(pattern) > POLICY_PATTERN_MAX || !value_text_is_proper(pattern, false))
        return -EINVAL;
    snprintf(policy->attach[policy->attach_count++], POLICY_PATTERN_MAX + 1, "%s", pattern);
    return 0;
}

static int add_kfunc(struct bpf_policy *policy, const char *name)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

    if (policy->kfunc_count == POLICY_KFUNCS_MAX)
        return -E2BIG;
    if (!*name || strlen(name) > POLICY_KFUNC_NAME_MAX || name[strspn(name, good)])
        return -EINVAL;
    snprintf(policy->kfuncs[policy->kfunc_count++], POLICY_KFUNC_NAME_MAX + 1, "%s", name);
    return 0;
}

static int add_share(struct bpf_policy *policy, const char *name)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";

    if (policy->share_count == POLICY_SHARES_MAX)
        return -E2BIG;
    if (!*name || strlen(name) > POLICY_SHARE_NAME_MAX || name[strspn(name, good)])
        return -EINVAL;
    snprintf(policy->share[policy->share_count++], POLICY_SHARE_NAME_MAX + 1, "%s", name);
    return 0;
}

static int set_number(const char *key, const char *value, uint64_t min, uint64_t max, bool bytes,
                      uint64_t *ret_number, struct err *reason)
{
    struct err cause = {0};
    uint64_t number;
    int r = bytes ? value_bytes(value, &number, &cause) : value_count(value, &number, &cause);

    if (r < 0)
        return err_say(reason, -EINVAL, "%s '%s': %s", key, value_show(value).text, cause.message);
    if (number < min || number > max)
        return err_say(reason, -EINVAL,
                       bytes ? "%s '%s': it is not within 4KiB and 1GiB"
                             : "%s '%s': it is a number from 1 to 64",
                       key, value_show(value).text);
    *ret_number = number;
    return 0;
}

static int set_host(struct bpf_policy *policy, const char *value, struct err *reason)
{
    if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
        return err_say(reason, -EINVAL, "host '%s': it is true or false", value_show(value).text);
    policy->host = value[0] == 't';
    return 0;
}

static const struct {
    const char *key;
    int (*add)(struct bpf_policy *policy, const char *name);
} lists[] = {{"programs", add_kind}, {"maps", add_map},     {"helpers", add_helper},
             {"attach", add_attach}, {"kfuncs", add_kfunc}, {"share", add_share}};

int manifest_bpf_check_list(const char *key, struct err *reason)
{
    return strcmp(key, "kfuncs") == 0 || strcmp(key, "share") == 0
               ? 0
               : err_say(reason, -EINVAL,
                         "%s: the list is empty, which is not nothing: left out, it is the default",
                         key);
}

int manifest_bpf_set(struct bpf_policy *policy, const char *key, const char *value,
                     struct err *reason)
{
    uint64_t number;
    int r = -ENOENT;

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        if (strcmp(key, lists[i].key) != 0)
            continue;
        r = lists[i].add(policy, value);
        if (r == -E2BIG)
            return err_say(reason, r, "%s has too many names", key);
        return r < 0 ? err_say(reason, -EINVAL, "%s: '%s' is not known (docs/bpf.md lists them)",
                               key, value_show(value).text)
                     : 0;
    }
    if (strcmp(key, "host") == 0)
        return set_host(policy, value, reason);
    if (strcmp(key, "map_memory") == 0)
        return set_number(key, value, 4096, POLICY_MAP_BYTES_MAX, true, &policy->map_bytes, reason);
    if (strcmp(key, "events") == 0) {
        r = value_count(value, &number, reason);
        if (r < 0 || number == 0 || number > UINT32_MAX)
            return err_say(reason, -EINVAL, "events '%s': it is a number, of a second",
                           value_show(value).text);
        policy->events = (uint32_t)number;
        return 0;
    }
    bool maps = strcmp(key, "map_count") == 0;
    if (!maps && strcmp(key, "program_count") != 0)
        return err_say(reason, -EINVAL,
                       "unknown key '%s' (bpf has: attach, events, helpers, host, kfuncs, "
                       "map_count, map_memory, "
                       "maps, program_count, programs, share)",
                       value_show(key).text);
    r = set_number(key, value, 1, POLICY_COUNT_MAX, false, &number, reason);
    if (r == 0)
        *(maps ? &policy->map_count : &policy->program_count) = (uint32_t)number;
    return r;
}

static int take(struct reader *reader, const struct entry *entry, void *into, const char *text)
{
    struct err reason = {0};

    return manifest_bpf_set(&((struct manifest *)into)->bpf, entry->name, text, &reason) < 0
               ? reader_refuse(reader, "%s", reason.message)
               : 0;
}

static int value_read(struct reader *reader, const struct entry *entry, void *into)
{
    const char *text;
    int r = reader_scalar(reader, entry->name, &text);

    return r < 0 ? r : take(reader, entry, into, text);
}

static int list_read(struct reader *reader, const struct entry *entry, void *into)
{
    int r = reader_list(reader, entry->name, "names");
    struct err reason = {0};
    bool any = false;

    while (r == 0 && (r = reader_item(reader)) > 0) {
        r = value_read(reader, entry, into);
        any = true;
    }
    if (r == 0 && !any && manifest_bpf_check_list(entry->name, &reason) < 0)
        return reader_refuse(reader, "%s", reason.message);
    return r;
}

int manifest_bpf_read(struct reader *reader, const struct entry *entry, void *into)
{
    static const struct entry entries[] = {
        {"programs", list_read, NULL},    {"attach", list_read, NULL},
        {"maps", list_read, NULL},        {"helpers", list_read, NULL},
        {"map_memory", value_read, NULL}, {"map_count", value_read, NULL},
        {"host", value_read, NULL},       {"program_count", value_read, NULL},
        {"events", value_read, NULL},     {"share", list_read, NULL},
        {"kfuncs", list_read, NULL},
    };

    return reader_mapping(reader, entry->name, entries, ARRAY_LEN(entries), into);
}

int manifest_grant_bpf_read(struct reader *reader, const struct entry *entry, void *into)
{
    bool given = false;
    int r = reader_bool(reader, entry, &given);

    ((struct manifest *)into)->bpf.given = given;
    return r;
}

int manifest_bpf_check(const struct manifest *manifest, struct err *err)
{
    static const struct bpf_policy nothing;
    struct err reason = {0};
    struct bpf_policy asked, most;

    if (!manifest->bpf.given) {
        if (memcmp(&manifest->bpf, &nothing, sizeof nothing) != 0)
            return err_say(err, -EINVAL, "the section bpf needs the grant bpf (grants: bpf: true)");
        return 0;
    }
    if (manifest->fork || manifest->ipc || manifest->link || manifest->update.slack_bytes > 0 ||
        manifest->recycle != MANIFEST_RECYCLE_NONE)
        return err_say(err, -EINVAL,
                       "a function with the grant bpf has none of fork, ipc, link, recycle and "
                       "update.slack: its buffers have one reader");
    policy_settle(&manifest->bpf, &asked);
    policy_default(&most, asked.host);
    most.share_count = asked.share_count; /* which there are is the operator's to say */
    memcpy(most.share, asked.share, sizeof most.share);
    if (asked.host) { /* likewise */
        most.kfunc_count = asked.kfunc_count;
        memcpy(most.kfuncs, asked.kfuncs, sizeof most.kfuncs);
    }
    most.map_bytes = POLICY_MAP_BYTES_MAX;
    most.map_count = POLICY_MAPS_MAX;
    most.program_count = POLICY_PROGRAMS_MAX;
    if (policy_within(&asked, &most, &reason) < 0)
        return err_say(err, -EINVAL, "bpf: %s can't be asked for%s", reason.message,
                       asked.host ? "" : " without host");
    return 0;
}

static void list(FILE *out, const char *name, uint64_t bits, const char *(*name_of)(uint32_t))
{
    const char *before = "";

    if (!bits)
        return;
    fprintf(out, "  %s: [", name);
    for (uint32_t i = 0; i < 64; i++)
        if (bits >> i & 1) {
            fprintf(out, "%s%s", before, name_of(i));
            before = ", ";
        }
    fprintf(out, "]\n");
}

static const char *kind_name(uint32_t kind)
{
    return bpf_kinds[kind].name;
}

static void helpers(FILE *out, const struct bpf_policy *policy)
{
    const char *before = "";
    bool any = false;

    for (uint32_t i = 0; i < POLICY_HELPERS; i++) {
        if (!policy_has_helper(policy, i))
            continue;
        fprintf(out, "%s%s", any ? before : "  helpers: [", bpf_helper_name(i));
        before = ", ";
        any = true;
    }
    if (any)
        fprintf(out, "]\n");
}

void manifest_bpf_format(FILE *out, const struct manifest *manifest)
{
    const struct bpf_policy *policy = &manifest->bpf;

    if (!policy->given)
        return;
    fprintf(out, "bpf:\n  host: %s\n", policy->host ? "true" : "false");
    list(out, "programs", policy->kinds, kind_name);
    list(out, "maps", policy->maps, bpf_map_type_name);
    helpers(out, policy);
    if (policy->map_bytes)
        fprintf(out, "  map_memory: %" PRIu64 "\n", policy->map_bytes);
    if (policy->map_count)
        fprintf(out, "  map_count: %" PRIu32 "\n", policy->map_count);
    if (policy->program_count)
        fprintf(out, "  program_count: %" PRIu32 "\n", policy->program_count);
    if (policy->events)
        fprintf(out, "  events: %" PRIu32 "\n", policy->events);
    for (uint32_t i = 0; i < policy->kfunc_count; i++)
        fprintf(out, "%s%s%s", i ? ", " : "  kfuncs: [", policy->kfuncs[i],
                i + 1 == policy->kfunc_count ? "]\n" : "");
    for (uint32_t i = 0; i < policy->share_count; i++)
        fprintf(out, "%s%s%s", i ? ", " : "  share: [", policy->share[i],
                i + 1 == policy->share_count ? "]\n" : "");
    if (policy->attach_count)
        fprintf(out, "  attach:\n");
    for (uint32_t i = 0; i < policy->attach_count; i++) {
        fprintf(out, "    - ");
        manifest_format_quoted(out, policy->attach[i]);
        fputc('\n', out);
    }
}
