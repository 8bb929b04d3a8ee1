/* The keys of a manifest: one row each, and the checks of those that are not numbers. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "allow/allow.h"
#include "base/cleanup.h"
#include "base/endpoint.h"
#include "base/err.h"
#include "base/limits.h"
#include "build/manifest_internal.h"

#define KIB (1ull << 10)
#define MIB (1ull << 20)
#define GIB (1ull << 30)
#define TIB (1ull << 40)
#define HOUR_MS (60ull * 60 * 1000)

/* Copies a text that was checked into its field. */
static int text_store(char *to, size_t size, const char *text, struct err *reason)
{
    size_t length = strlen(text);

    if (length >= size)
        return err_say(reason, -EINVAL, "it is longer than %zu bytes", size - 1);
    memset(to, 0, size);
    memcpy(to, text, length);
    return 0;
}

static bool is_name(const char *value)
{
    return value[0] != '\0' && value[0] != '-' &&
           value[strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static int set_name(struct manifest *manifest, const char *value, struct err *reason)
{
    if (!is_name(value))
        return err_say(reason, -EINVAL,
                       "a name is lower-case letters, digits and '-', and does not begin with '-'");
    return text_store(manifest->name, sizeof manifest->name, value, reason);
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static int set_version(struct manifest *manifest, const char *value, struct err *reason)
{
    if (value[0] == '\0' || value[strspn(value, LETTERS DIGITS ".-_+")] != '\0')
        return err_say(reason, -EINVAL, "a version is letters, digits and . - _ +");
    return text_store(manifest->version, sizeof manifest->version, value, reason);
}

static bool is_identifier(const char *text)
{
    return text[0] != '\0' && !strchr(DIGITS, text[0]) &&
           text[strspn(text, LETTERS DIGITS "_")] == '\0';
}

static int set_entry(struct manifest *manifest, const char *value, struct err *reason)
{
    /* Which of the two it must be, manifest_runtime_check() knows. C's names are short. */
    if (!(is_identifier(value) && strlen(value) < 64) && !manifest_entry_is_of_module(value))
        return err_say(reason, -EINVAL, "it is not the name of a C function, nor module:function");
    return text_store(manifest->entry, sizeof manifest->entry, value, reason);
}

static int set_http(struct manifest *manifest, const char *value, struct err *reason)
{
    if (strcmp(value, "cgi") != 0 && strcmp(value, "plain") != 0)
        return err_say(reason, -EINVAL, "it is cgi or plain");
    manifest->http_cgi = value[0] == 'c';
    return 0;
}

static int set_isolation(struct manifest *manifest, const char *value, struct err *reason)
{
    if (strcmp(value, "instance") != 0 && strcmp(value, "request") != 0)
        return err_say(reason, -EINVAL, "it is instance or request");
    manifest->isolation = value[0] == 'i' ? MANIFEST_INSTANCE : MANIFEST_REQUEST;
    return 0;
}

static int set_group(struct manifest *manifest, const char *value, struct err *reason)
{
    if (strcmp(value, "family") != 0 && strcmp(value, "own") != 0)
        return err_say(reason, -EINVAL, "it is family or own");
    manifest->family.own_groups = value[0] == 'o';
    return 0;
}

static const char *const recycles[] = {
    [MANIFEST_RECYCLE_NONE] = "none",
    [MANIFEST_RECYCLE_BLANK] = "blank",
    [MANIFEST_RECYCLE_REUSE] = "reuse",
};

const char *manifest_recycle_name(enum manifest_recycle recycle)
{
    return recycles[recycle];
}

static int set_recycle(struct manifest *manifest, const char *value, struct err *reason)
{
    for (size_t i = 0; i < ARRAY_LEN(recycles); i++) {
        if (strcmp(recycles[i], value) != 0)
            continue;
        manifest->recycle = (enum manifest_recycle)i;
        return 0;
    }
    return err_say(reason, -EINVAL, "it is none, blank or reuse");
}

#define AT(member) sizeof(((struct manifest *)0)->member), offsetof(struct manifest, member)

const struct manifest_key manifest_keys[] = {
    {"", "name", VALUE_TEXT, .set = set_name},
    {"", "version", VALUE_TEXT, .set = set_version},
    {"", "entry", VALUE_TEXT, .set = set_entry},
    {"", "runtime", VALUE_TEXT, .set = manifest_set_runtime},
    {"", "http", VALUE_TEXT, .set = set_http},
    {"", "isolation", VALUE_TEXT, .set = set_isolation},
    {"", "recycle", VALUE_TEXT, .set = set_recycle},
    {"", "talk", VALUE_TEXT, .set = manifest_talk_set},
    {"", "directory", VALUE_TEXT, .set = manifest_directory_set},

    {"limits", "memory", VALUE_BYTES, AT(limits.memory_bytes), MIB, 4 * GIB},
    {"limits", "cpus", VALUE_CPUS, AT(limits.cpu_millis), 10, 1024 * 1000, .zero = true},
    {"limits", "pids", VALUE_COUNT, AT(limits.pids), 1, 4096},
    {"limits", "timeout", VALUE_DURATION, AT(limits.timeout_ms), 1, HOUR_MS},
    {"limits", "stack", VALUE_BYTES, AT(limits.stack_bytes), 64 * KIB, 64 * MIB},
    {"limits", "request", VALUE_BYTES, AT(limits.request_bytes), 1, REQUEST_BODY_MAX_BYTES},
    {"limits", "answer", VALUE_BYTES, AT(limits.answer_bytes), 1, RESPONSE_BODY_MAX_BYTES},

    {"io", "bytes_per_second", VALUE_BYTES, AT(limits.io_bytes_per_second), 4 * KIB, TIB,
     .zero = true},
    {"io", "operations_per_second", VALUE_COUNT, AT(limits.io_operations_per_second), 1, 10000000,
     .zero = true},

    {"family", "depth", VALUE_COUNT, AT(family.depth), 1, 64},
    {"family", "group", VALUE_TEXT, .set = set_group},

    {"pool", "instances", VALUE_COUNT, AT(pool.instances_max), 1, 1024},
    {"pool", "spares", VALUE_COUNT, AT(pool.spares), 0, 1024},
    {"pool", "queue", VALUE_COUNT, AT(pool.queue_max), 0, 65536},
    {"pool", "idle", VALUE_DURATION, AT(pool.idle_ms), 0, 24 * HOUR_MS},

    {"update", "slack", VALUE_BYTES, AT(update.slack_bytes), 0, 16 * MIB},
};
const size_t manifest_key_count = ARRAY_LEN(manifest_keys);
_Static_assert(ARRAY_LEN(manifest_keys) <= MANIFEST_CEILING_TMP, "each may have a ceiling");

const struct manifest_key *manifest_key_find(const char *section, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(manifest_keys); i++)
        if (strcmp(manifest_keys[i].section, section) == 0 &&
            strcmp(manifest_keys[i].name, name) == 0)
            return &manifest_keys[i];
    return NULL;
}

void manifest_key_text(const struct manifest_key *key, uint64_t number, char *text, size_t size)
{
    switch (key->value) {
    case VALUE_BYTES:
        value_bytes_text(number, "", text, size);
        break;
    case VALUE_DURATION:
        value_duration_text(number, text, size);
        break;
    case VALUE_CPUS:
        value_cpus_text(number, text, size);
        break;
    default:
        snprintf(text, size, "%" PRIu64, number);
    }
}

static int number_set(const struct manifest_key *key, struct manifest *manifest, const char *value,
                      struct err *reason)
{
    static int (*const parse[])(const char *, uint64_t *, struct err *) = {
        [VALUE_BYTES] = value_bytes,
        [VALUE_DURATION] = value_duration,
        [VALUE_CPUS] = value_cpus,
        [VALUE_COUNT] = value_count,
    };
    char least[32], most[32];
    uint64_t number;
    int r = parse[key->value](value, &number, reason);

    if (r < 0)
        return r;
    if ((number < key->min || number > key->max) && !(number == 0 && key->zero)) {
        manifest_key_text(key, key->min, least, sizeof least);
        manifest_key_text(key, key->max, most, sizeof most);
        return err_say(reason, -EINVAL, "it is not within %s and %s%s", least, most,
                       key->zero ? ", or 0 for no limit" : "");
    }
    manifest_key_put(key, manifest, number);
    return 0;
}

void manifest_key_put(const struct manifest_key *key, struct manifest *manifest, uint64_t number)
{
    uint32_t narrow = (uint32_t)number; /* no max is above 32 bits where the field is narrow */

    if (key->width == sizeof narrow)
        memcpy((char *)manifest + key->offset, &narrow, sizeof narrow);
    else
        memcpy((char *)manifest + key->offset, &number, sizeof number);
}

uint64_t manifest_key_get(const struct manifest_key *key, const struct manifest *manifest)
{
    uint32_t narrow;
    uint64_t number;

    if (key->width == sizeof narrow) {
        memcpy(&narrow, (const char *)manifest + key->offset, sizeof narrow);
        return narrow;
    }
    memcpy(&number, (const char *)manifest + key->offset, sizeof number);
    return number;
}

int manifest_key_set(const struct manifest_key *key, struct manifest *manifest, const char *value,
                     struct err *reason)
{
    struct err cause = {0};
    int r = key->value == VALUE_TEXT ? key->set(manifest, value, &cause)
                                     : number_set(key, manifest, value, &cause);

    if (r < 0)
        return err_say(reason, r, "%s '%s': %s", key->name, value_show(value).text, cause.message);
    return 0;
}

int manifest_add_source(struct manifest *manifest, const char *pattern, struct err *reason)
{
    char absolute[sizeof manifest->sources[0] + 1];
    struct err cause = {0};

    if (manifest->source_count == ARRAY_LEN(manifest->sources))
        return err_say(reason, -EINVAL, "there are more than %zu sources",
                       ARRAY_LEN(manifest->sources));
    if (pattern[0] == '/' || pattern[0] == '\0')
        return err_say(reason, -EINVAL, "source '%s': it is not a relative path",
                       value_show(pattern).text);
    if (strlen(pattern) >= sizeof manifest->sources[0])
        return err_say(reason, -EINVAL, "source '%s': it is longer than %zu bytes",
                       value_show(pattern).text, sizeof manifest->sources[0] - 1);
    /* The rules of a path in a function, but for the first slash. */
    snprintf(absolute, sizeof absolute, "/%s", pattern);
    if (value_path(absolute, sizeof absolute, &cause) < 0)
        return err_say(reason, -EINVAL, "source '%s': %s", value_show(pattern).text, cause.message);
    /* It would be read as an option of the compiler. */
    if (pattern[0] == '-' || strchr(pattern, '\\'))
        return err_say(reason, -EINVAL, "source '%s': it begins with '-' or has a backslash",
                       value_show(pattern).text);
    for (uint32_t i = 0; i < manifest->source_count; i++)
        if (strcmp(manifest->sources[i], pattern) == 0)
            return err_say(reason, -EINVAL, "source '%s': it is there twice",
                           value_show(pattern).text);
    return text_store(manifest->sources[manifest->source_count++], sizeof manifest->sources[0],
                      pattern, reason);
}

/* What all variables together take, as NAME=VALUE with NUL. */
static size_t env_bytes(const struct manifest *manifest)
{
    size_t bytes = 0;

    for (uint32_t i = 0; i < manifest->env_count; i++)
        bytes += strlen(manifest->env[i].name) + strlen(manifest->env[i].value) + 2;
    return bytes;
}

/* Puts a variable in its place; `value` and `file` are checked, one of them is "". */
static int env_store(struct manifest *manifest, const char *name, const char *value,
                     const char *file, struct err *reason)
{
    struct value_shown shown = value_show(name);
    uint32_t at = 0;

    if (!is_identifier(name) || strlen(name) >= sizeof manifest->env[0].name)
        return err_say(reason, -EINVAL,
                       "env '%s': a name is letters, digits and '_', at most %zu of them",
                       shown.text, sizeof manifest->env[0].name - 1);
    while (at < manifest->env_count && strcmp(manifest->env[at].name, name) != 0)
        at++;
    if (at == GRANT_ENV_MAX)
        return err_say(reason, -EINVAL, "there are more than %d variables in env", GRANT_ENV_MAX);
    struct manifest_env before = manifest->env[at];
    text_store(manifest->env[at].name, sizeof before.name, name, reason);
    text_store(manifest->env[at].value, sizeof before.value, value, reason);
    text_store(manifest->env[at].file, sizeof before.file, file, reason);
    uint32_t count_before = manifest->env_count;
    if (at == manifest->env_count)
        manifest->env_count++;
    if (env_bytes(manifest) > GRANT_ENV_TOTAL_BYTES) {
        manifest->env[at] = before;
        manifest->env_count = count_before;
        return err_say(reason, -EINVAL, "env '%s': all variables together are longer than %d bytes",
                       shown.text, GRANT_ENV_TOTAL_BYTES);
    }
    return 0;
}

int manifest_put_secret(struct manifest *manifest, const char *name, const char *file,
                        struct err *reason)
{
    struct err cause = {0};

    if (value_path(file, sizeof manifest->env[0].file, &cause) < 0)
        return err_say(reason, -EINVAL, "env '%s': file '%s': %s", value_show(name).text,
                       value_show(file).text, cause.message);
    return env_store(manifest, name, "", file, reason);
}

int manifest_put_env(struct manifest *manifest, const char *name, const char *value,
                     struct err *reason)
{
    struct value_shown shown = value_show(name);

    if (strlen(value) >= sizeof manifest->env[0].value)
        return err_say(reason, -EINVAL, "env '%s': its value is longer than %zu bytes", shown.text,
                       sizeof manifest->env[0].value - 1);
    if (!value_text_is_proper(value, true))
        return err_say(reason, -EINVAL,
                       "env '%s': its value has control characters or is not UTF-8", shown.text);
    return env_store(manifest, name, value, "", reason);
}

int manifest_add_listen(struct manifest *manifest, const char *text, struct err *reason)
{
    struct value_shown shown = value_show(text);
    struct endpoint endpoint;
    struct err cause = {0};

    if (manifest->listen_count == GRANT_LISTEN_MAX)
        return err_say(reason, -EINVAL, "there are more than %d addresses to listen on",
                       GRANT_LISTEN_MAX);
    if (endpoint_parse(text, &endpoint, &cause) < 0)
        return err_say(reason, -EINVAL, "listen '%s': %s", shown.text, cause.message);
    if (!endpoint.is_address)
        return err_say(reason, -EINVAL, "listen '%s': its host is no address", shown.text);
    for (uint32_t i = 0; i < manifest->listen_count; i++) {
        struct endpoint other;
        if (endpoint_parse(manifest->listen[i], &other, NULL) == 0 && other.port == endpoint.port &&
            memcmp(&other.address, &endpoint.address, sizeof other.address) == 0)
            return err_say(reason, -EINVAL, "listen '%s': it is there twice", shown.text);
    }
    return text_store(manifest->listen[manifest->listen_count++], sizeof manifest->listen[0], text,
                      reason);
}

int manifest_add_connect(struct manifest *manifest, const char *text, struct err *reason)
{
    struct value_shown shown = value_show(text);
    struct endpoint endpoint;
    struct err cause = {0};

    if (manifest->connect_count == GRANT_CONNECT_MAX)
        return err_say(reason, -EINVAL, "there are more than %d places to connect to",
                       GRANT_CONNECT_MAX);
    if (endpoint_connect_parse(text, &endpoint, &cause) < 0)
        return err_say(reason, -EINVAL, "connect '%s': %s", shown.text, cause.message);
    for (uint32_t i = 0; i < manifest->connect_count; i++)
        if (strcmp(manifest->connect[i], text) == 0)
            return err_say(reason, -EINVAL, "connect '%s': it is there twice", shown.text);
    return text_store(manifest->connect[manifest->connect_count++], sizeof manifest->connect[0],
                      text, reason);
}

/* Names of functions, each once. */
static int add_name(char (*names)[NAME_MAX_BYTES + 1], uint32_t *count, const char *grant,
                    const char *text, struct err *reason)
{
    struct value_shown shown = value_show(text);

    if (!is_name(text))
        return err_say(reason, -EINVAL, "%s '%s': it is no name of a function", grant, shown.text);
    for (uint32_t i = 0; i < *count; i++)
        if (strcmp(names[i], text) == 0)
            return err_say(reason, -EINVAL, "%s '%s': it is there twice", grant, shown.text);
    return text_store(names[(*count)++], sizeof names[0], text, reason);
}

int manifest_add_queue(struct manifest *manifest, const char *text, struct err *reason)
{
    if (manifest->queue_count == GRANT_QUEUE_MAX)
        return err_say(reason, -EINVAL, "there are more than %d functions to send messages to",
                       GRANT_QUEUE_MAX);
    return add_name(manifest->queue, &manifest->queue_count, "queue", text, reason);
}

int manifest_add_exec(struct manifest *manifest, const char *text, struct err *reason)
{
    if (manifest->exec_count == GRANT_EXEC_MAX)
        return err_say(reason, -EINVAL, "there are more than %d programs to run", GRANT_EXEC_MAX);
    return add_name(manifest->exec, &manifest->exec_count, "exec", text, reason);
}

int manifest_add_layer(struct manifest *manifest, const char *text, struct err *reason)
{
    struct value_shown shown = value_show(text);
    enum allow_layer layer;

    if (allow_layer_find(text, &layer) < 0)
        return err_say(reason, -EINVAL, "allow '%s': the layers are base, io and platform",
                       shown.text);
    if (manifest->layers & ALLOW_BIT(layer))
        return err_say(reason, -EINVAL, "allow '%s': it is there twice", shown.text);
    manifest->layers |= ALLOW_BIT(layer);
    return 0;
}

/* Is `inner` the directory `outer` or below it? */
static bool is_below(const char *outer, const char *inner)
{
    size_t length = strlen(outer);

    return strncmp(outer, inner, length) == 0 && (inner[length] == '\0' || inner[length] == '/');
}

static int file_paths_check(const struct manifest *manifest, const struct manifest_file *file,
                            struct err *reason)
{
    static const char *const reserved[] = {"/proc", "/sys", "/dev"};
    struct value_shown shown = value_show(file->path);
    struct err cause = {0};

    if (value_path(file->path, sizeof file->path, &cause) < 0)
        return err_say(reason, -EINVAL, "path '%s': %s", shown.text, cause.message);
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
        if (is_below(reserved[i], file->path))
            return err_say(reason, -EINVAL, "path '%s': %s is not granted", shown.text,
                           reserved[i]);
    for (uint32_t i = 0; i < manifest->file_count; i++)
        if (is_below(manifest->files[i].path, file->path) ||
            is_below(file->path, manifest->files[i].path))
            return err_say(reason, -EINVAL, "path '%s': it is the same as, inside or around '%s'",
                           shown.text, value_show(manifest->files[i].path).text);
    if (file->host[0] && value_path(file->host, sizeof file->host, &cause) < 0)
        return err_say(reason, -EINVAL, "host '%s': %s", value_show(file->host).text,
                       cause.message);
    return 0;
}

int manifest_add_file(struct manifest *manifest, const struct manifest_file *file,
                      bool writable_is_set, struct err *reason)
{
    struct value_shown shown = value_show(file->path);
    struct manifest_file added = *file;

    if (manifest->file_count == GRANT_FILES_MAX)
        return err_say(reason, -EINVAL, "there are more than %d grants of files", GRANT_FILES_MAX);
    if (file->path[0] == '\0')
        return err_say(reason, -EINVAL, "a grant of files has no path");
    int r = file_paths_check(manifest, file, reason);
    if (r < 0)
        return r;
    if (added.host[0] && added.size_bytes)
        return err_say(reason, -EINVAL,
                       "path '%s': size is for a private folder; this one is the host's",
                       shown.text);
    if (!added.host[0]) {
        if (writable_is_set && !added.writable)
            return err_say(reason, -EINVAL,
                           "path '%s': a private folder that is not writable holds nothing",
                           shown.text);
        added.writable = true;
        if (added.size_bytes == 0)
            added.size_bytes = 16 * MIB;
    }
    manifest->files[manifest->file_count++] = added;
    return 0;
}
