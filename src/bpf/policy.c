/* What is allowed when nothing narrower is said, and one policy within another. */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "bpf/policy_internal.h"

#define DEFAULT_MAP_BYTES (UINT64_C(16) << 20)

/* They change what others do, or make what no policy has seen. Nobody is given them. */
static const uint32_t never[] = {
    BPF_FUNC_probe_write_user,
    BPF_FUNC_override_return,
    BPF_FUNC_send_signal,
    BPF_FUNC_send_signal_thread,
    BPF_FUNC_sys_bpf,
    BPF_FUNC_sys_close,
    BPF_FUNC_btf_find_by_name_kind,
    BPF_FUNC_kallsyms_lookup_name,
    BPF_FUNC_copy_from_user_task,
};

/* What tells of the caller alone, or of the module's own maps and packets. Not among them:
 * snprintf, which reads the kernel's memory ("%s", "%pI4"), and what calls a function of the
 * program's again and again (loop, for_each_map_elem, user_ringbuf_drain): one in the other they
 * hold a processor for hours. */
static const uint32_t own[] = {
    BPF_FUNC_map_lookup_elem,
    BPF_FUNC_map_update_elem,
    BPF_FUNC_map_delete_elem,
    BPF_FUNC_map_push_elem,
    BPF_FUNC_map_pop_elem,
    BPF_FUNC_map_peek_elem,
    BPF_FUNC_map_lookup_percpu_elem,
    BPF_FUNC_ktime_get_ns,
    BPF_FUNC_ktime_get_boot_ns,
    BPF_FUNC_ktime_get_coarse_ns,
    BPF_FUNC_ktime_get_tai_ns,
    BPF_FUNC_jiffies64,
    BPF_FUNC_get_prandom_u32,
    BPF_FUNC_get_smp_processor_id,
    BPF_FUNC_get_numa_node_id,
    BPF_FUNC_tail_call,
    BPF_FUNC_get_current_pid_tgid,
    BPF_FUNC_get_current_uid_gid,
    BPF_FUNC_get_current_comm,
    BPF_FUNC_get_current_cgroup_id,
    BPF_FUNC_perf_event_output,
    BPF_FUNC_ringbuf_output,
    BPF_FUNC_ringbuf_reserve,
    BPF_FUNC_ringbuf_submit,
    BPF_FUNC_ringbuf_discard,
    BPF_FUNC_ringbuf_query,
    BPF_FUNC_probe_read_user,
    BPF_FUNC_probe_read_user_str,
    BPF_FUNC_spin_lock,
    BPF_FUNC_spin_unlock,
    BPF_FUNC_strtol,
    BPF_FUNC_strtoul,
    BPF_FUNC_strncmp,
    BPF_FUNC_skb_load_bytes,
    BPF_FUNC_skb_load_bytes_relative,
    BPF_FUNC_csum_diff,
    BPF_FUNC_get_socket_cookie,
    BPF_FUNC_get_socket_uid,
    BPF_FUNC_sk_fullsock,
    BPF_FUNC_tcp_sock,
    BPF_FUNC_get_attach_cookie,
    BPF_FUNC_sysctl_get_name,
    BPF_FUNC_sysctl_get_current_value,
    BPF_FUNC_sysctl_get_new_value,
    BPF_FUNC_get_retval,
    BPF_FUNC_sock_map_update,
    BPF_FUNC_sock_hash_update,
    BPF_FUNC_sk_redirect_map,
    BPF_FUNC_sk_redirect_hash,
    BPF_FUNC_msg_redirect_map,
    BPF_FUNC_msg_redirect_hash,
    BPF_FUNC_msg_apply_bytes,
    BPF_FUNC_msg_cork_bytes,
    BPF_FUNC_msg_pull_data,
    BPF_FUNC_sock_ops_cb_flags_set,
    BPF_FUNC_sk_storage_get,
    BPF_FUNC_sk_storage_delete,
    BPF_FUNC_get_local_storage,
};

