/*
 * The operator's configuration (--config FILE): what manifests may ask for, how long a template
 * serves. docs/configuration.md
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "faas/supervisor.h"
#include "faas/supervisor_outside.h"

#define CONFIG_MAX_BYTES (64 << 10)
/* Of the allow-list, unless it is configured. */
#define VOTES_QUORUM 2
#define VOTES_DEADLINE_SECONDS (7 * 86400)
#define VOTES_DEMOTE_EVENTS 10000
#define VOTES_DEMOTE_FUNCTIONS 3
#define VOTES_UNUSED_SECONDS (30 * 86400)

static int bad(struct err *err, const char *file, const yaml_node_t *node, const char *what)
{
    return err_say(err, -EINVAL, "cannot read '%s': line %zu, column %zu: %s", file,
                   node->start_mark.line + 1, node->start_mark.column + 1, what);
}

static const char *text_of(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";
}

/* Calls `each` for every key of a mapping. */
static int each_key(yaml_document_t *document, const yaml_node_t *mapping, const char *file,
                    int (*each)(struct supervisor_config *config, yaml_document_t *document,
                                const yaml_node_t *key, const yaml_node_t *value, struct err *err),
                    struct supervisor_config *config, struct err *err)
{
    if (mapping->type != YAML_MAPPING_NODE)
        return bad(err, file, mapping, "a mapping is expected here");
    for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
         pair < mapping->data.mapping.pairs.top; pair++) {
        int r = each(config, document, yaml_document_get_node(document, pair->key),
                     yaml_document_get_node(document, pair->value), err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* A list of directories below a key of allow_grants. */
static int add_directory(struct supervisor_config *config, const yaml_node_t *item,
                         char (*list)[256], unsigned *count, struct err *err)
{
    const char *path = text_of(item);

    if (path[0] != '/' || strstr(path, "/../") || strstr(path, "//") ||
        strlen(path) >= sizeof *list)
        return bad(err, config->config_file, item,
                   "an absolute path without '..' is expected here");
    if (*count == ARRAY_LEN(config->allow_files))
        return bad(err, config->config_file, item, "too many directories (16 at most)");
    snprintf(list[(*count)++], sizeof *list, "%s", path);
    return 0;
}

static int add_files(struct supervisor_config *config, const yaml_node_t *item, struct err *err)
{
    return add_directory(config, item, config->allow_files, &config->allow_files_count, err);
}

static int add_secrets(struct supervisor_config *config, const yaml_node_t *item, struct err *err)
{
    return add_directory(config, item, config->allow_secrets, &config->allow_secrets_count, err);
}

static int add_listen(struct supervisor_config *config, const yaml_node_t *item, struct err *err)
{
    struct endpoint_rule *rule = &config->allow_listen[config->allow_listen_count];
    struct err reason = {0};

    if (config->allow_listen_count == ARRAY_LEN(config->allow_listen))
        return bad(err, config->config_file, item, "too many addresses (32 at most)");
    if (endpoint_rule_parse(text_of(item), rule, &reason) < 0)
        return bad(err, config->config_file, item, reason.message);
    if (!rule->is_address)
        return bad(err, config->config_file, item, "an address with its ports is expected here");
    config->allow_listen_count++;
    return 0;
}

static int add_connect(struct supervisor_config *config, const yaml_node_t *item, struct err *err)
{
    unsigned at = config->allow_connect_count;
    const char *text = text_of(item);
    struct err reason = {0};

    if (at == ARRAY_LEN(config->allow_connect))
        return bad(err, config->config_file, item, "too many places (64 at most)");
    if (endpoint_connect_rule_parse(text, &config->allow_connect[at], &reason) < 0)
        return bad(err, config->config_file, item, reason.message);
    snprintf(config->allow_connect_text[at], sizeof config->allow_connect_text[at], "%s", text);
    config->allow_connect_count++;
    return 0;
}

/* A function's name, or how it begins with '*' behind. */
static int add_pattern(struct supervisor_config *config, const yaml_node_t *item,
                       char (*list)[NAME_MAX_BYTES + 2], unsigned *count, struct err *err)
{
    const char *text = text_of(item);
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

    if (text[length] == '*')
        length++;
    if (length == 0 || text[length] || length > NAME_MAX_BYTES + 1)
        return bad(err, config->config_file, item,
                   "a function's name, or its beginning and '*', is expected here");
    if (*count == ALLOW_PATTERNS)
        return bad(err, config->config_file, item, "too many functions (64 at most)");
    memcpy(list[(*count)++], text, length + 1);
    return 0;
}

static int add_queue(struct supervisor_config *config, const yaml_node_t *item, struct err *err)
{
    return add_pattern(config, item, config->allow_queue, &config->allow_queue_count, err);
}

static int add_exec(struct supervisor_config *config, const yaml_node_t *item, struct err *err)
{
    return add_pattern(config, item, config->allow_exec, &config->allow_exec_count, err);
}

static int layer_key(struct supervisor_config *config, yaml_document_t *document,
                     const yaml_node_t *key, const yaml_node_t *value, struct err *err)
{
    enum allow_layer layer;

    if (allow_layer_find(text_of(key), &layer) < 0)
        return bad(err, config->config_file, key,
                   "unknown layer (allow_layers has: base, io, platform)");
    if (value->type != YAML_SEQUENCE_NODE)
        return bad(err, config->config_file, value, "a list is expected here");
    /* What is said replaces the default. */
    memset(config->allow_layers[layer], 0, sizeof config->allow_layers[layer]);
    config->allow_layers_count[layer] = 0;
    for (yaml_node_item_t *item = value->data.sequence.items.start;
         item < value->data.sequence.items.top; item++) {
        int r = add_pattern(config, yaml_document_get_node(document, *item),
                            config->allow_layers[layer], &config->allow_layers_count[layer], err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int limit_key(struct supervisor_config *config, yaml_document_t *document,
                     const yaml_node_t *key, const yaml_node_t *value, struct err *err)
{
    struct err reason = {0};

    (void)document;
    int r = manifest_ceilings_set(&config->ceilings, text_of(key), text_of(value), &reason);
    if (r == -ENOENT)
        return bad(err, config->config_file, key,
                   "unknown key (limits has: answer, bytes_per_second, cpus, idle, instances, "
                   "memory, operations_per_second, pids, queue, request, spares, stack, timeout, "
                   "tmp)");
    return r < 0 ? bad(err, config->config_file, value, reason.message) : 0;
}

/* "true" or "false". */
static int take_bool(const struct supervisor_config *config, const yaml_node_t *value,
                     bool *ret_bool, struct err *err)
{
    const char *text = text_of(value);

    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return bad(err, config->config_file, value, "true or false is expected here");
    *ret_bool = text[0] == 't';
    return 0;
}

/* Every other key of allow_grants is a list of texts. */
static const struct {
    const char *name;
    int (*add)(struct supervisor_config *config, const yaml_node_t *item, struct err *err);
} grant_keys[] = {{"files", add_files},     {"secrets", add_secrets}, {"listen", add_listen},
                  {"connect", add_connect}, {"queue", add_queue},     {"exec", add_exec}};

static int grant_key(struct supervisor_config *config, yaml_document_t *document,
                     const yaml_node_t *key, const yaml_node_t *value, struct err *err)
{
    size_t at = 0;

    if (strcmp(text_of(key), "limits") == 0)
        return each_key(document, value, config->config_file, limit_key, config, err);
    if (strcmp(text_of(key), "fork") == 0)
        return take_bool(config, value, &config->allow_fork, err);
    if (strcmp(text_of(key), "ipc") == 0)
        return take_bool(config, value, &config->allow_ipc, err);
    if (strcmp(text_of(key), "bpf") == 0)
        return bpf_config_take(config, document, value, err);
    if (strcmp(text_of(key), "link") == 0)
        return take_bool(config, value, &config->allow_link, err);
    while (at < ARRAY_LEN(grant_keys) && strcmp(text_of(key), grant_keys[at].name) != 0)
        at++;
    if (at == ARRAY_LEN(grant_keys))
        return bad(
            err, config->config_file, key,
            "unknown key (allow_grants has: bpf, connect, exec, files, fork, ipc, limits, link, "
            "listen, queue, secrets)");
    if (value->type != YAML_SEQUENCE_NODE)
        return bad(err, config->config_file, value, "a list is expected here");
    for (yaml_node_item_t *item = value->data.sequence.items.start;
         item < value->data.sequence.items.top; item++) {
        int r = grant_keys[at].add(config, yaml_document_get_node(document, *item), err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* A whole number, 1 to `max`. */
static int take_number(const struct supervisor_config *config, const yaml_node_t *value,
                       uint32_t max, uint32_t *ret_number, struct err *err)
{
    const char *text = text_of(value);
    char *end;

    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || number < 1 || number > max)
        return bad(err, config->config_file, value, "a whole number in its range is expected here");
    *ret_number = (uint32_t)number;
    return 0;
}

static int template_key(struct supervisor_config *config, yaml_document_t *document,
                        const yaml_node_t *key, const yaml_node_t *value, struct err *err)
{
    (void)document;
    if (strcmp(text_of(key), "starts") == 0)
        return take_number(config, value, TEMPLATE_STARTS_MAX, &config->template_starts, err);
    if (strcmp(text_of(key), "seconds") == 0)
        return take_number(config, value, TEMPLATE_SECONDS_MAX, &config->template_seconds, err);
    return bad(err, config->config_file, key, "unknown key (template has: starts, seconds)");
}

/* vireo, crun or runc, or the absolute path of one of these two. */
static int take_runtime(struct supervisor_config *config, const yaml_node_t *value, struct err *err)
{
    static const char *const places[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                         "/usr/bin"};
    const char *text = text_of(value), *slash = strrchr(text, '/');
    const char *name = slash ? slash + 1 : text;
    _cleanup_(freep) char *found = NULL;
    char path[256];

    config->container_runtime[0] = '\0';
    if (strcmp(text, "vireo") == 0)
        return 0;
    if ((slash && text[0] != '/') || (strcmp(name, "crun") != 0 && strcmp(name, "runc") != 0))
        return bad(err, config->config_file, value,
                   "vireo, crun or runc, or the absolute path of one of these, is expected here");
    if (slash)
        found = realpath(text, NULL);
    for (size_t i = 0; !slash && !found && i < ARRAY_LEN(places); i++) {
        snprintf(path, sizeof path, "%s/%s", places[i], name);
        found = realpath(path, NULL);
    }
    const char *last = found ? strrchr(found, '/') + 1 : "";
    if (!found || access(found, X_OK) < 0 || strcmp(last, name) != 0 ||
        strlen(found) >= sizeof config->container_runtime)
        return bad(err, config->config_file, value, "this program is not installed here");
    strcpy(config->container_runtime, found);
    return 0;
}

static int containers_key(struct supervisor_config *config, yaml_document_t *document,
                          const yaml_node_t *key, const yaml_node_t *value, struct err *err)
{
    (void)document;
    if (strcmp(text_of(key), "runtime") == 0)
        return take_runtime(config, value, err);
    if (strcmp(text_of(key), "policy") == 0) {
        config->container_spares_by_rate = strcmp(text_of(value), "rate") == 0;
        return config->container_spares_by_rate || strcmp(text_of(value), "fixed") == 0
                   ? 0
                   : bad(err, config->config_file, value, "fixed or rate is expected here");
    }
    if (strcmp(text_of(key), "spares") != 0)
        return bad(err, config->config_file, key,
                   "unknown key (containers has: policy, runtime, spares)");
    if (strcmp(text_of(value), "0") == 0) {
        config->container_spares = 0;
        return 0;
    }
    return take_number(config, value, CONTAINER_SPARES_MAX, &config->container_spares, err);
}

/* "8MiB", "64KiB" or bytes; at most `max`. */
static int take_size(const struct supervisor_config *config, const yaml_node_t *value, uint64_t max,
                     uint64_t *ret_bytes, struct err *err)
{
    const char *text = text_of(value);
    char *end;

    errno = 0;
    unsigned long long bytes = strtoull(text, &end, 10);
    unsigned shift = strcmp(end, "MiB") == 0 ? 20 : strcmp(end, "KiB") == 0 ? 10 : 0;
    if (errno || *text < '0' || *text > '9' || (shift == 0 && *end) || bytes > max >> shift)
        return bad(err, config->config_file, value,
                   "a size in its range is expected here (8MiB, 64KiB)");
    *ret_bytes = (uint64_t)bytes << shift;
    return 0;
}

static int log_key(struct supervisor_config *config, yaml_document_t *document,
                   const yaml_node_t *key, const yaml_node_t *value, struct err *err)
{
    (void)document;
    if (strcmp(text_of(key), "rate") == 0)
        return take_size(config, value, LOG_RATE_MAX_BYTES, &config->log_rate, err);
    if (strcmp(text_of(key), "ring") != 0)
        return bad(err, config->config_file, key, "unknown key (logs has: ring, rate)");
    int r = take_size(config, value, LOG_RING_MAX_BYTES, &config->log_ring, err);
    if (r == 0 &&
        (config->log_ring < LOG_RING_MIN_BYTES || (config->log_ring & (config->log_ring - 1)) != 0))
        r = bad(err, config->config_file, value, "a ring is 16KiB to 64MiB, a power of two");
    return r;
}

static int keys_key(struct supervisor_config *config, yaml_document_t *document,
                    const yaml_node_t *key, const yaml_node_t *value, struct err *err)
{
    if (strcmp(text_of(key), "trusted") != 0)
        return bad(err, config->config_file, key, "unknown key (keys has: trusted)");
    if (value->type != YAML_SEQUENCE_NODE)
        return bad(err, config->config_file, value, "a list is expected here");
    for (yaml_node_item_t *item = value->data.sequence.items.start;
         item < value->data.sequence.items.top; item++) {
        const yaml_node_t *node = yaml_document_get_node(document, *item);
        int r = sign_trust_add(&config->trust, text_of(node));
        if (r < 0)
            return bad(err, config->config_file, node,
                       r == -E2BIG ? "too many keys (64 at most)"
                                   : "a key's id of 64 hex digits is expected here");
    }
    return 0;
}

static int platform_key(struct supervisor_config *config, yaml_document_t *document,
                        const yaml_node_t *key, const yaml_node_t *value, struct err *err)
{
    struct endpoint endpoint;
    struct err reason = {0};

    (void)document;
    if (strcmp(text_of(key), "queue") == 0)
        return take_number(config, value, PLATFORM_QUEUE_MAX, &config->platform_queue, err);
    if (strcmp(text_of(key), "bytes") == 0) {
        int r = take_size(config, value, PLATFORM_MAX_BYTES, &config->platform_bytes, err);
        if (r == 0 && config->platform_bytes < PLATFORM_MIN_BYTES)
            r = bad(err, config->config_file, value, "a quota is 64KiB to 64GiB");
        return r;
    }
    if (strcmp(text_of(key), "redis") == 0) {
        if (endpoint_parse(text_of(value), &endpoint, &reason) < 0)
            return bad(err, config->config_file, value, reason.message);
        snprintf(config->redis, sizeof config->redis, "%s", text_of(value));
        return 0;
    }
    if (strcmp(text_of(key), "redis_password") == 0) {
        if (text_of(value)[0] != '/' || strlen(text_of(value)) >= sizeof config->redis_password)
            return bad(err, config->config_file, value, "an absolute path is expected here");
        snprintf(config->redis_password, sizeof config->redis_password, "%s", text_of(value));
        return 0;
    }
    return bad(err, config->config_file, key,
               "unknown key (platform has: bytes, queue, redis, redis_password)");
}

/* NAME: KEY, as `vireo allow key` shows it. */
static int voter_key(struct supervisor_config *config, yaml_document_t *document,
                     const yaml_node_t *key, const yaml_node_t *value, struct err *err)
{
    struct audit_rules *rules = &config->votes;
    struct sign_trust one = {0};

    (void)document;
    if (rules->voter_count == AUDIT_VOTERS_MAX)
        return bad(err, config->config_file, key, "too many voters (32 at most)");
    if (text_of(key)[0] == '\0' || strlen(text_of(key)) >= sizeof rules->voters[0].name)
        return bad(err, config->config_file, key, "a voter's name of 1 to 63 bytes is expected");
    if (sign_trust_add(&one, text_of(value)) < 0)
        return bad(err, config->config_file, value, "a key of 64 hex digits is expected here");
    /* One key, one vote. */
    for (unsigned i = 0; i < rules->voter_count; i++)
        if (memcmp(rules->voters[i].key, one.keys[0], AUDIT_KEY_BYTES) == 0 ||
            strcmp(rules->voters[i].name, text_of(key)) == 0)
            return bad(err, config->config_file, key, "this voter or key is there already");
    snprintf(rules->voters[rules->voter_count].name, sizeof rules->voters[0].name, "%s",
             text_of(key));
    memcpy(rules->voters[rules->voter_count++].key, one.keys[0], AUDIT_KEY_BYTES);
    return 0;
}

static int votes_key(struct supervisor_config *config, yaml_document_t *document,
                     const yaml_node_t *key, const yaml_node_t *value, struct err *err)
{
    const struct {
        const char *name;
        uint32_t *to, most;
    } numbers[] = {
        {"quorum", &config->votes.quorum, AUDIT_VOTERS_MAX},
        {"deadline_seconds", &config->votes.deadline_seconds, 366 * 86400},
        {"demote_events", &config->votes.demote_events, UINT32_MAX},
        {"demote_functions", &config->votes.demote_functions, FUNCTIONS_MAX},
        {"unused_seconds", &config->votes.unused_seconds, 3660u * 86400},
    };

    if (strcmp(text_of(key), "voters") == 0)
        return each_key(document, value, config->config_file, voter_key, config, err);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (strcmp(text_of(key), numbers[i].name) == 0)
            return take_number(config, value, numbers[i].most, numbers[i].to, err);
    return bad(err, config->config_file, key,
               "unknown key (allow_votes has: deadline_seconds, demote_events, demote_functions, "
               "quorum, unused_seconds, voters)");
}

static int top_key(struct supervisor_config *config, yaml_document_t *document,
                   const yaml_node_t *key, const yaml_node_t *value, struct err *err)
{
    if (strcmp(text_of(key), "template") == 0)
        return each_key(document, value, config->config_file, template_key, config, err);
    if (strcmp(text_of(key), "logs") == 0)
        return each_key(document, value, config->config_file, log_key, config, err);
    if (strcmp(text_of(key), "containers") == 0)
        return each_key(document, value, config->config_file, containers_key, config, err);
    if (strcmp(text_of(key), "keys") == 0)
        return each_key(document, value, config->config_file, keys_key, config, err);
    if (strcmp(text_of(key), "allow_layers") == 0)
        return each_key(document, value, config->config_file, layer_key, config, err);
    if (strcmp(text_of(key), "allow_votes") == 0)
        return each_key(document, value, config->config_file, votes_key, config, err);
    if (strcmp(text_of(key), "platform") == 0)
        return each_key(document, value, config->config_file, platform_key, config, err);
    if (strcmp(text_of(key), "allow_grants") != 0)
        return bad(err, config->config_file, key,
                   "unknown key (known: allow_grants, allow_layers, allow_votes, containers, "
                   "keys, logs, platform, template)");
    return each_key(document, value, config->config_file, grant_key, config, err);
}

int supervisor_config_read(struct supervisor_config *config, struct err *err)
{
    _cleanup_(freep) char *text = NULL;
    yaml_parser_t parser;
    yaml_document_t document;
    size_t size = 0;

    config->log_ring = LOG_RING_BYTES;
    config->log_rate = LOG_RATE_BYTES;
    config->votes = (struct audit_rules){.quorum = VOTES_QUORUM,
                                         .deadline_seconds = VOTES_DEADLINE_SECONDS,
                                         .demote_events = VOTES_DEMOTE_EVENTS,
                                         .demote_functions = VOTES_DEMOTE_FUNCTIONS,
                                         .unused_seconds = VOTES_UNUSED_SECONDS};
    config->container_spares = CONTAINER_SPARES;
    config->platform_bytes = PLATFORM_BYTES;
    config->platform_queue = PLATFORM_QUEUE;
    for (enum allow_layer layer = ALLOW_BASE; layer <= ALLOW_IO; layer++) {
        strcpy(config->allow_layers[layer][0], "*");
        config->allow_layers_count[layer] = 1;
    }
    if (!config->config_file)
        return 0;
    int r = fd_read_file(AT_FDCWD, config->config_file, CONFIG_MAX_BYTES, &text, &size, err);
    if (r < 0)
        return r;
    if (!yaml_parser_initialize(&parser))
        return err_set(err, -ENOMEM, "cannot read '%s'", config->config_file);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    if (!yaml_parser_load(&parser, &document)) {
        r = err_say(err, -EINVAL, "cannot read '%s': line %zu, column %zu: %s", config->config_file,
                    parser.problem_mark.line + 1, parser.problem_mark.column + 1,
                    parser.problem ? parser.problem : "bad YAML");
        yaml_parser_delete(&parser);
        return r;
    }
    yaml_node_t *root = yaml_document_get_root_node(&document);
    if (root)
        r = each_key(&document, root, config->config_file, top_key, config, err);
    if (r == 0 && config->votes.voter_count > 0 && config->votes.quorum > config->votes.voter_count)
        r = err_say(
            err, -EINVAL,
            "cannot read '%s': allow_votes has %u voters, so that its quorum of %u is never "
            "met",
            config->config_file, config->votes.voter_count, config->votes.quorum);
    yaml_document_delete(&document);
    yaml_parser_delete(&parser);
    return r;
}
