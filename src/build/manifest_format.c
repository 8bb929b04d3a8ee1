/* A manifest as canonical YAML: every key with its value, texts in quotes, in one order. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allow/allow.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "build/manifest_internal.h"

/*
 * A text in double quotes. What YAML or a terminal could read otherwise is escaped; of a character
 * that is not ASCII the code point is written, since some are line breaks to YAML.
 */
void manifest_format_quoted(FILE *out, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;

    fputc('"', out);
    while (*p) {
        if (*p == '"' || *p == '\\') {
            fprintf(out, "\\%c", *p++);
        } else if (*p < 0x20 || *p == 0x7f) {
            fprintf(out, "\\x%02x", *p++);
        } else if (*p < 0x80) {
            fputc(*p++, out);
        } else {
            /* The text is proper UTF-8: value_text_is_proper() saw to it. */
            int more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : 1;
            uint32_t point = *p++ & (0x3fu >> more);
            for (; more > 0 && (*p & 0xc0) == 0x80; more--)
                point = (point << 6) | (*p++ & 0x3f);
            fprintf(out, "\\U%08" PRIx32, point);
        }
    }
    fputc('"', out);
}

static void text_key(FILE *out, const char *name, const char *value)
{
    if (!value[0])
        return;
    fprintf(out, "%s: ", name);
    manifest_format_quoted(out, value);
    fputc('\n', out);
}

/* The numbers of one section, indented. */
static void section(FILE *out, const char *name, const char *indent,
                    const struct manifest *manifest)
{
    for (size_t i = 0; i < manifest_key_count; i++) {
        const struct manifest_key *key = &manifest_keys[i];
        char text[40];
        if (strcmp(key->section, name) != 0)
            continue;
        uint64_t number = manifest_key_get(key, manifest);
        /* Not said, where the value 0 can't be. */
        if (number == 0 && key->min > 0 && !key->zero)
            continue;
        switch (key->value) {
        case VALUE_BYTES:
            value_bytes_text(number, "", text, sizeof text);
            break;
        case VALUE_DURATION:
            value_duration_text(number, text, sizeof text);
            break;
        case VALUE_CPUS:
            value_cpus_text(number, text, sizeof text);
            break;
        default:
            snprintf(text, sizeof text, "%" PRIu64, number);
        }
        fprintf(out, "%s%s: %s\n", indent, key->name, text);
    }
}

static void file_grant(FILE *out, const struct manifest_file *file)
{
    char size[40];

    fprintf(out, "    - path: ");
    manifest_format_quoted(out, file->path);
    if (file->host[0]) {
        fprintf(out, "\n      host: ");
        manifest_format_quoted(out, file->host);
    } else {
        value_bytes_text(file->size_bytes, "", size, sizeof size);
        fprintf(out, "\n      size: %s", size);
    }
    fprintf(out, "\n      writable: %s\n", file->writable ? "true" : "false");
}

/* Rows of `bytes` each. */
static void texts(FILE *out, const char *name, const char *rows, size_t bytes, uint32_t count)
{
    if (count > 0)
        fprintf(out, "  %s:\n", name);
    for (uint32_t i = 0; i < count; i++) {
        fprintf(out, "    - ");
        manifest_format_quoted(out, rows + i * bytes);
        fputc('\n', out);
    }
}

static void grants(FILE *out, const struct manifest *manifest)
{
    if (manifest->file_count == 0 && manifest->env_count == 0 && manifest->listen_count == 0 &&
        manifest->connect_count == 0 && !manifest->fork && !manifest->ipc && !manifest->link &&
        manifest->queue_count == 0 && manifest->exec_count == 0 && !manifest->bpf.given)
        return;
    fprintf(out, "grants:\n");
    if (manifest->file_count > 0)
        fprintf(out, "  files:\n");
    for (uint32_t i = 0; i < manifest->file_count; i++)
        file_grant(out, &manifest->files[i]);
    if (manifest->env_count > 0)
        fprintf(out, "  env:\n");
    for (uint32_t i = 0; i < manifest->env_count; i++) {
        /* In quotes: a name such as NO or null would be something else to other readers. */
        fprintf(out, "    ");
        manifest_format_quoted(out, manifest->env[i].name);
        bool secret = manifest->env[i].file[0] != '\0';
        fprintf(out, secret ? ": {file: " : ": ");
        manifest_format_quoted(out, secret ? manifest->env[i].file : manifest->env[i].value);
        fprintf(out, secret ? "}\n" : "\n");
    }
    texts(out, "listen", manifest->listen[0], sizeof manifest->listen[0], manifest->listen_count);
    texts(out, "connect", manifest->connect[0], sizeof manifest->connect[0],
          manifest->connect_count);
    texts(out, "queue", manifest->queue[0], sizeof manifest->queue[0], manifest->queue_count);
    texts(out, "exec", manifest->exec[0], sizeof manifest->exec[0], manifest->exec_count);
    if (manifest->fork)
        fprintf(out, "  fork: true\n");
    if (manifest->ipc)
        fprintf(out, "  ipc: true\n");
    if (manifest->link)
        fprintf(out, "  link: true\n");
    if (manifest->bpf.given)
        fprintf(out, "  bpf: true\n");
}

