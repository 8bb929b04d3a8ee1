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

/* A list of names; each is taken by `add`. */
static int names_read(struct reader *reader, const char *what,
                      int (*add)(struct bpf_policy *policy, const char *name), void *into)
{
    struct manifest *manifest = into;

    if (reader->event.type != YAML_SEQUENCE_START_EVENT)
        return reader_refuse(reader, "%s is a list of names", what);
    for (;;) {
        const char *text;
        int r = reader_next(reader);
        if (r < 0 || reader->event.type == YAML_SEQUENCE_END_EVENT)
            return r;
        r = reader_scalar(reader, what, &text);
        if (r < 0)
            return r;
        r = add(&manifest->bpf, text);
        if (r == -E2BIG)
            return reader_refuse(reader, "%s has more than %d names", what, POLICY_ATTACH_MAX);
        if (r < 0)
            return reader_refuse(reader, "%s: '%s' is not known (docs/bpf.md lists them)", what,
                                 value_show(text).text);
    }
}

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

static int programs_read(struct reader *reader, const struct entry *entry, void *into)
{
    return names_read(reader, entry->name, add_kind, into);
}

static int maps_read(struct reader *reader, const struct entry *entry, void *into)
{
    return names_read(reader, entry->name, add_map, into);
}

static int helpers_read(struct reader *reader, const struct entry *entry, void *into)
{
    return names_read(reader, entry->name, add_helper, into);
}

static int attach_read(struct reader *reader, const struct entry *entry, void *into)
{
    return names_read(reader, entry->name, add_attach, into);
}

static int memory_read(struct reader *reader, const struct entry *entry, void *into)
{
    struct manifest *manifest = into;
    struct err reason = {0};
    const char *text;
    int r = reader_scalar(reader, entry->name, &text);

    if (r < 0)
        return r;
    if (value_bytes(text, &manifest->bpf.map_bytes, &reason) < 0)
        return reader_refuse(reader, "map_memory '%s': %s", value_show(text).text, reason.message);
    if (manifest->bpf.map_bytes < 4096 || manifest->bpf.map_bytes > POLICY_MAP_BYTES_MAX)
        return reader_refuse(reader, "map_memory '%s': it is not within 4KiB and 1GiB",
                             value_show(text).text);
    return 0;
}

static int count_read(struct reader *reader, const struct entry *entry, uint32_t most, uint32_t *to)
{
    struct err reason = {0};
    const char *text;
    uint64_t count;
    int r = reader_scalar(reader, entry->name, &text);

    if (r < 0)
        return r;
    if (value_count(text, &count, &reason) < 0 || count == 0 || count > most)
        return reader_refuse(reader, "%s '%s': it is a number from 1 to %u", entry->name,
                             value_show(text).text, most);
    *to = (uint32_t)count;
    return 0;
}

static int map_count_read(struct reader *reader, const struct entry *entry, void *into)
{
    return count_read(reader, entry, POLICY_MAPS_MAX, &((struct manifest *)into)->bpf.map_count);
}

static int program_count_read(struct reader *reader, const struct entry *entry, void *into)
{
    return count_read(reader, entry, POLICY_PROGRAMS_MAX,
                      &((struct manifest *)into)->bpf.program_count);
}

static int host_read(struct reader *reader, const struct entry *entry, void *into)
{
    bool host = false;
    int r = reader_bool(reader, entry, &host);

    ((struct manifest *)into)->bpf.host = host;
    return r;
}

int manifest_bpf_read(struct reader *reader, const struct entry *entry, void *into)
{
    static const struct entry entries[] = {
        {"programs", programs_read, NULL}, {"attach", attach_read, NULL},
        {"maps", maps_read, NULL},         {"helpers", helpers_read, NULL},
        {"map_memory", memory_read, NULL}, {"map_count", map_count_read, NULL},
        {"host", host_read, NULL},         {"program_count", program_count_read, NULL},
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
    if (policy->attach_count)
        fprintf(out, "  attach:\n");
    for (uint32_t i = 0; i < policy->attach_count; i++) {
        fprintf(out, "    - ");
        manifest_format_quoted(out, policy->attach[i]);
        fputc('\n', out);
    }
}
