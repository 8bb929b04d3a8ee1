/* The operator's word on eBPF (allow_grants: bpf): its reading, and what manifests are held to. */
#include <errno.h>
#include <string.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "faas/supervisor.h"
#include "faas/supervisor_outside.h"

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
    if (value->data.sequence.items.start == value->data.sequence.items.top &&
        manifest_bpf_check_list(text_of(key), &reason) < 0)
        return bad(err, config->config_file, value, reason.message);
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