/* Maps of kernel objects (stack_trace has addresses of code), of groups, interfaces and processors
 * are the machine's. */
static const uint32_t host_maps[] = {
    BPF_MAP_TYPE_STACK_TRACE, BPF_MAP_TYPE_TASK_STORAGE, BPF_MAP_TYPE_INODE_STORAGE,
    MAP_CGRP_STORAGE,         BPF_MAP_TYPE_STRUCT_OPS,   BPF_MAP_TYPE_CGROUP_ARRAY,
    BPF_MAP_TYPE_DEVMAP,      BPF_MAP_TYPE_DEVMAP_HASH,  BPF_MAP_TYPE_CPUMAP};

static void set_helper(struct bpf_policy *policy, uint32_t number, bool on)
{
    uint64_t bit = UINT64_C(1) << (number % 64);

    if (number >= POLICY_HELPERS)
        return;
    if (on)
        policy->helpers[number / 64] |= bit;
    else
        policy->helpers[number / 64] &= ~bit;
}

void policy_default(struct bpf_policy *policy, bool host)
{
    memset(policy, 0, sizeof *policy);
    policy->given = 1;
    policy->host = host;
    policy->map_bytes = DEFAULT_MAP_BYTES;
    policy->map_count = 32;
    policy->program_count = 32;
    for (size_t i = 0; i < bpf_kind_count; i++)
        if (!bpf_kinds[i].alias_of && (host || !bpf_kinds[i].host))
            policy->kinds |= UINT64_C(1) << i;
    for (uint32_t type = 0; type < 64; type++)
        if (strcmp(bpf_map_type_name(type), "unknown") != 0)
            policy->maps |= UINT64_C(1) << type;
    for (size_t i = 0; i < ARRAY_LEN(host_maps) && !host; i++)
        policy->maps &= ~(UINT64_C(1) << host_maps[i]);
    for (uint32_t number = 1; number < POLICY_HELPERS && host; number++)
        set_helper(policy, number, strcmp(bpf_helper_name(number), "unknown") != 0);
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        set_helper(policy, own[i], true);
    for (size_t i = 0; i < ARRAY_LEN(never); i++)
        set_helper(policy, never[i], false);
}

void policy_settle(const struct bpf_policy *said, struct bpf_policy *ret_policy)
{
    struct bpf_policy policy;
    uint64_t any = 0;

    policy_default(&policy, said->host);
    for (size_t i = 0; i < ARRAY_LEN(said->helpers); i++)
        any |= said->helpers[i];
    if (any)
        memcpy(policy.helpers, said->helpers, sizeof policy.helpers);
    policy.given = said->given;
    policy.kinds = said->kinds ? said->kinds : policy.kinds;
    policy.maps = said->maps ? said->maps : policy.maps;
    policy.map_bytes = said->map_bytes ? said->map_bytes : policy.map_bytes;
    policy.map_count = said->map_count ? said->map_count : policy.map_count;
    policy.program_count = said->program_count ? said->program_count : policy.program_count;
    policy.events = said->events;
    policy.attach_count = said->attach_count;
    memcpy(policy.attach, said->attach, sizeof policy.attach);
    policy.kfunc_count = said->kfunc_count;
    memcpy(policy.kfuncs, said->kfuncs, sizeof policy.kfuncs);
    policy.share_count = said->share_count;
    memcpy(policy.share, said->share, sizeof policy.share);
    *ret_policy = policy;
}

/* ---- one policy within another ---- */

/* `point` with so many bytes of a kind that no name has for each of its stars, one for each '?'. */
static void fill_stars(const char *point, size_t count, char *to, size_t size)
{
    size_t used = 0;

    for (; *point && used + count + 1 < size; point++) {
        size_t more = *point == '*' ? count : 1;
        memset(to + used, *point == '*' || *point == '?' ? '\1' : *point, more);
        used += more;
    }
    to[used] = '\0';
}

#define STARS_MAX 8
#define STAR_BYTES 128

