/* vireo build: a source to a signed library, without a daemon. */
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "build/build.h"
#include "cli/cli.h"
#include "cli/local_build.h"
#include "cli/options.h"
#include "cli/problem.h"
#include "cli/table.h"

static void report(const struct build_result *result, const struct sign_key *key,
                   const char *output, unsigned long long ms)
{
    char signer[BUILD_HASH_TEXT], size[32], time_text[32];

    sign_key_id(key, signer);
    if (cli.json) {
        _cleanup_(json_freep) struct json_object *object = json_object_new_object();
        json_object_object_add(object, "name", json_object_new_string(result->note.name));
        json_object_object_add(object, "version", json_object_new_string(result->note.version));
        json_object_object_add(object, "safety", json_object_new_string(result->note.safety));
        json_object_object_add(object, "kind", json_object_new_string(result->note.kind));
        json_object_object_add(object, "library", json_object_new_string(result->library_hash));
        json_object_object_add(object, "source", json_object_new_string(result->input_hash));
        json_object_object_add(object, "signed_by", json_object_new_string(signer));
        json_object_object_add(object, "size_bytes", json_object_new_uint64(result->size));
        json_object_object_add(object, "from_store", json_object_new_boolean(result->from_store));
        puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
                                                        JSON_C_TO_STRING_NOSLASHESCAPE));
        return;
    }
    if (cli.quiet)
        return;
    text_duration(ms, time_text, sizeof time_text);
    snprintf(size, sizeof size, "%zu KiB", (result->size + 1023) / 1024);
    printf("built %s: %s%s%s, %s, %s, %s\n", output, result->note.name,
           result->note.version[0] ? " " : "", result->note.version, result->note.safety, size,
           result->from_store ? "from the store" : time_text);
    if (cli.verbose)
        fprintf(stderr, "library %s\nsource  %s\nsigned  %s\n", result->library_hash,
                result->input_hash, signer);
}

static int build(const struct local_build_options *options, const char *output, struct err *err)
{
    int64_t begin_ns = clock_now_ns();
    struct local_build local = {0};

    int r = local_build_open(&local, err);
    if (r == 0)
        r = local_build(&local, options, err);
    if (r == 0)
        r = fd_write_file_atomic(AT_FDCWD, output, local.result.library, local.result.size, 0644,
                                 err);
    if (r == 0)
        report(&local.result, local.key, output,
               (unsigned long long)((clock_now_ns() - begin_ns) / 1000000));
    local_build_close(&local);
    return r;
}

int cli_build(int argc, char **argv)
{
    const char *output = NULL;
    const char *name = NULL;
    bool plain_progress = false;
    const char *require = NULL, *against = NULL;
    bool native = false;
    const struct cli_option options[] = {
        {.name = "--out", .letter = 'o', .text = &output},
        {.name = "--name", .text = &name},
        {.name = "--native", .flag = &native},
        {.name = "--require", .text = &require},
        {.name = "--against", .text = &against},
        {.name = "--progress", .flag = &plain_progress},
    };
    struct err err = {0};
    int words, exit;

    if (!cli_options(argc, argv, options, ARRAY_LEN(options), 0, &words, &exit))
        return exit;
    if (words != 1)
        return cli_usage("build", words == 0 ? "it needs a source" : "one source at a time");
    if (!output)
        return cli_usage("build", "it needs -o LIB, the file to write");
    if (native && require)
        return cli_usage("build", "native code is nothing that can be required");
    if (require && strcmp(require, "proved") != 0 && strcmp(require, "sfi") != 0)
        return cli_usage("build", "'--require %s': it is proved or sfi", require);
    if (native && against)
        return cli_usage("build", "native code is not laid out against another version");
    struct local_build_options wanted = {
        .source = argv[1],
        .name = name,
        .native = native,
        .ladder = !native,
        .require = require,
        .against = against,
        .plain_progress = plain_progress,
    };
    if (build(&wanted, output, &err) < 0)
        return cli_error(&err, NULL);
    return CLI_OK;
}
