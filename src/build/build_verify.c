/* The trusted side of a verification: vireo-verify in a sandbox of its own. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "build/build_internal.h"
#include "build/diagnostics.h"

#define VERIFY_CPU_SECONDS 20
#define VERIFY_TIMEOUT_MS 60000
#define VERIFY_MEMORY_BYTES (1ULL << 30)
#define REPORT_MAX_BYTES (32 << 20)
#define SHOWN_LINES 20
#define SHOWN_BYTES 4096

struct arguments {
    const char *items[BUILD_SOURCES_MAX + 4];
    size_t count;
};

static void add(struct arguments *arguments, const char *item)
{
    arguments->items[arguments->count++] = item;
    arguments->items[arguments->count] = NULL;
}

static int name_sources(struct build_source *source, const struct build_verify_input *input,
                        struct arguments *arguments, struct err *err)
{
    int r = build_source_open(source, input->bytes, input->size, NULL, NULL, err);

    if (r < 0)
        return r;
    if (source->module)
        return err_say(err, -EINVAL,
                       "cannot verify '%s': it is WebAssembly, which is translated, not proved",
                       input->name);
    for (size_t i = 0; i < source->name_count; i++)
        add(arguments, source->names[i]);
    return 0;
}

static int read_report(int fd, size_t size, const char *name, char **ret_json, struct err *err)
{
    _cleanup_(freep) char *json = malloc(size + 1);

    if (!json)
        return err_set(err, -ENOMEM, "cannot verify '%s'", name);
    ssize_t n = fd_read_full(fd, json, size);
    if (n != (ssize_t)size)
        return err_set(err, n < 0 ? (int)n : -EIO, "cannot verify '%s': read the report", name);
    json[size] = '\0';
    *ret_json = steal_ptr(&json);
    return 0;
}

static int run(const struct build_options *wanted, const struct build_verify_input *input,
               const struct arguments *arguments, char **ret_json, struct err *err)
{
    _cleanup_(sandbox_output_clear) struct sandbox_output output = {.fd = -1};
    _cleanup_(closep) int input_fd = -1;
    struct build_options options = *wanted;
    struct sandbox *sandbox;

    options.program = "vireo-verify";
    options.memory_bytes = VERIFY_MEMORY_BYTES;
    if (!options.timeout_ms)
        options.timeout_ms = VERIFY_TIMEOUT_MS;
    int r = fd_sealed_copy("verify", input->bytes, input->size, &input_fd, err);
    if (r == 0)
        r = sandbox_open(&options, input->name, &sandbox, err);
    if (r < 0)
        return r;
    struct sandbox_stage stage = {
        .name = "verify",
        .args = arguments->items,
        .input_fd = input_fd,
        .output_max = REPORT_MAX_BYTES,
        .cpu_seconds = VERIFY_CPU_SECONDS,
    };
    r = sandbox_run(sandbox, &stage, &output, err);
    sandbox_close(sandbox);
    if (options.diagnostics && output.log && *output.log) {
        _cleanup_(freep) char *head = diagnostics_head(output.log, SHOWN_LINES, SHOWN_BYTES);
        if (head)
            options.diagnostics(head, options.progress_user);
    }
    return r < 0 ? r : read_report(output.fd, output.size, input->name, ret_json, err);
}

int build_verify(const struct build_options *options, const struct build_verify_input *input,
                 char **ret_json, struct err *err)
{
    struct arguments arguments = {0};

    /* The manifest makes it too large for the stack of a thread. */
    _cleanup_(freep) struct build_source *source = calloc(1, sizeof *source);
    if (!source)
        return err_set(err, -ENOMEM, "cannot verify '%s'", input->name);
    add(&arguments, input->ir ? "ir" : "source");
    add(&arguments, input->entry);
    int r = input->ir ? 0 : name_sources(source, input, &arguments, err);
    if (r == 0)
        r = run(options, input, &arguments, ret_json, err);
    build_source_clear(source);
    return r;
}