/* A point may be a pattern of its own: whatever that has must be within the policy's, where only
 * a star stands for few bytes and for many. */
bool policy_allows_point(const char *pattern, const char *point)
{
    char none[512], many[512 + STARS_MAX * STAR_BYTES];
    unsigned stars = 0;

    if (!strpbrk(point, "*?"))
        return fnmatch(pattern, point, 0) == 0;
    for (const char *at = point; *at; at++)
        stars += *at == '*';
    if (strchr(pattern, '[') || stars > STARS_MAX || strlen(point) + STAR_BYTES >= sizeof none)
        return false;
    fill_stars(point, 0, none, sizeof none);
    fill_stars(point, STAR_BYTES, many, sizeof many);
    return fnmatch(pattern, none, 0) == 0 && fnmatch(pattern, many, 0) == 0;
}

static bool has_pattern(const struct bpf_policy *policy, const char *pattern)
{
    for (uint32_t i = 0; i < policy->attach_count; i++)
        if (strcmp(policy->attach[i], pattern) == 0 ||
            (!strpbrk(pattern, "[\\") && policy_allows_point(policy->attach[i], pattern)))
            return true;
    return policy->attach_count == 0;
}

bool policy_has_share(const struct bpf_policy *policy, const char *name)
{
    for (uint32_t i = 0; i < policy->share_count; i++)
        if (strcmp(policy->share[i], name) == 0)
            return true;
    return false;
}

static bool has_kfunc(const struct bpf_policy *policy, const char *name)
{
    for (uint32_t i = 0; i < policy->kfunc_count; i++)
        if (strcmp(policy->kfuncs[i], name) == 0)
            return true;
    return false;
}

int policy_within(const struct bpf_policy *policy, const struct bpf_policy *most,
                  struct err *reason)
{
    if (policy->host && !most->host)
        return err_say(reason, -EPERM, "the whole machine (host)");
    for (size_t i = 0; i < bpf_kind_count; i++)
        if (policy->kinds & ~most->kinds & UINT64_C(1) << i)
            return err_say(reason, -EPERM, "the kind '%s'", bpf_kinds[i].name);
    for (uint32_t i = 0; i < 64; i++)
        if (policy->maps & ~most->maps & UINT64_C(1) << i)
            return err_say(reason, -EPERM, "maps of type '%s'", bpf_map_type_name(i));
    for (uint32_t i = 0; i < POLICY_HELPERS; i++)
        if (policy_has_helper(policy, i) && !policy_has_helper(most, i))
            return err_say(reason, -EPERM, "the helper '%s'", bpf_helper_name(i));
    if (policy->map_bytes > most->map_bytes)
        return err_say(reason, -EPERM, "%" PRIu64 " bytes of maps (%" PRIu64 " at most)",
                       policy->map_bytes, most->map_bytes);
    if (policy->map_count > most->map_count || policy->program_count > most->program_count)
        return err_say(reason, -EPERM, "so many maps or programs (%u and %u at most)",
                       most->map_count, most->program_count);
    if (most->events && (!policy->events || policy->events > most->events))
        return err_say(reason, -EPERM, "so many events a second (%u at most)", most->events);
    for (uint32_t i = 0; i < policy->share_count; i++)
        if (!policy_has_share(most, policy->share[i]))
            return err_say(reason, -EPERM, "the shared object '%s'", policy->share[i]);
    for (uint32_t i = 0; i < policy->kfunc_count; i++)
        if (!has_kfunc(most, policy->kfuncs[i]))
            return err_say(reason, -EPERM, "the kfunc '%s'", policy->kfuncs[i]);
    if (policy->attach_count == 0 && most->attach_count > 0)
        return err_say(reason, -EPERM, "every attach point (name them: bpf: attach)");
    for (uint32_t i = 0; i < policy->attach_count; i++)
        if (!has_pattern(most, policy->attach[i]))
            return err_say(reason, -EPERM, "the attach point '%s'", policy->attach[i]);
    return 0;
}