/* What it asks of libraries, when it asks for anything. */
static void linking(FILE *out, const struct manifest *manifest)
{
    const struct manifest_library *library = &manifest->library;

    if (manifest->recycle != MANIFEST_RECYCLE_NONE)
        fprintf(out, "recycle: %s\n", manifest_recycle_name(manifest->recycle));
    text_key(out, "application", manifest->application);
    if (library->signer[0] || library->versions[0] || library->loader != MANIFEST_LOADER_ANY) {
        fprintf(out, "library:\n");
        text_key(out, "  signature", library->signer);
        text_key(out, "  versions", library->versions);
        fprintf(out, "  loader: %s\n", manifest_loader_name(library->loader));
    }
    if (manifest->dependency_count > 0)
        fprintf(out, "dependencies:\n");
    for (uint32_t i = 0; i < manifest->dependency_count; i++) {
        const struct manifest_dependency *dependency = &manifest->dependencies[i];
        text_key(out, "  - name", dependency->name);
        text_key(out, "    versions", dependency->versions);
        text_key(out, "    signer", dependency->signer);
        text_key(out, "    hash", dependency->hash);
    }
}

/* The layers; nothing where the manifest said nothing. */
static void allow(FILE *out, const struct manifest *manifest)
{
    const char *before = "";

    if (!manifest->allow_said)
        return;
    fprintf(out, "allow: [");
    for (enum allow_layer layer = ALLOW_BASE; layer < ALLOW_RISKY; layer++)
        if (manifest->layers & ALLOW_BIT(layer)) {
            fprintf(out, "%s%s", before, allow_layer_name(layer));
            before = ", ";
        }
    fprintf(out, "]\n");
}

struct vkernel_writer {
    FILE *out;
    char part[VKERNEL_KEY_BYTES], section[VKERNEL_KEY_BYTES];
};

/* syscalls.calls.openat: as it is nested; what was not said is left out. */
static void vkernel_key(const char *key, const char *value, bool said, void *user)
{
    struct vkernel_writer *writer = user;
    const char *part_end = strchr(key, '.');
    const char *last = strrchr(key, '.') + 1;
    char section[VKERNEL_KEY_BYTES];

    if (!said)
        return;
    size_t length = (size_t)(part_end - key);
    if (!writer->part[0])
        fprintf(writer->out, "vkernel:\n");
    if (strncmp(writer->part, key, length) != 0 || writer->part[length]) {
        snprintf(writer->part, sizeof writer->part, "%.*s", (int)length, key);
        fprintf(writer->out, "  %s:\n", writer->part);
        writer->section[0] = '\0';
    }
    snprintf(section, sizeof section, "%.*s", (int)(last - key - 1), key);
    if (last != part_end + 1 && strcmp(section, writer->section) != 0)
        fprintf(writer->out, "    %s:\n", strchr(section, '.') + 1);
    strcpy(writer->section, section);
    fprintf(writer->out, last != part_end + 1 ? "      " : "    ");
    manifest_format_quoted(writer->out, last);
    fprintf(writer->out, ": ");
    manifest_format_quoted(writer->out, value);
    fputc('\n', writer->out);
}

static void virtual_kernel(FILE *out, const struct manifest *manifest)
{
    struct vkernel_writer writer = {.out = out};

    vkernel_each(&manifest->vkernel, vkernel_key, &writer);
}

static void whole(FILE *out, const struct manifest *manifest)
{
    text_key(out, "name", manifest->name);
    text_key(out, "version", manifest->version);
    if (manifest->source_count > 0)
        fprintf(out, "sources:\n");
    for (uint32_t i = 0; i < manifest->source_count; i++) {
        fprintf(out, "  - ");
        manifest_format_quoted(out, manifest->sources[i]);
        fputc('\n', out);
    }
    text_key(out, "entry", manifest->entry);
    manifest_runtime_format(out, manifest);
    fprintf(out, "http: %s\n", manifest->http_cgi ? "cgi" : "plain");
    fprintf(out, "isolation: %s\n",
            manifest->isolation == MANIFEST_REQUEST ? "request" : "instance");
    manifest_container_format(out, manifest);
    fprintf(out, "limits:\n");
    section(out, "limits", "  ", manifest);
    fprintf(out, "  io:\n");
    section(out, "io", "    ", manifest);
    grants(out, manifest);
    manifest_bpf_format(out, manifest);
    allow(out, manifest);
    linking(out, manifest);
    if (manifest->fork)
        fprintf(out, "family:\n  depth: %" PRIu32 "\n  group: %s\n", manifest->family.depth,
                manifest->family.own_groups ? "own" : "family");
    fprintf(out, "pool:\n");
    section(out, "pool", "  ", manifest);
    if (manifest->spares_by_rate)
        fprintf(out, "  policy: rate\n");
    if (manifest->container.started)
        fprintf(out, "  started: true\n");
    fprintf(out, "update:\n");
    section(out, "update", "  ", manifest);
    virtual_kernel(out, manifest);
}

int manifest_format(const struct manifest *manifest, char **ret_text, struct err *err)
{
    _cleanup_(freep) char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return err_set(err, -ENOMEM, "cannot write a manifest");
    whole(out, manifest);
    if (fclose(out) != 0)
        return err_set(err, -ENOMEM, "cannot write a manifest");
    *ret_text = steal_ptr(&text);
    return 0;
}
