/*
 * eBPF of functions: the operator's word (allow_grants: bpf), and vireo-broker with its reader,
 * which are started when there is one.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "faas/supervisor.h"
#include "pvm/bpf.h"

/* ---- the configuration ---- */

static int bad(struct err *err, const char *file, const yaml_node_t *node, const char *what)
{
    return err_say(err, -EINVAL, "cannot read '%s': line %zu, column %zu: %s", file,
                   node->start_mark.line + 1, node->start_mark.column + 1, what);
}

static const char *text_of(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";
}

/* A key as a manifest's section bpf has it: one value, or a list. */
static int take_key(struct supervisor_config *config, yaml_document_t *document,
                    const yaml_node_t *key, const yaml_node_t *value, struct err *err)
{
    struct err reason = {0};
    int r = 0;

    if (value->type == YAML_SCALAR_NODE) {
        r = manifest_bpf_set(&config->allow_bpf, text_of(key), text_of(value), &reason);
        return r < 0 ? bad(err, config->config_file, value, reason.message) : 0;
    }
    if (value->type != YAML_SEQUENCE_NODE)
        return bad(err, config->config_file, value, "a value or a list is expected here");
    for (yaml_node_item_t *item = value->data.sequence.items.start;
         item < value->data.sequence.items.top && r == 0; item++) {
        const yaml_node_t *node = yaml_document_get_node(document, *item);
        if (manifest_bpf_set(&config->allow_bpf, text_of(key), text_of(node), &reason) < 0)
            r = bad(err, config->config_file, node, reason.message);
    }
    return r;
}

int bpf_config_take(struct supervisor_config *config, yaml_document_t *document,
                    const yaml_node_t *value, struct err *err)
{
    struct bpf_policy settled;

    if (value->type == YAML_MAPPING_NODE) {
        for (yaml_node_pair_t *pair = value->data.mapping.pairs.start;
             pair < value->data.mapping.pairs.top; pair++) {
            int r = take_key(config, document, yaml_document_get_node(document, pair->key),
                             yaml_document_get_node(document, pair->value), err);
            if (r < 0)
                return r;
        }
    } else if (strcmp(text_of(value), "false") == 0) {
        return 0;
    } else if (strcmp(text_of(value), "true") != 0) {
        return bad(err, config->config_file, value,
                   "true, false or a mapping (docs/bpf.md) is expected here");
    }
    policy_settle(&config->allow_bpf, &settled);
    settled.given = 1;
    config->allow_bpf = settled;
    return 0;
}

int bpf_allowed(const struct supervisor_config *config, const struct manifest *manifest,
                struct err *err)
{
    struct err reason = {0};
    struct bpf_policy asked;

    if (!manifest->bpf.given)
        return 0;
    if (!config->allow_bpf.given)
        return err_say(err, -EPERM,
                       "cannot deploy '%s': grant bpf is not in the operator's allow_grants",
                       manifest->name);
    policy_settle(&manifest->bpf, &asked);
    if (policy_within(&asked, &config->allow_bpf, &reason) < 0)
        return err_say(err, -EPERM,
                       "cannot grant bpf to '%s': the operator's allow_grants do not "
                       "have %s",
                       manifest->name, reason.message);
    return 0;
}

/* ---- the broker ---- */

static bool serves(const struct function *function)
{
    return function->manifest.bpf.given;
}

/* The loop lives in an empty network; what programs attach to are the machine's interfaces. */
static int spawn(struct supervisor *supervisor, int socket, struct spawned *ret_process,
                 struct err *err)
{
    const struct pvm_bpf_options options = {.broker_fd = supervisor->bpf_programs[0],
                                            .reader_fd = supervisor->bpf_programs[1],
                                            .broker_uid = supervisor->uid_first + UID_BROKER,
                                            .reader_uid = supervisor->uid_first + UID_READER};
    struct pvm_bpf bpf = {.socket = -1};
    int own;

    /* The one before: it ends with its broker, and is waited for here. */
    pvm_spawned_end(&supervisor->bpf_reader);
    int r = network_enter(supervisor, &own);
    if (r < 0)
        return err_set(err, r, "cannot start the broker of eBPF: enter the machine's network");
    r = pvm_bpf_start_on(&options, socket, &bpf, err);
    network_leave(own);
    if (r < 0)
        return r;
    *ret_process = bpf.broker;
    supervisor->bpf_reader = bpf.reader;
    return 0;
}

void bpf_init(struct supervisor *supervisor)
{
    broker_init(&supervisor->bpf);
    supervisor->bpf_reader.pidfd = -1;
    supervisor->bpf_programs[0] = supervisor->bpf_programs[1] = -1;
}

int bpf_open(struct supervisor *supervisor, struct err *err)
{
    if (!supervisor->config.allow_bpf.given)
        return 0;
    supervisor->bpf.what = "broker of eBPF";
    supervisor->bpf.spawn = spawn;
    supervisor->bpf.serves = serves;
    return broker_open(supervisor, &supervisor->bpf, err);
}

void bpf_close(struct supervisor *supervisor)
{
    broker_close(supervisor, &supervisor->bpf);
    pvm_spawned_end(&supervisor->bpf_reader);
    fd_close_all(supervisor->bpf_programs, ARRAY_LEN(supervisor->bpf_programs));
}

int bpf_pair(struct supervisor *supervisor, const struct function *function,
             const struct cgroup *group, int *ret_fd, struct err *err)
{
    struct bpf_policy policy;

    *ret_fd = -1;
    if (!serves(function))
        return 0;
    if (supervisor->bpf.socket.fd < 0)
        return err_say(err, -EAGAIN, "cannot start '%s': the broker of eBPF is being started again",
                       function->row.name);
    /* The operator's word as it is now, not as it was when the function was deployed. */
    int r = bpf_allowed(&supervisor->config, &function->manifest, err);
    if (r < 0)
        return r;
    policy_settle(&function->manifest.bpf, &policy);
    return pvm_bpf_pair(supervisor->bpf.socket.fd, function->row.name, &policy, group, ret_fd, err);
}
