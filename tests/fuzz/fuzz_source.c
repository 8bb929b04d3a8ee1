/*
 * What a user or the operator writes: vireo.yaml, the daemon's configuration, a packed source, and
 * what the command line lays over a manifest. The first byte says which.
 */
#include <errno.h>
#include <sys/mman.h>

#include "base/err.h"
#include "base/fd.h"
#include "build/manifest.h"
#include "build/tar.h"
#include "faas/supervisor.h"
#include "fuzz.h"

static void refused_properly(int r, const struct err *err)
{
    CHECK((r == -EINVAL || r == -EFBIG) && strncmp(err->message, "cannot ", 7) == 0);
    CHECK(!strpbrk(err->message, "\r\n\033"));
}

static void files_are_proper(const struct manifest *manifest)
{
    for (uint32_t i = 0; i < manifest->file_count; i++) {
        const struct manifest_file *file = &manifest->files[i];
        CHECK(file->path[0] == '/' && file->path[1] && !strstr(file->path, "/../"));
        CHECK(file->host[0] == '\0' || file->host[0] == '/');
    }
}

/* Accepted: as canonical text it reads back to the same. */
static void as_manifest(const char *text, size_t size)
{
    static struct manifest manifest, again;
    struct err err = {0};
    char *formatted;

    int r = manifest_parse(text, size, "vireo.yaml", &manifest, &err);
    if (r < 0) {
        refused_properly(r, &err);
        return;
    }
    files_are_proper(&manifest);
    CHECK(manifest_check(&manifest, &err) == 0);
    CHECK(manifest_format(&manifest, &formatted, &err) == 0);
    r = manifest_parse(formatted, strlen(formatted), "again", &again, &err);
    if (r < 0)
        fprintf(stderr, "%s\n%s\n", err.message, formatted);
    CHECK(r == 0);
    char *twice;
    CHECK(manifest_format(&again, &twice, &err) == 0);
    CHECK(strcmp(formatted, twice) == 0);
    free(formatted);
    free(twice);
}

/* A manifest that asks for `host` under this configuration: never one that leads out. */
static void asks_for(const struct supervisor_config *config, const char *host)
{
    static struct manifest manifest;
    struct err err = {0};

    manifest.file_count = 1;
    snprintf(manifest.files[0].host, sizeof manifest.files[0].host, "%s", host);
    bool allowed = supervisor_config_allows(config, &manifest, &err) == 0;
    CHECK(!allowed || !strstr(host, "/../"));
    CHECK(!allowed || config->allow_files_count > 0);
}

static void as_config(const char *text, size_t size)
{
    static struct supervisor_config config;
    struct err err = {0};
    char path[32], host[300];
    int fd = memfd_create("config", MFD_CLOEXEC);

    CHECK(fd >= 0 && fd_write_full(fd, text, size) == 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    config = (struct supervisor_config){.config_file = path};
    int r = supervisor_config_read(&config, &err);
    close(fd);
    if (r < 0) {
        refused_properly(r, &err);
        return;
    }
    CHECK(config.allow_files_count <= 16);
    for (unsigned i = 0; i < config.allow_files_count; i++) {
        CHECK(config.allow_files[i][0] == '/' && !strstr(config.allow_files[i], "/../"));
        asks_for(&config, config.allow_files[i]);
        snprintf(host, sizeof host, "%.200s/../../etc/shadow", config.allow_files[i]);
        asks_for(&config, host);
    }
}

static void as_tar(const uint8_t *data, size_t size)
{
    struct tar_reader reader = {.bytes = data, .size = size};
    struct tar_entry entry;
    struct err err = {0};
    int r;

    while ((r = tar_next(&reader, &entry, &err)) > 0) {
        CHECK(memchr(entry.name, '\0', sizeof entry.name) && entry.name[0] != '/');
        CHECK(strcmp(entry.name, "..") != 0 && strncmp(entry.name, "../", 3) != 0 &&
              !strstr(entry.name, "/../"));
        for (const char *c = entry.name; *c; c++)
            CHECK((unsigned char)*c >= 0x20 && *c != 0x7f);
        CHECK(entry.size == 0 ||
              (entry.data >= data && entry.size <= size && entry.data + entry.size <= data + size));
        if (!entry.directory && strcmp(entry.name, "vireo.yaml") == 0)
            as_manifest((const char *)entry.data, entry.size);
    }
    CHECK(r == 0 || ((r == -EINVAL || r == -EFBIG) && strncmp(err.message, "cannot ", 7) == 0));
}

/* "key=value" lines laid over a manifest, as `vireo deploy --memory ...` does. */
static void as_options(struct input *input)
{
    static int (*const set[])(struct manifest *, const char *, struct err *) = {
        manifest_set_name,    manifest_set_memory,    manifest_set_cpus,
        manifest_set_timeout, manifest_set_isolation, manifest_set_env,
    };
    static struct manifest manifest;
    struct err err = {0};
    char value[300], *formatted;

    manifest_default(&manifest);
    while (input->left > 0) {
        unsigned which = (unsigned)take(input, 1) % (sizeof set / sizeof *set);
        const uint8_t *end = memchr(input->at, '\n', input->left);
        size_t bytes = end ? (size_t)(end - input->at) : input->left;
        const uint8_t *from = take_bytes(input, bytes, &bytes);
        take(input, 1);
        snprintf(value, sizeof value, "%.*s", (int)(bytes < 299 ? bytes : 299), (const char *)from);
        err = (struct err){0};
        if (set[which](&manifest, value, &err) < 0)
            CHECK(err.message[0]);
    }
    if (manifest_settle(&manifest, &err) < 0)
        return;
    CHECK(manifest_format(&manifest, &formatted, &err) == 0);
    CHECK(manifest_parse(formatted, strlen(formatted), "formatted", &manifest, &err) == 0);
    as_manifest(formatted, strlen(formatted));
    free(formatted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct input input = {data + 1, size - 1};
    char *text = malloc(input.left + 1);
    CHECK(text);
    memcpy(text, input.at, input.left);
    switch (data[0]) {
    case 'c':
        as_config(text, input.left);
        break;
    case 't':
        as_tar((const uint8_t *)text, input.left);
        break;
    case 'o':
        as_options(&input);
        break;
    default:
        as_manifest(text, input.left);
    }
    free(text);
    return 0;
}
